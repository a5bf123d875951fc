//! Two boxes in pretend time: the real cores, and models of everything around them.
//!
//! ```text
//!   Kiosk 0 ── Core ── trunk, peer, camera ──► Way 0→1 ──► trunk, peer, camera ── Core ── Kiosk 1
//!                                          ◄── Way 1→0 ◄──
//! ```
//! The models are as unkind as what was measured: connections half open, closures late, sessions that say "connected" into
//! silence. After every step the promises of both cores and of the world are checked. Everything follows from the seed.
#![allow(dead_code, unused_imports, reason = "each test file uses its own part of the world")]

pub mod chance;
pub mod documents;
mod kiosk;
mod network;
mod peer;
mod trunk;

use chance::Chance;
use engawa::core::input::{Input, News, RoomInput};
use engawa::core::invariants;
use engawa::core::output::Output;
use engawa::core::snapshot::{LinkState, Snapshot};
use engawa::model::{Fingerprint, SessionId};
pub use kiosk::{Camera, Counts, Kiosk};
pub use network::{Way, configured_address};
pub use peer::PeerSession;
use std::collections::BTreeMap;
use trunk::{Conn, Segment};

pub const MS: u64 = 1_000_000;
pub const SECOND: u64 = 1_000 * MS;

/// What makes one world differ from another.
#[derive(Clone, Debug)]
pub struct Options {
    pub seed: u64,
    /// Frames per second of both cameras.
    pub fps: u64,
    /// One way, nanoseconds.
    pub latency: u64,
    pub jitter: u64,
    pub dials: [bool; 2],
    pub microphone_open: bool,
    /// Somebody may be at the keys; else no microphone ever opens.
    pub people: bool,
    /// Parts per million each clock runs fast.
    pub drift_ppm: [i64; 2],
    /// A transport that hears nothing for so long reports failure (libnice of Debian 13: 30 s).
    pub consent: Option<u64>,
    /// Wall clocks, milliseconds since 1970.
    pub walls: [u64; 2],
}

impl Options {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            fps: 30,
            latency: 5 * MS,
            jitter: MS,
            dials: [true; 2],
            microphone_open: false,
            people: false,
            drift_ppm: [200, -200],
            consent: None,
            walls: [1_790_000_000_000; 2],
        }
    }
}

pub struct World {
    /// Pretend nanoseconds since the world began; no box can see them.
    pub now: u64,
    pub options: Options,
    pub chance: Chance,
    pub kiosks: [Kiosk; 2],
    /// `ways[n]` leads away from box `n`.
    pub ways: [Way; 2],
    /// Somebody on the path terminates DTLS twice.
    pub intruder: bool,
    /// How far in the future a far frame may seem to be captured, nanoseconds.
    pub aligned_within: i64,
    /// What the boxes were told to do, in words, when wanted.
    pub diary: Option<Vec<String>>,
    /// Tell on the terminal what happens.
    pub telling: bool,
    /// When last a core did anything but send heartbeats and arrange, world time.
    pub restless_at: u64,
    /// When last a box got a frame again after half a second without.
    pub gap_at: u64,
    /// When last a box was shown the intruder's certificate.
    pub intruded_at: u64,
    conns: Vec<Conn>,
    queue: BTreeMap<(u64, u64), Event>,
    sequence: u64,
}

/// One thing from the world for a core.
#[derive(Clone, Debug)]
pub enum Mail {
    Urgent(Input),
    News(News),
}

/// What the world has planned.
#[derive(Clone, Debug)]
enum Event {
    Start { who: usize },
    Thaw { who: usize },
    Mail { who: usize, life: u32, mail: Mail },
    DialAnswered { who: usize, life: u32, fault: engawa::core::input::DialFault },
    Greeting(trunk::Greeting),
    TrunkReady { conn: usize, side: usize },
    Pump { conn: usize, from: usize },
    Arrive { conn: usize, to: usize, segment: Segment },
    Frame { who: usize, life: u32 },
    Report { who: usize, life: u32 },
    Picture { to: usize, session: SessionId, key: bool, number: u64 },
    KeyAsked { who: usize, session: SessionId },
    Described { who: usize, life: u32, session: SessionId },
    Handshake { session: SessionId, until: u64 },
    Secured { who: usize, life: u32, session: SessionId, certificate: Option<Fingerprint> },
    Consent { who: usize, life: u32, session: SessionId },
}

impl World {
    /// Two boxes that start at once on a clean line.
    pub fn new(options: Options) -> Self {
        let mut chance = Chance::new(options.seed);
        let kiosks = [0, 1].map(|who| Kiosk::new(who, &options, &mut chance));
        let way = Way::new(options.latency, options.jitter);
        let mut world = Self {
            now: 0,
            chance,
            kiosks,
            ways: [way; 2],
            intruder: false,
            aligned_within: 20_000_000,
            diary: None,
            telling: false,
            restless_at: 0,
            gap_at: 0,
            intruded_at: 0,
            conns: Vec::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            options,
        };
        world.start(0);
        world.start(1);
        world
    }

    /// Runs for so long.
    pub fn run(&mut self, nanos: u64) {
        let until = self.now + nanos;
        while self.step(until) {}
    }

    /// Runs until `wish` holds after a step; how many nanoseconds that took, `None` if longer than `limit`.
    pub fn run_until(&mut self, limit: u64, wish: impl Fn(&Self) -> bool) -> Option<u64> {
        let (began, until) = (self.now, self.now + limit);
        while !wish(self) {
            if !self.step(until) {
                return None;
            }
        }
        Some(self.now - began)
    }

    /// Both boxes show each other.
    pub fn both_up(&self) -> bool {
        [0, 1].into_iter().all(|who| self.link(who) == Some(LinkState::Up))
    }

    /// Both show each other and mean the same, admitted session, on one trunk.
    pub fn well(&self) -> bool {
        self.both_up()
            && self.kiosks[0].admitted.is_some()
            && self.kiosks[0].admitted == self.kiosks[1].admitted
            && self.kiosks.iter().all(|kiosk| kiosk.sessions.len() == 1)
            && self.open_conns() == 1
            && [0, 1].into_iter().all(|who| self.snapshot(who).is_some_and(|snapshot| snapshot.trunk))
    }

    pub fn link(&self, who: usize) -> Option<LinkState> {
        self.snapshot(who).map(|snapshot| snapshot.link)
    }

    /// What the box publishes; `None` while its daemon does not run.
    pub fn snapshot(&self, who: usize) -> Option<Snapshot> {
        let kiosk = &self.kiosks[who];
        kiosk.core.as_ref().map(|core| core.snapshot(kiosk.clock.local(self.now)))
    }

    /// Snapshot of a box whose daemon runs.
    pub fn shown(&self, who: usize) -> Snapshot {
        self.snapshot(who).expect("the daemon runs")
    }

    /// Actions of both boxes so far.
    pub fn counts(&self) -> Counts {
        self.kiosks[0].counts + self.kiosks[1].counts
    }

    /// Brings news to a box as if an adapter had it, now.
    pub fn inject(&mut self, who: usize, mail: Mail) {
        self.deliver(who, mail);
        self.check();
    }

    /// A line for whoever follows one seed.
    #[expect(clippy::print_stdout, reason = "wanted for one seed")]
    pub fn tell(&self, words: &str) {
        if self.telling {
            println!("{:.6} {words}", self.now as f64 / 1e9);
        }
    }

    /// Both boxes in a few words.
    pub fn state(&self) -> String {
        let one = |who: usize| {
            let sessions: Vec<String> =
                self.kiosks[who].sessions.iter().map(|open| open.order.session.to_string()).collect();
            let shown = self.snapshot(who).map(|shown| (shown.link, shown.trunk, shown.session, shown.fault));
            format!("box {who}: {shown:?}, open {sessions:?}, admitted {:?}", self.kiosks[who].admitted)
        };
        format!("{}; {}; {} connections", one(0), one(1), self.open_conns())
    }

    /// A promise of the world is broken.
    pub fn fault(&self, words: &str) -> ! {
        panic!("seed {:#x} at {:.3} s: {words}", self.options.seed, self.now as f64 / 1e9);
    }

    fn step(&mut self, until: u64) -> bool {
        let planned = self.queue.first_key_value().map(|((at, _), _)| *at);
        let wakes = [0, 1].map(|who| self.kiosks[who].wake());
        let Some(next) = planned.into_iter().chain(wakes.into_iter().flatten()).min().filter(|at| *at <= until) else {
            self.now = until;
            return false;
        };
        self.now = self.now.max(next);
        if planned == Some(next) {
            if let Some((_, event)) = self.queue.pop_first() {
                self.happen(event);
            }
        } else {
            let who = usize::from(wakes[0] != Some(next));
            self.turn(who, |core, now| core.handle_timeout(now));
        }
        self.move_documents();
        self.check();
        true
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Start { who } => self.start(who),
            Event::Thaw { who } => self.thaw(who),
            Event::Mail { who, life, mail } if self.kiosks[who].life == life => self.deliver(who, mail),
            Event::Mail { .. } => {}
            Event::DialAnswered { who, life, fault } => self.dial_answered(who, life, fault),
            Event::Greeting(greeting) => self.greet(greeting),
            Event::TrunkReady { conn, side } => self.trunk_ready(conn, side),
            Event::Pump { conn, from } => self.pump_again(conn, from),
            Event::Arrive { conn, to, segment } => self.arrive(conn, to, segment),
            Event::Frame { who, life } => self.frame(who, life),
            Event::Report { who, life } => self.report(who, life),
            Event::Picture { to, session, key, number } => self.picture(to, session, key, number),
            Event::KeyAsked { who, session } => self.key_asked(who, session),
            Event::Described { who, life, session } => self.described(who, life, session),
            Event::Handshake { session, until } => self.handshake(session, until),
            Event::Secured { who, life, session, certificate } => self.secured(who, life, session, certificate),
            Event::Consent { who, life, session } => self.consent(who, life, session),
        }
    }

    fn plan(&mut self, after: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((self.now + after, self.sequence), event);
    }

    fn plan_mail(&mut self, after: u64, who: usize, mail: Mail) {
        let life = self.kiosks[who].life;
        self.plan(after, Event::Mail { who, life, mail });
    }

    fn deliver(&mut self, who: usize, mail: Mail) {
        if self.kiosks[who].frozen {
            self.kiosks[who].keep(mail);
            return;
        }
        self.trunk_news(who, &mail);
        self.turn(who, |core, now| match mail {
            Mail::Urgent(input) => core.handle(input, now),
            Mail::News(news) => core.hear(news, now),
        });
    }

    /// One turn of a box's loop: change, then drain.
    fn turn(&mut self, who: usize, change: impl FnOnce(&mut engawa::core::Core, engawa::model::Moment)) {
        let wall = self.options.walls[who] + self.now / MS;
        let kiosk = &mut self.kiosks[who];
        let now = kiosk.clock.local(self.now);
        let Some(core) = &mut kiosk.core else { return };
        core.note_wall(wall);
        change(core, now);
        self.drain(who);
    }

    fn drain(&mut self, who: usize) {
        while let Some(output) = self.kiosks[who].core.as_mut().and_then(engawa::core::Core::poll_output) {
            self.carry_out(who, output);
        }
        self.kiosks[who].note_wake();
    }

    fn carry_out(&mut self, who: usize, output: Output) {
        let before = self.kiosks[who].counts.restless();
        self.kiosks[who].counts.count(&output);
        if self.kiosks[who].counts.restless() != before {
            self.restless_at = self.now;
        }
        if self.telling && !matches!(&output, Output::Align(_) | Output::Arrange(_)) {
            self.tell(&kiosk::in_words(who, self.now, &output));
        }
        if let Some(diary) = &mut self.diary {
            diary.push(kiosk::in_words(who, self.now, &output));
        }
        self.check_said(who, &output);
        match output {
            Output::Keep { document, .. } => self.keep(who, document),
            Output::Hold { documents, served } => self.hold(who, &documents, served),
            Output::Dial { address, within } => self.dial(who, address, within),
            Output::Send { trunk, signal } => self.send(who, trunk, signal),
            Output::CloseTrunk { trunk } => self.close_trunk(who, trunk),
            Output::OpenSession(order) => self.open_session(who, order),
            Output::AcceptAnswer { session, sdp } => self.accept_answer(who, session, &sdp),
            Output::Admit { session } => self.admit(who, session),
            Output::CloseSession { session } => self.close_session(who, session),
            Output::Arrange(plan) => self.kiosks[who].plan = plan,
            Output::Align(alignment) => self.check_alignment(who, alignment),
            Output::RefreshPicture { line: _ } => self.kiosks[who].key_wanted = true,
            Output::Answer { ticket: _, answer } => self.kiosks[who].answers.push(answer),
            Output::Record(entry) => self.kiosks[who].ledger.push(entry),
            Output::Remember(remembered) => self.kiosks[who].settings.remembered = remembered,
            Output::KeepBoard(board) => self.kiosks[who].settings.board = board,
            Output::Teach { .. } | Output::Help(_) => {}
            Output::EndLive { id, why } => self.kiosks[who].lives_ended.push((id, why)),
            Output::DrawCode => {
                let now = self.kiosks[who].clock.local(self.now);
                if let Some(core) = &mut self.kiosks[who].core {
                    core.handle(Input::Room(RoomInput::CodeDrawn(123_456)), now);
                }
            }
            Output::Stop => self.stop(who),
        }
    }

    /// What must hold after every step, on both boxes.
    fn check(&mut self) {
        for who in [0, 1] {
            let kiosk = &self.kiosks[who];
            // A box that stands still, or whose deadline is this very instant, has its turn before it is judged.
            let due = kiosk.frozen || kiosk.wake().is_some_and(|at| at <= self.now);
            let Some(core) = kiosk.core.as_ref().filter(|_| !due) else { continue };
            if let Some(words) = invariants::broken(core, kiosk.clock.local(self.now)) {
                self.fault(&format!("box {who}: {words}"));
            }
            if kiosk.sessions.len() > 2 {
                self.fault(&format!("box {who}: three sessions at once"));
            }
            if !self.options.microphone_open
                && !self.options.people
                && kiosk.plan.microphone != engawa::model::MicState::Closed
            {
                self.fault(&format!("box {who}: the microphone opened by itself"));
            }
        }
    }
}
