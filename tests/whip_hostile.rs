//! The WHIP door of a real daemon, over HTTPS, as those meet it who mean no good or whose programs are broken: a status and a
//! sentence each, nothing left behind, and the link, an honest share and the panel go on.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it took"
)]

mod live_support;
mod panel_support;
mod support;

use live_support::sender::Endpoint;
use live_support::{LIMIT, both_are, endpoint, paints, panel, rooms, small};
use panel_support::browser::{Answer, Browser, tls_from};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::boxes::Pair;
use support::lab::End;
use support::screen::Screen;
use support::wait_for;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

#[tokio::test(flavor = "multi_thread")]
async fn offers_of_no_use_get_a_status_and_a_sentence_and_leave_nothing_behind() {
    let mut rig = Rig::start();
    let (mut browser, obs) = (rig.browser(), rig.endpoint("obs"));
    let offer = {
        let sender = paints("red");
        let offer = sender.offer();
        sender.vanishes();
        offer
    };
    let only_sound = offer.split("m=").filter(|part| !part.starts_with("video")).collect::<Vec<_>>().join("m=");
    let before = rig.holds();
    let long = format!("{offer}{}", "a=x-long:y\r\n".repeat(6000));
    for (case, sdp, status, why) in [
        ("nothing", String::new(), 400, "not_understood"),
        ("no SDP", "hello".into(), 400, "not_understood"),
        ("a line that is none", "v=0\r\nm=video\r\n".into(), 400, "not_understood"),
        ("no certificate", offer.replace("a=fingerprint", "a=footprint"), 400, "not_understood"),
        ("no picture", only_sound, 400, "no_picture"),
        ("receives only", offer.replace("a=sendonly", "a=recvonly"), 400, "no_picture"),
        ("an unknown codec only", offer.replace("H264", "THEORA"), 400, "no_codec"),
        ("two pictures", offer.replace("m=audio", "m=video"), 400, "too_many_parts"),
        ("too long", long, 413, "too_long"),
    ] {
        let answer = browser.send(bearing(&browser, "POST", "/whip", &obs), &sdp).await;
        problem(case, &answer, status, why);
    }
    let bytes = browser.send_bytes(bearing(&browser, "POST", "/whip", &obs), vec![0xff; 300]).await;
    problem("no text", &bytes, 400, "not_understood");
    for kind in ["application/json", "text/plain", "application/sdpx"] {
        let request = browser.request("POST", "/whip").header("authorization", format!("Bearer {}", obs.token));
        let answer = browser.send(request.header("content-type", kind), &offer).await;
        problem(kind, &answer, 415, "not_sdp");
        assert_eq!(answer.header("accept"), "application/sdp");
    }
    for method in ["GET", "HEAD", "PUT", "PATCH"] {
        let answer = browser.send(bearing(&browser, method, "/whip", &obs), "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, "OPTIONS, POST"), "{method}");
        let answer = browser.send(bearing(&browser, method, "/whip/1", &obs), "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, "OPTIONS, DELETE"), "{method}");
    }
    let foreign = bearing(&browser, "POST", "/whip", &obs).header("origin", "https://example.org");
    problem("another site", &browser.send(foreign, &offer).await, 403, "foreign_origin");
    // Whoever hangs up before the answer shares nothing.
    for _ in 0..10 {
        let mut line = browser.tls().await;
        let head = rig.head(&obs, &format!("Content-Length: {}", offer.len()));
        line.write_all(format!("{head}{offer}").as_bytes()).await.unwrap();
        drop(line);
    }
    // Too much in pieces without an end is answered while it comes; what does not come is not waited for.
    let mut line = browser.tls().await;
    line.write_all(rig.head(&obs, "Transfer-Encoding: chunked").as_bytes()).await.unwrap();
    let piece = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
    while line.write_all(piece.as_bytes()).await.is_ok() {
        let mut answer = [0; 12];
        if timeout(Duration::from_millis(20), line.read(&mut answer)).await.is_ok() {
            assert_eq!(&answer, b"HTTP/1.1 413");
            break;
        }
    }
    for rest in ["Content-Length: 5000", "Transfer-Encoding: chunked"] {
        let mut line = browser.tls().await;
        line.write_all(format!("{}3\r\nv=0\r\n", rig.head(&obs, rest)).as_bytes()).await.unwrap();
        let (mut answer, begun) = ([0; 12], Instant::now());
        line.read_exact(&mut answer).await.unwrap();
        assert_eq!((&answer, begun.elapsed() < Duration::from_secs(7)), (b"HTTP/1.1 408", true), "{rest}");
    }
    drop((browser, line));
    rig.is_as_before(before, "after offers of no use");
    // Names of hosts that only mDNS knows: they are never looked up, its picture is known by where it comes from.
    let sender = paints("red");
    let hidden = sender.offer().replace("127.0.0.1", "0b3c6a1e-7d1f-4b7a-9d1c-5f2f6f0a1b2c.local");
    let mut browser = rig.browser();
    let answer = browser.send(bearing(&browser, "POST", "/whip", &obs), &hidden).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    sender.answered(std::str::from_utf8(&answer.body).unwrap());
    both_are(&rig.screens, ["red", "red"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whoever_brought_a_share_ends_it_and_only_a_token_of_now_begins_one() {
    let mut rig = Rig::start();
    let (first, second) = (rig.endpoint("first"), rig.endpoint("second"));
    let before = rig.holds();
    let mut browser = rig.browser();
    let sender = paints("red");
    let (status, place) = sender.shares_at(&first);
    assert_eq!(status, 201);
    let place = place.unwrap();
    both_are(&rig.screens, ["red", "red"]);
    let offer = paints("blue").offer();
    let nobody = Endpoint { token: "0".repeat(32), ..first.clone() };
    for (case, method, path, of, status, why) in [
        ("somebody else's", "DELETE", place.as_str(), Some(&second), 404, "no_such_page"),
        ("none of that number", "DELETE", "/whip/99999", Some(&first), 404, "no_such_page"),
        ("no number", "DELETE", "/whip/../api", Some(&first), 404, "no_such_page"),
        ("nobody's end", "DELETE", place.as_str(), Some(&nobody), 401, "no_token"),
        ("an end without a token", "DELETE", place.as_str(), None, 401, "no_token"),
        ("a wrong token", "POST", "/whip", Some(&nobody), 401, "no_token"),
        ("no token", "POST", "/whip", None, 401, "no_token"),
    ] {
        let request = match of {
            Some(endpoint) => bearing(&browser, method, path, endpoint),
            None => browser.request(method, path).header("content-type", "application/sdp"),
        };
        let answer = browser.send(request, &offer).await;
        problem(case, &answer, status, why);
        assert!(status != 401 || answer.header("www-authenticate").starts_with("Bearer"), "{case}");
    }
    let basic = browser.request("POST", "/whip").header("content-type", "application/sdp");
    problem(
        "another scheme",
        &browser.send(basic.header("authorization", "Basic eDp5"), &offer).await,
        401,
        "no_token",
    );
    both_are(&rig.screens, ["red", "red"]);
    // The meeting takes its guests with it.
    rig.pair.engawa(End::B, &["mode", "quiet"], &[]);
    both_are(&rig.screens, ["else", "else"]);
    let dead = browser.send(bearing(&browser, "POST", "/whip", &first), &offer).await;
    problem("a dead token", &dead, 403, "not_admitted");
    drop((browser, sender));
    rig.is_as_before(before, "after others' shares and tokens");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_that_drip_hold_up_no_honest_share_and_no_page() {
    let mut rig = Rig::start();
    let (obs, dripping) = (rig.endpoint("obs"), rig.endpoint("drips"));
    let mut guest = rig.browser();
    let entered = guest.post("/api/enter", &json!({"code": live_support::code(&rig.pair, End::A), "name": "PC"})).await;
    assert_eq!(entered.json()["answer"], "accepted");
    let before = rig.holds();
    let (over, open, dripped) =
        (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let drips: Vec<_> = (0..300)
        .map(|number| {
            let (over, open, dripped) = (over.clone(), open.clone(), dripped.clone());
            let (certificate, address) = (rig.certificate.clone(), rig.address);
            // Half of them never end their head, half have a token and never end their body.
            let head = match number % 2 {
                0 => format!("POST /whip HTTP/1.1\r\nHost: {address}\r\nX-Slow: "),
                _ => rig.head(&dripping, "Content-Length: 60000"),
            };
            let source = format!("127.0.0.{}", 2 + number % 5);
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let Ok(mut line) = tls_from(&source, &certificate, address).await else {
                        sleep(Duration::from_millis(500)).await;
                        continue;
                    };
                    open.fetch_add(1, Ordering::Relaxed);
                    let mut said = line.write_all(head.as_bytes()).await;
                    while said.is_ok() && !over.load(Ordering::Relaxed) {
                        dripped.fetch_add(1, Ordering::Relaxed);
                        sleep(Duration::from_millis(700)).await;
                        said = line.write_all(b"v").await;
                    }
                    open.fetch_sub(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let begun = Instant::now();
    while open.load(Ordering::Relaxed) < 200 {
        assert!(begun.elapsed() < LIMIT, "{} are open", open.load(Ordering::Relaxed));
        sleep(Duration::from_millis(50)).await;
    }
    println!("{} lines drip after {:?}", open.load(Ordering::Relaxed), begun.elapsed());
    let mut slowest = Duration::ZERO;
    // Long enough for the bodies' deadline to come twice.
    for colour in ["red", "blue", "green"].into_iter().cycle() {
        if begun.elapsed() > Duration::from_secs(12) {
            break;
        }
        let asked = Instant::now();
        let sender = paints(colour);
        let (status, place) = sender.shares_at(&obs);
        println!("an honest share is answered {status} after {:?}", asked.elapsed());
        assert_eq!(status, 201);
        both_are(&rig.screens, [colour, colour]);
        for volume in 0..10 {
            let asked = Instant::now();
            let answer = guest.ask(json!({"ask": "volume", "volume": volume})).await;
            assert!(answer["answer"] == "accepted" || answer["answer"] == "already", "{answer}");
            slowest = slowest.max(asked.elapsed());
        }
        assert_eq!(rig.pair.status(End::A).unwrap()["link"], "up");
        assert_eq!(obs.end(&place.unwrap()), 200);
    }
    println!("the page's slowest answer meanwhile: {slowest:?}; {} bytes dripped", dripped.load(Ordering::Relaxed));
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    over.store(true, Ordering::Relaxed);
    for drip in drips {
        drip.await.unwrap();
    }
    drop(guest);
    rig.is_as_before(before, "after three hundred that dripped");
}

/// Two linked rooms, and the panel of the first.
struct Rig {
    pair: Pair<'static>,
    screens: [Screen; 2],
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    sessions: [Value; 2],
}

impl Rig {
    fn start() -> Self {
        let (pair, screens) = rooms(&small());
        let sessions = pair.wait_up(LIMIT).map(|status| status["session"].clone());
        let address = panel(&pair, End::A).trim_start_matches("https://").parse().unwrap();
        let file = pair.state_directory(End::A).join("panel-certificate.pem");
        let pem = wait_for(LIMIT, || std::fs::read(&file).ok()).unwrap();
        let certificate = CertificateDer::from_pem_slice(&pem).unwrap();
        let rig = Self { pair, screens, address, certificate, sessions };
        // The first share opens what stays open.
        rig.shares_and_ends("red");
        rig
    }

    fn browser(&self) -> Browser {
        Browser::at(self.address, self.certificate.clone())
    }

    fn endpoint(&self, device: &str) -> Endpoint {
        endpoint(&self.pair, End::A, device)
    }

    /// Of a POST by hand.
    fn head(&self, endpoint: &Endpoint, rest: &str) -> String {
        let (host, token) = (self.address, &endpoint.token);
        let named = format!("POST /whip HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n");
        format!("{named}Content-Type: application/sdp\r\n{rest}\r\n\r\n")
    }

    /// Open files of the daemon.
    fn holds(&mut self) -> usize {
        let pid = self.pair.daemon(End::A).pid();
        std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
    }

    /// No share, no file more, the same session, and every place for shares is free.
    fn is_as_before(&mut self, files: usize, when: &str) {
        let gone = |status: &Value| status["room"]["live"].is_null();
        self.pair.wait_status(End::A, LIMIT, "no share", gone);
        // Heads that never end have half a minute.
        let level = wait_for(LIMIT + LIMIT, || Some(self.holds()).filter(|now| *now <= files + 1));
        println!("{when}: {files} open files before, {level:?} now");
        assert!(level.is_some(), "{when}: {files} open files before, {} now", self.holds());
        for end in End::BOTH {
            let status = self.pair.status(end).unwrap();
            assert_eq!((&status["link"], &status["session"]), (&"up".into(), &self.sessions[end as usize]), "{when}");
            assert_eq!(status["microphone"], "closed", "{when}");
        }
        for colour in ["green", "blue"] {
            self.shares_and_ends(colour);
        }
    }

    fn shares_and_ends(&self, colour: &'static str) {
        let (obs, sender) = (self.endpoint("honest"), paints(colour));
        let (status, place) = sender.shares_at(&obs);
        assert_eq!(status, 201, "an honest share");
        both_are(&self.screens, [colour, colour]);
        assert_eq!(obs.end(&place.unwrap()), 200);
        both_are(&self.screens, ["else", "else"]);
    }
}

fn bearing(browser: &Browser, method: &str, path: &str, endpoint: &Endpoint) -> hyper::http::request::Builder {
    let request = browser.request(method, path).header("content-type", "application/sdp");
    request.header("authorization", format!("Bearer {}", endpoint.token))
}

/// Refused as a program (RFC 9457) and as a person wants to be told.
fn problem(case: &str, answer: &Answer, status: u16, why: &str) {
    assert_eq!(answer.status, status, "{case}: {answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json", "{case}");
    let told = answer.json();
    assert_eq!(
        (&told["status"], &told["why"], &told["answer"]),
        (&json!(status), &json!(why), &json!("denied")),
        "{case}"
    );
    let sentence = told["detail"].as_str().unwrap();
    assert!(!sentence.is_empty() && told["text"] == sentence && !told["title"].as_str().unwrap().is_empty(), "{case}");
}
