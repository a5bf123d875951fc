//! What `engawa doctor` looks at on this machine: state directory, ports, peer, fonts, clock.
//!
//! Each check is one finding and what to do about it. Nothing is changed, and no wait is longer than [`REACH_WITHIN`].

use crate::config::Config;
use crate::durable;
use crate::model::Language;
use crate::system::clock;
use serde::Serialize;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at, in one or two words.
    pub about: String,
    /// How it stands.
    pub grade: Grade,
    /// What was found.
    pub found: String,
    /// What to do about it; empty when all is well.
    pub advice: String,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// The link works, but somebody should know.
    Warn,
    /// The link cannot work so.
    Fail,
}

impl Check {
    /// All is well.
    pub fn ok(about: &str, found: impl Into<String>) -> Self {
        Self { about: about.into(), grade: Grade::Ok, found: found.into(), advice: String::new() }
    }

    /// The link works, but somebody should know.
    pub fn warn(about: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { about: about.into(), grade: Grade::Warn, found: found.into(), advice: advice.into() }
    }

    /// The link cannot work so.
    pub fn fail(about: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { about: about.into(), grade: Grade::Fail, found: found.into(), advice: advice.into() }
    }
}

/// The state directory takes writes. An absent one is not made: it would belong to whoever asked.
pub fn state_directory(directory: &Path) -> Check {
    const ABOUT: &str = "state directory";
    if !directory.is_dir() {
        let advice = "it is made when the daemon first starts; make sure that the daemon's user may";
        return Check::warn(ABOUT, format!("{} is absent", directory.display()), advice);
    }
    match durable::probe(directory) {
        Ok(()) => Check::ok(ABOUT, format!("{} takes writes", directory.display())),
        Err(error) => Check::fail(
            ABOUT,
            format!("{}: {error}", directory.display()),
            "give the daemon's user a directory with free space",
        ),
    }
}

/// The trunk's TCP port and both UDP ports of the session are free, or taken by the daemon itself.
pub fn ports(config: &Config) -> Vec<Check> {
    let running = UnixStream::connect(&config.status_socket).is_ok();
    let check = |about: &str, port: String, bound: io::Result<()>| match bound {
        Ok(()) => Check::ok(about, format!("{port} is free")),
        Err(cause) if cause.kind() == ErrorKind::AddrInUse && running => {
            Check::ok(about, format!("{port} is used by the daemon that runs here"))
        }
        Err(cause) if cause.kind() == ErrorKind::AddrInUse => {
            Check::fail(about, format!("{port} is taken"), "end the other program, or give this box another port")
        }
        Err(cause) if cause.kind() == ErrorKind::AddrNotAvailable => {
            Check::fail(about, format!("{port}: this box has no such address"), "correct trunk.listen")
        }
        Err(cause) => Check::fail(about, format!("{port}: {cause}"), "correct the address or the port"),
    };
    let trunk = config
        .trunk
        .listen
        .map(|address| check("trunk port", format!("TCP {address}"), TcpListener::bind(address).map(drop)));
    let sessions = [config.session_port, config.session_port + 1]
        .map(|port| check("session port", format!("UDP {port}"), bind_everywhere(port)));
    trunk.into_iter().chain(sessions).collect()
}

/// The peer takes a TCP connection on its trunk port; nothing is said on it.
pub fn peer_reachable(config: &Config) -> Check {
    const ABOUT: &str = "peer";
    let Some(address) = config.peer.address.filter(|_| config.trunk.dial) else {
        return Check::ok(ABOUT, "this box does not dial: the other box does");
    };
    match TcpStream::connect_timeout(&address, REACH_WITHIN) {
        Ok(_) => Check::ok(ABOUT, format!("{address} takes connections")),
        Err(cause) if cause.kind() == ErrorKind::ConnectionRefused => Check::fail(
            ABOUT,
            format!("{address} refuses"),
            "the machine is there: start engawa on it, or compare the ports",
        ),
        Err(cause) if cause.kind() == ErrorKind::TimedOut => {
            let advice = "is the other box on? Do the firewalls between let TCP to this port pass?";
            Check::fail(ABOUT, format!("{address} does not answer within {} s", REACH_WITHIN.as_secs()), advice)
        }
        Err(cause) => {
            Check::fail(ABOUT, format!("{address}: {cause}"), "is the cable in? Has this box an address and a route?")
        }
    }
}

/// A font that has the letters of the sentences.
pub fn fonts(language: Language, directories: &[&Path]) -> Check {
    const ABOUT: &str = "fonts";
    if directories.iter().any(|directory| has_font(directory, FONT_DEPTH)) {
        return Check::ok(ABOUT, "Noto CJK is there");
    }
    let advice = "install the package fonts-noto-cjk";
    match language {
        Language::Japanese => Check::fail(ABOUT, "no Japanese font: sentences would be white boxes", advice),
        Language::English => Check::warn(ABOUT, "no Japanese font: the other room's name may be white boxes", advice),
    }
}

/// The wall clock is plausible. It only ever misdates, so this never fails.
pub fn wall_clock(wall_ms: u64) -> Check {
    const ABOUT: &str = "clock";
    if PLAUSIBLE_MS.contains(&wall_ms) {
        return Check::ok(ABOUT, "the date is plausible");
    }
    Check::warn(ABOUT, "the date cannot be right", "set the clock; the link works without, but the ledger is misdated")
}

/// [`wall_clock`] of now.
pub fn wall_clock_now() -> Check {
    wall_clock(clock::wall_ms())
}

/// Whether this UDP port is free on all addresses of both families, or of IPv4 where there is no IPv6.
///
/// # Errors
/// What the system said; `AddrInUse` if somebody has the port on any address of either family.
pub fn bind_everywhere(port: u16) -> io::Result<()> {
    let bind = |ip: IpAddr| UdpSocket::bind(SocketAddr::new(ip, port)).map(drop);
    match bind(Ipv6Addr::UNSPECIFIED.into()) {
        Err(cause) if cause.kind() != ErrorKind::AddrInUse => bind(Ipv4Addr::UNSPECIFIED.into()),
        bound => bound,
    }
}

fn has_font(directory: &Path, depth: u32) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else { return false };
    entries.flatten().any(|entry| {
        let named = entry.file_name().to_string_lossy().contains(FONT);
        named || (depth > 0 && entry.path().is_dir() && has_font(&entry.path(), depth - 1))
    })
}

/// Where Debian keeps fonts.
pub const FONT_DIRECTORIES: [&str; 2] = ["/usr/share/fonts", "/usr/local/share/fonts"];
const FONT: &str = "NotoSansCJK";
const FONT_DEPTH: u32 = 4;
const REACH_WITHIN: Duration = Duration::from_secs(1);
/// 2025-01-01 to 2050-01-01.
const PLAUSIBLE_MS: std::ops::Range<u64> = 1_735_689_600_000..2_524_608_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::parse(text, Path::new("/nowhere/engawa.toml")).expect("a configuration")
    }

    fn grades(checks: &[Check]) -> Vec<Grade> {
        checks.iter().map(|check| check.grade).collect()
    }

    #[test]
    fn a_taken_port_is_named_unless_the_daemon_itself_has_it() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("an address");
        let listener = TcpListener::bind(taken).expect("bound again");
        let session = UdpSocket::bind("127.0.0.1:0").expect("bound");
        let port = session.local_addr().expect("an address").port();
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("status.sock");
        let text = format!(
            "[box]\nstatus_socket = \"{}\"\n[trunk]\nlisten = \"{taken}\"\n[session]\nport = {port}",
            socket.display()
        );
        let checks = ports(&config(&text));
        assert_eq!(grades(&checks)[..2], [Grade::Fail, Grade::Fail]);
        assert_eq!(checks[0].found, format!("TCP {taken} is taken"));
        let _daemon = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
        assert_eq!(grades(&ports(&config(&text)))[..2], [Grade::Ok, Grade::Ok]);
        drop((listener, session));
    }

    #[test]
    fn an_address_that_this_box_does_not_have_is_named() {
        let checks = ports(&config("[trunk]\nlisten = \"192.0.2.77:7420\""));
        assert_eq!(checks[0].grade, Grade::Fail);
        assert!(checks[0].found.contains("no such address"), "{checks:?}");
    }

    #[test]
    fn a_peer_is_reached_or_refuses_or_dials_itself() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("an address");
        let dialling = config(&format!("[peer]\naddress = \"{address}\""));
        assert_eq!(peer_reachable(&dialling).grade, Grade::Ok);
        drop(listener);
        let refused = peer_reachable(&dialling);
        assert_eq!((refused.grade, refused.found), (Grade::Fail, format!("{address} refuses")));
        assert_eq!(peer_reachable(&config("")).grade, Grade::Ok);
    }

    #[test]
    fn an_absent_state_directory_is_not_made_by_the_doctor() {
        let directory = tempfile::tempdir().expect("a directory");
        let absent = directory.path().join("state");
        assert_eq!(state_directory(&absent).grade, Grade::Warn);
        assert!(!absent.exists());
        assert_eq!(state_directory(directory.path()).grade, Grade::Ok);
        assert_eq!(std::fs::read_dir(directory.path()).expect("listed").count(), 0, "nothing is left behind");
    }

    #[test]
    fn a_font_is_found_in_a_directory_below() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(fonts(Language::Japanese, &[directory.path()]).grade, Grade::Fail);
        assert_eq!(fonts(Language::English, &[directory.path()]).grade, Grade::Warn);
        std::fs::create_dir_all(directory.path().join("opentype/noto")).expect("made");
        std::fs::write(directory.path().join("opentype/noto/NotoSansCJK-Regular.ttc"), "").expect("written");
        assert_eq!(fonts(Language::Japanese, &[directory.path()]).grade, Grade::Ok);
    }

    #[test]
    fn a_wrong_clock_is_told_and_never_fails() {
        for year_ms in [0, 1_451_606_400_000, 4_102_444_800_000] {
            assert_eq!(wall_clock(year_ms).grade, Grade::Warn);
        }
        assert_eq!(wall_clock(1_800_000_000_000).grade, Grade::Ok);
    }
}
