//! What the panel says by itself, in both languages. What the core denies has its own sentences.

use crate::asking::{denied_name, full_text};
use crate::core::face::{Banner, LiveLine};
use crate::core::request::{Answer, Denied};
use crate::core::share;
use crate::documents::Full;
use crate::live::LiveFault;
use crate::model::{Language, Side};

/// Why the panel does not do what it was asked. Each has a status, a name for the page and a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Opened by a name, or by another address than its own: DNS rebinding.
    ForeignHost,
    /// Asked by another site's page.
    ForeignOrigin,
    /// A body that is not declared as JSON, as no form of another site could.
    NotJson,
    /// A body at the WHIP door that is not declared as SDP.
    NotSdp,
    /// A body that cannot be read.
    NotUnderstood,
    /// A body beyond the limit.
    TooLong,
    /// A body that did not come.
    TooSlow,
    /// No such page.
    NoSuchPage,
    /// There, but not so.
    WrongMethod,
    /// The code has not six digits.
    NoCode,
    /// The installer's PIN is another one.
    WrongPin,
    /// The box is called otherwise.
    OtherName,
    /// Too many wrong PINs.
    PinPause,
    /// For the installer only.
    NotInstaller,
    /// The camera sends nothing.
    NothingSent,
    /// The page cannot be drawn now, or is not open.
    NoPicture,
    /// No such document is kept.
    NotKept,
    /// The clock could not be set.
    ClockNotSet,
    /// What the installer set could not be read or kept.
    NotSaved,
    /// The part of a bundle that was sent is not the one that comes next.
    OtherOffset,
    /// No update lies here.
    NoUpdate,
    /// The loop gave no answer, or too much was asked at once.
    Busy,
    /// This browser has the page open too often.
    TooManyPages,
    /// The store does not take the document.
    NotTaken(Full),
    /// Neither a token that was ever given nor a browser that is known.
    NoToken,
    /// The offer of a live share is of no use.
    NotShared(LiveFault),
    /// The core's own reason.
    Denied(Denied),
}

impl Refusal {
    /// HTTP. What the room's policy denies is an answer, not an error.
    pub(super) const fn status(self) -> u16 {
        match self {
            Self::ForeignHost | Self::ForeignOrigin | Self::NotInstaller => 403,
            Self::NoToken => 401,
            Self::NotJson | Self::NotSdp => 415,
            Self::NotUnderstood => 400,
            Self::TooLong => 413,
            Self::TooSlow => 408,
            Self::NoSuchPage | Self::NothingSent | Self::NoPicture | Self::NotKept => 404,
            Self::WrongMethod => 405,
            Self::Busy => 503,
            Self::TooManyPages => 429,
            Self::OtherOffset | Self::NoUpdate => 200,
            Self::NoCode | Self::WrongPin | Self::OtherName | Self::PinPause | Self::ClockNotSet | Self::NotSaved => {
                200
            }
            Self::NotShared(LiveFault::Full | LiveFault::Busy) => 503,
            Self::NotShared(LiveFault::Denied(_)) => 403,
            Self::NotShared(_) => 400,
            Self::NotTaken(_) | Self::Denied(_) => 200,
        }
    }

    /// For the page.
    pub(super) const fn why(self) -> &'static str {
        match self {
            Self::ForeignHost => "foreign_host",
            Self::ForeignOrigin => "foreign_origin",
            Self::NotJson => "not_json",
            Self::NotSdp => "not_sdp",
            Self::NoToken => "no_token",
            Self::NotUnderstood => "not_understood",
            Self::TooLong => "too_long",
            Self::TooSlow => "too_slow",
            Self::NoSuchPage => "no_such_page",
            Self::WrongMethod => "wrong_method",
            Self::NoCode => "no_code",
            Self::WrongPin => "wrong_pin",
            Self::OtherName => "other_name",
            Self::PinPause => "too_many_tries",
            Self::NotInstaller => "not_installer",
            Self::NothingSent => "nothing_sent",
            Self::NoPicture => "no_picture",
            Self::NotKept => "not_kept",
            Self::ClockNotSet => "clock_not_set",
            Self::NotSaved => "not_saved",
            Self::OtherOffset => "other_offset",
            Self::NoUpdate => "no_update",
            Self::Busy => "busy",
            Self::TooManyPages => "too_many_pages",
            Self::NotTaken(_) => "not_taken",
            Self::NotShared(LiveFault::Malformed) => "not_understood",
            Self::NotShared(LiveFault::NoPicture) => "no_picture",
            Self::NotShared(LiveFault::TooMuch) => "too_many_parts",
            Self::NotShared(LiveFault::NoCodec) => "no_codec",
            Self::NotShared(LiveFault::Full) => "full",
            Self::NotShared(LiveFault::Busy) => "busy",
            Self::NotShared(LiveFault::Denied(why)) => denied_name(why),
            Self::Denied(why) => denied_name(why),
        }
    }

    /// For people.
    pub(super) fn text(self, language: Language) -> &'static str {
        let (ja, en) = match self {
            Self::ForeignHost => (
                "このページは、箱の画面に出ている住所（数字）で開いてください。",
                "Please open this page by the address, in numbers, that stands on the box's screen.",
            ),
            Self::ForeignOrigin => {
                ("ほかのページからの操作は受け付けません。", "Requests from other pages are not accepted.")
            }
            Self::NotJson | Self::NotUnderstood => (
                "送られた内容を読み取れませんでした。ページを開き直してください。",
                "What was sent could not be read. Please open the page again.",
            ),
            Self::NotSdp => (
                "映像の申し込みは application/sdp で送ってください。",
                "Please send the offer of a picture as application/sdp.",
            ),
            Self::NoToken => (
                "このトークンは使えません。部屋のページで新しいトークンを取ってください。",
                "This token is not known. Please take a new one from the room's page.",
            ),
            Self::TooLong => ("送られた内容が長すぎます。", "What was sent is too long."),
            Self::TooSlow => (
                "送られた内容が届き終わりませんでした。もう一度お試しください。",
                "What was sent did not arrive in time. Please try again.",
            ),
            Self::NoSuchPage => ("そのページはありません。", "There is no such page."),
            Self::WrongMethod => ("その開き方はできません。", "It cannot be opened that way."),
            Self::NoCode => {
                ("画面に出ている6桁の数字を入力してください。", "Please type the six digits that stand on the screen.")
            }
            Self::WrongPin => ("設置用の暗証番号が違います。", "Wrong installer's PIN."),
            Self::OtherName => (
                "この箱の名前と違います。ページの上に出ている名前を、そのまま入力してください。",
                "This box is called otherwise. Type the name that stands at the top of the page, exactly.",
            ),
            Self::PinPause => (
                "間違った暗証番号が続いたので、しばらく受け付けません。少し待ってください。",
                "Too many wrong PINs. Please wait a little.",
            ),
            Self::NotInstaller => (
                "設置担当者のページです。先に設置用の暗証番号を入力してください。",
                "This is for the installer. First type the installer's PIN.",
            ),
            Self::NothingSent => {
                ("いま相手の部屋へ映像を送っていません。", "No picture is sent to the other room now.")
            }
            Self::NoPicture => ("このページはいま表示できません。", "This page cannot be shown now."),
            Self::NotKept => ("その資料はもう残っていません。", "That document is kept no longer."),
            Self::ClockNotSet => (
                "時計を合わせられませんでした。この箱には時計を変える権限がありません。",
                "The clock could not be set. This box may not change it.",
            ),
            Self::NotSaved => (
                "保存できませんでした。前の設定のままです。箱のディスクを確かめてください。",
                "It could not be saved; what was set before still counts. Check the box's disk.",
            ),
            Self::OtherOffset => (
                "続きの位置が合いません。もう一度送ってください。",
                "That is not the part that comes next. Please send it again.",
            ),
            Self::NoUpdate => {
                ("この箱に、入れられる更新はありません。", "No update lies here that could be installed.")
            }
            Self::Busy => ("いま混み合っています。もう一度お試しください。", "The box is busy now. Please try again."),
            Self::TooManyPages => (
                "このページが開きすぎています。ほかのタブを閉じてください。",
                "This page is open too often. Please close the other tabs.",
            ),
            Self::NotShared(LiveFault::Malformed | LiveFault::TooMuch) => {
                ("送られた映像の申し込みを読み取れませんでした。", "The offer of a picture could not be read.")
            }
            Self::NotShared(LiveFault::NoPicture) => {
                ("送られた申し込みに映像がありません。", "The offer has no picture in it.")
            }
            Self::NotShared(LiveFault::NoCodec) => (
                "この映像の形式は表示できません。送る側をH.264かVP8にしてください。",
                "This kind of picture cannot be shown. Please let the sender use H.264 or VP8.",
            ),
            Self::NotShared(LiveFault::Full | LiveFault::Busy) => (
                "いまは画面を受け取れません。少し待ってもう一度お試しください。",
                "No screen can be taken now. Please wait a little and try again.",
            ),
            Self::NotShared(LiveFault::Denied(denied)) => return denied.text(language),
            Self::NotTaken(full) => return full_text(full, language),
            Self::Denied(denied) => return denied.text(language),
        };
        pick(language, ja, en)
    }
}

/// What was done.
pub(super) fn done(answer: Answer, language: Language) -> Result<(&'static str, &'static str), Refusal> {
    match answer {
        Answer::Accepted => Ok(("accepted", pick(language, "受け付けました。", "Done."))),
        Answer::AlreadySo => Ok(("already", pick(language, "すでにその状態です。", "It is so already."))),
        Answer::Denied(denied) => Err(Refusal::Denied(denied)),
    }
}

/// The banner of the kiosk screen, for the page.
pub(super) fn banner(banner: &Banner, language: Language) -> (&'static str, String) {
    match banner {
        Banner::Knocked => {
            ("knocked", pick(language, "相手の部屋が呼んでいます。", "The other room is knocking.").to_owned())
        }
        Banner::Knocking => {
            ("knocking", pick(language, "相手の部屋を呼んでいます。", "Knocking at the other room.").to_owned())
        }
        Banner::Turning { view } => (
            "turning",
            match language {
                Language::Japanese => format!("カメラを「{view}」に切り替えます。"),
                Language::English => format!("The camera changes to “{view}”."),
            },
        ),
        Banner::GuestWaits { name } => (
            "guest_waits",
            match language {
                Language::Japanese => format!("「{name}」が参加を待っています。"),
                Language::English => format!("“{name}” asks to be let in."),
            },
        ),
        Banner::ShareWaits(line) => (
            "share_waits",
            format!(
                "{}{}",
                whose(line, language),
                pick(language, "が画面を出そうとしています。", " wants to share a screen.")
            ),
        ),
        Banner::InputWaits => (
            "input_waits",
            pick(language, "HDMIの画面が来ています。映しますか。", "An HDMI picture has come in. Show it?").to_owned(),
        ),
        Banner::PrintWaits { name, from } => (
            "print_waits",
            match language {
                Language::Japanese => format!("「{name}」の印刷が届きました（{from}）。"),
                Language::English => format!("“{name}” was printed to the screens by {from}."),
            },
        ),
        Banner::Helped => (
            "helped",
            pick(
                language,
                "相手の部屋の設置担当者が、この箱を手伝っています。",
                "An installer in the other room helps this box.",
            )
            .to_owned(),
        ),
        Banner::Identified => ("identified", pick(language, "この箱です。", "It is this box.").to_owned()),
        Banner::Denied(denied) => ("denied", denied.text(language).to_owned()),
        Banner::Unshown { name, why } => {
            ("unshown", format!("{}：{name}。{}", share::Refusal::title(language), why.reason(language)))
        }
    }
}

/// Whose screen, from which room.
pub(super) fn whose(line: &LiveLine, language: Language) -> String {
    let name = if line.name.is_empty() { line.kind.text(language) } else { &line.name };
    match (language, line.side) {
        (Language::Japanese, Side::Near) => format!("この部屋の「{name}」"),
        (Language::Japanese, Side::Far) => format!("相手の部屋の「{name}」"),
        (Language::English, Side::Near) => format!("“{name}” of this room"),
        (Language::English, Side::Far) => format!("“{name}” of the other room"),
    }
}

/// One of two.
pub(super) const fn pick(language: Language, ja: &'static str, en: &'static str) -> &'static str {
    match language {
        Language::Japanese => ja,
        Language::English => en,
    }
}
