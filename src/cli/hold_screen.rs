//! `engawa hold-screen`: the kiosk compositor's only client of its own.
//!
//! Hidden. cage ends with the program that it started, and waits for that program when it ends itself: one that sleeps for ever would
//! leave a compositor that is neither there nor gone. This one shows nothing and ends with the compositor.

use super::Failure;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// Stays connected to the compositor that `XDG_RUNTIME_DIR` and `WAYLAND_DISPLAY` name, until it is gone.
///
/// # Errors
/// When there is none.
pub fn run() -> Result<(), Failure> {
    let named = |name: &str| std::env::var_os(name).ok_or_else(|| Failure::new(format!("{name} is not set")));
    let socket = PathBuf::from(named("XDG_RUNTIME_DIR")?).join(named("WAYLAND_DISPLAY")?);
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", socket.display()));
    let mut compositor = UnixStream::connect(&socket).map_err(failed)?;
    // Nothing is asked of it, so nothing but its end is heard.
    while compositor.read(&mut [0; 64]).map_err(failed)? > 0 {}
    Ok(())
}
