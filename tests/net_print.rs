//! A printer on a real (virtual) cable: found by whoever asks, on its documented ports, reached by its address over TLS or plain.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod support;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::lab::{End, Lab, Middle};
use support::wait_for;

#[test]
fn an_announced_printer_is_found_and_prints_by_its_address_on_its_documented_ports() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let mut pair = Pair::prepare(Some(&lab), &Setup { size: "320x240".into(), ..Setup::default() });
    let (own, pc) = (lab.v4(End::A), lab.v4(End::B));
    for (section, key, value) in [
        ("panel", "listen", format!("\"{own}:443\"")),
        ("panel", "room", format!("\"{pc}/32\"")),
        ("printer", "enabled", "true".into()),
        ("printer", "announce", "true".into()),
        ("printer", "name", "\"会議室\"".into()),
    ] {
        pair.configure(End::A, section, key, &value);
    }
    pair.start_box(End::A);
    pair.wait_status(End::A, LIMIT, "a status", |_| true);
    // A PC asks the room, from a port of its own, as simple programs do.
    let answer = wait_for(LIMIT, || lab.inside(End::B, || ask(pc)));
    let answer = answer.expect("an answer");
    for (field, wanted) in [
        ("dns.srv.port", "631"),
        ("dns.a", own.to_string().as_str()),
        ("dns.txt", "rp=ipp/print"),
        ("dns.ptr.domain_name", "._ipp._tcp.local"),
    ] {
        let seen = dissected(&pair, &answer, field);
        assert!(seen.contains(wanted), "{field}: {seen:?}");
    }
    assert_eq!(dissected(&pair, &answer, "_ws.malformed").trim(), "");
    for scheme in ["ipp", "ipps"] {
        let port = if scheme == "ipps" { ":631" } else { "" };
        let mut command = lab.command(End::B, "ipptool");
        command.args(["-t", "-T", "20", &format!("{scheme}://{own}{port}/ipp/print"), "get-printer-attributes.test"]);
        let output = command.env("HOME", pair.directory()).stdin(Stdio::null()).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("[PASS]"), "{scheme}: {output:?}");
    }
    let sockets = lab.ns_exec(End::A, "ss -H -l -n -t -u");
    let listening: BTreeSet<(String, u16)> = sockets
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[0].to_uppercase(), words[4].rsplit_once(':').unwrap().1.parse().unwrap())
        })
        .collect();
    let room: BTreeSet<(String, u16)> =
        listening.into_iter().filter(|(_, port)| *port != pair.ports(End::A).trunk).collect();
    let documented = include_str!("../docs/flows.md").lines().filter(|line| line.starts_with("| room |"));
    let documented: BTreeSet<(String, u16)> = documented
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            (cells[3].to_owned(), cells[4].parse().unwrap())
        })
        .collect();
    assert_eq!(room, documented, "{sockets}");
}

/// The universal printers here, asked as RFC 6762, 6.7 has it.
fn ask(own: Ipv4Addr) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind((own, 0)).unwrap();
    socket2::SockRef::from(&socket).set_multicast_if_v4(&own).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let question = b"\0\x07\0\0\0\x01\0\0\0\0\0\0\x0a_universal\x04_sub\x04_ipp\x04_tcp\x05local\0\0\x0c\0\x01";
    socket.send_to(question, SocketAddr::from(([224, 0, 0, 251], 5353))).ok()?;
    let mut answer = vec![0; 9_000];
    let (length, _) = socket.recv_from(&mut answer).ok()?;
    answer.truncate(length);
    Some(answer)
}

/// A field of a packet, by another program's reading.
fn dissected(pair: &Pair<'_>, packet: &[u8], field: &str) -> String {
    let (text, capture) = (pair.directory().join("answer.txt"), pair.directory().join("answer.pcap"));
    let hex: String = packet.iter().map(|byte| format!(" {byte:02x}")).collect();
    std::fs::write(&text, format!("000000{hex}\n")).unwrap();
    let made = Command::new("text2pcap").args(["-q", "-u", "5353,5353"]).arg(&text).arg(&capture).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let read = Command::new("tshark").arg("-r").arg(&capture).args(["-T", "fields", "-e", field]).output().unwrap();
    assert!(read.status.success(), "{read:?}");
    String::from_utf8_lossy(&read.stdout).into_owned()
}

const LIMIT: Duration = Duration::from_secs(20);
