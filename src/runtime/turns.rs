//! Where the camera was turned to: thumbnails in, `CameraTurned` out; a taught view is kept in the state directory.
//!
//! Works on the camera's thread, a quarter of a millisecond five times a second, and only while views are taught or followed.

use crate::core::input::RoomInput;
use crate::core::turning::{Reference, Thumbnail, Turning};
use crate::durable;
use crate::media::room::Media;
use crate::model::Moment;
use crate::questions::Questions;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Recognises and learns; cheap to clone.
#[derive(Clone)]
pub(super) struct Turns(Arc<Mutex<State>>);

struct State {
    directory: PathBuf,
    /// Names of the views: a reference belongs to a name, not to a place in the list.
    views: Vec<String>,
    references: Vec<Option<Reference>>,
    turning: Turning,
    teaching: Option<(usize, Vec<Thumbnail>)>,
    questions: Questions,
}

impl Turns {
    /// With what was taught before.
    pub(super) fn load(state_directory: &Path, views: Vec<String>, questions: Questions) -> Self {
        let directory = state_directory.to_owned();
        let references: Vec<_> = views.iter().map(|view| kept(&directory, view)).collect();
        let turning = Turning::new(references.clone());
        Self(Arc::new(Mutex::new(State { directory, views, references, turning, teaching: None, questions })))
    }

    /// Watches the camera from now on, or no more.
    pub(super) fn watch(&self, media: &Media, wanted: bool) {
        let turns = self.clone();
        media.thumbnails(wanted.then(|| -> crate::media::thumbnail::ThumbnailOut {
            Arc::new(move |luma, _width, _height, at| turns.lock().take(luma, at))
        }));
    }

    /// The camera stands as this view is meant: learn it from the next second.
    pub(super) fn teach(&self, view: usize) {
        self.lock().teaching = Some((view, Vec::new()));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, luma: &[u8], at: Moment) {
        let Some(thumbnail) = Thumbnail::new(luma.to_vec()) else { return };
        let Some((view, mut seen)) = self.teaching.take() else {
            if let Some(view) = self.turning.look(&thumbnail, at) {
                self.questions.tell(RoomInput::CameraTurned(view));
            }
            return;
        };
        seen.push(thumbnail);
        if seen.len() < TAUGHT_BY {
            self.teaching = Some((view, seen));
            return;
        }
        match (Reference::learn(&seen), self.views.get(view)) {
            (Some(reference), Some(name)) => {
                keep(&self.directory, name, &reference);
                self.references[view] = Some(reference);
                self.turning = Turning::new(self.references.clone());
                tracing::info!(view = name, "taught");
            }
            (None, _) | (_, None) => tracing::warn!(view, "there is too little to recognise in this picture"),
        }
    }
}

fn kept(directory: &Path, view: &str) -> Option<Reference> {
    match durable::read(&path(directory, view), LONGEST) {
        Ok(bytes) => Reference::from_bytes(&bytes?),
        Err(error) => {
            tracing::warn!(view, %error, "what was taught of this view cannot be read; teach it again");
            None
        }
    }
}

/// Beside the camera's thread, which must not wait for a disk.
fn keep(directory: &Path, view: &str, reference: &Reference) {
    let (path, bytes) = (path(directory, view), reference.to_bytes());
    std::thread::spawn(move || {
        if let Err(error) = durable::replace(&path, &bytes) {
            tracing::warn!(%error, path = %path.display(), "a taught view is known until the next start only");
        }
    });
}

/// A view's name may hold anything: its bytes in hexadecimal do not.
fn path(directory: &Path, view: &str) -> PathBuf {
    let name: String = view.bytes().map(|byte| format!("{byte:02x}")).collect();
    directory.join(format!("view-{name}"))
}

/// Thumbnails: two seconds.
const TAUGHT_BY: usize = 10;
const LONGEST: u64 = 64 * 1024;
