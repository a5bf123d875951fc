//! A short play of `cargo bench --bench turning`: six minutes in rooms that nothing was tuned to.

mod turning_world;

use engawa::core::turning::{Reference, Thumbnail, Turning};
use engawa::model::Moment;
use turning_world::judge::{Judge, Score};
use turning_world::params::HELD_OUT_TEST;
use turning_world::play::Play;

#[test]
fn in_strange_rooms_the_camera_is_found_within_two_seconds_and_never_elsewhere() {
    let mut score = Score::default();
    for seed in HELD_OUT_TEST {
        let mut play = Play::in_room(seed, true);
        let mut turning = Turning::new((0..2).map(|view| learn(&play.lesson(view))).collect());
        play.begin();
        let mut judge = Judge::new();
        loop {
            let frame = play.frame();
            if frame.at > MINUTE {
                break;
            }
            let at = Moment::from_nanos((frame.at * 1e9) as u64);
            judge.see(frame.at, frame.truth, turning.look(&thumbnail(frame.luma), at));
        }
        score.add(judge.end());
    }
    assert!(score.turns >= 6 && score.strange >= 3, "the play has something to recognise: {score:?}");
    assert_eq!((score.wrong, score.missed, score.late()), (0, 0, 0), "{score:?}");
}

fn learn(lesson: &[Vec<u8>]) -> Option<Reference> {
    Reference::learn(&lesson.iter().cloned().map(thumbnail).collect::<Vec<_>>())
}

fn thumbnail(luma: Vec<u8>) -> Thumbnail {
    Thumbnail::new(luma).expect("64 by 36")
}

/// Of every room, seconds.
const MINUTE: f32 = 60.0;
