//! Plain UDP through the lab: counted, stamped, flooded.

use super::lab::{End, Lab};
use super::{pause, wait_for};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

/// A UDP way from one end to the other; packets carry a number and the moment of sending.
pub struct Wire {
    near: UdpSocket,
    far: UdpSocket,
    pub target: SocketAddr,
    start: Instant,
}

impl Wire {
    pub fn new(lab: &Lab, from: End, family: Family) -> Self {
        let [near, far] = [from, from.other()].map(|end| {
            let address = lab.addresses(end)[family as usize];
            lab.inside(end, || UdpSocket::bind((address, 0)).unwrap())
        });
        let target = far.local_addr().unwrap();
        Self { near, far, target, start: Instant::now() }
    }

    pub fn source(&self) -> SocketAddr {
        self.near.local_addr().unwrap()
    }

    pub fn send(&self, number: u64) {
        let stamp = u64::try_from(self.start.elapsed().as_nanos()).unwrap();
        let packet = [number.to_be_bytes(), stamp.to_be_bytes()].concat();
        self.near.send_to(&packet, self.target).expect("sending never fails on a lossy line");
    }

    /// Payload and how long it took.
    pub fn receive(&self, limit: Duration) -> Option<(Vec<u8>, Duration)> {
        let mut buffer = [0; 2048];
        self.far.set_read_timeout(Some(limit)).unwrap();
        let size = self.far.recv(&mut buffer).ok()?;
        let stamp = Duration::from_nanos(number(&buffer[8..size]));
        Some((buffer[..size].to_vec(), self.start.elapsed().saturating_sub(stamp)))
    }

    /// Whether one of the packets sent from now on arrives in time; what was under way before does not count.
    pub fn passes(&self, limit: Duration) -> bool {
        while self.receive(Duration::from_millis(1)).is_some() {}
        wait_for(limit, || {
            self.send(0);
            self.receive(Duration::from_millis(10))
        })
        .is_some()
    }

    pub fn send_and_count(&self, count: u64) -> usize {
        self.send_and_collect(count).len()
    }

    /// Number and delay of everything that arrived, in order of arrival.
    pub fn send_and_collect(&self, count: u64) -> Vec<(u64, Duration)> {
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let quiet = Duration::from_millis(400);
                let arrivals = std::iter::from_fn(|| self.receive(quiet));
                arrivals.map(|(payload, delay)| (number(&payload), delay)).collect()
            });
            for number in 0..count {
                self.send(number);
                pause(Duration::from_micros(300));
            }
            reader.join().unwrap()
        })
    }
}

/// Kilobits per second of IP that arrive when more is sent.
pub fn flood(lab: &Lab, from: End, time: Duration) -> f64 {
    let wire = Wire::new(lab, from, Family::V4);
    let started = Instant::now();
    let mut arrived = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while started.elapsed() < time {
                for _ in 0..4 {
                    wire.near.send_to(&[0; 1172], wire.target).ok();
                }
                pause(Duration::from_millis(1));
            }
        });
        while started.elapsed() < time {
            if wire.receive(Duration::from_millis(20)).is_some() {
                arrived += 1200 * 8;
            }
        }
    });
    f64::from(arrived) / 1000.0 / started.elapsed().as_secs_f64()
}

pub fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes[..8].try_into().unwrap())
}
