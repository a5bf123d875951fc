//! Tells systemd how the daemon is: ready, what it does, stopping, and that the loop still turns (sd_notify(3)).
//!
//! Only the loop calls this, so a hung loop stops being fed and systemd restarts it. Nothing here ever waits; without
//! systemd every call does nothing.

use crate::model::Moment;
use std::ffi::{OsStr, OsString};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The line to systemd.
#[derive(Debug, Default)]
pub struct Notify {
    line: Option<(UnixDatagram, SocketAddr)>,
    /// Half of what systemd allows.
    period: Option<Duration>,
    fed_at: Option<Moment>,
    told: String,
}

impl Notify {
    /// As `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` say.
    pub fn from_env() -> Self {
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let for_us = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|_| for_us).map(Duration::from_micros);
        Self::new(std::env::var_os("NOTIFY_SOCKET"), watchdog)
    }

    /// To this socket: a path, or `@name` for an abstract one. `watchdog` is how long systemd waits for a sign of life.
    pub fn new(socket: Option<OsString>, watchdog: Option<Duration>) -> Self {
        let line = socket.and_then(|name| match open(&name) {
            Ok(line) => Some(line),
            Err(error) => {
                tracing::warn!(socket = %name.to_string_lossy(), %error, "systemd cannot be told anything");
                None
            }
        });
        let period = watchdog.map(|allowed| allowed / 2).filter(|_| line.is_some());
        Self { line, period, fed_at: None, told: String::new() }
    }

    /// The daemon has started.
    pub fn ready(&mut self) {
        self.send("READY=1");
    }

    /// What it does, in one line for `systemctl status`; sent only when it changed.
    pub fn status(&mut self, text: &str) {
        let line = text.lines().next().unwrap_or_default();
        if self.told != line {
            self.told.replace_range(.., line);
            self.send(&format!("STATUS={line}"));
        }
    }

    /// The loop turns; sent at most twice in the time that systemd allows.
    pub fn watchdog(&mut self, now: Moment) {
        let Some(period) = self.period else { return };
        if self.fed_at.is_none_or(|fed_at| now.since(fed_at) >= period) {
            self.fed_at = Some(now);
            self.send("WATCHDOG=1");
        }
    }

    /// The daemon leaves on purpose.
    pub fn stopping(&mut self) {
        self.send("STOPPING=1");
    }

    fn send(&self, text: &str) {
        if let Some((socket, address)) = &self.line
            && let Err(error) = socket.send_to_addr(text.as_bytes(), address)
        {
            tracing::debug!(text, %error, "systemd did not take a notification");
        }
    }
}

fn open(name: &OsStr) -> std::io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> Vec<String> {
        socket.set_nonblocking(true).expect("set");
        let mut buffer = [0; 256];
        let next =
            || socket.recv(&mut buffer).ok().map(|length| String::from_utf8_lossy(&buffer[..length]).into_owned());
        std::iter::from_fn(next).collect()
    }

    fn at(ms: u64) -> Moment {
        Moment::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn systemd_hears_the_whole_life_of_the_daemon() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let systemd = UnixDatagram::bind(&path).expect("bound");
        let mut notify = Notify::new(Some(path.into()), Some(Duration::from_secs(2)));
        notify.ready();
        notify.status("linked\nsecond line");
        notify.status("linked");
        notify.status("lost");
        notify.stopping();
        assert_eq!(heard(&systemd), ["READY=1", "STATUS=linked", "STATUS=lost", "STOPPING=1"]);
    }

    #[test]
    fn the_watchdog_is_fed_twice_in_the_time_allowed_and_no_more() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let systemd = UnixDatagram::bind(&path).expect("bound");
        let mut notify = Notify::new(Some(path.into()), Some(Duration::from_secs(2)));
        for ms in (5_000..=7_000).step_by(10) {
            notify.watchdog(at(ms));
        }
        assert_eq!(heard(&systemd), ["WATCHDOG=1"; 3]);
    }

    #[test]
    fn an_abstract_socket_is_reached() {
        let name = format!("engawa-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let systemd = UnixDatagram::bind_addr(&address).expect("bound");
        Notify::new(Some(format!("@{name}").into()), None).ready();
        assert_eq!(heard(&systemd), ["READY=1"]);
    }

    #[test]
    fn a_full_or_absent_socket_never_holds_the_loop_up() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let _deaf = UnixDatagram::bind(&path).expect("bound");
        let mut notify = Notify::new(Some(path.into()), Some(Duration::from_nanos(2)));
        for turn in 0..10_000 {
            notify.watchdog(at(turn));
        }
        Notify::new(Some(directory.path().join("nobody").into()), None).ready();
        let mut without = Notify::new(None, Some(Duration::from_secs(1)));
        without.watchdog(at(1));
    }
}
