//! Offers of live shares, and the datagrams that follow them.
//!
//! `cargo +nightly fuzz run offer -- -max_len=16384`

#![no_main]
#![allow(clippy::disallowed_methods, reason = "the moment does not matter")]

#[path = "../judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    judge::offer(bytes, std::time::Instant::now());
});
