//! What a browser may write in a body besides a wish, whose notation is in [`crate::asking`]. Unknown fields are refused.

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

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

/// `POST /api/kept/forget`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Forget {
    pub(super) document: String,
}

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

/// `POST /api/far`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Far {
    #[serde(deserialize_with = "overwritten")]
    pin: Zeroizing<String>,
    r#do: String,
}

/// `POST /api/update/install` and `POST /api/update/pass`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Install {}

impl Far {
    /// The digits of the far box's PIN.
    pub(super) fn digits(&self) -> Option<String> {
        digits(&self.pin)
    }

    /// What is asked for.
    pub(super) fn wish(&self) -> &str {
        &self.r#do
    }
}

/// `POST /api/reset`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reset {
    pin: String,
    /// The box's name, as typed.
    pub(super) name: String,
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

fn overwritten<'de, D: Deserializer<'de>>(from: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(from).map(Zeroizing::new)
}

impl Reset {
    /// The digits of the PIN.
    pub(super) fn digits(&self) -> Option<String> {
        digits(&self.pin)
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
