//! Whatever a worker that a document took over says, and whatever a worker hears: an error or words that can themselves be said.
//!
//! `cargo +nightly fuzz run pages -- -max_len=65536`

#![no_main]

#[path = "../judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    judge::pages(bytes);
});
