//! Whatever a browser asks, in the body or in the address: refused, or a wish that can itself be asked.
//!
//! `cargo +nightly fuzz run browser -- -max_len=16384`

#![no_main]

#[path = "../judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    judge::wish(bytes);
    judge::address(bytes);
});
