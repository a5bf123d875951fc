//! One file, one pipeline with its own bus and restart.

mod decoder;
mod display;
mod outlet;
pub mod picture;
pub mod playout;
pub mod screen;
mod speaker;
mod stage;
pub mod voice;
