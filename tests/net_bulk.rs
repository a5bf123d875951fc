//! A document on a narrow line: the link beside it never looks lost, and no more leaves than the pace allows.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may panic at anything else")]
#![allow(clippy::print_stdout, reason = "figures")]

mod support;
mod trunk_support;

use engawa::core::input::Input;
use engawa::core::signal::{Heartbeat, Signal};
use engawa::documents::name_of;
use engawa::inbox::Mail;
use engawa::model::{Bitrate, Moment, Side, TrunkId};
use std::net::SocketAddr;
use std::sync::Barrier;
use std::time::Duration;
use support::lab::{self, Lab, Middle};
use tokio::time::{Instant, interval, timeout_at};
use trunk_support::{End, WITHIN, identities};

/// 5 MB on 200 kbit/s would take minutes: long enough of it to see what a whole one does.
const WATCHED: Duration = Duration::from_secs(12);
const LENGTH: usize = 5_000_000;

#[test]
fn five_megabytes_at_three_quarters_of_200_kbit_per_second_delay_no_heartbeat() {
    let Some(seen) = watch(200, Bitrate::from_kbps(150)) else { return };
    let goodput = seen.had as f64 * 8.0 / WATCHED.as_secs_f64();
    assert!((110_000.0..150_000.0).contains(&goodput), "{goodput} bit/s of the document");
    // The heartbeats and pings of one box are some 12 kbit/s beside it.
    assert!(seen.on_the_line < 1.1 * 150_000.0 + 15_000.0, "{} bit/s on the line", seen.on_the_line);
    assert!(seen.slowest < Duration::from_millis(400), "a heartbeat took {:?}", seen.slowest);
}

#[test]
fn a_pace_far_beyond_the_line_fills_it_and_the_link_does_not_look_lost() {
    let Some(seen) = watch(200, Bitrate::from_kbps(5_000)) else { return };
    assert!(seen.had * 8 > 150_000 * WATCHED.as_secs(), "{} bytes came", seen.had);
    // The core drops a trunk that is silent for 1.5 s.
    assert!(seen.longest_silence < Duration::from_millis(1400), "{:?} without a heartbeat", seen.longest_silence);
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// The slowest heartbeat of both directions.
    slowest: Duration,
    /// The longest time without one.
    longest_silence: Duration,
    /// Bytes of the document.
    had: u64,
    /// What left the giving box, bit/s of IP packets.
    on_the_line: f64,
}

/// One box gives, the other takes, both say heartbeats as boxes do.
fn watch(line_kbit: u32, pace: Bitrate) -> Option<Seen> {
    let lab = Lab::new(Middle::Switch)?;
    lab.rate(line_kbit);
    let (giver, taker) = identities();
    let address: SocketAddr = (lab.v4(lab::End::B), 40_000).into();
    let (began, ready) = (Instant::now(), Barrier::new(2));
    let (taken, given) = std::thread::scope(|scope| {
        let given = scope.spawn(|| {
            lab.inside(lab::End::B, || {
                runtime().block_on(async {
                    let end = End::start_at(&giver, taker.public_key(), None, Some(address)).await;
                    let document = end.documents.add(text()).unwrap();
                    end.documents.serve([document]);
                    end.trunk.pace(pace);
                    ready.wait();
                    let trunk = end.opened(Side::Far).await;
                    let before = sent(&lab);
                    let seen = live(&end, trunk, began).await;
                    Seen { on_the_line: (sent(&lab) - before) * 8.0 / WATCHED.as_secs_f64(), ..seen }
                })
            })
        });
        let taken = lab.inside(lab::End::A, || {
            runtime().block_on(async {
                let end = End::start_at(&taker, giver.public_key(), Some(address), None).await;
                let document = name_of(&text());
                end.documents.expect(document, LENGTH as u64).unwrap();
                end.trunk.want(&[document]);
                ready.wait();
                end.trunk.dial(None, WITHIN);
                let trunk = end.opened(Side::Near).await;
                let seen = live(&end, trunk, began).await;
                Seen { had: end.documents.progress(document).unwrap().0, ..seen }
            })
        });
        (taken, given.join().unwrap())
    });
    let seen = Seen {
        slowest: taken.slowest.max(given.slowest),
        longest_silence: taken.longest_silence.max(given.longest_silence),
        had: taken.had,
        on_the_line: given.on_the_line,
    };
    println!("line {line_kbit} kbit/s, pace {pace:?}: {seen:?}; there {:?}, back {:?}", taken.slowest, given.slowest);
    Some(seen)
}

/// Says heartbeats and hears the other's; anything that says that a connection is gone is a failed test.
async fn live(end: &End, trunk: TrunkId, began: Instant) -> Seen {
    let until = Instant::now() + WATCHED;
    let (mut seen, mut heard_at) = (Seen::default(), Instant::now());
    let mut beat = interval(BEAT);
    loop {
        tokio::select! {
            _ = beat.tick() => {
                let sent_at = Moment::from_nanos(u64::try_from(began.elapsed().as_nanos()).unwrap());
                end.trunk.send(trunk, Signal::Heartbeat(Box::new(Heartbeat { sent_at, ..Heartbeat::default() })));
            }
            mail = timeout_at(until, end.inbox.next()) => match mail {
                Err(_) => return seen,
                Ok(Mail::Urgent(Input::Heard { signal: Signal::Heartbeat(heartbeat), .. })) => {
                    let sent_at = Duration::from_nanos(heartbeat.sent_at.as_nanos());
                    seen.slowest = seen.slowest.max(began.elapsed().saturating_sub(sent_at));
                    seen.longest_silence = seen.longest_silence.max(heard_at.elapsed());
                    heard_at = Instant::now();
                }
                Ok(Mail::Urgent(Input::BulkChanged { up: true, .. })) => {}
                // The other end was watched first.
                Ok(Mail::Urgent(Input::BulkChanged { .. } | Input::TrunkClosed { .. }))
                    if until - Instant::now() < Duration::from_secs(1) => {}
                Ok(mail) => panic!("{mail:?}"),
            }
        }
    }
}

/// Bytes of IP packets that left the giving box.
fn sent(lab: &Lab) -> f64 {
    let table = lab.ns_exec(lab::End::B, "cat /proc/net/dev");
    let line = table.lines().find_map(|line| line.trim().strip_prefix("eth0:")).unwrap();
    let columns: Vec<f64> = line.split_whitespace().map(|column| column.parse().unwrap()).collect();
    const ETHERNET: f64 = 14.0;
    columns[8] - ETHERNET * columns[9]
}

fn text() -> Vec<u8> {
    (0..LENGTH).map(|at| (at * 31 + (at >> 9)) as u8).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// As boxes do.
const BEAT: Duration = Duration::from_millis(250);
