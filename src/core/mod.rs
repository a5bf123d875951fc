//! The pure core: news and time in, wishes out. It reads no clock, socket, file or random number.

pub mod budget;
pub mod input;
pub mod output;
pub mod plan;
pub mod playout;
pub mod sentence;
pub mod signal;
pub mod snapshot;
