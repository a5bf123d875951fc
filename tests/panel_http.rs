//! The panel as a browser meets it, over real TLS, with the real core behind it.
#![allow(clippy::print_stdout, reason = "figures are told")]

mod panel_support;

use engawa::core::ledger::Entry;
use engawa::model::Key;
use engawa::panel::{Panel, ROUTES, Who};
use engawa::questions::Questions;
use panel_support::browser::{Browser, tls};
use panel_support::{CODE_TYPED, Kiosk, PIN, settings, sources, until};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::time::sleep;

#[test]
fn every_address_is_documented_and_every_documented_address_exists() {
    let who = |who| match who {
        Who::Room => "room",
        Who::Member => "member",
        Who::Guest => "guest",
        Who::Installer => "installer",
    };
    let routes: BTreeSet<String> =
        ROUTES.iter().map(|route| format!("{} {} {}", route.method, route.path, who(route.who))).collect();
    let paper = include_str!("../docs/panel.md");
    let addressed = |line: &&str| ["| `GET", "| `POST", "| `PUT"].iter().any(|begins| line.starts_with(begins));
    let rows = paper.lines().filter(addressed);
    let documented: BTreeSet<String> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            format!("{} {}", cells[1].trim_matches('`'), cells[2])
        })
        .collect();
    assert_eq!(routes, documented);
    assert_eq!(routes.len(), ROUTES.len(), "no address stands twice");
}

#[tokio::test]
async fn every_address_answers_those_it_is_for_and_nobody_else() {
    let kiosk = Kiosk::start();
    kiosk.picture.lock().unwrap().replace(vec![0xff, 0xd8]);
    let (mut stranger, mut guest) = (Browser::new(&kiosk), Browser::guest(&kiosk, "PC").await);
    let (mut installer, mut pin_only) = (Browser::new(&kiosk), Browser::new(&kiosk));
    assert_eq!(pin_only.post("/api/installer", &json!({"pin": PIN})).await.json()["answer"], "accepted");
    assert_eq!(installer.post("/api/installer", &json!({"pin": PIN})).await.json()["answer"], "accepted");
    // Documents are no JSON: tests/panel_documents.rs.
    let others = ["/api/events", "/api/leave", "/api/documents"];
    // Nor are bundles, and there is nothing to install, nobody to help: tests/panel_update.rs.
    let others = [others.as_slice(), &["/api/update", "/api/update/install", "/api/update/pass", "/api/far"]].concat();
    let id = "ab".repeat(32);
    let asked = |path: &str| match path {
        "/api/page" | "/api/ink" | "/api/kept/file" => format!("{path}?document={id}&page=0&width=100"),
        _ => path.to_owned(),
    };
    for route in ROUTES.iter().filter(|route| !others.contains(&route.path)) {
        let body = match route.path {
            "/api/enter" => json!({"code": CODE_TYPED, "name": "x"}),
            "/api/wait" => json!({"name": "x"}),
            "/api/ask" => json!({"ask": "cancel"}),
            "/api/installer" => json!({"pin": PIN}),
            "/api/reset" => json!({"pin": PIN, "name": "市民課"}),
            "/api/kept/forget" => json!({"document": id}),
            "/api/clock" => json!({"unix_ms": 1_800_000_000_000_u64}),
            "/api/settings" => json!({"line": {"ceiling_kbps": 2000}}),
            _ => json!({}),
        };
        // The installer above types the code on its way.
        let by_pin = if route.who == Who::Member { &mut pin_only } else { &mut installer };
        let browsers = [("stranger", &mut stranger), ("guest", &mut guest), ("installer", by_pin)];
        for (at, (name, browser)) in browsers.into_iter().enumerate() {
            if route.who == Who::Room && at < 2 {
                // Would make somebody of the stranger or the guest.
                continue;
            }
            let answer = match route.method {
                "GET" => browser.get(&asked(route.path)).await,
                _ => browser.post(route.path, &body).await,
            };
            let may = match route.who {
                Who::Room => true,
                Who::Member => at == 1,
                Who::Guest => at > 0,
                Who::Installer => at > 1,
            };
            let case = format!("{name} {} {}: {answer:?}", route.method, route.path);
            if may {
                assert_eq!(answer.status, 200, "{case}");
                assert!(route.method == "GET" || answer.json()["answer"] != "denied", "{case}");
            } else {
                let why = if matches!(route.who, Who::Guest | Who::Member) { "not_admitted" } else { "not_installer" };
                let answers = route.method == "POST" && why == "not_admitted";
                let status = if answers { 200 } else { 403 };
                answer.refused(status, why);
            }
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{case}");
            assert!(answer.header("content-security-policy").starts_with("default-src 'self';"), "{case}");
            assert!(!answer.headers.contains_key("strict-transport-security"), "{case}");
            let kept =
                if route.path.starts_with("/api") || route.path.ends_with(".pem") { "no-store" } else { "no-cache" };
            assert_eq!(answer.header("cache-control"), kept, "{case}");
        }
    }
    assert_eq!(*kiosk.clock_set.lock().unwrap(), Some(Duration::from_secs(1_800_000_000)));
    stranger.get("/api/secret").await.refused(404, "no_such_page");
    stranger.get("/../Cargo.toml").await.refused(404, "no_such_page");
    stranger.send(stranger.request("DELETE", "/"), "").await.refused(405, "wrong_method");
    stranger.get("/api/enter").await.refused(405, "wrong_method");
}

#[tokio::test]
async fn files_of_the_page_are_not_sent_twice() {
    let kiosk = Kiosk::start();
    let mut browser = Browser::new(&kiosk);
    for path in [
        "/",
        "/app.css",
        "/app.js",
        "/dom.js",
        "/remote.js",
        "/documents.js",
        "/board.js",
        "/floor.js",
        "/live.js",
        "/installer.js",
        "/update.js",
        "/words.js",
        "/icon.svg",
    ] {
        let first = browser.get(path).await;
        assert!(!first.body.is_empty() && first.headers.get("set-cookie").is_none());
        let again = browser.request("GET", path).header("if-none-match", first.header("etag"));
        let again = browser.send(again, "").await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
}

#[tokio::test]
async fn the_papers_are_shown_to_guests() {
    let kiosk = Kiosk::start();
    let mut guest = Browser::guest(&kiosk, "PC").await;
    guest.get("/api/own.jpg").await.refused(404, "nothing_sent");
    kiosk.picture.lock().unwrap().replace(vec![0xff, 0xd8, 0xff]);
    let picture = guest.get("/api/own.jpg").await;
    assert_eq!((picture.header("content-type"), &picture.body[..]), ("image/jpeg", &[0xff, 0xd8, 0xff][..]));
    let ledger = guest.get("/api/ledger").await.json();
    assert_eq!(ledger["lines"].as_array().unwrap().len(), 200);
    assert_eq!(
        ledger["lines"][199],
        json!({"number": 300, "time": "2026-11-22 10:00:00", "text": "=300 を開けた"}),
        "the newest is the last"
    );
    let csv = guest.get("/api/ledger.csv").await;
    let text = String::from_utf8(csv.body.clone()).unwrap();
    assert!(text.starts_with("\u{feff}番号,時刻,内容\r\n1,\"2026-11-22 10:00:00\",\"'=1 を開けた\"\r\n"), "{text}");
    assert_eq!(text.lines().count(), 301);
    assert!(csv.header("content-disposition").starts_with("attachment"));
}

#[tokio::test]
async fn the_code_on_the_screen_lets_in_and_the_state_follows() {
    let kiosk = Kiosk::start();
    let mut browser = Browser::new(&kiosk);
    let mut events = browser.events().await;
    let unknown = json!({"you": {"state": "unknown"}, "language": "ja", "name": "市民課", "locked": false});
    assert_eq!(events.next().await, Some(unknown));
    browser.post("/api/enter", &json!({"code": "999999", "name": "PC"})).await.refused(200, "wrong_code");
    browser.post("/api/enter", &json!({"code": "12345", "name": "PC"})).await.refused(200, "no_code");
    let entered = browser.post("/api/enter", &json!({"code": "０１２３４５", "name": "会議室のPC"})).await;
    assert_eq!(entered.json(), json!({"answer": "accepted", "text": "受け付けました。"}));
    assert!(!entered.headers.contains_key("set-cookie"), "the same browser goes on");
    let state = events.until("admitted", |state| state["you"]["state"] == "admitted").await;
    assert_eq!((&state["you"]["name"], &state["mode"]), (&json!("会議室のPC"), &json!("quiet")));
    assert_eq!((&state["views"], &state["words"]), (&json!(["部屋", "机"]), &json!("neko umi sora hana ishi kawa")));
    let facts = state["set"].as_array().unwrap();
    assert!(facts.iter().any(|fact| fact["fact"].as_str().unwrap().contains("127.0.0.0/8")), "{facts:?}");
    assert!(!state.to_string().contains("12345"), "the code is nowhere but on the screen");

    for (wish, field, value) in [
        (json!({"ask": "mode", "mode": "meeting"}), "mode", json!("meeting")),
        (json!({"ask": "view", "view": 1}), "view", json!(1)),
        (json!({"ask": "veil", "veil": "frosted"}), "veil", json!("frosted")),
        (json!({"ask": "volume", "volume": 70}), "volume", json!(70)),
        (json!({"ask": "own_picture", "shown": true}), "own_picture", json!(true)),
        (json!({"ask": "follow_turns", "follow": true}), "follow_turns", json!(true)),
        (json!({"ask": "lock", "locked": true}), "locked", json!(true)),
    ] {
        assert_eq!(browser.ask(wish.clone()).await["answer"], "accepted", "{wish}");
        events.until("it is seen", |state| state[field] == value).await;
        assert_eq!(browser.ask(wish).await["answer"], "already");
    }
    browser.post("/api/ask", &json!({"ask": "view", "view": 9})).await.refused(200, "no_such_view");
    browser.post("/api/ask", &json!({"ask": "answer"})).await.refused(200, "nobody_knocks");
    browser.post("/api/ask", &json!({"ask": "microphone", "open": true})).await.refused(200, "no_link");
    assert_eq!(browser.ask(json!({"ask": "mode", "mode": "curtain"})).await["answer"], "accepted");
    let door = events.until("every guest ends with the meeting", |state| state["you"]["state"] == "unknown").await;
    assert_eq!(door.get("mode"), None);
}

#[tokio::test]
async fn a_second_browser_without_a_code_gets_nothing() {
    let kiosk = Kiosk::start();
    let mut guest = Browser::guest(&kiosk, "PC").await;
    let mut stranger = Browser::new(&kiosk);
    let mut events = stranger.events().await;
    let nothing = json!({"you": {"state": "unknown"}, "language": "ja", "name": "市民課", "locked": false});
    assert_eq!(events.next().await, Some(nothing));
    let mut seen = guest.events().await;
    for mode in ["talking", "meeting", "talking"] {
        guest.ask(json!({"ask": "mode", "mode": mode})).await;
        seen.until("it is so", |state| state["mode"] == mode || state["you"]["state"] == "unknown").await;
    }
    let nothing_came = tokio::time::timeout(Duration::from_millis(300), events.next()).await;
    assert!(nothing_came.is_err(), "a stranger is told of nothing: {nothing_came:?}");
    stranger.post("/api/ask", &json!({"ask": "veil", "veil": "black"})).await.refused(200, "not_admitted");
    assert_eq!(kiosk.count(|entry| matches!(entry, Entry::Veil(_))), 0);
    // A guessed cookie is no cookie.
    let real = guest.cookie.clone().unwrap();
    stranger.cookie = Some(real[..real.len() - 1].to_owned() + if real.ends_with('0') { "1" } else { "0" });
    stranger.get("/api/ledger").await.refused(403, "not_admitted");
}

#[tokio::test]
async fn a_waiting_guest_is_admitted_from_inside_and_removed_again() {
    let kiosk = Kiosk::start();
    let mut host = Browser::guest(&kiosk, "PC").await;
    let mut seen = host.events().await;
    let (mut phone, mut other) = (Browser::new(&kiosk), Browser::new(&kiosk));
    let mut told = phone.events().await;
    assert_eq!(phone.post("/api/wait", &json!({"name": "携帯"})).await.json()["answer"], "accepted");
    assert_eq!(other.post("/api/wait", &json!({})).await.json()["answer"], "accepted");
    told.until("it waits", |state| state["you"] == json!({"state": "waiting"})).await;
    let state = seen.until("both wait", |state| state["guests"].as_array().is_some_and(|all| all.len() == 3)).await;
    assert_eq!(state["banner"], json!({"kind": "guest_waits", "text": "「携帯」が参加を待っています。"}));
    assert_eq!(state["guests"][2]["name"], "名前のない端末");
    let (id, second) = (state["guests"][1]["id"].clone(), state["guests"][2]["id"].clone());
    phone.post("/api/ask", &json!({"ask": "admit", "guest": id})).await.refused(200, "not_admitted");
    assert_eq!(host.ask(json!({"ask": "admit", "guest": id})).await["answer"], "accepted");
    told.until("it is in", |state| state["you"]["state"] == "admitted").await;
    assert_eq!(host.ask(json!({"ask": "refuse", "guest": second})).await["answer"], "accepted");
    assert_eq!(host.ask(json!({"ask": "refuse", "guest": second})).await["why"], "no_such_guest");
    assert_eq!(phone.ask(json!({"ask": "volume", "volume": 30})).await["answer"], "accepted");
    assert_eq!(host.ask(json!({"ask": "remove", "guest": id})).await["answer"], "accepted");
    told.until("it is out", |state| state["you"] == json!({"state": "unknown"})).await;
    phone.post("/api/ask", &json!({"ask": "volume", "volume": 40})).await.refused(200, "not_admitted");
    assert_eq!(host.ask(json!({"ask": "remove_all"})).await["answer"], "accepted");
    seen.until("all are out", |state| state["you"]["state"] == "unknown").await;
}

#[tokio::test]
async fn a_locked_room_takes_nobody_new() {
    let kiosk = Kiosk::start();
    let (mut host, mut late) = (Browser::guest(&kiosk, "PC").await, Browser::new(&kiosk));
    let mut told = late.events().await;
    host.ask(json!({"ask": "lock", "locked": true})).await;
    told.until("it reads so", |state| state["locked"] == true).await;
    late.post("/api/enter", &json!({"code": CODE_TYPED, "name": "x"})).await.refused(200, "locked");
    late.post("/api/wait", &json!({"name": "x"})).await.refused(200, "locked");
    assert_eq!(host.ask(json!({"ask": "lock", "locked": false})).await["answer"], "accepted");
    assert_eq!(late.post("/api/enter", &json!({"code": CODE_TYPED})).await.json()["answer"], "accepted");
}

#[tokio::test]
async fn who_leaves_is_gone_at_once_and_may_come_again() {
    let kiosk = Kiosk::start();
    let mut browser = Browser::guest(&kiosk, "PC").await;
    let mut events = browser.events().await;
    assert_eq!(browser.post("/api/leave", &json!({})).await.json()["answer"], "accepted");
    events.until("it is out", |state| state["you"]["state"] == "unknown").await;
    until("the ledger knows", || kiosk.count(|entry| matches!(entry, Entry::GuestEnded { .. })) == 1).await;
    assert_eq!(browser.post("/api/leave", &json!({})).await.json()["answer"], "already");
    assert_eq!(browser.post("/api/enter", &json!({"code": CODE_TYPED})).await.json()["answer"], "accepted");
    events.until("it is in", |state| state["you"]["state"] == "admitted").await;
}

#[tokio::test]
async fn what_happens_in_the_room_is_on_the_page_within_100_ms() {
    let kiosk = Kiosk::start();
    let mut browser = Browser::guest(&kiosk, "PC").await;
    let mut events = browser.events().await;
    events.next().await;
    let mut took = Vec::new();
    for round in 0..60 {
        sleep(Duration::from_millis(60)).await;
        let (key, near) = (Key::Curtain, if round % 2 == 0 { "curtain" } else { "present" });
        let pressed = started();
        kiosk.press(key);
        events.until("it is so", |state| state["near"] == near).await;
        took.push(pressed.elapsed());
    }
    took.sort();
    let (p50, p95, most) = (took[took.len() / 2], took[took.len() * 95 / 100], took[took.len() - 1]);
    println!("key to event: p50 {p50:?}, p95 {p95:?}, most {most:?}");
    assert!(p95 < Duration::from_millis(100), "p95 {p95:?}");
}

#[tokio::test]
async fn a_storm_of_changes_is_twenty_states_a_second_and_the_last_is_right() {
    let kiosk = Kiosk::start();
    let mut browser = Browser::guest(&kiosk, "PC").await;
    let mut events = browser.events().await;
    events.next().await;
    let begun = started();
    let storm = async {
        let mut changes = 0_u32;
        while begun.elapsed() < Duration::from_secs(1) {
            changes += 1;
            browser.ask(json!({"ask": "volume", "volume": changes % 50})).await;
        }
        browser.ask(json!({"ask": "volume", "volume": 99})).await;
        changes
    };
    let mut states = 0_u32;
    let watch = async {
        while events.next().await.expect("it goes on")["volume"] != 99 {
            states += 1;
        }
    };
    let (changes, ()) = tokio::join!(storm, watch);
    let most = begun.elapsed().as_secs_f64() * 20.0 + 2.0;
    println!("{states} states for {changes} changes in {:?}", begun.elapsed());
    assert!(changes > 100 && states > 5 && f64::from(states) <= most, "{states} states, at most {most}");
}

#[tokio::test]
async fn a_loop_that_hangs_is_told_of_and_the_page_still_opens() {
    let kiosk = Kiosk::start();
    let mut guest = Browser::guest(&kiosk, "PC").await;
    kiosk.hang();
    guest.post("/api/ask", &json!({"ask": "knock"})).await.refused(503, "busy");
    assert_eq!(guest.get("/").await.status, 200);
}

#[tokio::test]
async fn browsers_old_and_new_verify_the_certificate_and_a_restart_keeps_it() {
    let directory = tempfile::tempdir().unwrap();
    let kiosk = Kiosk::with(|settings| settings.state_directory = directory.path().to_owned());
    let certificate = {
        let text = std::fs::read(directory.path().join("panel-certificate.pem")).unwrap();
        rustls::pki_types::pem::PemObject::from_pem_slice(&text).unwrap()
    };
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let stream = tls(&certificate, kiosk.address(), &[version]).await.expect("verified");
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        assert_eq!(stream.get_ref().1.alpn_protocol(), None);
    }
    let before = kiosk.panel.fingerprint();
    assert_eq!((before.len(), before.matches(':').count()), (95, 31));
    let address = kiosk.address();
    drop(kiosk);
    let mut again = settings(directory.path());
    again.listen = address;
    let start = |settings| {
        Panel::start(
            settings,
            Questions::new(engawa::inbox::Inbox::default()),
            sources(&Default::default(), &Default::default()),
        )
    };
    let mut panel = start(again.clone());
    let given = started();
    while panel.is_err() && given.elapsed() < Duration::from_secs(5) {
        sleep(Duration::from_millis(20)).await;
        panel = start(again.clone());
    }
    let panel = panel.expect("the port is free again");
    assert_eq!(panel.fingerprint(), before);
    let taken = start(again);
    assert!(
        taken.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse),
        "a taken port is an error, no panic"
    );
}

#[expect(clippy::disallowed_methods, reason = "a test measures in real time")]
fn started() -> Instant {
    Instant::now()
}
