//! Engawa: a pair of kiosk boxes that keeps two offices open to each other.
//!
//! ```text
//!            keys · page · CLI           sockets            GStreamer
//!                  │                        │                   │
//!    panel ─┐ whip ─┐ printer ─┐ system ─┐ trunk ─┐ peer ─┐ media ─┐ pages ─┐  (adapters: never import each other)
//!           └───────┴──────────┴─────────┴ inbox ─┴───────┴────────┴────────┘
//!                                      │ Input, News
//!                                   runtime  — one loop, the only room that knows core and adapters
//!                                      │ handle(input, now) → poll_output()
//!                                    core    — pure: std + model, no clock, no I/O, no lock
//! ```
//!
//! `pages` draws documents in a process of its own that has no rights; it needs `core::share` and `model` only, and threads of
//! std. Beside them `durable`: state files that survive a power cut, std only; `asking`: people's questions and answers as
//! JSON; `live`: what a PC that shares its screen says and sends; `documents`: the bytes of shared documents, in memory only;
//! `door`: who of the room may come in; `confine`: a process gives up its rights. Any adapter may hold these.
//!
//! `provision` makes the files of new boxes and takes them, before there is a daemon to run: it stands above `trunk`'s keys.
//! `update` is the place where a bundle waits, whoever brought it, and what is told of it: files only, so any adapter may hold it.
//!
//! Direction: `main → cli → runtime → {core, adapters}`; adapters → `core::{input, output, plan, snapshot, signal, playout,
//! sentence, face, request, ledger, memory, lesson, share, notes, floor, live, prints, help, agreement}`, `inbox`, `questions`, `asking`,
//! `config`, `durable`, `documents`, `door`, `live`, `update` and `model`; `core → model → std`. gst/glib only in `peer` and `media`; tokio
//! only in `runtime`, `inbox`, `questions`, `documents`, `door`, `trunk`, `panel`, `printer`, `whip`, `system`, `cli`.
//! `tests/house.rs` reads the `use crate::` lines and holds this.

pub mod asking;
pub mod cli;
pub mod config;
pub mod confine;
pub mod core;
pub mod documents;
pub mod door;
pub mod durable;
pub mod inbox;
pub mod live;
pub mod logging;
pub mod media;
pub mod model;
pub mod pages;
pub mod panel;
pub mod peer;
pub mod printer;
pub mod provision;
pub mod questions;
pub mod runtime;
pub mod system;
pub mod trunk;
pub mod update;
pub mod whip;
