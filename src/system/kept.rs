//! Documents that both rooms wanted kept beyond their meeting: files of this box, for a week.
//!
//! ```text
//!   keep ─► state_directory/kept/ID.document, then ID.json      ─ date comes, or a week of running is over, or a person ─► gone
//! ```
//! May be relied on: nothing lies there that was not named by [`KeptDocuments::keep`]; each counts down the time that the box runs, so
//! that no wrong clock keeps it for ever, and a clock that is set right takes nothing away early. A power cut costs
//! one period of that count, in favour of forgetting. What cannot be read is removed: it was to be forgotten anyway.

use crate::documents::{DocumentBytes, LONGEST_DOCUMENT};
use crate::durable;
use crate::model::DocumentId;
use crate::system::clock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The kept documents; cheap to clone.
#[derive(Clone)]
pub struct KeptDocuments(Arc<Shared>);

struct Shared {
    directory: PathBuf,
    days: u32,
    notes: Mutex<BTreeMap<DocumentId, Note>>,
}

/// What is known of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// As people call it.
    pub name: String,
    /// Bytes.
    pub length: u64,
    /// It goes then, by the wall clock: seconds since 1970.
    pub until_s: u64,
    /// Or when the box has run for so many seconds more.
    left_s: u64,
}

impl KeptDocuments {
    /// Reads what is there and begins to count. `days`: how long documents are kept; 0: not at all.
    /// `began_anew`: the machine did, see [`super::boot`].
    pub fn open(state_directory: &Path, days: u32, began_anew: bool) -> Self {
        let directory = state_directory.join(NAME);
        let kept = Self(Arc::new(Shared { directory, days, notes: Mutex::default() }));
        kept.read_all(if began_anew { PERIOD } else { Duration::ZERO });
        kept.forget_old(clock::wall_ms() / 1000);
        kept
    }

    /// Counts down for as long as somebody holds one.
    pub fn count(&self) {
        let shared = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            let mut wall_s = clock::wall_ms() / 1000;
            loop {
                tokio::time::sleep(PERIOD).await;
                let Some(shared) = shared.upgrade() else { return };
                let now_s = clock::wall_ms() / 1000;
                let ran = (wall_s + PERIOD.as_secs(), now_s);
                wall_s = now_s;
                let counted = tokio::task::spawn_blocking(move || Self(shared).pass(PERIOD, ran.0, ran.1));
                if let Err(error) = counted.await {
                    tracing::error!(%error, "bug: counting kept documents down");
                }
            }
        });
    }

    /// The box ran for so long; the wall clock should show `expected_s` and shows `now_s`. Waits for the disk.
    pub fn pass(&self, ran: Duration, expected_s: u64, now_s: u64) {
        let mut notes = self.lock();
        for (id, note) in notes.iter_mut() {
            note.left_s = note.left_s.saturating_sub(ran.as_secs());
            // A clock that was set is no time that passed.
            if now_s.abs_diff(expected_s) > SET {
                note.until_s = (note.until_s.saturating_add(now_s)).saturating_sub(expected_s);
            }
            if let Err(error) = self.0.write_note(*id, note) {
                tracing::warn!(%error, "a kept document's time cannot be written down");
            }
        }
        drop(notes);
        self.forget_old(now_s);
    }

    /// The box is paired with this box: what was kept with another one is not for this pair. Waits for the disk.
    pub fn take_pair(&self, words: &str) {
        let path = self.0.directory.join(PAIR);
        let known = durable::read(&path, LONGEST_NOTE).ok().flatten();
        if known.as_deref() == Some(words.as_bytes()) {
            return;
        }
        if known.is_some() {
            for (id, _) in self.list() {
                self.forget(id);
            }
        }
        if let Err(error) = durable::replace(&path, words.as_bytes()) {
            tracing::warn!(%error, "whose documents are kept cannot be written down");
        }
    }

    /// Keeps a document; false if it is kept already. Waits for the disk.
    ///
    /// # Errors
    /// `StorageFull` beyond [`MOST_KEPT`] or [`MOST_BYTES`], or when nothing is to be kept; others as the file system says.
    pub fn keep(&self, id: DocumentId, name: &str, bytes: &DocumentBytes) -> io::Result<bool> {
        let length = bytes.len() as u64;
        let mut notes = self.lock();
        if notes.contains_key(&id) {
            return Ok(false);
        }
        let held: u64 = notes.values().map(|note| note.length).sum();
        if self.0.days == 0 || notes.len() >= MOST_KEPT || held + length > MOST_BYTES {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let left_s = u64::from(self.0.days) * DAY;
        let note = Note { name: name.into(), length, until_s: clock::wall_ms() / 1000 + left_s, left_s };
        let path = self.0.document(id);
        let written = durable::replace(&path, bytes).and_then(|()| self.0.write_note(id, &note));
        if let Err(error) = written {
            let _half = durable::remove(&path);
            return Err(error);
        }
        notes.insert(id, note);
        Ok(true)
    }

    /// What is kept.
    pub fn list(&self) -> Vec<(DocumentId, Note)> {
        self.lock().iter().map(|(id, note)| (*id, note.clone())).collect()
    }

    /// Name and bytes of a kept document. Waits for the disk.
    pub fn read(&self, id: DocumentId) -> Option<(String, Vec<u8>)> {
        let name = self.lock().get(&id)?.name.clone();
        let bytes = durable::read(&self.0.document(id), LONGEST_DOCUMENT).ok()??;
        Some((name, bytes))
    }

    /// Takes one away before its time; false if there is none such. Waits for the disk.
    pub fn forget(&self, id: DocumentId) -> bool {
        let known = self.lock().remove(&id).is_some();
        if known {
            self.0.remove(id);
        }
        known
    }

    fn forget_old(&self, now_s: u64) {
        let over = |note: &Note| note.left_s == 0 || note.until_s <= now_s;
        let old: Vec<_> = self.lock().iter().filter(|(_, note)| over(note)).map(|(id, _)| *id).collect();
        for id in old {
            tracing::info!(document = ?id, "a kept document's time is over");
            self.forget(id);
        }
    }

    /// What belongs to no readable note is removed.
    fn read_all(&self, lost: Duration) {
        let mut notes = self.lock();
        for entry in std::fs::read_dir(&self.0.directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.file_name().is_some_and(|name| name == PAIR) {
                continue;
            }
            let id = path.file_stem().and_then(|stem| stem.to_str()?.parse::<DocumentId>().ok());
            if let Some((id, mut note)) = id.and_then(|id| Some((id, self.0.read_note(id)?))) {
                if path != self.0.note(id) {
                    continue;
                }
                // A box that is switched off before each period's end would never count.
                let most_s = u64::from(self.0.days) * DAY;
                note.left_s = note.left_s.min(most_s).saturating_sub(lost.as_secs());
                if let Err(error) = self.0.write_note(id, &note) {
                    tracing::warn!(%error, "a kept document's time cannot be written down");
                }
                notes.insert(id, note);
            } else {
                tracing::warn!(path = %path.display(), "removed: no document that is kept");
                let _read_only = std::fs::remove_file(&path);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<DocumentId, Note>> {
        self.0.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn document(&self, id: DocumentId) -> PathBuf {
        self.directory.join(format!("{id}.document"))
    }

    fn note(&self, id: DocumentId) -> PathBuf {
        self.directory.join(format!("{id}.json"))
    }

    fn write_note(&self, id: DocumentId, note: &Note) -> io::Result<()> {
        durable::replace(&self.note(id), &serde_json::to_vec(note).unwrap_or_default())
    }

    fn read_note(&self, id: DocumentId) -> Option<Note> {
        let bytes = durable::read(&self.note(id), LONGEST_NOTE).ok()??;
        let note: Note = serde_json::from_slice(&bytes).ok()?;
        let whole = std::fs::metadata(self.document(id)).ok()?.len() == note.length;
        whole.then_some(note)
    }

    fn remove(&self, id: DocumentId) {
        for path in [self.document(id), self.note(id)] {
            if let Err(error) = durable::remove(&path) {
                tracing::warn!(%error, path = %path.display(), "a kept document cannot be removed");
            }
        }
    }
}

const NAME: &str = "kept";
/// The pair's words.
const PAIR: &str = "pair";
const DAY: u64 = 24 * 60 * 60;
/// Between two times that the count is written down.
const PERIOD: Duration = Duration::from_secs(600);
/// Seconds by which a clock that was not set differs at most.
const SET: u64 = 60;
/// Documents.
pub const MOST_KEPT: usize = 40;
/// Of all of them.
pub const MOST_BYTES: u64 = 512 * 1024 * 1024;
const LONGEST_NOTE: u64 = 4096;
