//! What a change of mode does to the packets on the cable: nothing. Under SRTP the RTP headers are in the clear (RFC 3711 §3.1): streams,
//! numbers and times of voice and camera are read where they arrive, between two real daemons.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod support;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};
use support::boxes::{Pair, Setup};
use support::capture::{Capture, Seen};
use support::lab::{End, Lab, Middle};
use support::recovery::measured;
use support::{Dice, pause};

#[test]
fn no_change_of_mode_or_view_loses_or_repeats_a_voice_packet() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let Some(wire) = Wire::tap(&lab) else { return };
    let pair = rooms(&lab);
    let before = pair.wait_up(LIMIT);
    open_both(&pair);
    let opened_at = wall();
    let seed = u64::from(std::process::id());
    let mut dice = Dice::new(seed);
    measured("seed", seed);
    let (mut modes, mut views) = (0, 0);
    while modes < MODES {
        let end = if dice.share() < 0.5 { End::A } else { End::B };
        let mode = if modes % 2 == 0 { "meeting" } else { "talking" };
        pair.engawa(end, &["mode", mode], &[]);
        both_in(&pair, mode);
        modes += 1;
        if dice.share() < 0.5 {
            let end = if dice.share() < 0.5 { End::A } else { End::B };
            let now = pair.status(end).unwrap()["room"]["view"].as_u64().unwrap();
            let view = (now + 1 + dice.roll() % 2) % 3;
            pair.engawa(end, &["view", VIEWS[view as usize]], &[]);
            pair.wait_status(end, AGREED, "another view", |status| status["room"]["view"] == view);
            views += 1;
        }
        pause(Duration::from_millis(dice.roll() % 250));
    }
    for end in End::BOTH {
        pair.wait_status(end, AGREED, "still open", |status| status["microphone"] == "open");
    }
    pause(Duration::from_millis(300));
    let until = wall();
    same_session(&pair, &before);
    for (end, arrived) in End::BOTH.into_iter().zip(wire.arrived(&lab)) {
        arrived.is_one_connection_made_before(opened_at);
        let (voice, camera) = (arrived.stream(VOICE), arrived.camera());
        let spoken = voice.packets.iter().filter(|packet| (opened_at..until).contains(&packet.at)).count();
        measured(
            &format!("{modes} modes and {views} views, heard by {end:?}"),
            format!("{spoken} voice packets, {} of the camera", camera.packets.len()),
        );
        voice.counts_on();
        camera.counts_on();
        // Ten milliseconds in each: what was lost before it got a number would be missing in the time.
        assert_eq!(voice.holes(), [0_i32; 0], "samples that were never sent");
        let expected = (until - opened_at).as_secs_f64() * 100.0;
        assert!((spoken as f64 - expected).abs() < 50.0, "{spoken} voice packets, not {expected:.0}");
    }
}

#[test]
fn a_microphone_closed_and_opened_again_goes_on_in_its_own_stream() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let Some(wire) = Wire::tap(&lab) else { return };
    let pair = rooms(&lab);
    let before = pair.wait_up(LIMIT);
    open_both(&pair);
    let opened_at = wall();
    let mut closed = Vec::new();
    for round in 0..ROUNDS {
        pause(Duration::from_millis(300));
        pair.engawa(if round % 2 == 0 { End::A } else { End::B }, &["mode", "quiet"], &[]);
        both_in(&pair, "quiet");
        for end in End::BOTH {
            pair.wait_status(end, LIMIT, "closed", |status| status["microphone"] == "closed");
        }
        let from = wall();
        pause(Duration::from_millis(200));
        closed.push(from..wall());
        open_both(&pair);
    }
    pause(Duration::from_millis(300));
    same_session(&pair, &before);
    for (end, arrived) in End::BOTH.into_iter().zip(wire.arrived(&lab)) {
        arrived.is_one_connection_made_before(opened_at);
        let voice = arrived.stream(VOICE);
        voice.counts_on();
        arrived.camera().counts_on();
        let holes = voice.holes();
        measured(
            &format!("closed and opened {ROUNDS} times, heard by {end:?}"),
            format!("{} voice packets, silent for {holes:?} ms", voice.packets.len()),
        );
        assert_eq!(holes.len(), ROUNDS, "one silence for every time it was closed: {holes:?} ms");
        assert!(holes.iter().all(|hole| (200..5000).contains(hole)), "time goes on as the clock does: {holes:?} ms");
        let through = voice.packets.iter().filter(|packet| closed.iter().any(|time| time.contains(&packet.at)));
        assert_eq!(through.count(), 0, "voice packets from a closed microphone");
    }
}

/// Captures on both cables.
struct Wire([Capture; 2]);

/// What the other box sent, as it arrived at one.
struct Arrived(Vec<Seen>);

/// The packets of one payload type.
struct Stream {
    packets: Vec<Rtp>,
}

struct Rtp {
    at: Duration,
    stream: u32,
    number: u16,
    time: u32,
}

impl Wire {
    fn tap(lab: &Lab) -> Option<Self> {
        Some(Self([Capture::start(lab, End::A)?, Capture::start(lab, End::B)?]))
    }

    /// What arrived at A and at B.
    fn arrived(self, lab: &Lab) -> [Arrived; 2] {
        let mut ends = End::BOTH.into_iter();
        self.0.map(|capture| {
            let sender = lab.v4(ends.next().unwrap().other());
            let from_there = |seen: &Seen| seen.from.ip() == sender && !seen.payload.is_empty();
            Arrived(capture.stop_udp().into_iter().filter(from_there).collect())
        })
    }
}

impl Arrived {
    fn stream(&self, payload_type: u8) -> Stream {
        let of_it = |seen: &&Seen| is_rtp(&seen.payload) && seen.payload[1] & 127 == payload_type;
        Stream { packets: self.0.iter().filter(of_it).map(Rtp::read).collect() }
    }

    /// Its payload type is one that webrtcbin chose (RED, RFC 2198): the most frequent one that is not the voice's.
    fn camera(&self) -> Stream {
        let types = self.0.iter().filter(|seen| is_rtp(&seen.payload)).map(|seen| seen.payload[1] & 127);
        let mut counts = BTreeMap::<u8, usize>::new();
        types.filter(|kind| *kind != VOICE).for_each(|kind| *counts.entry(kind).or_default() += 1);
        let (kind, _) = counts.into_iter().max_by_key(|(_, count)| *count).expect("the camera sends");
        self.stream(kind)
    }

    /// DTLS shook hands once, and since this moment sent no record of any kind (RFC 7983: first byte 20 … 63).
    fn is_one_connection_made_before(&self, moment: Duration) {
        let records = self.0.iter().filter(|seen| (20..=63).contains(&seen.payload[0]));
        let (before, after): (Vec<&Seen>, Vec<&Seen>) = records.partition(|seen| seen.at < moment);
        assert!(before.iter().any(|seen| seen.payload[0] == HANDSHAKE), "the capture saw the connection being made");
        let kinds: Vec<u8> = after.iter().map(|seen| seen.payload[0]).collect();
        assert!(kinds.is_empty(), "DTLS records on a standing connection, by content type: {kinds:?}");
    }
}

impl Stream {
    /// One source, every number once and in order.
    fn counts_on(&self) {
        let sources: BTreeSet<u32> = self.packets.iter().map(|packet| packet.stream).collect();
        assert_eq!(sources.len(), 1, "one SSRC: {sources:x?}");
        assert!(self.packets.len() > 100, "{} packets", self.packets.len());
        for (at, pair) in self.packets.windows(2).enumerate() {
            let step = pair[1].number.wrapping_sub(pair[0].number);
            assert_eq!(step, 1, "packet {at} of {} has number {}", self.packets.len(), pair[0].number);
        }
    }

    /// Where a packet does not begin when the one before it ends, give or take a sample: milliseconds between them.
    fn holes(&self) -> Vec<i32> {
        let steps = self.packets.windows(2).map(|pair| pair[1].time.wrapping_sub(pair[0].time).cast_signed());
        steps.filter(|step| !(479..=481).contains(step)).map(|step| (step - 480) / 48).collect()
    }
}

impl Rtp {
    fn read(seen: &Seen) -> Self {
        let word = |at: usize| u32::from_be_bytes(seen.payload[at..at + 4].try_into().unwrap());
        Self { at: seen.at, stream: word(8), number: word(0) as u16, time: word(4) }
    }
}

/// Not RTCP, whose second byte is 192 … 223 (RFC 5761).
fn is_rtp(payload: &[u8]) -> bool {
    payload.len() >= 12 && (128..=191).contains(&payload[0]) && !(192..=223).contains(&payload[1])
}

/// Two rooms with three views each and closed microphones.
fn rooms(lab: &Lab) -> Pair<'_> {
    let setup = Setup { size: "320x180".into(), microphone: "closed".into(), ..Setup::default() };
    let mut pair = Pair::prepare(Some(lab), &setup);
    for end in End::BOTH {
        pair.configure(end, "camera", "views", "\"room=all; table=crop:25,25,50,50; door=crop:0,0,40,40\"");
    }
    pair.start_both();
    pair
}

/// As a person in each room does it.
fn open_both(pair: &Pair<'_>) {
    for end in End::BOTH {
        pair.engawa(end, &["mic", "open"], &[]);
        pair.wait_status(end, LIMIT, "open", |status| status["microphone"] == "open");
    }
}

fn both_in(pair: &Pair<'_>, mode: &str) {
    for end in End::BOTH {
        pair.wait_status(end, AGREED, mode, |status| status["room"]["mode"] == mode);
    }
}

fn same_session(pair: &Pair<'_>, before: &[Value; 2]) {
    for (end, before) in End::BOTH.into_iter().zip(before) {
        let after = pair.status(end).unwrap();
        assert_eq!((&after["session"], &after["since_ns"]), (&before["session"], &before["since_ns"]));
        assert_eq!(after["sessions_opened"], 1);
    }
}

/// As tcpdump stamps.
fn wall() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}

const VIEWS: [&str; 3] = ["room", "table", "door"];
/// Payload type, as in the offer.
const VOICE: u8 = 111;
/// DTLS content type (RFC 6347).
const HANDSHAKE: u8 = 22;
const MODES: usize = 60;
const ROUNDS: usize = 10;
const AGREED: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(20);
