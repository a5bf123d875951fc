//! Two boxes that tell each other everything, or nothing.

use super::*;
use crate::model::LiveKind;

const MEETING: [u32; 2] = [1, 0];

fn at(seconds: u64) -> Moment {
    Moment::from_nanos(seconds * 1_000_000_000)
}

fn boxes(take_over: [TakeOver; 2]) -> [Live; 2] {
    let mut boxes = take_over.map(|take_over| Live::new(take_over, [0; 2]));
    for (own, live) in boxes.iter_mut().enumerate() {
        live.take_life(BootId(own as u64 + 1));
        live.meet(BootId(2 - own as u64));
        live.turn(true, true, MEETING, at(1));
    }
    boxes
}

fn source(id: u64, guest: u64, name: &str) -> LiveSource {
    let guest = Some(GuestId(guest));
    LiveSource { id: LiveId(id), kind: LiveKind::Browser, guest, name: name.into(), sound: false }
}

/// Both hear each other until nobody has anything new to say.
fn talk(boxes: &mut [Live; 2], now: Moment) {
    for _ in 0..6 {
        for (from, to) in [(0, 1), (1, 0)] {
            let word = boxes[from].word().clone();
            boxes[to].hear(BootId(from as u64 + 1), &word, MEETING, now);
        }
    }
}

fn ended(live: &mut Live) -> Vec<(u64, LiveEnd)> {
    let end = |news| match news {
        LiveNews::End(id, why) => Some((id.0, why)),
        LiveNews::Record(_) => None,
    };
    std::iter::from_fn(|| live.poll_news()).filter_map(end).collect()
}

fn names(boxes: &[Live; 2]) -> [Option<(Side, &str)>; 2] {
    boxes.each_ref().map(|live| live.shown().map(|(side, front)| (side, front.name.as_str())))
}

#[test]
fn both_boxes_show_the_later_one_and_the_other_is_ended() {
    let mut boxes = boxes([TakeOver::Ask; 2]);
    for (own, name) in ["田中", "Suzuki"].into_iter().enumerate() {
        assert_eq!(boxes[own].ask_front(source(1, 1, name), MEETING, at(1)), Answer::Accepted);
    }
    talk(&mut boxes, at(1));
    // Begun at once: the tie is broken by the life.
    assert_eq!(names(&boxes), [Some((Side::Far, "Suzuki")), Some((Side::Near, "Suzuki"))]);
    assert_eq!(ended(&mut boxes[0]), [(1, LiveEnd::TakenOver)]);
    assert_eq!(ended(&mut boxes[1]), []);
}

#[test]
fn who_is_asked_hands_over_or_keeps_and_nobody_waits_longer_than_half_a_minute() {
    for handed in [Some(true), Some(false), None] {
        let mut boxes = boxes([TakeOver::Ask; 2]);
        boxes[0].ask_front(source(1, 1, "田中"), MEETING, at(1));
        talk(&mut boxes, at(1));
        assert_eq!(boxes[1].ask_front(source(7, 2, "Suzuki"), MEETING, at(2)), Answer::Accepted);
        let denied = boxes[1].ask_front(source(8, 3, "Sato"), MEETING, at(2));
        assert_eq!(denied, Answer::Denied(Denied::ShareWaits));
        talk(&mut boxes, at(2));
        assert!(boxes[0].is_asked() && !boxes[1].is_asked());
        assert_eq!(boxes[1].ask(LiveRequest::HandOver, MEETING, at(3)), Answer::Denied(Denied::NoShareWaits));
        if let Some(handed) = handed {
            let word = if handed { LiveRequest::HandOver } else { LiveRequest::Keep };
            assert_eq!(boxes[0].ask(word, MEETING, at(3)), Answer::Accepted);
        } else {
            boxes[1].turn(true, true, MEETING, at(31));
            assert!(boxes[1].waits().is_some());
            boxes[1].turn(true, true, MEETING, at(32));
        }
        talk(&mut boxes, at(32));
        let taken = handed == Some(true);
        let front = if taken { "Suzuki" } else { "田中" };
        assert_eq!(names(&boxes).map(|shown| shown.map(|(_, name)| name)), [Some(front); 2]);
        let none: &[(u64, LiveEnd)] = &[];
        let expected = if taken { [&[(1, LiveEnd::TakenOver)][..], none] } else { [none, &[(7, LiveEnd::Refused)]] };
        assert_eq!([ended(&mut boxes[0]), ended(&mut boxes[1])], expected.map(<[_]>::to_vec), "{handed:?}");
        assert!(boxes.iter().all(|live| live.waits().is_none()));
    }
}

#[test]
fn a_setting_hands_over_at_once_or_never() {
    for side in [0, 1] {
        let mut boxes = boxes([TakeOver::Refuse, TakeOver::Ask]);
        boxes[0].ask_front(source(1, 1, "田中"), MEETING, at(1));
        talk(&mut boxes, at(1));
        let denied = boxes[side].ask_front(source(2, 2, "Suzuki"), MEETING, at(1));
        assert_eq!(denied, Answer::Denied(Denied::ShareKept));
        let mut boxes = self::boxes([TakeOver::Allow, TakeOver::Ask]);
        boxes[0].ask_front(source(1, 1, "田中"), MEETING, at(1));
        talk(&mut boxes, at(1));
        boxes[side].ask_front(source(2, 2, "Suzuki"), MEETING, at(1));
        talk(&mut boxes, at(1));
        assert_eq!(ended(&mut boxes[0]), [(1, LiveEnd::TakenOver)]);
        assert_eq!(names(&boxes).map(|shown| shown.map(|(_, name)| name)), [Some("Suzuki"); 2]);
    }
}

#[test]
fn a_guest_who_shares_something_else_asks_nobody() {
    let mut boxes = boxes([TakeOver::Refuse; 2]);
    boxes[0].ask_front(source(1, 1, "田中"), MEETING, at(1));
    assert_eq!(boxes[0].ask_front(source(2, 1, "田中"), MEETING, at(1)), Answer::Accepted);
    assert_eq!(boxes[0].source().map(|source| source.id), Some(LiveId(2)));
    assert_eq!(ended(&mut boxes[0]), [(1, LiveEnd::TakenOver)]);
}

#[test]
fn either_room_stops_it_and_switches_it() {
    let mut boxes = boxes([TakeOver::Ask; 2]);
    boxes[0].ask_front(source(1, 1, "田中"), MEETING, at(1));
    talk(&mut boxes, at(1));
    assert_eq!(boxes[1].ask(LiveRequest::Moving(true), MEETING, at(1)), Answer::Accepted);
    talk(&mut boxes, at(1));
    assert!(boxes.iter().all(Live::is_moving));
    assert_eq!(boxes[1].ask(LiveRequest::Stop, MEETING, at(2)), Answer::Accepted);
    talk(&mut boxes, at(2));
    assert_eq!(names(&boxes), [None; 2]);
    assert_eq!(ended(&mut boxes[0]), [(1, LiveEnd::Stopped)]);
    for live in &mut boxes {
        assert_eq!(live.told().map(|told| (told.why, told.name.as_str())), Some((LiveEnd::Stopped, "田中")));
        live.turn(true, true, MEETING, at(8));
        assert_eq!(live.told(), None);
        assert_eq!(live.ask(LiveRequest::Stop, MEETING, at(8)), Answer::AlreadySo);
    }
    boxes[0].ask_front(source(2, 1, "田中"), MEETING, at(9));
    assert!(!boxes[0].is_moving(), "text first, whatever the one before was");
}

#[test]
fn a_late_word_of_before_and_of_another_life_are_not_heard() {
    let mut boxes = boxes([TakeOver::Ask; 2]);
    boxes[0].ask_front(source(1, 1, "田中"), MEETING, at(1));
    let shares = LiveWord { number: 4, ..boxes[0].word().clone() };
    boxes[0].gone(LiveId(1), LiveEnd::Vanished, MEETING, at(2));
    let over = LiveWord { number: 5, ..boxes[0].word().clone() };
    for (life, word) in [(1, &over), (1, &shares), (9, &shares)] {
        boxes[1].hear(BootId(life), word, MEETING, at(2));
    }
    assert_eq!(boxes[1].shown(), None);
    boxes[1].hear(BootId(1), &LiveWord { number: 6, ..shares }, MEETING, at(3));
    assert!(boxes[1].shown().is_some());
    boxes[1].meet(BootId(77));
    boxes[1].turn(true, true, MEETING, at(3));
    assert_eq!(boxes[1].shown(), None, "it began anew");
    assert_eq!(boxes[1].told().map(|told| told.why), Some(LiveEnd::Vanished));
}
