//! Documents at the panel, over real TLS: from guests only, as bytes, within their length, and nothing of what is refused stays.

mod panel_support;

use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, ORIGIN};
use panel_support::browser::{Answer, Browser};
use panel_support::{Kiosk, PIN};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PATH: &str = "/api/documents?name=%E4%BA%88%E7%AE%97%E6%A1%88%20%F0%9F%8D%B5.pdf";

#[tokio::test]
async fn a_guest_shares_and_nobody_else_does() {
    let kiosk = Kiosk::start();
    let mut stranger = Browser::new(&kiosk);
    put(&mut stranger, "%PDF").await.refused(200, "not_admitted");
    let mut installer = Browser::new(&kiosk);
    assert_eq!(installer.post("/api/installer", &json!({"pin": PIN})).await.json()["answer"], "accepted");
    put(&mut installer, "%PDF-1").await.refused(200, "not_admitted");
    let mut guest = Browser::guest(&kiosk, "PC").await;
    assert!(kiosk.documents.bytes(engawa::documents::name_of(b"%PDF-1")).is_none(), "what is denied is forgotten");
    let mut events = guest.events().await;
    assert_eq!(put(&mut guest, "%PDF-1.7").await.json()["answer"], "accepted");
    let state = events.until("opening", |state| state["page"]["state"] == "opening").await;
    assert_eq!((&state["mode"], &state["microphone"]), (&json!("meeting"), &json!("closed")));
    assert!(kiosk.documents.bytes(engawa::documents::name_of(b"%PDF-1.7")).is_some());
    assert_eq!(put(&mut guest, "%PDF-1.7").await.json()["answer"], "already");
}

#[tokio::test]
async fn what_is_no_document_is_refused_in_words() {
    let kiosk = Kiosk::start();
    let mut guest = Browser::guest(&kiosk, "PC").await;
    put(&mut guest, "").await.refused(200, "not_taken");
    let form = guest.asking(PATH);
    guest.send(form, "%PDF").await.refused(415, "not_json");
    let plain = guest.request("POST", PATH).header(CONTENT_TYPE, "text/plain");
    guest.send(plain, "%PDF").await.refused(415, "not_json");
    let foreign = guest.request("POST", PATH).header(CONTENT_TYPE, BYTES).header(ORIGIN, "https://192.0.2.9");
    guest.send(foreign, "%PDF").await.refused(403, "foreign_origin");
    guest.get(PATH).await.refused(405, "wrong_method");
}

#[tokio::test]
async fn too_long_a_document_is_refused_before_it_comes_and_half_a_one_changes_nothing() {
    let kiosk = Kiosk::start();
    let guest = Browser::guest(&kiosk, "PC").await;
    let head = |length: u64| {
        let request = guest.request("POST", PATH).header(CONTENT_TYPE, BYTES).header(CONTENT_LENGTH, length);
        let request = request.body(()).expect("a request");
        let lines =
            request.headers().iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().expect("text")));
        format!("POST {PATH} HTTP/1.1\r\n{}\r\n", lines.collect::<String>())
    };
    let mut line = guest.tls().await;
    line.write_all(head(200 << 20).as_bytes()).await.expect("sent");
    let mut answer = vec![0; 512];
    let read = line.read(&mut answer).await.expect("an answer");
    assert!(String::from_utf8_lossy(&answer[..read]).starts_with("HTTP/1.1 413"), "{:?}", &answer[..read]);
    let mut line = guest.tls().await;
    line.write_all(head(1000).as_bytes()).await.expect("sent");
    line.write_all(b"%PDF-1.7 and then").await.expect("sent");
    drop(line);
    let mut other = Browser::guest(&kiosk, "PC 2").await;
    let mut events = other.events().await;
    let state = events.until("the state", |state| state["mode"].is_string()).await;
    assert_eq!((&state["mode"], &state["documents"]), (&json!("quiet"), &json!([])));
}

async fn put(browser: &mut Browser, bytes: &str) -> Answer {
    let request = browser.request("POST", PATH).header(CONTENT_TYPE, BYTES);
    browser.send(request, bytes).await
}

const BYTES: &str = "application/octet-stream";
