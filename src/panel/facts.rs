//! "What is set": who can join, what is stored, whether anything records; in plain words, from what is really set.

use super::state::Shown;
use super::words::pick;
use crate::config::Hours;
use crate::door::Room;
use crate::model::Language;
use serde::Serialize;
use std::sync::Arc;

/// One line of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Fact {
    /// The question.
    what: &'static str,
    /// The answer.
    fact: String,
}

/// What the answers are made from.
pub(super) struct Facts {
    pub(super) language: Language,
    pub(super) room: Arc<Room>,
    /// A PIN opens the installer's pages.
    pub(super) pin: bool,
    pub(super) hours: Option<Hours>,
}

impl Facts {
    pub(super) fn list(&self, shown: &Shown) -> Vec<Fact> {
        let face = &shown.snapshot.room.face;
        let networks = self.room.in_words();
        let say = |ja: &str, en: &str| match self.language {
            Language::Japanese => ja.to_owned(),
            Language::English => en.to_owned(),
        };
        let fact = |ja, en, fact| Fact { what: pick(self.language, ja, en), fact };
        vec![
            fact(
                "録画・録音",
                "Recording",
                say(
                    "しません。映像も音声も、どこにも保存しません。",
                    "None. Neither picture nor sound is stored anywhere.",
                ),
            ),
            fact(
                "保存するもの",
                "What is stored",
                say(
                    "カメラとマイクを開け閉めした時刻、モードの変更、参加した端末の記録、掲示板の貼り紙（7日まで）、両方の部屋が「残す」を押した資料（期限まで）だけです。映像と音声は含みません。",
                    "Only when camera and microphone were opened and closed, changes of mode, which devices joined, the notes on \
                     the board (seven days at most), and documents that both rooms pressed “Keep” for (until their date). No \
                     picture, no sound.",
                ),
            ),
            fact(
                "資料",
                "Documents",
                say(
                    "両方の箱のメモリーの中だけにあり、会議が終わると両方から消えます。ファイルとして受け取れるのは、両方の部屋が「残す」を押したものだけです。",
                    "Only in the memory of both boxes, and gone from both when the meeting ends. Only what both rooms pressed \
                     “Keep” for can be downloaded as a file.",
                ),
            ),
            fact("つながる相手", "Linked to", self.peer(shown)),
            fact(
                "マイク",
                "Microphone",
                say(
                    "この部屋の人がキーか操作ページで開けたときだけ開きます。相手の部屋からは開けられません。",
                    "Opens only when somebody in this room opens it, by a key or on this page. The other room cannot open it.",
                ),
            ),
            fact(
                "操作できる人",
                "Who can steer",
                say(
                    "箱の画面に出ている6桁の部屋コード（10分ごとに変わります）を入力した人と、部屋の中から許可された人だけです。会議が終わると全員外れます。",
                    "Whoever typed the six-digit room code that stands on the box's screen (another one every 10 minutes), and \
                     whoever was let in from inside. Everybody is out when the meeting ends.",
                ),
            ),
            fact("新しい端末", "New devices", {
                if face.locked {
                    say("いまは受け付けません（ロック中）。", "None are taken now (locked).")
                } else {
                    say("部屋コードで参加できます。", "Can join with the room code.")
                }
            }),
            fact(
                "ページを開ける場所",
                "Where this page opens",
                match self.language {
                    Language::Japanese => format!("この部屋のネットワーク（{networks}）からだけです。"),
                    Language::English => format!("Only from this room's networks ({networks})."),
                },
            ),
            fact("設置ページ", "Installer's page", {
                if self.pin {
                    say("設置用の暗証番号が要ります。", "Needs the installer's PIN.")
                } else {
                    say("画面に出ている部屋コードが要ります。", "Needs the room code that stands on the screen.")
                }
            }),
            fact("おやすみの時間", "Office hours", self.hours()),
            fact("カメラの向きの認識", "Following the camera", {
                if shown.snapshot.room.follow_turns {
                    say(
                        "カメラを動かすと、モードが自動で変わります。マイクは変わりません。",
                        "Turning the camera changes the mode by itself. Microphones do not change.",
                    )
                } else {
                    say("使っていません。", "Off.")
                }
            }),
        ]
    }

    fn peer(&self, shown: &Shown) -> String {
        let (name, words) = (&shown.snapshot.room.face.far_name, &shown.words);
        match (self.language, words.is_empty()) {
            (Language::Japanese, true) => "まだ相手の箱と組になっていません。".to_owned(),
            (Language::English, true) => "Not paired with another box yet.".to_owned(),
            (Language::Japanese, false) => {
                format!(
                    "組になった箱{name}だけです（合言葉：{words}）。間にサーバーはなく、箱から箱まで暗号化しています。"
                )
            }
            (Language::English, false) => format!(
                "Only the paired box {name} (its words: {words}). No server in between; encrypted from box to box."
            ),
        }
    }

    fn hours(&self) -> String {
        let Some(hours) = self.hours else {
            return pick(self.language, "決めていません。いつも開いています。", "Not set: always open.").to_owned();
        };
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let names = match self.language {
            Language::Japanese => ["月", "火", "水", "木", "金", "土", "日"],
            Language::English => ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        };
        let days: Vec<&str> =
            names.into_iter().zip(hours.days).filter_map(|(name, open)| open.then_some(name)).collect();
        let (from, to) = (time(hours.from), time(hours.to));
        match self.language {
            Language::Japanese => format!("{}　{from}～{to}。それ以外は眠り、キーを押すと起きます。", days.join("・")),
            Language::English => format!("{} {from}–{to}. Asleep otherwise; any key wakes it.", days.join(", ")),
        }
    }

    #[cfg(test)]
    pub(super) fn for_tests() -> Self {
        let room = Arc::new(Room::new(Vec::new(), Arc::new(Vec::new), None));
        Self { language: Language::Japanese, room, pin: true, hours: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_said_in_the_boxs_language() {
        let hours = Some(Hours { days: [true, true, false, false, false, false, false], from: 510, to: 1035 });
        let mut shown = Shown { words: "neko umi".into(), ..Shown::default() };
        shown.snapshot.room.face.locked = true;
        let say = |language| {
            let facts = Facts { language, hours, ..Facts::for_tests() };
            facts.list(&shown).iter().map(|fact| format!("{}: {}\n", fact.what, fact.fact)).collect::<String>()
        };
        let (ja, en) = (say(Language::Japanese), say(Language::English));
        for words in ["月・火　08:30～17:15", "neko umi", "ロック中", "録画・録音: しません。"] {
            assert!(ja.contains(words), "{words} is not in\n{ja}");
        }
        assert!(en.contains("Mon, Tue 08:30–17:15") && en.contains("Recording: None."), "{en}");
        assert!(!en.chars().any(|letter| ('ぁ'..='鿿').contains(&letter)), "{en}");
    }
}
