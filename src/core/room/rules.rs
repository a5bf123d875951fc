//! What happens by itself: silence, hours, cuts, a turned camera. Nothing here opens a microphone.

use super::{CODE_LIFE, Menu, Room};
use crate::core::face::Banner;
use crate::core::lesson::Lesson;
use crate::core::output::Output;
use crate::core::share::Refusal;
use crate::core::timers::Timer;
use crate::model::{DocumentId, GuestId, Mode, Moment, Side, Stance, Together};
use std::time::Duration;

impl Room {
    /// A document cannot be shown. One that would stand in front says so there itself.
    pub fn document_refused(&mut self, id: DocumentId, why: Refusal, now: Moment) {
        self.share.refused(id, why);
        let fault = self.share.fault().filter(|fault| fault.id == id && fault.why == why);
        let other = self.share.word().in_front().is_some_and(|front| front.id != id);
        if let Some(fault) = fault.filter(|_| other) {
            self.told = Some(Banner::Unshown { name: fault.name.clone(), why });
            self.timers.set(Timer::ToldEnds, now + UNSHOWN_TOLD);
        }
    }

    /// The clock says that the office opens or closes. It never opens anything: only a person wakes the room.
    pub fn hours(&mut self, open: bool, now: Moment) {
        self.in_hours = open;
        match open {
            true => self.timers.stop(Timer::SleepDue),
            false => self.timers.set(Timer::SleepDue, now.max(self.touched_at + STAY_AWAKE)),
        }
    }

    /// The camera looks elsewhere: announced by a banner, done when nobody cancels it.
    pub fn camera_turned(&mut self, view: usize, now: Moment) {
        let known = view < self.settings.views.len() && view != self.view;
        if self.follow_turns && known && !self.mode.is_shut() {
            self.turning = Some(view);
            self.timers.set(Timer::TurnDue, now + TURN_BANNER);
        } else if view == self.view {
            self.turning = None;
            self.timers.stop(Timer::TurnDue);
        }
    }

    /// A view was learnt, or was not. Another one may have been asked for since.
    pub fn taught(&mut self, lesson: Lesson) {
        if self.lesson.is_some_and(|asked| asked.view == lesson.view) {
            self.lesson = Some(lesson);
        }
    }

    /// Level of what one of the two rooms says, dBFS RMS of the last second.
    pub fn sound(&mut self, side: Side, level_dbfs: f32, now: Moment) {
        let noise = match side {
            Side::Near => &mut self.noise[0],
            Side::Far => &mut self.noise[1],
        };
        if noise.is_topped_by(level_dbfs) && self.mode == Mode::Talking {
            self.timers.set(Timer::SilenceEnds, now + self.settings.quiet_after);
        }
    }

    /// The link as people see it, and its last proof of life. A long cut closes the microphone, also one slept through.
    pub fn link_is(&mut self, up: bool, proof_at: Option<Moment>, now: Moment) {
        if now.since(self.last_turn) >= CUT_CLOSES {
            self.cut();
        }
        self.last_turn = now;
        if up {
            self.cut_long = false;
            self.timers.stop(Timer::CutTooLong);
        } else if self.link_up {
            self.timers.set(Timer::CutTooLong, proof_at.unwrap_or(now) + CUT_CLOSES);
        }
        self.link_up = up;
    }

    /// A deadline passed.
    pub fn handle_timer(&mut self, timer: Timer, now: Moment) {
        match timer {
            Timer::KnockEnds => self.end_knock(),
            Timer::SilenceEnds => {
                if self.mode == Mode::Talking {
                    self.agreement.press(Together::Quiet);
                }
            }
            Timer::CutTooLong => {
                self.cut_long = true;
                self.cut();
            }
            Timer::TurnDue => {
                if let Some(view) = self.turning.take() {
                    let to_meeting = self.settings.meeting_view == Some(view);
                    if to_meeting && matches!(self.mode, Mode::Quiet | Mode::Talking) {
                        // Looks there when it is entered, and back at what is usual when it ends.
                        self.pressed_here = true;
                        self.agreement.press(Together::Meeting);
                    } else if !to_meeting && self.settings.meeting_view.is_some() && self.mode == Mode::Meeting {
                        // The microphones stay as they are; when nobody speaks, silence makes it quiet.
                        self.usual_view = view;
                        self.agreement.press(Together::Talking);
                    } else {
                        self.look(view);
                    }
                }
            }
            Timer::MenuCloses => (self.menu, self.own_picture, self.show_code) = (Menu::Closed, false, false),
            Timer::ToldEnds => self.told = None,
            // Settling says it.
            Timer::PointerFades => self.pointers_fade(now),
            Timer::PagesEnd if now.since(self.touched_at) < STAY_AWAKE => {
                self.timers.set(Timer::PagesEnd, self.touched_at + STAY_AWAKE);
            }
            Timer::PagesEnd => self.end_pages(),
            Timer::ShareDue | Timer::NotesDue | Timer::NotesAge | Timer::FloorDue => {}
            Timer::LiveDue | Timer::LiveTurns | Timer::PrintsDue | Timer::HelpDue => {}
            Timer::CodeRotates => {
                self.refusal_told = false;
                let before: Vec<GuestId> = self.guests.iter().map(|guest| guest.id).collect();
                self.outputs.extend(self.guests.end_old(now).into_iter().map(Output::Record));
                let gone = before.into_iter().filter(|guest| !self.guests.is_admitted(*guest)).collect::<Vec<_>>();
                gone.into_iter().for_each(|guest| self.end_lives(Some(guest), now));
                self.outputs.push_back(Output::DrawCode);
                self.timers.set(Timer::CodeRotates, now + CODE_LIFE);
            }
            Timer::SleepDue => {
                let busy = self.mode == Mode::Meeting || self.microphone;
                let rested = now.since(self.touched_at) >= STAY_AWAKE;
                if !self.in_hours && !busy && rested && self.agreement.near() == Stance::Present {
                    self.agreement.stand(Stance::Asleep);
                } else if !self.in_hours {
                    self.timers.set(Timer::SleepDue, now + LOOK_AGAIN);
                }
            }
            Timer::Heartbeat
            | Timer::Redial
            | Timer::DialOverdue
            | Timer::TrunkSilent
            | Timer::FramesDue
            | Timer::PictureStale
            | Timer::SessionBuild
            | Timer::SessionPause
            | Timer::SessionRetire => {}
        }
        self.mode_may_have_changed(now);
    }

    /// The line was cut for long, or one of the two daemons began anew.
    pub(in crate::core) fn cut(&mut self) {
        self.end_waiting_knock();
        self.close_microphone_by_rule();
    }
}

/// A room's own noise, followed so that speech is told from it whatever the gain of the microphone.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Noise(Option<f32>);

impl Noise {
    /// Takes the level of one more second, dBFS, and says whether somebody speaks.
    fn is_topped_by(&mut self, level: f32) -> bool {
        if level <= NOTHING_DBFS {
            return false;
        }
        let known = self.0.unwrap_or(LOUDEST_FIRST_DBFS);
        let floor = level.min(known + RISE_DB);
        self.0 = Some(floor);
        level > FAINTEST_DBFS && level > floor + SPEECH_ABOVE_DB
    }
}

/// A cut that lasts this long closes both microphones: less than the promised 60 s, because it is noticed up to 1.5 s late.
const CUT_CLOSES: Duration = Duration::from_secs(58);
/// "Cancel" stands for so long before a turned camera changes anything.
const TURN_BANNER: Duration = Duration::from_secs(3);
/// Why a document cannot be shown stands on the screen for so long.
const UNSHOWN_TOLD: Duration = Duration::from_secs(10);
/// Out of hours the room stays awake this long after the last key.
pub(super) const STAY_AWAKE: Duration = Duration::from_secs(30 * 60);
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// A report of exact zeros: nothing is captured or played.
const NOTHING_DBFS: f32 = -90.0;
/// Quieter than this is nobody, whatever the room is like.
const FAINTEST_DBFS: f32 = -65.0;
/// A conference microphone in a quiet office measures −60 to −55 dBFS; the first second may already be speech.
const LOUDEST_FIRST_DBFS: f32 = -48.0;
/// Speech stands out so far from the room's noise.
const SPEECH_ABOVE_DB: f32 = 6.0;
/// A fan that was switched on is noise after a minute or two; a speaker pauses for breath sooner.
const RISE_DB: f32 = 0.1;

#[cfg(test)]
mod tests {
    use super::Noise;

    fn spoken(noise: &mut Noise, levels: impl IntoIterator<Item = f32>) -> usize {
        levels.into_iter().filter(|level| noise.is_topped_by(*level)).count()
    }

    #[test]
    fn a_fan_is_not_speech_however_loud_and_speech_is_however_soft() {
        let mut noise = Noise::default();
        assert_eq!(spoken(&mut noise, [-100.0; 600]), 0, "closed");
        let office = (0..600).map(|second| -56.0 + (second % 3) as f32);
        assert_eq!(spoken(&mut noise, office), 0);
        assert_eq!(spoken(&mut noise, [-47.0; 5]), 5, "somebody far from the microphone");
        let fan = spoken(&mut noise, [-40.0; 600]);
        assert!((60..150).contains(&fan), "a fan was speech for {fan} s");
        assert_eq!(spoken(&mut noise, [-40.0; 600]), 0);
        assert_eq!(spoken(&mut noise, [-30.0, -29.0, -31.0]), 3, "over the fan");
    }

    #[test]
    fn a_speech_of_half_an_hour_stays_speech() {
        let mut noise = Noise::default();
        let speech = (0..1800).map(|second| if second % 20 == 19 { -55.0 } else { -30.0 + (second % 5) as f32 });
        assert!(spoken(&mut noise, speech) > 1600);
    }
}
