//! Whether the wayland compositor behind a display is still there.
//!
//! waylandsink (1.22 and 1.26) tells nobody when its compositor ends, and goes on taking frames that nobody sees. So a second
//! connection is held, on which nothing is asked: its end is the compositor's.

use super::stage::spawn;
use std::io::{self, ErrorKind, Read};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// A watched compositor. Dropping it ends the watch.
pub(super) struct Compositor(UnixStream);

impl Compositor {
    /// Calls `gone` from a thread of its own when the compositor at this socket ends, or when the watch does.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn watch(socket: &Path, gone: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let line = UnixStream::connect(socket)?;
        let heard = line.try_clone()?;
        spawn("compositor", move || {
            until_its_end(heard);
            gone();
        });
        Ok(Self(line))
    }

    /// The socket that a display of this description is on, as `WAYLAND_DISPLAY` and `XDG_RUNTIME_DIR` say.
    pub(super) fn socket_of(description: &str) -> Option<PathBuf> {
        let display = std::env::var_os("WAYLAND_DISPLAY").filter(|_| description.contains("waylandsink"))?;
        // An absolute path stands for itself.
        Some(PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR").unwrap_or_default()).join(display))
    }
}

impl Drop for Compositor {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both); // gone already: the thread has ended
    }
}

fn until_its_end(mut heard: UnixStream) {
    loop {
        match heard.read(&mut [0; 64]) {
            Ok(0) => return,
            Err(error) if error.kind() != ErrorKind::Interrupted => return,
            Ok(_) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    #[test]
    fn the_end_of_a_compositor_is_told_and_so_is_that_of_the_watch() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("wayland-0");
        assert!(Compositor::watch(&socket, || ()).is_err(), "there is none");
        let listener = UnixListener::bind(&socket).unwrap();
        for compositor_ends in [true, false] {
            let (tell, told) = channel();
            let watch = Compositor::watch(&socket, move || tell.send(()).unwrap()).unwrap();
            let (client, _) = listener.accept().unwrap();
            assert_eq!(told.recv_timeout(Duration::from_millis(50)), Err(RecvTimeoutError::Timeout), "it is there");
            if compositor_ends {
                drop(client)
            } else {
                drop(watch)
            }
            told.recv_timeout(Duration::from_secs(5)).unwrap();
        }
    }
}
