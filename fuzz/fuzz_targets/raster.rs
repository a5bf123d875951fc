//! Whatever a PC sends as a drawn page: refused, or pages with as many pixels as were promised.
//!
//! `cargo +nightly fuzz run raster -- -max_len=65536`

#![no_main]

#[path = "../judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    judge::raster(bytes);
});
