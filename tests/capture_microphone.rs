//! The microphone's sending half: the gate, the rate, the time, and loss protection that is really there.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use engawa::config::Source;
use engawa::core::input::Input;
use engawa::inbox::{Inbox, Mail};
use engawa::media::microphone::MicrophoneSender;
use engawa::model::{Bitrate, Device, MicState, Moment};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

#[test]
fn a_closed_gate_lets_nothing_out_though_the_microphone_hears() {
    let mut room = Room::start(Source::Test);
    for state in [MicState::Closed, MicState::LevelsOnly] {
        room.sender.arrange(state, VOICE);
        assert!(room.packets.recv_timeout(Duration::from_millis(1500)).is_err(), "{state:?} lets something out");
    }
    let report = room.sender.report();
    assert_eq!(report.voice_packets, 0);
    assert!(report.level_dbfs > -60.0 && report.level_dbfs < 0.0, "{report:?}");
}

#[test]
fn an_open_gate_sends_a_hundred_packets_a_second_in_even_time() {
    for source in [Source::Test, Source::File(clip()), Source::Gst("audiotestsrc is-live=false".to_owned())] {
        let mut room = Room::start(source.clone());
        room.sender.arrange(MicState::Open, VOICE);
        room.packets_for(Duration::from_millis(500));
        let packets = room.packets_for(Duration::from_secs(3));
        assert!((270..=310).contains(&packets.len()), "{source:?}: {} packets in 3 s", packets.len());
        for pair in packets.windows(2) {
            let step = pair[1].moment.minus(pair[0].moment);
            assert!((step - 10_000_000).abs() <= 5_000, "{source:?}: a step of {step} ns");
        }
        let delays: Vec<i64> = packets.iter().map(|p| p.arrived.minus(p.moment) / 1_000_000).collect();
        assert!(delays.iter().all(|delay| (0..1000).contains(delay)), "{source:?}: {delays:?}");
        let report = room.sender.report();
        assert!((80..=120).contains(&report.voice_packets), "{source:?}: {report:?}");
    }
}

#[test]
fn the_sound_of_a_clip_goes_on_where_the_clip_turns() {
    let mut room = Room::start(Source::File(clip()));
    room.sender.arrange(MicState::Open, VOICE);
    let packets = room.packets_for(Duration::from_secs(8));
    assert!(packets.windows(2).all(|pair| pair[0].moment < pair[1].moment), "time runs back");
    assert!((700..=810).contains(&packets.len()), "{} packets in 8 s", packets.len());
}

#[test]
fn a_gate_that_closes_stops_at_once_and_opens_with_nothing_old_in_it() {
    let mut room = Room::start(Source::Test);
    room.sender.arrange(MicState::Open, VOICE);
    let mut decoder = opus::Decoder::new(48_000, opus::Channels::Mono).unwrap();
    let mut loudest =
        |bytes: &[u8]| decode(&mut decoder, bytes, false).into_iter().map(i16::unsigned_abs).max().unwrap();
    let before =
        room.packets_for(Duration::from_millis(300)).iter().map(|packet| loudest(&packet.bytes)).max().unwrap();
    room.sender.arrange(MicState::Closed, VOICE);
    // One packet may have been on its way; then come 30 ms of silence, so that nothing is prolonged over there, and no more.
    let closed_at = now();
    let (mut after, mut heard) = (0, 0);
    while let Ok(packet) = room.packets.recv_timeout(Duration::from_secs(1)) {
        let (late, level) = (packet.arrived.since(closed_at), loudest(&packet.bytes));
        assert!(late < Duration::from_millis(60), "a packet {late:?} after closing");
        after += 1;
        // The codec looks back by less than one packet; what then rings in it was once a tenth as loud.
        heard = if after > 2 { heard.max(level) } else { heard };
    }
    assert!((3..=4).contains(&after) && heard < before / 5, "{after} packets, {heard} of {before} in the last of them");
    let opened_at = now();
    room.sender.arrange(MicState::Open, VOICE);
    let first = room.packet();
    assert!(first.moment.shifted(25_000_000) >= opened_at, "it was captured before the gate opened");
}

#[test]
fn a_lost_packet_is_really_in_the_next_one() {
    let mut room = Room::start(Source::Test);
    room.sender.arrange(MicState::Open, VOICE);
    let packets = room.packets_for(Duration::from_secs(4));
    let bitrate = packets.iter().map(|p| p.bytes.len()).sum::<usize>() * 8 / 4;
    assert!(bitrate < 34_000, "{bitrate} bit/s");

    let decoder = || opus::Decoder::new(48_000, opus::Channels::Mono).unwrap();
    let (mut fec_error, mut plc_error, mut energy) = (0.0, 0.0, 0.0);
    // Every tenth packet is lost, each of them once: syllables fall where they will.
    for phase in 0..10 {
        let (mut whole, mut with_fec, mut without) = (decoder(), decoder(), decoder());
        for (index, packet) in packets.iter().enumerate() {
            let truth = decode(&mut whole, &packet.bytes, false);
            if index % 10 == phase && index > 10 {
                let Some(next) = packets.get(index + 1) else { break };
                let recovered = decode(&mut with_fec, &next.bytes, true);
                let concealed = decode(&mut without, &[], false);
                fec_error += difference(&truth, &recovered);
                plc_error += difference(&truth, &concealed);
                energy += difference(&truth, &[0; 480]);
            } else {
                decode(&mut with_fec, &packet.bytes, false);
                decode(&mut without, &packet.bytes, false);
            }
        }
    }
    assert!(energy > 0.0);
    assert!(
        fec_error < plc_error * 0.7,
        "FEC {:.3}, concealment {:.3} of the energy",
        fec_error / energy,
        plc_error / energy
    );
}

#[test]
fn a_broken_microphone_is_said_once_and_sends_nothing() {
    let mut room = Room::start(Source::Alsa("hw:CARD=nothing,DEV=0".to_owned()));
    room.sender.arrange(MicState::Open, VOICE);
    assert!(room.packets.recv_timeout(Duration::from_secs(3)).is_err());
    assert_eq!(room.changes(), [false]);
    assert_eq!(room.sender.report().voice_packets, 0);
}

#[test]
fn no_microphone_is_not_a_missing_one() {
    let mut room = Room::start(Source::None);
    room.sender.arrange(MicState::Open, VOICE);
    assert!(room.packets.recv_timeout(Duration::from_secs(1)).is_err());
    assert_eq!(room.changes(), [false; 0]);
    assert_eq!(room.sender.report().level_dbfs, -100.0);
}

struct Room {
    sender: MicrophoneSender,
    packets: Receiver<Packet>,
    inbox: Inbox,
}

struct Packet {
    moment: Moment,
    arrived: Moment,
    bytes: Vec<u8>,
}

impl Room {
    fn start(source: Source) -> Self {
        gst::init().unwrap();
        let (sender, packets) = channel();
        let inbox = Inbox::default();
        let out = Arc::new(move |buffer: gst::Buffer| {
            let packet = Packet {
                moment: Moment::from_nanos(buffer.pts().unwrap().nseconds()),
                arrived: now(),
                bytes: buffer.map_readable().unwrap().to_vec(),
            };
            // The test may be over.
            drop(sender.send(packet));
        });
        Self { sender: MicrophoneSender::start(source, out, inbox.clone()), packets, inbox }
    }

    fn packet(&self) -> Packet {
        self.packets.recv_timeout(Duration::from_secs(10)).expect("a packet within 10 s")
    }

    fn packets_for(&self, time: Duration) -> Vec<Packet> {
        let first = self.packet();
        let end = first.arrived + time;
        let mut packets = vec![first];
        while now() < end {
            packets.extend(self.packets.recv_timeout(end.since(now())).ok());
        }
        packets
    }

    fn changes(&self) -> Vec<bool> {
        std::iter::from_fn(|| self.inbox.take())
            .map(|mail| match mail {
                Mail::Urgent(Input::DeviceChanged { device: Device::Microphone, present, .. }) => present,
                other @ (Mail::Urgent(_) | Mail::News(_)) => panic!("{other:?}"),
            })
            .collect()
    }
}

fn decode(decoder: &mut opus::Decoder, packet: &[u8], fec: bool) -> [i16; 480] {
    let mut samples = [0; 480];
    assert_eq!(decoder.decode(packet, &mut samples, fec).unwrap(), 480);
    samples
}

fn difference(left: &[i16; 480], right: &[i16; 480]) -> f64 {
    left.iter().zip(right).map(|(l, r)| (f64::from(*l) - f64::from(*r)).powi(2)).sum()
}

fn clip() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media/clip-720p.mp4")
}

fn now() -> Moment {
    Moment::from_nanos(gst::SystemClock::obtain().time().nseconds())
}

const VOICE: Bitrate = Bitrate::from_kbps(32);
