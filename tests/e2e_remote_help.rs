//! Two real daemons: an installer at one box's page helps the other box, with both PINs; guesses wrong, and is not wanted.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

#[path = "support/mod.rs"]
mod support;

use engawa::update::{Place, Source, Wish};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::lab::End;
use support::wait_for;

const LIMIT: Duration = Duration::from_secs(30);
const PIN_A: &str = "24681357";
const PIN_B: &str = "97531864";
const WRONG: &str = "55667788";

#[test]
fn with_both_pins_the_other_box_tells_how_it_is_and_installs_and_guessing_is_limited() {
    let (pair, [at_a, at_b]) = pages(|pair| pair.configure(End::A, "box", "language", "\"ja\""));
    let refused = at_a.post("/api/far", &json!({"pin": PIN_B, "do": "support"}));
    assert_eq!(refused["why"], "not_installer", "the near PIN comes first");
    at_a.enter(PIN_A);
    let told = at_a.far(PIN_B, "support");
    assert_eq!((&told["state"], &told["do"]), (&json!("done"), &json!("support")), "{told}");
    let paper = told["paper"].as_str().unwrap();
    assert!(paper.contains("==== status ====") && paper.len() <= 48 * 1024, "{paper}");
    assert!([PIN_A, PIN_B].iter().all(|pin| !paper.contains(pin)));
    assert!(!told["text"].as_str().unwrap().is_ascii(), "in the language of the room that asked: {told}");
    let helped = |end| pair.status(end).unwrap()["room"]["helped"].clone();
    assert_eq!([helped(End::A), helped(End::B)], [json!(false), json!(true)], "the room that is helped sees it");

    assert_eq!(at_a.far(PIN_B, "install")["why"], "no_update");
    let place = Place::of(&pair.state_directory(End::B));
    let mut bundle = place.begin(Source::Stick, 5).unwrap();
    bundle.write(b"hello").unwrap();
    bundle.finish().unwrap();
    assert_eq!(at_a.far(PIN_B, "install")["state"], "done");
    assert_eq!(place.take_wish().unwrap(), Some(Wish::Install));

    for _ in 0..5 {
        assert_eq!(at_a.far(WRONG, "support")["why"], "wrong_pin");
    }
    assert_eq!(at_a.far(PIN_B, "support")["why"], "too_many_tries", "the right one too");
    let here = at_b.post("/api/installer", &json!({"pin": PIN_B}));
    assert_eq!(here["answer"], "accepted", "whoever stands there is not shut out from afar: {here}");
    let ledger = pair.engawa(End::B, &["ledger"], &[]);
    for (line, times) in [
        ("with this box's PIN, asked for the support text", 1),
        ("with this box's PIN, asked for the installation of the update", 2),
        ("Help from the other room was refused: wrong PIN", 5),
        ("Help from the other room was refused: too many wrong PINs", 1),
    ] {
        assert_eq!(ledger.matches(line).count(), times, "{line} in\n{ledger}");
    }
    let near = pair.engawa(End::A, &["ledger"], &[]);
    assert!(near.contains("設置担当者が相手の箱に頼んだ：サポート用の情報"), "{near}");
    for end in End::BOTH {
        let log = pair.log(end);
        assert!([PIN_A, PIN_B, WRONG].iter().all(|pin| !log.contains(pin)), "a PIN in the log of {end:?}");
    }
}

#[test]
fn a_box_begins_anew_when_asked_and_one_that_may_not_be_helped_does_nothing() {
    let (mut pair, [at_a, at_b]) = pages(|pair| pair.configure(End::A, "panel", "remote_help", "false"));
    at_b.enter(PIN_B);
    assert_eq!(at_b.far(PIN_A, "support")["why"], "not_allowed");
    assert!(pair.engawa(End::A, &["ledger"], &[]).contains("refused: this box is not set so"));
    assert_eq!(pair.status(End::A).unwrap()["room"]["helped"], false);

    at_a.enter(PIN_A);
    assert_eq!(at_a.far(PIN_B, "begin_anew")["state"], "done");
    wait_for(LIMIT, || pair.status(End::B).is_none().then_some(())).expect("its daemon ended by itself");
    pair.start_box(End::B);
    let back = pair.wait_up(LIMIT);
    assert_eq!(back[1]["microphone"], "closed");
}

#[test]
fn an_update_is_passed_on_across_a_restart_and_waits_there_for_a_press() {
    let (mut pair, [at_a, at_b]) = pages(|_| {});
    let bundle: Vec<u8> = (0..1_500_000_u32).map(|at| (at % 253) as u8).collect();
    let near = Place::of(&pair.state_directory(End::A));
    let mut incoming = near.begin(Source::Panel, bundle.len() as u64).unwrap();
    incoming.write(&bundle).unwrap();
    incoming.finish().unwrap();
    at_a.enter(PIN_A);
    let release = at_a.get("/api/update");
    assert_eq!(release["release"], release["far_release"], "both run this very program: {release}");
    assert_eq!(at_a.post("/api/update/pass", &json!({}))["answer"], "accepted");
    let far = Place::of(&pair.state_directory(End::B));
    wait_for(LIMIT, || far.unfinished().filter(|part| part.here > 200_000)).expect("some of it is there");
    pair.kill_box(End::A);
    pair.start_box(End::A);
    wait_for(LIMIT, || far.whole()).expect("it goes on by itself");
    assert!(std::fs::read(far.bundle()).unwrap() == bundle);
    let wished = wait_for(LIMIT, || far.take_wish().unwrap());
    assert_eq!(wished, Some(Wish::Check), "nobody installs it by sending it");
    at_b.enter(PIN_B);
    let told = at_b.get("/api/update");
    assert_eq!((&told["waits"], far.whole().unwrap().source), (&json!(true), Source::Peer), "{told}");
    wait_for(LIMIT, || near.to_pass().is_none().then_some(())).expect("and is known to be there");
}

/// A browser of that box's room.
struct Page {
    address: SocketAddr,
    jar: PathBuf,
}

impl Page {
    fn enter(&self, pin: &str) {
        assert_eq!(self.post("/api/installer", &json!({ "pin": pin }))["answer"], "accepted");
    }

    /// Asks the far box and waits for what became of it. It does one thing a second.
    fn far(&self, pin: &str, task: &str) -> Value {
        let asked = || Some(self.far_once(pin, task)).filter(|told| told["why"] != "far_busy");
        wait_for(LIMIT, asked).expect("the other box has time")
    }

    fn far_once(&self, pin: &str, task: &str) -> Value {
        let asked = self.post("/api/far", &json!({ "pin": pin, "do": task }));
        assert_eq!(asked["answer"], "accepted", "{asked}");
        let over = || Some(self.get("/api/far")).filter(|told| told["state"] == "done" || told["state"] == "denied");
        wait_for(LIMIT, over).unwrap_or_else(|| panic!("{task}: {}", self.get("/api/far")))
    }

    fn get(&self, path: &str) -> Value {
        self.curl(path, &[])
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.curl(path, &["-H", "Content-Type: application/json", "--data-binary", &body.to_string()])
    }

    fn curl(&self, path: &str, more: &[&str]) -> Value {
        let mut curl = Command::new("curl");
        curl.args(["-sk", "--max-time", "20", "-b"]).arg(&self.jar).arg("-c").arg(&self.jar).args(more);
        let output = curl.arg(format!("https://{}{path}", self.address)).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{path}: {error}: {output:?}"))
    }
}

/// A linked pair, both with a page and a PIN of its own.
fn pages(change: impl FnOnce(&Pair<'static>)) -> (Pair<'static>, [Page; 2]) {
    let setup = Setup { microphone: "closed".into(), ceiling_kbps: 20_000, ..Setup::default() };
    let mut pair = Pair::prepare(None, &setup);
    let pages = End::BOTH.map(|end| {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let pin = if end == End::A { PIN_A } else { PIN_B };
        pair.configure(end, "panel", "listen", &format!("\"{address}\""));
        pair.configure(end, "panel", "room", "\"127.0.0.0/8\"");
        pair.configure(end, "panel", "pin", &format!("\"{pin}\""));
        Page { address, jar: pair.directory().join(format!("jar-{end:?}")) }
    });
    change(&pair);
    pair.start_both();
    pair.wait_up(LIMIT);
    (pair, pages)
}
