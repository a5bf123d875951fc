//! What the room remembers over a restart: stances, wish, veil, lock. Never a microphone.
//!
//! ```text
//!   core ── keep(Remembered) ──► newest only ──► writer thread ──► state_directory/room    (in one step)
//!                  │                                 └─ disk full ─► state_directory/room.closed takes its place
//!                  └─ anything more private: room.closed becomes room.shut at once, until the state itself is written
//! ```
//! May be relied on: after a kill or a power cut the file holds the old or the new state; what cannot be read is set aside
//! and comes back as the most private state. A state that cannot be written must not leave an older, more open one behind:
//! a file with the most private state lies ready beside it, and moving that needs no space. On a read-only disk even
//! this fails; that is told.

use crate::asking;
use crate::core::agreement::Wish;
use crate::core::memory::Remembered;
use crate::durable;
use crate::model::Together;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What was kept last: the default for a box that never lived, the most private state for one that cannot read it.
pub fn load(state_directory: &Path, views: &[String]) -> Remembered {
    let path = state_directory.join(NAME);
    if std::fs::symlink_metadata(state_directory.join(SHUT)).is_ok() {
        tracing::warn!(
            "the box ended before something more private was written: the curtain is drawn and the room locked"
        );
        return Remembered::UNREADABLE;
    }
    let fault = match durable::read(&path, LONGEST) {
        // The closed state lies ready only where a room was kept before.
        Ok(None) if std::fs::symlink_metadata(state_directory.join(CLOSED)).is_ok() => {
            tracing::warn!("what the room remembered is gone: the curtain is drawn and the room locked");
            return Remembered::UNREADABLE;
        }
        Ok(None) => return Remembered::default(),
        Ok(Some(bytes)) => match read(&bytes, views) {
            Some(remembered) => return remembered,
            None => "it makes no sense".to_owned(),
        },
        Err(error) => error.to_string(),
    };
    let kept = durable::set_aside(&path).map_or_else(|error| error.to_string(), |kept| kept.display().to_string());
    tracing::warn!(fault, kept, "what the room remembered cannot be read: the curtain is drawn and the room locked");
    Remembered::UNREADABLE
}

/// The next [`load`] gives the most private state, whatever was kept: something that made the picture private is lost.
///
/// # Errors
/// When the disk takes nothing.
pub fn shut(state_directory: &Path) -> io::Result<()> {
    match durable::create(&state_directory.join(SHUT), b"") {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes what the core wants remembered, on a thread of its own.
pub struct Keeper(Arc<Shared>, Files);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    newest: Option<Remembered>,
    /// As last told.
    last: Remembered,
    trouble: Option<String>,
    ends: bool,
    ended: bool,
}

impl Keeper {
    /// Starts the writer.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(state_directory: &Path, views: &[String]) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let files = Files {
            room: state_directory.join(NAME),
            closed: state_directory.join(CLOSED),
            shut: state_directory.join(SHUT),
            views: views.to_vec(),
        };
        let (taken, writer) = (files.clone(), shared.clone());
        std::thread::Builder::new().name("room-memory".into()).spawn(move || writer.write(&taken))?;
        Ok(Self(shared, files))
    }

    /// Keeps this from now on; of several only the newest is written. Waits for nothing but a rename: whoever draws a curtain
    /// and kills the box in the next millisecond finds it drawn, if not by this state then by the most private one.
    pub fn keep(&self, remembered: &Remembered) {
        let mut state = self.0.lock();
        if state.last.is_too_open_for(remembered) {
            // Without it, that of a moment ago, or a new one if the disk has room for it.
            let ready = std::fs::rename(&self.1.closed, &self.1.shut);
            let _read_only = ready.or_else(|_| std::fs::File::create(&self.1.shut).map(drop));
        }
        state.last = *remembered;
        state.newest = Some(*remembered);
        drop(state);
        self.0.changed.notify_all();
    }

    /// Why it cannot be kept now.
    pub fn trouble(&self) -> Option<String> {
        self.0.lock().trouble.clone()
    }
}

impl Drop for Keeper {
    /// Waits for the last write, at most [`LAST_WRITE`].
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ends = true;
        self.0.changed.notify_all();
        drop(self.0.changed.wait_timeout_while(state, LAST_WRITE, |state| !state.ended));
    }
}

impl Shared {
    fn write(&self, files: &Files) {
        [&files.room, &files.closed].into_iter().for_each(|path| durable::sweep(path));
        let mut state = self.lock();
        loop {
            let wanted = state.newest.take();
            let Some(wanted) = wanted else {
                if state.ends {
                    break;
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(state);
            let written = files.write(&wanted);
            self.note(written.as_ref().err());
            state = self.lock();
            if written.is_ok() && !state.newest.is_some_and(|newest| wanted.is_too_open_for(&newest)) {
                // Under the lock: a curtain that is drawn now puts it there again.
                let _there_was_none = std::fs::remove_file(&files.shut);
            }
            if written.is_err() {
                if state.ends {
                    break;
                }
                state.newest.get_or_insert(wanted);
                let waited = self.changed.wait_timeout(state, RETRY);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        state.ended = true;
        drop(state);
        self.changed.notify_all();
    }

    /// Told when it begins and when it is over, not at every try.
    fn note(&self, error: Option<&io::Error>) {
        let mut state = self.lock();
        match (error, &state.trouble) {
            (Some(error), None) => {
                tracing::warn!(%error, "the room's state cannot be kept; after a restart the curtain is drawn");
            }
            (None, Some(_)) => tracing::info!("the room's state can be kept again"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        state.trouble = error.map(ToString::to_string);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone)]
struct Files {
    room: PathBuf,
    closed: PathBuf,
    /// Stands while something more private is not yet written.
    shut: PathBuf,
    views: Vec<String>,
}

impl Files {
    fn write(&self, remembered: &Remembered) -> io::Result<()> {
        let written = durable::replace(&self.room, &bytes(remembered, &self.views)).and_then(|()| self.lay_ready());
        if written.is_err()
            && durable::read(&self.room, LONGEST).is_ok_and(|file| file != Some(bytes(remembered, &self.views)))
        {
            let _read_only_or_taken_already = std::fs::rename(&self.closed, &self.room);
        }
        written
    }

    fn lay_ready(&self) -> io::Result<()> {
        match durable::create(&self.closed, &bytes(&Remembered::UNREADABLE, &self.views)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// As it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    near: String,
    far: String,
    together: String,
    presses: [u32; 2],
    veil: String,
    locked: bool,
    /// By name: the installer may have put them in another order meanwhile.
    #[serde(default)]
    view: String,
    #[serde(default)]
    usual_view: String,
    #[serde(default = "full")]
    volume: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drawn: Option<String>,
    #[serde(default)]
    ended: [u32; 2],
    #[serde(default)]
    parted: [u32; 2],
}

fn full() -> u8 {
    Remembered::default().volume
}

fn bytes(remembered: &Remembered, views: &[String]) -> Vec<u8> {
    let name = |view: usize| views.get(view).cloned().unwrap_or_default();
    let written = Written {
        version: VERSION,
        near: asking::stance_name(remembered.near).into(),
        far: asking::stance_name(remembered.far).into(),
        together: together_name(remembered.wish.together).into(),
        presses: remembered.wish.presses,
        veil: asking::veil_name(remembered.veil).into(),
        locked: remembered.locked,
        view: name(remembered.view),
        usual_view: name(remembered.usual_view),
        volume: remembered.volume,
        drawn: remembered.drawn.map(|why| asking::drawn_name(why).into()),
        ended: remembered.ended,
        parted: remembered.parted,
    };
    // Words and numbers only: this cannot fail.
    serde_json::to_vec(&written).unwrap_or_default()
}

/// What a file of these bytes remembers; none if it makes no sense.
pub fn read(bytes: &[u8], views: &[String]) -> Option<Remembered> {
    let place = |name: &String| views.iter().position(|view| view == name).unwrap_or(0);
    let written: Written = serde_json::from_slice(bytes).ok()?;
    let together = [Together::Quiet, Together::Talking, Together::Meeting];
    let together = together.into_iter().find(|together| together_name(*together) == written.together)?;
    let drawn = match written.drawn {
        None => None,
        Some(name) => Some(asking::drawn(&name)?),
    };
    (written.version == VERSION).then_some(Remembered {
        near: asking::stance(&written.near)?,
        far: asking::stance(&written.far)?,
        wish: Wish { together, presses: written.presses },
        veil: asking::veil(&written.veil)?,
        locked: written.locked,
        view: place(&written.view),
        usual_view: place(&written.usual_view),
        volume: written.volume.min(100),
        drawn,
        ended: written.ended,
        parted: written.parted,
    })
}

const fn together_name(together: Together) -> &'static str {
    match together {
        Together::Quiet => "quiet",
        Together::Talking => "talking",
        Together::Meeting => "meeting",
    }
}

const NAME: &str = "room";
const CLOSED: &str = "room.closed";
const SHUT: &str = "room.shut";
const VERSION: u32 = 1;
const LONGEST: u64 = 4096;
/// After a failed write.
const RETRY: Duration = Duration::from_secs(5);
/// At the daemon's end; a hung disk does not hold it.
const LAST_WRITE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Stance, Veil};

    #[test]
    fn every_state_is_read_as_it_was_written() {
        let views = ["a", "b", "c", "d"].map(str::to_owned);
        for near in [Stance::Present, Stance::Curtain, Stance::Asleep] {
            for together in [Together::Quiet, Together::Talking, Together::Meeting] {
                for veil in [Veil::Clear, Veil::Frosted, Veil::Black] {
                    let wish = Wish { together, presses: [7, u32::MAX] };
                    let locked = veil == Veil::Black;
                    let rest = Remembered {
                        view: 3,
                        usual_view: 1,
                        volume: 40,
                        ended: [9, 8],
                        parted: [7, 6],
                        ..Remembered::default()
                    };
                    for drawn in asking::DRAWN.map(Some).into_iter().chain([None]) {
                        let state = Remembered { near, far: Stance::Asleep, wish, veil, locked, drawn, ..rest };
                        assert_eq!(read(&bytes(&state, &views), &views), Some(state));
                    }
                }
            }
        }
    }

    #[test]
    fn nonsense_is_never_half_believed() {
        let whole = String::from_utf8(bytes(&Remembered::default(), &[])).expect("text");
        let wrong = [
            whole.replace("quiet", "loud"),
            whole.replace("present", "absent"),
            whole.replace("\"version\":1", "\"version\":2"),
            whole.replace("\"locked\":false", "\"locked\":0"),
            whole.replace("\"locked\":false", "\"locked\":false,\"microphone\":\"open\""),
            whole.replace(",\"locked\":false", ""),
            whole.replace("\"locked\":false", "\"locked\":false,\"drawn\":\"fate\""),
        ];
        let cut = (0..whole.len()).map(|length| whole[..length].to_owned());
        for text in wrong.into_iter().chain(cut) {
            assert_ne!(text, whole);
            assert_eq!(read(text.as_bytes(), &[]), None, "{text}");
        }
    }
}
