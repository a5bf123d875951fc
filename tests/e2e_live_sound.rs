//! The sound of a share, from a PC to the far speaker and to no other: beside the voice, with closed microphones, and silent with its end.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it took"
)]

mod live_support;
mod support;

use engawa::model::VideoCodec;
use live_support::sender::Sender;
use live_support::{LIMIT, endpoint, prepared, small};
use std::time::{Duration, Instant};
use support::boxes::Pair;
use support::lab::End;
use support::senses::Ears;
use support::{pause, wait_for};

#[test]
fn a_shares_sound_comes_from_the_far_speaker_alone_beside_closed_microphones() {
    let (mut pair, _screens) = prepared(None, &small());
    let ears = End::BOTH.map(|end| Ears::open(&pair, end));
    pair.start_both();
    let before = pair.wait_up(LIMIT);
    let [near, far] = &ears;
    let quiet_from = ears.each_ref().map(Ears::heard_bytes);
    pause(Duration::from_millis(500));
    for (ears, quiet_from) in ears.iter().zip(quiet_from) {
        assert!(ears.since(quiet_from).level_dbfs() < SILENT, "nothing sounds before");
    }
    let sender = Sender::with_tone(VideoCodec::H264, PICTURE, 1000);
    let pc = endpoint(&pair, End::A, "pc");
    let (asked, near_from) = (Instant::now(), near.heard_bytes());
    let (status, place) = sender.shares_at(&pc);
    assert_eq!(status, 201);
    let sound = far.wait_for_tone(1000.0, LIMIT);
    println!(
        "the far speaker has played a second of it {:?} after the press: {:.0} dBFS",
        asked.elapsed(),
        sound.level_dbfs()
    );
    pause(Duration::from_secs(1));
    assert!(near.since(near_from).level_dbfs() < SILENT, "a PC beside the box plays its own sound itself");
    // On a line of its own: the voice that the far box plays is silent.
    assert!(pair.status(End::B).unwrap()["played_dbfs"].as_f64().unwrap() < SILENT);
    closed(&pair);

    let (ended, mut from_byte, mut last) = (Instant::now(), far.heard_bytes(), Duration::ZERO);
    assert_eq!(pc.end(&place.unwrap()), 200);
    while ended.elapsed() < Duration::from_millis(1500) {
        pause(Duration::from_millis(20));
        let (sound, until) = (far.since(from_byte), far.heard_bytes());
        if sound.level_dbfs() > SILENT {
            last = ended.elapsed();
        }
        from_byte = until;
    }
    println!("silent at most {last:?} after its end was asked for");
    assert!(last < Duration::from_millis(500), "{last:?}");
    closed(&pair);
    for end in End::BOTH {
        let told = wait_for(LIMIT, || {
            let ledger = pair.engawa(end, &["ledger"], &[]);
            ledger.contains("is shared").then_some(ledger)
        });
        let told = told.expect("the share stands in the ledger");
        assert!(!told.contains("Microphone opened"), "{told}");
        let status = pair.status(end).unwrap();
        assert_eq!(status["session"], before[end as usize]["session"]);
    }
}

/// Nobody opened a microphone, and nothing leaves one.
fn closed(pair: &Pair<'_>) {
    for end in End::BOTH {
        let status = pair.status(end).unwrap();
        assert_eq!(
            (&status["microphone"], &status["far_microphone"], &status["room"]["microphone_wanted"]),
            (&"closed".into(), &"closed".into(), &false.into())
        );
    }
}

const PICTURE: &str = "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=5/1";
/// dBFS.
const SILENT: f64 = -60.0;
