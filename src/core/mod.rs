//! The pure core: news and time in, wishes out. It reads no clock, socket, file or random number.
//!
//! ```text
//!   Input, News, deadline ──► Link ──► Snapshot of what is ──► plan ──► Output
//! ```
//! One change, then [`Core::poll_output`] until it is empty. Panics only on bugs.

pub mod backoff;
pub mod budget;
pub mod diagnosis;
pub mod input;
pub mod invariants;
pub mod link;
pub mod liveness;
pub mod output;
pub mod plan;
pub mod playout;
pub mod sentence;
pub mod sessions;
pub mod signal;
pub mod snapshot;
pub mod timers;
pub mod trunks;

use crate::core::input::{CarryReport, Input, News, ReceiveReport, SendReport};
use crate::core::link::{Link, LinkSettings};
use crate::core::output::Output;
use crate::core::plan::{MediaPlan, Picture};
use crate::core::signal::{Cadence, CaptureMark, Heartbeat, LineNews};
use crate::core::snapshot::{Fault, LinkState, Snapshot};
use crate::core::timers::Timer;
use crate::model::{Bitrate, CameraState, Device, Line, MicState, Moment};
use std::collections::VecDeque;
use std::time::Duration;

/// What the core is built from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The link, if this box is paired; an unpaired box sends nothing to anyone.
    pub link: Option<LinkSettings>,
    /// The configuration says `microphone = "open"`.
    pub microphone_open: bool,
    /// Everything sent stays below this.
    pub ceiling: Bitrate,
}

/// One box's decisions.
#[derive(Clone, Debug)]
pub struct Core {
    settings: Settings,
    link: Option<Link>,
    state: LinkState,
    since: Moment,
    missing: Vec<Device>,
    marks: [Option<CaptureMark>; 4],
    voice_sent_at: Option<Moment>,
    received: ReceiveReport,
    carried: CarryReport,
    sent: SendReport,
    fault: Option<Fault>,
    wall_ms: u64,
    wall_difference_ms: Option<i64>,
    plan: MediaPlan,
    outputs: VecDeque<Output>,
}

impl Core {
    /// A core with its first wishes ready.
    pub fn new(settings: Settings, now: Moment) -> Self {
        let paired = settings.link.clone();
        let mut core = Self {
            settings,
            link: None,
            state: LinkState::Unpaired,
            since: now,
            missing: Vec::new(),
            marks: [None; 4],
            voice_sent_at: None,
            received: ReceiveReport::default(),
            carried: CarryReport::default(),
            sent: SendReport::default(),
            fault: None,
            wall_ms: 0,
            wall_difference_ms: None,
            plan: MediaPlan::default(),
            outputs: VecDeque::new(),
        };
        match paired {
            Some(link) => core.pair(link, now),
            None => core.settle(now),
        }
        core
    }

    /// The box knows its peer: from the start, or since somebody paired it while it ran.
    pub fn pair(&mut self, link: LinkSettings, now: Moment) {
        self.link.insert(Link::new(link, now)).start(now);
        (self.state, self.since) = (LinkState::Connecting, now);
        self.settle(now);
    }

    /// The wall clock's reading, milliseconds since 1970: told to the peer and compared with its own, never decided from.
    pub fn note_wall(&mut self, wall_ms: u64) {
        self.wall_ms = wall_ms;
    }

    /// Something happened.
    pub fn handle(&mut self, input: Input, now: Moment) {
        if let Input::DeviceChanged { device, present, .. } = &input {
            self.missing.retain(|missing| missing != device);
            if !present {
                self.missing.push(*device);
                self.missing.sort_unstable();
            }
        }
        match &mut self.link {
            Some(link) => link.handle(&input, now),
            None if input == Input::StopRequested => self.outputs.push_back(Output::Stop),
            None => {}
        }
        if let Input::Heard { signal: signal::Signal::Heartbeat(heartbeat), .. } = &input {
            let difference = i128::from(heartbeat.wall_ms) - i128::from(self.wall_ms);
            self.wall_difference_ms = i64::try_from(difference).ok();
        }
        self.settle(now);
    }

    /// News came of which only the newest counts.
    pub fn hear(&mut self, news: News, now: Moment) {
        match news {
            News::FrameDecoded { line: Line::Camera, session } => {
                if let Some(link) = &mut self.link {
                    link.frame_decoded(session, now);
                }
            }
            News::FrameDecoded { line: Line::Voice | Line::LiveShare | Line::ShareSound, .. } => {}
            News::LineSent { line, mark } => {
                self.marks[line.index()] = Some(mark);
                if line == Line::Voice {
                    self.voice_sent_at = Some(now);
                }
            }
            News::Received(report) => self.received = report,
            News::Carried(report) => self.carried = report,
            News::Sent(report) => self.sent = report,
        }
        self.settle(now);
    }

    /// Deadlines that have passed.
    pub fn handle_timeout(&mut self, now: Moment) {
        while let Some(timer) = self.link.as_mut().and_then(|link| link.timers.expired(now)) {
            let heartbeat = (timer == Timer::Heartbeat).then(|| self.heartbeat(now));
            if let Some(link) = &mut self.link {
                match heartbeat {
                    Some(heartbeat) => link.beat(heartbeat, now),
                    None => link.handle_timer(timer, now),
                }
            }
        }
        self.settle(now);
    }

    /// The next wish; call until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Core::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.link.as_ref().and_then(|link| link.timers.next())
    }

    /// What is, right now.
    pub fn snapshot(&self, now: Moment) -> Snapshot {
        let mut snapshot = Snapshot {
            at: now,
            link: self.state,
            since: self.since,
            microphone: self.microphone(now),
            camera: self.camera(),
            received: self.received.clone(),
            carried: self.carried.clone(),
            sent: self.sent.clone(),
            plan: self.plan.clone(),
            missing: self.missing.clone(),
            fault: self.fault.clone(),
            wall_difference_ms: self.wall_difference_ms,
            ..Snapshot::default()
        };
        if let Some(link) = &self.link {
            let trunk = link.trunks.chosen();
            snapshot.session = link.sessions.current.map(|current| current.session);
            snapshot.first_frame_at = link.first_frame_at.filter(|_| snapshot.session.is_some());
            snapshot.last_frame_at = link.live.frame_at();
            snapshot.codec = link.sessions.current.map(|current| current.codec);
            snapshot.sessions_opened = link.opened;
            snapshot.trunk = trunk.is_some();
            snapshot.bulk = link.bulk.is_some();
            snapshot.peer_address = trunk.map(|trunk| trunk.peer);
            snapshot.peer_name = trunk.map(|trunk| trunk.hello.name.clone());
            snapshot.rtt = link.clock.rtt();
            snapshot.clock_offset_ns = link.clock.offset_ns();
            if let Some(far) = link.live.far() {
                snapshot.far_microphone = far.microphone;
                snapshot.far_camera = far.camera;
            }
        }
        snapshot
    }

    /// After every change: the state people see, the plan, and nothing left lying.
    fn settle(&mut self, now: Moment) {
        self.judge(now);
        let plan = self.make_plan(now);
        if plan != self.plan {
            self.plan = plan.clone();
            self.outputs.push_back(Output::Arrange(plan));
        }
        if let Some(link) = &mut self.link {
            while let Some(output) = link.poll_output() {
                self.outputs.push_back(output);
            }
        }
        debug_assert_eq!(invariants::broken(self, now), None);
    }

    fn judge(&mut self, now: Moment) {
        let Some(link) = &self.link else { return };
        let up = match self.state {
            LinkState::Up => link.is_up(now),
            LinkState::Unpaired | LinkState::Connecting | LinkState::Lost => link.is_back(now),
        };
        let state = match (up, self.state) {
            (true, _) => LinkState::Up,
            (false, LinkState::Up | LinkState::Lost) => LinkState::Lost,
            (false, LinkState::Connecting | LinkState::Unpaired) => LinkState::Connecting,
        };
        if state != self.state {
            self.state = state;
            self.since = now;
        }
        match (&mut self.fault, state) {
            (Some(fault), LinkState::Up) if fault.until.is_none() => fault.until = Some(now),
            (fault, LinkState::Lost | LinkState::Connecting) => {
                let lost_for = (state == LinkState::Lost).then(|| now.since(self.since));
                let sentence = diagnosis::of_link(link, now, lost_for);
                let open = fault.as_mut().filter(|fault| fault.until.is_none());
                match open {
                    Some(open) => open.sentence = sentence,
                    None => *fault = Some(Fault { sentence, since: now, until: None }),
                }
            }
            (_, LinkState::Up | LinkState::Unpaired) => {}
        }
    }

    fn make_plan(&self, now: Moment) -> MediaPlan {
        let Some(link) = &self.link else {
            let screen = plan::Screen { picture: Picture::Nothing, sentence: Some(sentence::Sentence::NotPaired) };
            return MediaPlan { screen, ..MediaPlan::default() };
        };
        let far_camera = link.live.far().map_or(CameraState::Off, |far| far.camera);
        let codecs = link.sessions.current.map(|current| current.codec);
        plan::plan(&plan::Situation {
            state: self.state,
            codec: codecs.or_else(|| link.settings.codecs.first().copied()),
            admitted: link.sessions.current.is_some(),
            far_is_deaf: link.far_is_deaf(),
            last_frame: link.live.frame_at(),
            picture_fresh: link.live.picture_is_fresh(now),
            microphone_open: self.settings.microphone_open,
            fault: self.fault.as_ref().filter(|fault| fault.until.is_none()).map(|fault| fault.sentence.clone()),
            device_sentence: diagnosis::of_devices(far_camera, &self.missing),
            ceiling: self.settings.ceiling,
        })
    }

    fn heartbeat(&self, now: Moment) -> Heartbeat {
        let link = self.link.as_ref();
        let mut lines = [LineNews::default(); 4];
        for (news, mark) in lines.iter_mut().zip(self.marks) {
            news.mark = mark;
        }
        lines[Line::Camera.index()].cadence = self.camera_cadence();
        if self.microphone(now) == MicState::Open {
            lines[Line::Voice.index()].cadence = Cadence::Every(VOICE_FRAME);
        }
        Heartbeat {
            sent_at: now,
            heard: link.and_then(Link::echo),
            wall_ms: self.wall_ms,
            session: link.and_then(|link| link.sessions.current).map(|current| current.session),
            lines,
            microphone: self.microphone(now),
            camera: self.camera(),
        }
    }

    fn camera_cadence(&self) -> Cadence {
        match self.plan.camera {
            None => Cadence::Silent,
            Some(_) if self.sent.fps >= 1.0 => Cadence::Every(Duration::from_secs_f32(1.0 / self.sent.fps)),
            Some(_) => Cadence::Every(CAMERA_WARMING_UP),
        }
    }

    /// Computed from the packets really sent, never from the plan.
    fn microphone(&self, now: Moment) -> MicState {
        let fresh = self.voice_sent_at.is_some_and(|at| now.since(at) < VOICE_SHOWN);
        if fresh { MicState::Open } else { MicState::Closed }
    }

    fn camera(&self) -> CameraState {
        match (self.sent.live_frames, self.sent.fps > 0.0) {
            (1.., _) => CameraState::Live,
            (0, true) => CameraState::Placeholder,
            (0, false) => CameraState::Off,
        }
    }
}

/// An open microphone sends every 10 ms, and the loop turns at least with every heartbeat.
const VOICE_SHOWN: Duration = Duration::from_millis(600);
const VOICE_FRAME: Duration = Duration::from_millis(10);
const CAMERA_WARMING_UP: Duration = Duration::from_millis(200);
