//! Hands in order, votes that count once, and two boxes that agree.

use super::*;
use proptest::prelude::*;

const TOGETHER: [u32; 2] = [1, 0];

fn boxes() -> [Floor; 2] {
    [(Role::Offerer, 10), (Role::Answerer, 20)].map(|(role, life)| {
        let mut floor = Floor::default();
        floor.take_life(role, BootId(life));
        floor
    })
}

fn meet(boxes: &mut [Floor; 2]) {
    for _ in 0..2 {
        for who in [0, 1] {
            let word = boxes[1 - who].word().clone();
            boxes[who].hear(&word);
        }
    }
}

fn ask(floor: &mut Floor, guest: u64, request: &FloorRequest) -> Answer {
    floor.ask(request, Some((GuestId(guest), &format!("PC{guest}"))), TOGETHER)
}

fn question() -> FloorRequest {
    let choices = ["10時", "15時", "別の日"].map(str::to_owned);
    FloorRequest::Ask(Question::new("次はいつ？", &choices).expect("a question"))
}

fn asked(floor: &Floor) -> Stamp {
    floor.word().poll.as_ref().expect("a poll").asked
}

fn figures(floor: &Floor) -> (Vec<u32>, u32) {
    floor.poll().map(|(_, votes, skipped)| (votes, skipped)).expect("a poll")
}

fn begun() -> ([Floor; 2], Stamp) {
    let mut boxes = boxes();
    assert_eq!(ask(&mut boxes[0], 1, &question()), Answer::Accepted);
    meet(&mut boxes);
    let poll = asked(&boxes[1]);
    (boxes, poll)
}

#[test]
fn hands_stand_in_the_order_in_which_they_were_raised_on_both_boxes() {
    let mut boxes = boxes();
    for (who, guest) in [(0, 1), (1, 2), (0, 3)] {
        assert_eq!(ask(&mut boxes[who], guest, &FloorRequest::Hand(true)), Answer::Accepted);
        meet(&mut boxes);
    }
    let names = |floor: &Floor| floor.hands().iter().map(|(hand, near)| (hand.name.clone(), *near)).collect::<Vec<_>>();
    let expected = |own: [bool; 3]| ["PC1", "PC2", "PC3"].map(str::to_owned).into_iter().zip(own).collect::<Vec<_>>();
    assert_eq!(names(&boxes[0]), expected([true, false, true]));
    assert_eq!(names(&boxes[1]), expected([false, true, false]));
    assert_eq!(ask(&mut boxes[0], 1, &FloorRequest::Hand(true)), Answer::AlreadySo);
    let third = boxes[0].hand_of(GuestId(3)).expect("up");
    assert_eq!(ask(&mut boxes[1], 2, &FloorRequest::Lower(third)), Answer::Denied(Denied::NoSuchHand));
    assert_eq!(ask(&mut boxes[0], 1, &FloorRequest::Lower(third)), Answer::Accepted, "anyone of that room may");
    boxes[0].keep_hands(|guest| guest != GuestId(1));
    meet(&mut boxes);
    assert_eq!(names(&boxes[1]), [("PC2".to_owned(), true)], "who left has no hand up");
}

#[test]
fn a_device_votes_once_may_change_its_vote_and_may_skip() {
    let (mut boxes, poll) = begun();
    for (who, guest, choice) in [(0, 1, Some(0)), (0, 2, Some(1)), (1, 1, Some(1)), (1, 9, None), (0, 1, Some(1))] {
        assert_eq!(ask(&mut boxes[who], guest, &FloorRequest::Vote(poll, choice)), Answer::Accepted);
    }
    assert_eq!(ask(&mut boxes[0], 1, &FloorRequest::Vote(poll, Some(1))), Answer::AlreadySo);
    assert_eq!(ask(&mut boxes[0], 1, &FloorRequest::Vote(poll, Some(3))), Answer::Denied(Denied::NoPoll));
    let local = boxes[0].ask(&FloorRequest::Vote(poll, Some(0)), None, TOGETHER);
    assert_eq!(local, Answer::Denied(Denied::NotAdmitted), "a command is no device");
    meet(&mut boxes);
    assert_eq!([figures(&boxes[0]), figures(&boxes[1])], [(vec![0, 3, 0], 1), (vec![0, 3, 0], 1)]);
    assert_eq!((boxes[0].vote_of(GuestId(1)), boxes[0].vote_of(GuestId(9))), (Some(Some(1)), None));
    assert_eq!(boxes[1].vote_of(GuestId(9)), Some(None));
    assert_eq!(ask(&mut boxes[1], 9, &question()), Answer::Denied(Denied::PollOpen));
    assert_eq!(ask(&mut boxes[1], 9, &FloorRequest::Close(poll)), Answer::Accepted);
    meet(&mut boxes);
    assert_eq!(ask(&mut boxes[0], 1, &FloorRequest::Vote(poll, None)), Answer::Denied(Denied::NoPoll));
    assert_eq!(ask(&mut boxes[0], 1, &FloorRequest::Show(poll, true)), Answer::Accepted);
    meet(&mut boxes);
    assert!(boxes.iter().all(|floor| floor.poll().is_some_and(|(poll, ..)| poll.shown && !poll.open)));
    assert_eq!(ask(&mut boxes[1], 9, &question()), Answer::Accepted, "the next one");
    assert_eq!(figures(&boxes[1]), (vec![0; 3], 0));
}

#[test]
fn no_word_says_who_voted_what() {
    let (mut boxes, poll) = begun();
    ask(&mut boxes[0], 4711, &FloorRequest::Vote(poll, Some(2)));
    let said = format!("{:?}", boxes[0].word());
    assert!(said.contains("votes: [0, 0, 1]") && !said.contains("4711"), "{said}");
}

#[test]
fn a_box_that_begins_anew_gets_the_poll_back_and_asks_its_own_room_again() {
    for closed in [false, true] {
        let (mut boxes, poll) = begun();
        ask(&mut boxes[0], 1, &FloorRequest::Vote(poll, Some(0)));
        ask(&mut boxes[1], 1, &FloorRequest::Vote(poll, Some(1)));
        meet(&mut boxes);
        if closed {
            ask(&mut boxes[1], 1, &FloorRequest::Close(poll));
        }
        boxes[0] = Floor::default();
        boxes[0].take_life(Role::Offerer, BootId(30));
        meet(&mut boxes);
        let expected = if closed { vec![1, 1, 0] } else { vec![0, 1, 0] };
        assert_eq!([figures(&boxes[0]).0, figures(&boxes[1]).0], [expected.clone(), expected]);
        assert_eq!(boxes[0].vote_of(GuestId(1)), None, "asked again");
        if !closed {
            ask(&mut boxes[0], 1, &FloorRequest::Vote(poll, Some(0)));
            meet(&mut boxes);
            assert_eq!(figures(&boxes[1]).0, [1, 1, 0], "and counted once");
        }
    }
}

#[test]
fn what_belongs_to_a_time_that_is_over_comes_back_from_nowhere() {
    let (mut boxes, _) = begun();
    ask(&mut boxes[1], 2, &FloorRequest::Hand(true));
    meet(&mut boxes);
    boxes[0].end([2, 0]);
    assert!(boxes[0].poll().is_none() && boxes[0].hands().is_empty());
    // The next one is asked while the far box still believes in the one before.
    assert_eq!(boxes[0].ask(&question(), None, [3, 0]), Answer::Accepted);
    let new = asked(&boxes[0]);
    let stale = boxes[1].word().clone();
    boxes[0].hear(&stale);
    assert_eq!(asked(&boxes[0]), new);
    meet(&mut boxes);
    assert_eq!(asked(&boxes[1]), new);
    let mut again = Floor::new(boxes[0].ended());
    again.hear(&stale);
    assert!(again.poll().is_none(), "a restart remembers when the rooms parted");
}

#[test]
fn only_a_real_question_can_be_asked() {
    let of = |text: &str, choices: &[&str]| {
        Question::new(text, &choices.iter().map(|choice| (*choice).to_owned()).collect::<Vec<_>>())
    };
    let asked = of(" いつ？\u{202e}", &["a\n", "b"]).expect("a question");
    assert_eq!((asked.text(), asked.choices()), ("いつ？", &["a".to_owned(), "b".to_owned()][..]));
    let (long, longer) = ("長".repeat(CHOICE + 1), "長".repeat(QUESTION + 1));
    let wrong: [(&str, &[&str]); 6] = [
        ("", &["a", "b"]),
        ("q", &["a"]),
        ("q", &["a", " "]),
        ("q", &["a"; 9]),
        ("q", &["a", &long]),
        (&longer, &["a", "b"]),
    ];
    assert!(wrong.into_iter().all(|(text, choices)| of(text, choices).is_none()));
    assert!(of(&"長".repeat(QUESTION), &["長"; 8]).is_some());
}

proptest! {
    #[test]
    fn two_boxes_that_heard_each_other_show_the_same(
        acts in prop::collection::vec((0..2_usize, 0..8_u32, 1..5_u64), 0..60)
    ) {
        let mut boxes = boxes();
        for (who, act, guest) in acts {
            let poll = boxes[who].word().poll.as_ref().map(|poll| poll.asked).unwrap_or_default();
            let request = match act {
                0 => question(),
                1 => FloorRequest::Hand(true),
                2 => FloorRequest::Hand(false),
                3 => FloorRequest::Vote(poll, None),
                4 => FloorRequest::Vote(poll, Some(guest as usize % 3)),
                5 => FloorRequest::Close(poll),
                6 => FloorRequest::Show(poll, guest % 2 == 0),
                _ => {
                    let word = boxes[1 - who].word().clone();
                    boxes[who].hear(&word);
                    continue;
                }
            };
            ask(&mut boxes[who], guest, &request);
        }
        meet(&mut boxes);
        prop_assert_eq!(boxes[0].poll(), boxes[1].poll());
        let raised = |floor: &Floor| floor.hands().iter().map(|(hand, _)| hand.raised).collect::<Vec<_>>();
        prop_assert_eq!(raised(&boxes[0]), raised(&boxes[1]));
        // As many votes as devices that voted: never more.
        let votes: u32 = boxes[0].poll().map_or(0, |(_, votes, skipped)| votes.iter().sum::<u32>() + skipped);
        prop_assert!(votes <= 8);
    }
}
