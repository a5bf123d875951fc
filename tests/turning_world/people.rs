//! People: who sit and sway, who walk through, and the one who turned the camera and still stands there.

use super::dice::{Dice, hashed};
use super::params as p;
use super::scene::{SOURCES, Texel, around};

/// One person, seen as a body and a head.
pub struct Person {
    depth: f32,
    azimuth: f32,
    /// Radians per second.
    speed: f32,
    /// Elevation of the crown and of the feet.
    top: f32,
    bottom: f32,
    half_width: f32,
    shirt: [f32; 3],
    hair: f32,
    pattern: u32,
    sway: f32,
    until: f32,
}

impl Person {
    pub fn sitting(dice: &mut Dice, azimuth: f32) -> Self {
        let depth = dice.between((1.0, 4.0));
        Self {
            sway: dice.between((0.05, 0.3)) / depth,
            ..Self::standing(dice, azimuth, depth, dice.clone().between((-0.15, 0.15)))
        }
    }

    /// Comes into the picture on one side and leaves on the other.
    pub fn walking(dice: &mut Dice, yaw: f32, field: f32, now: f32) -> Self {
        let depth = dice.between(p::WALKER_DEPTH);
        let speed = dice.between(p::WALKER_SPEED) / depth;
        let way = if dice.chance(0.5) { 1.0 } else { -1.0 };
        let path = field + 1.0 / depth + 0.4;
        let person = Self::standing(dice, yaw - way * path / 2.0, depth, 0.35);
        Self { speed: speed * way, until: now + path / speed, ..person }
    }

    /// Stands at the edge of the picture after having turned the camera.
    pub fn turner(dice: &mut Dice, yaw: f32, field: f32, now: f32) -> Self {
        let covers = field * dice.between(p::TURNER_COVERS);
        let side = if dice.chance(0.5) { 1.0 } else { -1.0 };
        let depth = dice.between(p::TURNER_DEPTH);
        let person = Self::standing(dice, yaw + side * (field - covers) / 2.0, depth, 0.3);
        Self { half_width: covers / 2.0, sway: 0.03, until: now + dice.between(p::TURNER_STAYS), ..person }
    }

    fn standing(dice: &mut Dice, azimuth: f32, depth: f32, above_eye: f32) -> Self {
        let shade = dice.between((0.02, 0.8));
        Self {
            depth,
            azimuth,
            speed: 0.0,
            top: (above_eye / depth).atan(),
            bottom: -(1.3 / depth).atan(),
            half_width: (dice.between((0.2, 0.3)) / depth).atan(),
            shirt: [shade * dice.between((0.6, 1.3)), shade, shade * dice.between((0.6, 1.3))],
            hair: dice.between((0.02, 0.2)),
            pattern: dice.next() as u32,
            sway: 0.0,
            until: f32::INFINITY,
        }
    }

    /// Moves on; false when gone.
    pub fn step(&mut self, dice: &mut Dice, now: f32, seconds: f32) -> bool {
        self.azimuth += self.speed * seconds;
        if dice.happens(2.0, seconds) {
            self.azimuth += self.sway * dice.sign();
        }
        now < self.until
    }

    /// Whether this person stands before `texel`, and in which colour.
    pub fn covers(&self, texel: &Texel) -> Option<Texel> {
        if self.depth > texel.depth || texel.elevation > self.top || texel.elevation < self.bottom {
            return None;
        }
        let u = around(texel.azimuth - self.azimuth) / self.half_width;
        let head = (0.24 / self.depth).atan();
        let down = (self.top - texel.elevation) / head;
        let colour = if down < 1.0 {
            // A face below hair.
            let wide = u * self.half_width / (head * 0.4);
            (wide.powi(2) + ((down - 0.5) * 2.0).powi(2) < 1.0).then_some(if down < 0.35 {
                [self.hair; 3]
            } else {
                [0.5, 0.38, 0.32]
            })
        } else {
            let fold = 0.7 + 0.6 * hashed(self.pattern, (u * 3.0).floor() as i32, down.floor() as i32);
            (u.abs() < 1.0).then(|| self.shirt.map(|part| part * fold))
        };
        let sends = [0.35, 0.1, 0.25, 0.25, 0.25, 0.03];
        debug_assert_eq!(sends.len(), SOURCES);
        colour.map(|colour| Texel { colour, sends, depth: self.depth, living: super::scene::Living::No, ..*texel })
    }
}
