//! Promise 4 of the live share, on the screens of two real daemons: a PC that froze does not look live, a still window does not look frozen.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it took"
)]

mod live_support;
mod support;

use live_support::{LIMIT, Pc, age_on, clock_on, place_on, rooms, small};
use std::time::{Duration, Instant};
use support::lab::End;
use support::wait_for;

#[test]
fn a_frozen_pc_is_grey_on_both_screens_within_three_seconds_and_live_again_when_it_goes_on() {
    let (pair, screens) = rooms(&small());
    let before = pair.wait_up(LIMIT);
    let Some(mut pc) = Pc::start(&pair, End::A, "runs") else { return };
    pc.shares();
    let both = |wanted| screens.iter().all(|screen| place_on(screen) == Some(wanted)).then_some(());
    let fresh = || screens.iter().all(|screen| age_on(screen).is_some_and(|age| age < 2000)).then_some(());
    assert!(wait_for(LIMIT, fresh).is_some(), "on both screens");
    assert!(both("live").is_some(), "{:?}", screens.each_ref().map(place_on));
    for round in 0..2 {
        pc.freezes();
        let frozen = Instant::now();
        let grey = wait_for(Duration::from_secs(4), || both("grey"));
        let took = frozen.elapsed();
        (0..2).for_each(|place| screens[place].photograph(&format!("live-silent-{round}-{place}")));
        println!("frozen → grey on both screens {took:?}");
        assert!(grey.is_some() && took < Duration::from_secs(3), "{took:?}: {:?}", screens.each_ref().map(place_on));
        for end in End::BOTH {
            let status = pair.status(end).unwrap();
            let silent_s = status["room"]["live"]["silent_s"].as_f64();
            assert!(silent_s.is_some_and(|silent_s| (2.0..5.0).contains(&silent_s)), "{end:?}: {silent_s:?}");
        }
        pc.goes_on();
        let thawed = Instant::now();
        assert!(wait_for(LIMIT, || fresh().and(both("live"))).is_some(), "{:?}", screens.each_ref().map(place_on));
        println!("goes on → live on both screens {:?}", thawed.elapsed());
        assert!(thawed.elapsed() < Duration::from_secs(4));
    }
    assert!(!pair.log(End::A).contains("LiveEnded"), "it was one share all the while");
    pc.freezes();
    let ended = || End::BOTH.iter().all(|end| pair.status(*end).is_some_and(|said| said["room"]["live"].is_null()));
    assert!(wait_for(Duration::from_secs(9), || ended().then_some(())).is_some());
    assert!(pair.log(End::A).contains("Vanished"));
    pc.goes_on();
    for end in End::BOTH {
        assert_eq!(pair.status(end).unwrap()["session"], before[end as usize]["session"]);
    }
}

#[test]
fn a_still_window_is_never_grey() {
    let (pair, screens) = rooms(&small());
    pair.wait_up(LIMIT);
    let Some(mut pc) = Pc::start(&pair, End::A, "still") else { return };
    pc.shares();
    let both = || screens.iter().all(|screen| clock_on(screen).is_some()).then_some(());
    assert!(wait_for(LIMIT, both).is_some(), "on both screens");
    let until = Instant::now() + Duration::from_secs(22);
    let mut looked = 0;
    while Instant::now() < until {
        for end in End::BOTH {
            let live = &pair.status(end).unwrap()["room"]["live"];
            assert!(live.is_object() && live["silent_s"].is_null(), "{end:?}: {live}");
            let place = place_on(&screens[end as usize]);
            if place == Some("grey") {
                screens[end as usize].photograph("live-still");
            }
            // Whatever window of the PC lies on top.
            assert_ne!(place, Some("grey"), "{end:?}");
        }
        looked += 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("looked {looked} times; the PC sent {}", pc.asked("stats"));
}
