//! What people ask, as JSON, and what they are answered: one notation for the panel's page and the command line.
//!
//! ```text
//!   {"ask":"mode","mode":"meeting"}  ──request()──►  Request  ──► the loop ──►  Answer  ──Reply::of()──►  {"answer":"accepted",…}
//! ```
//! Only what stands here can be asked; an unknown word or field is refused, never half believed. No I/O.

mod told;
mod written;

pub use told::{stamp, stamp_name};

use crate::core::face::PageState;
use crate::core::memory::Drawn;
use crate::core::request::{Answer, Denied, Request};
use crate::documents::Full;
use crate::model::{CameraState, Language, MicState, Mode, Side, Stance, Veil};
use serde::{Deserialize, Serialize};
use written::Written;

/// Reads one question.
///
/// # Errors
/// When it is too long, no JSON, or asks for something that does not exist.
pub fn request(json: &[u8]) -> Result<Request, NotARequest> {
    if json.len() > LONGEST {
        return Err(NotARequest);
    }
    let written: Written = serde_json::from_slice(json).map_err(|_| NotARequest)?;
    written.request().ok_or(NotARequest)
}

/// Writes one question, without a line end.
pub fn json(request: &Request) -> String {
    // Strings, numbers and truth values only: this cannot fail.
    serde_json::to_string(&Written::of(request)).unwrap_or_default()
}

/// Not a question that can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a question that this box knows")]
pub struct NotARequest;

/// What whoever asked reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// "accepted", "already" or "denied".
    pub answer: String,
    /// If denied: the reason in one word, as in [`denied_name`], or "busy" or "malformed".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The same in words for people.
    pub text: String,
}

impl Reply {
    /// Of the loop's answer; `None` when it gave none in time.
    pub fn of(answer: Option<Answer>, language: Language) -> Self {
        match answer {
            Some(Answer::Accepted) => Self::new("accepted", None, pick(language, "受け付けました。", "Done.")),
            Some(Answer::AlreadySo) => {
                Self::new("already", None, pick(language, "すでにそうなっています。", "It is already so."))
            }
            Some(Answer::Denied(why)) => Self::new("denied", Some(denied_name(why)), why.text(language)),
            None => {
                let ja = "いま込み合っています。少し待って、もう一度押してください。";
                Self::new("denied", Some("busy"), pick(language, ja, "Busy. Please wait a little and try again."))
            }
        }
    }

    /// To a file that the store does not take.
    pub fn full(why: Full, language: Language) -> Self {
        Self::new("denied", Some("not_taken"), full_text(why, language))
    }

    /// To what is no question.
    pub fn malformed(language: Language) -> Self {
        let ja = "この箱には分からない要求です。ページを開き直してください。";
        Self::new(
            "denied",
            Some("malformed"),
            pick(language, ja, "This box does not understand that. Reload the page."),
        )
    }

    fn new(answer: &str, why: Option<&str>, text: &str) -> Self {
        Self { answer: answer.into(), why: why.map(str::to_owned), text: text.into() }
    }
}

/// "quiet", "talking", "meeting", "curtain", "asleep"
pub const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Quiet => "quiet",
        Mode::Talking => "talking",
        Mode::Meeting => "meeting",
        Mode::Curtain => "curtain",
        Mode::Asleep => "asleep",
    }
}

/// The mode of that name.
pub fn mode(name: &str) -> Option<Mode> {
    let all = [Mode::Quiet, Mode::Talking, Mode::Meeting, Mode::Curtain, Mode::Asleep];
    all.into_iter().find(|mode| mode_name(*mode) == name)
}

/// "present", "curtain", "asleep"
pub const fn stance_name(stance: Stance) -> &'static str {
    match stance {
        Stance::Present => "present",
        Stance::Curtain => "curtain",
        Stance::Asleep => "asleep",
    }
}

/// The state's name in the status and on the panel.
pub const fn page_state_name(state: PageState) -> &'static str {
    match state {
        PageState::Opening => "opening",
        PageState::Arriving(_) => "arriving",
        PageState::Here => "here",
        PageState::Refused(_) => "refused",
    }
}

/// Why the store does not take a file, for people.
pub const fn full_text(why: Full, language: Language) -> &'static str {
    let (ja, en) = match why {
        Full::Empty => ("中身のないファイルです。", "The file is empty."),
        Full::TooLong => ("ファイルが大きすぎます（100 MB まで）。", "The file is too large: 100 MB at most."),
        Full::TooMuch | Full::TooMany => {
            ("資料が多すぎます。使わない資料を閉じてください。", "Too many documents. Close one that is not needed.")
        }
    };
    pick(language, ja, en)
}

/// The reason's name.
pub const fn drawn_name(why: Drawn) -> &'static str {
    match why {
        Drawn::Forgot => "forgot",
        Drawn::InstallerLost => "installer-lost",
        Drawn::InstallerSet => "installer-set",
    }
}

/// The reason of that name.
pub fn drawn(name: &str) -> Option<Drawn> {
    DRAWN.into_iter().find(|why| drawn_name(*why) == name)
}

/// All reasons.
pub const DRAWN: [Drawn; 3] = [Drawn::Forgot, Drawn::InstallerLost, Drawn::InstallerSet];

/// The stance of that name.
pub fn stance(name: &str) -> Option<Stance> {
    [Stance::Present, Stance::Curtain, Stance::Asleep].into_iter().find(|stance| stance_name(*stance) == name)
}

/// "clear", "frosted", "black"
pub const fn veil_name(veil: Veil) -> &'static str {
    match veil {
        Veil::Clear => "clear",
        Veil::Frosted => "frosted",
        Veil::Black => "black",
    }
}

/// The veil of that name.
pub fn veil(name: &str) -> Option<Veil> {
    [Veil::Clear, Veil::Frosted, Veil::Black].into_iter().find(|veil| veil_name(*veil) == name)
}

/// "closed", "levels-only", "open"
pub const fn microphone_name(state: MicState) -> &'static str {
    match state {
        MicState::Closed => "closed",
        MicState::LevelsOnly => "levels-only",
        MicState::Open => "open",
    }
}

/// The microphone state of that name.
pub fn microphone(name: &str) -> Option<MicState> {
    let all = [MicState::Closed, MicState::LevelsOnly, MicState::Open];
    all.into_iter().find(|state| microphone_name(*state) == name)
}

/// "off", "placeholder", "live"
pub const fn camera_name(state: CameraState) -> &'static str {
    match state {
        CameraState::Off => "off",
        CameraState::Placeholder => "placeholder",
        CameraState::Live => "live",
    }
}

/// The camera state of that name.
pub fn camera(name: &str) -> Option<CameraState> {
    let all = [CameraState::Off, CameraState::Placeholder, CameraState::Live];
    all.into_iter().find(|state| camera_name(*state) == name)
}

/// Which room, in one word.
pub const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Near => "near",
        Side::Far => "far",
    }
}

/// The reason in one word: "far_curtain", "wrong_code", …
pub const fn denied_name(why: Denied) -> &'static str {
    match why {
        Denied::FarCurtain => "far_curtain",
        Denied::FarAsleep => "far_asleep",
        Denied::NearCurtain => "near_curtain",
        Denied::NearAsleep => "near_asleep",
        Denied::NoLink => "no_link",
        Denied::NobodyKnocks => "nobody_knocks",
        Denied::NoSuchView => "no_such_view",
        Denied::NotAdmitted => "not_admitted",
        Denied::NoSuchGuest => "no_such_guest",
        Denied::WrongCode => "wrong_code",
        Denied::TooManyTries => "too_many_tries",
        Denied::Locked => "locked",
        Denied::Full => "full",
        Denied::NotPaired => "not_paired",
        Denied::OtherCamera => "other_camera",
        Denied::NoSuchDocument => "no_such_document",
        Denied::NotInFront => "not_in_front",
        Denied::TooManyDocuments => "too_many_documents",
        Denied::TooMuchInk => "too_much_ink",
        Denied::MeetingOver => "meeting_over",
        Denied::KeepsNothing => "keeps_nothing",
        Denied::AlreadyKept => "already_kept",
        Denied::BoardFull => "board_full",
        Denied::NoSuchNote => "no_such_note",
        Denied::NotTogether => "not_together",
        Denied::NoSuchHand => "no_such_hand",
        Denied::PollOpen => "poll_open",
        Denied::NoPoll => "no_poll",
        Denied::SharingLocked => "sharing_locked",
        Denied::DocumentsLocked => "documents_locked",
        Denied::PrintsLocked => "prints_locked",
        Denied::ShareKept => "share_kept",
        Denied::ShareWaits => "share_waits",
        Denied::NoShare => "no_share",
        Denied::NoShareWaits => "no_share_waits",
        Denied::NoInput => "no_input",
        Denied::TooManyPrints => "too_many_prints",
        Denied::NoSuchPrint => "no_such_print",
        Denied::HelpRuns => "help_runs",
    }
}

/// The reason of that name.
pub fn denied(name: &str) -> Option<Denied> {
    let shut = [Denied::FarCurtain, Denied::FarAsleep, Denied::NearCurtain, Denied::NearAsleep];
    let nobody = [Denied::NoLink, Denied::NotPaired, Denied::NobodyKnocks, Denied::NoSuchView, Denied::NoSuchGuest];
    let pages = [Denied::NoSuchDocument, Denied::TooManyDocuments, Denied::TooMuchInk, Denied::AlreadyKept];
    let locked = [Denied::DocumentsLocked, Denied::PrintsLocked];
    let board = [Denied::BoardFull, Denied::NoSuchNote, Denied::NotTogether];
    let floor = [Denied::NoSuchHand, Denied::PollOpen, Denied::NoPoll];
    let live = [Denied::SharingLocked, Denied::ShareKept, Denied::ShareWaits, Denied::NoShare, Denied::NoShareWaits];
    let prints = [Denied::NoInput, Denied::TooManyPrints, Denied::NoSuchPrint, Denied::HelpRuns];
    let others = [Denied::OtherCamera, Denied::KeepsNothing, Denied::MeetingOver, Denied::NotInFront]
        .into_iter()
        .chain(pages)
        .chain(locked)
        .chain(board)
        .chain(floor)
        .chain(live)
        .chain(prints);
    let nobody = nobody.into_iter().chain(others);
    let door = [Denied::NotAdmitted, Denied::WrongCode, Denied::TooManyTries, Denied::Locked, Denied::Full];
    shut.into_iter().chain(nobody).chain(door).find(|why| denied_name(*why) == name)
}

const fn pick<'t>(language: Language, ja: &'t str, en: &'t str) -> &'t str {
    match language {
        Language::Japanese => ja,
        Language::English => en,
    }
}

/// Bytes of one question: a drawn note is the longest.
const LONGEST: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::prints::{PrintId, PrintRequest};
    use crate::core::share::{ShareRequest, Turn};
    use crate::model::GuestId;

    const EXAMPLES: [(&str, Request); 27] = [
        (r#"{"ask":"teach","view":0}"#, Request::Teach(0)),
        (r#"{"ask":"mode","mode":"asleep"}"#, Request::Mode(Mode::Asleep)),
        (r#"{"ask":"mode","mode":"quiet"}"#, Request::Mode(Mode::Quiet)),
        (r#"{"ask":"knock"}"#, Request::Knock),
        (r#"{"ask":"answer"}"#, Request::Answer),
        (r#"{"ask":"cancel"}"#, Request::Cancel),
        (r#"{"ask":"microphone","open":true}"#, Request::Microphone(true)),
        (r#"{"ask":"view","view":1}"#, Request::View(1)),
        (r#"{"ask":"veil","veil":"frosted"}"#, Request::Veil(Veil::Frosted)),
        (r#"{"ask":"volume","volume":70}"#, Request::Volume(70)),
        (r#"{"ask":"own_picture","shown":true}"#, Request::OwnPicture(true)),
        (r#"{"ask":"show_code","shown":false}"#, Request::ShowCode(false)),
        (r#"{"ask":"lock","locked":true}"#, Request::Lock(true)),
        (r#"{"ask":"admit","guest":4}"#, Request::Admit(GuestId(4))),
        (r#"{"ask":"refuse","guest":4}"#, Request::Refuse(GuestId(4))),
        (r#"{"ask":"remove","guest":18446744073709551615}"#, Request::Remove(GuestId(u64::MAX))),
        (r#"{"ask":"remove_all"}"#, Request::RemoveAll),
        (r#"{"ask":"show_input"}"#, Request::ShowInput(true)),
        (r#"{"ask":"leave_input"}"#, Request::ShowInput(false)),
        (r#"{"ask":"show_print","print":7}"#, Request::Print(PrintRequest::Show(PrintId(7)))),
        (r#"{"ask":"refuse_print","print":7}"#, Request::Print(PrintRequest::Refuse(PrintId(7)))),
        (r#"{"ask":"follow_turns","follow":true}"#, Request::FollowTurns(true)),
        (r#"{"ask":"mode","mode":"talking"}"#, Request::Mode(Mode::Talking)),
        (r#"{"ask":"page","page":3}"#, Request::Share(ShareRequest::Turn(Turn::To(3)))),
        (r#"{"ask":"next_page"}"#, Request::Share(ShareRequest::Turn(Turn::Next))),
        (r#"{"ask":"previous_page"}"#, Request::Share(ShareRequest::Turn(Turn::Previous))),
        (r#"{"ask":"zoom","zoom":2000,"corner":[0,500]}"#, Request::Share(ShareRequest::Zoom(2000, [0, 500]))),
    ];

    #[test]
    fn every_question_is_read_and_written_the_same() {
        for (text, asked) in EXAMPLES {
            assert_eq!(request(text.as_bytes()).as_ref(), Ok(&asked), "{text}");
            assert_eq!(json(&asked), text);
        }
    }

    #[test]
    fn what_is_no_question_is_refused_whole() {
        for text in [
            "",
            "{}",
            "[]",
            "null",
            "\"knock\"",
            r#"{"ask":"session"}"#,
            r#"{"ask":"mode"}"#,
            r#"{"ask":"mode","mode":"Meeting"}"#,
            r#"{"ask":"knock","mode":"meeting"}"#,
            r#"{"ask":"knock"}{"ask":"knock"}"#,
            r#"{"ask":"view","view":-1}"#,
            r#"{"ask":"view","view":"1"}"#,
            r#"{"ask":"volume","volume":101}"#,
            r#"{"ask":"microphone","open":1}"#,
            r#"{"ask":"ledger"}"#,
        ] {
            assert_eq!(request(text.as_bytes()), Err(NotARequest), "{text}");
        }
        let long = format!(r#"{{"ask":"knock"{}}}"#, " ".repeat(LONGEST));
        assert_eq!(request(long.as_bytes()), Err(NotARequest));
    }

    #[test]
    fn an_answer_says_what_and_why_in_words() {
        let reply = Reply::of(Some(Answer::Denied(Denied::FarCurtain)), Language::English);
        let text = "The other room has drawn its curtain. Only that room can open it.";
        let expected = serde_json::json!({"answer": "denied", "why": "far_curtain", "text": text});
        assert_eq!(serde_json::to_value(&reply).ok(), Some(expected));
        let accepted = serde_json::to_value(Reply::of(Some(Answer::Accepted), Language::Japanese)).ok();
        assert_eq!(accepted, Some(serde_json::json!({"answer": "accepted", "text": "受け付けました。"})));
        assert_eq!(Reply::of(None, Language::Japanese).why.as_deref(), Some("busy"));
        assert_eq!(Reply::malformed(Language::Japanese).answer, "denied");
    }
}
