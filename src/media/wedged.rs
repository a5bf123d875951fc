//! A camera that was opened in vain again and again: which device file it is, for whoever may reset it.

use crate::config::Source;
use crate::media::devices::{camera_path, cameras};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// Takes the device file of a camera that hangs, on a thread of its own; may wait.
pub type Wedged = Arc<dyn Fn(PathBuf) + Send + Sync>;

/// Tells of this source. `attempt` is the try that failed last: `auto` walks through all cameras.
pub(crate) fn tell(source: &Source, attempt: usize, wedged: &OnceLock<Wedged>) {
    let Some(wedged) = wedged.get().cloned() else { return };
    let which: Box<dyn FnOnce() -> Option<PathBuf> + Send> = match source {
        Source::V4l2(id) => {
            let id = id.clone();
            Box::new(move || Some(camera_path(&id)))
        }
        Source::Auto => Box::new(move || {
            let cameras = cameras();
            cameras.get(attempt % cameras.len().max(1)).map(|listing| camera_path(&listing.id))
        }),
        Source::None | Source::Test | Source::File(_) | Source::Alsa(_) | Source::Gst(_) => return,
    };
    // Looking for it may hang in the same driver.
    let spawned = std::thread::Builder::new().name("engawa-wedged".to_owned()).spawn(move || {
        if let Some(node) = which() {
            wedged(node);
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no thread to tell of a camera that hangs");
    }
}
