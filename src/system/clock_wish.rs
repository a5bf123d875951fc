//! Setting the wall clock from a daemon that may not.
//!
//! ```text
//!   set_wall ── CLOCK_REALTIME ── allowed: done
//!                  └ refused ─► /run/engawa-clock/socket ─► engawa-clock@.service: grant ─► clock, hardware clock
//!                                  milliseconds since 1970 ─►   ◄─ "set", or why not
//! ```
//! May be relied on: a wish is one line and one answer, and ends within seconds whatever the other side does. Whoever grants it
//! believes the wish nothing: an implausible time is refused there too.

use super::clock;
use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Sets the wall clock, time since 1970; for the installer's page.
///
/// # Errors
/// When neither this process nor the unit that it asks may.
pub fn set_wall(time: Duration) -> io::Result<()> {
    match clock::set_wall(time) {
        Err(refused) if refused.kind() == ErrorKind::PermissionDenied => match wish(Path::new(SOCKET), time) {
            Err(nobody) if nobody.kind() == ErrorKind::NotFound => Err(refused),
            answered => answered,
        },
        directly => directly,
    }
}

/// Reads one wish, carries it out with `set` and answers.
///
/// # Errors
/// When the wish was none, or `set` refused; the wisher was told so.
pub fn grant(from: impl Read, mut to: impl Write, set: impl Fn(Duration) -> io::Result<()>) -> io::Result<()> {
    let mut wish = String::new();
    from.take(LONGEST).read_to_string(&mut wish)?;
    let ms = wish.trim_end().parse::<u64>().ok().filter(|ms| PLAUSIBLE_MS.contains(ms));
    let done = ms.ok_or_else(|| ErrorKind::InvalidInput.into()).and_then(|ms| set(Duration::from_millis(ms)));
    let answer = done.as_ref().map_or_else(ToString::to_string, |()| SET.to_owned());
    to.write_all(format!("{answer}\n").as_bytes())?;
    done
}

/// Writes the wall clock into the hardware clock, so that the box knows the time after a power cut. Takes about a second.
///
/// # Errors
/// When there is no such clock, or no `hwclock` (Debian's util-linux-extra).
pub fn tell_the_hardware() -> io::Result<()> {
    let told = Command::new("/usr/sbin/hwclock").args(["--systohc", "--utc", "--noadjfile"]).output()?;
    let why = || Error::other(String::from_utf8_lossy(&told.stderr).trim().to_owned());
    if told.status.success() { Ok(()) } else { Err(why()) }
}

fn wish(socket: &Path, time: Duration) -> io::Result<()> {
    let mut line = UnixStream::connect(socket)?;
    line.set_read_timeout(Some(ANSWERED_WITHIN))?;
    line.set_write_timeout(Some(ANSWERED_WITHIN))?;
    line.write_all(format!("{}\n", time.as_millis()).as_bytes())?;
    line.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    BufReader::new(line.take(LONGEST)).read_line(&mut answer)?;
    match answer.trim_end() {
        SET => Ok(()),
        why => Err(Error::other(why)),
    }
}

/// systemd/engawa-clock.socket.
const SOCKET: &str = "/run/engawa-clock/socket";
const SET: &str = "set";
/// Bytes of a wish or an answer.
const LONGEST: u64 = 256;
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// 2020 to 2100.
const PLAUSIBLE_MS: Range<u64> = 1_577_836_800_000..4_102_444_800_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_wish_is_granted_over_the_socket_and_a_refusal_comes_back_in_words() {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("bound");
        let unit = std::thread::spawn(move || {
            [Ok(()), Err(ErrorKind::PermissionDenied)].map(|outcome: Result<(), ErrorKind>| {
                let (line, _) = listener.accept().expect("asked");
                let set = Cell::new(None);
                let granted = grant(&line, &line, |time| {
                    set.set(Some(time));
                    outcome.map_err(Error::from)
                });
                assert_eq!(granted.is_ok(), outcome.is_ok());
                set.get()
            })
        });
        let time = Duration::from_millis(1_800_000_000_123);
        wish(&socket, time).expect("granted");
        assert_eq!(wish(&socket, time).expect_err("refused").to_string(), "permission denied");
        assert_eq!(unit.join().expect("ended"), [Some(time); 2]);
    }

    #[test]
    fn what_is_no_plausible_time_is_never_set() {
        for wish in ["", "now", "-1", "0", "1577836799999", "4102444800000", "99999999999999999999", "18e11"] {
            let mut answer = Vec::new();
            let granted = grant(wish.as_bytes(), &mut answer, |_| panic!("{wish} was set"));
            assert!(granted.is_err() && !answer.is_empty() && !answer.starts_with(SET.as_bytes()), "{wish}");
        }
        let endless = std::io::repeat(b'1');
        assert!(grant(endless, Vec::new(), |_| panic!("an endless wish was set")).is_err());
    }

    #[test]
    fn without_the_unit_the_wish_ends_at_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let nobody = wish(&directory.path().join("socket"), Duration::from_secs(1_800_000_000));
        assert_eq!(nobody.expect_err("nobody").kind(), ErrorKind::NotFound);
    }
}
