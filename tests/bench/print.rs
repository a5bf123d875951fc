//! How soon a print stands on both screens: cargo bench --bench print. Figures, not tests; on an idle machine, two minutes.
//!
//! Two daemons on loopback, screens of 1280×720 whose pictures are files. Ten pages of Japanese text as PDF, another file every time, printed by a member's PC with `ipptool`:
//! its process started → the first page on both screens. What a screen shows is found by reading its newest file every 5 ms.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench prints its figures and stops at the first surprise"
)]

#[path = "../pages_support/cycle.rs"]
mod cycle;
#[path = "../pages_support/guest_page.rs"]
mod guest_page;
#[path = "../pages_support/mod.rs"]
mod pages_support;
#[path = "../panel_support/mod.rs"]
mod panel_support;
#[path = "../printer_support/mod.rs"]
mod printer_support;
#[path = "../support/mod.rs"]
mod support;

use cycle::{ask, text_pages};
use engawa::pages::Drawing;
use serde_json::json;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};
use support::boxes::{Pair, Setup};
use support::lab::End;
use support::screen::Screen;
use support::watch::Busy;
use support::{pause, wait_for};

fn main() {
    let setup =
        Setup { ceiling_kbps: 20_000, size: "1280x720".into(), microphone: "closed".into(), ..Setup::default() };
    let mut pair = Pair::prepare(None, &setup);
    let panel = guest_page::give_a_panel(&pair, End::A);
    let printer = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    pair.configure(End::A, "printer", "enabled", "true");
    pair.configure(End::A, "printer", "port", &printer.port().to_string());
    let screens = End::BOTH.map(|end| Screen::open(&pair, end));
    pair.start_both();
    pair.wait_up(LIMIT);
    let busy = Busy::since_now();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _guest = runtime.block_on(guest_page::guest(&pair, End::A, panel));
    let mut taken = Vec::new();
    for turn in 0..TIMES {
        let bytes = text_pages(10, turn);
        let opened = pages_support::open(&pages_support::studio(), &bytes).unwrap();
        let first = pages_support::draw(&opened, Drawing::whole(0, WIDE, HIGH)).unwrap();
        drop(opened);
        let file = pair.directory().join("plan.pdf");
        std::fs::write(&file, &bytes).unwrap();
        pause(Duration::from_secs(2));
        let began = Instant::now();
        let output = printer_support::ipptool(printer, "ipp", "print-job.test", Some(&file), &[]);
        assert!(output.status.success(), "{output:?}");
        wait_for(LIMIT, || screens.iter().all(|screen| screen.shows(&first)).then_some(())).expect("on both screens");
        taken.push(began.elapsed());
        let document = engawa::documents::name_of(&bytes).to_string();
        ask(&pair, End::A, &json!({"ask": "close_document", "document": document}));
    }
    taken.sort();
    let at = |share: f64| taken[((TIMES as f64 * share).ceil() as usize).clamp(1, TIMES) - 1].as_secs_f64() * 1e3;
    println!(
        "print of 10 pages with ipptool → first page on both screens: median {:.0} ms, p95 {:.0} ms, worst {:.0} ms ({TIMES} times)",
        at(0.5),
        at(0.95),
        at(1.0)
    );
    busy.says("printing");
}

const TIMES: usize = 20;
/// Pixels of an A4 page on a screen of 1280 × 720.
const WIDE: u32 = 382;
const HIGH: u32 = 540;
const LIMIT: Duration = Duration::from_secs(20);
