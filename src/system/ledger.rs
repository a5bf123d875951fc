//! The ledger: when were camera and microphone on, and who opened them. Durable, in order, bounded; no picture, no sound.
//!
//! ```text
//!   record(entry) ─► waiting (bounded) ─► writer thread ─► line: number, time, boot, what, chain ─► segment file ─► fsync
//!   never waits         │                                    └─ at once when something opens, else within a second
//!                       └─ disk full: the newest stay here; a "gap" line says so as soon as it can
//! ```
//! May be relied on: a line that is on the disk has all lines before it; a kill loses nothing that was written, a power cut at
//! most the last second, and never an opening that is older than the disk's own sync; [`verify()`] finds a changed, moved or
//! removed line. Absent on purpose: a way to change or remove a line.

mod line;
mod store;
mod verify;
mod words;

pub use line::{Line, What};
pub use store::Limits;
pub use verify::{Broken, Verified, verify};

use crate::core::ledger::Entry;
use crate::model::{Language, Moment};
use crate::system::clock::{self, Clock, ClockSetting};
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Point, Stamp, Store};

/// The front; cheap to clone. When the last one goes, what waits is written, for at most [`LAST_WRITE`].
#[derive(Clone)]
pub struct Ledger(Arc<Front>);

struct Front(Arc<Shared>);

struct Shared {
    directory: PathBuf,
    limits: Limits,
    boot: String,
    clock: Clock,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Not on the disk yet, oldest first.
    waiting: VecDeque<Waiting>,
    /// So many of them are written but not synced.
    written: usize,
    lost: u64,
    trouble: Option<String>,
    newest: VecDeque<Shown>,
    /// Wall clock minus monotonic clock at the last entry, milliseconds.
    offset_ms: Option<i64>,
    ends: bool,
    ended: bool,
}

struct Waiting {
    stamp: Stamp,
    what: What,
    number: Option<u64>,
    since: Moment,
}

/// A line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// `None`: not written yet.
    pub number: Option<u64>,
    /// The box's local time, such as "2026-11-22 10:00:00".
    pub time: String,
    /// The same, UTC, milliseconds since 1970.
    pub wall_ms: u64,
    /// What happened.
    pub what: What,
}

impl Shown {
    /// In words.
    pub fn text(&self, language: Language) -> String {
        self.what.text(language)
    }
}

impl Ledger {
    /// Opens `ledger` in the state directory, on the writer's thread: a bad disk never holds the daemon up.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn open(state_directory: &Path, boot: u64) -> io::Result<Self> {
        Self::open_within(state_directory, boot, Limits::default())
    }

    /// The same with other limits.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn open_within(state_directory: &Path, boot: u64, limits: Limits) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            directory: state_directory.join("ledger"),
            limits,
            boot: format!("{boot:016x}"),
            clock: Clock::start(ClockSetting::default()),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let writer =
            Writer { shared: shared.clone(), store: None, durable: None, untold: Vec::new(), dirty_since: None };
        std::thread::Builder::new().name("ledger".into()).spawn(move || writer.run())?;
        Ok(Self(Arc::new(Front(shared))))
    }

    /// Writes a line soon; never waits. `wall_ms` is UTC, `at` the loop's clock.
    pub fn record(&self, entry: &Entry, wall_ms: u64, at: Moment) {
        let shared = &self.0.0;
        let stamp = Stamp { wall_ms, at_ns: at.as_nanos(), boot: shared.boot.clone() };
        let offset_ms = (i128::from(wall_ms) - i128::from(at.as_nanos() / 1_000_000)) as i64;
        let mut state = shared.lock();
        let by_ms = state.offset_ms.map_or(0, |before| offset_ms.saturating_sub(before));
        if by_ms.unsigned_abs() > CLOCK_SET_MS {
            state.wait(Waiting {
                stamp: stamp.clone(),
                what: What::ClockSet { by_ms },
                number: None,
                since: shared.clock.now(),
            });
        }
        // A slow drift is no jump.
        state.offset_ms = Some(offset_ms);
        state.wait(Waiting { stamp, what: What::of(entry), number: None, since: shared.clock.now() });
        drop(state);
        shared.changed.notify_all();
    }

    /// Waits until everything that was told is on the disk; false when the disk does not take it in time. Not on the loop.
    pub fn settle(&self, within: Duration) -> bool {
        let shared = &self.0.0;
        let waits = |state: &mut State| !state.waiting.is_empty();
        let waited = shared.changed.wait_timeout_while(shared.lock(), within, waits);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// At most so many lines, oldest first; also those that wait for the disk. Never waits for it.
    pub fn newest(&self, most: usize) -> Vec<Shown> {
        let state = self.0.0.lock();
        let waiting = state.waiting.iter().map(|waiting| Shown {
            number: waiting.number,
            time: for_people(&line::local_time(waiting.stamp.wall_ms)),
            wall_ms: waiting.stamp.wall_ms,
            what: waiting.what.clone(),
        });
        let all: Vec<Shown> = state.newest.iter().cloned().chain(waiting).collect();
        all[all.len().saturating_sub(most)..].to_vec()
    }

    /// Every whole line that is on the disk, oldest first, then those that wait. Reads up to 16 MiB: not on the loop.
    pub fn everything(&self) -> Vec<Shown> {
        let mut all = Vec::new();
        for (_, segment) in store::segments(&self.0.0.directory).unwrap_or_default() {
            let bytes = store::bytes_of(&segment).unwrap_or_default();
            let lines = bytes.split(|byte| *byte == b'\n').filter_map(Line::read);
            all.extend(lines.map(|(line, _)| Shown {
                number: Some(line.number),
                time: for_people(&line.time),
                wall_ms: line.wall_ms,
                what: line.what,
            }));
        }
        let last = all.last().and_then(|line| line.number);
        let newer = |line: &Shown| line.number.is_none() || line.number > last;
        all.extend(self.newest(usize::MAX).into_iter().filter(newer));
        all
    }

    /// Why lines do not reach the disk now.
    pub fn trouble(&self) -> Option<String> {
        let (state, now) = (self.0.0.lock(), self.0.0.clock.now());
        let hangs = state.waiting.front().is_some_and(|oldest| now.since(oldest.since) > HANGS);
        state.trouble.clone().or_else(|| hangs.then(|| SILENT.to_owned()))
    }

    /// Everything that is on the disk, for a spreadsheet (RFC 4180, UTF-8 with a mark). Reads up to 16 MiB: not on the loop.
    ///
    /// # Errors
    /// As the file system says.
    pub fn export_csv(&self, language: Language) -> io::Result<String> {
        let mut csv = "\u{feff}number,time,utc_ms,boot,what,text,chain\r\n".to_owned();
        for (_, segment) in store::segments(&self.0.0.directory)? {
            let bytes = store::bytes_of(&segment)?;
            for text in bytes.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
                let Some((line, chain)) = Line::read(text) else {
                    csv.push_str(",,,,damaged,,\r\n");
                    continue;
                };
                let what = serde_json::to_value(&line.what).unwrap_or_default();
                let what = what["what"].as_str().unwrap_or_default();
                let words = line.what.text(language).replace('"', "\"\"");
                let Line { number, time, wall_ms, boot, .. } = line;
                csv.push_str(&format!("{number},{time},{wall_ms},{boot},{what},\"{words}\",{chain}\r\n"));
            }
        }
        Ok(csv)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ends = true;
        self.0.changed.notify_all();
        drop(self.0.changed.wait_timeout_while(state, LAST_WRITE, |state| !state.ended));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Of too many the oldest is lost that is not written yet.
    fn wait(&mut self, waiting: Waiting) {
        if self.waiting.len() >= MOST_WAITING {
            self.waiting.remove(self.written);
            self.lost += 1;
        }
        self.waiting.push_back(waiting);
    }

    fn show(&mut self, number: Option<u64>, wall_ms: u64, what: What) {
        if matches!(what, What::Segment { .. }) {
            return;
        }
        if self.newest.len() >= MOST_SHOWN {
            self.newest.pop_front();
        }
        self.newest.push_back(Shown { number, time: for_people(&line::local_time(wall_ms)), wall_ms, what });
    }
}

struct Writer {
    shared: Arc<Shared>,
    store: Option<Store>,
    durable: Option<Point>,
    /// Found when the files were opened, not told on the disk yet.
    untold: Vec<What>,
    /// Something is written that is not synced.
    dirty_since: Option<Moment>,
}

impl Writer {
    fn run(mut self) {
        let shared = self.shared.clone();
        loop {
            let turned = self.turn();
            let mut state = shared.lock();
            if let Err(error) = &turned {
                if state.trouble.is_none() {
                    tracing::warn!(%error, "the ledger cannot be written; its newest lines are kept in memory");
                }
                state.trouble = Some(error.to_string());
                state.written = 0;
                state.waiting.iter_mut().for_each(|waiting| waiting.number = None);
                (self.store, self.dirty_since) = (None, None);
            }
            let all_told = state.waiting.is_empty() && state.lost == 0;
            if state.ends && (all_told || turned.is_err()) {
                // Whoever waited for the end may take the disk away.
                self.store = None;
                state.ended = true;
                drop(state);
                return shared.changed.notify_all();
            }
            let nothing_new =
                |state: &mut State| !state.ends && state.waiting.len() == state.written && state.lost == 0;
            if turned.is_err() {
                // Not tried again by every line.
                drop(shared.changed.wait_timeout_while(state, RETRY, |state| !state.ends));
            } else if let Some(since) = self.dirty_since {
                let left = SYNC_WITHIN.saturating_sub(shared.clock.now().since(since));
                drop(shared.changed.wait_timeout_while(state, left, nothing_new));
            } else {
                drop(shared.changed.wait_while(state, nothing_new));
            }
        }
    }

    /// Writes what waits; syncs it at once if it opens something, else [`SYNC_WITHIN`] later.
    fn turn(&mut self) -> io::Result<()> {
        let shared = self.shared.clone();
        self.reopen()?;
        self.tell_gap()?;
        let Some(store) = &mut self.store else { return Ok(()) };
        let mut due = self.dirty_since.is_some_and(|since| shared.clock.now().since(since) >= SYNC_WITHIN);
        loop {
            let next = {
                let state = shared.lock();
                due |= state.ends;
                state.waiting.get(state.written).map(|waiting| (waiting.stamp.clone(), waiting.what.clone()))
            };
            let Some((stamp, what)) = next else { break };
            let line = store.append(&stamp, &what)?;
            self.dirty_since.get_or_insert_with(|| shared.clock.now());
            due |= what.opens();
            let mut state = shared.lock();
            let written = state.written;
            // It may have been pushed out of a full queue meanwhile.
            if let Some(waiting) = state.waiting.get_mut(written).filter(|waiting| waiting.what == what) {
                waiting.number = Some(line.number);
                state.written += 1;
            }
        }
        if due {
            self.durable = Some(store.sync()?);
            self.dirty_since = None;
            let mut state = shared.lock();
            for _ in 0..std::mem::take(&mut state.written) {
                let Some(done) = state.waiting.pop_front() else { break };
                state.show(done.number, done.stamp.wall_ms, done.what);
            }
            drop(state);
            shared.changed.notify_all();
        }
        Ok(())
    }

    /// After the start and after a fault: goes on where the disk is certain, and says what was found.
    fn reopen(&mut self) -> io::Result<()> {
        if self.store.is_none() {
            let (directory, limits) = (&self.shared.directory, self.shared.limits);
            let (store, found) = Store::open(directory, limits, self.durable.as_ref(), &self.stamp())?;
            self.store = Some(store);
            self.untold.extend(found.notes);
            let mut state = self.shared.lock();
            let known = if state.newest.is_empty() { found.newest } else { Vec::new() };
            known.into_iter().for_each(|line| state.show(Some(line.number), line.wall_ms, line.what));
        }
        while let Some(what) = self.untold.first().cloned() {
            self.tell(&what)?;
            self.untold.remove(0);
        }
        Ok(())
    }

    /// That nothing could be stored for a while stands before what waited meanwhile.
    fn tell_gap(&mut self) -> io::Result<()> {
        let (lost, trouble) = {
            let state = self.shared.lock();
            (state.lost, state.trouble.clone())
        };
        if lost == 0 && trouble.is_none() {
            return Ok(());
        }
        self.tell(&What::Gap { lost, because: trouble.unwrap_or_else(|| SILENT.into()) })?;
        tracing::info!(lost, "the ledger is written again");
        let mut state = self.shared.lock();
        (state.lost, state.trouble) = (state.lost - lost, None);
        Ok(())
    }

    /// A line of the ledger's own, durable at once.
    fn tell(&mut self, what: &What) -> io::Result<()> {
        let stamp = self.stamp();
        let Some(store) = &mut self.store else { return Ok(()) };
        let line = store.append(&stamp, what)?;
        self.durable = Some(store.sync()?);
        self.shared.lock().show(Some(line.number), line.wall_ms, line.what);
        Ok(())
    }

    fn stamp(&self) -> Stamp {
        let at_ns = self.shared.clock.now().as_nanos();
        Stamp { wall_ms: clock::wall_ms(), at_ns, boot: self.shared.boot.clone() }
    }
}

/// `2026-11-22T10:00:00.123+09:00` → `2026-11-22 10:00:00`
fn for_people(time: &str) -> String {
    time.get(..19).map_or_else(|| time.to_owned(), |time| time.replace('T', " "))
}

const SILENT: &str = "the disk does not answer";
const MOST_WAITING: usize = 1024;
const MOST_SHOWN: usize = 512;
/// Lines that open nothing are on the disk this soon.
const SYNC_WITHIN: Duration = Duration::from_secs(1);
/// After a failed write.
const RETRY: Duration = Duration::from_secs(2);
/// A line that waits this long is told as trouble.
const HANGS: Duration = Duration::from_secs(10);
/// At the daemon's end; a hung disk does not hold it.
const LAST_WRITE: Duration = Duration::from_secs(2);
/// A step of the wall clock against the monotonic one that is told.
const CLOCK_SET_MS: u64 = 5_000;
