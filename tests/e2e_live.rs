//! A PC's screen on the screens of two real daemons: Chromium shares it over WHIP, the clock in it is read on the far screen.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it took"
)]

mod live_support;
mod support;

use live_support::{LIMIT, Pc, age_on, clock_on, now_ms, rooms, small};
use std::time::Duration;
use support::lab::End;
use support::wait_for;

#[test]
fn a_pcs_screen_stands_on_both_screens_and_either_room_ends_it_on_one_session() {
    let (pair, screens) = rooms(&small());
    let before = pair.wait_up(LIMIT);
    let Some(mut pc) = Pc::start(&pair, End::A, "runs") else { return };
    for stopped_by in [End::A, End::B] {
        let pressed = pc.shares();
        let fresh = |screen: &_| age_on(screen).filter(|age| *age < 3000);
        let near = wait_for(LIMIT, || fresh(&screens[0])).map(|_| now_ms() - pressed);
        let far = wait_for(LIMIT, || fresh(&screens[1])).map(|_| now_ms() - pressed);
        println!("pressed → near screen {near:?} ms, far screen {far:?} ms");
        screens[1].photograph("live-far");
        assert!(near.is_some() && far.is_some(), "on both screens: near {near:?}, far {far:?}");
        println!("the PC sends {}", pc.asked("stats"));
        let mut ages: Vec<u64> = (0..60)
            .filter_map(|_| {
                std::thread::sleep(Duration::from_millis(50));
                age_on(&screens[1])
            })
            .collect();
        ages.sort_unstable();
        println!(
            "age on the far screen: p50 {} ms, max {} ms of {}",
            ages[ages.len() / 2],
            ages[ages.len() - 1],
            ages.len()
        );
        assert!(ages[ages.len() / 2] < 2000, "the far screen lives: {ages:?}");
        for end in End::BOTH {
            let status = pair.wait_status(end, LIMIT, "meeting", |status| status["room"]["mode"] == "meeting");
            assert_eq!(
                (&status["microphone"], &status["session"]),
                (&"closed".into(), &before[end as usize]["session"])
            );
        }
        match stopped_by {
            End::A => {
                pc.told("end");
                pc.hears("ended");
            }
            End::B => drop(pair.engawa(End::B, &["share", "--stop-live"], &[])),
        }
        let gone = || screens.iter().all(|screen| clock_on(screen).is_none()).then_some(());
        assert!(wait_for(LIMIT, gone).is_some(), "gone from both screens, stopped by {stopped_by:?}");
        let over = wait_for(LIMIT, || (pc.asked("state")["own"] == false).then_some(()));
        assert!(over.is_some(), "the browser takes the screen no longer");
    }
}
