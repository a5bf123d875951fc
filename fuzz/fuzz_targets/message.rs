//! Whatever the peer sends: an error or a message that can itself be sent, and never a panic.
//!
//! `cargo +nightly fuzz run message -- -max_len=65536`, with `tests/golden` as seeds (without their four bytes of length).

#![no_main]

#[path = "../judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    judge::message(bytes);
});
