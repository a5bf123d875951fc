//! Which session is shown and heard while a new one is made before the old one is broken.

use crate::model::{Moment, SessionId};
use std::collections::VecDeque;
use std::time::Duration;

/// Follows the newest session that really brings media; never goes back while that one is alive.
#[derive(Clone, Debug, Default)]
pub struct Follower {
    current: Option<(SessionId, Moment)>,
    left: VecDeque<SessionId>,
}

/// What a unit of media belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The session that is followed.
    Followed,
    /// One that may be followed from now on: see [`Follower::follow`].
    Candidate,
    /// One that was left.
    Left,
}

impl Follower {
    /// A unit of `session` came.
    pub fn hear(&mut self, session: SessionId, now: Moment) -> Heard {
        match &mut self.current {
            Some((followed, heard_at)) if *followed == session => {
                *heard_at = now;
                Heard::Followed
            }
            Some((_, heard_at)) if self.left.contains(&session) && now.since(*heard_at) < SILENT => Heard::Left,
            Some(_) | None => Heard::Candidate,
        }
    }

    /// Follow `session` from now on.
    pub fn follow(&mut self, session: SessionId, now: Moment) {
        if let Some((left, _)) = self.current.replace((session, now)).filter(|(left, _)| *left != session) {
            self.left.push_back(left);
        }
        self.left.retain(|left| *left != session);
        while self.left.len() > REMEMBERED {
            self.left.pop_front();
        }
    }

    /// The session that is followed.
    pub fn followed(&self) -> Option<SessionId> {
        self.current.map(|(session, _)| session)
    }
}

/// A followed session that is silent for so long no longer bars one that was left.
const SILENT: Duration = Duration::from_secs(1);
const REMEMBERED: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BootId;

    #[test]
    fn a_session_that_was_left_is_not_followed_again_while_the_new_one_lives() {
        let session = |number| SessionId { boot: BootId(1), number };
        let at = |seconds| Moment::default() + Duration::from_secs(seconds);
        let mut follower = Follower::default();
        assert_eq!(follower.hear(session(1), at(0)), Heard::Candidate);
        follower.follow(session(1), at(0));
        assert_eq!(follower.hear(session(2), at(1)), Heard::Candidate);
        assert_eq!(follower.hear(session(1), at(1)), Heard::Followed);
        follower.follow(session(2), at(1));
        assert_eq!(follower.hear(session(1), at(1)), Heard::Left);
        assert_eq!(follower.hear(session(1), at(3)), Heard::Candidate);
        (3..100).for_each(|number| follower.follow(session(number), at(4)));
        assert!(follower.left.len() <= REMEMBERED);
    }
}
