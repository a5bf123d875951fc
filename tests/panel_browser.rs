//! The page in a real browser: Debian's Chromium at the panels of two real daemons. `tests/browser/panel.mjs` takes the steps.
//!
//! With `ENGAWA_SHOTS=DIRECTORY` every screen is kept as a picture, desktop and phone, both languages: look at them.

#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods, reason = "a test waits in real time")]

mod support;

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::boxes::{Pair, Setup, binary};
use support::guest::Guest;
use support::lab::End;
use support::wait_for;

#[test]
fn people_find_their_way_through_the_page_of_two_real_boxes() {
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    assert!(steps.join("node_modules/axe-core").exists(), "run `npm ci` in tests/browser; `make test` does");
    let mut pair = Pair::prepare(None, &Setup { microphone: "closed".into(), ..Setup::default() });
    let urls = End::BOTH.map(|end| give_a_panel(&pair, end));
    pair.start_both();
    pair.wait_up(LIMIT);
    let mut command = Command::new("node");
    command.arg("panel.mjs").current_dir(&steps).stdin(Stdio::null()).stdout(Stdio::piped());
    command.env("ENGAWA_NEAR_URL", &urls[0]).env("ENGAWA_FAR_URL", &urls[1]).env("ENGAWA_PIN", PIN);
    command.env("ENGAWA_NEAR_CODE", in_words(&pair, End::A, "room-code"));
    command.env("ENGAWA_FAR_CODE", in_words(&pair, End::B, "room-code"));
    command.env("ENGAWA_NEAR_CLI", in_words(&pair, End::A, "{}"));
    command.env("ENGAWA_NEAR_KILL", format!("kill -9 {}", pair.daemon(End::A).pid()));
    command.env("ENGAWA_MEDIA", "yes");
    let mut node = Guest::spawn(command);
    let said = node.lines();
    let status = wait_for(LONGEST, || {
        said.try_iter().for_each(|(_, line)| eprintln!("{line}"));
        // A killed daemon comes back, as systemd would have it.
        if !pair.daemon(End::A).running() {
            pair.start_box(End::A);
        }
        node.wait(Duration::from_millis(200))
    });
    said.iter().for_each(|(_, line)| eprintln!("{line}"));
    let status = status.unwrap_or_else(|| panic!("the browser was not through within {LONGEST:?}"));
    assert!(status.success(), "a step failed, see above");
}

/// As with an address that the machine gets later; a page of the installer's that makes no sense stops nothing either.
#[test]
fn a_panel_that_cannot_listen_at_first_opens_as_soon_as_it_can() {
    let mut pair = Pair::prepare(None, &Setup::default());
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = holder.local_addr().unwrap();
    pair.configure(End::A, "panel", "listen", &format!("\"{address}\""));
    pair.configure(End::A, "panel", "room", "\"127.0.0.0/8\"");
    let laid = pair.state_directory(End::A).join("installer.toml");
    std::fs::write(&laid, "[line]\nceiling_kbps = 1\n").unwrap();
    pair.start_box(End::A);
    // Runs without its panel, and the main file counts.
    pair.wait_status(End::A, LIMIT, "a ceiling", |status| status["ceiling_kbps"] == Setup::default().ceiling_kbps);
    // Masks may be lost: nothing is shown before a person of the room has looked.
    let shut = |status: &serde_json::Value| {
        let room = &status["room"];
        (&room["near"], &room["drawn"]) == (&"curtain".into(), &"installer-lost".into()) && status["camera"] == "off"
    };
    pair.wait_status(End::A, LIMIT, "a drawn curtain", shut);
    drop(holder);
    wait_for(LIMIT, || TcpStream::connect(address).ok()).expect("the panel opens");
    let log = pair.log(End::A);
    for words in ["the panel cannot be opened yet", "installer.toml:2: line.ceiling_kbps = 1: is too small"] {
        assert!(log.contains(words), "{words} is not in\n{log}");
    }
    assert!(!laid.exists() && laid.with_extension("toml.unreadable-1").exists(), "set aside for a person to look at");
}

/// A panel on a free port; the near one speaks Japanese. Returns where it is.
fn give_a_panel(pair: &Pair<'_>, end: End) -> String {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let (language, name) = match end {
        End::A => ("ja", "市民課"),
        End::B => ("en", "North branch"),
    };
    for (section, key, value) in [
        ("box", "language", language),
        ("box", "name", name),
        ("camera", "views", "部屋=all; 机=crop:25,25,50,50"),
        ("panel", "listen", &free.to_string()),
        ("panel", "room", "127.0.0.0/8"),
        ("panel", "pin", PIN),
    ] {
        pair.configure(end, section, key, &format!("\"{value}\""));
    }
    format!("https://{free}")
}

/// A command line of this box for a shell.
fn in_words(pair: &Pair<'_>, end: End, words: &str) -> String {
    format!("'{}' {words} --config '{}'", binary().to_string_lossy(), pair.config(end).display())
}

const PIN: &str = "24681012";
const LIMIT: Duration = Duration::from_secs(20);
const LONGEST: Duration = Duration::from_secs(600);
