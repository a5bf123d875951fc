//! Daylight, clouds, sun, banks of lamps, blinds, screens: what they are now, and how they change.

use super::dice::{Dice, hashed};
use super::params as p;
use super::scene::{BANKS, DAY, Living, SCREENS, SOURCES, SUN, Texel};

/// All light at one time.
pub struct Lights {
    day: f32,
    cloud: Ramp,
    sun: bool,
    banks: [bool; 3],
    blinds: Vec<Blind>,
    screens: u32,
}

struct Blind {
    /// How far down, 0 … 1.
    bottom: Ramp,
    /// How much passes the slats.
    passes: f32,
}

/// A value on its way to another.
struct Ramp {
    value: f32,
    to: f32,
    /// Per second.
    speed: f32,
}

impl Lights {
    pub fn new(dice: &mut Dice, windows: usize) -> Self {
        let blinds =
            (0..windows).map(|_| Blind { bottom: Ramp::at(dice.unit()), passes: dice.between((0.05, 0.6)) }).collect();
        let mut lights = Self {
            day: dice.between(p::DAYLIGHT),
            cloud: Ramp::at(1.0),
            sun: dice.chance(p::SUN),
            blinds,
            banks: [(); 3].map(|()| dice.chance(p::BANK_ON)),
            screens: dice.next() as u32,
        };
        lights.keep_some(dice);
        lights
    }

    pub fn step(&mut self, dice: &mut Dice, seconds: f32) {
        self.day = (self.day * (1.0 + dice.normal() * p::DAYLIGHT_WANDERS * seconds.sqrt()))
            .clamp(p::DAYLIGHT.0, p::DAYLIGHT.1);
        if dice.happens(p::CLOUD_EVERY, seconds) {
            self.cloud.go(dice.between(p::CLOUD_BY), dice.between(p::CLOUD_FOR));
            self.sun = dice.chance(p::SUN);
        }
        self.cloud.step(seconds);
        if dice.happens(p::BANK_EVERY, seconds) {
            if dice.chance(0.3) {
                let on = !self.banks[0];
                self.banks = [on; 3];
            } else {
                let bank = dice.below(3);
                self.banks[bank] ^= true;
            }
            self.keep_some(dice);
        }
        for blind in &mut self.blinds {
            if dice.happens(p::BLIND_EVERY, seconds) {
                blind.bottom.go(dice.unit(), dice.between(p::BLIND_FOR));
                blind.passes = dice.between((0.05, 0.6));
            }
            blind.bottom.step(seconds);
        }
        if dice.happens(p::SCREEN_CHANGES, seconds) {
            self.screens = dice.next() as u32;
        }
    }

    /// An office is never worked in without light.
    fn keep_some(&mut self, dice: &mut Dice) {
        let level = self.day + self.banks.iter().filter(|on| **on).count() as f32 * 0.4;
        if level < p::LEAST_LIGHT {
            let bank = dice.below(3);
            self.banks[bank] = true;
        }
    }

    /// How strong each source shines.
    pub fn levels(&self) -> [f32; SOURCES] {
        let mut levels = [0.0; SOURCES];
        levels[DAY] = self.day * self.cloud.value;
        levels[SUN] = if self.sun { levels[DAY] * self.cloud.value } else { 0.0 };
        for (bank, on) in BANKS.zip(self.banks) {
            levels[bank] = if on { 0.8 } else { 0.0 };
        }
        levels[SCREENS] = 0.5;
        levels
    }

    /// Linear red, green, blue of a texel under these levels.
    pub fn shade(&self, texel: &Texel, levels: &[f32; SOURCES]) -> [f32; 3] {
        let day = texel.sends[DAY] * levels[DAY] + texel.sends[SUN] * levels[SUN];
        let lamps: f32 = BANKS.map(|bank| texel.sends[bank] * levels[bank]).sum();
        let screens = texel.sends[SCREENS] * levels[SCREENS];
        let factor = match texel.living {
            Living::No => 1.0,
            Living::Window(window, down) => {
                self.blinds.get(window).map_or(1.0, |blind| if down < blind.bottom.value { blind.passes } else { 1.0 })
            }
            Living::Screen(screen, x, y) => 0.2 + 1.6 * hashed(self.screens ^ screen as u32, x, y),
        };
        let light = [
            0.95 * day + 1.08 * lamps + 0.9 * screens,
            day + lamps + screens,
            1.1 * day + 0.82 * lamps + 1.1 * screens,
        ];
        [0, 1, 2].map(|part| texel.colour[part] * light[part] * factor)
    }
}

impl Ramp {
    fn at(value: f32) -> Self {
        Self { value, to: value, speed: 0.0 }
    }

    fn go(&mut self, to: f32, within: f32) {
        self.to = to;
        self.speed = (to - self.value).abs() / within;
    }

    fn step(&mut self, seconds: f32) {
        let step = self.speed * seconds;
        self.value += (self.to - self.value).clamp(-step, step);
    }
}
