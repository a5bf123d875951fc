//! The hand-over sheet: of a pair that is linked, of a box alone, in both languages.

#[path = "support/mod.rs"]
mod support;

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

const LIMIT: Duration = Duration::from_secs(20);
