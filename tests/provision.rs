//! The installer's table becomes files, and every box takes its own: all of it or nothing, whatever the file is and whenever the
//! power goes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod provision_support;

use engawa::trunk::identity::{Identity, pinned_peer};
use engawa::trunk::words::six_words;
use provision_support::*;
use std::fmt::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

#[test]
fn forty_pairs_are_made_at_once_and_every_box_takes_its_own() {
    let bench = Bench::new();
    let mut table = format!("{HEADER}\n");
    for pair in 1..=40 {
        writeln!(
            table,
            "組{pair:02},本庁{pair:02},支所{pair:02},192.0.2.{pair}/24,198.51.100.{pair}/24,192.0.2.254,198.51.100.254,,,,{},ja,mon-fri 08:30-17:15,,yes",
            1000 + pair
        )
        .unwrap();
    }
    let made = bench.provision(&table, "made");
    assert!(made.status.success(), "{made:?}");
    let said = String::from_utf8(made.stdout).unwrap();
    assert!(said.contains("40 pairs, 80 files"), "{said}");
    let mut ids = Vec::new();
    for pair in 1..=40 {
        let folder = bench.path("made").join(format!("組{pair:02}"));
        let mut keys = Vec::new();
        for (room, other) in [("本庁", "198.51.100"), ("支所", "192.0.2")] {
            let file = folder.join(format!("{room}{pair:02}")).join("engawa-box.toml");
            assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
            let kiosk = bench.new_box(&format!("{room}{pair}"));
            let report = kiosk.take(&file);
            assert_eq!((&report["outcome"], &report["room"]), (&"taken".into(), &format!("{room}{pair:02}").into()));
            ids.push(report["id"].to_string());
            let checked =
                Command::new(BINARY).arg("check-config").arg(kiosk.etc().join("engawa.toml")).output().unwrap();
            assert!(checked.status.success(), "{checked:?}");
            let config = std::fs::read_to_string(kiosk.etc().join("engawa.toml")).unwrap();
            assert!(config.contains(&format!("address = \"{other}.{pair}:7420\"")), "{config}");
            assert!(config.contains(&format!("ceiling_kbps = {}", 1000 + pair)) && config.contains("enabled = true"));
            let network = std::fs::read_to_string(kiosk.etc().join("network.toml")).unwrap();
            assert!(network.contains(&format!(".{pair}/24")) && network.contains("gateway = "), "{network}");
            let own = Identity::load(&kiosk.state()).unwrap().unwrap().public_key();
            keys.push((own, pinned_peer(&kiosk.state()).unwrap().unwrap()));
            let words = six_words(&keys[keys.len() - 1].0, &keys[keys.len() - 1].1).join(" ");
            assert!(said.contains(&format!("組{pair:02}: {words}\n")), "{words}");
            let sheet = std::fs::read_to_string(folder.join("確認票.txt")).unwrap();
            assert!(sheet.contains(&words) && !sheet.contains("[private]"), "{sheet}");
        }
        assert_eq!((keys[0].0, keys[0].1), (keys[1].1, keys[1].0), "each trusts the other");
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 80);
}

#[test]
fn a_bad_line_is_refused_with_line_and_column_and_nothing_is_written() {
    let bench = Bench::new();
    let good = line(&[("pair", "a"), ("address_a", "192.0.2.1/24"), ("address_b", "192.0.2.2/24")]);
    for (changes, told) in [
        (&[("address_a", "192.0.2.3")][..], "address_a = 192.0.2.3: has no length of its network"),
        (&[("address_b", "office-b")], "address_b = office-b: has no length"),
        (&[("address_b", "office-b/24")], "address_b = office-b/24: is no address"),
        (&[("address_b", "192.0.2.4/33")], "address_b = 192.0.2.4/33: has no length of a network"),
        (&[("address_b", "192.0.2.255/24")], "address_b = 192.0.2.255/24: is the first or last"),
        (&[("address_b", "198.51.100.4/24"), ("gateway_a", "192.0.2.254")], "gateway_b: is missing"),
        (&[("gateway_a", "198.51.100.1")], "gateway_a = 198.51.100.1: is not in"),
        (&[("ceiling_kbps", "10")], "ceiling_kbps = 10: is too small"),
        (&[("ceiling_kbps", "fast")], "ceiling_kbps = fast: is no whole number"),
        (&[("language", "fr")], "language = fr: is not one of the choices"),
        (&[("hours", "9-17")], "hours = 9-17: is no office hours"),
        (&[("pin", "1234")], "pin: is no PIN"),
        (&[("printer", "maybe")], "printer = maybe: is neither"),
        (&[("address_a", "dhcp"), ("address_b", "dhcp")], "address_b = dhcp: one of the two rooms needs"),
        (&[("address_b", "dhcp"), ("dials", "a")], "dials = a: cannot be"),
        (&[("dials", "c")], "dials = c: is none of"),
        (&[("mac_a", "nonsense")], "mac_a = nonsense: is no MAC address"),
        (&[("room_b", "R1")], "room_b = R1: is the name of the other room too"),
        (&[("room_a", "../../x")], "room_a = ../../x: cannot be the name of a folder"),
        (&[("pair", "CON")], "pair = CON: cannot be the name of a folder"),
        (&[("pair", "")], "pair: is empty"),
        (&[("pair", "A")], "pair = A: stands in line 2 (pair) already"),
        (&[("address_b", "192.0.2.1/24")], "address_b = 192.0.2.1/24: stands in line 2 (address_a) already"),
        (&[("address_b", "192.0.2.3/24")], "address_b = 192.0.2.3/24: stands in line 3 (address_a) already"),
    ] {
        refused(&bench, format!("{HEADER}\n{good}\n{}\n", line(changes)).as_bytes(), &format!("line 3: {told}"));
    }
    let short = format!("{HEADER}\n{good}\nb,r1,r2,192.0.2.3/24\n");
    refused(&bench, short.as_bytes(), "line 3: has 4 fields, and the first line has 15");
    for (table, told) in [
        (HEADER.to_owned(), "line 2: the table has no pair"),
        ("pair,room_a,room_b,address_a\n".into(), "line 1: address_b: this column is missing"),
        (HEADER.replace("pin", "pni"), "line 1: column 14 = pni: is no column of this table"),
        (HEADER.replace("pin", "pair"), "line 1: column 14 = pair: stands twice"),
        (String::new(), "line 1: pair: this column is missing"),
    ] {
        refused(&bench, table.as_bytes(), told);
    }
    // Several mistakes are told at once, each with its line.
    let first = line(&[("room_b", "r1"), ("address_a", "x"), ("address_b", "y")]);
    let last = line(&[("pair", "c"), ("address_a", "")]);
    let output = bench.provision(format!("{HEADER}\n{first}\n{good}\n{last}\n"), "made");
    let said = String::from_utf8(output.stderr).unwrap();
    for told in ["line 2: room_b", "line 2: address_a", "line 2: address_b", "line 4: address_a"] {
        assert!(said.contains(told), "{told}: {said}");
    }
}

/// A line that is right, but for these fields.
fn line(changes: &[(&str, &str)]) -> String {
    let right = [
        ("pair", "b"),
        ("room_a", "r1"),
        ("room_b", "r2"),
        ("address_a", "192.0.2.3/24"),
        ("address_b", "192.0.2.4/24"),
    ];
    let field =
        |column: &str| changes.iter().chain(&right).find(|(name, _)| *name == column).map_or("", |(_, value)| value);
    HEADER.split(',').map(field).collect::<Vec<_>>().join(",")
}

fn refused(bench: &Bench, table: &[u8], told: &str) {
    let output = bench.provision(table, "made");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains(told), "{told:?} is not in\n{said}");
    assert!(!bench.path("made").exists(), "nothing was written");
}

#[test]
fn a_table_is_taken_as_excel_saves_it_in_utf_8_and_in_nothing_else() {
    let bench = Bench::new();
    let table = "\u{feff}組,部屋A,部屋B,アドレスA,アドレスB,帯域上限kbps\r\n本庁,市民課,\"北支所, 2階\",192.0.2.1/24,dhcp,900\r\n,,,,,\r\n";
    let made = bench.provision(table, "excel");
    assert!(made.status.success(), "{made:?}");
    let kiosk = bench.new_box("excel-box");
    kiosk.take(&bench.path("excel/本庁/北支所, 2階/engawa-box.toml"));
    let text = std::fs::read_to_string(kiosk.etc().join("engawa.toml")).unwrap();
    assert!(
        text.contains("ceiling_kbps = 900") && text.contains("listen = \"\"\ndial = true"),
        "the side that has DHCP dials: {text}"
    );

    let mut shift_jis = b"pair,room_a,room_b,address_a,address_b\na,".to_vec();
    shift_jis.extend(b"\x8e\x73\x96\xaf\x89\xdb,r2,192.0.2.1/24,192.0.2.2/24\n");
    refused(&bench, &shift_jis, "line 2: the table is not UTF-8");
    let utf_16: Vec<u8> = "\u{feff}pair,room_a\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused(&bench, &utf_16, "CSV UTF-8（コンマ区切り）");
}

#[test]
fn a_folder_with_keys_is_never_written_over() {
    let bench = Bench::new();
    let [a, _] = bench.one_pair("made");
    let before = std::fs::read(&a).unwrap();
    let table = std::fs::read(bench.path("pairs.csv")).unwrap();
    let again = bench.provision(table, "made");
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(again.status.code() == Some(1) && said.contains("exists already"), "{said}");
    assert_eq!(std::fs::read(&a).unwrap(), before);
}

#[test]
fn whatever_moment_the_power_goes_the_same_file_completes_it_and_another_one_begins_anew() {
    let bench = Bench::new();
    let ([one, _], [other, _]) = (bench.one_pair("one"), bench.one_pair("other"));
    let whole = |file: &Path, name: &str| {
        let kiosk = bench.new_box(name);
        assert_eq!(kiosk.take(file)["outcome"], "taken");
        kiosk
            .contents()
            .into_iter()
            .map(|(path, bytes)| (path.file_name().unwrap().to_owned(), bytes))
            .collect::<Vec<_>>()
    };
    let (of_one, of_other) = (whole(&one, "whole-one"), whole(&other, "whole-other"));
    for step in 1..=6 {
        for (then, wanted) in [(&one, &of_one), (&other, &of_other)] {
            let kiosk = bench.new_box(&format!("cut-{step}-{}", then == &one));
            let cut = kiosk.command(&one).args(["--power-cut-after", &step.to_string()]).output().unwrap();
            assert!(!cut.status.success());
            let is_set_up = kiosk.etc().join("engawa.toml").exists();
            assert_eq!(is_set_up, step == 6, "it is set up by its very last file only");
            let report = kiosk.take(then);
            if is_set_up && then == &other {
                assert_eq!(report["outcome"], "refused", "{report}");
                continue;
            }
            assert_eq!(
                report["outcome"],
                if is_set_up { "already_taken" } else { "taken" },
                "after step {step}: {report}"
            );
            let has: Vec<_> = kiosk
                .contents()
                .into_iter()
                .map(|(path, bytes)| (path.file_name().unwrap().to_owned(), bytes))
                .collect();
            let has: Vec<_> = has.into_iter().filter(|(name, _)| !(is_set_up && name == "taking")).collect();
            assert!(&has == wanted, "after step {step}: {:?}", has.iter().map(|(name, _)| name).collect::<Vec<_>>());
        }
    }
}

#[test]
fn what_was_taken_belongs_to_the_daemon_and_nobody_else_reads_it() {
    let bench = Bench::new();
    let [file, _] = bench.one_pair("made");
    let kiosk = bench.new_box("box");
    let is_root = std::fs::metadata(kiosk.state()).unwrap().uid() == 0;
    if is_root {
        std::os::unix::fs::chown(kiosk.state(), Some(12_345), Some(12_345)).unwrap();
    }
    kiosk.take(&file);
    let look = |path: &Path| {
        std::fs::metadata(path).map(|found| (found.permissions().mode() & 0o777, found.uid(), found.gid())).unwrap()
    };
    let (config, key) = (look(&kiosk.etc().join("engawa.toml")), look(&kiosk.state().join("identity.key")));
    assert_eq!((config.0, key.0), (0o640, 0o600));
    assert_eq!(look(&kiosk.report_file()).0, 0o644);
    assert!(!is_root || (config.1, config.2, key.1, key.2) == (0, 12_345, 12_345, 12_345), "{config:?} {key:?}");
    let report = kiosk.report().to_string();
    let text = std::fs::read_to_string(&file).unwrap();
    let secret = private_line(&text).split('"').nth(1).unwrap();
    assert!(!report.contains(&secret[60..]) && !report.contains("482913"), "nothing secret is told: {report}");
}
