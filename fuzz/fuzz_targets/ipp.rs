//! Whatever a PC sends to the printer, and asks of it by multicast: an error, or a message that can itself be sent.
//!
//! `cargo +nightly fuzz run ipp -- -max_len=65536`

#![no_main]

#[path = "../judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    judge::ipp(bytes);
    judge::announcement(bytes);
});
