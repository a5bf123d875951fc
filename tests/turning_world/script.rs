//! Where the hand puts the camera, and when: rests, turns, looks away, shaken desks.

use super::camera::Pose;
use super::dice::Dice;
use super::params as p;
use super::scene::around;

/// What is true at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Truth {
    /// In somebody's hand, on the way to a taught view or to none.
    Turning { to: Option<usize> },
    /// At rest since then, at a taught view or at none.
    Resting { view: Option<usize>, since: f32 },
}

/// The way of the camera.
pub struct Script {
    /// The poses that were taught.
    pub views: Vec<Pose>,
    turns: bool,
    /// Yaw that may be looked at: all around, or within a still.
    reach: f32,
    phase: Phase,
    /// What comes after this.
    planned: Vec<Option<usize>>,
}

enum Phase {
    Rest { pose: Pose, view: Option<usize>, since: f32, until: f32, tremor: f32, shaken: Option<(f32, f32)> },
    Turn { from: Pose, to: Pose, view: Option<usize>, begun: f32, ends: f32, overshoot: f32, tremor: f32, arm: f32 },
}

impl Script {
    /// Begins at rest at view 0. Without `turns` it stays there.
    pub fn new(dice: &mut Dice, views: Vec<Pose>, reach: f32, turns: bool) -> Self {
        let pose = near(dice, views[0]);
        let until = dice.between(p::STAY);
        let phase = Phase::Rest { pose, view: Some(0), since: 0.0, until, tremor: 0.0, shaken: None };
        Self { views, turns, reach, phase, planned: Vec::new() }
    }

    pub fn truth(&self) -> Truth {
        match self.phase {
            Phase::Rest { view, since, .. } => Truth::Resting { view, since },
            Phase::Turn { view, .. } => Truth::Turning { to: view },
        }
    }

    /// The pose at `now`.
    pub fn pose(&self, dice: &mut Dice, now: f32) -> Pose {
        match &self.phase {
            Phase::Rest { pose, since, tremor, shaken, .. } => {
                let shaken = shaken.map_or(0.0, |(_, by)| by);
                let tremor = tremor * (-(now - since) / p::AFTER_TREMOR_FADES).exp();
                trembling(dice, *pose, if tremor < 0.02 { shaken } else { tremor + shaken })
            }
            Phase::Turn { from, to, begun, ends, overshoot, tremor, arm, .. } => {
                let t = ((now - begun) / (ends - begun)).clamp(0.0, 1.0);
                let eased = t * t * (3.0 - 2.0 * t);
                let way = eased + overshoot * (t * std::f32::consts::PI).sin() * t;
                let between = |a: f32, b: f32| a + (b - a) * way;
                let swing = arm * (t * std::f32::consts::PI).sin();
                let pose = Pose {
                    yaw: from.yaw + around(to.yaw - from.yaw) * way,
                    pitch: between(from.pitch, to.pitch),
                    roll: between(from.roll, to.roll),
                    shift: [
                        between(from.shift[0], to.shift[0]) + swing,
                        between(from.shift[1], to.shift[1]) + swing / 2.0,
                    ],
                };
                trembling(dice, pose, *tremor)
            }
        }
    }

    /// True when the camera has come to rest just now.
    pub fn step(&mut self, dice: &mut Dice, now: f32, seconds: f32) -> bool {
        match &mut self.phase {
            Phase::Rest { pose, until, shaken, .. } => {
                if shaken.is_some_and(|(ends, _)| now > ends) {
                    *shaken = None;
                } else if dice.happens(p::SHAKE_EVERY, seconds) {
                    *shaken = Some((now + dice.between(p::SHAKE_FOR), dice.between(p::SHAKE_BY)));
                }
                if self.turns && now > *until {
                    let from = *pose;
                    self.turn(dice, from, now);
                }
                false
            }
            Phase::Turn { to, view, ends, .. } if now >= *ends => {
                let (pose, view, since) = (*to, *view, *ends);
                let away = view.is_none() && !self.planned.is_empty();
                let until = since + dice.between(if away { (0.4, 2.5) } else { p::STAY });
                let tremor = dice.between(p::AFTER_TREMOR);
                self.phase = Phase::Rest { pose, view, since, until, tremor, shaken: None };
                true
            }
            Phase::Turn { .. } => false,
        }
    }

    fn turn(&mut self, dice: &mut Dice, from: Pose, now: f32) {
        let here = match self.phase {
            Phase::Rest { view, .. } | Phase::Turn { view, .. } => view,
        };
        let view = self.planned.pop().unwrap_or_else(|| {
            if dice.chance(p::TO_OTHER) {
                let others: Vec<usize> = (0..self.views.len()).filter(|view| Some(*view) != here).collect();
                return Some(others[dice.below(others.len())]);
            }
            if here.is_some() && dice.chance(p::TO_SAME / (1.0 - p::TO_OTHER)) {
                self.planned.push(here);
            }
            None
        });
        let to = match view {
            Some(view) => near(dice, self.views[view]),
            None => self.elsewhere(dice),
        };
        self.set_out(dice, (from, to), view, now);
    }

    /// Somebody turns it now, from where it stands to a taught view.
    pub fn turn_to(&mut self, dice: &mut Dice, view: usize, now: f32) {
        let (from, to) = (self.pose(dice, now), near(dice, self.views[view]));
        self.set_out(dice, (from, to), Some(view), now);
    }

    fn set_out(&mut self, dice: &mut Dice, (from, to): (Pose, Pose), view: Option<usize>, now: f32) {
        let ends = now + dice.between(p::TURN);
        let (overshoot, tremor) = (dice.between(p::OVERSHOOT), dice.between(p::HAND_TREMOR));
        self.phase = Phase::Turn { from, to, view, begun: now, ends, overshoot, tremor, arm: dice.between(p::ARM) };
    }

    fn elsewhere(&self, dice: &mut Dice) -> Pose {
        let mut pose = Pose::default();
        for _ in 0..200 {
            pose = Pose {
                yaw: dice.sign() * self.reach,
                pitch: dice.between((p::TABLE_PITCH.0, p::OFFICE_PITCH.1 + 8.0)).to_radians(),
                roll: dice.sign() * 0.05,
                shift: [dice.sign() * 0.1, dice.sign() * 0.1],
            };
            let far = |view: &Pose| {
                around(pose.yaw - view.yaw).abs() > p::WRONG_YAW.to_radians()
                    || (pose.pitch - view.pitch).abs() > p::WRONG_PITCH.to_radians()
            };
            if self.views.iter().all(far) {
                break;
            }
        }
        pose
    }
}

/// The taught pose, as a hand finds it again.
fn near(dice: &mut Dice, pose: Pose) -> Pose {
    Pose {
        yaw: pose.yaw + dice.sign() * p::RETURN_YAW.to_radians(),
        pitch: pose.pitch + dice.sign() * p::RETURN_PITCH.to_radians(),
        roll: pose.roll + dice.sign() * p::RETURN_ROLL.to_radians(),
        shift: pose.shift.map(|shift| shift + dice.sign() * p::RETURN_SHIFT),
    }
}

fn trembling(dice: &mut Dice, pose: Pose, degrees: f32) -> Pose {
    if degrees <= 0.0 {
        return pose;
    }
    let by = degrees.to_radians();
    Pose {
        yaw: pose.yaw + dice.sign() * by,
        pitch: pose.pitch + dice.sign() * by,
        roll: pose.roll + dice.sign() * by / 2.0,
        ..pose
    }
}
