//! The test line: two rooms and what lies between them, in network namespaces.
//!
//! ```text
//!   namespace a            namespace m (middle)               namespace b
//!   ┌─────────┐      ┌──────────────────────────────┐      ┌─────────┐
//!   │  eth0   ├──────┤ to_a   switch or router to_b ├──────┤  eth0   │
//!   └─────────┘      │        (user-space router,   │      └─────────┘
//!    box / peer      │         man in the middle)   │       box / peer
//!                    └──────────────────────────────┘
//! ```
//!
//! Faults are made where a real network makes them: packets are lost on the way in (prerouting), never at the sender's
//! `sendto`; a cable is pulled at the far end of the veth, so that the near end sees its carrier go. Everything made here
//! is gone when its guard is dropped, also on panic; what a killed run left behind is swept by the next one.
#![allow(dead_code, reason = "each test binary uses a part of the test line")]
#![allow(unreachable_pub, missing_docs, reason = "test support has no outside")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "test support: a failure is a failed test")]
#![allow(
    clippy::disallowed_methods,
    reason = "the test line is outside the core: it waits in real time, with deadlines"
)]

pub mod boxes;
pub mod capture;
pub mod display;
pub mod guest;
pub mod lab;
pub mod mitm;
pub mod namespace;
pub mod needs;
pub mod packet;
pub mod recovery;
pub mod router;
pub mod screen;
pub mod senses;
pub mod srtp;
pub mod watch;
pub mod wire;

use std::time::{Duration, Instant};

/// Asks `ready` every 5 ms until it gives a value or `limit` is over.
pub fn wait_for<T>(limit: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = ready() {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The machine's monotonic clock, nanoseconds: the same as in a status.
pub fn now_ns() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).unwrap();
    u64::try_from(now.tv_sec()).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec()).unwrap()
}

/// Lets the world go on for a while.
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// A small seeded generator (SplitMix64): the same seed gives the same weather on every machine.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    pub fn share(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
