//! The pure core: news and time in, wishes out. It reads no clock, socket, file or random number.
//!
//! ```text
//!   Input, News, deadline ──► Link ──► Snapshot of what is ──► plan ──► Output
//! ```
//! One change, then [`Core::poll_output`] until it is empty. Panics only on bugs.

pub mod agreement;
mod arrivals;
pub mod backoff;
pub mod budget;
pub mod diagnosis;
pub mod face;
pub mod floor;
mod front;
pub mod help;
mod helping;
pub mod input;
pub mod invariants;
pub mod ledger;
pub mod lesson;
pub mod link;
pub mod live;
pub mod liveness;
pub mod memory;
pub mod notes;
pub mod output;
pub mod plan;
pub mod playout;
pub mod prints;
pub mod request;
pub mod room;
pub mod sentence;
pub mod sessions;
pub mod share;
mod sharing;
pub mod signal;
pub mod snapshot;
pub mod timers;
mod together;
pub mod trunks;
pub mod turning;
mod view;

use crate::core::front::Fronting;
use crate::core::input::{CarryReport, Input, News, ReceiveReport, SendReport};
use crate::core::ledger::Entry;
use crate::core::link::{Link, LinkSettings};
use crate::core::memory::Remembered;
use crate::core::notes::Kept;
use crate::core::output::Output;
use crate::core::plan::{MediaPlan, Picture};
use crate::core::room::{Room, RoomSettings};
use crate::core::sentence::Sentence;
use crate::core::sharing::Sharing;
use crate::core::signal::{CaptureMark, Heartbeat, RoomWord, Signal};
use crate::core::snapshot::{Fault, LinkState};
use crate::core::timers::Timer;
use crate::core::together::Together;
use crate::model::{Bitrate, BootId, CameraState, Device, DocumentId, Line, MicState, Moment, Side};
use std::collections::VecDeque;

/// What the core is built from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The link, if this box is paired; an unpaired box sends nothing to anyone.
    pub link: Option<LinkSettings>,
    /// What an unpaired box says.
    pub unlinked: Sentence,
    /// The room.
    pub room: RoomSettings,
    /// What outlived the last daemon; the default for a box that never lived, [`Remembered::UNREADABLE`] for one that forgot.
    pub remembered: Remembered,
    /// The notice board, as it was kept.
    pub board: Kept,
    /// Everything sent stays below this.
    pub ceiling: Bitrate,
}

/// One box's decisions.
#[derive(Clone, Debug)]
pub struct Core {
    settings: Settings,
    link: Option<Link>,
    room: Room,
    /// The room's word as it was last said.
    said: RoomWord,
    /// What the far box was told of documents, and said of them.
    sharing: Sharing,
    arriving: Option<(DocumentId, u8)>,
    bundle_goes: bool,
    /// What the far box was told of board and floor.
    together: Together,
    /// And of the live share.
    fronting: Fronting,
    remembered: Remembered,
    far_beat: Option<(BootId, Moment)>,
    recorded: (CameraState, MicState),
    state: LinkState,
    since: Moment,
    missing: Vec<Device>,
    marks: [Option<CaptureMark>; 4],
    voice_sent_at: Option<Moment>,
    camera_sent_at: Option<Moment>,
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
            room: Room::new(settings.room.clone(), settings.remembered, settings.board.clone(), now),
            said: RoomWord::default(),
            sharing: Sharing::default(),
            arriving: None,
            bundle_goes: false,
            together: Together::default(),
            fronting: Fronting::default(),
            remembered: settings.remembered,
            far_beat: None,
            recorded: (CameraState::Off, MicState::Closed),
            settings,
            link: None,
            state: LinkState::Unpaired,
            since: now,
            missing: Vec::new(),
            marks: [None; 4],
            voice_sent_at: None,
            camera_sent_at: None,
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
        let link = self.link.insert(Link::new(link, now));
        link.start(now);
        self.room.agreement.take_role(link.role);
        self.room.share.take_life(link.settings.boot, link.role);
        self.room.floor.take_life(link.role, link.settings.boot);
        self.room.live.take_life(link.settings.boot);
        self.room.notes.take_peer(link.settings.far, link.role, link.settings.boot);
        (self.state, self.since) = (LinkState::Connecting, now);
        self.settle(now);
    }

    /// The wall clock's reading, milliseconds since 1970: told to the peer, compared with its own and written on notes, never
    /// decided from.
    pub fn note_wall(&mut self, wall_ms: u64) {
        self.wall_ms = wall_ms;
        self.room.wall_ms = wall_ms;
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
        if input == Input::StopRequested {
            self.outputs.push_back(Output::Record(Entry::Stopped));
        }
        if let Input::Heard { trunk, signal: Signal::Heartbeat(heartbeat) } = &input {
            let open = self.link.as_ref().and_then(|link| link.trunks.iter().find(|open| open.id == *trunk));
            if let Some(boot) = open.map(|open| open.hello.boot) {
                self.heard_far_room(boot, heartbeat, now);
            }
        }
        self.handle_share(&input, now);
        self.handle_together(&input);
        self.handle_help(&input, now);
        match &mut self.link {
            Some(link) => link.handle(&input, now),
            None if input == Input::StopRequested => self.outputs.push_back(Output::Stop),
            None => {}
        }
        if let Input::Room(input) = input {
            self.handle_room(input, now);
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
                match line {
                    Line::Voice => self.voice_sent_at = Some(now),
                    Line::Camera => self.camera_sent_at = Some(now),
                    Line::LiveShare | Line::ShareSound => {}
                }
            }
            News::BundleGoes(goes) => self.bundle_goes = goes,
            News::Arriving { document, percent } => self.arriving = Some((document, percent)),
            News::Received(report) => {
                self.room.sound(Side::Far, report.level_dbfs, now);
                self.received = report;
            }
            News::Carried(report) => self.carried = report,
            News::Sent(report) => {
                if self.room.microphone() {
                    self.room.sound(Side::Near, report.level_dbfs, now);
                }
                self.sent = report;
            }
        }
        self.settle(now);
    }

    /// Deadlines that have passed.
    pub fn handle_timeout(&mut self, now: Moment) {
        while let Some(timer) = self.link.as_mut().and_then(|link| link.timers.expired(now)) {
            let heartbeat = (timer == Timer::Heartbeat).then(|| self.heartbeat(now));
            if let Some(word) = heartbeat.as_ref().and_then(|heartbeat| heartbeat.room.clone()) {
                self.said = word;
            }
            if let Some(link) = &mut self.link {
                match heartbeat {
                    Some(heartbeat) => link.beat(heartbeat, now),
                    None => link.handle_timer(timer, now),
                }
            }
        }
        while let Some(timer) = self.room.timers.expired(now) {
            self.room.handle_timer(timer, now);
        }
        self.settle(now);
    }

    /// The next wish; call until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Core::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Moment> {
        let link = self.link.as_ref();
        let shown_live = self.plan.screen.picture == Picture::Live;
        let picture_old = link.filter(|_| shown_live).and_then(|link| link.live.picture_old_at());
        let of_link = link.and_then(|link| link.timers.next());
        [of_link, self.room.timers.next(), picture_old, self.live_old_at()].into_iter().flatten().min()
    }

    /// After every change: the state people see, the plan, and nothing left lying.
    fn settle(&mut self, now: Moment) {
        self.judge(now);
        let proof_at = self.link.as_ref().and_then(|link| link.live.proof_at());
        // A line that carries only one way is cut as well: whoever speaks into it is not heard, and shall not be hours later.
        let deaf = self.link.as_ref().is_some_and(Link::far_is_deaf);
        self.room.link_is(self.state == LinkState::Up && !deaf, proof_at, now);
        if self.room.word() != self.said
            && let Some(link) = &mut self.link
        {
            link.say_now(now);
        }
        self.keep(now);
        self.tell_share(now);
        self.tell_together(now);
        self.tell_help(now);
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

    /// What must outlive the daemon, and what the ledger is told: only what really left, never what was planned.
    fn keep(&mut self, now: Moment) {
        let remembered = self.room.remembered();
        if remembered != self.remembered {
            self.remembered = remembered;
            self.outputs.push_back(Output::Remember(remembered));
        }
        let microphone = self.microphone(now);
        // Reports come once a second: a camera that was on for less leaves a line all the same.
        let sends = self.camera_sent_at.is_some_and(|at| now.since(at) < CAMERA_TOLD);
        let camera = match self.camera() {
            CameraState::Off if sends && !self.missing.contains(&Device::Camera) => CameraState::Live,
            told @ (CameraState::Off | CameraState::Placeholder | CameraState::Live) => told,
        };
        if camera != self.recorded.0 {
            self.outputs.push_back(Output::Record(Entry::Camera(camera)));
        }
        if microphone != self.recorded.1 {
            self.outputs.push_back(Output::Record(Entry::Microphone(microphone)));
        }
        self.recorded = (camera, microphone);
        while let Some(output) = self.room.poll_output() {
            self.outputs.push_back(output);
        }
    }

    /// The newest word of the far box's newest life counts, whatever connection brings an older one late.
    fn heard_far_room(&mut self, boot: BootId, heartbeat: &Heartbeat, now: Moment) {
        let difference = i128::from(heartbeat.wall_ms) - i128::from(self.wall_ms);
        self.wall_difference_ms = i64::try_from(difference).ok();
        let newer = self.far_beat.is_none_or(|(of, sent_at)| of != boot || sent_at <= heartbeat.sent_at);
        if self.far_beat.is_some_and(|(of, _)| of != boot) {
            // The far daemon began anew, with its microphone closed: so does ours.
            self.room.cut();
        }
        if newer {
            self.far_beat = Some((boot, heartbeat.sent_at));
            // A version that knows no modes is present and quiet.
            self.room.hear(&heartbeat.room.clone().unwrap_or_default(), now);
        }
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
}

/// Without a report for so long after its last frame a camera is off.
const CAMERA_TOLD: std::time::Duration = std::time::Duration::from_secs(1);
