//! DNS-SD (RFC 6763) as far as one printer needs it: which questions it answers, and with what. Nothing is asked, nothing believed.
//!
//! ```text
//!   _universal._sub._ipp._tcp.local ─┐
//!   _print._sub._ipp._tcp.local ─────┼─ PTR ─► NAME._ipp._tcp.local ─ SRV ─► engawa-….local ─ A ─► the box's addresses
//!   _ipp._tcp.local ─────────────────┘                            └─ TXT          (the same with _ipps)
//! ```
//! A question is read with limits: at most [`MOST_QUESTIONS`] names of at most 255 bytes, and a pointer only ever leads back.

use std::net::Ipv4Addr;

/// What is announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// As PCs list the printer.
    pub name: String,
    /// The box's name among hosts, without ".local"; made from its key, so that there is no other.
    pub host: String,
    /// Where the printer listens.
    pub port: u16,
    /// The box's addresses.
    pub addresses: Vec<Ipv4Addr>,
    /// It speaks TLS too.
    pub tls: bool,
    /// "key=value".
    pub about: Vec<String>,
}

/// Who asks decides how it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// A program that knows multicast.
    Multicast,
    /// A simple one, from a port of its own: it wants its question back.
    Simple,
}

/// A name and what it leads to.
struct Record {
    name: Vec<String>,
    kind: u16,
    data: Data,
    /// It stands behind this name alone.
    unique: bool,
}

enum Data {
    Name(Vec<String>),
    Service(u16, Vec<String>),
    Text(Vec<String>),
    Address(Ipv4Addr),
}

struct Question {
    name: Vec<String>,
    kind: u16,
}

impl Announced {
    /// The answer to a packet; none where there is nothing to say, or the packet is no question.
    pub fn answer(&self, packet: &[u8], from: From) -> Option<Vec<u8>> {
        let (id, questions) = questions(packet)?;
        let records = self.records();
        let wanted = |record: &Record| questions.iter().any(|question| question.is_about(record));
        let (answers, others): (Vec<_>, Vec<_>) = records.iter().partition(|record| wanted(record));
        if answers.is_empty() {
            return None;
        }
        let others = if answers.iter().any(|record| record.kind != A) { others } else { Vec::new() };
        // What an instance is and where: whoever finds it asks for that next.
        let others: Vec<&Record> = others.into_iter().filter(|record| record.kind != PTR).collect();
        let (id, asked, ttl) = match from {
            From::Multicast => (0, &[][..], TTL_S),
            From::Simple => (id, &questions[..], SIMPLE_TTL_S),
        };
        Some(message(id, asked, &answers, &others, ttl, from))
    }

    /// All of it, unasked: when it begins, and with `TTL` 0 when it ends.
    pub fn all(&self, ends: bool) -> Vec<u8> {
        let records = self.records();
        let records: Vec<&Record> = records.iter().collect();
        message(0, &[], &records, &[], if ends { 0 } else { TTL_S }, From::Multicast)
    }

    fn records(&self) -> Vec<Record> {
        let host = name(&[&self.host], &[]);
        let mut records = Vec::new();
        let mut add = |name: &[String], kind, data, unique| {
            records.push(Record { name: name.to_vec(), kind, data, unique });
        };
        for service in if self.tls { &["_ipp", "_ipps"][..] } else { &["_ipp"] } {
            let (kind, instance) = (name(&[service, "_tcp"], &[]), name(&[&self.name, service, "_tcp"], &[]));
            add(&name(&["_services", "_dns-sd", "_udp"], &[]), PTR, Data::Name(kind.clone()), false);
            add(&kind, PTR, Data::Name(instance.clone()), false);
            for sub in ["_universal", "_print"] {
                add(&name(&[sub, "_sub"], &kind), PTR, Data::Name(instance.clone()), false);
            }
            add(&instance, SRV, Data::Service(self.port, host.clone()), true);
            add(&instance, TXT, Data::Text(self.about.clone()), true);
        }
        for address in &self.addresses {
            add(&host, A, Data::Address(*address), true);
        }
        records
    }
}

impl Question {
    fn is_about(&self, record: &Record) -> bool {
        let same = |(one, other): (&String, &String)| one.eq_ignore_ascii_case(other);
        (self.kind == record.kind || self.kind == ANY)
            && self.name.len() == record.name.len()
            && self.name.iter().zip(&record.name).all(same)
    }
}

/// Below `under`, or below "local".
fn name(labels: &[&str], under: &[String]) -> Vec<String> {
    let local = ["local".to_owned()];
    let under = if under.is_empty() { &local[..] } else { under };
    labels.iter().map(|label| short(label)).chain(under.iter().cloned()).collect()
}

/// A label has 63 bytes at most; cut at a letter's end.
fn short(label: &str) -> String {
    let end = (0..=label.len().min(63)).rev().find(|at| label.is_char_boundary(*at)).unwrap_or(0);
    label[..end].to_owned()
}

/// The number and the questions of a packet that is one.
fn questions(packet: &[u8]) -> Option<(u16, Vec<Question>)> {
    let number = |at: usize| Some(u16::from_be_bytes(packet.get(at..at + 2)?.try_into().ok()?));
    let (id, flags, count) = (number(0)?, number(2)?, number(4)?);
    // Neither an answer nor anything but a plain question.
    if flags & 0xf800 != 0 || usize::from(count) > MOST_QUESTIONS {
        return None;
    }
    let mut at = 12;
    let mut questions = Vec::new();
    for _ in 0..count {
        let (name, behind) = read_name(packet, at)?;
        questions.push(Question { name, kind: number(behind)? });
        at = behind + 4;
    }
    Some((id, questions))
}

/// A name, and where it ends.
fn read_name(packet: &[u8], mut at: usize) -> Option<(Vec<String>, usize)> {
    let (mut labels, mut bytes, mut behind) = (Vec::new(), 0, None);
    let mut begin = at;
    loop {
        match *packet.get(at)? {
            0 => return Some((labels, behind.unwrap_or(at + 1))),
            length @ 1..=63 => {
                let label = packet.get(at + 1..at + 1 + usize::from(length))?;
                bytes += label.len() + 1;
                if bytes > LONGEST_NAME {
                    return None;
                }
                labels.push(String::from_utf8_lossy(label).into_owned());
                at += 1 + label.len();
            }
            high @ 192..=255 => {
                let to = usize::from(high & 0x3f) << 8 | usize::from(*packet.get(at + 1)?);
                behind.get_or_insert(at + 2);
                if to >= begin {
                    return None;
                }
                (at, begin) = (to, to);
            }
            64..=191 => return None,
        }
    }
}

fn message(id: u16, asked: &[Question], answers: &[&Record], others: &[&Record], ttl: u32, from: From) -> Vec<u8> {
    let mut bytes = Vec::new();
    let count = |many: usize| u16::try_from(many).unwrap_or_default();
    for number in [id, 0x8400, count(asked.len()), count(answers.len()), 0, count(others.len())] {
        bytes.extend(number.to_be_bytes());
    }
    for question in asked {
        bytes.extend(name_bytes(&question.name));
        bytes.extend(question.kind.to_be_bytes());
        bytes.extend(1_u16.to_be_bytes());
    }
    for record in answers.iter().chain(others) {
        let data = match &record.data {
            Data::Name(name) => name_bytes(name),
            Data::Service(port, host) => [&[0; 4][..], &port.to_be_bytes(), &name_bytes(host)].concat(),
            Data::Text(lines) => lines.iter().flat_map(|line| label_bytes(line, 255)).collect(),
            Data::Address(address) => address.octets().to_vec(),
        };
        let flush = if record.unique && from == From::Multicast { 0x8000 } else { 0 };
        bytes.extend(name_bytes(&record.name));
        bytes.extend(record.kind.to_be_bytes());
        bytes.extend((flush | 1_u16).to_be_bytes());
        bytes.extend(ttl.to_be_bytes());
        bytes.extend(count(data.len()).to_be_bytes());
        bytes.extend(data);
    }
    bytes
}

fn name_bytes(name: &[String]) -> Vec<u8> {
    name.iter().flat_map(|label| label_bytes(label, 63)).chain([0]).collect()
}

fn label_bytes(label: &str, longest: usize) -> Vec<u8> {
    let label = &label.as_bytes()[..label.len().min(longest)];
    [&[u8::try_from(label.len()).unwrap_or_default()][..], label].concat()
}

/// Questions in one packet.
pub const MOST_QUESTIONS: usize = 32;
const LONGEST_NAME: usize = 255;
const A: u16 = 1;
const PTR: u16 = 12;
const TXT: u16 = 16;
const SRV: u16 = 33;
const ANY: u16 = 255;
/// As RFC 6762 recommends for records with a host in them.
const TTL_S: u32 = 120;
const SIMPLE_TTL_S: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn announced() -> Announced {
        Announced {
            name: "市民課".into(),
            host: "engawa-0707".into(),
            port: 631,
            addresses: vec![Ipv4Addr::new(192, 0, 2, 7)],
            tls: true,
            about: vec!["rp=ipp/print".into()],
        }
    }

    fn question(labels: &[&str], kind: u16) -> Vec<u8> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let head = [0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        [&head[..], &name_bytes(&labels), &kind.to_be_bytes(), &[0, 1]].concat()
    }

    fn has(bytes: &[u8], part: &[u8]) -> bool {
        bytes.windows(part.len()).any(|at| at == part)
    }

    #[test]
    fn whoever_looks_for_a_printer_is_told_where_it_is() {
        for labels in [
            &["_ipp", "_tcp", "local"][..],
            &["_IPPS", "_tcp", "local"],
            &["_universal", "_sub", "_ipp", "_tcp", "local"],
            &["_print", "_sub", "_ipps", "_tcp", "local"],
        ] {
            let answer = announced().answer(&question(labels, PTR), From::Multicast).expect("an answer");
            assert_eq!(answer[..8], [0, 0, 0x84, 0, 0, 0, 0, 1], "{labels:?}");
            for part in ["市民課".as_bytes(), b"rp=ipp/print", b"engawa-0707", &[192, 0, 2, 7]] {
                assert!(has(&answer, part), "{labels:?}");
            }
        }
        let simple = announced().answer(&question(&["engawa-0707", "local"], A), From::Simple).expect("an answer");
        assert_eq!(simple[..12], [0, 7, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn other_questions_and_answers_of_others_are_left_alone() {
        let announced = announced();
        for labels in
            [&["_airplay", "_tcp", "local"][..], &["example", "org"], &["_ipp", "_tcp", "local", "local"], &[]]
        {
            assert_eq!(announced.answer(&question(labels, PTR), From::Multicast), None, "{labels:?}");
        }
        assert_eq!(announced.answer(&question(&["_ipp", "_tcp", "local"], A), From::Multicast), None);
        let mut answer = question(&["_ipp", "_tcp", "local"], PTR);
        answer[2] = 0x84;
        assert_eq!(announced.answer(&answer, From::Multicast), None);
        let plain = Announced { tls: false, ..announced };
        assert_eq!(plain.answer(&question(&["_ipps", "_tcp", "local"], PTR), From::Multicast), None);
    }

    #[test]
    fn pointers_lead_back_or_nowhere() {
        let mut packet = question(&["_ipp", "_tcp", "local"], PTR);
        packet[5] = 2;
        packet.extend([0xc0, 12, 0, 12, 0, 1]);
        assert!(announced().answer(&packet, From::Multicast).is_some());
        for at in [12_u8, 33, 40] {
            let looped = [&packet[..12], &[0xc0, at, 0, 12, 0, 1]].concat();
            assert_eq!(announced().answer(&looped, From::Multicast), None);
        }
        for cut in 0..packet.len() {
            let _no_panic = announced().answer(&packet[..cut], From::Simple);
        }
    }
}
