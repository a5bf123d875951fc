//! What is said on the bulk connection; documents come later.

use super::wire::old_enough;
use super::{MESSAGE_LIMIT, MessageError, PROTOCOL, frame, parse};
use serde::{Deserialize, Serialize};

/// What is said on the bulk connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bulk {
    /// First words, both ways.
    Hello {
        /// The control connection it belongs to.
        token: Token,
    },
    /// Are you there?
    Ping {
        /// Counts from 0 on each connection.
        number: u64,
    },
    /// Yes.
    Pong {
        /// As in the ping.
        number: u64,
    },
}

/// A bulk message as one frame.
///
/// # Errors
/// None that a caller can cause.
pub fn encode_bulk(message: &Bulk) -> Result<Vec<u8>, MessageError> {
    frame(&Wire::from(message), MESSAGE_LIMIT)
}

/// Reads the bytes after the length; `None` for a kind of message that only a newer version knows.
///
/// # Errors
/// See [`MessageError`].
pub fn decode_bulk(bytes: &[u8]) -> Result<Option<Bulk>, MessageError> {
    parse::<Wire>(bytes, MESSAGE_LIMIT)?.try_into()
}

/// Names a control connection to its bulk connection; from the TLS exporter of the control connection, so that both boxes
/// know it without saying it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub [u8; 16]);

#[derive(Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
enum Wire {
    Hello {
        protocol: u32,
        token: [u8; 16],
    },
    Ping {
        number: u64,
    },
    Pong {
        number: u64,
    },
    #[serde(other)]
    Newer,
}

impl From<&Bulk> for Wire {
    fn from(message: &Bulk) -> Self {
        match *message {
            Bulk::Hello { token } => Self::Hello { protocol: PROTOCOL, token: token.0 },
            Bulk::Ping { number } => Self::Ping { number },
            Bulk::Pong { number } => Self::Pong { number },
        }
    }
}

impl TryFrom<Wire> for Option<Bulk> {
    type Error = MessageError;

    fn try_from(wire: Wire) -> Result<Self, MessageError> {
        Ok(Some(match wire {
            Wire::Hello { protocol, token } => {
                old_enough(protocol)?;
                Bulk::Hello { token: Token(token) }
            }
            Wire::Ping { number } => Bulk::Ping { number },
            Wire::Pong { number } => Bulk::Pong { number },
            Wire::Newer => return Ok(None),
        }))
    }
}
