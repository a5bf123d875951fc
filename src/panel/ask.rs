//! What a browser may write in a body. Unknown words and unknown fields are refused.

use crate::core::request::Request;
use crate::model::{GuestId, Mode, Veil};
use serde::Deserialize;

/// `POST /api/enter`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Enter {
    code: String,
    #[serde(default)]
    pub(super) name: String,
}

/// `POST /api/wait`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    #[serde(default)]
    pub(super) name: String,
}

/// `POST /api/leave`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Leave {}

/// `POST /api/installer`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Installer {
    pub(super) pin: String,
}

/// `POST /api/clock`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clock {
    /// Milliseconds since 1970.
    pub(super) unix_ms: u64,
}

/// `POST /api/ask`
#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Ask {
    Mode { mode: ModeWord },
    Knock {},
    Answer {},
    Cancel {},
    Microphone { open: bool },
    View { view: usize },
    Veil { veil: VeilWord },
    Volume { volume: u8 },
    OwnPicture { shown: bool },
    ShowCode { shown: bool },
    Lock { locked: bool },
    Admit { guest: u64 },
    Refuse { guest: u64 },
    Remove { guest: u64 },
    RemoveAll {},
    FollowTurns { follow: bool },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ModeWord {
    Quiet,
    Talking,
    Meeting,
    Curtain,
    Asleep,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum VeilWord {
    Clear,
    Frosted,
    Black,
}

impl Enter {
    /// The six digits; also as a Japanese keyboard types them, and with a gap as people read them.
    pub(super) fn code(&self) -> Option<u32> {
        digits(&self.code).filter(|digits| digits.len() == 6)?.parse().ok()
    }
}

impl Installer {
    /// The digits.
    pub(super) fn digits(&self) -> Option<String> {
        digits(&self.pin)
    }
}

impl Ask {
    /// For the core.
    pub(super) fn request(self) -> Request {
        match self {
            Self::Mode { mode } => Request::Mode(match mode {
                ModeWord::Quiet => Mode::Quiet,
                ModeWord::Talking => Mode::Talking,
                ModeWord::Meeting => Mode::Meeting,
                ModeWord::Curtain => Mode::Curtain,
                ModeWord::Asleep => Mode::Asleep,
            }),
            Self::Knock {} => Request::Knock,
            Self::Answer {} => Request::Answer,
            Self::Cancel {} => Request::Cancel,
            Self::Microphone { open } => Request::Microphone(open),
            Self::View { view } => Request::View(view),
            Self::Veil { veil } => Request::Veil(match veil {
                VeilWord::Clear => Veil::Clear,
                VeilWord::Frosted => Veil::Frosted,
                VeilWord::Black => Veil::Black,
            }),
            Self::Volume { volume } => Request::Volume(volume),
            Self::OwnPicture { shown } => Request::OwnPicture(shown),
            Self::ShowCode { shown } => Request::ShowCode(shown),
            Self::Lock { locked } => Request::Lock(locked),
            Self::Admit { guest } => Request::Admit(GuestId(guest)),
            Self::Refuse { guest } => Request::Refuse(GuestId(guest)),
            Self::Remove { guest } => Request::Remove(GuestId(guest)),
            Self::RemoveAll {} => Request::RemoveAll,
            Self::FollowTurns { follow } => Request::FollowTurns(follow),
        }
    }
}

fn digits(text: &str) -> Option<String> {
    let halved = |letter: char| match letter {
        '０'..='９' => char::from_u32(letter as u32 - '０' as u32 + '0' as u32),
        '0'..='9' => Some(letter),
        _ => None,
    };
    text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').map(halved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Option<Request> {
        serde_json::from_str::<Ask>(text).ok().map(Ask::request)
    }

    #[test]
    fn every_wish_has_a_word() {
        for (text, expected) in [
            (r#"{"ask":"mode","mode":"meeting"}"#, Request::Mode(Mode::Meeting)),
            (r#"{"ask":"knock"}"#, Request::Knock),
            (r#"{"ask":"answer"}"#, Request::Answer),
            (r#"{"ask":"cancel"}"#, Request::Cancel),
            (r#"{"ask":"microphone","open":true}"#, Request::Microphone(true)),
            (r#"{"ask":"view","view":1}"#, Request::View(1)),
            (r#"{"ask":"veil","veil":"frosted"}"#, Request::Veil(Veil::Frosted)),
            (r#"{"volume":70,"ask":"volume"}"#, Request::Volume(70)),
            (r#"{"ask":"own_picture","shown":true}"#, Request::OwnPicture(true)),
            (r#"{"ask":"show_code","shown":false}"#, Request::ShowCode(false)),
            (r#"{"ask":"lock","locked":true}"#, Request::Lock(true)),
            (r#"{"ask":"admit","guest":4}"#, Request::Admit(GuestId(4))),
            (r#"{"ask":"refuse","guest":4}"#, Request::Refuse(GuestId(4))),
            (r#"{"ask":"remove","guest":4}"#, Request::Remove(GuestId(4))),
            (r#"{"ask":"remove_all"}"#, Request::RemoveAll),
            (r#"{"ask":"follow_turns","follow":true}"#, Request::FollowTurns(true)),
        ] {
            assert_eq!(request(text), Some(expected), "{text}");
        }
        for wrong in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"ask":"reboot"}"#,
            r#"{"ask":"volume","volume":300}"#,
            r#"{"ask":"volume","volume":"70"}"#,
            r#"{"ask":"view","view":-1}"#,
            r#"{"ask":"knock","open":true}"#,
            r#"{"ask":"microphone"}"#,
            r#"{"ask":"microphone","open":true,"by":"key"}"#,
            r#"{"ask":"lock","locked":true} x"#,
        ] {
            assert_eq!(request(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_code_is_six_digits_however_they_are_typed() {
        let code = |code: &str| Enter { code: code.into(), name: String::new() }.code();
        assert_eq!((code("012345"), code("０１２３４５"), code("012 345")), (Some(12_345), Some(12_345), Some(12_345)));
        assert_eq!(
            (code("12345"), code("1234567"), code("12345a"), code("+12345"), code("")),
            (None, None, None, None, None)
        );
    }
}
