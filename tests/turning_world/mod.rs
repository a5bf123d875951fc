//! A generated office for the recognition of turned cameras, seeded and without a clock.
//!
//! ```text
//!   params ─► Scene (room of layers, or a still) ─┐
//!             Lights, people, movables ───────────┼─► camera (pose, exposure, blur, noise) ─► 64×36 ─► Turning ─► judge
//!             script of turns ────────────────────┘
//! ```
//! `params` was fixed and committed before the recognition was written; the recognition was tuned on `DEVELOPMENT` seeds only.

#![allow(dead_code, reason = "the bench and the test use different parts")]

pub mod camera;
pub mod dice;
pub mod judge;
pub mod lights;
pub mod params;
pub mod people;
pub mod play;
pub mod room;
pub mod scene;
pub mod script;
pub mod still;
