//! Whatever lies in the state directory after a power cut: read, or set aside, and never a panic.
//!
//! `cargo +nightly fuzz run files -- -max_len=65536`

#![no_main]

#[path = "../judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    judge::file(bytes);
    let home = std::env::temp_dir().join(format!("engawa-fuzz-{}", std::process::id()));
    judge::kept(bytes, &home);
});
