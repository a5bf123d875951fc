//! Every number of the generated world. FIXED BEFORE TUNING: written and committed before `src/core/turning.rs` had an algorithm.
//! Only ranges of seeds came later: more rooms for development after the first held-out run, and new held-out ones (RESULTS.md).
//! Pairs are the ends of a uniform range. Angles in degrees, lengths in metres, times in seconds.

use std::ops::RangeInclusive;

/// Rooms to look at while building.
pub const DEVELOPMENT: RangeInclusive<u64> = 1..=120;
/// Rooms for the report; run once. 1001 … 1040 were the first ones.
pub const HELD_OUT: RangeInclusive<u64> = 6001..=6040;
/// Rooms for the hour without any turn; run once. 2001 … 2020 were the first ones.
pub const HELD_OUT_REST: RangeInclusive<u64> = 7001..=7020;
/// Rooms of `tests/turning.rs`.
pub const HELD_OUT_TEST: RangeInclusive<u64> = 3001..=3016;

/// Pans over stills: over those of the clip's first half, and of its second; 4001 … 4020 were the first ones.
pub const STILLS_DEVELOPMENT: RangeInclusive<u64> = 5001..=5010;
pub const STILLS_HELD_OUT: RangeInclusive<u64> = 8001..=8020;

/// Between two thumbnails; and how much earlier or later one may be, and how often one is lost.
pub const STEP: f32 = 0.2;
pub const STEP_JITTER: f32 = 0.03;
pub const STEP_LOST: f32 = 0.01;

// The camera.
pub const FIELD_OF_VIEW: (f32, f32) = (58.0, 88.0);
pub const CAMERA_HEIGHT: (f32, f32) = (1.1, 1.7);
/// Yaw between the two taught views, either way; pitch of the office and of the table.
pub const VIEWS_APART: (f32, f32) = (28.0, 140.0);
pub const OFFICE_PITCH: (f32, f32) = (-10.0, 3.0);
pub const TABLE_PITCH: (f32, f32) = (-30.0, -6.0);
/// How far from the taught pose a hand sets the camera down (uniform, either way).
pub const RETURN_YAW: f32 = 3.5;
pub const RETURN_PITCH: f32 = 2.5;
pub const RETURN_ROLL: f32 = 1.8;
pub const RETURN_SHIFT: f32 = 0.04;
/// A wrong view is at least this far from every taught one, in yaw or in pitch.
pub const WRONG_YAW: f32 = 16.0;
pub const WRONG_PITCH: f32 = 14.0;
/// Duration of a turn; overshoot as a share of it; tremor of the hand while it turns, and of the stand after.
pub const TURN: (f32, f32) = (0.5, 2.8);
pub const OVERSHOOT: (f32, f32) = (0.0, 0.12);
pub const HAND_TREMOR: (f32, f32) = (0.1, 0.8);
pub const AFTER_TREMOR: (f32, f32) = (0.0, 0.5);
pub const AFTER_TREMOR_FADES: f32 = 0.3;
/// The camera swings on its arm while it turns.
pub const ARM: (f32, f32) = (0.0, 0.25);
/// Length of a stay.
pub const STAY: (f32, f32) = (7.0, 32.0);
/// Where the next turn goes: the other taught view; back to the same after a look away; else nowhere known.
pub const TO_OTHER: f32 = 0.6;
pub const TO_SAME: f32 = 0.1;
/// Desk shaken: every, for, by.
pub const SHAKE_EVERY: f32 = 25.0;
pub const SHAKE_FOR: (f32, f32) = (0.4, 2.5);
pub const SHAKE_BY: (f32, f32) = (0.2, 1.6);

// The sensor.
/// Seconds for the exposure to follow; how far its target wanders (share); the most it may amplify.
pub const EXPOSURE_FOLLOWS: (f32, f32) = (0.3, 2.0);
pub const EXPOSURE_WANDERS: f32 = 0.25;
pub const MOST_GAIN: f32 = 12.0;
pub const WHITE_BALANCE: f32 = 0.2;
/// Noise of a thumbnail's pixel, in steps of 255, at low gain; it grows with the gain.
pub const NOISE: (f32, f32) = (0.5, 2.0);
pub const NOISE_PER_GAIN: f32 = 0.4;
/// The focus hunts after a turn: share of the picture that is blurred, and for how long.
pub const FOCUS_BLUR: (f32, f32) = (0.0, 1.0);
pub const FOCUS_FOR: (f32, f32) = (0.0, 0.9);
/// Exposure time for blur in motion.
pub const SHUTTER: f32 = 0.033;

// The room.
/// Multiplies the counts of things: a bare room to a full one.
pub const CLUTTER: (f32, f32) = (0.35, 1.3);
pub const WALL_DEPTH: (f32, f32) = (3.5, 7.0);
pub const WINDOWS: (usize, usize) = (1, 5);
pub const FURNITURE: (usize, usize) = (14, 30);
pub const DESKS: (usize, usize) = (5, 12);
pub const SMALL_THINGS: (usize, usize) = (15, 40);
/// Rooms in which the furniture is a row of the same.
pub const REPETITIVE: f32 = 0.3;
/// Between the lesson and the day that is played: things moved or gone, share of the small ones.
pub const MOVED_SINCE_TAUGHT: f32 = 0.3;
pub const MOVED_EVERY: f32 = 60.0;

// Light.
pub const DAYLIGHT: (f32, f32) = (0.06, 1.6);
pub const DAYLIGHT_WANDERS: f32 = 0.02;
pub const CLOUD_EVERY: f32 = 35.0;
pub const CLOUD_FOR: (f32, f32) = (0.4, 6.0);
pub const CLOUD_BY: (f32, f32) = (0.35, 2.6);
pub const SUN: f32 = 0.35;
pub const BANK_EVERY: f32 = 45.0;
pub const BANK_ON: f32 = 0.75;
/// At least this much light, daylight and banks together, or a bank goes on again.
pub const LEAST_LIGHT: f32 = 0.35;
pub const BLIND_EVERY: f32 = 45.0;
pub const BLIND_FOR: (f32, f32) = (1.0, 7.0);
pub const SCREEN_CHANGES: f32 = 12.0;

// People.
pub const SITTERS: (usize, usize) = (0, 6);
pub const WALKER_EVERY: f32 = 9.0;
pub const WALKER_DEPTH: (f32, f32) = (0.9, 4.5);
pub const WALKER_SPEED: (f32, f32) = (0.5, 1.6);
/// Whoever turns the camera stands at the edge of its picture afterwards: how near, how much of the width, how long.
pub const TURNER_DEPTH: (f32, f32) = (0.5, 0.9);
pub const TURNER_COVERS: (f32, f32) = (0.0, 0.4);
pub const TURNER_STAYS: (f32, f32) = (0.0, 4.0);
/// Somebody comes close to the lens or lays something before it, never in the first seconds after a turn.
pub const COVERED_EVERY: f32 = 70.0;
pub const COVERED_FOR: (f32, f32) = (0.5, 4.0);
pub const COVERED_SHARE: (f32, f32) = (0.4, 1.0);
pub const COVERED_NOT_BEFORE: f32 = 3.0;

// Stills: how far views lie from each other in a picture that is spread over 120°.
pub const STILL_WIDTH: f32 = 120.0;
pub const STILL_FIELD_OF_VIEW: (f32, f32) = (44.0, 56.0);
pub const STILL_YAW: (f32, f32) = (16.0, 28.0);
pub const STILL_PITCH: (f32, f32) = (-12.0, 12.0);
