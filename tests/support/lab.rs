//! Two namespaces with a cable each, and the middle that joins them.
//!
//! Promise: unique names per process and lab; ready (operstate UP, no tentative address) when `Lab::new` returns; gone when
//! dropped. There is no default route and no route out of the lab anywhere. Deliberately absent: netem (no such module here).

use super::guest::Guest;
use super::namespace::{PREFIX, command_in, inside, nft, operstate, remove, run, sweep, try_run};
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

    /// Drops every packet in both directions; address resolution goes on, as with a cut far away.
    pub fn cut(&self) {
        self.change_both(|state| state.cut = true);
    }

    /// Drops what comes in at this end only.
    pub fn cut_into(&self, end: End) {
        self.change(end, |state| state.cut = true);
    }

    /// Ends every cut.
    pub fn heal(&self) {
        self.change_both(|state| state.cut = false);
    }

    /// Loses packets at random, independently in both directions. Percent, one decimal counts.
    pub fn loss(&self, percent: f64) {
        let permille = (percent * 10.0).round() as u32;
        self.change_both(|state| state.loss_permille = permille);
    }

    /// Only this end may open TCP connections to the other; everything else passes.
    pub fn only_opens(&self, opener: End) {
        self.change(opener, |state| state.refuses_tcp = true);
    }

    /// Limits both directions to so many kilobits per second (token bucket, at most 100 ms of queue).
    pub fn rate(&self, kbit: u32) {
        let burst = (kbit * 1000 / 8 / 100).max(3200);
        for (namespace, device) in self.shaped() {
            run(&format!(
                "tc -n {namespace} qdisc replace dev {device} root tbf rate {kbit}kbit burst {burst} latency 100ms"
            ));
        }
    }

    /// Ends the limit.
    pub fn full_rate(&self) {
        for (namespace, device) in self.shaped() {
            try_run(&format!("tc -n {namespace} qdisc del dev {device} root")).ok();
        }
    }

    /// Pulls or plugs the end's cable: the end sees its carrier go and keeps its addresses.
    pub fn carrier(&self, end: End, carrier: Carrier) {
        let word = match carrier {
            Carrier::Down => "down",
            Carrier::Up => "up",
        };
        let (m, port) = (self.middle_namespace(), port(end));
        run(&format!("ip -n {m} link set {port} {word}"));
        match (carrier, self.middle) {
            // A router's port that went down lost its IPv6 address and routes.
            (Carrier::Up, Middle::Router) => self.address_middle(end),
            (Carrier::Up, Middle::Switch) | (Carrier::Down, _) => {}
        }
        let wanted = match carrier {
            Carrier::Down => "DOWN",
            Carrier::Up => "UP",
        };
        let namespace = self.namespace(end);
        let reached = wait_for(SETUP_LIMIT, || (operstate(&namespace, CABLE) == wanted).then_some(()));
        reached.unwrap_or_else(|| panic!("{namespace}: operstate is not {wanted}"));
    }

    /// Takes the end's addresses and routes away; the link-local address stays.
    pub fn flush_address(&self, end: End) {
        let n = self.namespace(end);
        run(&format!("ip -n {n} addr flush dev {CABLE} scope global"));
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

    /// Gives them back.
    pub fn restore_address(&self, end: End) {
        self.address(end);
        self.wait_addresses(&self.namespace(end), CABLE);
    }

    /// Replaces the end's addresses by others of the same segment, as a new DHCP lease does. `host` 3 … 250.
    pub fn change_address(&self, end: End, host: u8) {
        self.flush_address(end);
        self.ends.lock().unwrap()[end as usize].host = u16::from(host);
        self.restore_address(end);
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

    /// At both ends at once.
    fn change_both(&self, change: impl Fn(&mut EndState) + Sync) {
        std::thread::scope(|scope| {
            for end in End::BOTH {
                let change = &change;
                scope.spawn(move || self.change(end, change));
            }
        });
    }

    fn change(&self, end: End, change: impl FnOnce(&mut EndState)) {
        let state = {
            let mut ends = self.ends.lock().unwrap();
            change(&mut ends[end as usize]);
            ends[end as usize]
        };
        let mut rules = vec![format!("iifname != \"{CABLE}\" accept")];
        rules.push("icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept".into());
        if state.cut {
            rules.push("drop".into());
        }
        if state.refuses_tcp {
            rules.push("tcp flags & (syn|ack) == syn drop".into());
        }
        if state.loss_permille > 0 {
            rules.push(format!("numgen random mod 1000 < {} drop", state.loss_permille));
        }
        let table = format!(
            "table inet lab\ndelete table inet lab\ntable inet lab {{\nchain way_in {{\ntype filter hook prerouting \
             priority -300; policy accept;\n{}\n}}\n}}\n",
            rules.join("\n")
        );
        nft(&self.namespace(end), &table);
    }

    fn shaped(&self) -> [(String, &'static str); 2] {
        let m = self.middle_namespace();
        [(m.clone(), port(End::A)), (m, port(End::B))]
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
