//! The panel as those meet it who mean no good, or whose programs are broken: refused with a sentence, or closed; the room goes on.
#![allow(clippy::print_stdout, reason = "figures are told")]

mod panel_support;

use engawa::core::ledger::Entry;
use panel_support::browser::{Browser, tls_from};
use panel_support::{CODE_TYPED, Kiosk, PATIENCE, network, until};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn a_thousand_wrong_codes_are_five_tries_and_disturb_nobody() {
    let kiosk = Kiosk::start();
    let mut guest = Browser::guest(&kiosk, "PC").await;
    let mut events = guest.events().await;
    let guessers: Vec<_> = (0..16_u32)
        .map(|guesser| {
            let mut browser = Browser::new(&kiosk);
            tokio::spawn(async move {
                let mut tried = 0;
                for guess in (guesser..1000).step_by(16) {
                    let body = json!({"code": format!("{:06}", 500_000 + guess), "name": "x"});
                    let why = browser.post("/api/enter", &body).await.json()["why"].clone();
                    assert!(why == "wrong_code" || why == "too_many_tries", "{why}");
                    tried += usize::from(why == "wrong_code");
                    // Another browser every time, as far as the box can tell.
                    browser.cookie = None;
                }
                tried
            })
        })
        .collect();
    let (mut asked, mut slowest) = (0_u32, Duration::ZERO);
    while guessers.iter().any(|guesser| !guesser.is_finished()) {
        let begun = started();
        assert_eq!(guest.ask(json!({"ask": "volume", "volume": asked % 100})).await["answer"], "accepted");
        slowest = slowest.max(begun.elapsed());
        asked += 1;
    }
    let mut tried = 0;
    for guesser in guessers {
        tried += guesser.await.expect("no panic");
    }
    println!("{tried} of 1000 codes were compared; a guest asked {asked} times meanwhile, slowest {slowest:?}");
    // Five wrong codes, and once that the door is shut: no guesser fills the ledger.
    assert_eq!((tried, kiosk.count(|entry| matches!(entry, Entry::GuestRefused { .. }))), (5, 6));
    assert!(asked > 20 && slowest < Duration::from_secs(1), "{asked} answers, slowest {slowest:?}");
    let mut late = Browser::new(&kiosk);
    late.post("/api/enter", &json!({"code": CODE_TYPED, "name": "x"})).await.refused(200, "too_many_tries");
    assert_eq!(events.next().await.expect("it goes on")["you"]["state"], "admitted");
}

#[tokio::test]
async fn a_crowd_that_waits_leaves_room_for_whoever_knows_the_code() {
    let kiosk = Kiosk::start();
    let mut stranger = Browser::new(&kiosk);
    let mut let_wait = 0;
    for _ in 0..50 {
        stranger.cookie = None;
        let answer = stranger.post("/api/wait", &json!({"name": "x"})).await.json();
        assert!(answer["answer"] == "accepted" || answer["why"] == "full", "{answer}");
        let_wait += u32::from(answer["answer"] == "accepted");
    }
    assert!((8..16).contains(&let_wait), "{let_wait}");
    Browser::guest(&kiosk, "PC").await;
}

#[tokio::test]
async fn other_sites_cannot_ask() {
    let kiosk = Kiosk::start();
    let mut browser = Browser::guest(&kiosk, "PC").await;
    let wish = r#"{"ask":"veil","veil":"black"}"#;
    let bare = |browser: &Browser| browser.request("POST", "/api/ask");
    browser.send(bare(&browser), wish).await.refused(415, "not_json");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", "json"]
    {
        browser.send(bare(&browser).header("content-type", kind), wish).await.refused(415, "not_json");
    }
    for (name, value) in [
        ("origin", "https://example.org"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let foreign = bare(&browser).header("content-type", "application/json").header(name, value);
        browser.send(foreign, wish).await.refused(403, "foreign_origin");
        for path in ["/api/ledger", "/api/own.jpg", "/api/events"] {
            browser.send(browser.request("GET", path).header(name, value), "").await.refused(403, "foreign_origin");
        }
    }
    assert_eq!(kiosk.count(|entry| matches!(entry, Entry::Veil(_))), 0, "nothing was done");
    let fine = bare(&browser).header("content-type", "application/json; charset=utf-8");
    assert_eq!(browser.send(fine, wish).await.json()["answer"], "accepted", "no page at all: the office's own script");
    until("it was done", || kiosk.count(|entry| matches!(entry, Entry::Veil(_))) == 1).await;
}

#[tokio::test]
async fn a_name_that_was_bound_to_the_boxs_address_opens_nothing() {
    let kiosk = Kiosk::start();
    let mut browser = Browser::guest(&kiosk, "PC").await;
    let port = kiosk.address().port();
    for host in [format!("rebind.example:{port}"), "192.0.2.1".into(), "[::1]".into(), String::new()] {
        for path in ["/", "/certificate.pem", "/api/ledger", "/nothing"] {
            let request = hyper::Request::builder().uri(path).header("host", &host);
            browser
                .send(request.header("cookie", browser.cookie.clone().unwrap()), "")
                .await
                .refused(403, "foreign_host");
        }
    }
    let request = |host: String| hyper::Request::builder().uri("/").header("host", host);
    assert_eq!(browser.send(request(format!("localhost:{port}")), "").await.status, 200);
    assert_eq!(browser.send(request("127.0.0.1".into()), "").await.status, 200);
    browser.send(hyper::Request::builder().uri("/"), "").await.refused(403, "foreign_host");
}

#[tokio::test]
async fn what_is_too_long_or_makes_no_sense_is_refused() {
    let kiosk = Kiosk::start();
    let mut browser = Browser::guest(&kiosk, "PC").await;
    let long = json!({"code": CODE_TYPED, "name": "x".repeat(5000)});
    browser.post("/api/enter", &long).await.refused(413, "too_long");
    let fits = json!({"code": CODE_TYPED, "name": "あ".repeat(1000)});
    assert_eq!(browser.post("/api/enter", &fits).await.json()["answer"], "accepted");
    let name = browser.events().await.next().await.expect("a state")["you"]["name"].clone();
    assert_eq!(name, "あ".repeat(32), "cut to what stands on a screen");
    let deep = "[".repeat(4000);
    for garbage in ["", "{", "null", "[]", "\"code\"", "{\"ask\":\"mode\",\"mode\":\"open\"}", "\u{0}\u{1}", &deep] {
        for path in ["/api/ask", "/api/enter", "/api/wait", "/api/leave", "/api/installer"] {
            browser.send(browser.asking(path), garbage).await.refused(400, "not_understood");
        }
    }
    let fields = r#"{"ask":"lock","locked":true,"by":"installer"}"#;
    browser.send(browser.asking("/api/ask"), fields).await.refused(400, "not_understood");
    let mut padded = browser.request("GET", "/");
    for number in 0..40 {
        padded = padded.header(format!("x-{number}"), "y".repeat(1000));
    }
    assert_eq!(browser.send(padded, "").await.status, 431);
    assert_eq!(browser.get("/").await.status, 200);
}

#[tokio::test]
async fn broken_http_is_closed_and_nothing_happens() {
    let kiosk = Kiosk::start();
    let browser = Browser::guest(&kiosk, "PC").await;
    let (host, cookie) = (kiosk.address(), browser.cookie.clone().unwrap());
    let head = format!("Host: {host}\r\nCookie: {cookie}\r\nContent-Type: application/json\r\n");
    let wish = r#"{"ask":"veil","veil":"black"}"#;
    assert_eq!(wish.len(), 29);
    let chunk = format!("4800\r\n{}\r\n0\r\n\r\n", " ".repeat(0x4800));
    for (case, sent, status) in [
        ("garbage", "\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), "400"),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), ""),
        ("no length that is one", format!("POST /api/ask HTTP/1.1\r\n{head}Content-Length: -1\r\n\r\n"), "400"),
        (
            "two lengths",
            format!("POST /api/ask HTTP/1.1\r\n{head}Content-Length: 29\r\nContent-Length: 2\r\n\r\n{wish}"),
            "400",
        ),
        (
            "a length and a coding",
            format!("POST /api/ask HTTP/1.1\r\n{head}Transfer-Encoding: x\r\nContent-Length: 29\r\n\r\n{wish}"),
            "400",
        ),
        ("a long length", format!("POST /api/ask HTTP/1.1\r\n{head}Content-Length: 99999999\r\n\r\n{{"), "413"),
        ("long chunks", format!("POST /api/ask HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n{chunk}"), "413"),
        ("two hosts", format!("GET / HTTP/1.1\r\n{head}Host: {host}\r\n\r\n"), "403"),
        ("another host in the line", format!("GET https://rebind.example/ HTTP/1.1\r\n{head}\r\n"), "403"),
        ("a name before the host", format!("GET https://{host}/ HTTP/1.1\r\n{head}\r\n"), "403"),
        ("HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n".to_owned(), "403"),
        ("a line break in a header", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n".to_owned(), "400"),
    ] {
        let mut stream = browser.tls().await;
        stream.write_all(sent.as_bytes()).await.expect("sent");
        let mut answer = [0; 12];
        let read = timeout(PATIENCE, stream.read(&mut answer)).await.expect("an answer or the end").unwrap_or(0);
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert_eq!(answer.split(' ').nth(1).unwrap_or_default(), status, "{case}: {answer}");
    }
    assert_eq!(kiosk.count(|entry| matches!(entry, Entry::Veil(_))), 0);
}

#[tokio::test]
async fn whoever_is_slow_is_not_waited_for() {
    let kiosk = Kiosk::start();
    let browser = Browser::guest(&kiosk, "PC").await;
    let slow_body = async {
        let mut stream = browser.tls().await;
        let (host, cookie) = (kiosk.address(), browser.cookie.clone().unwrap());
        let head = format!("POST /api/ask HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n");
        let head = head + "Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 408");
    };
    let silent_handshake = async {
        let mut tcp = TcpStream::connect(kiosk.address()).await.expect("a connection");
        assert_eq!(tcp.read(&mut [0; 64]).await.unwrap_or(0), 0, "closed without a byte");
    };
    let plain_http = async {
        let mut tcp = TcpStream::connect(kiosk.address()).await.expect("a connection");
        tcp.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
        let mut answer = Vec::new();
        let _reset_or_end = tcp.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP"), "no page without TLS: {answer:?}");
    };
    let all = async { tokio::join!(slow_body, silent_handshake, plain_http) };
    timeout(PATIENCE, all).await.expect("within the deadlines of 5 s");
}

#[tokio::test]
async fn who_is_not_in_the_room_is_closed_before_tls() {
    let kiosk = Kiosk::with(|settings| settings.room = vec![network("127.0.0.2", 32)]);
    let certificate = kiosk.certificate();
    tls_from("127.0.0.2", &certificate, kiosk.address()).await.expect("in the room");
    for source in ["127.0.0.1", "127.0.0.3"] {
        assert!(tls_from(source, &certificate, kiosk.address()).await.is_err(), "{source}");
    }
    let mut tcp = TcpStream::connect(kiosk.address()).await.expect("TCP is the kernel's");
    let mut answer = Vec::new();
    let _reset_or_end = timeout(PATIENCE, tcp.read_to_end(&mut answer)).await.expect("closed at once");
    assert_eq!(answer, b"");
}

#[tokio::test]
async fn without_a_list_the_own_networks_are_the_room_and_the_peer_is_not() {
    let kiosk = Kiosk::with(|settings| {
        settings.room = Vec::new();
        settings.networks = Arc::new(|| vec![network("127.0.0.1", 24)]);
        settings.peer = "127.0.0.20".parse().ok();
    });
    let certificate = kiosk.certificate();
    for (source, inside) in [("127.0.0.9", true), ("127.0.0.20", false), ("127.0.1.1", false)] {
        let tls = tls_from(source, &certificate, kiosk.address()).await;
        assert_eq!(tls.is_ok(), inside, "{source}");
    }
}

#[tokio::test]
async fn two_hundred_idle_connections_starve_nobody() {
    let kiosk = Kiosk::start();
    let mut guest = Browser::guest(&kiosk, "PC").await;
    let mut events = guest.events().await;
    let first = events.next().await.expect("a state");
    let mut idle = Vec::new();
    for number in 0..200 {
        if number % 2 == 0 {
            idle.push((Some(TcpStream::connect(kiosk.address()).await.expect("a connection")), None));
        } else {
            idle.push((None, Some(Browser::new(&kiosk).tls().await)));
        }
    }
    let begun = started();
    let mut newcomer = Browser::guest(&kiosk, "携帯").await;
    assert_eq!(newcomer.ask(json!({"ask": "volume", "volume": 30})).await["answer"], "accepted");
    let took = begun.elapsed();
    println!("a newcomer beside 200 idle connections: in and answered after {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    events.until("the guest's stream was left alone", |state| state["volume"] == 30).await;
    assert_eq!(first["volume"], 100);
    drop(idle);
}

#[tokio::test]
async fn one_browser_cannot_open_streams_without_end_and_a_closed_one_is_free_again() {
    let kiosk = Kiosk::start();
    let mut browser = Browser::guest(&kiosk, "PC").await;
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut events = browser.events().await;
        assert!(events.next().await.is_some());
        streams.push(events);
    }
    assert_eq!(browser.events().await.status, 429);
    streams.pop();
    let begun = started();
    while browser.events().await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(2), "a closed stream is noticed");
    }
}

#[tokio::test]
async fn a_flood_of_leaves_does_not_fill_the_loops_inbox() {
    let kiosk = Kiosk::start();
    let mut guest = Browser::guest(&kiosk, "PC").await;
    kiosk.hang();
    let mut strangers: Vec<_> = (0..4).map(|_| Browser::new(&kiosk)).collect();
    for _ in 0..50 {
        for stranger in &mut strangers {
            assert_eq!(stranger.post("/api/leave", &json!({})).await.json()["answer"], "already");
        }
    }
    assert_eq!(guest.post("/api/leave", &json!({})).await.status, 200);
    let mut waiting = 0;
    until("the inbox is counted", || {
        while kiosk.inbox.take().is_some() {
            waiting += 1;
        }
        waiting >= 1
    })
    .await;
    assert_eq!(waiting, 1, "only who was a guest leaves");
}

#[expect(clippy::disallowed_methods, reason = "a test measures in real time")]
fn started() -> Instant {
    Instant::now()
}
