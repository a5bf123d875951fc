//! One file, one pipeline with its own bus and restart.

mod admission;
pub mod camera;
mod composer;
mod decoder;
pub mod devices;
mod display;
pub mod encoder;
pub mod face;
pub(crate) mod feed;
pub(crate) mod life;
mod loudness;
pub mod microphone;
mod outlet;
pub mod picture;
pub mod playout;
pub mod room;
pub mod screen;
pub mod source;
mod speaker;
mod stage;
pub mod stamp;
pub mod stamps;
pub(crate) mod test_voice;
pub mod voice;
mod voice_decoder;
