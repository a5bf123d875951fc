//! A short play of `cargo bench --bench turning`: sixteen minutes in rooms that nothing was tuned to. The bounds hold what the
//! bench measured, which is less than every turn within two seconds: people stand before the camera that they have turned.

mod turning_world;

use engawa::core::turning::{Reference, Thumbnail, Turning};
use engawa::model::Moment;
use turning_world::judge::{Judge, Score};
use turning_world::params::HELD_OUT_TEST;
use turning_world::play::Play;

#[test]
fn in_strange_rooms_a_turned_camera_is_found_soon_and_never_elsewhere() {
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
    let in_time = score.delays.len() - score.late();
    assert!(score.turns >= 10 && score.strange >= 10, "the play has something to recognise: {score:?}");
    assert_eq!(score.wrong, 0, "{score:?}");
    assert!(in_time * 5 >= score.turns * 4, "four of five within two seconds: {score:?}");
    assert!(score.delay(0.5).is_some_and(|median| median < 1.0), "{score:?}");
}

#[test]
fn views_that_are_taught_in_strange_rooms_look_alike_only_where_the_camera_was_not_turned() {
    for seed in HELD_OUT_TEST {
        let mut play = Play::in_room(seed, true);
        let [office, again, table] = [0, 0, 1].map(|view| learn(&play.lesson(view)));
        let (Some(office), Some(again), Some(table)) = (office, again, table) else { continue };
        assert!(again.looks_like(&office), "room {seed}: the same view");
        assert!(!table.looks_like(&office) && !office.looks_like(&table), "room {seed}: two views");
    }
}

fn learn(lesson: &[Vec<u8>]) -> Option<Reference> {
    Reference::learn(&lesson.iter().cloned().map(thumbnail).collect::<Vec<_>>())
}

fn thumbnail(luma: Vec<u8>) -> Thumbnail {
    Thumbnail::new(luma).expect("64 by 36")
}

/// Of every room, seconds.
const MINUTE: f32 = 60.0;
