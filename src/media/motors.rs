//! Turns a camera that has motors: V4L2's absolute pan, tilt and zoom, beside the capture that goes on.
//!
//! One thread at most, only while there is something to turn; the newest order wins. A driver that hangs holds that thread
//! and nobody else. Not yet seen on a device: hw/UNTRIED.md names the command that would try it.

use crate::config::Source;
use crate::media::devices;
use crate::media::sights::Preset;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use v4l::control::{Control, Value};
use v4l::v4l_sys::{V4L2_CID_PAN_ABSOLUTE, V4L2_CID_TILT_ABSOLUTE, V4L2_CID_ZOOM_ABSOLUTE};

/// Turns one camera.
#[derive(Clone, Default)]
pub(crate) struct Motors(Arc<Mutex<Desk>>);

#[derive(Default)]
struct Desk {
    next: Option<(Source, Preset)>,
    turning: bool,
}

impl Motors {
    /// Turns it there; returns at once.
    pub(crate) fn turn(&self, source: &Source, preset: Preset) {
        self.turn_with(source, preset, turn);
    }

    fn turn_with(&self, source: &Source, preset: Preset, turn: fn(&Source, Preset)) {
        {
            let mut desk = self.lock();
            desk.next = Some((source.clone(), preset));
            if std::mem::replace(&mut desk.turning, true) {
                return;
            }
        }
        let motors = self.clone();
        let spawned = std::thread::Builder::new().name("engawa-motors".to_owned()).spawn(move || {
            while let Some((source, preset)) = motors.take_next() {
                turn(&source, preset);
            }
        });
        if let Err(error) = spawned {
            tracing::warn!(%error, "no thread to turn the camera");
            self.lock().turning = false;
        }
    }

    fn take_next(&self) -> Option<(Source, Preset)> {
        let mut desk = self.lock();
        desk.turning = desk.next.is_some();
        desk.next.take()
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn turn(source: &Source, preset: Preset) {
    let paths: Vec<PathBuf> = match source {
        Source::V4l2(id) => vec![devices::camera_path(id)],
        // Which of several cameras `auto` has taken is not known here: the first that has motors.
        Source::Auto => devices::cameras().iter().map(|listing| devices::camera_path(&listing.id)).collect(),
        Source::None | Source::Alsa(_) | Source::Test | Source::File(_) | Source::Gst(_) => Vec::new(),
    };
    if !paths.iter().any(|path| turn_device(path, preset)) {
        tracing::warn!(?source, ?preset, "no camera with motors to turn");
    }
}

fn turn_device(path: &Path, preset: Preset) -> bool {
    let device = match v4l::Device::with_path(path) {
        Ok(device) => device,
        Err(error) => {
            tracing::debug!(%error, path = %path.display(), "the camera cannot be opened to turn it");
            return false;
        }
    };
    // One by one: a camera with fewer motors turns as far as it can.
    let controls = [
        (V4L2_CID_PAN_ABSOLUTE, preset.pan),
        (V4L2_CID_TILT_ABSOLUTE, preset.tilt),
        (V4L2_CID_ZOOM_ABSOLUTE, preset.zoom),
    ];
    let turned = controls.map(|(id, value)| {
        let set = device.set_control(Control { id, value: Value::Integer(value.into()) });
        if let Err(error) = &set {
            tracing::debug!(%error, id, value, path = %path.display(), "a motor does not turn");
        }
        set.is_ok()
    });
    turned.contains(&true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    /// A pretend motor: says what it does, then waits for leave. The test has it for itself.
    static SAYS: Mutex<Option<(SyncSender<i32>, Receiver<()>)>> = Mutex::new(None);

    #[test]
    fn while_the_motors_turn_only_the_newest_order_waits() {
        let (says, said) = sync_channel(8);
        let (leave, left) = sync_channel(8);
        *SAYS.lock().unwrap() = Some((says, left));
        let slow = |_: &Source, preset: Preset| {
            let motor = SAYS.lock().unwrap();
            let (says, left) = motor.as_ref().unwrap();
            says.send(preset.pan).unwrap();
            left.recv().unwrap();
        };
        let motors = Motors::default();
        let order = |pan| motors.turn_with(&Source::Test, Preset { pan, tilt: 0, zoom: 0 }, slow);
        let within = std::time::Duration::from_secs(5);
        order(1);
        assert_eq!(said.recv_timeout(within), Ok(1));
        (2..=5).for_each(order);
        leave.send(()).unwrap();
        assert_eq!(said.recv_timeout(within), Ok(5));
        assert_eq!(said.try_recv().ok(), None);
        leave.send(()).unwrap();
        leave.send(()).unwrap();
        order(6);
        assert_eq!(said.recv_timeout(within), Ok(6));
    }

    #[test]
    fn a_camera_without_motors_or_not_there_is_no_trouble() {
        let preset = Preset { pan: 3600, tilt: 0, zoom: 100 };
        assert!(!turn_device(Path::new("/dev/null"), preset));
        assert!(!turn_device(Path::new("/dev/no-such-camera"), preset));
    }
}
