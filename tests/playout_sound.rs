//! The sound buffer in pretend time: a far microphone, a line and a near speaker, each with its own clock.

use engawa::core::playout::{Sound, VoiceBuffer};
use engawa::model::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

const PACKET: u32 = 480;
const PACKET_NS: u64 = 10_000_000;
const SECOND: u64 = 1_000_000_000;
const ONE_MS: Duration = Duration::from_millis(1);

/// What was seen at the speaker.
#[derive(Default)]
struct Heard {
    /// Delay of each played packet, capture → speaker, by near time in nanoseconds.
    delays: Vec<(u64, i64)>,
    ratios: Vec<f64>,
    played: u32,
    merged: u32,
    concealed: u32,
    recovered: u32,
}

impl Heard {
    fn within(&self, from: u64, to: u64) -> impl Iterator<Item = i64> {
        self.delays.iter().filter(move |(at, _)| (from * SECOND..to * SECOND).contains(at)).map(|(_, delay)| *delay)
    }
    /// Greatest delay in milliseconds between two near times in seconds.
    fn worst_ms(&self, from: u64, to: u64) -> f64 {
        self.within(from, to).max().expect("sound was played") as f64 / 1e6
    }
    fn mean_ms(&self, from: u64, to: u64) -> f64 {
        self.within(from, to).sum::<i64>() as f64 / self.within(from, to).count() as f64 / 1e6
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }
}

/// Runs `seconds`; `line` gives each packet's time on the way, or loses it. The far clock runs `ppm` fast. Every
/// `keep_every`th delay is kept.
fn run(seconds: u64, ppm: i64, keep_every: u64, mut line: impl FnMut(u64) -> Option<Duration>) -> Heard {
    let mut buffer = VoiceBuffer::<u64>::default();
    let mut heard = Heard::default();
    let mut on_the_way: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    let captured_ns = |packet: u64| {
        let far = i128::from(packet * PACKET_NS);
        SECOND + (far - far * i128::from(ppm) / 1_000_000) as u64
    };
    let first_rtp = u32::MAX - 48_000; // wraps after a second
    let rtp_of = |packet: u64| first_rtp.wrapping_add((packet as u32).wrapping_mul(PACKET));
    let (mut fraction, mut steps) = (0.0, 0_u64);
    for packet in 0..seconds * 100 {
        // A packet is complete when its last sample is captured.
        let sent = captured_ns(packet + 1);
        if let Some(taken) = line(packet) {
            on_the_way.insert((sent + taken.as_nanos() as u64, packet), packet);
        }
        while let Some((&(at, _), &number)) = on_the_way.first_key_value().filter(|((at, _), _)| *at <= sent) {
            on_the_way.pop_first();
            while let Some(due) = buffer.due().filter(|due| due.as_nanos() < at) {
                let Some(step) = buffer.step(due) else { break };
                steps += 1;
                assert!((step.ratio - 1.0).abs() < 0.005_001);
                let samples = match step.sound {
                    Sound::Play(number) => {
                        heard.played += 1;
                        if steps.is_multiple_of(keep_every) {
                            heard.delays.push((due.as_nanos(), due.as_nanos() as i64 - captured_ns(number) as i64));
                            heard.ratios.push(step.ratio);
                        }
                        assert_eq!(step.rtp, rtp_of(number));
                        PACKET
                    }
                    Sound::Merge(first, second) => {
                        assert_eq!(second, first + 1);
                        heard.merged += 1;
                        PACKET
                    }
                    Sound::Recover { samples, .. } => {
                        heard.recovered += 1;
                        samples
                    }
                    Sound::Conceal { samples } => {
                        heard.concealed += 1;
                        samples
                    }
                };
                fraction += f64::from(samples) / step.ratio;
                buffer.played(fraction as usize);
                fraction = fraction.fract();
            }
            buffer.arrive(rtp_of(number), PACKET, number, Moment::from_nanos(at));
        }
    }
    heard
}

#[test]
fn on_a_clean_line_sound_is_played_as_it_comes() {
    let mut random = Random(1);
    let heard = run(60, 0, 1, |_| Some(ONE_MS + Duration::from_micros(random.below(2000))));
    // 10 ms are the packet itself.
    assert!(heard.worst_ms(0, 60) < 20.0, "{}", heard.worst_ms(0, 60));
    assert!(heard.worst_ms(5, 60) < 17.5, "{}", heard.worst_ms(5, 60));
    assert_eq!((heard.concealed, heard.recovered, heard.merged), (0, 0, 0));
}

#[test]
fn a_day_of_clock_drift_costs_no_delay() {
    const DAY: u64 = 24 * 3600;
    for ppm in [-200, 200] {
        let heard = run(DAY, ppm, 97, |_| Some(ONE_MS));
        let (begin, end) = (heard.mean_ms(60, 120), heard.mean_ms(DAY - 600, DAY - 10));
        assert!((end - begin).abs() <= 1.0, "{ppm} ppm: {begin} → {end} ms");
        assert!(heard.worst_ms(60, DAY) < 20.0, "{ppm} ppm: {} ms", heard.worst_ms(60, DAY));
        assert_eq!((heard.concealed, heard.merged), (0, 0), "{ppm} ppm");
        let last = &heard.ratios[heard.ratios.len() / 2..];
        let mean = last.iter().sum::<f64>() / last.len() as f64;
        assert!(((mean - 1.0) * 1e6 - ppm as f64).abs() < 10.0, "{ppm} ppm: ratio {mean}");
    }
}

#[test]
fn hours_of_drift_with_jitter_cost_at_most_ten_milliseconds() {
    const HOURS: u64 = 4 * 3600;
    for ppm in [-200, 200] {
        let mut random = Random(3);
        let heard = run(HOURS, ppm, 7, |_| Some(ONE_MS + Duration::from_micros(random.below(20_000))));
        let (begin, end) = (heard.mean_ms(60, 120), heard.mean_ms(HOURS - 600, HOURS - 10));
        assert!((end - begin).abs() <= 10.0, "{ppm} ppm: {begin} → {end} ms");
        assert!(heard.worst_ms(60, HOURS) < 60.0, "{}", heard.worst_ms(60, HOURS));
        let hidden = f64::from(heard.concealed + heard.merged) / f64::from(heard.played);
        assert!(hidden < 0.005, "{ppm} ppm: {} of {}", heard.concealed + heard.merged, heard.played);
    }
}

#[test]
fn jitter_is_waited_for_and_forgotten_within_twenty_seconds() {
    let mut random = Random(5);
    let heard = run(100, 0, 1, |packet| {
        let rough = (3000..6000).contains(&packet);
        Some(ONE_MS + Duration::from_micros(if rough { random.below(100_000) } else { 0 }))
    });
    assert!(heard.worst_ms(0, 29) < 20.0);
    assert!(heard.worst_ms(40, 60) > 80.0 && heard.worst_ms(40, 60) < 180.0, "{}", heard.worst_ms(40, 60));
    assert!(heard.worst_ms(80, 100) < 25.0, "{}", heard.worst_ms(80, 100));
}

#[test]
fn bursts_of_three_hundred_milliseconds_leave_most_of_the_sound_whole() {
    // Every two seconds the line stands still for 300 ms, then gives everything at once.
    let heard = run(120, 0, 1, |packet| {
        let within = packet % 200;
        Some(if within < 30 { Duration::from_millis(301 - within * 10) } else { ONE_MS })
    });
    let steps = heard.played + heard.merged + heard.concealed + heard.recovered;
    assert!(heard.concealed * 20 < steps, "{} of {steps}", heard.concealed);
    assert!(heard.worst_ms(0, 120) < 420.0, "{}", heard.worst_ms(0, 120));
}

#[test]
fn one_spike_is_over_soon() {
    let heard = run(60, 0, 1, |packet| {
        Some(if (2000..2015).contains(&packet) { Duration::from_millis(151 - (packet - 2000) * 10) } else { ONE_MS })
    });
    assert!(heard.concealed <= 16, "{}", heard.concealed);
    assert!(heard.worst_ms(40, 60) < 25.0, "{}", heard.worst_ms(40, 60));
}

/// Seen after a pulled cable: a second of packets had waited for the neighbour's address.
#[test]
fn what_waited_through_a_cut_is_not_played_a_second_late() {
    for waited in [60, 99, 100, 101, 110] {
        let heard = run(60, 0, 1, |packet| match packet {
            1000..1500 if packet < 1500 - waited => None,
            1000..1500 => Some(Duration::from_millis((1500 - packet) * 10 + 1)),
            _ => Some(ONE_MS),
        });
        assert!(heard.worst_ms(17, 60) < 600.0, "{waited}: {}", heard.worst_ms(17, 60));
        assert!(heard.worst_ms(45, 60) < 30.0, "{waited}: {}", heard.worst_ms(45, 60));
        assert!(heard.played > 5_200, "{waited}: {} played, {} concealed", heard.played, heard.concealed);
    }
}

#[test]
fn lost_packets_are_recovered_from_their_followers_once_loss_is_usual() {
    let mut random = Random(9);
    let heard = run(60, 0, 1, |_| (random.below(10) > 0).then_some(ONE_MS));
    assert!(heard.recovered > 350, "recovered {} concealed {}", heard.recovered, heard.concealed);
    assert!(heard.concealed < 250, "recovered {} concealed {}", heard.recovered, heard.concealed);
    assert!(heard.worst_ms(0, 60) < 45.0, "{}", heard.worst_ms(0, 60));
}

#[test]
fn reordering_is_waited_for() {
    let heard = run(60, 0, 1, |packet| Some(if packet.is_multiple_of(7) { Duration::from_millis(16) } else { ONE_MS }));
    assert!(heard.concealed + heard.recovered < 20, "{} {}", heard.concealed, heard.recovered);
    assert!(heard.worst_ms(10, 60) < 40.0, "{}", heard.worst_ms(10, 60));
}

#[test]
fn a_closed_microphone_ends_play_and_an_opened_one_begins_it_at_once() {
    let at = |ms: u64| Moment::from_nanos((10_000 + ms) * 1_000_000);
    let mut buffer = VoiceBuffer::<()>::default();
    assert!(buffer.arrive(1000, PACKET, (), at(0)));
    let mut steps = 0;
    while let Some(due) = buffer.due() {
        if buffer.step(due).is_some() {
            buffer.played(480);
        }
        steps += 1;
        assert!(steps < 30);
    }
    assert!(buffer.arrive(50, PACKET, (), at(60_000)), "RTP time may begin anywhere");
    assert!(buffer.due().expect("begins").since(at(60_000)) < Duration::from_millis(20));
}

#[test]
fn a_stalled_box_goes_on_from_now_and_its_buffer_is_bounded() {
    let mut buffer = VoiceBuffer::<u64>::default();
    let at = |packet: u64| Moment::from_nanos(SECOND + packet * PACKET_NS);
    for packet in 0..400 {
        buffer.arrive(packet as u32 * PACKET, PACKET, packet, at(packet));
    }
    let mut steps = 0;
    // At most a second was kept, and what is too old of it is not played.
    while steps == 0 || buffer.relative_delay().expect("plays") > Duration::from_millis(20) {
        let now = at(400 + steps);
        buffer.arrive((400 + steps) as u32 * PACKET, PACKET, 0, now);
        buffer.step(now).expect("there is sound");
        buffer.played(480);
        steps += 1;
        assert!(steps < 10, "{:?}", buffer.relative_delay());
    }
}

#[test]
fn sound_waits_for_a_slow_picture() {
    let at = |packet: u64| Moment::from_nanos(SECOND + packet * PACKET_NS);
    let mut buffer = VoiceBuffer::<()>::default();
    for packet in 0..2000 {
        buffer.arrive(packet as u32 * PACKET, PACKET, (), at(packet));
        buffer.keep_behind(Duration::from_millis(60));
        while let Some(due) = buffer.due().filter(|due| *due < at(packet + 1)) {
            let step = buffer.step(due).expect("there is sound");
            buffer.played((f64::from(PACKET) / step.ratio) as usize);
        }
    }
    let delay = buffer.relative_delay().expect("plays");
    assert!(delay.abs_diff(Duration::from_millis(60)) < Duration::from_millis(5), "{delay:?}");
}
