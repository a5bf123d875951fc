//! Updates without a network: a signed bundle comes to one place, is checked, is installed into the slot that does not run, and is
//! on trial until the other room was seen.
//!
//! ```text
//!   stick ─ fetch ─┐                     ┌─ wanted (check│install) ─▶ engawa-update.service: carry_out (root) ─▶ rauc info
//!   panel ─────────┼─▶ incoming.part ─▶ update.raucb                              │                            rauc install
//!   peer  ─────────┘    begin · write    finish: synced, renamed                  └─▶ report.json ◀─ status · panel · screen
//! ```
//! May be relied on: what is called `update.raucb` arrived whole; one bundle arrives at a time; a bundle too large, or one that would
//! leave the disk too full, is refused before its first byte; whatever is refused has a sentence in both languages. Nothing here
//! believes a bundle: RAUC does, by its signature, and only RAUC writes to a slot. Blocking: none of it belongs on the loop.

pub mod examine;
pub mod incoming;
mod passing;
pub mod place;
pub mod rauc;
pub mod refusal;
pub mod release;
pub mod report;
mod upload;

pub use incoming::Incoming;
pub use place::{Place, Whole, Wish};
pub use refusal::Refusal;
pub use report::{Report, Source, State};
pub use upload::{Asked, Unfinished};
