//! How soon a PC's screen is on the far one, how old it is there, and what passing it on costs:
//! `cargo bench --profile dev --bench live`. Debian's Chromium shares 1080p at ten pictures a second; cameras at 360p.
//!
//! What passing on costs apart from the near screen is measured with a near box whose `[screen] sink` is `none`, by thread: that box
//! still decodes the share, for its size.

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

use live_support::{LIMIT, Pc, age_on, clock_on, is_fresh, now_ms, prepared, rooms};
use std::collections::BTreeMap;
use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::lab::End;
use support::wait_for;
use support::watch::Busy;

fn main() {
    let busy = Busy::since_now();
    on_both_screens();
    busy.says("on both screens");
    let busy = Busy::since_now();
    without_a_near_screen();
    busy.says("without a near screen");
}

fn on_both_screens() {
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
}

fn without_a_near_screen() {
    let setup = Setup { size: "640x360".into(), microphone: "closed".into(), ..Setup::default() };
    let (mut pair, screens) = prepared(None, &setup);
    pair.configure(End::A, "screen", "sink", "\"none\"");
    pair.start_both();
    pair.wait_up(LIMIT);
    let Some(mut pc) = Pc::with_screen(&pair, End::A, "ten", (1920, 1080)) else { return };
    pair.engawa(End::A, &["mode", "meeting"], &[]);
    std::thread::sleep(Duration::from_secs(3));
    let near = pair.daemon(End::A).pid();
    let before = by_thread(near);
    pc.shares();
    wait_for(LIMIT, || is_fresh(&screens[1]).then_some(())).expect("on the far screen");
    std::thread::sleep(Duration::from_secs(4));
    let with = by_thread(near);
    println!("the PC sends {}", pc.asked("stats"));
    let sum = |cores: &BTreeMap<String, f64>| cores.values().sum::<f64>();
    println!("cores, near box without a screen: in a meeting {:.2}, with the share {:.2}", sum(&before), sum(&with));
    for (name, with) in &with {
        let before = before.get(name).copied().unwrap_or_default();
        if (with - before).abs() >= 0.005 {
            println!("  thread {name}: {before:.3} → {with:.3}");
        }
    }
}

/// Cores over five seconds of all threads of a name.
fn by_thread(pid: u32) -> BTreeMap<String, f64> {
    let ticks = || -> BTreeMap<String, (String, u64)> {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
        // One that ends meanwhile counts for nothing.
        let stats = tasks.filter_map(|task| {
            let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
            let (name, fields) = stat.split_once('(')?.1.rsplit_once(')')?;
            let fields: Vec<&str> = fields.split_whitespace().collect();
            let ticks = fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?;
            Some((task.file_name().to_string_lossy().into_owned(), (name.to_owned(), ticks)))
        });
        stats.collect()
    };
    let before = ticks();
    std::thread::sleep(Duration::from_secs(5));
    let mut cores = BTreeMap::new();
    for (task, (name, after)) in ticks() {
        let was = before.get(&task).map_or(0, |(_, ticks)| *ticks);
        *cores.entry(name).or_default() += (after - was) as f64 / 500.0;
    }
    cores
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
