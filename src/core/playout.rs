//! The arithmetic of playout: clock offset, capture time, jitter, and how to correct delay. Pure; media carries it out.
//!
//! ```text
//!  heartbeats ─▶ ClockOffset ─▶ Alignment ─▶ CaptureClock ── captured_at(rtp) ──┬─▶ delay figures (Tally)
//!                                                                               │
//!  sound packets ─▶ VoiceBuffer ── Step + ratio ─▶ decode ─▶ Resampler ─▶ speaker
//!                       │ sound delay                                           │
//!                       └───────────▶ PictureHold ◀── decoded picture ──────────┘
//!                                         └── hand it over then
//! ```
//!
//! Sound is the master, picture follows. Delay is corrected by playing up to half a percent faster or slower and by
//! merging or repeating frames; no queue ever grows. Time is an argument everywhere.

mod capture;
mod follow;
mod hold;
mod jitter;
mod offset;
mod resample;
mod tally;
mod voice;

pub use capture::{CaptureClock, RtpUnwrap};
pub use follow::{Follower, Heard};
pub use hold::PictureHold;
pub use offset::ClockOffset;
pub use resample::{Resampler, cross_fade};
pub use tally::Tally;
pub use voice::{Sound, Step, VoiceBuffer};
