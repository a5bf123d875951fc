//! What really crossed a cable: tcpdump in a namespace, summed up as a set of flows, or packet by packet.

use super::guest::Guest;
use super::lab::{End, Lab};
use super::needs::Need;
use super::packet::{Header, Protocol};
use super::pause;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// A running capture on an end's cable.
pub struct Capture {
    tcpdump: Guest,
    said: Receiver<(Instant, String)>,
    file: tempfile::NamedTempFile,
}

/// Who spoke to whom. For ARP the addresses are sender and target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    pub from: IpAddr,
    pub to: IpAddr,
    pub protocol: Protocol,
    /// Source port, of TCP and UDP.
    pub from_port: Option<u16>,
    /// Destination port, of TCP and UDP; the type of ICMP.
    pub port: Option<u16>,
}

/// The beginning of a UDP packet that was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// By the wall clock: since 1970.
    pub at: Duration,
    pub from: SocketAddr,
    /// As much of it as is captured.
    pub payload: Vec<u8>,
}

/// Every flow that was seen, with its number of packets.
pub type Summary = BTreeMap<Flow, u64>;

impl Capture {
    /// Returns once packets are being captured; none where that is not possible.
    pub fn start(lab: &Lab, end: End) -> Option<Self> {
        if !Need::Capture.met() {
            return None;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut command = lab.command(end, "tcpdump");
        command.args(["-i", "eth0", "-n", "-U", "-Z", "root", "--immediate-mode", "-s", "128", "-w"]).arg(file.path());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut tcpdump = Guest::spawn(command);
        let said = tcpdump.error_lines();
        let mut told = std::iter::from_fn(|| said.recv_timeout(START_LIMIT).ok());
        assert!(told.any(|(_, line)| line.contains("listening on")), "tcpdump does not start");
        Some(Self { tcpdump, said, file })
    }

    /// Ends the capture; everything that crossed before is in it.
    pub fn stop(self) -> Summary {
        let (bytes, _) = self.end();
        let mut summary = Summary::new();
        for flow in frames(&bytes).filter_map(|(_, frame)| flow(frame)) {
            *summary.entry(flow).or_default() += 1;
        }
        summary
    }

    /// The same, every UDP packet in the order of arrival; panics if the capture itself has missed one.
    pub fn stop_udp(self) -> Vec<Seen> {
        let (bytes, said) = self.end();
        assert!(said.iter().any(|line| line == "0 packets dropped by kernel"), "the capture is not whole: {said:?}");
        frames(&bytes).filter_map(|(at, frame)| udp(at, frame)).collect()
    }

    /// The file, and what tcpdump said last.
    fn end(mut self) -> (Vec<u8>, Vec<String>) {
        // Interrupted, tcpdump leaves unread what it was not given time to read.
        let size = || std::fs::metadata(self.file.path()).map_or(0, |file| file.len());
        let mut before = size();
        for _ in 0..10 {
            pause(QUIET);
            let now = size();
            if now == before {
                break;
            }
            before = now;
        }
        self.tcpdump.interrupt();
        self.tcpdump.wait(START_LIMIT).expect("tcpdump ends when interrupted");
        (std::fs::read(self.file.path()).unwrap(), self.said.iter().map(|(_, line)| line).collect())
    }
}

/// The frames of a pcap file (native order, microseconds, Ethernet), as `tcpdump -w` writes it, with their moments.
fn frames(file: &[u8]) -> impl Iterator<Item = (Duration, &[u8])> {
    let word = |at: usize| Some(u32::from_ne_bytes(file.get(at..at + 4)?.try_into().ok()?));
    assert_eq!(word(0), Some(PCAP_MAGIC), "a pcap file in native order");
    assert_eq!(word(20), Some(1), "link type Ethernet");
    let mut at = 24;
    std::iter::from_fn(move || {
        let length = usize::try_from(word(at + 8)?).ok()?;
        let frame = file.get(at + 16..at + 16 + length)?;
        let moment = Duration::from_secs(word(at)?.into()) + Duration::from_micros(word(at + 4)?.into());
        at += 16 + length;
        Some((moment, frame))
    })
}

fn udp(at: Duration, frame: &[u8]) -> Option<Seen> {
    let packet = frame.get(14..)?;
    let header = Header::read(packet).filter(|header| header.protocol == Protocol::Udp)?;
    let from = SocketAddr::new(header.from, header.ports?.0);
    Some(Seen { at, from, payload: packet.get(header.start + 8..)?.to_vec() })
}

fn flow(frame: &[u8]) -> Option<Flow> {
    let kind = u16::from_be_bytes(frame.get(12..14)?.try_into().ok()?);
    match kind {
        0x0800 | 0x86dd => {
            let packet = &frame[14..];
            let header = Header::read(packet)?;
            let kind = packet.get(header.start).copied().filter(|_| header.protocol == Protocol::Icmp).map(u16::from);
            Some(Flow {
                from: header.from,
                to: header.to,
                protocol: header.protocol,
                from_port: header.ports.map(|(port, _)| port),
                port: header.ports.map(|(_, port)| port).or(kind),
            })
        }
        0x0806 => {
            let address = |at: usize| Some(Ipv4Addr::from(<[u8; 4]>::try_from(frame.get(at..at + 4)?).ok()?).into());
            Some(Flow { from: address(28)?, to: address(38)?, protocol: Protocol::Arp, from_port: None, port: None })
        }
        other => {
            let nobody = Ipv4Addr::UNSPECIFIED.into();
            Some(Flow { from: nobody, to: nobody, protocol: Protocol::Other(other), from_port: None, port: None })
        }
    }
}

const PCAP_MAGIC: u32 = 0xa1b2_c3d4;
const QUIET: Duration = Duration::from_millis(200);
const START_LIMIT: Duration = Duration::from_secs(5);
