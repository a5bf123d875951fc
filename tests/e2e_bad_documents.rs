//! Bad documents, through the panel of a real daemon: people are told why within 12 s, and nothing else happens.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it took"
)]

#[path = "pages_support/guest_page.rs"]
mod guest_page;
mod pages_support;
mod panel_support;
#[path = "support/disk.rs"]
mod small_disk;
mod support;

use guest_page::{give_a_panel, guest};
use pages_support::hostile::{deep, hundred_thousand_pages, pdf_bomb, png_bomb, vast_jpeg, vast_png};
use pages_support::{WITHIN, png, sample};
use panel_support::browser::Browser;
use serde_json::{Value, json};
use small_disk::SmallDisk;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use support::boxes::{Pair, Setup};
use support::lab::End;
use support::needs::Need;
use support::{pause, wait_for};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_cannot_be_shown_is_told_in_time_and_the_link_does_not_notice() {
    let (pair, panel) = room_with_a_panel();
    let before = pair.wait_up(LIMIT);
    let mut guest = guest(&pair, End::A, panel).await;
    assert_eq!(put(&mut guest, "plan.pdf", sample("colours.pdf")).await["answer"], "accepted");
    pair.wait_status(End::B, LIMIT, "the page", |status| status["room"]["page"]["state"] == "here");
    let heard = [End::A, End::B].map(|end| pair.status_follow(end));
    for (name, bytes, why) in [
        ("zip.pdf", b"PK\x03\x04 word/document.xml".to_vec(), Some("not a PDF")),
        ("cut.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type /Cat".to_vec(), Some("damaged")),
        ("locked.pdf", sample("locked-password.pdf"), Some("password")),
        ("long.pdf", hundred_thousand_pages(), Some("too many pages")),
        ("vast.png", vast_png(), Some("too large")),
        ("vast.jpg", vast_jpeg(), Some("too large")),
        ("picture.pdf", png(40, 30, [9, 9, 200, 255]), None),
        // What is bounded may as well be shown.
        ("deep.pdf", deep(), None),
        ("bomb.pdf", pdf_bomb(), None),
        ("bomb.png", png_bomb(), None),
    ] {
        let id = engawa::documents::name_of(&bytes).to_string();
        assert_eq!(put(&mut guest, name, bytes).await["answer"], "accepted", "{name}");
        let began = Instant::now();
        let fault = |status: &Value| status["room"]["document_fault"]["document"] == id;
        let shown = |status: &Value| {
            let page = &status["room"]["page"];
            page["document"] == id && page["state"] == "here"
        };
        let status = pair.wait_status(End::A, WITHIN, name, |status| fault(status) || shown(status));
        // Opened is not yet drawn: what is drawn without end is told by then, too.
        let bounded = name.contains("bomb") && shown(&status);
        let later = || pair.status(End::A).filter(fault);
        let status = bounded.then(|| wait_for(WITHIN - began.elapsed(), later)).flatten().unwrap_or(status);
        let reason = status["room"]["document_fault"]["en"].as_str().filter(|_| fault(&status));
        println!("{name}: {} after {:?}", reason.unwrap_or("shown"), began.elapsed());
        match (why, reason) {
            (Some(why), Some(reason)) => {
                assert!(reason.contains(why), "{name}: {reason}");
                let state = guest.events().await.until("told", |state| state["banner"]["kind"] == "unshown").await;
                assert!(state["banner"]["text"].as_str().unwrap().contains(name), "{}", state["banner"]);
                assert_eq!(state["page"]["state"], "here", "the one in front stays there");
            }
            (Some(_), None) => panic!("{name} is shown"),
            (None, _) if status["room"]["documents"].as_array().unwrap().contains(&name.into()) => {
                said_at(&pair, End::A, &json!({"ask": "close_document", "document": id}));
            }
            (None, _) => {}
        }
    }
    for end in End::BOTH {
        let links: Vec<_> = heard[end as usize].try_iter().map(|(_, status)| status["link"].clone()).collect();
        assert!(links.len() > 3 && links.iter().all(|link| link == "up"), "{end:?}: {links:?}");
        let now = pair.status(end).unwrap();
        let begun = &before[end as usize];
        assert_eq!((&now["session"], &now["since_ns"]), (&begun["session"], &begun["since_ns"]), "{end:?}");
        let fresh = now["at_ns"].as_u64().unwrap() - now["last_frame_ns"].as_u64().unwrap();
        assert!(fresh < 1_500_000_000, "the picture goes on at {end:?}: {fresh} ns");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_words_and_never_a_path() {
    let (pair, panel) = room_with_a_panel();
    pair.wait_up(LIMIT);
    let mut guest = guest(&pair, End::A, panel).await;
    for (number, (sent, shown)) in [
        ("..%2F..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("%2Fdev%2Fnull", "null"),
        ("C%3A%5C%E7%AA%93%E5%8F%A3%5Ca.pdf", "a.pdf"),
        (
            "%F0%9F%8D%B5%20tea%20%F0%9F%91%A9%E2%80%8D%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7.pdf",
            "🍵 tea 👩\u{200d}👩\u{200d}👧.pdf",
        ),
        ("annex%E2%80%AEfdp.exe", "annexfdp.exe"),
        ("a%00b%0Ac%1B%5B31m.pdf", "abc[31m.pdf"),
        ("%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E", "<img src=x onerror=alert(1)>"),
        ("%FF%FE%zz", "\u{fffd}\u{fffd}%zz"),
        ("..", ".."),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = put(&mut guest, sent, png(5, 5, [u8::try_from(number).unwrap(), 1, 2, 255])).await;
        assert_eq!(answer["answer"], "accepted", "{sent}");
        for end in End::BOTH {
            pair.wait_status(end, LIMIT, shown, |status| status["room"]["page"]["name"] == shown);
        }
    }
    let files = |end| names_below(&pair.state_directory(end));
    for name in [files(End::A), files(End::B)].concat() {
        assert!(!["passwd", "null", "tea", "annex", "img"].iter().any(|part| name.contains(part)), "{name}");
    }
    // A name longer than any file's.
    let answer = put(&mut guest, &"%E9%95%B7".repeat(600), png(5, 5, [99, 1, 2, 255])).await;
    assert_eq!(answer["answer"], "accepted");
    let long = |status: &Value| status["room"]["page"]["name"] == "長".repeat(64);
    pair.wait_status(End::B, LIMIT, "64 letters", long);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_too_long_or_broken_off_gives_its_memory_back() {
    let (mut pair, panel) = room_with_a_panel();
    pair.wait_up(LIMIT);
    let mut guest = guest(&pair, End::A, panel).await;
    let daemon = pair.daemon(End::A).pid();
    let before = resident_mb(daemon);
    let mut line = guest.tls().await;
    line.write_all(head(&guest, "content-length: 209715200").as_bytes()).await.unwrap();
    assert!(answer(&mut line).await.starts_with("HTTP/1.1 413"));
    // One that does not say how long it is: stopped at 100 MB, long before 200.
    let mut line = guest.tls().await;
    line.write_all(head(&guest, "transfer-encoding: chunked").as_bytes()).await.unwrap();
    let chunk = [&b"100000\r\n"[..], &vec![0x20; 1 << 20], b"\r\n"].concat();
    let (mut from, mut to) = tokio::io::split(line);
    let sending = tokio::spawn(async move {
        let mut sent = 0;
        while sent < 200 && to.write_all(&chunk).await.is_ok() {
            sent += 1;
        }
        sent
    });
    assert!(answer(&mut from).await.starts_with("HTTP/1.1 413"));
    drop(from);
    let sent = sending.await.unwrap();
    assert!((100..200).contains(&sent), "{sent} MB");
    for _ in 0..3 {
        let mut line = guest.tls().await;
        line.write_all(head(&guest, "content-length: 94371840").as_bytes()).await.unwrap();
        line.write_all(&vec![b'%'; 45 << 20]).await.unwrap();
    }
    let back = || Some(resident_mb(daemon)).filter(|now| *now < before + 40);
    let after = wait_for(LIMIT, back).unwrap_or_else(|| panic!("{before} MB before, {} after", resident_mb(daemon)));
    println!("resident: {before} MB before, {after} MB after 100 MB and three times 45 of 90 MB");
    assert_eq!(put(&mut guest, "plan.pdf", sample("colours.pdf")).await["answer"], "accepted");
    let status = pair.wait_status(End::B, LIMIT, "the page", |status| status["room"]["page"]["state"] == "here");
    assert_eq!((&status["link"], &status["room"]["documents"]), (&"up".into(), &json!(["plan.pdf"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_keeps_nothing_says_so_and_stops_no_meeting() {
    if !Need::Disk.met() {
        return;
    }
    let mut pair = Pair::prepare(None, &small());
    let panel = give_a_panel(&pair, End::A);
    let disk = small_disk_under(&pair.state_directory(End::A));
    pair.start_both();
    let before = pair.wait_up(LIMIT);
    let mut guest = guest(&pair, End::A, panel).await;
    disk.fill();
    assert_eq!(put(&mut guest, "plan.pdf", sample("colours.pdf")).await["answer"], "accepted");
    pair.wait_status(End::B, LIMIT, "the page", |status| status["room"]["page"]["state"] == "here");
    let id = engawa::documents::name_of(&sample("colours.pdf")).to_string();
    let mut events = guest.events().await;
    let keep = json!({"ask": "keep", "document": id, "keep": true});
    assert_eq!(guest.ask(keep.clone()).await["answer"], "accepted");
    said_at(&pair, End::B, &keep);
    events.until("no place", |state| keeping(state) == "no_place").await;
    let kept = |end| pair.state_directory(end).join(format!("kept/{id}.document"));
    assert!(wait_for(LIMIT, || kept(End::B).exists().then_some(())).is_some(), "the other room keeps it");
    assert!(!kept(End::A).exists());
    said_at(&pair, End::A, &json!({"ask": "point", "document": id, "page": 0, "at": [5000, 5000]}));
    pause(Duration::from_secs(2));
    for end in End::BOTH {
        let now = pair.status(end).unwrap();
        let begun = &before[end as usize];
        assert_eq!((&now["link"], &now["session"]), (&"up".into(), &begun["session"]), "{end:?}");
    }
    drop(pair);
}

fn room_with_a_panel() -> (Pair<'static>, SocketAddr) {
    let mut pair = Pair::prepare(None, &small());
    let panel = give_a_panel(&pair, End::A);
    pair.start_both();
    (pair, panel)
}

fn small() -> Setup {
    Setup { size: "320x180".into(), fps: 10, ..Setup::default() }
}

async fn put(guest: &mut Browser, name: &str, bytes: Vec<u8>) -> Value {
    let request = guest.request("POST", &format!("/api/documents?name={}", name.replace(' ', "%20")));
    let answer = guest.send_bytes(request.header("content-type", "application/octet-stream"), bytes).await;
    answer.json()
}

fn head(guest: &Browser, length: &str) -> String {
    let request = guest.request("POST", "/api/documents?name=a.pdf").body(()).unwrap();
    let lines = request.headers().iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()));
    let lines: String = lines.collect();
    format!(
        "POST /api/documents?name=a.pdf HTTP/1.1\r\n{lines}content-type: application/octet-stream\r\n{length}\r\n\r\n"
    )
}

async fn answer(from: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut answer = vec![0; 512];
    let read = tokio::time::timeout(LIMIT, from.read(&mut answer)).await.expect("in time").unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

/// Over the box's own socket.
fn said_at(pair: &Pair<'_>, end: End, wish: &Value) {
    use std::io::{Read as _, Write as _};
    let mut socket = std::os::unix::net::UnixStream::connect(pair.socket(end)).unwrap();
    socket.write_all(format!("{}\n", json!({"ask": wish})).as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("accepted"), "{wish}: {answer}");
}

fn keeping(state: &Value) -> &str {
    state["documents"][0]["keeping"].as_str().unwrap_or_default()
}

fn names_below(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.flat_map(|entry| {
        let below = if entry.path().is_dir() { names_below(&entry.path()) } else { Vec::new() };
        [vec![entry.file_name().to_string_lossy().into_owned()], below].concat()
    });
    names.collect()
}

/// The box's state, on a disk of its own of 1 MB.
fn small_disk_under(state: &Path) -> SmallDisk {
    use std::os::unix::fs::PermissionsExt;
    let files: Vec<_> = std::fs::read_dir(state).unwrap().flatten().map(|entry| entry.path()).collect();
    let held: Vec<_> = files.iter().map(|file| (file, std::fs::read(file).unwrap())).collect();
    let disk = SmallDisk::mount(state, "1m");
    std::fs::set_permissions(state, PermissionsExt::from_mode(0o700)).unwrap();
    for (file, bytes) in held {
        std::fs::write(file, bytes).unwrap();
        std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
    }
    disk
}

fn resident_mb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

const LIMIT: Duration = Duration::from_secs(20);
