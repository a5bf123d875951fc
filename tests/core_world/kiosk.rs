//! One box: its daemon's core, its clock, its camera, its life and death.

use super::chance::Chance;
use super::documents::Shelf;
use super::peer::PeerSession;
use super::{Event, MS, Mail, Options, SECOND, World, configured_address};
use engawa::core::input::{Input, News, SendReport};
use engawa::core::ledger::Entry;
use engawa::core::link::LinkSettings;
use engawa::core::memory::Remembered;
use engawa::core::notes::Kept;
use engawa::core::output::Output;
use engawa::core::plan::MediaPlan;
use engawa::core::request::Answer;
use engawa::core::room::RoomSettings;
use engawa::core::sentence::Sentence;
use engawa::core::signal::Signal;
use engawa::core::{Core, Settings};
use engawa::model::{Bitrate, BootId, BoxId, Device, LiveEnd, LiveId, MicState, Moment, SessionId, VideoCodec};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

pub struct Kiosk {
    /// `None` while the daemon does not run.
    pub core: Option<Core>,
    /// Counts the daemon's lives; old events carry an old one.
    pub life: u32,
    pub boot: BootId,
    pub clock: Clock,
    /// SIGSTOP.
    pub frozen: bool,
    /// The machine is on: it refuses what nobody listens to.
    pub powered: bool,
    /// The daemon listens on its port.
    pub listening: bool,
    /// Documents, in memory.
    pub shelf: Shelf,
    pub address: Option<IpAddr>,
    pub carrier: bool,
    pub camera: Camera,
    /// What the core arranged last.
    pub plan: MediaPlan,
    pub sessions: Vec<PeerSession>,
    /// Where media is sent.
    pub admitted: Option<SessionId>,
    pub counts: Counts,
    /// The last sessions it closed.
    pub past: VecDeque<SessionId>,
    /// When the last far frame was decoded, world time.
    pub decoded_at: u64,
    pub frames_decoded: u64,
    pub settings: Settings,
    /// What it answered to people.
    pub answers: Vec<Answer>,
    /// What it wrote down.
    pub ledger: Vec<Entry>,
    /// Live sources that it ended.
    pub lives_ended: Vec<(LiveId, LiveEnd)>,
    pub(super) dialling: bool,
    pub(super) key_wanted: bool,
    pub(super) key_at: u64,
    pub(super) frame_number: u64,
    pub(super) port_free_at: [u64; 2],
    pub(super) trunks_made: u64,
    waiting: VecDeque<Mail>,
    wake: Option<u64>,
}

/// What the near camera does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Camera {
    Live,
    /// Gone, and nothing is sent instead.
    Hung,
    /// Gone, and a placeholder is sent at 5 fps.
    Placeholder,
}

/// A monotonic clock with its own zero and its own idea of a second.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    offset: u64,
    ppm: i64,
}

/// Actions of a core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub dials: u64,
    pub heartbeats: u64,
    /// Drawings and pointers.
    pub marks: u64,
    pub signals: u64,
    pub trunks_closed: u64,
    pub sessions_opened: u64,
    pub sessions_closed: u64,
    pub admitted: u64,
    pub arranged: u64,
    pub refreshed: u64,
}

impl Kiosk {
    pub fn new(who: usize, options: &Options, chance: &mut Chance) -> Self {
        let id = |who: usize| BoxId([u8::try_from(who).expect("two boxes") + 1; 32]);
        let link = LinkSettings {
            near: id(who),
            far: id(1 - who),
            boot: BootId(0),
            dials: options.dials[who],
            peer_address: Some(SocketAddr::new(configured_address(1 - who), 7000)),
            codecs: vec![VideoCodec::H264, VideoCodec::Vp8],
        };
        Self {
            core: None,
            life: 0,
            boot: BootId(0),
            clock: Clock { offset: chance.between(SECOND, 1_000_000 * SECOND), ppm: options.drift_ppm[who] },
            frozen: false,
            powered: true,
            listening: true,
            shelf: Shelf::default(),
            address: Some(configured_address(who)),
            carrier: true,
            camera: Camera::Live,
            plan: MediaPlan::default(),
            sessions: Vec::new(),
            admitted: None,
            counts: Counts::default(),
            past: VecDeque::new(),
            decoded_at: 0,
            frames_decoded: 0,
            settings: Settings {
                link: Some(link),
                unlinked: Sentence::NotPaired,
                room: RoomSettings {
                    microphone_open: options.microphone_open,
                    views: ["room", "table", "door", "board"].map(str::to_owned).into(),
                    elsewhere: vec![3],
                    meeting_view: Some(1),
                    follow_turns: true,
                    ..RoomSettings::default()
                },
                remembered: Remembered::default(),
                board: Kept::default(),
                ceiling: Bitrate::from_kbps(3000),
            },
            answers: Vec::new(),
            ledger: Vec::new(),
            lives_ended: Vec::new(),
            dialling: false,
            key_wanted: false,
            key_at: 0,
            frame_number: 0,
            port_free_at: [0; 2],
            trunks_made: 0,
            waiting: VecDeque::new(),
            wake: None,
        }
    }

    /// When the box's loop wakes by itself, world time.
    pub(super) fn wake(&self) -> Option<u64> {
        self.wake.filter(|_| self.core.is_some() && !self.frozen)
    }

    pub(super) fn note_wake(&mut self) {
        self.wake = self.core.as_ref().and_then(Core::poll_timeout).map(|at| self.clock.world(at));
    }

    /// What comes while the process stands still: all that is urgent, the newest of other news.
    pub(super) fn keep(&mut self, mail: Mail) {
        if let Mail::News(fresh) = &mail {
            self.waiting.retain(|old| !matches!(old, Mail::News(old) if old.slot() == fresh.slot()));
        }
        self.waiting.push_back(mail);
    }
}

impl World {
    /// The daemon starts, with everything forgotten.
    pub fn start(&mut self, who: usize) {
        if self.kiosks[who].core.is_some() {
            return;
        }
        let boot = BootId(self.chance.next());
        let kiosk = &mut self.kiosks[who];
        kiosk.life += 1;
        kiosk.boot = boot;
        kiosk.powered = true;
        kiosk.frozen = false;
        kiosk.plan = MediaPlan::default();
        let mut settings = kiosk.settings.clone();
        if let Some(link) = &mut settings.link {
            link.boot = boot;
        }
        let life = kiosk.life;
        let camera = Input::DeviceChanged { device: Device::Camera, present: true, detail: String::new() };
        kiosk.core = Some(Core::new(settings, kiosk.clock.local(self.now)));
        self.drain(who);
        self.tell_network(who);
        self.plan_mail(MS, who, Mail::Urgent(camera));
        let phase = self.chance.between(1, 30) * MS;
        self.plan(phase, Event::Frame { who, life });
        self.plan(SECOND, Event::Report { who, life });
    }

    pub fn start_after(&mut self, who: usize, nanos: u64) {
        self.plan(nanos, Event::Start { who });
    }

    /// kill -9: no farewell; the kernel closes the sockets.
    pub fn kill(&mut self, who: usize) {
        self.end_sockets(who);
        self.die(who);
    }

    /// The cleaner pulls the plug: nobody closes anything.
    pub fn unplug(&mut self, who: usize) {
        self.die(who);
        self.kiosks[who].powered = false;
    }

    /// SIGSTOP for so long.
    pub fn freeze(&mut self, who: usize, nanos: u64) {
        if self.kiosks[who].core.is_some() && !self.kiosks[who].frozen {
            self.kiosks[who].frozen = true;
            self.plan(nanos, Event::Thaw { who });
        }
    }

    pub fn thaw(&mut self, who: usize) {
        if !std::mem::take(&mut self.kiosks[who].frozen) {
            return;
        }
        let (urgent, news): (Vec<Mail>, Vec<Mail>) =
            std::mem::take(&mut self.kiosks[who].waiting).into_iter().partition(|mail| matches!(mail, Mail::Urgent(_)));
        for mail in urgent.into_iter().chain(news) {
            self.deliver(who, mail);
        }
        self.turn(who, |core, now| core.handle_timeout(now));
    }

    /// The core asked to leave: what was said is still sent.
    pub(super) fn stop(&mut self, who: usize) {
        self.hang_up(who);
        self.die(who);
    }

    fn die(&mut self, who: usize) {
        let kiosk = &mut self.kiosks[who];
        kiosk.lives_ended.clear();
        kiosk.core = None;
        kiosk.shelf = Shelf::default();
        kiosk.life += 1;
        kiosk.frozen = false;
        kiosk.dialling = false;
        kiosk.admitted = None;
        kiosk.sessions.clear();
        kiosk.waiting.clear();
        kiosk.port_free_at = [0; 2];
    }

    /// Once a second: what really left.
    pub(super) fn report(&mut self, who: usize, life: u32) {
        let fps = self.options.fps;
        let kiosk = &self.kiosks[who];
        if kiosk.life != life {
            return;
        }
        let fps = match kiosk.camera {
            _ if kiosk.plan.camera.is_none() => 0,
            Camera::Live => fps,
            Camera::Hung => 0,
            Camera::Placeholder => 5,
        };
        let report = SendReport {
            fps: fps as f32,
            level_dbfs: -100.0,
            live_frames: if kiosk.camera == Camera::Live { u32::try_from(fps).unwrap_or_default() } else { 0 },
            voice_packets: if kiosk.plan.microphone == MicState::Open { 100 } else { 0 },
            ..SendReport::default()
        };
        self.plan(SECOND, Event::Report { who, life });
        if !self.kiosks[who].frozen {
            self.deliver(who, Mail::News(News::Sent(report)));
        }
    }
}

impl Clock {
    pub fn local(self, world: u64) -> Moment {
        Moment::from_nanos(self.offset + world.saturating_add_signed(Self::gained(world, self.ppm)))
    }

    /// The first world time at which this clock shows `local` or more.
    pub fn world(self, local: Moment) -> u64 {
        let since = local.as_nanos().saturating_sub(self.offset);
        let mut world = since.saturating_add_signed(-Self::gained(since, self.ppm)).saturating_sub(1000);
        while self.local(world) < local {
            world += (local.minus(self.local(world)).unsigned_abs() / 2).max(1);
        }
        world
    }

    fn gained(world: u64, ppm: i64) -> i64 {
        (i128::from(world) * i128::from(ppm) / 1_000_000) as i64
    }
}

impl Counts {
    pub(super) fn count(&mut self, output: &Output) {
        let place = match output {
            Output::Dial { .. } => &mut self.dials,
            Output::Send { signal: Signal::Ink(_) | Signal::Point(_), .. } => &mut self.marks,
            Output::Send { signal: Signal::Heartbeat(_) | Signal::Share(_), .. }
            | Output::Send { signal: Signal::Notes(_) | Signal::Floor(_) | Signal::Live(_), .. } => {
                &mut self.heartbeats
            }
            Output::Send { .. } => &mut self.signals,
            Output::CloseTrunk { .. } => &mut self.trunks_closed,
            Output::OpenSession(_) => &mut self.sessions_opened,
            Output::CloseSession { .. } => &mut self.sessions_closed,
            Output::Admit { .. } => &mut self.admitted,
            Output::Arrange(_) => &mut self.arranged,
            Output::RefreshPicture { .. } => &mut self.refreshed,
            Output::AcceptAnswer { .. }
            | Output::Align(_)
            | Output::Answer { .. }
            | Output::Record(_)
            | Output::Remember(_)
            | Output::KeepBoard(_)
            | Output::DrawCode
            | Output::Teach { .. }
            | Output::Hold { .. }
            | Output::Keep { .. }
            | Output::EndLive { .. }
            | Output::Help(_)
            | Output::Stop => return,
        };
        *place += 1;
    }

    /// Everything but heartbeats and arrangements: what must not happen on a calm line.
    pub fn restless(self) -> Self {
        Self { heartbeats: 0, marks: 0, arranged: 0, ..self }
    }
}

impl std::ops::Add for Counts {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            dials: self.dials + other.dials,
            heartbeats: self.heartbeats + other.heartbeats,
            marks: self.marks + other.marks,
            signals: self.signals + other.signals,
            trunks_closed: self.trunks_closed + other.trunks_closed,
            sessions_opened: self.sessions_opened + other.sessions_opened,
            sessions_closed: self.sessions_closed + other.sessions_closed,
            admitted: self.admitted + other.admitted,
            arranged: self.arranged + other.arranged,
            refreshed: self.refreshed + other.refreshed,
        }
    }
}

/// For the diary: heartbeats without the wall clock, which must decide nothing.
pub fn in_words(who: usize, now: u64, output: &Output) -> String {
    let seconds = now as f64 / 1e9;
    match output {
        Output::Send { trunk, signal: Signal::Heartbeat(beat) } => {
            let mut beat = beat.clone();
            beat.wall_ms = 0;
            format!("{seconds:.6} {who} {trunk:?} {beat:?}")
        }
        Output::Dial { .. }
        | Output::Send { .. }
        | Output::CloseTrunk { .. }
        | Output::OpenSession(_)
        | Output::AcceptAnswer { .. }
        | Output::Admit { .. }
        | Output::CloseSession { .. }
        | Output::Arrange(_)
        | Output::Align(_)
        | Output::RefreshPicture { .. }
        | Output::Answer { .. }
        | Output::Record(_)
        | Output::Remember(_)
        | Output::KeepBoard(_)
        | Output::DrawCode
        | Output::Teach { .. }
        | Output::Hold { .. }
        | Output::Keep { .. }
        | Output::EndLive { .. }
        | Output::Help(_)
        | Output::Stop => format!("{seconds:.6} {who} {output:?}"),
    }
}
