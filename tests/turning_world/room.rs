//! A room all around the camera: walls, windows, furniture, desks with screens, small things, each at its own depth.

use super::dice::{Dice, hashed, smooth_noise};
use super::params as p;
use super::scene::{BANKS, DAY, Living, SCREENS, SOURCES, SUN, Texel, around};
use std::f32::consts::TAU;

/// Everything that stands still, until it is moved.
pub struct Room {
    seed: u32,
    wall: f32,
    height: f32,
    corners: [f32; 4],
    walls: [[f32; 3]; 4],
    banks: [f32; 3],
    /// Near ones first.
    patches: Vec<Patch>,
    sun: [f32; 4],
}

/// A rectangle that faces the camera. Angles in radians.
#[derive(Clone)]
struct Patch {
    depth: f32,
    azimuth: f32,
    elevation: f32,
    half_width: f32,
    half_height: f32,
    colour: [f32; 3],
    texture: Texture,
    kind: Kind,
    seed: u32,
}

#[derive(Clone, Copy)]
enum Texture {
    Plain,
    Noise(f32),
    Stripes(f32),
    Shelves,
    Lines,
    Grid(f32),
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Fixed,
    Small,
    Window(usize),
    Screen(usize),
}

impl Room {
    pub fn new(dice: &mut Dice) -> Self {
        let clutter = dice.between(p::CLUTTER);
        let grey = dice.between((0.3, 0.8));
        let tint = [dice.between((0.9, 1.1)), 1.0, dice.between((0.85, 1.1))];
        let mut room = Self {
            seed: dice.next() as u32,
            wall: dice.between(p::WALL_DEPTH),
            height: dice.between(p::CAMERA_HEIGHT),
            corners: [0.0, 1.0, 2.0, 3.0].map(|side: f32| side * TAU / 4.0 + dice.sign() * 0.4),
            walls: [(); 4].map(|()| {
                let shade = grey * dice.between((0.8, 1.2));
                tint.map(|tint| (tint * shade).min(0.95))
            }),
            banks: [(); 3].map(|()| dice.between((0.0, TAU))),
            patches: Vec::new(),
            sun: [
                dice.between((0.0, TAU)),
                dice.between((-0.6, 0.0)),
                dice.between((0.1, 0.5)),
                dice.between((0.05, 0.3)),
            ],
        };
        room.furnish(dice, clutter);
        room.sort();
        room
    }

    fn furnish(&mut self, dice: &mut Dice, clutter: f32) {
        let many = |dice: &mut Dice, range| (dice.count(range) as f32 * clutter).round() as usize;
        for window in 0..dice.count(p::WINDOWS) {
            let (half_width, half_height) = (dice.between((0.1, 0.4)), dice.between((0.1, 0.3)));
            let shade = dice.between((0.5, 1.0));
            let patch = self.patch(dice, self.wall * 0.99, [half_width, half_height], Kind::Window(window));
            let elevation = dice.between((0.0, 0.25));
            self.patches.push(Patch { elevation, colour: [shade, shade, shade * 1.1], ..patch });
        }
        let same = dice.chance(p::REPETITIVE).then(|| {
            let size = [dice.between((0.06, 0.2)), dice.between((0.1, 0.4))];
            self.patch(dice, self.wall * 0.9, size, Kind::Fixed)
        });
        let start = dice.between((0.0, TAU));
        for at in 0..many(dice, p::FURNITURE) {
            let depth = self.wall * dice.between((0.5, 0.98));
            let size = [dice.between((0.03, 0.3)), dice.between((0.05, 0.4))];
            let patch = match &same {
                Some(same) => Patch { azimuth: start + at as f32 * same.half_width * 2.1, ..same.clone() },
                None => self.patch(dice, depth, size, Kind::Fixed),
            };
            let elevation = if same.is_some() { patch.elevation } else { dice.between((-0.5, 0.3)) };
            self.patches.push(Patch { elevation, ..patch });
        }
        for desk in 0..many(dice, p::DESKS) {
            let depth = dice.between((1.3, self.wall * 0.7));
            let top = -((self.height - 0.72) / depth).atan();
            let half_height = dice.between((0.05, 0.3));
            let size = [dice.between((0.2, 0.6)) / depth, half_height];
            let patch = self.patch(dice, depth, size, Kind::Fixed);
            let patch = Patch { elevation: top - half_height, ..patch };
            for _ in 0..dice.count((0, 2)) {
                let half = [0.28 / depth, 0.17 / depth];
                let screen = self.patch(dice, depth * 0.98, half, Kind::Screen(desk));
                let azimuth = patch.azimuth + dice.sign() * patch.half_width;
                self.patches.push(Patch { azimuth, elevation: top + half[1] * 1.3, ..screen });
            }
            self.patches.push(patch);
        }
        for _ in 0..many(dice, p::SMALL_THINGS) {
            let depth = dice.between((0.9, self.wall * 0.8));
            let size = [dice.between((0.04, 0.3)) / depth, dice.between((0.04, 0.4)) / depth];
            let patch = self.patch(dice, depth, size, Kind::Small);
            let elevation = dice.between((-0.7, 0.05));
            self.patches.push(Patch { elevation, ..patch });
        }
    }

    fn patch(&self, dice: &mut Dice, depth: f32, [half_width, half_height]: [f32; 2], kind: Kind) -> Patch {
        let shade = dice.between((0.03, 0.9));
        let texture = match dice.below(7) {
            0 | 1 => Texture::Plain,
            2 => Texture::Noise(dice.between((0.2, 0.9))),
            3 => Texture::Stripes(dice.between((2.0, 9.0))),
            4 => Texture::Shelves,
            5 => Texture::Lines,
            _ => Texture::Grid(dice.between((2.0, 6.0))),
        };
        let azimuth = dice.between((0.0, TAU));
        let colour =
            [shade * dice.between((0.6, 1.4)), shade, shade * dice.between((0.6, 1.4))].map(|c: f32| c.min(0.95));
        let seed = dice.next() as u32;
        Patch { depth, azimuth, elevation: 0.0, half_width, half_height, colour, texture, kind, seed }
    }

    fn sort(&mut self) {
        self.patches.sort_by(|a, b| a.depth.total_cmp(&b.depth));
    }

    /// Somebody moves this share of the small things, or takes them away.
    pub fn move_things(&mut self, dice: &mut Dice, share: f32) {
        for patch in self.patches.iter_mut().filter(|patch| patch.kind == Kind::Small) {
            if dice.chance(share) {
                patch.azimuth += dice.sign() * 0.5;
                patch.elevation = (patch.elevation + dice.sign() * 0.1).min(0.05);
                if dice.chance(0.3) {
                    patch.azimuth = dice.between((0.0, TAU));
                }
            }
        }
    }

    pub fn windows(&self) -> usize {
        self.patches.iter().filter(|patch| matches!(patch.kind, Kind::Window(_))).count()
    }

    /// What a ray meets first; near things shift more than far ones.
    pub fn texel(&self, azimuth: f32, elevation: f32, shift: [f32; 2]) -> Texel {
        for patch in &self.patches {
            let u = around(azimuth + shift[0] / patch.depth - patch.azimuth) / patch.half_width;
            let v = (elevation + shift[1] / patch.depth - patch.elevation) / patch.half_height;
            if u.abs() <= 1.0 && v.abs() <= 1.0 {
                return self.patch_texel(patch, azimuth, elevation, u, v);
            }
        }
        self.shell(azimuth, elevation, shift)
    }

    fn patch_texel(&self, patch: &Patch, azimuth: f32, elevation: f32, u: f32, v: f32) -> Texel {
        let shade = patch.texture.at(patch.seed, u, v);
        let colour = patch.colour.map(|part| part * shade);
        let (mut sends, mut living) = (self.lit(azimuth, elevation), Living::No);
        match patch.kind {
            Kind::Fixed | Kind::Small => {}
            Kind::Window(window) => {
                sends = [0.0; SOURCES];
                // Sky above, a street below.
                let outside = if v > 0.1 { 1.0 } else { 0.25 + 0.5 * smooth_noise(patch.seed, u * 4.0, v * 4.0) };
                sends[DAY] = 5.0 * outside;
                living = Living::Window(window, (1.0 - v) / 2.0);
            }
            Kind::Screen(screen) => {
                sends = sends.map(|sent| sent * 0.1);
                sends[SCREENS] = 0.6;
                living = Living::Screen(screen, (u * 2.0).floor() as i32, (v * 2.0).floor() as i32);
            }
        }
        Texel { azimuth, elevation, depth: patch.depth, colour, sends, living }
    }

    /// Walls, floor, ceiling.
    fn shell(&self, azimuth: f32, elevation: f32, shift: [f32; 2]) -> Texel {
        let azimuth_there = azimuth + shift[0] / self.wall;
        let elevation_there = elevation + shift[1] / self.wall;
        let (floor, ceiling) = (-(self.height / self.wall).atan(), ((2.7 - self.height) / self.wall).atan());
        let mut sends = self.lit(azimuth, elevation);
        let (depth, colour) = if elevation_there < floor {
            let depth = self.height / -elevation.tan().min(-0.01);
            let (x, y) = (azimuth.sin() * depth + shift[0], azimuth.cos() * depth + shift[1]);
            let tile = hashed(self.seed ^ 1, (x * 2.0).floor() as i32, (y * 2.0).floor() as i32);
            (depth, [0.22 + 0.08 * tile; 3])
        } else if elevation_there > ceiling {
            let depth = (2.7 - self.height) / elevation.tan().max(0.01);
            let (x, y) = (azimuth.sin() * depth + shift[0], azimuth.cos() * depth + shift[1]);
            let lamp = (x / 1.8).rem_euclid(1.0) < 0.15 && (y / 2.4).rem_euclid(1.0) < 0.5;
            if lamp {
                BANKS.for_each(|bank| sends[bank] *= 8.0);
            }
            (depth, [0.75; 3])
        } else {
            let turned = |corner: f32| around(azimuth_there - corner).rem_euclid(TAU);
            let side = (0..4).min_by(|a, b| turned(self.corners[*a]).total_cmp(&turned(self.corners[*b]))).unwrap_or(0);
            let stain = 0.94 + 0.12 * smooth_noise(self.seed, azimuth_there * 6.0, elevation_there * 6.0);
            let skirting = if elevation_there < floor + 0.03 { 0.5 } else { 1.0 };
            (self.wall, self.walls[side].map(|part| part * stain * skirting))
        };
        Texel { azimuth, elevation, depth, colour, sends, living: Living::No }
    }

    fn lit(&self, azimuth: f32, elevation: f32) -> [f32; SOURCES] {
        let near = |to: f32, wide: f32| (-(around(azimuth - to) / wide).powi(2)).exp();
        let mut sends = [0.0; SOURCES];
        let windows = self.patches.iter().filter(|patch| matches!(patch.kind, Kind::Window(_)));
        sends[DAY] = 0.15 + windows.map(|window| 0.35 * near(window.azimuth + 1.0, 1.2)).sum::<f32>();
        let [sun_azimuth, sun_elevation, wide, high] = self.sun;
        let slant = around(azimuth - sun_azimuth - (elevation - sun_elevation) * 0.5).abs();
        let in_sun = slant < wide && (elevation - sun_elevation).abs() < high;
        sends[SUN] = if in_sun { 2.0 } else { 0.05 };
        for (bank, at) in BANKS.zip(self.banks) {
            sends[bank] = 0.12 + 0.45 * near(at, 1.0);
        }
        sends[SCREENS] = 0.01;
        sends
    }
}

impl Texture {
    /// A factor around 1; `u`, `v` run from −1 to 1.
    fn at(self, seed: u32, u: f32, v: f32) -> f32 {
        match self {
            Self::Plain => 1.0,
            Self::Noise(contrast) => 1.0 - contrast / 2.0 + contrast * smooth_noise(seed, u * 4.0, v * 4.0),
            Self::Stripes(count) => {
                if (u * count).rem_euclid(1.0) < 0.4 {
                    0.6
                } else {
                    1.1
                }
            }
            Self::Shelves => {
                let shelf = (v * 2.5).floor();
                let book = (u * 8.0 + hashed(seed, 0, shelf as i32)).floor();
                if (v * 2.5).rem_euclid(1.0) < 0.12 { 0.3 } else { 0.3 + hashed(seed, book as i32, shelf as i32) }
            }
            Self::Lines => {
                let line = (v * 6.0).floor() as i32;
                let word = hashed(seed, (u * 7.0).floor() as i32, line) > 0.35;
                if word && (v * 6.0).rem_euclid(1.0) < 0.5 { 0.4 } else { 1.2 }
            }
            Self::Grid(count) => {
                let edge = |at: f32| (at * count).rem_euclid(1.0) < 0.15;
                if edge(u) || edge(v) { 0.5 } else { 1.0 }
            }
        }
    }
}
