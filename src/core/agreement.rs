//! The mode of the pair, agreed without a server.
//!
//! ```text
//!   near stance ─┐                                      stance: one writer, its own room; the newest word counts
//!   far stance  ─┼─► any curtain → Curtain · any asleep → Asleep · else the wish both joined
//!   wish ────────┘                                      wish: both write; counted presses, join = newer, else more private
//! ```
//! Both boxes say stance and wish in every heartbeat, so that whatever was lost is healed by the next one. May be relied on:
//! a room's curtain is lifted in that room only; two boxes that heard each other's newest word have the same mode; of two
//! presses that did not know of each other the more private one wins. Deliberately absent: microphones, sessions, clocks.

use crate::model::{Mode, Role, Stance, Together};

/// What both rooms want while both are present, with the presses that made it.
///
/// The counts are a version vector of two entries (Parker et al. 1983): one wish is newer when it has seen all presses of the
/// other one; when neither has, nobody knew of the other and the more private one wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// What is wanted.
    pub together: Together,
    /// Presses seen: the offerer's, the answerer's.
    pub presses: [u32; 2],
}

/// One box's knowledge of the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    role: Role,
    near: Stance,
    far: Stance,
    wish: Wish,
}

impl Wish {
    /// The same on both boxes, whichever hears first.
    pub fn join(self, other: Self) -> Self {
        let presses = [self.presses[0].max(other.presses[0]), self.presses[1].max(other.presses[1])];
        let together = match (self.covers(other), other.covers(self)) {
            (true, false) => self.together,
            (false, true) => other.together,
            (true, true) | (false, false) => more_private(self.together, other.together),
        };
        Self { together, presses }
    }

    fn pressed(mut self, role: Role, together: Together) -> Self {
        let own = &mut self.presses[place(role)];
        *own = own.saturating_add(1);
        Self { together, ..self }
    }

    fn covers(self, other: Self) -> bool {
        self.presses[0] >= other.presses[0] && self.presses[1] >= other.presses[1]
    }
}

impl Agreement {
    /// As remembered, or the default of everything for a box that never lived.
    pub fn new(role: Role, near: Stance, far: Stance, wish: Wish) -> Self {
        Self { role, near, far, wish }
    }

    /// The box knows its peer, and so which of the two counts is its own.
    pub fn take_role(&mut self, role: Role) {
        self.role = role;
    }

    /// What the pair does.
    pub fn mode(&self) -> Mode {
        match (self.near, self.far) {
            (Stance::Curtain, _) | (_, Stance::Curtain) => Mode::Curtain,
            (Stance::Asleep, _) | (_, Stance::Asleep) => Mode::Asleep,
            (Stance::Present, Stance::Present) => match self.wish.together {
                Together::Quiet => Mode::Quiet,
                Together::Talking => Mode::Talking,
                Together::Meeting => Mode::Meeting,
            },
        }
    }

    /// This room's word.
    pub fn near(&self) -> Stance {
        self.near
    }

    /// The other room's last word.
    pub fn far(&self) -> Stance {
        self.far
    }

    /// The wish to be told.
    pub fn wish(&self) -> Wish {
        self.wish
    }

    /// This room takes a stance. Whoever opens again begins quiet: nobody is thrown into the talk of before.
    pub fn stand(&mut self, stance: Stance) {
        if self.near != Stance::Present && stance == Stance::Present && self.wish.together != Together::Quiet {
            self.press(Together::Quiet);
        }
        self.near = stance;
    }

    /// Somebody in this room, or a rule that makes things more private, wants this.
    pub fn press(&mut self, together: Together) {
        self.wish = self.wish.pressed(self.role, together);
    }

    /// The other box's newest word.
    pub fn hear(&mut self, far: Stance, wish: Wish) {
        self.far = far;
        self.wish = self.wish.join(wish);
    }
}

fn place(role: Role) -> usize {
    match role {
        Role::Offerer => 0,
        Role::Answerer => 1,
    }
}

/// Quiet before the others; between the equally private ones the meeting, which loses nothing that talking has.
fn more_private(one: Together, other: Together) -> Together {
    match (one, other) {
        (Together::Quiet, _) | (_, Together::Quiet) => Together::Quiet,
        (Together::Meeting, _) | (_, Together::Meeting) => Together::Meeting,
        (Together::Talking, Together::Talking) => Together::Talking,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Together; 3] = [Together::Quiet, Together::Talking, Together::Meeting];

    fn wishes() -> impl Iterator<Item = Wish> {
        let counts = (0..3).flat_map(|one| (0..3).map(move |other| [one, other]));
        counts.flat_map(|presses| ALL.map(|together| Wish { together, presses }))
    }

    #[test]
    fn joining_is_the_same_from_both_sides_and_loses_no_press() {
        for one in wishes() {
            assert_eq!(one.join(one), one);
            for other in wishes() {
                let joined = one.join(other);
                assert_eq!(joined, other.join(one), "{one:?} {other:?}");
                assert!(joined.covers(one) && joined.covers(other));
                assert_eq!(joined.join(one), joined.join(other));
            }
        }
    }

    #[test]
    fn presses_that_did_not_know_of_each_other_end_in_the_more_private_one() {
        let (offerer, answerer) = (Wish::default().pressed(Role::Offerer, Together::Meeting), Wish::default());
        let answerer = answerer.pressed(Role::Answerer, Together::Talking).pressed(Role::Answerer, Together::Quiet);
        assert_eq!(offerer.join(answerer).together, Together::Quiet);
        let again = offerer.join(answerer).pressed(Role::Offerer, Together::Meeting);
        assert_eq!(again.join(answerer).together, Together::Meeting, "a later press knows and counts");
    }

    #[test]
    fn a_curtain_is_lifted_only_in_the_room_that_drew_it() {
        let mut near = Agreement::new(Role::Offerer, Stance::Present, Stance::Curtain, Wish::default());
        near.press(Together::Meeting);
        near.stand(Stance::Present);
        assert_eq!(near.mode(), Mode::Curtain);
        near.hear(Stance::Present, Wish::default());
        assert_eq!(near.mode(), Mode::Meeting);
    }

    #[test]
    fn whoever_opens_again_begins_quiet() {
        let mut near = Agreement::new(Role::Answerer, Stance::Present, Stance::Present, Wish::default());
        near.press(Together::Talking);
        near.stand(Stance::Curtain);
        assert_eq!(near.mode(), Mode::Curtain);
        near.stand(Stance::Present);
        assert_eq!(near.mode(), Mode::Quiet);
    }
}
