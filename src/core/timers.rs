//! The timer table: every wait of the core has a name here, and the name is logged on waking.

use crate::model::Moment;

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Send the next heartbeat.
    Heartbeat,
    /// Try to reach the peer again.
    Redial,
    /// The dial's answer is overdue: the adapter broke its word.
    DialOverdue,
    /// A control connection has been silent too long.
    TrunkSilent,
    /// The trunk is back; frames should be too.
    FramesDue,
    /// The picture becomes stale.
    PictureStale,
    /// The session being built takes too long.
    SessionBuild,
    /// The next session may be tried.
    SessionPause,
    /// The replaced session goes.
    SessionRetire,
    /// Nobody answered our knock.
    KnockEnds,
    /// Talking has been without a sound too long.
    SilenceEnds,
    /// The link has been down too long for an open microphone.
    CutTooLong,
    /// The turned camera's view takes effect.
    TurnDue,
    /// The menu leaves the screen.
    MenuCloses,
    /// The reason of a denial leaves the screen.
    ToldEnds,
    /// The room code is replaced.
    CodeRotates,
    /// What is shared may be said again.
    ShareDue,
    /// A pointer was not moved for a while.
    PointerFades,
    /// More of the notice board may be said.
    NotesDue,
    /// The notes' time is counted.
    NotesAge,
    /// Hands and poll may be said again.
    FloorDue,
    /// The live share's word may be said again.
    LiveDue,
    /// A live source waited long enough, why one ended leaves the screen, an input asked or was without a signal for long enough.
    LiveTurns,
    /// A print waited too long, or was told of long enough.
    PrintsDue,
    /// Help from or in the other room: an answer is late, more of one may be said, or it is over.
    HelpDue,
    /// Documents that one room alone looks at were not touched for long.
    PagesEnd,
    /// Out of hours: sleep if nobody is there.
    SleepDue,
}

/// One deadline per [`Timer`].
#[derive(Clone, Debug, Default)]
pub struct Timers([Option<Moment>; Timer::ALL.len()]);

impl Timers {
    /// Sets or moves a deadline.
    pub fn set(&mut self, timer: Timer, at: Moment) {
        self.0[timer as usize] = Some(at);
    }

    /// Forgets a deadline.
    pub fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    /// The deadline, if set.
    pub fn at(&self, timer: Timer) -> Option<Moment> {
        self.0[timer as usize]
    }

    /// Takes one expired deadline, the earliest first.
    pub fn expired(&mut self, now: Moment) -> Option<Timer> {
        let timer = Timer::ALL
            .into_iter()
            .filter(|timer| self.at(*timer).is_some_and(|at| at <= now))
            .min_by_key(|timer| self.at(*timer))?;
        self.stop(timer);
        Some(timer)
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Moment> {
        self.0.iter().flatten().min().copied()
    }
}

impl Timer {
    const ALL: [Self; 27] = [
        Self::Heartbeat,
        Self::Redial,
        Self::DialOverdue,
        Self::TrunkSilent,
        Self::FramesDue,
        Self::PictureStale,
        Self::SessionBuild,
        Self::SessionPause,
        Self::SessionRetire,
        Self::KnockEnds,
        Self::SilenceEnds,
        Self::CutTooLong,
        Self::TurnDue,
        Self::MenuCloses,
        Self::ToldEnds,
        Self::CodeRotates,
        Self::ShareDue,
        Self::PointerFades,
        Self::NotesDue,
        Self::NotesAge,
        Self::FloorDue,
        Self::LiveDue,
        Self::LiveTurns,
        Self::PrintsDue,
        Self::HelpDue,
        Self::PagesEnd,
        Self::SleepDue,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_deadline_expires_first_and_only_once() {
        let mut timers = Timers::default();
        timers.set(Timer::Redial, Moment::from_nanos(20));
        timers.set(Timer::Heartbeat, Moment::from_nanos(10));
        assert_eq!(timers.next(), Some(Moment::from_nanos(10)));
        assert_eq!(timers.expired(Moment::from_nanos(5)), None);
        assert_eq!(timers.expired(Moment::from_nanos(30)), Some(Timer::Heartbeat));
        assert_eq!(timers.expired(Moment::from_nanos(30)), Some(Timer::Redial));
        assert_eq!(timers.expired(Moment::from_nanos(30)), None);
    }

    #[test]
    fn every_timer_has_its_own_place() {
        for (place, timer) in Timer::ALL.into_iter().enumerate() {
            assert_eq!(timer as usize, place);
        }
    }
}
