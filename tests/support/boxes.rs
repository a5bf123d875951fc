//! Two boxes: real daemons, each with its own configuration, identity and log, on loopback or in a lab.
//!
//! Promise: nothing outlives the pair; every wait is bounded and says on failure what both boxes said last. Status is asked
//! over the status socket, which is what `engawa status` does, without the price of a process per question.

use super::guest::Guest;
use super::lab::{End, Lab};
use super::wait_for;
use super::wire::Family;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Who dials whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialling {
    /// Both listen and dial.
    Both,
    /// Only this end dials; only the other listens.
    Only(End),
}

/// How both boxes are set up. Values as in the configuration file; changes to one box with [`Pair::configure`].
#[derive(Clone, Debug)]
pub struct Setup {
    pub family: Family,
    pub dialling: Dialling,
    pub camera: String,
    pub size: String,
    pub fps: u32,
    pub codec: String,
    pub microphone_source: String,
    /// `"open"` or `"closed"`.
    pub microphone: String,
    pub ceiling_kbps: u32,
    /// More words on the command line after `run --config FILE`.
    pub arguments: Vec<String>,
    /// More environment, such as LD_PRELOAD of libfaketime.
    pub environment: Vec<(String, String)>,
}

impl Default for Setup {
    /// A small picture, a test sound, an open microphone: cheap on a shared machine.
    fn default() -> Self {
        Self {
            family: Family::V4,
            dialling: Dialling::Both,
            camera: "test".into(),
            size: "640x360".into(),
            fps: 15,
            codec: "h264".into(),
            microphone_source: "test".into(),
            microphone: "open".into(),
            ceiling_kbps: 3000,
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }
}

/// Two paired boxes. Stopped and removed when dropped; their logs are shown if the test fails.
pub struct Pair<'lab> {
    lab: Option<&'lab Lab>,
    setup: Setup,
    directory: TempDir,
    ports: [Ports; 2],
    daemons: [Option<Guest>; 2],
    environment: [Vec<(String, String)>; 2],
    arguments: [Vec<String>; 2],
}

/// The ports of one box; `session + 1` is its second session port.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub trunk: u16,
    pub session: u16,
    /// Of PCs' screens, UDP.
    pub share: u16,
}

impl<'lab> Pair<'lab> {
    /// Writes configurations, makes identities and pins them with `engawa identity`; starts nothing.
    pub fn prepare(lab: Option<&'lab Lab>, setup: &Setup) -> Self {
        let ports = match lab {
            Some(_) => IN_A_LAB,
            None => [free_ports(), free_ports()],
        };
        let directory = tempfile::Builder::new().prefix("engawa-test-").tempdir().unwrap();
        let arguments = [setup.arguments.clone(), setup.arguments.clone()];
        let environment = Default::default();
        let pair = Self { lab, setup: setup.clone(), directory, ports, daemons: [None, None], environment, arguments };
        for end in End::BOTH {
            std::fs::DirBuilder::new().mode(0o700).create(pair.state_directory(end)).unwrap();
            std::fs::write(pair.config(end), pair.configuration(end)).unwrap();
        }
        pair.carry_keys();
        pair
    }

    /// As an installer does on a bench: each box gets the other's public key.
    pub fn carry_keys(&self) {
        for end in End::BOTH {
            let carried = self.directory.path().join(format!("key-for-{}", name(end)));
            std::fs::write(&carried, self.engawa(end.other(), &["identity", "export"], &[])).unwrap();
            self.engawa(end, &["identity", "import"], &[carried.to_str().unwrap()]);
        }
    }

    /// The same and starts both.
    pub fn start(lab: Option<&'lab Lab>, setup: &Setup) -> Self {
        let mut pair = Self::prepare(lab, setup);
        pair.start_both();
        pair
    }

    /// Starts both boxes.
    pub fn start_both(&mut self) {
        End::BOTH.into_iter().for_each(|end| self.start_box(end));
    }

    /// One more word on the command line of one box, for its next start.
    pub fn add_argument(&mut self, end: End, word: &str) {
        self.arguments[end as usize].push(word.into());
    }

    /// Starts one box, inside its namespace if there is one.
    pub fn start_box(&mut self, end: End) {
        let log = std::fs::File::options().create(true).append(true).open(self.log_file(end)).unwrap();
        let mut command = self.command(end);
        command.arg("run").arg("--config").arg(self.config(end)).args(&self.arguments[end as usize]);
        command.envs(self.setup.environment.iter().chain(&self.environment[end as usize]).cloned());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.daemons[end as usize] = Some(Guest::spawn(command));
    }

    /// SIGKILL, as a power cut.
    pub fn kill_box(&mut self, end: End) {
        drop(self.daemons[end as usize].take());
    }

    /// The running daemon, to stop, continue or end it.
    pub fn daemon(&mut self, end: End) -> &mut Guest {
        self.daemons[end as usize].as_mut().expect("the box was started")
    }

    /// Replaces a value in one box's configuration file, for its next start: `configure(End::A, "screen", "sink", "\"auto\"")`.
    pub fn configure(&self, end: End, section: &str, key: &str, value: &str) {
        let text = std::fs::read_to_string(self.config(end)).unwrap();
        let mut table: toml::Table = text.parse().unwrap();
        let value: toml::Table = format!("value = {value}").parse().unwrap();
        let section = table.entry(section).or_insert_with(|| toml::Table::new().into());
        section.as_table_mut().unwrap().insert(key.into(), value["value"].clone());
        std::fs::write(self.config(end), table.to_string()).unwrap();
    }

    /// More environment for one box, for its next start.
    pub fn set_environment(&mut self, end: End, environment: &[(&str, &str)]) {
        self.environment[end as usize] =
            environment.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    }

    /// Where everything of the pair is; removed with it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn config(&self, end: End) -> PathBuf {
        self.directory.path().join(format!("{}.toml", name(end)))
    }

    pub fn state_directory(&self, end: End) -> PathBuf {
        self.directory.path().join(name(end))
    }

    pub fn socket(&self, end: End) -> PathBuf {
        self.directory.path().join(format!("{}.sock", name(end)))
    }

    pub fn ports(&self, end: End) -> Ports {
        self.ports[end as usize]
    }

    /// The ports of every pair in a lab.
    pub fn lab_ports() -> [Ports; 2] {
        IN_A_LAB
    }

    /// The UDP ports of both boxes, for the man in the middle.
    pub fn session_ports(&self) -> Vec<u16> {
        self.ports.iter().flat_map(|ports| [ports.session, ports.session + 1]).collect()
    }

    /// Everything the box has logged since it was first started.
    pub fn log(&self, end: End) -> String {
        std::fs::read_to_string(self.log_file(end)).unwrap_or_default()
    }

    /// What `engawa status --json` shows; none while no daemon answers.
    pub fn status(&self, end: End) -> Option<Value> {
        ask(&self.socket(end))
    }

    /// Every change of the status and one a second, with the moment it was read. Ends with the daemon.
    pub fn status_follow(&self, end: End) -> Receiver<(Instant, Value)> {
        let mut stream = UnixStream::connect(self.socket(end)).expect("the daemon runs");
        stream.write_all(b"{\"follow\": true}\n").unwrap();
        let (sender, receiver) = mpsc::sync_channel(MAX_STATUSES);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let status = serde_json::from_str(&line).expect("a status is JSON");
                if sender.send((Instant::now(), status)).is_err() {
                    break;
                }
            }
        });
        receiver
    }

    /// Both boxes' status once both say that the link is up and fresh pictures arrive.
    pub fn wait_up(&self, limit: Duration) -> [Value; 2] {
        let deadline = Instant::now() + limit;
        let up = |status: &Value| status["link"] == "up" && !status["first_frame_ns"].is_null();
        End::BOTH.map(|end| self.wait_status(end, deadline.saturating_duration_since(Instant::now()), "link up", up))
    }

    /// One box's status once `wanted` is true of it. Panics with both statuses and logs when it never is.
    pub fn wait_status(&self, end: End, limit: Duration, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait_for(limit, || self.status(end).filter(&wanted)).unwrap_or_else(|| {
            let said = End::BOTH.map(|end| format!("{}: {:?}", name(end), self.status(end)));
            panic!("{what} not reached by {} within {limit:?}\n{}", name(end), said.join("\n"))
        })
    }

    /// `engawa WORDS --config FILE MORE` to its end; standard output. Panics when it fails.
    pub fn engawa(&self, end: End, words: &[&str], more: &[&str]) -> String {
        let output = self.engawa_command(end, words, more).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "engawa {}: {} {error}", words.join(" "), output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same, not yet started.
    pub fn engawa_command(&self, end: End, words: &[&str], more: &[&str]) -> Command {
        let mut command = self.command(end);
        command.args(words).arg("--config").arg(self.config(end)).args(more).stdin(Stdio::null());
        command
    }

    /// A program on the box's own network.
    /// A program beside that box: in a lab, in its namespace.
    pub fn beside(&self, end: End, program: impl AsRef<std::ffi::OsStr>) -> Command {
        match self.lab {
            Some(lab) => lab.command(end, program),
            None => Command::new(program),
        }
    }

    fn command(&self, end: End) -> Command {
        self.beside(end, binary())
    }

    fn log_file(&self, end: End) -> PathBuf {
        self.directory.path().join(format!("{}.log", name(end)))
    }

    fn configuration(&self, end: End) -> String {
        let (setup, near, far) = (&self.setup, self.ports(end), self.ports(end.other()));
        let dials = setup.dialling == Dialling::Both || setup.dialling == Dialling::Only(end);
        let listens = setup.dialling == Dialling::Both || setup.dialling == Dialling::Only(end.other());
        let mut text = String::new();
        let mut section = |name: &str, pairs: &[(&str, toml::Value)]| {
            writeln!(text, "[{name}]").unwrap();
            pairs.iter().for_each(|(key, value)| writeln!(text, "{key} = {value}").unwrap());
        };
        let path = |path: PathBuf| toml::Value::from(path.to_str().unwrap());
        section(
            "box",
            &[
                ("name", name(end).into()),
                ("language", "en".into()),
                ("state_directory", path(self.state_directory(end))),
                ("status_socket", path(self.socket(end))),
            ],
        );
        let address = SocketAddr::new(self.address(end.other()), far.trunk).to_string();
        section("peer", &[("address", if dials { address } else { String::new() }.into())]);
        let listen = SocketAddr::new(self.listening_address(), near.trunk).to_string();
        let listen = if listens { listen } else { String::new() };
        section("trunk", &[("listen", listen.into()), ("dial", dials.into())]);
        section("session", &[("port", i64::from(near.session).into())]);
        section("share", &[("port", i64::from(near.share).into())]);
        section(
            "camera",
            &[
                ("source", setup.camera.as_str().into()),
                ("size", setup.size.as_str().into()),
                ("fps", i64::from(setup.fps).into()),
                ("codec", setup.codec.as_str().into()),
            ],
        );
        section(
            "sound",
            &[
                ("source", setup.microphone_source.as_str().into()),
                ("sink", "none".into()),
                ("microphone", setup.microphone.as_str().into()),
            ],
        );
        section("screen", &[("sink", "none".into())]);
        section("room", &[("keypad", "none".into())]);
        section("line", &[("ceiling_kbps", i64::from(setup.ceiling_kbps).into())]);
        text
    }

    fn address(&self, end: End) -> IpAddr {
        match (self.lab, self.setup.family) {
            (Some(lab), Family::V4) => lab.v4(end).into(),
            (Some(lab), Family::V6) => lab.v6(end).into(),
            (None, Family::V4 | Family::V6) => Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// Any address in a lab, so that a box whose address changes goes on listening.
    fn listening_address(&self) -> IpAddr {
        match self.lab {
            Some(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
            None => Ipv4Addr::LOCALHOST.into(),
        }
    }
}

impl Drop for Pair<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for end in End::BOTH {
                let log = self.log(end);
                let from = log.lines().count().saturating_sub(LOG_LINES_SHOWN);
                let tail: Vec<&str> = log.lines().skip(from).collect();
                eprintln!("--- log of box {} ---\n{}", name(end), tail.join("\n"));
            }
        }
        self.daemons.iter().flatten().for_each(Guest::terminate);
        for daemon in self.daemons.iter_mut().flatten() {
            daemon.wait(END_LIMIT);
        }
    }
}

/// One question over a status socket.
pub fn ask(socket: &Path) -> Option<Value> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(ANSWER_LIMIT)).unwrap();
    stream.write_all(b"{\"follow\": false}\n").ok()?;
    let mut line = String::new();
    BufReader::new(stream.take(1 << 20)).read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

pub fn name(end: End) -> &'static str {
    match end {
        End::A => "a",
        End::B => "b",
    }
}

/// The program under test: ENGAWA_BIN where it runs elsewhere, as in a chroot (tests/trixie/run.sh).
pub fn binary() -> std::ffi::OsString {
    std::env::var_os("ENGAWA_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_engawa").into())
}

/// Free a moment ago on loopback.
fn free_ports() -> Ports {
    let trunk = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let pair = (0..100).find_map(|_| {
        let first = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        let session = first.local_addr().ok()?.port();
        UdpSocket::bind((Ipv4Addr::LOCALHOST, session.checked_add(1)?)).ok().map(|_| session)
    });
    let share = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    Ports { trunk, session: pair.expect("two neighbouring UDP ports are free"), share }
}

pub const BINARY: &str = env!("CARGO_BIN_EXE_engawa");
/// Different on both sides, so that a packet's ports say where it comes from.
const IN_A_LAB: [Ports; 2] =
    [Ports { trunk: 7420, session: 7422, share: 7424 }, Ports { trunk: 7520, session: 7522, share: 7524 }];
const MAX_STATUSES: usize = 10_000;
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
const END_LIMIT: Duration = Duration::from_secs(5);
const LOG_LINES_SHOWN: usize = 60;
