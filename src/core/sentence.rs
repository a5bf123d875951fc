//! The sentences people in the room read, in Japanese and English. Typed, so that a state cannot say something else.

use crate::model::{Device, Language};

/// One plain sentence for the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sentence {
    /// Nobody has said yet what this box is.
    NotSetUp,
    /// No peer key is stored.
    NotPaired,
    /// Never linked since start.
    Connecting,
    /// The near network cable has no carrier.
    NearCableOut,
    /// The near box has no address.
    NearAddressMissing,
    /// The peer does not answer; where the fault is, is not known.
    FarSilent,
    /// The peer said it goes down.
    FarGoingDown,
    /// The peer's daemon answers but its picture does not come.
    PictureMissing,
    /// The peer refuses the connection: its daemon does not run.
    FarNotRunning,
    /// Somebody on the path is not the peer: the media key is not the one that was announced.
    Intruder,
    /// The peer's key is not the pinned one.
    WrongKey,
    /// The far camera is missing.
    FarCameraMissing,
    /// A near device is missing.
    NearDeviceMissing(Device),
}

impl Sentence {
    /// The sentence in words.
    pub fn text(&self, language: Language) -> &'static str {
        let (ja, en) = match self {
            Self::NotSetUp => (
                "この箱はまだ設定されていません。設定ファイルを入れたUSBメモリーを差してください。",
                "This box is not set up yet. Plug in the USB stick with its file.",
            ),
            Self::NotPaired => (
                "まだ相手の箱と組になっていません。設置担当者が「engawa pair」を行ってください。",
                "This box is not paired yet. The installer runs “engawa pair” on both boxes.",
            ),
            Self::Connecting => ("相手の部屋につないでいます。", "Connecting to the other room."),
            Self::NearCableOut => (
                "この箱のネットワークケーブルが抜けています。差し込んでください。",
                "This box's network cable is unplugged. Please plug it in.",
            ),
            Self::NearAddressMissing => (
                "この箱にネットワークの住所がありません。ネットワーク担当に知らせてください。",
                "This box has no network address. Please tell the network section.",
            ),
            Self::FarSilent => (
                "相手の箱から応答がありません。自動でつなぎ直しています。",
                "The other box does not answer. Reconnecting by itself.",
            ),
            Self::FarGoingDown => (
                "相手の箱が再起動しています。自動でつなぎ直します。",
                "The other box is restarting. It will reconnect by itself.",
            ),
            Self::PictureMissing => (
                "相手の映像が届いていません。自動でつなぎ直しています。",
                "No picture arrives from the other room. Reconnecting by itself.",
            ),
            Self::FarNotRunning => (
                "相手の箱は動いていますが、準備ができていません。自動でつなぎ直しています。",
                "The other box is on but not ready. Reconnecting by itself.",
            ),
            Self::Intruder => (
                "途中の回線に相手ではない機器がいます。映像と音声は送っていません。ネットワーク担当に知らせてください。",
                "Something on the line is not the other box. No picture or sound is sent. Please tell the network section.",
            ),
            Self::WrongKey => (
                "相手の箱の鍵が違います。設置担当者に知らせてください。",
                "The other box has a different key. Please tell the installer.",
            ),
            Self::FarCameraMissing => {
                ("相手の部屋のカメラが外れています。", "The other room's camera is disconnected.")
            }
            Self::NearDeviceMissing(Device::Camera) => (
                "カメラが見つかりません。ケーブルを差し直してください。",
                "No camera found. Please plug its cable in again.",
            ),
            Self::NearDeviceMissing(Device::Microphone) => (
                "マイクが見つかりません。ケーブルを差し直してください。",
                "No microphone found. Please plug its cable in again.",
            ),
            Self::NearDeviceMissing(Device::Speaker) => (
                "スピーカーが見つかりません。ケーブルを差し直してください。",
                "No speaker found. Please plug its cable in again.",
            ),
            Self::NearDeviceMissing(Device::Screen) => ("画面が見つかりません。", "No screen found."),
        };
        match language {
            Language::Japanese => ja,
            Language::English => en,
        }
    }
}
