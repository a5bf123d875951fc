//! A PC's screen from Debian's Firefox ESR, which has VP8 and no H.264 without a download: encoded anew, it lives on the far screen.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it took"
)]

mod live_support;
mod support;

use live_support::{LIMIT, Pc, age_on, clock_on, is_fresh, now_ms, rooms, small};
use std::time::Duration;
use support::lab::End;
use support::{pause, wait_for};

#[test]
fn firefox_shares_its_screen_in_vp8_from_the_panels_page_and_ends_it() {
    let (pair, screens) = rooms(&small());
    let before = pair.wait_up(LIMIT);
    let Some(mut pc) = Pc::with_firefox(&pair, End::A, "runs") else { return };
    pc.told("codecs");
    let codecs = pc.hears("codecs");
    println!("this Firefox, offline, has {codecs}");
    assert!(codecs.contains("video/VP8") && !codecs.contains("H264"), "as docs/panel.md says: {codecs}");
    let pressed = pc.shares();
    let taken = screens
        .each_ref()
        .map(|screen| wait_for(LIMIT, || is_fresh(screen).then(|| now_ms() - pressed)).expect("on both screens"));
    println!("pressed → near and far screen {taken:?} ms");
    let mut ages: Vec<u64> = (0..40)
        .filter_map(|_| {
            pause(Duration::from_millis(50));
            age_on(&screens[1])
        })
        .collect();
    ages.sort_unstable();
    let sends = pc.asked("stats");
    println!("it sends {sends}; age on the far screen: p50 {} ms of {}", ages[ages.len() / 2], ages.len());
    assert_eq!(sends["codec"], "video/VP8");
    assert!(ages.len() >= 30 && ages[ages.len() / 2] < 2000, "the far screen lives: {ages:?}");
    screens[1].photograph("live-firefox");
    pc.told("end");
    pc.hears("ended");
    let gone = || screens.iter().all(|screen| clock_on(screen).is_none()).then_some(());
    assert!(wait_for(LIMIT, gone).is_some(), "gone from both screens");
    for end in End::BOTH {
        let status = pair.status(end).unwrap();
        assert_eq!((&status["session"], &status["microphone"]), (&before[end as usize]["session"], &"closed".into()));
    }
}
