//! What a ray of light meets: a generated room or a still.

use super::room::Room;
use super::still::Still;

/// Where light comes from: daylight, sun, three banks of lamps, screens.
pub const SOURCES: usize = 6;
pub const DAY: usize = 0;
pub const SUN: usize = 1;
pub const BANKS: std::ops::Range<usize> = 2..5;
pub const SCREENS: usize = 5;

/// One ray's end.
#[derive(Clone, Copy)]
pub struct Texel {
    /// The ray's own direction, radians.
    pub azimuth: f32,
    pub elevation: f32,
    /// Metres.
    pub depth: f32,
    pub colour: [f32; 3],
    /// How much of each source it sends back.
    pub sends: [f32; SOURCES],
    pub living: Living,
}

/// What changes without being moved.
#[derive(Clone, Copy)]
pub enum Living {
    No,
    /// A window and how far down (0 … 1) this is.
    Window(usize, f32),
    /// A computer's screen and a cell of it.
    Screen(usize, i32, i32),
}

/// The world in front of the camera.
pub enum Scene {
    Room(Room),
    Still(Still),
}

impl Scene {
    /// What is seen in a direction from a camera that stands `shift` metres (right, up) from its usual place.
    pub fn texel(&self, azimuth: f32, elevation: f32, shift: [f32; 2]) -> Texel {
        match self {
            Self::Room(room) => room.texel(azimuth, elevation, shift),
            Self::Still(still) => still.texel(azimuth, elevation, shift),
        }
    }

    pub fn windows(&self) -> usize {
        match self {
            Self::Room(room) => room.windows(),
            Self::Still(_) => 0,
        }
    }
}

/// The way round from one direction to another, −π … π.
pub fn around(difference: f32) -> f32 {
    use std::f32::consts::{PI, TAU};
    (difference + PI).rem_euclid(TAU) - PI
}
