//! The board is a set that both boxes agree on, and it ends.

use super::*;
use proptest::prelude::*;

const PEER: BoxId = BoxId([7; 32]);

fn at(minutes: u64) -> Moment {
    Moment::from_nanos(minutes * 60_000_000_000)
}

fn board(life: u64) -> Notes {
    let mut notes = Notes::default();
    notes.take_peer(PEER, Role::Answerer, BootId(life));
    notes.age(at(0));
    notes
}

fn words(text: &str) -> NoteRequest {
    NoteRequest::Write(Paper::words(text).expect("something is written"))
}

fn stamp(count: u32, by: u64) -> Stamp {
    Stamp { count, by: BootId(by) }
}

fn hung(count: u32, by: u64, minutes: u32) -> Hung {
    let (paper, written_ms) = (Paper::Words(format!("{count} {by}")), u64::from(count % 5));
    let note = Note { stamp: stamp(count, by), paper, room: Role::Offerer, name: String::new(), written_ms };
    Hung { note: Arc::new(note), minutes }
}

fn any_word() -> impl Strategy<Value = NotesWord> {
    let notes = prop::collection::vec((1..9_u32, 0..3_u64, 1..LIFE), 0..8);
    let gone = prop::collection::vec((1..9_u32, 0..3_u64, 1..REMEMBERED), 0..5);
    (notes, gone).prop_map(|(notes, gone)| NotesWord {
        notes: notes.into_iter().map(|(count, by, minutes)| hung(count, by, minutes)).collect(),
        gone: gone.into_iter().map(|(count, by, minutes)| Gone { stamp: stamp(count, by), minutes }).collect(),
    })
}

fn heard(words: &[&NotesWord]) -> Kept {
    let mut notes = board(1);
    words.iter().for_each(|word| notes.hear(word));
    notes.kept
}

/// All of it, as it is said on a new connection.
fn said(notes: &Notes) -> Vec<NotesWord> {
    let mut told = Told::default();
    std::iter::from_fn(|| notes.untold(&mut told)).collect()
}

proptest! {
    #[test]
    fn whoever_hears_what_first_and_how_often_the_board_is_the_same(a in any_word(), b in any_word(), c in any_word()) {
        prop_assert_eq!(heard(&[&a, &b, &c]), heard(&[&c, &a, &b, &a]));
        prop_assert_eq!(heard(&[&a, &b]), heard(&[&b, &a]));
        let mut joined = board(1);
        for word in [&b, &c] {
            joined.hear(word);
        }
        let first = NotesWord { notes: joined.kept.notes.clone(), gone: joined.kept.gone.clone() };
        prop_assert_eq!(heard(&[&a, &first]).notes, heard(&[&a, &b, &c]).notes);
    }

    #[test]
    fn all_that_is_said_is_all_there_is(a in any_word(), b in any_word()) {
        let mut notes = board(1);
        notes.hear(&a);
        notes.hear(&b);
        let words = said(&notes);
        let mut other = board(2);
        words.iter().for_each(|word| other.hear(word));
        prop_assert_eq!(&other.kept.notes, &notes.kept.notes);
        prop_assert_eq!(&other.kept.gone, &notes.kept.gone);
    }
}

#[test]
fn a_full_board_takes_no_more_and_two_full_ones_become_one() {
    let (mut one, mut other) = (board(1), board(2));
    for _ in 0..MOST {
        assert_eq!(one.ask(&words("a"), "", 1), Answer::Accepted);
        assert_eq!(other.ask(&words("b"), "", 2), Answer::Accepted);
    }
    assert_eq!(one.ask(&words("c"), "", 3), Answer::Denied(Denied::BoardFull));
    for word in said(&other) {
        one.hear(&word);
    }
    assert_eq!(one.board().notes.len(), 2 * MOST, "nothing of what was written is lost");
    let first = one.board().notes[0].stamp;
    assert_eq!(one.ask(&NoteRequest::Take(first), "", 4), Answer::Accepted);
    assert_eq!(one.ask(&NoteRequest::Take(first), "", 4), Answer::Denied(Denied::NoSuchNote));
    assert_eq!(one.ask(&words("c"), "", 5), Answer::Denied(Denied::BoardFull));
}

#[test]
fn large_drawings_travel_one_by_one_and_small_notes_together() {
    let mut notes = board(1);
    let drawing = Paper::drawing(vec![vec![SHEET; POINTS]; STROKES]).expect("on the sheet");
    for _ in 0..3 {
        notes.ask(&NoteRequest::Write(drawing.clone()), "", 1);
    }
    assert_eq!(said(&notes).len(), 3);
    let mut notes = board(1);
    for _ in 0..MOST {
        notes.ask(&words("一言"), "", 1);
    }
    assert!(said(&notes).len() <= 2);
}

#[test]
fn a_week_of_powered_on_time_ends_a_note_over_any_number_of_restarts() {
    let mut kept = Kept { peer: Some(PEER), ..Kept::default() };
    kept.notes.push(hung(1, 1, LIFE));
    let mut alive = 0;
    for life in 0..200 {
        let mut notes = Notes::new(kept.clone());
        notes.take_peer(PEER, Role::Answerer, BootId(life));
        // An hour each.
        for minute in 0..=60 {
            notes.age(at(life * 999 + minute));
        }
        kept = notes.kept().clone();
        alive += kept.notes.len();
    }
    assert_eq!(alive, 167);
    assert_eq!(kept.gone.len(), 1, "and it does not come back");
}

#[test]
fn notes_stand_as_they_were_written_whatever_the_clocks_say() {
    let mut notes = board(1);
    for (text, wall_ms) in [("a", 1_790_000_000_000), ("b", 1_450_000_000_000), ("c", 2_150_000_000_000)] {
        notes.ask(&words(text), "", wall_ms);
    }
    let papers: Vec<_> = notes.board().notes.iter().map(|note| note.paper.clone()).collect();
    assert_eq!(papers, ["a", "b", "c"].map(|text| Paper::Words(text.into())));
}

#[test]
fn what_is_gone_is_forgotten_in_the_end() {
    let mut notes = board(1);
    notes.ask(&words("a"), "", 1);
    let stamp = notes.board().notes[0].stamp;
    notes.ask(&NoteRequest::Take(stamp), "", 1);
    notes.age(at(u64::from(REMEMBERED) - 1));
    assert_eq!(notes.kept().gone.len(), 1);
    notes.age(at(u64::from(REMEMBERED) + 20));
    assert_eq!((notes.kept().gone.len(), notes.ages_at()), (0, None));
    notes.ask(&words("b"), "", 1);
    assert!(notes.board().notes[0].stamp > stamp, "its name is not used again");
}

#[test]
fn another_pair_begins_with_an_empty_board() {
    let mut notes = board(1);
    assert_eq!(Notes::default().ask(&words("a"), "", 1), Answer::Denied(Denied::NotPaired));
    notes.ask(&words("a"), "", 1);
    let mut again = Notes::new(notes.kept().clone());
    again.take_peer(PEER, Role::Answerer, BootId(2));
    assert_eq!((again.board().notes.len(), again.changes()), (1, 0));
    again.take_peer(BoxId([8; 32]), Role::Answerer, BootId(2));
    assert_eq!((again.board().notes.len(), again.changes()), (0, 1));
}
