//! A seeded user-space router in the middle of the lab: weather for packets, and a place to attack from.
//!
//! ```text
//!   to_a ──policy route──▶ tun_a ──read──▶ [OnPath] ──▶ Line toward b ──write──▶ tun_b ──main table──▶ to_b
//!   to_a ◀──main table── tun_a ◀──write── Line toward a ◀── [OnPath] ◀──read── tun_b ◀──policy route── to_b
//! ```
//!
//! Promise: what happens to the n-th packet of a direction follows from the seed and the weather alone; queues are bounded;
//! only [`Weather::reorder`] changes the order. Without the router the kernel forwards. IPv4 and IPv6, anything above them.

use super::Dice;
use super::lab::{End, Lab, Middle};
use super::namespace::{inside, run, try_run};
use super::packet::Header;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the path does to packets. Shares are 0..1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weather {
    /// Of every packet.
    pub delay: Duration,
    /// Added to it, uniform in 0..jitter; the order is kept.
    pub jitter: Duration,
    pub loss: f64,
    pub duplicate: f64,
    /// Share of packets that are overtaken by the next three (or wait 50 ms).
    pub reorder: f64,
}

/// What became of the packets of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub entered: u64,
    pub left: u64,
    pub lost: u64,
    pub duplicated: u64,
    pub reordered: u64,
    /// Dropped because the queue was full.
    pub overflowed: u64,
}

/// One direction, without sockets and clocks: time is an argument, counted from any fixed start.
#[derive(Debug)]
pub struct Line {
    dice: Dice,
    weather: Weather,
    queue: BTreeMap<(Duration, u64), Vec<u8>>,
    number: u64,
    newest_due: Duration,
    held: Option<Held>,
    tally: Tally,
}

#[derive(Debug)]
struct Held {
    packet: Vec<u8>,
    overtakers_left: u32,
    until: Duration,
}

impl Line {
    pub const fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            weather: Weather { delay: Duration::ZERO, jitter: Duration::ZERO, loss: 0.0, duplicate: 0.0, reorder: 0.0 },
            queue: BTreeMap::new(),
            number: 0,
            newest_due: Duration::ZERO,
            held: None,
            tally: Tally { entered: 0, left: 0, lost: 0, duplicated: 0, reordered: 0, overflowed: 0 },
        }
    }

    pub const fn set(&mut self, weather: Weather) {
        self.weather = weather;
    }

    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Takes a packet in. Always four rolls, so that one kind of weather does not move the others' dice.
    pub fn push(&mut self, packet: Vec<u8>, now: Duration) {
        let weather = self.weather;
        let [loss, duplicate, reorder, jitter] = std::array::from_fn(|_| self.dice.share());
        self.tally.entered += 1;
        self.release_held(now);
        if loss < weather.loss {
            self.tally.lost += 1;
        } else if reorder < weather.reorder && self.held.is_none() {
            self.tally.reordered += 1;
            self.held = Some(Held { packet, overtakers_left: OVERTAKERS, until: now + LONGEST_HOLD });
        } else {
            let due = now + weather.delay + weather.jitter.mul_f64(jitter);
            if duplicate < weather.duplicate {
                self.tally.duplicated += 1;
                self.enqueue(packet.clone(), due);
            }
            self.enqueue(packet, due);
            if let Some(held) = &mut self.held {
                held.overtakers_left -= 1;
            }
            self.release_held(now);
        }
    }

    /// A packet whose time has come.
    pub fn pop(&mut self, now: Duration) -> Option<Vec<u8>> {
        self.release_held(now);
        let first = self.queue.first_entry().filter(|entry| entry.key().0 <= now)?;
        self.tally.left += 1;
        Some(first.remove())
    }

    /// When [`Line::pop`] will have something.
    pub fn next_due(&self) -> Option<Duration> {
        let queued = self.queue.first_key_value().map(|(key, _)| key.0);
        let held = self.held.as_ref().map(|held| held.until);
        queued.into_iter().chain(held).min()
    }

    fn release_held(&mut self, now: Duration) {
        if let Some(held) = self.held.take_if(|held| held.overtakers_left == 0 || held.until <= now) {
            self.enqueue(held.packet, now + self.weather.delay);
        }
    }

    fn enqueue(&mut self, packet: Vec<u8>, due: Duration) {
        if self.queue.len() >= QUEUE_PACKETS {
            self.tally.overflowed += 1;
            return;
        }
        self.newest_due = self.newest_due.max(due);
        self.number += 1;
        self.queue.insert((self.newest_due, self.number), packet);
    }
}

/// Somebody on the path. `packet` gets every IP packet before the weather does.
pub trait OnPath: Send {
    /// A packet on its way toward an end; what is pushed to `out` goes on (also toward the other end, also more or nothing).
    fn packet(&mut self, toward: End, packet: Vec<u8>, out: &mut Vec<(End, Vec<u8>)>);

    /// Called at least every 20 ms.
    fn tick(&mut self, _out: &mut Vec<(End, Vec<u8>)>) {}
}

/// The answer of a simple hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Goes on as it now is.
    Pass,
    Drop,
}

impl<F: FnMut(End, &mut Vec<u8>) -> Verdict + Send> OnPath for F {
    fn packet(&mut self, toward: End, mut packet: Vec<u8>, out: &mut Vec<(End, Vec<u8>)>) {
        if self(toward, &mut packet) == Verdict::Pass {
            out.push((toward, packet));
        }
    }
}

/// The running router; the kernel takes over again when it is dropped.
pub struct Router {
    lines: Arc<Mutex<[Line; 2]>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    namespace: String,
}

impl Router {
    /// Fair weather until [`Router::set`]. Prints the seed.
    pub fn start(lab: &Lab, seed: u64) -> Self {
        Self::with_hook(lab, seed, |_: End, _: &mut Vec<u8>| Verdict::Pass)
    }

    pub fn with_hook(lab: &Lab, seed: u64, hook: impl OnPath + 'static) -> Self {
        assert_eq!(lab.middle(), Middle::Router, "a user-space router needs two segments");
        eprintln!("router seed {seed}");
        let namespace = lab.middle_namespace();
        let lines = Arc::new(Mutex::new([Line::new(seed), Line::new(!seed)]));
        let stop = Arc::new(AtomicBool::new(false));
        let tuns = inside(&namespace, || [open_tun("tun_a"), open_tun("tun_b")]);
        for (tun, cable, table) in TABLES {
            run(&format!("ip -n {namespace} link set {tun} mtu 1500 txqueuelen 1000 up"));
            for family in ["-4", "-6"] {
                run(&format!("ip -n {namespace} {family} route replace default dev {tun} table {table}"));
                run(&format!("ip -n {namespace} {family} rule add iif {cable} lookup {table} priority {table}"));
            }
        }
        let (sender, packets) = mpsc::sync_channel(QUEUE_PACKETS);
        let mut threads = Vec::new();
        for from in End::BOTH {
            let (tun, sender, stop) = (tuns[from as usize].clone(), sender.clone(), stop.clone());
            threads.push(std::thread::spawn(move || read(from, &tun, &sender, &stop)));
        }
        drop(sender);
        let shared = lines.clone();
        threads.push(std::thread::spawn(move || route(&tuns, &packets, &shared, hook)));
        Self { lines, stop, threads, namespace }
    }

    /// Changes the weather of both directions, from the next packet on.
    pub fn set(&self, weather: Weather) {
        End::BOTH.into_iter().for_each(|end| self.set_toward(end, weather));
    }

    pub fn set_toward(&self, end: End, weather: Weather) {
        self.lines.lock().unwrap()[end as usize].set(weather);
    }

    pub fn tally(&self, toward: End) -> Tally {
        self.lines.lock().unwrap()[toward as usize].tally()
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Joins all of them, whatever the first one says.
        let panicked = self.threads.drain(..).filter_map(|thread| thread.join().err()).count() > 0;
        for (_, cable, table) in TABLES {
            for family in ["-4", "-6"] {
                try_run(&format!("ip -n {} {family} rule del iif {cable} lookup {table}", self.namespace)).ok();
            }
        }
        if panicked && !std::thread::panicking() {
            panic!("a thread of the router panicked");
        }
    }
}

fn open_tun(name: &str) -> Arc<tun::Device> {
    let mut configuration = tun::Configuration::default();
    configuration.tun_name(name);
    Arc::new(tun::create(&configuration).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// Reads packets that came from one end. Blocking reads with a deadline, so that it sees `stop`.
fn read(from: End, tun: &tun::Device, packets: &SyncSender<(End, Vec<u8>)>, stop: &AtomicBool) {
    let mut buffer = vec![0; 65_536];
    while !stop.load(Ordering::Relaxed) {
        match tun.recv_timeout(&mut buffer, TICK) {
            // The kernel's own reports on the tun devices are nobody's packets.
            Ok(size) if is_own_report(&buffer[..size]) => {}
            // A full channel is an overrun router: the packet is lost.
            Ok(size) => drop(packets.try_send((from, buffer[..size].to_vec()))),
            Err(error) if error.kind() == ErrorKind::TimedOut => {}
            Err(error) => panic!("tun: {error}"),
        }
    }
}

/// Hook, weather, out again. Ends when both readers have.
fn route(
    tuns: &[Arc<tun::Device>; 2],
    packets: &Receiver<(End, Vec<u8>)>,
    lines: &Mutex<[Line; 2]>,
    mut hook: impl OnPath,
) {
    let start = Instant::now();
    let mut out = Vec::new();
    let mut ticked = start;
    let mut wait = TICK;
    loop {
        match packets.recv_timeout(wait) {
            Ok((from, packet)) => hook.packet(from.other(), packet, &mut out),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if ticked.elapsed() >= TICK {
            ticked = Instant::now();
            hook.tick(&mut out);
        }
        wait = TICK;
        let mut lines = lines.lock().unwrap();
        for (toward, packet) in out.drain(..) {
            lines[toward as usize].push(packet, start.elapsed());
        }
        for end in End::BOTH {
            let line = &mut lines[end as usize];
            while let Some(packet) = line.pop(start.elapsed()) {
                // A packet for a cable that is out is lost, as on any router.
                tuns[end as usize].send(&packet).ok();
            }
            wait = line.next_due().map_or(wait, |due| wait.min(due.saturating_sub(start.elapsed())));
        }
    }
}

/// Link-local and multicast traffic belongs to the tun device itself (neighbour and listener reports).
fn is_own_report(packet: &[u8]) -> bool {
    Header::read(packet).is_none_or(|header| match header.from {
        std::net::IpAddr::V4(from) => from.is_unspecified(),
        std::net::IpAddr::V6(from) => from.is_unspecified() || from.is_unicast_link_local(),
    })
}

const QUEUE_PACKETS: usize = 2_000;
const OVERTAKERS: u32 = 3;
const LONGEST_HOLD: Duration = Duration::from_millis(50);
const TICK: Duration = Duration::from_millis(20);
const TABLES: [(&str, &str, u32); 2] = [("tun_a", "to_a", 101), ("tun_b", "to_b", 102)];
