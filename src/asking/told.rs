//! Board and floor as they are asked for in JSON.

use super::written::Written;
use crate::core::floor::{FloorRequest, Question};
use crate::core::live::LiveRequest;
use crate::core::notes::{NoteRequest, Paper, Stroke};
use crate::core::request::Request;
use crate::core::share::Stamp;
use crate::model::BootId;

/// What names a note, a hand or a poll outside: "12-0123456789abcdef".
pub fn stamp_name(stamp: Stamp) -> String {
    format!("{}-{:016x}", stamp.count, stamp.by.0)
}

/// The stamp of that name; written in one way only.
pub fn stamp(name: &str) -> Option<Stamp> {
    let (count, by) = name.split_once('-')?;
    let stamp = Stamp { count: count.parse().ok()?, by: BootId(u64::from_str_radix(by, 16).ok()?) };
    (stamp_name(stamp) == name).then_some(stamp)
}

/// A drawing as it is written: the points of each line, x and y in turn.
pub(super) fn drawing(strokes: &[Vec<u16>]) -> Option<Paper> {
    let stroke = |flat: &Vec<u16>| flat.len().is_multiple_of(2).then(|| points(flat));
    Paper::drawing(strokes.iter().map(stroke).collect::<Option<_>>()?)
}

/// The other way round.
pub(super) fn of_note(request: &NoteRequest) -> Written {
    match request {
        NoteRequest::Write(Paper::Words(text)) => Written::Note { text: text.clone() },
        NoteRequest::Write(Paper::Drawing(strokes)) => {
            Written::DrawnNote { strokes: strokes.iter().map(|stroke| stroke.concat()).collect() }
        }
        NoteRequest::Take(note) => Written::TakeNote { note: stamp_name(*note) },
    }
}

/// The other way round.
pub(super) fn of_floor(request: &FloorRequest) -> Written {
    match request {
        FloorRequest::Hand(up) => Written::Hand { up: *up },
        FloorRequest::Lower(hand) => Written::LowerHand { hand: stamp_name(*hand) },
        FloorRequest::Ask(question) => {
            Written::Poll { question: question.text().into(), choices: question.choices().into() }
        }
        FloorRequest::Vote(poll, Some(choice)) => Written::Vote { poll: stamp_name(*poll), choice: *choice },
        FloorRequest::Vote(poll, None) => Written::SkipVote { poll: stamp_name(*poll) },
        FloorRequest::Close(poll) => Written::ClosePoll { poll: stamp_name(*poll) },
        FloorRequest::Show(poll, shown) => Written::ShowPoll { poll: stamp_name(*poll), shown: *shown },
    }
}

/// The other way round.
pub(super) fn of_live(request: LiveRequest) -> Written {
    match request {
        LiveRequest::Stop => Written::StopLive {},
        LiveRequest::HandOver => Written::HandOver {},
        LiveRequest::Keep => Written::KeepLive {},
        LiveRequest::Moving(moving) => Written::Moving { moving },
    }
}

/// A question to both rooms.
pub(super) fn poll(question: &str, choices: &[String]) -> Option<Request> {
    Question::new(question, choices).map(|question| Request::Floor(FloorRequest::Ask(question)))
}

fn points(flat: &[u16]) -> Stroke {
    flat.as_chunks::<2>().0.to_vec()
}

#[cfg(test)]
mod tests {
    use super::super::{json, request};

    #[test]
    fn board_and_floor_are_asked_for_in_one_way() {
        for text in [
            r#"{"ask":"note","text":"15時から配線工事"}"#,
            r#"{"ask":"drawn_note","strokes":[[0,0,1000,600],[5,5]]}"#,
            r#"{"ask":"take_note","note":"12-0123456789abcdef"}"#,
            r#"{"ask":"hand","up":true}"#,
            r#"{"ask":"lower_hand","hand":"1-0000000000000000"}"#,
            r#"{"ask":"poll","question":"次は？","choices":["月","火"]}"#,
            r#"{"ask":"vote","poll":"3-00000000000000ff","choice":1}"#,
            r#"{"ask":"skip_vote","poll":"3-00000000000000ff"}"#,
            r#"{"ask":"close_poll","poll":"3-00000000000000ff"}"#,
            r#"{"ask":"show_poll","poll":"3-00000000000000ff","shown":true}"#,
            r#"{"ask":"stop_live"}"#,
            r#"{"ask":"hand_over"}"#,
            r#"{"ask":"keep_live"}"#,
            r#"{"ask":"moving","moving":true}"#,
        ] {
            let asked = request(text.as_bytes()).unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(json(&asked), text);
        }
        let full = vec![vec![600_u16; 96]; 24];
        let full = format!(r#"{{"ask":"drawn_note","strokes":{}}}"#, serde_json::json!(full));
        assert!(request(full.as_bytes()).is_ok(), "{} bytes", full.len());
    }

    #[test]
    fn what_does_not_fit_is_refused_whole() {
        for text in [
            r#"{"ask":"note","text":""}"#,
            r#"{"ask":"note","text":"\u202e"}"#,
            r#"{"ask":"note","text":["a"]}"#,
            r#"{"ask":"note","text":"a","room":"far"}"#,
            r#"{"ask":"drawn_note","strokes":[]}"#,
            r#"{"ask":"drawn_note","strokes":[[1,2,3]]}"#,
            r#"{"ask":"drawn_note","strokes":[[1,601]]}"#,
            r#"{"ask":"drawn_note","strokes":[[-1,6]]}"#,
            r#"{"ask":"take_note","note":"12-abc"}"#,
            r#"{"ask":"take_note","note":"+12-0123456789abcdef"}"#,
            r#"{"ask":"take_note","note":"12-0123456789ABCDEF"}"#,
            r#"{"ask":"hand","up":1}"#,
            r#"{"ask":"poll","question":"q","choices":["a"]}"#,
            r#"{"ask":"vote","poll":"3-00000000000000ff","choice":-1}"#,
        ] {
            assert!(request(text.as_bytes()).is_err(), "{text}");
        }
        let long = format!(r#"{{"ask":"note","text":"{}"}}"#, "長".repeat(201));
        assert!(request(long.as_bytes()).is_err());
    }
}
