//! The line between the boxes, one [`Way`] per direction, and where each box stands on the network.

use super::{MS, Mail, World};
use engawa::core::input::Input;
use engawa::model::Network;
use std::net::{IpAddr, Ipv4Addr};

/// One direction of the line.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    pub up: bool,
    /// Share of packets lost, 0 … 1.
    pub drop: f64,
    pub latency: u64,
    pub jitter: u64,
    /// A firewall lets connections be opened this way.
    pub lets_dial: bool,
    /// TCP passes.
    pub carries_trunk: bool,
    /// UDP passes.
    pub carries_media: bool,
}

impl Way {
    pub fn new(latency: u64, jitter: u64) -> Self {
        Self { up: true, drop: 0.0, latency, jitter, lets_dial: true, carries_trunk: true, carries_media: true }
    }
}

/// Where the installer put box `who`.
pub fn configured_address(who: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1 + u8::try_from(who).expect("two boxes")))
}

impl World {
    /// Cuts or mends both directions.
    pub fn line(&mut self, up: bool) {
        self.ways.iter_mut().for_each(|way| way.up = up);
    }

    /// The box gets another address, or none.
    pub fn move_to(&mut self, who: usize, address: Option<IpAddr>) {
        self.kiosks[who].address = address;
        self.tell_network(who);
    }

    /// The box's cable is pulled or put back.
    pub fn carrier(&mut self, who: usize, present: bool) {
        self.kiosks[who].carrier = present;
        self.tell_network(who);
    }

    pub(super) fn tell_network(&mut self, who: usize) {
        let kiosk = &self.kiosks[who];
        let network = Network { carrier: kiosk.carrier, addresses: kiosk.address.into_iter().collect() };
        let after = self.chance.between(1, 20) * MS;
        self.plan_mail(after, who, Mail::Urgent(Input::NetworkChanged(network)));
    }

    /// A packet from box `from` at address `own` would reach a machine at `peer`.
    pub(super) fn reaches(&self, from: usize, own: IpAddr, peer: IpAddr) -> bool {
        let (near, far) = (&self.kiosks[from], &self.kiosks[1 - from]);
        self.ways[from].up
            && near.carrier
            && far.carrier
            && far.powered
            && near.address == Some(own)
            && far.address == Some(peer)
    }

    /// How long a packet takes; `None` if it is lost.
    pub(super) fn travel(&mut self, from: usize) -> Option<u64> {
        let way = self.ways[from];
        (!self.chance.holds(way.drop)).then(|| way.latency + self.chance.between(0, way.jitter))
    }
}
