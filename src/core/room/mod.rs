//! The room: what people here and there want, and what this box does about it.
//!
//! ```text
//!   key, panel, CLI ──► Request ──► policy ──► agreement · microphone · knock · view · veil · guests ──► face, plan
//!   far box's word  ──────────────────────────► agreement · far knock
//!   rules (silence, hours, cut) ──────────────► only ever towards more private
//! ```
//! May be relied on: the microphone's gate is opened in one method, by a person of this room; every rule and every word of
//! the far box can only close it. Deliberately absent: anything that names a session.

pub mod guests;
mod input;
mod keys;
mod live;
mod pages;
mod prints;
mod requests;
mod rules;
mod settings;

pub use settings::RoomSettings;

use crate::core::agreement::Agreement;
use crate::core::face::Banner;
use crate::core::floor::Floor;
use crate::core::help::Help;
use crate::core::ledger::Entry;
use crate::core::lesson::Lesson;
use crate::core::live::Live;
use crate::core::memory::{Drawn, Remembered};
use crate::core::notes::{Kept, Notes};
use crate::core::output::Output;
use crate::core::prints::Prints;
use crate::core::request::Asker;
use crate::core::share::{Pointed, Share};
use crate::core::signal::RoomWord;
use crate::core::timers::{Timer, Timers};
use crate::model::{Mode, Moment, Profile, Role, Stance, Veil};
use guests::Guests;
use input::Signalled;
use keys::Menu;
use rules::Noise;
use std::collections::VecDeque;
use std::time::Duration;

/// The machine. [`super::Core`] feeds it.
#[derive(Clone, Debug)]
pub struct Room {
    pub(super) settings: RoomSettings,
    pub(super) agreement: Agreement,
    pub(super) timers: Timers,
    /// A person of this room opened the microphone and nothing closed it since.
    microphone: bool,
    /// Held open by the configuration until a person closes it.
    held_open: bool,
    mode: Mode,
    knock: Option<u32>,
    knocks: u32,
    far: RoomWord,
    /// The far knock that was answered or sent away.
    knock_done: Option<u32>,
    pub(super) view: usize,
    usual_view: usize,
    pub(super) veil: Veil,
    pub(super) volume: u8,
    pub(super) own_picture: bool,
    pub(super) show_code: bool,
    /// Why the box drew the curtain, while it stands.
    pub(super) drawn: Option<Drawn>,
    menu: Menu,
    turning: Option<usize>,
    /// Why something was not done, for a few seconds.
    told: Option<Banner>,
    follow_turns: bool,
    pub(super) lesson: Option<Lesson>,
    pub(super) guests: Guests,
    pub(super) share: Share,
    pub(super) prints: Prints,
    /// Where the near and the far room point.
    pointers: [Option<Pointed>; 2],
    pub(super) notes: Notes,
    pub(super) floor: Floor,
    pub(super) live: Live,
    pub(super) help: Help,
    /// The document input, while it has a signal.
    input: Option<Signalled>,
    /// As it was noted last; stands on notes.
    pub(super) wall_ms: u64,
    pub(super) meeting_since: Option<Moment>,
    /// The meeting that begins was pressed in this room.
    pressed_here: bool,
    link_up: bool,
    in_hours: bool,
    touched_at: Moment,
    last_turn: Moment,
    noise: [Noise; 2],
    /// A refusal at the locked or full door stands in the ledger since the last code.
    refusal_told: bool,
    /// A print was turned away since the room is locked, and people know.
    print_told: bool,
    /// Nothing is said into a long silence, not even by a microphone that the configuration holds open.
    cut_long: bool,
    /// How often all guests were sent away: the installer's rights end with them.
    pub(super) evictions: u64,
    outputs: VecDeque<Output>,
}

impl Room {
    /// As it was remembered, microphone closed.
    pub fn new(settings: RoomSettings, remembered: Remembered, board: Kept, now: Moment) -> Self {
        let agreement = Agreement::new(Role::Offerer, remembered.near, remembered.far, remembered.wish);
        let mode = agreement.mode();
        let last = settings.views.len().saturating_sub(1);
        let live = Live::new(settings.take_over, remembered.ended);
        let mut room = Self {
            microphone: settings.microphone_open,
            held_open: settings.microphone_open,
            follow_turns: settings.follow_turns,
            settings,
            agreement,
            timers: Timers::default(),
            mode,
            knock: None,
            knocks: 0,
            far: RoomWord { stance: remembered.far, ..RoomWord::default() },
            knock_done: None,
            view: remembered.view.min(last),
            usual_view: remembered.usual_view.min(last),
            veil: remembered.veil,
            volume: remembered.volume,
            own_picture: false,
            show_code: false,
            drawn: remembered.drawn.filter(|_| remembered.near != Stance::Present),
            menu: Menu::Closed,
            turning: None,
            told: None,
            lesson: None,
            guests: Guests::new(remembered.locked),
            share: Share::new(remembered.ended),
            prints: Prints::default(),
            pointers: [None; 2],
            notes: Notes::new(board),
            floor: Floor::new(remembered.parted),
            live,
            help: Help::default(),
            input: None,
            wall_ms: 0,
            meeting_since: (mode == Mode::Meeting).then_some(now),
            pressed_here: false,
            link_up: false,
            in_hours: true,
            touched_at: now,
            last_turn: now,
            noise: Default::default(),
            refusal_told: false,
            print_told: false,
            cut_long: false,
            evictions: 0,
            outputs: VecDeque::new(),
        };
        room.outputs.push_back(Output::Record(Entry::Started { mode }));
        if room.microphone {
            room.outputs.push_back(Output::Record(Entry::Gate { open: true, by: None }));
        }
        room.outputs.push_back(Output::DrawCode);
        room.timers.set(Timer::CodeRotates, now + CODE_LIFE);
        if mode == Mode::Talking {
            room.timers.set(Timer::SilenceEnds, now + room.settings.quiet_after);
        }
        room
    }

    /// The pair's mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// A person of this room opened the microphone, and the mode lets it be open.
    pub fn microphone(&self) -> bool {
        self.microphone && !self.mode.is_shut() && !self.cut_long
    }

    /// Opened by the configuration, not by a person.
    pub fn held_open(&self) -> bool {
        self.held_open
    }

    /// Our knock that waits for its answer.
    pub fn knocks(&self) -> bool {
        self.knock.is_some()
    }

    /// The far room's knock that waits for ours.
    pub fn is_knocked(&self) -> bool {
        self.mode == Mode::Quiet && self.far.knock.is_some() && self.far.knock != self.knock_done
    }

    /// What the far room last said of itself.
    pub fn far(&self) -> &RoomWord {
        &self.far
    }

    /// Turns are followed.
    pub fn follows_turns(&self) -> bool {
        self.follow_turns
    }

    /// The picture's profile in this mode.
    pub fn profile(&self) -> Profile {
        match self.mode {
            Mode::Meeting => self.settings.meeting,
            Mode::Quiet | Mode::Talking | Mode::Curtain | Mode::Asleep => self.settings.everyday,
        }
    }

    /// What to say in the heartbeat.
    pub fn word(&self) -> RoomWord {
        RoomWord {
            stance: self.agreement.near(),
            wish: self.agreement.wish(),
            knock: self.knock,
            veil: self.veil,
            view: self.settings.views.get(self.view).cloned().unwrap_or_default(),
            fetching: self.share.is_fetching(),
        }
    }

    /// What to keep.
    pub fn remembered(&self) -> Remembered {
        Remembered {
            near: self.agreement.near(),
            far: self.agreement.far(),
            wish: self.agreement.wish(),
            veil: self.veil,
            locked: self.guests.locked,
            view: self.view,
            usual_view: self.usual_view,
            volume: self.volume,
            drawn: self.drawn,
            ended: self.share.ended(),
            parted: self.floor.ended(),
        }
    }

    /// The far box's word.
    pub fn hear(&mut self, word: &RoomWord, now: Moment) {
        self.agreement.hear(word.stance, word.wish);
        self.far = word.clone();
        if word.knock.is_none() {
            self.knock_done = None;
        }
        self.mode_may_have_changed(now);
    }

    /// The installer's page is about to change what is set. What was hidden and will not be is for this room to show.
    pub fn installer_set(&mut self, what: String, uncovers: bool, now: Moment) {
        if uncovers && self.agreement.near() == Stance::Present {
            self.agreement.stand(Stance::Curtain);
            self.drawn = Some(Drawn::InstallerSet);
        }
        self.outputs.push_back(Output::Record(Entry::InstallerSet { what }));
        self.mode_may_have_changed(now);
    }

    /// A code for the door.
    pub fn code_drawn(&mut self, code: u32, now: Moment) {
        self.guests.code_drawn(code, now);
    }

    /// The next wish.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// What stands in front of the picture for a while, the most urgent first.
    pub fn banner(&self) -> Option<Banner> {
        let waiting = || self.guests.waiting().map(|guest| Banner::GuestWaits { name: guest.name.clone() });
        if self.is_knocked() {
            return Some(Banner::Knocked);
        }
        let told = |unshown| self.told.clone().filter(|told| matches!(told, Banner::Unshown { .. }) == unshown);
        let turning = || self.turning.map(|view| Banner::Turning { view: self.settings.views[view].clone() });
        let knocking = || self.knocks().then_some(Banner::Knocking);
        let share = || self.share_waits().map(Banner::ShareWaits);
        let input = || self.asks_input().then_some(Banner::InputWaits);
        let first = told(false).or_else(share).or_else(input).or_else(turning).or_else(|| told(true)).or_else(knocking);
        let helped = || self.help.is_helped().then_some(Banner::Helped);
        first.or_else(helped).or_else(waiting).or_else(|| self.print_banner())
    }

    /// The one place where a mode is entered.
    fn mode_may_have_changed(&mut self, now: Moment) {
        if self.agreement.near() == Stance::Present {
            self.drawn = None;
        }
        let mode = self.agreement.mode();
        // Behind a curtain, and beside a room that sleeps, documents go on serving this room.
        // What was shared there never comes along into a meeting, whoever begins it and however fast.
        let over = matches!(mode, Mode::Quiet | Mode::Talking) || self.agreement.near() == Stance::Asleep;
        if over || (self.mode.is_shut() && mode == Mode::Meeting) {
            self.end_pages();
            self.live.end(self.agreement.wish().presses, now);
        }
        self.watch_pages(mode.is_shut(), now);
        if !matches!(mode, Mode::Talking | Mode::Meeting) {
            self.floor.end(self.agreement.wish().presses);
        }
        if mode == self.mode {
            return;
        }
        let before = std::mem::replace(&mut self.mode, mode);
        self.outputs.push_back(Output::Record(Entry::Mode(mode)));
        [Timer::SilenceEnds, Timer::TurnDue].into_iter().for_each(|timer| self.timers.stop(timer));
        self.turning = None;
        self.end_waiting_knock();
        if before == Mode::Meeting {
            self.meeting_since = None;
            self.guests_end();
            self.look(self.usual_view);
        }
        match mode {
            Mode::Quiet | Mode::Curtain | Mode::Asleep => self.close_microphone_by_rule(),
            Mode::Talking => self.timers.set(Timer::SilenceEnds, now + self.settings.quiet_after),
            Mode::Meeting => {
                self.meeting_since = Some(now);
                self.usual_view = self.view;
                // The far room's press turns no camera here.
                if let Some(view) = self.settings.meeting_view.filter(|_| self.pressed_here) {
                    self.look(view);
                }
            }
        }
        self.pressed_here = false;
        if mode == Mode::Asleep {
            self.guests_end();
        }
        if mode.is_shut() {
            (self.own_picture, self.show_code, self.menu) = (false, false, Menu::Closed);
        }
    }

    fn guests_end(&mut self) {
        self.live.refuse_waiting();
        self.evictions += 1;
        for entry in self.guests.end_all() {
            self.outputs.push_back(Output::Record(entry));
        }
        self.outputs.push_back(Output::DrawCode);
    }

    fn look(&mut self, view: usize) {
        self.view = view;
        if self.mode != Mode::Meeting {
            self.usual_view = view;
        }
    }

    /// The only way the gate opens: a person of this room, named.
    fn open_microphone(&mut self, by: Asker) {
        if !self.microphone {
            self.microphone = true;
            self.outputs.push_back(Output::Record(Entry::Gate { open: true, by: Some(by) }));
        }
    }

    fn close_microphone(&mut self, by: Option<Asker>) {
        self.held_open = false;
        if std::mem::take(&mut self.microphone) {
            self.outputs.push_back(Output::Record(Entry::Gate { open: false, by }));
        }
    }

    /// A rule spares only what the configuration holds open for a demonstration.
    fn close_microphone_by_rule(&mut self) {
        if !self.held_open || self.mode.is_shut() {
            self.close_microphone(None);
        }
    }

    fn end_waiting_knock(&mut self) {
        self.knock = None;
        self.timers.stop(Timer::KnockEnds);
    }

    /// Nobody answered, or the knocker thought again.
    fn end_knock(&mut self) {
        if self.knock.is_some() {
            self.end_waiting_knock();
            self.close_microphone_by_rule();
        }
    }
}

/// A knock rings for so long.
const KNOCK_LASTS: Duration = Duration::from_secs(30);
/// The room code is another one this often.
const CODE_LIFE: Duration = Duration::from_secs(600);
