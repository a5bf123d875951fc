//! Two paired boxes on this machine, each a daemon process of its own: what `demo` and `bench` stand on.

use crate::cli::{Failure, status};
use crate::model::VideoCodec;
use crate::runtime::{self, Ended, RunError, RunOptions};
use crate::system::status::Status;
use crate::trunk::identity::{self, Identity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// How both boxes are set up. Sources and sinks as in the configuration file.
#[derive(Clone, Debug)]
pub struct Setup {
    /// `[camera] source`
    pub camera: String,
    /// `[camera] size`, pixels
    pub size: (u32, u32),
    /// `[camera] fps`
    pub fps: u32,
    /// `[camera] codec`
    pub codec: VideoCodec,
    /// `[sound] source`
    pub microphone: String,
    /// `[sound] sink`
    pub speaker: String,
    /// Each box serves its panel on the loopback interface.
    pub panel: bool,
    /// `[screen] sink` of each box
    pub screens: [String; 2],
    /// `[line] ceiling_kbps`
    pub ceiling_kbps: u32,
    /// More arguments of `engawa run`, for each box.
    pub arguments: [Vec<String>; 2],
}

/// Two boxes; dropped, they are stopped and their directory is removed.
pub struct PairOfBoxes {
    directory: PathBuf,
    panels: [u16; 2],
    arguments: [Vec<String>; 2],
    in_this_process: bool,
    boxes: [Option<Child>; 2],
    threads: Vec<BoxThread>,
}

/// A box that runs in this process.
struct BoxThread {
    stop: watch::Sender<bool>,
    thread: JoinHandle<Result<Ended, RunError>>,
}

impl PairOfBoxes {
    /// Makes directory, keys and configurations; starts nothing yet.
    ///
    /// # Errors
    /// When the temporary directory cannot be written or no ports are free.
    pub fn prepare(setup: &Setup) -> Result<Self, Failure> {
        let directory = std::env::temp_dir().join(format!("engawa-{}", std::process::id()));
        std::fs::DirBuilder::new().mode(0o700).create(&directory).map_err(say("make a temporary directory"))?;
        let ports = [free_ports()?, free_ports()?];
        let pair = Self {
            directory,
            panels: ports.map(|ports| ports.panel),
            arguments: setup.arguments.clone(),
            in_this_process: false,
            boxes: [None, None],
            threads: Vec::new(),
        };
        let states = [0, 1].map(|which| pair.directory.join(NAMES[which]));
        let mut keys = Vec::new();
        for state in &states {
            std::fs::DirBuilder::new().mode(0o700).create(state).map_err(say("make a state directory"))?;
            let identity = Identity::load_or_create(state).map_err(|error| Failure::keys(error.to_string()))?;
            keys.push(identity.public_key());
        }
        for which in [0, 1] {
            identity::pin_peer(&states[which], &keys[1 - which]).map_err(|error| Failure::keys(error.to_string()))?;
            let text = configuration(setup, which, &states[which], ports);
            std::fs::write(pair.config(which), text).map_err(say("write a configuration"))?;
        }
        Ok(pair)
    }

    /// From now on boxes run as threads of this process.
    pub fn in_this_process(&mut self) {
        self.in_this_process = true;
    }

    /// Starts one box.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(&mut self, which: usize) -> Result<(), Failure> {
        if self.in_this_process {
            return self.start_thread(which);
        }
        let log = std::fs::File::create(self.log(which)).map_err(say("write a log"))?;
        let child = Command::new(std::env::current_exe().map_err(say("find this program"))?)
            .args(["--log", "text", "run", "--config"])
            .arg(self.config(which))
            .args(&self.arguments[which])
            .envs(allocator_as_installed())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(say("start a box"))?;
        self.boxes[which] = Some(child);
        Ok(())
    }

    fn start_thread(&mut self, which: usize) -> Result<(), Failure> {
        let config = crate::cli::load(&self.config(which))?;
        let (stop, stopped) = watch::channel(false);
        let stamps = self.arguments[which].iter().any(|argument| argument == "--stamps");
        let options = RunOptions { stamps, stop: Some(stopped), ..RunOptions::default() };
        let thread = std::thread::spawn(move || runtime::run(config, &options));
        self.threads.push(BoxThread { stop, thread });
        Ok(())
    }

    /// Ends one box at once, as a power cut would.
    pub fn kill(&mut self, which: usize) {
        if let Some(mut child) = self.boxes[which].take() {
            let _already_dead = child.kill();
            let _reaped = child.wait();
        }
    }

    /// What one box says, if it answers.
    pub fn status(&self, which: usize) -> Option<Status> {
        status::once(&self.socket(which)).ok()
    }

    /// Where one box's panel is.
    pub fn panel_url(&self, which: usize) -> String {
        format!("https://127.0.0.1:{}/", self.panels[which])
    }

    /// Where one box's socket is.
    pub fn socket(&self, which: usize) -> PathBuf {
        self.directory.join(NAMES[which]).join("status")
    }

    /// Process number of a running box.
    pub fn pid(&self, which: usize) -> Option<u32> {
        self.boxes[which].as_ref().map(Child::id)
    }

    /// Says why a box ended by itself, with the last lines of its log.
    pub fn ended(&mut self, which: usize) -> Option<String> {
        let code = self.boxes[which].as_mut()?.try_wait().ok()??;
        let log = std::fs::read_to_string(self.log(which)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        Some(format!(
            "box {} ended ({code}):\n{}",
            NAMES[which],
            lines.into_iter().rev().collect::<Vec<_>>().join("\n")
        ))
    }

    fn config(&self, which: usize) -> PathBuf {
        self.directory.join(format!("{}.toml", NAMES[which]))
    }

    fn log(&self, which: usize) -> PathBuf {
        self.directory.join(format!("{}.log", NAMES[which]))
    }
}

impl Drop for PairOfBoxes {
    fn drop(&mut self) {
        for each in self.threads.drain(..) {
            let _already_gone = each.stop.send(true);
            let _result_was_shown = each.thread.join();
        }
        for child in self.boxes.iter().flatten() {
            let _already_dead = kill(pid_of(child), Signal::SIGTERM);
        }
        for child in self.boxes.iter_mut().flatten() {
            let mut patience = 60;
            while patience > 0 && matches!(child.try_wait(), Ok(None)) {
                patience -= 1;
                pause(Duration::from_millis(50));
            }
            let _already_dead = child.kill();
            let _reaped = child.wait();
        }
        let _best_effort = std::fs::remove_dir_all(&self.directory);
    }
}

/// What the unit file tells the allocator: memory is measured as it is where a box is installed.
fn allocator_as_installed() -> impl Iterator<Item = (&'static str, &'static str)> {
    let environment = UNIT.lines().filter_map(|line| line.strip_prefix("Environment="));
    let pairs = environment.flat_map(str::split_whitespace).filter_map(|pair| pair.split_once('='));
    pairs.filter(|(name, _)| ["MALLOC_", "GLIBC_", "G_SLICE"].iter().any(|begin| name.starts_with(begin)))
}

/// What the kernel counted for one process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Footprint {
    /// Seconds of CPU since it started.
    pub cpu_s: f64,
    /// Resident memory, KiB.
    pub rss_kib: u64,
    /// Threads.
    pub threads: u64,
    /// Open file descriptors.
    pub fds: u64,
}

impl Footprint {
    /// Reads /proc; `None` when the process is gone.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
        let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        Some(Self {
            cpu_s: ticks as f64 / CLOCK_TICKS,
            rss_kib: field("VmRSS:")?,
            threads: field("Threads:")?,
            fds: std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64,
        })
    }
}

/// Waits; a person or a bench watches.
#[expect(clippy::disallowed_methods, reason = "demo and bench wait for processes they started; the daemon never does")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

fn configuration(setup: &Setup, which: usize, state: &Path, ports: [Ports; 2]) -> String {
    let (near, far) = (ports[which], ports[1 - which]);
    let codec = match setup.codec {
        VideoCodec::H264 => "h264",
        VideoCodec::Vp8 => "vp8",
    };
    let mut text = String::new();
    let quoted = |value: &str| toml::Value::String(value.to_owned()).to_string();
    let mut section = |name: &str, pairs: &[(&str, String)]| {
        let _infallible = writeln!(text, "[{name}]");
        for (key, value) in pairs {
            let _infallible = writeln!(text, "{key} = {value}");
        }
    };
    section(
        "box",
        &[
            ("name", quoted(["部屋A", "部屋B"][which])),
            ("state_directory", quoted(&state.to_string_lossy())),
            ("status_socket", quoted(&state.join("status").to_string_lossy())),
        ],
    );
    section("peer", &[("address", quoted(&format!("127.0.0.1:{}", far.trunk)))]);
    section("trunk", &[("listen", quoted(&format!("127.0.0.1:{}", near.trunk)))]);
    section("session", &[("port", near.session.to_string())]);
    section(
        "camera",
        &[
            ("source", quoted(&setup.camera)),
            ("size", quoted(&format!("{}x{}", setup.size.0, setup.size.1))),
            ("fps", setup.fps.to_string()),
            ("codec", quoted(codec)),
        ],
    );
    section(
        "sound",
        &[("source", quoted(&setup.microphone)), ("sink", quoted(&setup.speaker)), ("microphone", quoted("open"))],
    );
    section("screen", &[("sink", quoted(&setup.screens[which]))]);
    section("line", &[("ceiling_kbps", setup.ceiling_kbps.to_string())]);
    // Nobody's keyboard belongs to a box that somebody only tries.
    section("room", &[("keypad", quoted("none"))]);
    if setup.panel {
        let listen = format!("127.0.0.1:{}", near.panel);
        section("panel", &[("listen", quoted(&listen)), ("room", quoted("127.0.0.0/8"))]);
        section("share", &[("port", near.share.to_string())]);
    }
    text
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    trunk: u16,
    session: u16,
    panel: u16,
    share: u16,
}

/// Ports that were free a moment ago; somebody else may take them, then the daemon says so.
fn free_ports() -> Result<Ports, Failure> {
    let [trunk, panel] = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let port = |listener: std::io::Result<TcpListener>| listener.and_then(|listener| listener.local_addr());
    let trunk = port(trunk).map_err(say("find a free port"))?.port();
    let panel = port(panel).map_err(say("find a free port"))?.port();
    let share = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
    let share = share.map_err(say("find a free port"))?.port();
    for _ in 0..PORT_TRIES {
        let first = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(say("find a free port"))?;
        let session = first.local_addr().map_err(say("find a free port"))?.port();
        if session < u16::MAX && UdpSocket::bind((Ipv4Addr::LOCALHOST, session + 1)).is_ok() {
            return Ok(Ports { trunk, session, panel, share });
        }
    }
    Err(Failure::new("no two neighbouring UDP ports are free on this machine"))
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

fn say(what: &'static str) -> impl Fn(std::io::Error) -> Failure {
    move |error| Failure::new(format!("could not {what}: {error}"))
}

const UNIT: &str = include_str!("../../systemd/engawa.service");
const NAMES: [&str; 2] = ["a", "b"];
const PORT_TRIES: usize = 50;
/// `USER_HZ`, 100 on every Linux that Debian ships.
const CLOCK_TICKS: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allocator_is_told_what_the_unit_tells_it() {
        let told: Vec<_> = allocator_as_installed().collect();
        let expected = [
            ("MALLOC_ARENA_MAX", "2"),
            ("MALLOC_MMAP_THRESHOLD_", "131072"),
            ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0"),
            ("G_SLICE", "always-malloc"),
        ];
        assert_eq!(told, expected);
    }
}
