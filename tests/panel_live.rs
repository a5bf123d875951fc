//! The live share at the panel, over real TLS: whose stands in front, for members only; asked, stopped and handed over from there.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod panel_support;

use engawa::core::input::{Input, RoomInput};
use engawa::core::live::LiveSource;
use engawa::model::{GuestId, InputShows, LiveEnd, LiveId, LiveKind, Ticket};
use panel_support::browser::Browser;
use panel_support::{Kiosk, PIN, until};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn members_see_who_shares_and_the_installer_does_not() {
    let kiosk = Kiosk::start();
    let mut guest = Browser::guest(&kiosk, "田中").await;
    let mut events = guest.events().await;
    let state = events.until("the state", |state| state["live"].is_object()).await;
    let nothing = json!({"shown": null, "silent": false, "moving": false, "waiting": null, "asked": false, "input": false, "ended": null, "mine": [], "past": []});
    assert_eq!(state["live"], nothing);
    let own = state["you"]["id"].as_u64();
    share(&kiosk, 7, own);
    let state = events.until("a share", |state| state["live"]["shown"].is_object()).await;
    let shown = json!({"near": true, "kind": "browser", "name": "田中", "text": "この部屋の「田中」"});
    assert_eq!(state["live"]["shown"], shown);
    // Nobody is linked: what it sends stays within the room.
    let mine = json!([{"id": 7, "front": true, "maxBitrate": 20_000_000, "maxFramerate": 10}]);
    assert_eq!((&state["live"]["mine"], &state["mode"]), (&mine, &json!("meeting")));
    assert_eq!((&state["microphone"], &state["microphone_wanted"]), (&json!("closed"), &json!(false)));

    let fell_silent = RoomInput::LiveFellSilent { id: LiveId(7), silent_for: Duration::from_millis(2600) };
    for (said, silent) in [(fell_silent, true), (RoomInput::LiveSpokeAgain(LiveId(7)), false)] {
        kiosk.inbox.urgent(Input::Room(said));
        let state = events.until("its silence, or its end", |state| state["live"]["silent"] == silent).await;
        assert_eq!(state["live"]["shown"], shown, "it is shown all the time");
    }

    let mut installer = Browser::new(&kiosk);
    assert_eq!(installer.post("/api/installer", &json!({"pin": PIN})).await.json()["answer"], "accepted");
    ask(&mut installer, json!({"ask": "stop_live"})).await.refused(200, "not_admitted");
    let mut seen = installer.events().await;
    let state = seen.until("the state", |state| state["live"].is_object()).await;
    assert_eq!(state["live"], nothing, "the PIN is known outside the room");
}

#[tokio::test]
async fn the_page_hands_over_switches_and_stops() {
    let kiosk = Kiosk::start();
    let mut guest = Browser::guest(&kiosk, "田中").await;
    let mut events = guest.events().await;
    let own = events.until("the state", |state| state["you"]["id"].is_number()).await["you"]["id"].as_u64();
    ask(&mut guest, json!({"ask": "moving", "moving": true})).await.refused(200, "no_share");
    ask(&mut guest, json!({"ask": "hand_over"})).await.refused(200, "no_share_waits");
    share(&kiosk, 1, own);
    share(&kiosk, 2, None);
    let state = events.until("a question", |state| state["banner"]["kind"] == "share_waits").await;
    assert_eq!((&state["live"]["waiting"]["name"], &state["live"]["asked"]), (&json!("OBS"), &json!(true)));
    assert_eq!(ask(&mut guest, json!({"ask": "hand_over"})).await.json()["answer"], "accepted");
    let state = events.until("the other one", |state| state["live"]["shown"]["name"] == "OBS").await;
    let over =
        json!({"id": 1, "why": "taken_over", "text": LiveEnd::TakenOver.text(engawa::model::Language::Japanese)});
    assert_eq!((&state["live"]["mine"], &state["live"]["past"]), (&json!([]), &json!([over])));
    assert_eq!(ask(&mut guest, json!({"ask": "moving", "moving": true})).await.json()["answer"], "accepted");
    events.until("a video", |state| state["live"]["moving"] == true).await;
    assert_eq!(ask(&mut guest, json!({"ask": "stop_live"})).await.json()["answer"], "accepted");
    let state = events.until("nothing", |state| state["live"]["shown"].is_null()).await;
    assert_eq!((&state["live"]["ended"]["why"], &state["live"]["moving"]), (&json!("stopped"), &json!(false)));
    assert_eq!(ask(&mut guest, json!({"ask": "stop_live"})).await.json()["answer"], "already");
    // A source that went by itself: its page is told why, and what to do.
    share(&kiosk, 3, own);
    kiosk.inbox.urgent(Input::Room(RoomInput::LiveGone { id: LiveId(3), why: LiveEnd::Unheard }));
    let told =
        |state: &Value| state["live"]["past"].as_array().is_some_and(|past| past.iter().any(|own| own["id"] == 3));
    let state = events.until("why", told).await;
    let past = state["live"]["past"].as_array().unwrap().last().unwrap();
    assert_eq!(past["why"], "unheard");
    assert!(past["text"].as_str().unwrap().contains("この端末の映像が届きません"), "{past}");
    let lines = |kind: &'static str| move |entry: &engawa::core::ledger::Entry| format!("{entry:?}").starts_with(kind);
    until("the ledger", || kiosk.count(lines("LiveBegan")) == 3 && kiosk.count(lines("LiveEnded")) == 3).await;
}

#[tokio::test]
async fn whoever_a_curtain_put_out_still_knows_of_its_own_screen_and_of_nothing_else() {
    let kiosk = Kiosk::start();
    let mut guest = Browser::guest(&kiosk, "田中").await;
    let mut events = guest.events().await;
    let own = events.until("the state", |state| state["you"]["id"].is_number()).await["you"]["id"].as_u64();
    share(&kiosk, 3, own);
    events.until("a share", |state| state["live"]["shown"].is_object()).await;
    assert_eq!(ask(&mut guest, json!({"ask": "mode", "mode": "curtain"})).await.json()["answer"], "accepted");
    let state = events.until("the door", |state| state["you"]["state"] == "unknown").await;
    assert_eq!(state["sharing"]["mine"][0]["id"], 3, "it stands on this room's screen");
    let fields: Vec<&str> = state.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["language", "locked", "name", "sharing", "you"]);
    let gone = RoomInput::LiveGone { id: LiveId(3), why: LiveEnd::Stopped };
    kiosk.inbox.urgent(Input::Room(gone));
    events.until("nothing", |state| state.get("sharing").is_none()).await;
}

#[tokio::test]
async fn the_page_shows_an_input_that_has_a_signal_and_sends_its_question_away() {
    let kiosk = Kiosk::start();
    let mut guest = Browser::guest(&kiosk, "田中").await;
    let mut events = guest.events().await;
    ask(&mut guest, json!({"ask": "show_input"})).await.refused(200, "no_input");
    let source = LiveSource { id: LiveId(1), kind: LiveKind::Input, guest: None, name: String::new(), sound: false };
    kiosk.inbox.urgent(Input::Room(RoomInput::InputAppeared { source, shows: InputShows::Ask }));
    let state = events.until("a question", |state| state["banner"]["kind"] == "input_waits").await;
    assert_eq!((&state["live"]["input"], &state["live"]["shown"]), (&json!(true), &Value::Null));
    assert_eq!(ask(&mut guest, json!({"ask": "leave_input"})).await.json()["answer"], "accepted");
    let state = events.until("no question", |state| state["banner"].is_null()).await;
    assert_eq!(state["live"]["input"], true, "the button stays");
    assert_eq!(ask(&mut guest, json!({"ask": "show_input"})).await.json()["answer"], "accepted");
    let state = events.until("a share", |state| state["live"]["shown"].is_object()).await;
    assert_eq!((&state["live"]["input"], &state["live"]["shown"]["kind"]), (&json!(false), &json!("input")));
}

fn share(kiosk: &Kiosk, id: u64, guest: Option<u64>) {
    let (kind, name) = if guest.is_some() { (LiveKind::Browser, "") } else { (LiveKind::Sender, "OBS") };
    let source = LiveSource { id: LiveId(id), kind, guest: guest.map(GuestId), name: name.into(), sound: false };
    kiosk.inbox.urgent(Input::Room(RoomInput::LiveAsked { ticket: Ticket(u64::MAX - id), source }));
}

async fn ask(browser: &mut Browser, wish: Value) -> panel_support::browser::Answer {
    browser.post("/api/ask", &wish).await
}
