//! The hand-over sheet of a pair that is linked and of a box alone, in both languages; the support file, and what is not in it.

#[path = "support/mod.rs"]
mod support;

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::lab::End;

#[test]
fn the_sheet_of_a_linked_pair_says_how_the_line_is_in_both_directions() {
    let mut pair = Pair::prepare(None, &Setup::default());
    pair.configure(End::A, "box", "language", "\"ja\"");
    pair.start_both();
    pair.wait_up(LIMIT);
    let words = pair.engawa(End::A, &["identity", "words"], &[]);
    let words = words.lines().last().expect("six words").trim().to_owned();

    let japanese = sheet(&pair, End::A);
    for wanted in ["お引き渡し票", &words, "10 秒のうち 10 秒つながっていた", "こちら → 相手", "受け取り"]
    {
        assert!(japanese.contains(wanted), "{wanted} in {japanese}");
    }
    let ways: Vec<&str> = japanese.lines().filter(|line| line.contains("平均")).collect();
    assert_eq!(ways.len(), 2, "{japanese}");
    for way in ways {
        assert!(!way.contains("映像 –") && !way.contains("平均 0 "), "{way}");
    }
    let ports = pair.ports(End::A);
    for port in [format!("TCP {}", ports.trunk), format!("UDP {}", ports.session)] {
        assert!(japanese.contains(&port), "{port} in {japanese}");
    }

    let english = sheet(&pair, End::B);
    for wanted in ["Hand-over sheet", &words, "up for 10 of 10 s", "Here → far", "Received by"] {
        assert!(english.contains(wanted), "{wanted} in {english}");
    }
    // A box whose daemon does not run gets its sheet too, and it says so.
    pair.kill_box(End::A);
    let alone = sheet(&pair, End::A);
    assert!(alone.contains("engawa が動いていないため測れません"), "{alone}");
}

#[test]
fn the_support_file_says_how_the_box_is_and_nothing_of_what_people_said() {
    let mut pair = Pair::prepare(None, &Setup::default());
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    pair.configure(End::A, "panel", "listen", &format!("\"{free}\""));
    pair.configure(End::A, "panel", "room", "\"127.0.0.0/8\"");
    pair.configure(End::A, "panel", "pin", &format!("\"{PIN}\""));
    pair.start_both();
    pair.wait_up(LIMIT);
    pair.engawa(End::A, &["board", CANARY], &[]);
    let document = pair.directory().join(format!("{CANARY}.pdf"));
    std::fs::copy("tests/data/pages/colours.pdf", &document).expect("copied");
    pair.engawa(End::A, &["share", document.to_str().expect("a name")], &[]);
    pair.wait_status(End::A, LIMIT, "the document", |status| status["room"]["documents"][0].as_str().is_some());

    let printed = pair.engawa(End::A, &["support", "-"], &[]);
    let jar = pair.directory().join("jar");
    let panel = |path: &str, more: &[&str]| {
        let mut curl = Command::new("curl");
        curl.args(["-sk", "--max-time", "40", "-b"]).arg(&jar).arg("-c").arg(&jar).args(more);
        let output = curl.arg(format!("https://{free}{path}")).output().expect("curl");
        assert!(output.status.success(), "{path}: {output:?}");
        output.stdout
    };
    let json = ["-H", "Content-Type: application/json", "--data-binary"];
    let refused = String::from_utf8(panel("/api/support.txt", &[])).expect("text");
    assert!(refused.contains("\"denied\""), "{refused}");
    let entered = panel("/api/installer", &[&json[..], &[&format!("{{\"pin\":\"{PIN}\"}}")]].concat());
    assert!(String::from_utf8_lossy(&entered).contains("accepted"), "{entered:?}");
    let saved = String::from_utf8(panel("/api/support.txt", &[])).expect("text");
    assert!(panel("/api/handover.pdf", &[]).starts_with(b"%PDF-"));

    let key = std::fs::read(pair.state_directory(End::A).join("identity.key")).expect("a key");
    for (what, text) in [("the command", printed), ("the panel", saved)] {
        for part in ["about", "configuration", "doctor", "status", "network", "journal"] {
            assert!(text.contains(&format!("==== {part} ====")), "{what}: {part} in {text}");
        }
        for known in ["pin = \"(set)\"", "\"link\": \"up\"", "\"mode\": \"meeting\"", "This box is ready."] {
            assert!(text.contains(known), "{what}: {known} in {text}");
        }
        for secret in [CANARY, PIN] {
            assert!(!text.contains(secret), "{what}: {secret} in {text}");
        }
        assert!(!text.as_bytes().windows(key.len()).any(|part| part == key), "{what}");
    }
}

/// Its text; one page, every font inside.
fn sheet(pair: &Pair<'_>, end: End) -> String {
    let file = pair.directory().join("sheet.pdf");
    let name = file.to_str().expect("a name").to_owned();
    let doctor = pair.engawa_command(end, &["doctor", "--handover", &name], &[]).output().expect("run");
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.lines().last().is_some_and(|line| line == name), "{doctor:?}");
    assert!(read("pdfinfo", &file).contains("Pages:           1\n"), "{}", read("pdfinfo", &file));
    for font in read("pdffonts", &file).lines().skip(2) {
        assert!(font.contains(" yes "), "embedded: {font}");
    }
    if let Some(kept) = std::env::var_os("ENGAWA_KEEP_SHEET") {
        std::fs::copy(&file, kept).expect("copied");
    }
    read("pdftotext", &file)
}

fn read(tool: &str, file: &Path) -> String {
    let mut command = Command::new(tool);
    if tool == "pdftotext" {
        command.arg("-layout");
    }
    command.arg(file);
    if tool == "pdftotext" {
        command.arg("-");
    }
    let output = command.output().unwrap_or_else(|error| panic!("{tool} (package poppler-utils): {error}"));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

const CANARY: &str = "kanariya-4711";
const PIN: &str = "70428815";
const LIMIT: Duration = Duration::from_secs(20);
