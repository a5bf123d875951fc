//! One file, one pipeline with its own bus and restart.

pub mod camera;
pub mod devices;
pub mod encoder;
pub(crate) mod feed;
pub(crate) mod life;
pub mod microphone;
pub mod source;
pub mod stamp;
pub(crate) mod voice;
