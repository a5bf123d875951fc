//! Two namespaces with a cable each, and the middle that joins them.
//!
//! Promise: unique names per process and lab; ready (operstate UP, no tentative address) when `Lab::new` returns; gone when
//! dropped. There is no default route and no route out of the lab anywhere. Deliberately absent: netem (no such module here).

mod faults;

use super::guest::Guest;
use super::namespace::{PREFIX, command_in, inside, operstate, remove, run, sweep};
use super::needs::Need;
use super::wait_for;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// One end of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    A,
    B,
}

impl End {
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::A => 'a',
            Self::B => 'b',
        }
    }
}

/// What joins the two cables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Middle {
    /// One segment: 10.77.0.0/24 and fd77::/64.
    Switch,
    /// Two segments: 10.77.1.0/24 and fd77:1::/64, 10.77.2.0/24 and fd77:2::/64, forwarded by the kernel or, once started,
    /// by [`super::router::Router`].
    Router,
}

/// Whether IPv6 addresses are checked for duplicates first (takes about a second, as on a real network).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressCheck {
    Skipped,
    Real,
}

/// State of a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    Down,
    Up,
}

/// A line between two rooms.
pub struct Lab {
    prefix: String,
    middle: Middle,
    check: AddressCheck,
    ends: Mutex<[EndState; 2]>,
}

#[derive(Clone, Copy, Debug)]
struct EndState {
    host: u16,
    cut: bool,
    loss_permille: u32,
    refuses_tcp: bool,
}

impl Lab {
    /// A ready line, or none where that is not possible.
    pub fn new(middle: Middle) -> Option<Self> {
        Self::with_address_check(middle, AddressCheck::Skipped)
    }

    pub fn with_address_check(middle: Middle, check: AddressCheck) -> Option<Self> {
        if !Need::Line.met() {
            return None;
        }
        sweep();
        let prefix = format!("{PREFIX}{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let hosts = match middle {
            Middle::Switch => [1, 2],
            Middle::Router => [2, 2],
        };
        let ends = hosts.map(|host| EndState { host, cut: false, loss_permille: 0, refuses_tcp: false });
        let lab = Self { prefix, middle, check, ends: Mutex::new(ends) };
        lab.build();
        Some(lab)
    }

    pub fn middle(&self) -> Middle {
        self.middle
    }

    pub fn namespace(&self, end: End) -> String {
        format!("{}-{}", self.prefix, end.letter())
    }

    pub fn middle_namespace(&self) -> String {
        format!("{}-m", self.prefix)
    }

    /// The end's present IPv4 address.
    pub fn v4(&self, end: End) -> Ipv4Addr {
        let host = self.end(end).host;
        Ipv4Addr::new(10, 77, self.segment(end) as u8, u8::try_from(host).unwrap())
    }

    /// The end's present IPv6 address.
    pub fn v6(&self, end: End) -> Ipv6Addr {
        Ipv6Addr::new(0xfd77, self.segment(end), 0, 0, 0, 0, 0, self.end(end).host)
    }

    /// The addresses of an end, IPv4 first.
    pub fn addresses(&self, end: End) -> [IpAddr; 2] {
        [self.v4(end).into(), self.v6(end).into()]
    }

    /// A command that will run inside the end's namespace (`ip netns exec`, which replaces itself: the pid is the
    /// program's own).
    pub fn command(&self, end: End, program: impl AsRef<std::ffi::OsStr>) -> Command {
        command_in(&self.namespace(end), program)
    }

    /// Runs a command inside the end's namespace to its end; its standard output, or a panic when it fails.
    pub fn ns_exec(&self, end: End, words: &str) -> String {
        run(&format!("ip netns exec {} {words}", self.namespace(end)))
    }

    /// Starts a command made with [`Lab::command`].
    pub fn spawn(&self, command: Command) -> Guest {
        Guest::spawn(command)
    }

    /// Runs `work` on a thread of its own inside the end's namespace. Sockets opened there stay there.
    pub fn inside<T: Send>(&self, end: End, work: impl FnOnce() -> T + Send) -> T {
        inside(&self.namespace(end), work)
    }

    /// Joins the segments of two labs by a cable between their switches. Their ends must be given different hosts first.
    pub fn join(&self, other: &Self) {
        assert_eq!((self.middle, other.middle), (Middle::Switch, Middle::Switch), "segments are joined by switches");
        let (near, far) = (self.middle_namespace(), other.middle_namespace());
        run(&format!("ip link add joint netns {near} type veth peer name joint netns {far}"));
        for middle in [&near, &far] {
            run(&format!("ip -n {middle} link set joint master switch"));
            run(&format!("ip -n {middle} link set joint up"));
        }
        for middle in [&near, &far] {
            self.wait_addresses(middle, "joint");
        }
    }

    /// Makes sure that this end has no way out: no default route, and an empty resolv.conf for its commands.
    pub fn air_gap(&self, end: End) {
        let n = self.namespace(end);
        for family in ["-4", "-6"] {
            assert_eq!(run(&format!("ip -n {n} {family} route show default")), "", "no default route");
        }
        let etc = Path::new("/etc/netns").join(&n);
        std::fs::create_dir_all(&etc).unwrap();
        std::fs::write(etc.join("resolv.conf"), "").unwrap();
    }

    fn build(&self) {
        let m = self.middle_namespace();
        for namespace in [&self.namespace(End::A), &self.namespace(End::B), &m] {
            run(&format!("ip netns add {namespace}"));
            run(&format!("ip -n {namespace} link set lo up"));
            if self.check == AddressCheck::Skipped {
                // Link-local addresses too are usable at once.
                run(&format!("ip netns exec {namespace} sysctl -qw net.ipv6.conf.default.accept_dad=0"));
            }
        }
        match self.middle {
            Middle::Switch => {
                run(&format!("ip -n {m} link add switch type bridge forward_delay 0 stp_state 0 mcast_snooping 0"));
                run(&format!("ip -n {m} link set switch up"));
            }
            Middle::Router => {
                run(&format!(
                    "ip netns exec {m} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
                     net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.all.send_redirects=0"
                ));
            }
        }
        for end in End::BOTH {
            let (n, port) = (self.namespace(end), port(end));
            run(&format!("ip link add {CABLE} netns {n} type veth peer name {port} netns {m}"));
            if self.middle == Middle::Switch {
                run(&format!("ip -n {m} link set {port} master switch"));
            }
            run(&format!("ip -n {m} link set {port} up"));
            run(&format!("ip -n {n} link set {CABLE} up"));
            if self.middle == Middle::Router {
                self.address_middle(end);
            }
            if self.check == AddressCheck::Skipped {
                // An unchecked address is in use before its neighbours can ask for it: a lost question is repeated sooner.
                run(&format!("ip netns exec {n} sysctl -qw net.ipv6.neigh.{CABLE}.retrans_time_ms=50"));
            }
            self.address(end);
        }
        for end in End::BOTH {
            self.wait_addresses(&self.namespace(end), CABLE);
            self.wait_addresses(&m, port(end));
        }
    }

    fn address(&self, end: End) {
        let (n, nodad) = (self.namespace(end), self.nodad());
        run(&format!("ip -n {n} addr replace {}/24 dev {CABLE}", self.v4(end)));
        run(&format!("ip -n {n} addr replace {}/64 dev {CABLE} {nodad}", self.v6(end)));
        if self.middle == Middle::Router {
            let segment = self.segment(end);
            run(&format!("ip -n {n} route replace 10.77.0.0/16 via 10.77.{segment}.1"));
            run(&format!("ip -n {n} route replace fd77::/16 via fd77:{segment}::1"));
        }
    }

    fn address_middle(&self, end: End) {
        let (m, port, segment) = (self.middle_namespace(), port(end), self.segment(end));
        run(&format!("ip -n {m} addr replace 10.77.{segment}.1/24 dev {port}"));
        run(&format!("ip -n {m} addr replace fd77:{segment}::1/64 dev {port} nodad"));
    }

    fn wait_addresses(&self, namespace: &str, device: &str) {
        let ready = wait_for(SETUP_LIMIT, || {
            let settled = !run(&format!("ip -n {namespace} -6 addr show dev {device}")).contains("tentative");
            (settled && operstate(namespace, device) == "UP").then_some(())
        });
        ready.unwrap_or_else(|| panic!("{namespace}: {device} is not ready after {SETUP_LIMIT:?}"));
    }

    fn end(&self, end: End) -> EndState {
        self.ends.lock().unwrap()[end as usize]
    }

    fn segment(&self, end: End) -> u16 {
        match (self.middle, end) {
            (Middle::Switch, End::A | End::B) => 0,
            (Middle::Router, End::A) => 1,
            (Middle::Router, End::B) => 2,
        }
    }

    fn nodad(&self) -> &'static str {
        match self.check {
            AddressCheck::Skipped => "nodad",
            AddressCheck::Real => "",
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for namespace in [self.namespace(End::A), self.namespace(End::B), self.middle_namespace()] {
            remove(&namespace);
        }
    }
}

const fn port(end: End) -> &'static str {
    match end {
        End::A => "to_a",
        End::B => "to_b",
    }
}

const CABLE: &str = "eth0";
const SETUP_LIMIT: Duration = Duration::from_secs(5);
static NUMBER: AtomicU32 = AtomicU32::new(0);
