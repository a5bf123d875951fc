//! Pages: PDF, PNG, JPEG and what printers are sent made into pixels, in a process of their own that has no rights.
//!
//! ```text
//!   caller ── open(bytes) ──▶ Studio ── one attendant thread per document ──┐ orders, document bytes (pipe)
//!     ▲                                                                   ▼
//!     └── Opened · Picture · Refusal ◀── deadlines, restarts ◀── answers ── engawa draw-pages (worker)
//!                                                                   no files, no network, no new process,
//!                                                                   1 GB, killed on the first forbidden call
//! ```
//!
//! Relied on: whatever a document holds, the caller has a picture or a [`Refusal`] within [`OPEN_DEADLINE`] or
//! [`DRAW_DEADLINE`] of being served (both, when the worker died before), and nothing of the document is written anywhere. Deliberately absent: text, links, scripts, passwords.
//! The comparison of libraries that led here is in tests/bench/pages/README.md.

mod png;
mod studio;
pub mod wire;
pub mod worker;

pub use crate::core::share::Refusal;
pub use studio::{Document, Opened, Studio, Undrawn};
pub use wire::{Drawing, Kind, PageSize, Picture, Zone};
pub use worker::Trespass;

use std::time::Duration;

/// A document that is not open after this long is refused.
pub const OPEN_DEADLINE: Duration = Duration::from_secs(10);
/// A page that is not drawn after this long is refused.
pub const DRAW_DEADLINE: Duration = Duration::from_secs(10);
/// The longest document, in bytes.
pub const LONGEST_DOCUMENT: usize = 100 << 20;
/// The most pages of one document.
pub const MOST_PAGES: usize = 5_000;
/// The most parts of a document that are named as what its first page needs.
pub const MOST_PARTS: usize = 1_000;
/// The longest side of a drawn picture, in pixels.
pub const LONGEST_SIDE: u32 = 8_192;
/// The most pixels of one drawn picture: twice a 3840×2160 screen.
pub const MOST_PIXELS: u32 = 2 * 3_840 * 2_160;
