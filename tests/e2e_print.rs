//! Printing to the screens of two real daemons: with CUPS' ipptool as judge, and pixel for pixel.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it took"
)]

#[path = "pages_support/guest_page.rs"]
mod guest_page;
#[path = "pages_support/kiosk_screen.rs"]
mod kiosk_screen;
mod pages_support;
mod panel_support;
mod printer_support;
mod support;

use engawa::pages::Drawing;
use engawa::printer::ipp::Value;
use guest_page::{give_a_panel, guest};
use kiosk_screen::{HIGH, LIMIT, WIDE, document};
use printer_support::cups::Cups;
use printer_support::raster::{Ink, Sheet, pwg, pwg_head, urf};
use printer_support::{
    CANCEL_JOB, CREATE_JOB, GET_JOB_ATTRIBUTES, GET_PRINTER_ATTRIBUTES, PRINT_JOB, VALIDATE_JOB, ipptool, number, of,
    print, request, say, state, told,
};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use support::boxes::{Pair, Setup};
use support::lab::End;
use support::needs::Need;
use support::screen::{Screen, both_show};
use support::wait_for;

#[tokio::test(flavor = "multi_thread")]
async fn cups_own_tests_pass_but_for_what_the_paper_says() {
    let (pair, _screens, printer, panel) = printing();
    pair.wait_up(LIMIT);
    let _guest = guest(&pair, End::A, panel).await;
    let (file, bytes) = document(&pair, 3);
    let tests = samples(pair.directory(), &bytes);
    let mut failed = Vec::new();
    for (scheme, test, least) in [
        ("ipp", "ipp-1.1.test", 28),
        ("ipps", "ipp-1.1.test", 28),
        ("ipp", "ipp-everywhere.test", 65),
        ("ipp", "identify-printer.test", 1),
    ] {
        let path = tests.join(test);
        let output = ipptool(printer, scheme, path.to_str().unwrap(), Some(Path::new(&file)), &[]);
        let told = told(&output);
        let passed = told.iter().filter(|told| told.verdict == "PASS").count();
        let skipped = told.iter().filter(|told| told.verdict == "SKIP").count();
        println!("{scheme} {test}: {passed} passed, {skipped} skipped of {}", told.len());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(passed >= least, "{test}: {error}\n{}", String::from_utf8_lossy(&output.stdout));
        failed.extend(told.into_iter().filter(|told| told.verdict == "FAIL"));
    }
    let names: Vec<&str> = failed.iter().map(|told| told.name.as_str()).collect();
    assert_eq!(names, ["PWG 5100.14 section 5.1/5.2 - Required Operations and Attributes"], "{failed:?}");
    let missed: Vec<&str> = failed[0].why.lines().filter(|line| line.starts_with("EXPECTED")).collect();
    println!("{missed:#?}");
    assert!(missed.iter().all(|line| line.contains("page-ranges-supported") || line.contains("overrides-supported")));
    let paper = include_str!("../docs/printing.md");
    assert!(
        missed.iter().all(|line| paper.contains(line.split_whitespace().nth(1).unwrap())),
        "docs/printing.md says why"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guests_pc_prints_stands_on_both_screens_pixel_for_pixel() {
    let (pair, screens, printer, panel) = printing();
    let before = pair.wait_up(LIMIT);
    let _guest = guest(&pair, End::A, panel).await;
    let (_, pdf) = document(&pair, 10);
    let sheets = [[200, 30, 30], [30, 140, 30]].map(|colour| Sheet::with_bar(620, 877, colour));
    let files = [
        ("pdf", pdf, 10),
        ("jpeg", jpeg(620, 877), 1),
        ("pwg", pwg(&sheets, Ink::Srgb8, 75), 2),
        ("urf", urf(&sheets), 2),
    ];
    let mut last = 0;
    for (kind, bytes, pages) in files {
        let opened = pages_support::open(&pages_support::studio(), &bytes).unwrap();
        assert_eq!(opened.pages.len(), pages, "{kind}");
        let (wide, high) = within(opened.pages[0].width / opened.pages[0].height);
        let drawn = pages_support::draw(&opened, Drawing::whole(0, wide, high)).unwrap();
        let pressed = Instant::now();
        let printed = print(printer, &bytes);
        assert_eq!(printed.code, 0, "{kind}: {printed:?}");
        both_show(&screens, &drawn, LIMIT);
        println!("{kind}: on both screens {:?} after it was printed", pressed.elapsed());
        // For a busy machine: the figure is in tests/bench/RESULTS.md.
        assert!(pressed.elapsed() < Duration::from_secs(5), "{kind}: {:?}", pressed.elapsed());
        last = number(&printed, "job-id");
        let done = || (state(printer, last).0 == COMPLETED).then_some(());
        assert!(wait_for(LIMIT, done).is_some(), "{kind}: {:?}", state(printer, last));
    }
    screens[1].photograph("print");
    for end in End::BOTH {
        let status = pair.status(end).unwrap();
        assert_eq!((&status["room"]["mode"], &status["microphone"]), (&"meeting".into(), &"closed".into()));
        assert_eq!(status["session"], before[end as usize]["session"], "all of it on one session");
    }
    let cancelled = say(printer, &request(CANCEL_JOB, [("job-id", Value::Integer(last))]), &[]);
    assert_eq!(cancelled.code, NOT_POSSIBLE, "what stands there is closed by people");
    // With the meeting its names are gone.
    pair.engawa(End::B, &["mode", "quiet"], &[]);
    let gone = || {
        let answer = say(printer, &request(GET_JOB_ATTRIBUTES, [("job-id", Value::Integer(last))]), &[]);
        (answer.code == NOT_FOUND).then_some(())
    };
    assert!(wait_for(LIMIT, gone).is_some(), "{:?}", state(printer, last));
}

#[test]
fn a_print_of_an_unknown_pc_waits_until_somebody_in_the_room_says_show_it() {
    let (pair, screens, printer, _) = printing();
    pair.wait_up(LIMIT);
    let (_, pdf) = document(&pair, 3);
    let first = print(printer, &pdf);
    assert_eq!((first.code, number(&first, "job-state")), (0, HELD), "{first:?}");
    let (first, reason) = (number(&first, "job-id"), "job-held-for-button-press".to_owned());
    assert_eq!(state(printer, first).1, reason);
    let status = pair.status(End::A).unwrap();
    assert_eq!((&status["room"]["mode"], &status["room"]["page"]), (&"quiet".into(), &serde_json::Value::Null));
    // Another one is not wanted.
    let second = number(&print(printer, &pdf[..pdf.len() - 1]), "job-id");
    assert_eq!(press(&pair, "refuse_print", second), "accepted");
    let (was, _, why) = state(printer, second);
    assert_eq!((was, why.contains("Do not show")), (ABORTED, true), "{why}");
    // A third one is taken back.
    let third = number(&print(printer, &pdf[..pdf.len() - 2]), "job-id");
    assert_eq!(say(printer, &request(CANCEL_JOB, [("job-id", Value::Integer(third))]), &[]).code, 0);
    assert_eq!(state(printer, third).0, CANCELED);
    assert_eq!(press(&pair, "show_print", third), "denied");
    assert_eq!(press(&pair, "show_print", first), "accepted");
    let opened = pages_support::open(&pages_support::studio(), &pdf).unwrap();
    both_show(&screens, &pages_support::draw(&opened, Drawing::whole(0, WIDE, HIGH)).unwrap(), LIMIT);
    assert_eq!(state(printer, first).0, COMPLETED);
    assert_eq!(pair.status(End::A).unwrap()["microphone"], "closed");
}

#[test]
fn a_locked_room_takes_no_print_and_says_so() {
    let (pair, _screens, printer, _) = printing();
    pair.wait_up(LIMIT);
    press_key(&pair, r#"{"ask":"lock","locked":true}"#);
    let (_, pdf) = document(&pair, 1);
    for operation in [PRINT_JOB, VALIDATE_JOB, CREATE_JOB] {
        let refused = say(printer, &request(operation, []), if operation == PRINT_JOB { &pdf } else { &[] });
        assert_eq!(refused.code, NOT_ACCEPTING, "{refused:?}");
        assert!(refused.word("status-message").is_some_and(|text| text.contains("locked")), "{refused:?}");
    }
    let attributes = say(printer, &request(GET_PRINTER_ATTRIBUTES, []), &[]);
    assert_eq!(of(&attributes, "printer-is-accepting-jobs"), Some(&Value::Boolean(false)));
}

#[test]
fn a_broken_document_is_aborted_with_its_reason_and_harms_nothing() {
    let (pair, _screens, printer, _) = printing();
    pair.wait_up(LIMIT);
    let bomb = [b"RaS2".to_vec(), pwg_head(65_535, 65_535, 8, 24, 19), vec![255; 1_000]].concat();
    let locked = pages_support::sample("locked-password.pdf");
    for (bytes, why) in [(bomb, "too large"), (locked, "password"), (b"RaS2 and no more".to_vec(), "damaged")] {
        let job = number(&print(printer, &bytes), "job-id");
        assert_eq!(press(&pair, "show_print", job), "accepted");
        let over = || Some(state(printer, job)).filter(|(state, ..)| *state == ABORTED);
        let (.., said) = wait_for(LIMIT, over).unwrap_or_else(|| panic!("{why}: {:?}", state(printer, job)));
        assert!(said.contains(why), "{said}");
    }
    let unknown = print(printer, b"%!PS-Adobe-3.0");
    assert_eq!(unknown.code, NO_SUCH_FORMAT, "{unknown:?}");
    assert_eq!(pair.status(End::A).unwrap()["link"], "up");
}

#[test]
fn lp_of_a_linux_pc_prints_through_its_own_cups() {
    if !Need::Spooler.met() {
        return;
    }
    let (pair, _screens, printer, _) = printing();
    pair.wait_up(LIMIT);
    let (file, _) = document(&pair, 3);
    let cups = Cups::with(printer);
    let readable = std::env::temp_dir().join(format!("engawa-{}.pdf", std::process::id()));
    std::fs::copy(file, &readable).unwrap();
    // CUPS takes a print that waits at the printer for delivered.
    let came = (0..4).any(|_| {
        cups.lp(&readable);
        let came = wait_for(Duration::from_secs(5), || waits(printer).then_some(())).is_some();
        if !came {
            cups.add(printer);
        }
        came
    });
    std::fs::remove_file(&readable).unwrap();
    assert!(came, "{}", cups.log());
    assert_eq!(press(&pair, "show_print", 1), "accepted");
    for end in End::BOTH {
        let here = |status: &serde_json::Value| status["room"]["page"]["state"] == "here";
        let status = pair.wait_status(end, LIMIT, "the page", here);
        assert_eq!(status["room"]["page"]["pages"], 3, "{}", status["room"]["page"]);
    }
    assert!(wait_for(LIMIT, || cups.queue().is_empty().then_some(())).is_some(), "{}\n{}", cups.queue(), cups.log());
}

/// Of the first job, once there is one.
fn waits(printer: SocketAddr) -> bool {
    let answer = say(printer, &request(GET_JOB_ATTRIBUTES, [("job-id", Value::Integer(1))]), &[]);
    answer.code == 0 && of(&answer, "job-state-reasons").and_then(Value::word) == Some("job-held-for-button-press")
}

/// Two daemons with a screen each; the first has panel and printer.
fn printing() -> (Pair<'static>, [Screen; 2], SocketAddr, SocketAddr) {
    let setup = Setup { size: "320x180".into(), microphone: "closed".into(), ..Setup::default() };
    let mut pair = Pair::prepare(None, &setup);
    let panel = give_a_panel(&pair, End::A);
    let printer = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    pair.configure(End::A, "printer", "enabled", "true");
    pair.configure(End::A, "printer", "port", &printer.port().to_string());
    let screens = End::BOTH.map(|end| Screen::open(&pair, end));
    pair.start_both();
    (pair, screens, printer, panel)
}

/// CUPS' tests beside files to print with the names that they ask for: Debian ships the tests alone.
fn samples(directory: &Path, pdf: &[u8]) -> PathBuf {
    let home = directory.join("ipptool");
    std::fs::create_dir(&home).unwrap();
    for entry in std::fs::read_dir("/usr/share/cups/ipptool").expect("cups-ipp-utils is installed").flatten() {
        std::fs::copy(entry.path(), home.join(entry.file_name())).unwrap();
    }
    for name in ["document-a4.pdf", "document-letter.pdf"] {
        std::fs::write(home.join(name), pdf).unwrap();
    }
    for name in ["color.jpg", "gray.jpg"] {
        std::fs::write(home.join(name), jpeg(600, 400)).unwrap();
    }
    for name in ["document-a4.ps", "document-letter.ps"] {
        std::fs::write(home.join(name), "%!PS").unwrap();
    }
    // Of what this box does not name a file is enough that can be read: it is skipped.
    let sheet = [Sheet::with_bar(1_240, 1_754, [0; 3])];
    let text = std::fs::read_to_string(home.join("ipp-everywhere.test")).unwrap();
    for name in text.lines().filter_map(|line| line.trim().strip_prefix("FILE pwg-")) {
        let dpi = if name.contains("-150dpi") { 150 } else { 300 };
        let inks = [("/srgb-8/", Ink::Srgb8), ("/sgray-8/", Ink::Sgray8), ("/black-1/", Ink::Black1)];
        let ink = inks.into_iter().find(|(kind, _)| name.contains(kind) && name.contains(&format!("-{dpi}dpi")));
        let path = home.join(format!("pwg-{name}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, ink.map(|(_, ink)| pwg(&sheet, ink, dpi)).unwrap_or_default()).unwrap();
    }
    home
}

/// Somebody at the box says so; the word of the answer.
fn press(pair: &Pair<'_>, what: &str, print: i32) -> String {
    press_key(pair, &format!(r#"{{"ask":"{what}","print":{print}}}"#))
}

fn press_key(pair: &Pair<'_>, wish: &str) -> String {
    let mut socket = UnixStream::connect(pair.socket(End::A)).unwrap();
    socket.write_all(format!("{{\"ask\":{wish}}}\n").as_bytes()).unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).unwrap();
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    said["answer"].as_str().unwrap_or_default().to_owned()
}

fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let pixels: Vec<u8> =
        (0..usize::from(width) * usize::from(height)).flat_map(|at| [(at % 251) as u8, 90, 40]).collect();
    let mut bytes = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
    encoder.encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

/// Pixels of a page of this shape on a screen of 1280 × 720.
fn within(shape: f32) -> (u32, u32) {
    ((shape * HIGH as f32).round() as u32, HIGH)
}

const HELD: i32 = 4;
const CANCELED: i32 = 7;
const ABORTED: i32 = 8;
const COMPLETED: i32 = 9;
const NOT_POSSIBLE: u16 = 0x0404;
const NOT_FOUND: u16 = 0x0406;
const NO_SUCH_FORMAT: u16 = 0x040a;
const NOT_ACCEPTING: u16 = 0x0506;
