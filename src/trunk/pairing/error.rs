//! Why there is no pair, in sentences a person can act on.

use crate::trunk::tls::{is_about_keys, tls_error};
use rustls::{AlertDescription, Error};
use std::io;
use std::net::SocketAddr;

/// Why there is no pair. Sentences a person can act on.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// Another program listens there.
    #[error("TCP port {} is taken: stop the engawa daemon while pairing", .0.port())]
    PortTaken(SocketAddr),
    /// The address is not one of this box, or not allowed.
    #[error("cannot listen on {address}: {source}")]
    CannotListen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody answers.
    #[error("{0} does not answer: is the other box on, and is its address right?")]
    NoAnswer(SocketAddr),
    /// The machine answers, but nothing listens.
    #[error("{0} is there but does not pair: run “engawa pair” there first")]
    NotListening(SocketAddr),
    /// No way there.
    #[error("there is no way to {address}: {source}; check cable and address of this box")]
    Unreachable {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Something else answers.
    #[error(
        "something answers there that does not pair: stop the engawa daemon on the other box and run “engawa pair” there"
    )]
    NotPairing,
    /// The code was wrong.
    #[error("the code is wrong{}", left_en(*.left))]
    WrongCode {
        /// Tries left, as the other box says.
        left: Option<u8>,
    },
    /// Too many tries.
    #[error("the code was tried too often and is dead: begin again with a new code")]
    CodeDead,
    /// Too late.
    #[error("the code is too old and is dead: begin again with a new code")]
    Expired,
    /// Two boxes with one identity, from one image.
    #[error(
        "both boxes have the same key: delete identity.key on one of them, so that it makes its own, and pair again"
    )]
    SameKey,
    /// Broke off.
    #[error("the connection broke off while pairing: begin again on both boxes")]
    Interrupted,
    /// The key cannot be used for TLS.
    #[error("TLS cannot be set up: {0}")]
    Tls(rustls::Error),
    /// The system's random number source failed.
    #[error("the system gives no random numbers, so no code can be made")]
    NoRandomNumbers,
}

impl PairError {
    /// The sentence in Japanese.
    pub fn japanese(&self) -> String {
        match self {
            Self::PortTaken(address) => format!(
                "TCPポート{}は使用中です。engawaを止めてから、もう一度「engawa pair」を行ってください。",
                address.port()
            ),
            Self::CannotListen { address, source } => {
                format!("{address}で待ち受けできません（{source}）。この箱の住所を確認してください。")
            }
            Self::NoAnswer(address) => {
                format!("{address}から応答がありません。相手の箱の電源と住所を確認してください。")
            }
            Self::NotListening(address) => {
                format!(
                    "{address}の箱は組み合わせの準備ができていません。先に相手の箱で「engawa pair」を行ってください。"
                )
            }
            Self::Unreachable { address, source } => {
                format!("{address}へ届きません（{source}）。この箱のケーブルと住所を確認してください。")
            }
            Self::NotPairing => {
                "相手は組み合わせの状態ではありません。相手の箱でengawaを止め、「engawa pair」を行ってください。".into()
            }
            Self::WrongCode { left } => format!("番号が違います。{}", left_ja(*left)),
            Self::CodeDead => "番号は使えなくなりました（間違いが続きました）。新しい番号でやり直してください。".into(),
            Self::Expired => "番号の期限が切れました。新しい番号でやり直してください。".into(),
            Self::SameKey => {
                "二つの箱が同じ鍵を持っています。片方のidentity.keyを消して鍵を作り直し、やり直してください。".into()
            }
            Self::Interrupted => "組み合わせの途中で接続が切れました。両方の箱でやり直してください。".into(),
            Self::Tls(fault) => format!("暗号通信を準備できません（{fault}）。"),
            Self::NoRandomNumbers => "乱数が得られないため、番号を作れません。".into(),
        }
    }

    /// When TCP did not come about.
    pub(super) fn of_connect(address: SocketAddr, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::ConnectionRefused {
            Self::NotListening(address)
        } else if source.kind() == io::ErrorKind::TimedOut {
            Self::NoAnswer(address)
        } else {
            Self::Unreachable { address, source }
        }
    }
}

impl From<Error> for PairError {
    fn from(error: Error) -> Self {
        Self::Tls(error)
    }
}

impl From<io::Error> for PairError {
    /// An error on a connection that stood.
    fn from(error: io::Error) -> Self {
        let Some(tls) = tls_error(&error) else { return Self::Interrupted };
        let not_pairing = matches!(
            tls,
            Error::AlertReceived(AlertDescription::NoApplicationProtocol)
                | Error::NoApplicationProtocol
                | Error::InvalidMessage(_)
        );
        if is_about_keys(tls) {
            // Everybody but ourselves is trusted here.
            Self::SameKey
        } else if not_pairing {
            Self::NotPairing
        } else {
            Self::Interrupted
        }
    }
}

fn left_en(left: Option<u8>) -> String {
    match left {
        None => String::new(),
        Some(0) => ": begin again with a new code".into(),
        Some(1) => ": one try is left".into(),
        Some(left) => format!(": {left} tries are left"),
    }
}

fn left_ja(left: Option<u8>) -> String {
    match left {
        None => String::new(),
        Some(0) => "新しい番号でやり直してください。".into(),
        Some(left) => format!("あと{left}回入力できます。"),
    }
}
