//! The notice board over a restart: the file `board` in the state directory.
//!
//! ```text
//!   core ── keep(Kept) ──► newest only ──► writer thread ──► state_directory/board    (in one step)
//! ```
//! May be relied on: after a kill or a power cut the file holds a board that was there a moment before. What cannot be read is
//! set aside and the board begins empty; what cannot be written is told and tried again. Neither stops the daemon.

use crate::asking::{stamp, stamp_name};
use crate::core::notes::{Gone, Hung, Kept, MOST, MOST_GONE, Note, Paper, STEP, short_name};
use crate::durable;
use crate::model::{BoxId, Role};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The board as it was kept last; empty when there is none, or when it cannot be read. `began_anew`: the machine did, see
/// [`super::boot`].
pub fn load(state_directory: &Path, began_anew: bool) -> Kept {
    let mut kept = load_as_it_is(state_directory);
    if began_anew && !kept.notes.is_empty() {
        // A box that is switched off before each step's end would never count.
        for hung in &mut kept.notes {
            hung.minutes = hung.minutes.saturating_sub(STEP);
        }
        if let Err(error) = durable::replace(&state_directory.join(NAME), &bytes(&kept)) {
            tracing::warn!(%error, "the notes' time cannot be written down");
        }
    }
    kept
}

fn load_as_it_is(state_directory: &Path) -> Kept {
    let path = state_directory.join(NAME);
    let fault = match durable::read(&path, LONGEST) {
        Ok(None) => return Kept::default(),
        Ok(Some(bytes)) => match read(&bytes) {
            Some(kept) => return kept,
            None => "it makes no sense".to_owned(),
        },
        Err(error) => error.to_string(),
    };
    let kept = durable::set_aside(&path).map_or_else(|error| error.to_string(), |kept| kept.display().to_string());
    tracing::warn!(fault, kept, "the notice board cannot be read: it begins empty");
    Kept::default()
}

/// Writes the board, on a thread of its own.
pub struct BoardKeeper(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    newest: Option<Kept>,
    trouble: Option<String>,
    ends: bool,
    ended: bool,
}

impl BoardKeeper {
    /// Starts the writer.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(state_directory: &Path) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let (path, writer) = (state_directory.join(NAME), shared.clone());
        std::thread::Builder::new().name("board-file".into()).spawn(move || writer.write(&path))?;
        Ok(Self(shared))
    }

    /// Keeps this from now on; of several only the newest is written. Waits for nothing.
    pub fn keep(&self, kept: Kept) {
        self.0.lock().newest = Some(kept);
        self.0.changed.notify_all();
    }

    /// Why it cannot be kept now.
    pub fn trouble(&self) -> Option<String> {
        self.0.lock().trouble.clone()
    }
}

impl Drop for BoardKeeper {
    /// Waits for the last write, at most [`LAST_WRITE`].
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ends = true;
        self.0.changed.notify_all();
        drop(self.0.changed.wait_timeout_while(state, LAST_WRITE, |state| !state.ended));
    }
}

impl Shared {
    fn write(&self, path: &Path) {
        durable::sweep(path);
        let mut state = self.lock();
        loop {
            let Some(wanted) = state.newest.take() else {
                if state.ends {
                    break;
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(state);
            let written = durable::replace(path, &bytes(&wanted));
            state = self.lock();
            self.note(&mut state, written.as_ref().err());
            let pause = match written {
                // The first change is written at once, a flurry of them now and then.
                Ok(()) => BETWEEN_WRITES,
                Err(_) => {
                    state.newest.get_or_insert(wanted);
                    RETRY
                }
            };
            let failed = state.trouble.is_some();
            let waited = self.changed.wait_timeout_while(state, pause, |state| !state.ends);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.ends && failed {
                break;
            }
        }
        state.ended = true;
        drop(state);
        self.changed.notify_all();
    }

    /// Told when it begins and when it is over, not at every try.
    fn note(&self, state: &mut State, error: Option<&io::Error>) {
        match (error, &state.trouble) {
            (Some(error), None) => tracing::warn!(%error, "the notice board cannot be kept over a restart now"),
            (None, Some(_)) => tracing::info!("the notice board can be kept again"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        state.trouble = error.map(|error| format!("board: {error}"));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    /// Whose board it is with: SHA-256 of the peer's key, 64 hexadecimal digits.
    peer: Option<String>,
    newest: u32,
    notes: Vec<WrittenNote>,
    gone: Vec<(String, u32)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenNote {
    stamp: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    strokes: Vec<Vec<[u16; 2]>>,
    offerer: bool,
    name: String,
    written_ms: u64,
    minutes: u32,
}

fn bytes(kept: &Kept) -> Vec<u8> {
    let note = |hung: &Hung| {
        let (text, strokes) = match &hung.note.paper {
            Paper::Words(text) => (Some(text.clone()), Vec::new()),
            Paper::Drawing(strokes) => (None, strokes.clone()),
        };
        WrittenNote {
            stamp: stamp_name(hung.note.stamp),
            text,
            strokes,
            offerer: hung.note.room == Role::Offerer,
            name: hung.note.name.clone(),
            written_ms: hung.note.written_ms,
            minutes: hung.minutes,
        }
    };
    let written = Written {
        version: VERSION,
        peer: kept.peer.map(|peer| hex(&peer.0)),
        newest: kept.newest,
        notes: kept.notes.iter().map(note).collect(),
        gone: kept.gone.iter().map(|gone| (stamp_name(gone.stamp), gone.minutes)).collect(),
    };
    // Words and numbers only: this cannot fail.
    serde_json::to_vec(&written).unwrap_or_default()
}

/// What a file of these bytes keeps; none if it makes no sense.
pub fn read(bytes: &[u8]) -> Option<Kept> {
    let written: Written = serde_json::from_slice(bytes).ok()?;
    if written.version != VERSION || written.notes.len() > 2 * MOST || written.gone.len() > MOST_GONE {
        return None;
    }
    let gone = |(name, minutes): &(String, u32)| Some(Gone { stamp: stamp(name)?, minutes: *minutes });
    Some(Kept {
        peer: match &written.peer {
            None => None,
            Some(peer) => Some(BoxId(unhex(peer)?)),
        },
        newest: written.newest,
        gone: written.gone.iter().map(gone).collect::<Option<_>>()?,
        notes: written.notes.into_iter().map(hung).collect::<Option<_>>()?,
    })
}

fn hung(written: WrittenNote) -> Option<Hung> {
    let paper = match (&written.text, written.strokes.is_empty()) {
        (Some(text), true) => Paper::words(text)?,
        (None, false) => Paper::drawing(written.strokes)?,
        (Some(_), false) | (None, true) => return None,
    };
    let note = Note {
        stamp: stamp(&written.stamp)?,
        paper,
        room: if written.offerer { Role::Offerer } else { Role::Answerer },
        name: short_name(&written.name),
        written_ms: written.written_ms,
    };
    Some(Hung { note: Arc::new(note), minutes: written.minutes })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let byte = |place: usize| u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
    bytes?.try_into().ok().filter(|_| digits)
}

const NAME: &str = "board";
const VERSION: u32 = 1;
/// Eighty notes, each drawn as full as can be, are 1.1 MB.
const LONGEST: u64 = 2 * 1024 * 1024;
/// A flash disk lives longer so; whoever writes a note and pulls the plug within it may lose a second one.
const BETWEEN_WRITES: Duration = Duration::from_millis(500);
/// After a failed write.
const RETRY: Duration = Duration::from_secs(5);
/// At the daemon's end; a hung disk does not hold it.
const LAST_WRITE: Duration = Duration::from_secs(1);
