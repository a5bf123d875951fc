//! Engawa: a pair of kiosk boxes that keeps two offices open to each other.
//!
//! ```text
//!            keys · page · CLI           sockets            GStreamer
//!                  │                        │                   │
//!    panel ─┐   system ─┐   trunk ─┐   peer ─┐   media ─┐       (adapters: never import each other)
//!           └───────────┴──────────┴── inbox ┴──────────┘
//!                                      │ Input, News
//!                                   runtime  — one loop, the only room that knows core and adapters
//!                                      │ handle(input, now) → poll_output()
//!                                    core    — pure: std + model, no clock, no I/O, no lock
//! ```
//!
//! Beside them `durable`: state files that survive a power cut, std only; `asking`: people's questions and answers as JSON.
//!
//! Direction: `main → cli → runtime → {core, adapters}`; adapters → `core::{input, output, plan, snapshot, signal, playout,
//! sentence, face, request, ledger, memory, lesson, share, agreement}`, `inbox`, `questions`, `asking`, `config`, `durable` and `model`; `core → model → std`. gst/glib
//! only in `peer` and `media`; tokio only in
//! `runtime`, `inbox`, `questions`, `trunk`, `panel`, `system`, `cli`. `tests/house.rs` reads the `use crate::` lines and holds this.

pub mod asking;
pub mod cli;
pub mod config;
pub mod core;
pub mod durable;
pub mod inbox;
pub mod logging;
pub mod media;
pub mod model;
pub mod panel;
pub mod peer;
pub mod questions;
pub mod runtime;
pub mod system;
pub mod trunk;
