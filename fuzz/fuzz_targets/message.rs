//! Whatever the peer sends: an error or a message that can itself be sent, and never a panic.
//!
//! `cargo +nightly fuzz run message -- -max_len=65536`, with `tests/golden` as seeds (without their four bytes of length).

#![no_main]

use engawa::trunk::message::{
    decode_bulk, decode_hello, decode_signal, encode_bulk, encode_hello, encode_signal, LENGTH_BYTES,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(hello) = decode_hello(bytes) {
        let frame = encode_hello(&hello).expect("a heard hello can be said");
        assert_eq!(decode_hello(&frame[LENGTH_BYTES..]), Ok(hello));
    }
    if let Ok(Some(signal)) = decode_signal(bytes) {
        let frame = encode_signal(&signal).expect("a heard signal can be said");
        assert_eq!(decode_signal(&frame[LENGTH_BYTES..]), Ok(Some(signal)));
    }
    if let Ok(Some(message)) = decode_bulk(bytes) {
        let frame = encode_bulk(&message).expect("a heard message can be said");
        assert_eq!(decode_bulk(&frame[LENGTH_BYTES..]), Ok(Some(message)));
    }
});
