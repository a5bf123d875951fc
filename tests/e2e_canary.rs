//! What a meeting leaves behind: of the bytes of its documents, their text, their names and their pixels, nothing.
//!
//! Two real daemons show, turn, draw on and give to browsers two documents that nobody else has. One daemon and a worker are brought
//! down in the middle as a crash would. When the meeting is over every file of both boxes, every open and shared
//! memory file, the memory of both processes, core files and the swap are searched.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it found"
)]

#[path = "pages_support/guest_page.rs"]
mod guest_page;
mod pages_support;
mod panel_support;
mod support;
#[path = "pages_support/traces.rs"]
mod traces;

use engawa::pages::{Drawing, Picture};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pages_support::{files::noise, pdf, stream};
use panel_support::browser::Browser;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::lab::End;
use support::screen::{Screen, both_show};
use support::{pause, wait_for};
use traces::{Found, Traces};

#[test]
fn a_closed_meeting_leaves_nothing_of_its_documents_on_disks_and_in_memory() {
    let setup = Setup { size: "320x180".into(), microphone: "closed".into(), ..Setup::default() };
    let mut pair = Pair::prepare(None, &setup);
    let dumps = allow_core_files(pair.directory());
    let (screens, panels) = start(&mut pair);
    pair.wait_up(LIMIT);
    let documents = [canary(1), canary(2)];
    let mut traces = Traces::new();
    for document in &documents {
        traces.part_of(BYTES, &document.bytes);
        traces.mark(TEXT, document.text.as_bytes());
        traces.mark(NAME, document.secret.as_bytes());
        let drawn = document.drawn(WIDE, HIGH);
        traces.part_of(PIXELS, &drawn.bgrx);
    }
    assert!(traces.count(BYTES) > 3_000 && traces.count(PIXELS) > 3_000, "there is something to look for");
    let _browsers_that_stay = meet(&pair, &screens, panels, &documents);
    seen_while_it_lasts(&mut pair, &traces);
    crash(&mut pair, &screens, &documents, dumps);

    pair.engawa(End::B, &["mode", "quiet"], &[]);
    for end in End::BOTH {
        pair.wait_status(end, LIMIT, "no page", |status| status["room"]["page"].is_null());
        let process = pair.daemon(end).pid();
        assert!(wait_for(LIMIT, || children_of(process).is_empty().then_some(())).is_some(), "a worker is left");
    }
    // Four newer pictures on each screen, nothing under way any more, and the line of the documents made anew.
    pause(Duration::from_secs(3));
    let mut left = Found::default();
    let mut files =
        traces.look_below(pair.directory(), &mut left) + traces.look_below(Path::new("/dev/shm"), &mut left);
    for end in End::BOTH {
        files += traces.look_in_open_files(pair.daemon(end).pid(), &mut left).len();
    }
    println!("in {files} files, on disk, in memory only and open:{}", left.words());
    for end in End::BOTH {
        let process = pair.daemon(end).pid();
        println!("swap of {end:?}: {}", swapped(process));
        let (mut found, mut looked) = (Found::default(), None);
        let clean = wait_for(Duration::from_secs(10), || {
            found = Found::default();
            looked = traces.look_in_memory(process, &mut found);
            // Pixels are told only: what drivers and encoders keep of a picture is not ours.
            [BYTES, TEXT, NAME].iter().all(|kind| found.of(kind) == 0).then_some(())
        });
        match looked {
            Some(looked) => println!("in {} MB of the memory of {end:?}:{}", looked >> 20, found.words()),
            None => println!("the memory of {end:?} may not be looked into"),
        }
        assert!(clean.is_some(), "{end:?}:{}", found.words());
    }
    assert!(left.is_empty(), "{}", left.words());
}

/// Two screens, two panels, and no file of theirs outside the pair's directory.
fn start(pair: &mut Pair<'_>) -> ([Screen; 2], [SocketAddr; 2]) {
    let screens = End::BOTH.map(|end| Screen::open(pair, end));
    let panels = End::BOTH.map(|end| guest_page::give_a_panel(pair, end));
    let temporary = pair.directory().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    for end in End::BOTH {
        pair.set_environment(end, &[("TMPDIR", temporary.to_str().unwrap()), ("ENGAWA_LOG", "debug")]);
    }
    pair.start_both();
    (screens, panels)
}

/// One document from the command line, one from a browser; both drawn, looked at closely, and given to browsers. Returned are those,
/// with their connections.
fn meet(
    pair: &Pair<'_>,
    screens: &[Screen; 2],
    panels: [SocketAddr; 2],
    documents: &[Canary; 2],
) -> impl Sized + use<> {
    let file = pair.directory().join(documents[0].name());
    std::fs::write(&file, &documents[0].bytes).unwrap();
    pair.engawa(End::A, &["share", &file.to_string_lossy()], &[]);
    std::fs::remove_file(&file).unwrap();
    both_show(screens, &documents[0].drawn(WIDE, HIGH), LIMIT);
    pair.engawa(End::B, &["page", "next"], &[]);
    pair.engawa(End::A, &["page", "previous"], &[]);
    let id = engawa::documents::name_of(&documents[0].bytes).to_string();
    ask(pair, End::A, &json!({"ask": "draw", "document": id, "page": 0, "points": [[2000, 3000], [8000, 3000]]}));
    ask(pair, End::B, &json!({"ask": "point", "document": id, "page": 0, "at": [5000, 5000]}));
    ask(pair, End::B, &json!({"ask": "zoom", "zoom": 2000, "corner": [0, 0]}));
    ask(pair, End::B, &json!({"ask": "zoom", "zoom": 1000, "corner": [0, 0]}));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let guests = runtime.block_on(async {
        let mut guests = Vec::new();
        for end in End::BOTH {
            guests.push(guest_page::guest(pair, end, panels[end as usize]).await);
        }
        put(&mut guests[1], &documents[1]).await;
        both_show(screens, &documents[1].drawn(WIDE, HIGH), LIMIT);
        for guest in &mut guests {
            for document in documents {
                let id = engawa::documents::name_of(&document.bytes);
                let picture = guest.get(&format!("/api/page?document={id}&page=0&width={WIDE}")).await;
                let pixels = image::load_from_memory(&picture.body).unwrap().to_rgb8();
                assert_eq!(pixels.width(), WIDE);
            }
        }
        guests
    });
    (runtime, guests)
}

async fn put(guest: &mut Browser, document: &Canary) {
    let path = format!("/api/documents?name={}", document.name());
    let request = guest.request("POST", &path).header("content-type", "application/octet-stream");
    let answer = guest.send_bytes(request, document.bytes.clone()).await;
    assert_eq!(answer.json()["answer"], "accepted");
}

/// The search finds what is there: without this the test could not fail.
fn seen_while_it_lasts(pair: &mut Pair<'_>, traces: &Traces) {
    for end in End::BOTH {
        let mut found = Found::default();
        if traces.look_in_memory(pair.daemon(end).pid(), &mut found).is_some() {
            for kind in [BYTES, TEXT, NAME, PIXELS] {
                assert!(found.of(kind) > 0, "{kind} in the memory of {end:?} during the meeting:{}", found.words());
            }
        }
    }
}

/// The daemon of A and a worker of B end as by a fault of theirs; A comes back and gets the documents again.
fn crash(pair: &mut Pair<'_>, screens: &[Screen; 2], documents: &[Canary; 2], dumps: bool) {
    let worker = children_of(pair.daemon(End::B).pid()).pop().expect("a worker draws");
    let faults = [(worker, Signal::SIGSEGV), (pair.daemon(End::A).pid(), Signal::SIGABRT)];
    for (process, signal) in faults {
        kill(Pid::from_raw(i32::try_from(process).unwrap()), signal).unwrap();
    }
    let ended = pair.daemon(End::A).wait(LIMIT).expect("it ends");
    assert!(!std::os::unix::process::ExitStatusExt::core_dumped(&ended), "{ended:?}");
    pause(Duration::from_millis(500));
    let cores = core_files(pair.directory());
    assert!(cores.is_empty(), "{cores:?}");
    println!(
        "core files: none{}",
        if dumps { ", where another program leaves one" } else { "; this machine makes none at all" }
    );
    // The test's own: the new daemon does not write over them.
    std::fs::read_dir(screens[0].directory()).unwrap().flatten().for_each(|file| {
        std::fs::remove_file(file.path()).unwrap();
    });
    pair.start_box(End::A);
    pair.wait_status(End::A, LIMIT, "the page", |status| status["room"]["page"]["state"] == "here");
    both_show(screens, &documents[1].drawn(WIDE, HIGH), LIMIT);
}

/// From here on what this test starts may leave core files, and does so in this directory. False: the machine makes none.
fn allow_core_files(directory: &Path) -> bool {
    std::env::set_current_dir(directory).unwrap();
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE).unwrap();
    setrlimit(Resource::RLIMIT_CORE, hard, hard).unwrap();
    let mut shell = Command::new("sh");
    let ended = shell.args(["-c", "kill -ABRT $$"]).current_dir(directory).stderr(Stdio::null()).status().unwrap();
    assert!(!ended.success());
    let dumped = core_files(directory);
    dumped.iter().for_each(|file| std::fs::remove_file(directory.join(file)).unwrap());
    !dumped.is_empty()
}

fn core_files(directory: &Path) -> Vec<String> {
    let names = std::fs::read_dir(directory).unwrap().flatten();
    names.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| name.starts_with("core")).collect()
}

/// Processes that a daemon started.
fn children_of(process: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    children.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

fn swapped(process: u32) -> String {
    if std::fs::read_to_string("/proc/swaps").is_ok_and(|swaps| swaps.lines().count() < 2) {
        return "this machine has none".into();
    }
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmSwap")).unwrap_or("unknown").into()
}

fn ask(pair: &Pair<'_>, end: End, wish: &serde_json::Value) {
    let mut socket = UnixStream::connect(pair.socket(end)).unwrap();
    socket.write_all(format!("{}\n", json!({"ask": wish})).as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("accepted"), "{wish}: {answer}");
}

/// A document that nobody else has.
struct Canary {
    bytes: Vec<u8>,
    /// Written on its first page, as it is.
    text: String,
    /// Part of its name.
    secret: String,
}

impl Canary {
    fn name(&self) -> String {
        format!("{}.pdf", self.secret)
    }

    fn drawn(&self, width: u32, height: u32) -> Picture {
        let opened = pages_support::open(&pages_support::studio(), &self.bytes).unwrap();
        pages_support::draw(&opened, Drawing::whole(0, width, height)).unwrap()
    }
}

/// Two pages: lines of secret text, unpacked, and a picture of noise, unpacked too.
fn canary(seed: u64) -> Canary {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let secret = |salt: u64| hex(noise(16, seed * 1_000 + salt + u64::from(std::process::id())));
    let text = format!("canary {}", secret(1));
    let lines: String = (10..60).map(|line| format!("0 -12 Td (canary {}) Tj\n", secret(line))).collect();
    let content = format!("q 500 0 0 380 48 20 cm /I Do Q BT /F1 9 Tf 48 800 Td ({text}) Tj\n{lines}ET");
    let image = "/Type /XObject /Subtype /Image /Width 200 /Height 150 /ColorSpace /DeviceRGB /BitsPerComponent 8";
    let page = |content: u32| {
        let resources = "/Resources << /Font << /F1 7 0 R >> /XObject << /I 8 0 R >> >>";
        let page =
            format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R {resources} >>");
        page.into_bytes()
    };
    let bytes = pdf(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R 5 0 R] /Count 2 >>".to_vec(),
        page(4),
        stream("", content.as_bytes()),
        page(6),
        stream("", format!("BT /F1 20 Tf 48 700 Td (canary {}) Tj ET", secret(2)).as_bytes()),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
        stream(image, &noise(200 * 150 * 3, seed + u64::from(std::process::id()))),
    ]);
    Canary { bytes, text, secret: format!("secret-{}", secret(3)) }
}

/// Kinds of traces.
const BYTES: &str = "bytes of a document";
const TEXT: &str = "its text";
const NAME: &str = "its name";
const PIXELS: &str = "its pixels";
/// Pixels of an A4 page on a screen of 1280 × 720.
const WIDE: u32 = 382;
const HIGH: u32 = 540;
const LIMIT: Duration = Duration::from_secs(20);
