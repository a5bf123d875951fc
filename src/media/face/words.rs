//! What the screen says, in Japanese and English.

use super::Look;
use crate::core::face::{Banner, Face, MenuPage, PageFace, PageState};
use crate::core::share::Refusal;
use crate::core::snapshot::LinkState;
use crate::model::{Key, Language, MicState, Mode, Stance, Veil};
use std::time::Duration;

/// One of the two languages.
pub(super) fn say<'w>(language: Language, ja: &'w str, en: &'w str) -> &'w str {
    match language {
        Language::Japanese => ja,
        Language::English => en,
    }
}

/// A key as it is written on the keypad.
pub(super) fn key(key: Key, language: Language) -> &'static str {
    let (ja, en) = match key {
        Key::Talk => ("声かけ", "Talk"),
        Key::Meet => ("会議", "Meet"),
        Key::View => ("カメラ", "Camera"),
        Key::Curtain => ("カーテン", "Curtain"),
        Key::More => ("その他", "More"),
        Key::StopShare => ("共有終了", "Stop share"),
    };
    say(language, ja, en)
}

/// The mode's name.
pub(super) fn mode(mode: Mode, language: Language) -> &'static str {
    let (ja, en) = match mode {
        Mode::Quiet => ("常時", "Quiet"),
        Mode::Talking => ("会話", "Talking"),
        Mode::Meeting => ("会議", "Meeting"),
        Mode::Curtain => ("カーテン", "Curtain"),
        Mode::Asleep => ("おやすみ", "Asleep"),
    };
    say(language, ja, en)
}

/// What leaves this room's microphone, and what can be done about it.
pub(super) fn microphone(face: &Face, language: Language) -> (&'static str, &'static str) {
    let up = face.link == LinkState::Up;
    let knocked = matches!(face.banner, Some(Banner::Knocked));
    let (ja, en) = match (face.microphone, face.microphone_wanted) {
        // Who hears it across a cut line nobody knows.
        (MicState::Open, true) if !up => (("マイクが開いています", ""), ("Microphone open", "")),
        (MicState::Open, true) => {
            (("マイクが開いています", "相手に聞こえています"), ("Microphone open", "the other room hears you"))
        }
        (MicState::Open, false) => {
            (("マイクを閉じています…", "まだ相手に聞こえます"), ("Closing the microphone…", "you can still be heard"))
        }
        (MicState::LevelsOnly, _) => (
            ("声は届いていません", "にぎわいだけが伝わっています"),
            ("Nobody hears you", "only how lively it is here is told"),
        ),
        (MicState::Closed, true) if up => {
            (("マイクを開いています…", "声はまだ届いていません"), ("Opening the microphone…", "nobody hears you yet"))
        }
        (MicState::Closed, true) => (
            ("声は届いていません", "つながりしだい、マイクが開きます"),
            ("Nobody hears you", "the microphone opens as soon as the link is back"),
        ),
        (MicState::Closed, false) if face.mode.is_shut() || !up => {
            (("声は届いていません", ""), ("Microphone closed", "nobody hears you"))
        }
        (MicState::Closed, false) if knocked => {
            (("声は届いていません", "「声かけ」で答えられます"), ("Nobody hears you", "press “Talk” to answer"))
        }
        (MicState::Closed, false) if face.mode == Mode::Quiet => {
            (("声は届いていません", "「声かけ」で話せます"), ("Nobody hears you", "press “Talk” to speak"))
        }
        (MicState::Closed, false) => (
            ("声は届いていません", "「声かけ」でマイクを開く"),
            ("Nobody hears you", "press “Talk” to open the microphone"),
        ),
    };
    match language {
        Language::Japanese => ja,
        Language::English => en,
    }
}

/// What the far box says leaves its microphone.
pub(super) fn far_microphone(state: MicState, language: Language) -> &'static str {
    let (ja, en) = match state {
        MicState::Closed => ("相手のマイク 閉", "their mic is closed"),
        MicState::LevelsOnly => ("相手のマイク 音量のみ", "their mic: levels only"),
        MicState::Open => ("相手のマイク 開", "their mic is open"),
    };
    say(language, ja, en)
}

/// The link.
pub(super) fn link(face: &Face, language: Language) -> &'static str {
    let (ja, en) = match face.link {
        LinkState::Up if face.sealed => ("つながっています", "Linked"),
        LinkState::Up => ("相手を確かめています", "Checking the other box"),
        LinkState::Connecting => ("つないでいます", "Connecting"),
        LinkState::Lost => ("切れています・つなぎ直し中", "Link lost, reconnecting"),
        LinkState::Unpaired => ("組になっていません", "Not paired"),
    };
    say(language, ja, en)
}

/// The far room's name, or what it is called while nobody knows.
pub(super) fn far_name(face: &Face, language: Language) -> &str {
    if face.far_name.is_empty() { say(language, "相手の部屋", "the other room") } else { &face.far_name }
}

/// A camera's view and what is done to its picture; empty where there is nothing to say.
pub(super) fn camera(view: &str, veil: Veil, language: Language) -> String {
    let (ja, en) = match veil {
        Veil::Clear => ("", ""),
        Veil::Frosted => ("すりガラス", "frosted"),
        Veil::Black => ("黒", "black"),
    };
    let said = joined(&[view, say(language, ja, en)]);
    if said.is_empty() { said } else { format!("{} {said}", say(language, "カメラ", "camera")) }
}

/// What is not empty, side by side.
pub(super) fn joined(parts: &[&str]) -> String {
    parts.iter().copied().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("・")
}

/// Roughly how wide words are, in heights of their type: full width, or a little more than half.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(|letter| if letter.is_ascii() { 0.54 } else { 1.0 }).sum()
}

/// No wider than so many letters; dots stand for the rest.
pub(super) fn short(text: &str, most: f64) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.chars() {
        short.push(letter);
        if width(&short) > most - 1.0 {
            short.pop();
            break;
        }
    }
    short + "…"
}

/// A shut room: who shut it, and how it opens.
pub(super) fn shut(face: &Face, language: Language) -> (&'static str, &'static str) {
    let (ja, en) = match (face.near, face.far) {
        (Stance::Curtain, Stance::Curtain) => (
            ("両方の部屋がカーテンを閉めています", "この部屋の分はいつでも開けられます"),
            ("Both rooms have drawn their curtains", "You can open yours at any time"),
        ),
        (Stance::Curtain, Stance::Present | Stance::Asleep) => (
            ("この部屋のカーテンを閉めています", "おたがいに見えず、聞こえません"),
            ("The curtain of this room is drawn", "Neither room sees or hears the other"),
        ),
        (Stance::Present, Stance::Curtain) => (
            ("相手の部屋がカーテンを閉めています", "おたがいに見えず、聞こえません。開けられるのは相手の部屋です"),
            (
                "The other room has drawn its curtain",
                "Neither room sees or hears the other. Only that room can open it",
            ),
        ),
        (Stance::Asleep, _) => {
            (("おやすみ中です", "どのキーでも起きます"), ("This room is asleep", "Any key wakes it"))
        }
        (Stance::Present, Stance::Asleep | Stance::Present) => (
            ("相手の部屋はおやすみ中です", "おたがいに見えず、聞こえません。起こせるのは相手の部屋です"),
            ("The other room is asleep", "Neither room sees or hears the other. Only that room can wake up"),
        ),
    };
    match language {
        Language::Japanese => ja,
        Language::English => en,
    }
}

/// A page of the menu: its name, and what the meet and view keys do there.
pub(super) fn page(page: MenuPage, face: &Face, language: Language) -> [&'static str; 3] {
    let print_waits = matches!(face.banner, Some(Banner::PrintWaits { .. }));
    let (ja, en) = match page {
        MenuPage::Live => (
            ["画面の共有", "共有を終える", if face.live.moving { "文字を見せる" } else { "動画を見せる" }],
            ["Shared screen", "stop it", if face.live.moving { "it is text" } else { "it is a video" }],
        ),
        MenuPage::Pages => (["資料", "前のページ", "次の資料"], ["Document", "page before", "next document"]),
        MenuPage::Document => {
            (["資料とカメラ", "資料を閉じる", "カメラの向き"], ["Document and camera", "close document", "camera view"])
        }
        MenuPage::Sound => (["相手の音量", "小さく", "大きく"], ["Sound of the other room", "softer", "louder"]),
        MenuPage::Picture => (
            [
                "この部屋の映像",
                if face.own_picture { "確認を終える" } else { "映りを確認" },
                match face.veil {
                    Veil::Clear => "すりガラスにする",
                    Veil::Frosted => "黒くする",
                    Veil::Black => "普通に戻す",
                },
            ],
            [
                "Picture of this room",
                if face.own_picture { "put it away" } else { "see what they see" },
                match face.veil {
                    Veil::Clear => "frosted glass",
                    Veil::Frosted => "black",
                    Veil::Black => "clear again",
                },
            ],
        ),
        MenuPage::Guests => (
            [
                "スマホやPCの参加",
                if face.code.is_some() { "コードを隠す" } else { "コードを出す" },
                if print_waits { "印刷を写す" } else { "待つ人を入れる" },
            ],
            [
                "Guests with phone or PC",
                if face.code.is_some() { "hide the code" } else { "show the code" },
                if print_waits { "show the print" } else { "let the waiting in" },
            ],
        ),
        MenuPage::Door => (
            ["入口", if face.locked { "参加を受け付ける" } else { "参加を断る" }, "全員を外す"],
            ["The door", if face.locked { "take guests again" } else { "take no more guests" }, "end all guests"],
        ),
    };
    match language {
        Language::Japanese => ja,
        Language::English => en,
    }
}

/// What the talk key does now.
pub(super) fn talk(face: &Face, language: Language) -> &'static str {
    let (ja, en) = match (&face.banner, face.mode) {
        (Some(Banner::Knocked), _) => ("答える", "answer"),
        (Some(Banner::Knocking), _) => ("声かけをやめる", "stop knocking"),
        (_, _) if face.microphone_wanted => ("マイクを閉じる", "close microphone"),
        (_, Mode::Quiet) => ("声をかける", "knock"),
        (_, Mode::Talking | Mode::Meeting) => ("マイクを開く", "open microphone"),
        (_, Mode::Curtain | Mode::Asleep) => ("―", "–"),
    };
    say(language, ja, en)
}

/// What the curtain key does now.
pub(super) fn curtain(face: &Face, language: Language) -> &'static str {
    match face.near {
        Stance::Curtain => say(language, "開ける", "open"),
        Stance::Present | Stance::Asleep => say(language, "閉める", "draw"),
    }
}

/// The age of a held picture.
pub(super) fn age(seconds: u64, language: Language) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let clock =
        if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") };
    match language {
        Language::Japanese => format!("最後の映像から {clock}"),
        Language::English => format!("last picture {clock} ago"),
    }
}

/// How long the meeting has lasted.
pub(super) fn meeting(minutes: u64, language: Language) -> String {
    match (language, minutes / 60, minutes % 60) {
        (Language::Japanese, 0, minutes) => format!("{minutes} 分"),
        (Language::Japanese, hours, minutes) => format!("{hours} 時間 {minutes:02} 分"),
        (Language::English, 0, minutes) => format!("{minutes} min"),
        (Language::English, hours, minutes) => format!("{hours} h {minutes:02} min"),
    }
}

/// Which page of how many.
pub(super) fn page_of(page: &PageFace, drawn: u32, language: Language) -> String {
    let larger = match page.look.zoom {
        ..=1000 => String::new(),
        zoom => format!("　×{:.1}", f64::from(zoom) / 1000.0),
    };
    match (page.pages, language) {
        (0, _) => String::new(),
        (pages, Language::Japanese) => format!("{} / {pages} ページ{larger}", drawn + 1),
        (pages, Language::English) => format!("page {} of {pages}{larger}", drawn + 1),
    }
}

/// Why no page stands there yet; nothing once it is here.
pub(super) fn page_state(page: &PageFace, language: Language) -> Option<(String, String)> {
    let name = page.name.clone();
    match page.state {
        PageState::Here => None,
        PageState::Opening => Some((say(language, "資料を開いています", "Opening the document").into(), name)),
        PageState::Arriving(done) => {
            let title = say(language, "資料を受け取っています", "The document is coming");
            Some((format!("{title} {done} %"), name))
        }
        PageState::Refused(why) => Some((Refusal::title(language).into(), format!("{name}：{}", why.reason(language)))),
    }
}

/// The sentence of the plan.
pub(super) fn sentence(look: &Look, language: Language) -> Option<String> {
    Some(one_thought_a_line(look.screen.sentence.as_ref()?.text(language)))
}

/// Breaks after each full stop: short lines are read from across a room.
pub(super) fn one_thought_a_line(text: &str) -> String {
    text.replace('。', "。\n").replace(". ", ".\n").trim_end().to_owned()
}

/// Whole units of `span` in `length`.
pub(super) fn units(length: Duration, span: Duration) -> u64 {
    length.as_secs() / span.as_secs().max(1)
}
