//! IP packets as bytes: just enough to read and to write UDP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What carries the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    Tcp,
    Udp,
    Icmp,
    Arp,
    /// The IP protocol or EtherType number.
    Other(u16),
}

/// The header fields of an IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub from: IpAddr,
    pub to: IpAddr,
    pub protocol: Protocol,
    /// Source and destination port, of TCP and UDP.
    pub ports: Option<(u16, u16)>,
    /// Where the payload of IP begins.
    pub start: usize,
    fragment: bool,
}

/// A whole UDP datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub payload: Vec<u8>,
}

impl Header {
    /// None for what is not a whole IP header.
    pub fn read(packet: &[u8]) -> Option<Self> {
        let (from, to, number, start, fragment): (IpAddr, IpAddr, u8, usize, bool) = match packet.first()? >> 4 {
            4 if packet.len() >= 20 => {
                let start = usize::from(packet[0] & 15) * 4;
                let fragment = word(packet, 6)? & 0x3fff != 0;
                let (from, to) = (address4(&packet[12..16])?, address4(&packet[16..20])?);
                (from.into(), to.into(), packet[9], start, fragment)
            }
            6 if packet.len() >= 40 => {
                let (from, to) = (address6(&packet[8..24])?, address6(&packet[24..40])?);
                // The only extension header met in the lab is hop-by-hop in front of multicast reports.
                let (number, start) = match packet[6] {
                    0 => (*packet.get(40)?, 48 + usize::from(*packet.get(41)?) * 8),
                    number => (number, 40),
                };
                (from.into(), to.into(), number, start, number == 44)
            }
            _ => return None,
        };
        let protocol = match number {
            6 => Protocol::Tcp,
            17 => Protocol::Udp,
            1 | 58 => Protocol::Icmp,
            other => Protocol::Other(other.into()),
        };
        let ports = match protocol {
            Protocol::Tcp | Protocol::Udp if !fragment => word(packet, start).zip(word(packet, start + 2)),
            Protocol::Tcp | Protocol::Udp | Protocol::Icmp | Protocol::Arp | Protocol::Other(_) => None,
        };
        Some(Self { from, to, protocol, ports, start, fragment })
    }
}

impl Datagram {
    /// None for what is not a whole, unfragmented UDP packet.
    pub fn read(packet: &[u8]) -> Option<Self> {
        let header = Header::read(packet).filter(|header| header.protocol == Protocol::Udp && !header.fragment)?;
        let (from, to) = header.ports?;
        let length = usize::from(word(packet, header.start + 4)?);
        let payload = packet.get(header.start + 8..header.start + length)?.to_vec();
        Some(Self { from: (header.from, from).into(), to: (header.to, to).into(), payload })
    }

    /// The packet, checksums and all.
    pub fn write(&self) -> Vec<u8> {
        let length = u16::try_from(self.payload.len() + 8).expect("a datagram fits into 64 KiB");
        let mut udp = Vec::with_capacity(usize::from(length));
        for field in [self.from.port(), self.to.port(), length, 0] {
            udp.extend(field.to_be_bytes());
        }
        udp.extend(&self.payload);
        match (self.from.ip(), self.to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => write4(from, to, udp),
            (IpAddr::V6(from), IpAddr::V6(to)) => write6(from, to, udp),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => panic!("one family per datagram"),
        }
    }
}

fn write4(from: Ipv4Addr, to: Ipv4Addr, mut udp: Vec<u8>) -> Vec<u8> {
    fill_checksum(&mut udp, &[from.octets(), to.octets()].concat());
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 63, 17, 0, 0];
    packet[2..4].copy_from_slice(&u16::try_from(udp.len() + 20).expect("fits").to_be_bytes());
    packet.extend([from.octets(), to.octets()].concat());
    let sum = !fold(sum(&packet));
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(udp);
    packet
}

fn write6(from: Ipv6Addr, to: Ipv6Addr, mut udp: Vec<u8>) -> Vec<u8> {
    fill_checksum(&mut udp, &[from.octets(), to.octets()].concat());
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, 17, 63];
    packet[4..6].copy_from_slice(&u16::try_from(udp.len()).expect("fits").to_be_bytes());
    packet.extend([from.octets(), to.octets()].concat());
    packet.extend(udp);
    packet
}

/// RFC 768 and RFC 8200: over the pseudo-header, never zero.
fn fill_checksum(udp: &mut [u8], addresses: &[u8]) {
    let total = sum(addresses) + 17 + u32::try_from(udp.len()).expect("fits") + sum(udp);
    let checksum = match !fold(total) {
        0 => 0xffff,
        sum => sum,
    };
    udp[6..8].copy_from_slice(&checksum.to_be_bytes());
}

fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum()
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn address4(bytes: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(bytes).ok().map(Into::into)
}

fn address6(bytes: &[u8]) -> Option<Ipv6Addr> {
    <[u8; 16]>::try_from(bytes).ok().map(Into::into)
}
