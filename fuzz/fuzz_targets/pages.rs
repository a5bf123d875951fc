//! Whatever a worker that a document took over says, and whatever a worker hears: an error or words that can themselves be said.
//!
//! `cargo +nightly fuzz run pages -- -max_len=65536`

#![no_main]

use engawa::pages::Drawing;
use engawa::pages::wire::{Answer, Kind, Order};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Kind::of(bytes);
    let mut rest = bytes;
    while let Ok(Some(order)) = Order::read(&mut rest) {
        let mut said = Vec::new();
        order.write(&mut said).expect("a heard order can be given");
        assert_eq!(Order::read(&mut said.as_slice()).expect("heard again"), Some(order));
    }
    let asked = Drawing::whole(0, 8, 8);
    let mut rest = bytes;
    while let Ok(answer) = Answer::read(&mut rest, Some(&asked)) {
        let mut said = Vec::new();
        answer.write(&mut said).expect("a heard answer can be given");
        assert_eq!(Answer::read(&mut said.as_slice(), Some(&asked)).expect("heard again"), answer);
    }
});
