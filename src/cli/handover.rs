//! `engawa doctor --handover FILE.pdf`: the sheet that an installer leaves with the people of the room.
//!
//! What the doctor finds, and what the running daemon of this box sees of the line for [`WATCHED`]: both ways, because the other
//! box says in its heartbeats what arrives there. Nothing is sent for it and nothing is opened.

use crate::cli::doctor::{Check, Grade};
use crate::cli::{Failure, status};
use crate::config::Config;
use crate::media::paper::{self, Mark, Paper, Part, Row};
use crate::model::Language;
use crate::system::clock;
use crate::system::status::Status;
use crate::trunk::identity::{self, Identity};
use crate::trunk::words::six_words;
use crate::update::release;
use std::io::Write;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

/// Watches the line, then writes the sheet.
///
/// # Errors
/// When it cannot be drawn or written. A box that is not well gets its sheet too, with what is wrong.
pub fn write(file: &Path, config: &Config, checks: &[Check]) -> Result<(), Failure> {
    eprintln!("engawa: watching the line for {} s", WATCHED.as_secs());
    let seen = watch(&config.status_socket);
    let sheet = Sheet { config, language: config.language };
    let paper = sheet.paper(&seen, checks);
    let bytes = paper::pdf(&paper).map_err(|error| Failure::new(error.to_string()))?;
    let failed = |error| Failure::new(format!("{}: {error}", file.display()));
    if is_standard_output(file) {
        return std::io::stdout().write_all(&bytes).map_err(failed);
    }
    std::fs::write(file, bytes).map_err(failed)?;
    println!("{}", file.display());
    Ok(())
}

/// `-`
pub fn is_standard_output(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// One status a second; fewer when the daemon does not answer.
#[expect(clippy::disallowed_methods, reason = "looks once a second for a named time; the daemon never does")]
fn watch(socket: &Path) -> Vec<Status> {
    let mut seen = Vec::new();
    for _ in 0..WATCHED.as_secs() {
        let Ok(status) = status::once(socket) else { break };
        seen.push(status);
        std::thread::sleep(Duration::from_secs(1));
    }
    seen
}

struct Sheet<'c> {
    config: &'c Config,
    language: Language,
}

impl Sheet<'_> {
    fn paper(&self, seen: &[Status], checks: &[Check]) -> Paper {
        let when = clock::date_and_time();
        let version = release::release();
        Paper {
            title: self.say("お引き渡し票", "Hand-over sheet").to_owned() + " — " + &self.config.name,
            lead: match self.language {
                Language::Japanese => format!("縁側 {version}　この箱の時計で {when}"),
                Language::English => format!("Engawa {version}, {when} by this box's clock"),
            },
            parts: vec![self.pair(seen), self.line(seen), self.checks(checks), self.flows(), self.by_hand()],
        }
    }

    fn pair(&self, seen: &[Status]) -> Part {
        let peer = self.config.peer.address;
        let own = peer.and_then(|peer| own_address(peer.ip())).map_or("–".into(), |own| own.to_string());
        let name = seen.last().and_then(|status| status.peer.name.clone()).unwrap_or_else(|| "–".into());
        let address = seen.last().and_then(|status| status.peer.address.clone());
        let address = peer.map(|peer| peer.to_string()).or(address).unwrap_or_else(|| "–".into());
        let rows = vec![
            row(Mark::None, self.say("この箱", "This box"), format!("{}　{own}", self.config.name)),
            row(Mark::None, self.say("相手の箱", "The other box"), format!("{name}　{address}")),
            match words(self.config) {
                Some(words) => row(Mark::None, self.say("対の言葉", "The pair's words"), words),
                None => row(
                    Mark::Bad,
                    self.say("対の言葉", "The pair's words"),
                    self.say("まだ組になっていません", "not paired").into(),
                ),
            },
        ];
        Part { heading: self.say("対", "The pair").into(), rows }
    }

    fn line(&self, seen: &[Status]) -> Part {
        let heading = match self.language {
            Language::Japanese => format!("回線（{} 秒間の実測）", seen.len()),
            Language::English => format!("The line, watched for {} s", seen.len()),
        };
        let Some(last) = seen.last() else {
            let text = self.say("engawa が動いていないため測れません", "not measured: engawa does not run").into();
            return Part { heading, rows: vec![row(Mark::Bad, self.say("リンク", "Link"), text)] };
        };
        let up = seen.iter().filter(|status| status.link == "up").count();
        let link = match self.language {
            Language::Japanese => format!("{} 秒のうち {up} 秒つながっていた", seen.len()),
            Language::English => format!("up for {up} of {} s", seen.len()),
        };
        let mark = if up == seen.len() { Mark::Good } else { Mark::Bad };
        let there: Vec<_> = seen.iter().filter_map(|status| status.arriving_far).collect();
        let here_row = Way {
            kbps: seen.iter().map(|status| status.kbps_in).collect(),
            loss: seen.iter().map(|status| status.loss).collect(),
            picture: seen.iter().filter_map(|status| status.picture_delay_ms.map(|delay| delay.p95)).collect(),
            sound: seen.iter().filter_map(|status| status.sound_delay_ms.map(|delay| delay.p95)).collect(),
        };
        let there_row = Way {
            kbps: there.iter().map(|far| far.kbps).collect(),
            loss: there.iter().map(|far| far.loss).collect(),
            picture: there.iter().filter_map(|far| far.picture_ms.map(f64::from)).collect(),
            sound: there.iter().filter_map(|far| far.sound_ms.map(f64::from)).collect(),
        };
        let round = last.rtt_ms.map_or("–".into(), |rtt| format!("{rtt:.1} ms"));
        let estimate = last.estimate_kbps.map_or("–".into(), |kbps| format!("{kbps} kbit/s"));
        let missing = if last.missing.is_empty() { self.say("なし", "none").into() } else { last.missing.join(", ") };
        let rows = vec![
            row(mark, self.say("リンク", "Link"), link),
            row(Mark::None, self.say("上限（片道）", "Ceiling, each way"), format!("{} kbit/s", last.ceiling_kbps)),
            self.way(self.say("相手 → こちら", "Far → here"), &here_row),
            self.way(self.say("こちら → 相手", "Here → far"), &there_row),
            row(Mark::None, self.say("往復・推定帯域", "Round trip, estimate"), format!("{round}　{estimate}")),
            row(
                if last.missing.is_empty() { Mark::Good } else { Mark::Doubtful },
                self.say("欠けている機器", "Missing devices"),
                missing,
            ),
        ];
        Part { heading, rows }
    }

    fn way(&self, name: &str, way: &Way) -> Row {
        if way.kbps.is_empty() {
            return row(Mark::Doubtful, name, self.say("わかりません", "not known").into());
        }
        let most =
            |values: &[f64]| values.iter().copied().reduce(f64::max).map_or("–".into(), |ms| format!("{ms:.0} ms"));
        let mean = way.kbps.iter().map(|kbps| u64::from(*kbps)).sum::<u64>() / way.kbps.len() as u64;
        let loss = way.loss.iter().copied().fold(0.0, f32::max) * 100.0;
        let (picture, sound) = (most(&way.picture), most(&way.sound));
        let text = match self.language {
            Language::Japanese => {
                format!("平均 {mean} kbit/s　損失 最大 {loss:.1} %　遅れ（95 %）映像 {picture} 音声 {sound}")
            }
            Language::English => {
                format!("mean {mean} kbit/s, loss at most {loss:.1} %, delay (95 %) picture {picture}, sound {sound}")
            }
        };
        row(if loss > LOSS_SEEN { Mark::Doubtful } else { Mark::Good }, name, text)
    }

    fn checks(&self, checks: &[Check]) -> Part {
        let rows = checks.iter().map(|check| {
            let mark = match check.grade {
                Grade::Ok => Mark::Good,
                Grade::Warn => Mark::Doubtful,
                Grade::Fail => Mark::Bad,
            };
            let advice = if check.advice.is_empty() { String::new() } else { format!(" — {}", check.advice) };
            row(mark, &check.about, format!("{}{advice}", check.found))
        });
        Part { heading: self.say("点検", "Checks").into(), rows: rows.collect() }
    }

    fn flows(&self) -> Part {
        let config = self.config;
        let mut rows = Vec::new();
        let trunk = config.trunk.listen.map(|listen| listen.port()).or(config.peer.address.map(|peer| peer.port()));
        let ports = [config.session_port, config.session_port + 1].map(|port| format!("UDP {port}")).join(", ");
        let trunk = trunk.map_or(String::new(), |port| format!("TCP {port}, "));
        rows.push(row(Mark::None, self.say("相手の箱と", "With the other box"), trunk + &ports));
        if let Some(panel) = config.panel.listen {
            let mut doors = format!("TCP {}, UDP {}", panel.port(), config.share.port);
            if config.printer.enabled {
                doors += &format!(", TCP {}", config.printer.port);
            }
            rows.push(row(Mark::None, self.say("この部屋から", "From this room"), doors));
        }
        rows.push(row(Mark::None, self.say("ほかは", "Anybody else"), self.say("何もありません", "nothing").into()));
        Part { heading: self.say("通信（docs/flows.md）", "Flows (docs/flows.md)").into(), rows }
    }

    /// What no machine can say of itself.
    fn by_hand(&self) -> Part {
        let asked: [(&str, &str, &str, &str); 4] = [
            ("映像", "相手の部屋が動いて映っている", "Picture", "the far room is seen, and moves"),
            (
                "音声",
                "両方で話し、自分の声が返ってこない",
                "Sound",
                "both talked; nobody heard the own voice come back",
            ),
            (
                "カーテン",
                "キーで両方の画面が閉じ、また開いた",
                "Curtain",
                "the key closed both screens, and opened them again",
            ),
            ("受け取り", "日付　　　　　　　　　お名前", "Received by", "Date                              Name"),
        ];
        let rows = asked.map(|(name, text, name_en, text_en)| {
            row(Mark::Open, self.say(name, name_en), self.say(text, text_en).into())
        });
        Part { heading: self.say("人が確かめる", "For a person to check").into(), rows: rows.into() }
    }

    fn say<'w>(&self, japanese: &'w str, english: &'w str) -> &'w str {
        match self.language {
            Language::Japanese => japanese,
            Language::English => english,
        }
    }
}

/// One direction, second by second.
struct Way {
    kbps: Vec<u32>,
    loss: Vec<f32>,
    picture: Vec<f64>,
    sound: Vec<f64>,
}

fn row(mark: Mark, name: &str, text: String) -> Row {
    Row { mark, name: name.into(), text }
}

fn words(config: &Config) -> Option<String> {
    let own = Identity::load(&config.state_directory).ok()??;
    let pinned = identity::pinned_peer(&config.state_directory).ok()?;
    let written = config.peer.key.as_deref().and_then(|key| key.parse().ok());
    let peer = written.or(pinned)?;
    Some(six_words(&own.public_key(), &peer).join(" "))
}

/// The address that this box speaks to the other one from; nothing is sent.
fn own_address(peer: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if peer.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((peer, 9)).ok()?;
    socket.local_addr().ok().map(|own| own.ip())
}

const WATCHED: Duration = Duration::from_secs(10);
/// Percent of packets in a second; below that it is not noticed.
const LOSS_SEEN: f32 = 1.0;
