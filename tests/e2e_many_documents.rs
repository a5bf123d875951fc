//! Documents come and go all day: neither box keeps anything of them. `cargo bench --bench endurance` goes further.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it took"
)]

#[path = "pages_support/cycle.rs"]
mod cycle;
#[path = "pages_support/kiosk_screen.rs"]
mod kiosk_screen;
mod pages_support;
mod support;

use cycle::{children_of, open_and_close, resident_mb, size_of, text_pages};
use kiosk_screen::{LIMIT, rooms};
use support::lab::End;
use support::wait_for;

#[test]
fn documents_that_come_and_go_leave_no_memory_no_process_and_no_file() {
    let (mut pair, _screens) = rooms();
    pair.wait_up(LIMIT);
    let daemons = End::BOTH.map(|end| pair.daemon(end).pid());
    let documents: Vec<Vec<u8>> = (0..5).map(|seed| text_pages(10, seed)).collect();
    let size = |pair: &support::boxes::Pair<'_>| End::BOTH.map(|end| size_of(&pair.state_directory(end)));
    let (mut resident, mut files) = ([0.0; 2], [0; 2]);
    for turn in 0..15 {
        // The first five warm up: fonts, threads and caches.
        if turn == 5 {
            (resident, files) = (daemons.map(resident_mb), size(&pair));
        }
        open_and_close(&pair, turn, "plan.pdf", &documents[turn % 5]);
    }
    let (resident_after, files_after) = (daemons.map(resident_mb), size(&pair));
    println!("resident {resident:.0?} → {resident_after:.0?} MB, files {files:?} → {files_after:?} bytes");
    let idle = || daemons.iter().all(|daemon| children_of(*daemon) == 0).then_some(());
    assert!(wait_for(LIMIT, idle).is_some(), "a worker is left");
    for end in [0, 1] {
        assert!(resident_after[end] < resident[end] + 40.0, "{resident:?} → {resident_after:?} MB");
        // Only the ledger and the count of presses grow.
        assert!(files_after[end] < files[end] + 20_000, "{files:?} → {files_after:?} bytes");
    }
}
