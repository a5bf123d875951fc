//! What became of a stick or an update, for the screen of a box that is set up: one sentence at a time, gone by itself.
//!
//! ```text
//!   /run/engawa-take/report.json ────┐
//!   /run/engawa-stick/*/found.json ──┼─ once a second, beside the loop ─► Told ─► Board ─► the slip on the screen
//!   /run/engawa-update/report.json ──┘                                            20 s, or for as long as work goes on
//! ```
//! May be relied on: other processes wrote these files, one of which read a stranger's stick: each is bounded, never followed through
//! a link, and its words are cut and without anything that is no letter. What was there before the daemon is no news.

use crate::media::face::{NoticeFace, Tone};
use crate::provision::fat::LONGEST_BOX_FILE;
use crate::provision::stick::{LISTING, Listing};
use crate::provision::take::{self, Outcome, Report};
use crate::update::{self, State};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

/// What is told of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Sticks and updates.
    All,
    /// The guide tells of its stick itself.
    Updates,
}

/// Looks below this directory (`/run`) from now on, as long as somebody listens.
pub(super) fn watch(run: PathBuf, news: News) -> watch::Receiver<Option<NoticeFace>> {
    let (tell, told) = watch::channel(None);
    tokio::spawn(async move {
        let (mut board, mut second) = (Board::default(), interval(LOOK));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !tell.is_closed() {
            second.tick().await;
            let run = run.clone();
            let Ok(found) = spawn_blocking(move || found(&run, news)).await else { return };
            let now = board.turn(found);
            tell.send_if_modified(|before| {
                let differs = *before != now;
                *before = now;
                differs
            });
        }
    });
    told
}

/// For the seconds in which the box still has a screen.
pub(super) fn forgetting() -> NoticeFace {
    NoticeFace {
        japanese: "この箱は、設定と記録をすべて消して、始めから始まります。電源を切らないでください。".into(),
        english: "This box forgets all its settings and records and begins anew. Leave the power on.".into(),
        tone: Tone::Bad,
        percent: None,
    }
}

/// One report, as it lies there now.
struct Found {
    path: PathBuf,
    /// Changes whenever it is written.
    stamp: Stamp,
    told: Option<Told>,
}

type Stamp = (u64, i64, i64);

#[derive(Clone)]
struct Told {
    face: NoticeFace,
    /// Work goes on: it stands until that ends.
    stays: bool,
}

/// What stands on the screen, and what was seen before.
#[derive(Default)]
struct Board {
    seen: BTreeMap<PathBuf, Stamp>,
    began: bool,
    /// Looks that it still stands for.
    slip: Option<(NoticeFace, u32)>,
    /// Looks since the work that goes on said something.
    silent: u32,
}

impl Board {
    /// After every look.
    fn turn(&mut self, found: Vec<Found>) -> Option<NoticeFace> {
        self.slip = self.slip.take().and_then(|(face, left)| Some((face, left.checked_sub(1)?)));
        self.silent = self.silent.saturating_add(1);
        let mut work = None;
        // The most telling comes last and counts.
        for Found { path, stamp, told } in &found {
            let is_new = self.seen.get(path) != Some(stamp);
            match told {
                Some(Told { face, stays: true }) => {
                    if is_new {
                        self.silent = 0;
                    }
                    work = Some(face.clone());
                }
                Some(Told { face, stays: false }) if is_new && self.began => self.slip = Some((face.clone(), STANDS)),
                Some(_) | None => {}
            }
        }
        self.seen = found.into_iter().map(|found| (found.path, found.stamp)).collect();
        self.began = true;
        let slip = self.slip.as_ref().map(|(face, _)| face.clone());
        // Whoever wrote it may have died.
        slip.or(work.filter(|_| self.silent < GIVEN_UP))
    }
}

fn found(run: &Path, news: News) -> Vec<Found> {
    let update = look(run.join("engawa-update/report.json"), of_update);
    if news == News::Updates {
        return update.into_iter().collect();
    }
    let sticks = std::fs::read_dir(run.join("engawa-stick")).into_iter().flatten().take(MOST_STICKS).flatten();
    let mut found: Vec<Found> = sticks.filter_map(|stick| look(stick.path().join(LISTING), of_stick)).collect();
    found.extend(look(run.join("engawa-take/report.json"), of_take));
    found.extend(update);
    found
}

fn look(path: PathBuf, read: fn(&[u8]) -> Option<Told>) -> Option<Found> {
    let (bytes, about) = take::read(&path).ok()?;
    let stamp = (about.ino(), about.mtime(), about.mtime_nsec());
    // What was cut is no report.
    let told = if bytes.len() as u64 > LONGEST_BOX_FILE { None } else { read(&bytes) };
    Some(Found { path, stamp, told })
}

/// A stick with a box's file on it is for `engawa take` to speak of.
fn of_stick(bytes: &[u8]) -> Option<Told> {
    let Listing { readable, provision, japanese, english, .. } = serde_json::from_slice(bytes).ok()?;
    let tone = if readable { Tone::Plain } else { Tone::Bad };
    if provision { None } else { told(&japanese, &english, tone, None) }
}

fn of_take(bytes: &[u8]) -> Option<Told> {
    let Report { outcome, file, japanese, english, .. } = serde_json::from_slice(bytes).ok()?;
    let tone = match outcome {
        Outcome::Taken | Outcome::AlreadyTaken => Tone::Good,
        Outcome::Refused => Tone::Bad,
        // Of a stick without a file the stick's own listing tells.
        Outcome::Nothing => return None,
    };
    file.and_then(|_| told(&japanese, &english, tone, None))
}

fn of_update(bytes: &[u8]) -> Option<Told> {
    let update::Report { state, source, percent, japanese, english, .. } = serde_json::from_slice(bytes).ok()?;
    match state {
        // Somebody brought what runs already.
        State::None => source.and_then(|_| told(&japanese, &english, Tone::Good, None)),
        State::Receiving | State::Installing => told(&japanese, &english, Tone::Plain, Some(percent)),
        State::Checking => told(&japanese, &english, Tone::Plain, None).map(|told| Told { stays: true, ..told }),
        State::Ready | State::Installed => told(&japanese, &english, Tone::Good, None),
        State::Refused | State::Failed => told(&japanese, &english, Tone::Bad, None),
    }
}

/// What counts how far it is stays.
fn told(japanese: &str, english: &str, tone: Tone, percent: Option<u8>) -> Option<Told> {
    let face = NoticeFace { japanese: words(japanese), english: words(english), tone, percent };
    let says = !face.japanese.is_empty() && !face.english.is_empty();
    says.then_some(Told { face, stays: percent.is_some() })
}

/// Letters only: no control, nothing that turns the direction of writing, nothing without end.
fn words(text: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    text.chars().filter(|letter| !letter.is_control() && !turns(*letter)).take(LONGEST_SENTENCE).collect()
}

const LOOK: Duration = Duration::from_secs(1);
/// Looks.
const STANDS: u32 = 20;
/// Looks: a slow stick may say nothing for minutes.
const GIVEN_UP: u32 = 15 * 60;
/// Directories below the sticks' one that are looked into.
const MOST_STICKS: usize = 32;
/// Letters.
const LONGEST_SENTENCE: usize = 240;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn write(run: &Path, name: &str, text: &str) {
        let path = run.join(name);
        fs::create_dir_all(path.parent().expect("a home")).expect("made");
        // As the writers do: a new file in the place of the old one.
        fs::write(path.with_extension("new"), text).expect("written");
        fs::rename(path.with_extension("new"), path).expect("placed");
    }

    fn take(outcome: &str, japanese: &str) -> String {
        format!(
            r#"{{"version":1,"outcome":"{outcome}","file":"/run/engawa-stick/sda1/engawa-box.toml","id":null,"pair":null,"room":null,
                "words":null,"line":null,"japanese":"{japanese}","english":"words"}}"#
        )
    }

    fn update(state: &str, percent: u8) -> String {
        format!(
            r#"{{"version":1,"state":"{state}","source":"stick","release":"1","percent":{percent},"japanese":"更新","english":"update"}}"#
        )
    }

    const TAKE: &str = "engawa-take/report.json";
    const UPDATE: &str = "engawa-update/report.json";

    #[test]
    fn a_refused_stick_is_told_for_twenty_seconds_and_what_was_there_before_is_no_news() {
        let run = tempfile::tempdir().expect("a directory");
        let (run, mut board) = (run.path(), Board::default());
        write(run, TAKE, &take("taken", "以前"));
        assert_eq!(board.turn(found(run, News::All)), None, "it was there before the daemon");
        write(run, TAKE, &take("refused", "断ります"));
        for look in 0..=STANDS {
            let face = board.turn(found(run, News::All)).unwrap_or_else(|| panic!("gone after {look}"));
            assert_eq!((face.japanese.as_str(), face.tone), ("断ります", Tone::Bad));
        }
        assert_eq!(board.turn(found(run, News::All)), None);
        write(run, TAKE, &take("refused", "断ります"));
        assert!(board.turn(found(run, News::All)).is_some(), "the same words for another stick");
    }

    #[test]
    fn an_update_stands_while_it_is_under_way_and_a_writer_that_died_is_given_up() {
        let run = tempfile::tempdir().expect("a directory");
        let (run, mut board) = (run.path(), Board::default());
        write(run, UPDATE, &update("installing", 10));
        for _ in 0..3 * STANDS {
            assert_eq!(board.turn(found(run, News::All)).expect("under way").percent, Some(10));
        }
        write(run, TAKE, &take("refused", "断ります"));
        assert_eq!(board.turn(found(run, News::All)).expect("a slip").japanese, "断ります");
        for _ in 0..STANDS {
            board.turn(found(run, News::All));
        }
        assert_eq!(board.turn(found(run, News::All)).expect("under way again").percent, Some(10));
        write(run, UPDATE, &update("installing", 90));
        for _ in 0..GIVEN_UP {
            assert_eq!(board.turn(found(run, News::All)).expect("said something").percent, Some(90));
        }
        assert_eq!(board.turn(found(run, News::All)), None);
        write(run, UPDATE, &update("installed", 100));
        assert_eq!(board.turn(found(run, News::Updates)).expect("told").tone, Tone::Good);
    }

    #[test]
    fn a_stick_without_a_file_tells_of_itself_and_nothing_hostile_is_read() {
        let run = tempfile::tempdir().expect("a directory");
        let (run, mut board) = (run.path(), Board::default());
        board.turn(found(run, News::All));
        let listing = |japanese: &str, provision: bool| {
            format!(
                r#"{{"version":1,"readable":false,"trouble":null,"provision":{provision},"bundles":[],"japanese":"{japanese}","english":"w"}}"#
            )
        };
        write(run, "engawa-stick/sda1/found.json", &listing("file", true));
        assert_eq!(board.turn(found(run, News::All)), None, "engawa take speaks of it");
        write(run, "engawa-stick/sdb1/found.json", &listing(&format!("a\\u202eb\\n{}", "長".repeat(5000)), false));
        let face = board.turn(found(run, News::All)).expect("told");
        assert!(face.japanese.starts_with("ab長") && face.japanese.chars().count() == LONGEST_SENTENCE);
        let mut board = Board::default();
        board.turn(found(run, News::All));
        write(run, UPDATE, &format!("{} {}", update("refused", 0), " ".repeat(100_000)));
        assert_eq!(board.turn(found(run, News::All)), None, "too long");
        fs::write(run.join("elsewhere"), update("refused", 0)).expect("written");
        fs::remove_file(run.join(UPDATE)).expect("removed");
        std::os::unix::fs::symlink(run.join("elsewhere"), run.join(UPDATE)).expect("linked");
        assert_eq!(board.turn(found(run, News::All)), None, "a link");
        write(run, UPDATE, r#"{"state":"exploded","japanese":"x","english":"y"}"#);
        assert_eq!(board.turn(found(run, News::All)), None, "no state that there is");
    }
}
