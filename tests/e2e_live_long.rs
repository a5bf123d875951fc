//! A still window shared for long: nothing moves on it, and no timer of browser, line or box takes that for an end.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it took"
)]

mod live_support;
mod support;

use live_support::{LIMIT, Pc, clock_in, clock_on, rooms, small};
use std::time::{Duration, Instant};
use support::lab::End;
use support::{pause, wait_for};

/// Longer than consent to send (RFC 7675: 30 s) and everything in the box that waits for a sign of life.
#[test]
fn a_still_window_stands_on_both_screens_as_one_share() {
    stands_for(Duration::from_secs(32));
}

#[test]
#[ignore = "ten minutes: run it by hand after a change of the share's timers"]
fn a_still_window_stands_for_ten_minutes() {
    stands_for(Duration::from_secs(600));
}

fn stands_for(time: Duration) {
    let (pair, screens) = rooms(&small());
    let before = pair.wait_up(LIMIT);
    let Some(mut pc) = Pc::start(&pair, End::A, "still") else { return };
    pc.shares();
    let shown = wait_for(LIMIT, || clock_on(&screens[0])).expect("on the near screen");
    let both = || screens.each_ref().map(clock_on);
    assert!(wait_for(LIMIT, || (both() == [Some(shown); 2]).then_some(())).is_some(), "on both: {shown} {:?}", both());
    // It becomes sharp first.
    pause(Duration::from_secs(2));
    let pictures = screens.each_ref().map(|screen| middle(&screen.picture().unwrap(), (0, 0)));
    let sent = pc.asked("stats");
    let (begun, mut looks, mut blinks) = (Instant::now(), 0, 0);
    while begun.elapsed() < time {
        for screen in &screens {
            looks += 1;
            // On a busy machine a picture's file is gone before it is read.
            match screen.picture() {
                Some(picture) if clock_in(&picture) != Some(shown) => {
                    screens[1].photograph("live-still-gone");
                    panic!("{:?} instead of {shown} after {:?}", clock_in(&picture), begun.elapsed());
                }
                Some(_) => {}
                None => blinks += 1,
            }
        }
        let live = pair.status(End::B).unwrap()["room"]["live"].clone();
        assert_eq!((&live["kind"], &live["room"]), (&"browser".into(), &"far".into()), "after {:?}", begun.elapsed());
        pause(Duration::from_secs(1));
    }
    screens[1].photograph("live-still");
    println!("looked {looks} times, {blinks} pictures could not be read");
    assert!(blinks * 10 < looks, "{blinks} of {looks}");
    for (was, screen) in pictures.iter().zip(&screens) {
        // The screen moves by a few pixels against burn-in.
        let moved = (-8..=8).flat_map(|y| (-8..=8).map(move |x| (x, y)));
        let picture = screen.picture().unwrap();
        let least = moved.map(|by| differs(was, &middle(&picture, by))).fold(f64::MAX, f64::min);
        println!("the screen differs by {least:.2} of 255 a pixel after {time:?}");
        assert!(least < 8.0, "the same picture: {least}");
    }
    println!("the PC sent {sent}, then {}", pc.asked("stats"));
    for end in End::BOTH {
        let (status, log) = (pair.status(end).unwrap(), pair.log(end));
        assert_eq!(status["session"], before[end as usize]["session"]);
        assert_eq!((status["sessions_opened"].clone(), &status["microphone"]), (1.into(), &"closed".into()));
        assert_eq!((log.matches("LiveBegan").count(), log.matches("LiveEnded").count()), (1, 0), "one share: {log}");
    }
}

/// What stands in the middle of the share's place, so far beside it.
fn middle((width, _, pixels): &(usize, usize, Vec<u8>), (x, y): (isize, isize)) -> Vec<u8> {
    let [left, top] = [280 + x, 180 + y].map(isize::cast_unsigned);
    (top..top + 200).flat_map(|y| pixels[(y * width + left) * 4..][..1600].to_vec()).collect()
}

fn differs(one: &[u8], other: &[u8]) -> f64 {
    let sum: u64 = one.iter().zip(other).map(|(one, other)| u64::from(one.abs_diff(*other))).sum();
    sum as f64 / one.len() as f64
}
