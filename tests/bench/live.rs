//! How soon a PC's screen is on the far one, how old it is there, and what passing it on costs:
//! `cargo bench --profile dev --bench live`. Debian's Chromium shares 1080p at ten pictures a second; cameras at 360p.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench measures real time and prints it"
)]

#[path = "../live_support/mod.rs"]
mod live_support;
#[path = "../support/mod.rs"]
mod support;

use live_support::{LIMIT, Pc, age_on, clock_on, now_ms, rooms};
use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::lab::End;
use support::wait_for;

fn main() {
    let setup = Setup { size: "640x360".into(), microphone: "closed".into(), ..Setup::default() };
    let (mut pair, screens) = rooms(&setup);
    pair.wait_up(LIMIT);
    let Some(mut pc) = Pc::with_screen(&pair, End::A, "ten", (1920, 1080)) else { return };
    pair.engawa(End::A, &["mode", "meeting"], &[]);
    std::thread::sleep(Duration::from_secs(3));
    let before = cores(&mut pair);
    let (mut firsts, mut ages) = (Vec::new(), Vec::new());
    for run in 0..5 {
        let pressed = pc.shares();
        let first = wait_for(LIMIT, || age_on(&screens[1]).filter(|age| *age < 2000).map(|_| now_ms() - pressed));
        firsts.push(first.expect("on the far screen"));
        std::thread::sleep(Duration::from_secs(4));
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(37));
            ages.extend(age_on(&screens[1]));
        }
        if run == 4 {
            println!("the PC sends {}", pc.asked("stats"));
            let with = cores(&mut pair);
            println!("cores, near and far box: in a meeting {before:.2?}, with the share {with:.2?}");
        }
        pc.told("end");
        pc.hears("ended");
        wait_for(LIMIT, || clock_on(&screens[1]).is_none().then_some(())).expect("gone");
        std::thread::sleep(Duration::from_secs(1));
    }
    firsts.sort_unstable();
    ages.sort_unstable();
    let of = |sorted: &[u64], percent: usize| sorted[(sorted.len() - 1) * percent / 100];
    println!("press → first picture on the far screen: median {} ms, {:?}", of(&firsts, 50), firsts);
    println!("age on the far screen: p50 {} ms, p95 {} ms of {}", of(&ages, 50), of(&ages, 95), ages.len());
    println!("load of the machine, one minute: {}", std::fs::read_to_string("/proc/loadavg").unwrap().trim());
}

/// Of one core, over five seconds.
fn cores(pair: &mut Pair<'_>) -> [f64; 2] {
    let pids = End::BOTH.map(|end| pair.daemon(end).pid());
    let ticks = |pid: u32| -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = pids.map(ticks);
    std::thread::sleep(Duration::from_secs(5));
    let after = pids.map(ticks);
    [0, 1].map(|end| (after[end] - before[end]) as f64 / 500.0)
}
