//! Updates at the installer's page, over real TLS, onto a real disk: large, broken, wrong, hostile; and questions to a far box that is not there.
#![allow(clippy::unwrap_used, reason = "a failure is a failed test")]

mod panel_support;

use engawa::update::place::{LIMITS, Limits};
use engawa::update::{Report, Source, State, Wish};
use panel_support::browser::Browser;
use panel_support::{CODE_TYPED, Kiosk, PIN, until};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

const ID: &str = "00ff";
const SHORT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_large_bundle_streams_to_the_disk_in_little_memory() {
    let kiosk = Kiosk::start();
    let installer = installer(&kiosk).await;
    let length = 192 << 20;
    let before = rss_bytes();
    let mut line = put(&installer, ID, length, 0, length).await;
    let piece = vec![0x5a; 1 << 20];
    let mut most = 0;
    for _ in 0..length >> 20 {
        line.write_all(&piece).await.unwrap();
        most = most.max(rss_bytes());
    }
    let told = answer(&mut line).await;
    assert_eq!(told["answer"], "accepted", "{told}");
    assert!(most < before + (24 << 20), "{before} bytes became {most}");
    let whole = kiosk.updates.whole().expect("it is whole");
    assert_eq!((whole.length, whole.source), (length, Source::Panel));
    assert_eq!(kiosk.updates.take_wish().unwrap(), Some(Wish::Check), "nothing is installed by itself");
}

#[tokio::test]
async fn a_broken_upload_goes_on_where_it_stopped() {
    let kiosk = Kiosk::start();
    let mut installer = installer(&kiosk).await;
    let bundle: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
    let length = bundle.len() as u64;
    let mut line = put(&installer, ID, length, 0, length).await;
    line.write_all(&bundle[..700_000]).await.unwrap();
    until("most of it is on the disk", || kiosk.updates.unfinished().is_some_and(|part| part.here >= 524_288)).await;
    let second = put(&installer, ID, length, 0, length).await;
    refused(second, 503, "busy").await;
    drop(line);
    let mut told = Value::Null;
    let goes_on = timeout(SHORT, async {
        loop {
            told = installer.get("/api/update").await.json();
            if told["part"]["here"] == 700_000 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(goes_on.await.is_ok(), "what came before the break is kept: {told}");
    assert_eq!(
        (&told["part"]["id"], &told["part"]["length"], &told["waits"]),
        (&json!(ID), &json!(length), &json!(false))
    );

    for offset in [600_000, 999_999] {
        // The broken line's last moment may still hold the place.
        let told = loop {
            let (_, told) = whole_answer(&mut put(&installer, ID, length, offset, length - offset).await).await;
            if told["why"] != "busy" {
                break told;
            }
        };
        assert_eq!(told["why"], "other_offset");
    }
    let mut line = put(&installer, ID, length, 700_000, 300_000).await;
    line.write_all(&bundle[700_000..]).await.unwrap();
    assert_eq!(answer(&mut line).await["answer"], "accepted");
    let whole = kiosk.updates.whole().expect("it is whole");
    let sha256: String = digest(&SHA256, &bundle).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(whole.sha256, sha256);
    assert_eq!(std::fs::read(kiosk.updates.bundle()).unwrap(), bundle);
    let told = installer.get("/api/update").await.json();
    assert_eq!((&told["waits"], &told["part"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn what_is_too_large_or_has_no_place_is_refused_before_it_comes() {
    let kiosk = Kiosk::start();
    let mut large = installer(&kiosk).await;
    let line = put(&large, ID, LIMITS.most + 1, 0, LIMITS.most + 1).await;
    let told = refused(line, 200, "not_taken").await;
    assert!(told["text"].as_str().unwrap().contains("大きすぎ"), "{told}");
    let shown = large.get("/api/update").await.json();
    assert_eq!((&shown["state"], &shown["text"]), (&json!("refused"), &told["text"]), "the page reads it there");

    let full = Kiosk::within(Limits { stays_free: u64::MAX / 2, ..LIMITS }, |_| {});
    let installer = installer(&full).await;
    let told = refused(put(&installer, ID, 1000, 0, 1000).await, 200, "not_taken").await;
    assert!(told["text"].as_str().unwrap().contains("空き容量"), "{told}");
    assert!(full.updates.whole().is_none());
}

#[tokio::test]
async fn only_an_installer_and_only_a_page_of_the_box_brings_one() {
    let kiosk = Kiosk::start();
    let installer = installer(&kiosk).await;
    let mut guest = Browser::guest(&kiosk, "PC").await;
    for path in ["/api/update", "/api/far"] {
        guest.get(path).await.refused(403, "not_installer");
    }
    for path in ["/api/update/install", "/api/update/pass", "/api/far"] {
        guest.post(path, &json!({})).await.refused(403, "not_installer");
    }
    refused(put(&guest, ID, 5, 0, 5).await, 403, "not_installer").await;
    for (query, length, kind, status, why) in [
        ("id=..%2f&length=5", 5, "application/octet-stream", 400, "not_understood"),
        ("id=00&length=6", 5, "application/octet-stream", 400, "not_understood"),
        ("id=00&length=5&offset=6", 5, "application/octet-stream", 400, "not_understood"),
        ("length=5", 5, "application/octet-stream", 400, "not_understood"),
        ("id=00&length=5", 5, "application/json", 415, "not_json"),
    ] {
        let line = send_head(&installer, &format!("/api/update?{query}"), kind, length, "").await;
        refused(line, status, why).await;
    }
    let foreign = "Origin: https://example.org\r\n";
    let line = send_head(&installer, "/api/update?id=00&length=5", "application/octet-stream", 5, foreign).await;
    refused(line, 403, "foreign_origin").await;
    assert!(kiosk.updates.unfinished().is_none(), "nothing was kept of any of them");
}

#[tokio::test]
async fn what_lies_there_is_installed_when_pressed_and_not_before() {
    let kiosk = Kiosk::start();
    let mut installer = installer(&kiosk).await;
    for path in ["/api/update/install", "/api/update/pass"] {
        installer.post(path, &json!({})).await.refused(200, "no_update");
    }
    let mut line = put(&installer, ID, 5, 0, 5).await;
    line.write_all(b"hello").await.unwrap();
    assert_eq!(answer(&mut line).await["answer"], "accepted");
    // Whoever is at work on it holds the place.
    let held = kiosk.updates.hold().unwrap().unwrap();
    kiosk.updates.tell(&Report::of(State::Checking, Some(Source::Panel), None)).unwrap();
    installer.post("/api/update/install", &json!({})).await.refused(503, "busy");
    kiosk.updates.tell(&Report::of(State::Ready, Some(Source::Panel), Some("0.2.0"))).unwrap();
    let told = installer.get("/api/update").await.json();
    assert_eq!((&told["state"], &told["bundle"]), (&json!("ready"), &json!("0.2.0")));
    assert_eq!(kiosk.updates.take_wish().unwrap(), Some(Wish::Check));
    assert_eq!(installer.post("/api/update/install", &json!({})).await.json()["answer"], "accepted");
    assert_eq!(kiosk.updates.take_wish().unwrap(), Some(Wish::Install));
    kiosk.updates.tell(&Report::of(State::Installing, Some(Source::Panel), Some("0.2.0"))).unwrap();
    assert_eq!(installer.post("/api/update/install", &json!({})).await.json()["answer"], "already");
    assert_eq!(kiosk.updates.take_wish().unwrap(), None);
    drop(held);
}

#[tokio::test]
async fn without_a_link_nobody_is_helped() {
    let kiosk = Kiosk::start();
    let mut installer = installer(&kiosk).await;
    assert_eq!(installer.get("/api/far").await.json()["state"], "none");
    let far = json!({"pin": "135790", "do": "support"});
    installer.post("/api/far", &far).await.refused(200, "no_link");
    installer.post("/api/far", &json!({"pin": "135790", "do": "format"})).await.refused(400, "not_understood");
    installer.post("/api/far", &json!({"pin": "x", "do": "support"})).await.refused(200, "wrong_pin");
    installer.post("/api/far", &json!({"pin": "1".repeat(99), "do": "support"})).await.refused(200, "wrong_pin");
}

async fn installer(kiosk: &Kiosk) -> Browser {
    let mut browser = Browser::new(kiosk);
    assert_eq!(browser.post("/api/installer", &json!({"pin": PIN})).await.json()["answer"], "accepted");
    assert_ne!(PIN, CODE_TYPED);
    browser
}

/// The head of an upload; what is written to the answer is its body.
async fn put(browser: &Browser, id: &str, length: u64, offset: u64, body: u64) -> TlsStream<TcpStream> {
    let path = format!("/api/update?id={id}&length={length}&offset={offset}");
    send_head(browser, &path, "application/octet-stream", body, "").await
}

async fn send_head(browser: &Browser, path: &str, kind: &str, length: u64, more: &str) -> TlsStream<TcpStream> {
    let (host, cookie) = (browser.address, browser.cookie.clone().unwrap_or_default());
    let mut line = browser.tls().await;
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{more}\r\n"
    );
    line.write_all(head.as_bytes()).await.unwrap();
    line.flush().await.unwrap();
    line
}

async fn refused(mut line: TlsStream<TcpStream>, status: u16, why: &str) -> Value {
    let (got, told) = whole_answer(&mut line).await;
    assert_eq!((got, told["answer"].as_str(), told["why"].as_str()), (status, Some("denied"), Some(why)), "{told}");
    told
}

async fn answer(line: &mut TlsStream<TcpStream>) -> Value {
    whole_answer(line).await.1
}

/// Uploads end their connection: the answer is all there is.
async fn whole_answer(line: &mut TlsStream<TcpStream>) -> (u16, Value) {
    line.flush().await.unwrap();
    let mut bytes = Vec::new();
    let read = timeout(SHORT + SHORT, line.read_to_end(&mut bytes)).await.expect("an answer in time");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{read:?}: {text}"));
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}")))
}

/// Of this process: the panel and the test itself.
fn rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a figure");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}
