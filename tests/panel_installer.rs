//! The installer at the panel, over real TLS: who becomes one, until when, and what is set.

mod panel_support;

use engawa::core::ledger::Entry;
use panel_support::browser::Browser;
use panel_support::{CODE_TYPED, Kiosk, PIN, until};
use serde_json::json;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn the_pin_makes_an_installer_and_guessing_it_is_limited() {
    let kiosk = Kiosk::start();
    let mut installer = Browser::new(&kiosk);
    let mut events = installer.events().await;
    installer.get("/api/devices").await.refused(403, "not_installer");
    installer.post("/api/installer", &json!({"pin": CODE_TYPED})).await.refused(200, "wrong_pin");
    assert_eq!(installer.post("/api/installer", &json!({"pin": PIN})).await.json()["answer"], "accepted");
    let state = events.until("it is", |state| state["you"]["installer"] == true).await;
    assert_eq!(state["you"]["state"], "admitted");
    let devices = installer.get("/api/devices").await.json();
    assert_eq!(devices["cameras"], json!([{"id": "v4l2:usb-Cam", "name": "Cam", "used": true}]));
    assert_eq!(devices["levels"], json!({"heard_dbfs": 0, "played_dbfs": 0}));
    assert_eq!(installer.ask(json!({"ask": "volume", "volume": 30})).await["answer"], "accepted");
    let clock = installer.post("/api/clock", &json!({"unix_ms": 1_600_000_000_000_u64})).await;
    clock.refused(200, "clock_not_set");
    installer.post("/api/clock", &json!({"unix_ms": 7})).await.refused(400, "not_understood");

    let mut guesser = Browser::guest(&kiosk, "guesser").await;
    for guess in 0..5 {
        let guess = format!("{guess:08}");
        guesser.post("/api/installer", &json!({"pin": guess})).await.refused(200, "wrong_pin");
    }
    let mut fresh = Browser::new(&kiosk);
    fresh.post("/api/installer", &json!({"pin": PIN})).await.refused(200, "too_many_tries");
    assert_eq!(installer.get("/api/devices").await.status, 200, "whoever is installer stays it");
    installer.post("/api/leave", &json!({})).await;
    installer.get("/api/devices").await.refused(403, "not_installer");
}

#[tokio::test]
async fn without_a_pin_only_the_code_on_the_screen_makes_an_installer() {
    let kiosk = Kiosk::with(|settings| settings.pin = None);
    let mut browser = Browser::new(&kiosk);
    for (pin, why) in [("", "no_code"), ("24681012", "no_code"), ("999999", "wrong_code")] {
        browser.post("/api/installer", &json!({"pin": pin})).await.refused(200, why);
    }
    browser.get("/api/devices").await.refused(403, "not_installer");
    assert_eq!(browser.post("/api/installer", &json!({"pin": CODE_TYPED})).await.json()["answer"], "accepted");
    assert_eq!(browser.get("/api/devices").await.status, 200);
}

#[tokio::test]
async fn whoever_is_put_out_is_no_installer_either() {
    let kiosk = Kiosk::with(|settings| settings.pin = None);
    let mut guest = Browser::guest(&kiosk, "PC").await;
    let mut installer = Browser::new(&kiosk);
    assert_eq!(installer.post("/api/installer", &json!({"pin": CODE_TYPED})).await.json()["answer"], "accepted");
    let mut events = installer.events().await;
    let state = events.until("installer", |state| state["you"]["installer"] == true).await;
    assert_eq!(installer.get("/api/settings").await.status, 200);
    assert_eq!(guest.ask(json!({"ask": "remove", "guest": state["you"]["id"]})).await["answer"], "accepted");
    events.until("out", |state| state["you"]["state"] == "unknown").await;
    installer.get("/api/settings").await.refused(403, "not_installer");
}

#[tokio::test]
async fn what_the_installer_sets_is_checked_kept_and_begins_anew() {
    let kiosk = Kiosk::start();
    let file = kiosk.directory.path().join("installer.toml");
    let mut installer = Browser::guest(&kiosk, "PC").await;
    installer.get("/api/settings").await.refused(403, "not_installer");
    installer.post("/api/settings", &json!({})).await.refused(403, "not_installer");
    installer.post("/api/installer", &json!({"pin": PIN})).await;

    let mut settings = installer.get("/api/settings").await.json();
    assert_eq!(settings["camera"], json!({"views": "部屋=all; 机=crop:25,25,50,50", "masks": ""}));
    assert_eq!(settings["line"], json!({"ceiling_kbps": 3000}));
    assert_eq!(installer.post("/api/settings", &settings).await.json()["answer"], "already");
    for (section, key, value, complaint) in [
        ("camera", "masks", json!("0,0,200,10"), "0,0,200,10; write X,Y,W,H in percent"),
        ("line", "ceiling_kbps", json!(10), "voice alone needs 64 kbit/s"),
        ("line", "ceiling_kbps", json!("viel"), "must be a number"),
        ("meeting", "view", json!("隣"), "is not the name of a view"),
        ("room", "hours", json!("いつでも"), "mon-fri 08:30-17:15"),
        ("camera", "views", json!("部屋=camera:gst:filesrc location=/etc/passwd"), "set in the main file"),
    ] {
        let mut wrong = settings.clone();
        wrong[section][key] = value;
        let answer = installer.post("/api/settings", &wrong).await;
        answer.refused_with(200, "bad_setting", |text| {
            text.starts_with("保存していません。") && text.contains(complaint)
        });
        assert_eq!(answer.json()["setting"], format!("{section}.{key}"));
    }
    for nonsense in [json!({"box": {"name": "x"}}), json!({"camera": {"source": "test"}}), json!({"line": 3})] {
        let answer = installer.post("/api/settings", &nonsense).await;
        answer.refused_with(200, "bad_setting", |text| text.contains("設定ファイル"));
    }
    installer.post("/api/settings", &json!({"line": null})).await.refused(400, "not_understood");
    installer.post("/api/settings", &json!([])).await.refused(400, "not_understood");
    assert!(!file.exists(), "nothing was kept");
    assert_eq!(kiosk.begun_anew.load(Ordering::SeqCst), 0);

    settings["camera"]["masks"] = json!("10,10,20,30");
    settings["meeting"]["view"] = json!("机");
    assert_eq!(installer.post("/api/settings", &settings).await.json()["answer"], "accepted");
    until("begun anew", || kiosk.begun_anew.load(Ordering::SeqCst) == 1).await;
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("masks = \"10,10,20,30\"") && !text.contains("ceiling"), "{text}");
    assert_eq!(installer.get("/api/settings").await.json(), settings);
}

#[tokio::test]
async fn forgetting_everything_takes_the_pin_again_and_the_name_of_the_box() {
    let kiosk = Kiosk::start();
    let mut installer = Browser::guest(&kiosk, "PC").await;
    let wish = |pin: &str, name: &str| json!({"pin": pin, "name": name});
    installer.post("/api/reset", &wish(PIN, "市民課")).await.refused(403, "not_installer");
    installer.post("/api/installer", &json!({"pin": PIN})).await;
    installer.post("/api/reset", &wish("00000000", "市民課")).await.refused(200, "wrong_pin");
    for name in ["北支所", "", "市民"] {
        installer.post("/api/reset", &wish(PIN, name)).await.refused(200, "other_name");
    }
    installer.post("/api/reset", &json!({"pin": PIN})).await.refused(400, "not_understood");
    installer
        .post("/api/reset", &json!({"pin": PIN, "name": "市民課", "sure": true}))
        .await
        .refused(400, "not_understood");
    assert!(kiosk.forgot.lock().unwrap().is_none(), "nothing was forgotten");
    let answer = installer.post("/api/reset", &wish(PIN, " 市民課 ")).await.json();
    assert_eq!(answer["answer"], "accepted");
    assert!(answer["text"].as_str().unwrap().contains("すべてを忘れて"), "{answer}");
    let told = kiosk.forgot.lock().unwrap().clone().expect("wished for");
    assert!(told.iter().any(|entry| matches!(entry, Entry::ResetWanted { .. })), "the ledger is told before: {told:?}");

    // The limiter is the one of the door.
    for guess in 0..5 {
        installer.post("/api/reset", &wish(&format!("{guess:08}"), "市民課")).await.refused(200, "wrong_pin");
    }
    installer.post("/api/reset", &wish(PIN, "市民課")).await.refused(200, "too_many_tries");
}
