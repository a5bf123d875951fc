//! The trunk adapter and TCP below it: order per connection, retransmission, half-open ends, closures late or never.

use super::{Event, MS, Mail, World, configured_address};
use engawa::core::input::{DialFault, Input};
use engawa::core::signal::{Hello, Signal};
use engawa::model::{Side, TrunkId, VideoCodec};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// One TCP connection with TLS on it.
pub struct Conn {
    dialled_by: usize,
    ends: [End; 2],
    /// `queues[n]` is what box `n` still has to get across.
    queues: [VecDeque<Segment>; 2],
    /// A retransmission is planned.
    waiting: [bool; 2],
    retries: [u32; 2],
    /// Nothing sent by box `n` arrives before this: order.
    arrived: [u64; 2],
}

struct End {
    trunk: TrunkId,
    life: u32,
    address: IpAddr,
    /// The socket exists.
    open: bool,
    /// The adapter reported it as open.
    reported: bool,
    /// The core took that report, and has not heard or decided otherwise since.
    known: bool,
    hello: Hello,
}

#[derive(Clone, Debug)]
pub enum Segment {
    Said(Box<Signal>),
    Closed,
}

/// A dial whose SYN got through: TLS and hellos are exchanged.
#[derive(Clone, Debug)]
pub struct Greeting {
    who: usize,
    lives: [u32; 2],
    addresses: [IpAddr; 2],
    deadline: u64,
}

impl World {
    /// Connections that still have an open end.
    pub fn open_conns(&self) -> usize {
        let lives = [0, 1].map(|who| self.kiosks[who].life);
        let open = |conn: &&Conn| conn.ends.iter().zip(lives).any(|(end, life)| end.open && end.life == life);
        self.conns.iter().filter(open).count()
    }

    /// A device on the path kills every connection; each side hears of it sooner or later.
    pub fn reset_conns(&mut self) {
        for conn in 0..self.conns.len() {
            for side in [0, 1] {
                if self.conns[conn].ends[side].open {
                    let after = self.chance.between(1, 300) * MS;
                    self.plan(after, Event::Arrive { conn, to: side, segment: Segment::Closed });
                }
            }
        }
    }

    /// A trunk of this box that is no more, for stale news.
    pub fn old_trunk(&self, who: usize) -> Option<TrunkId> {
        let life = self.kiosks[who].life;
        let ends = self.conns.iter().map(|conn| &conn.ends[who]);
        ends.filter(|end| end.life == life && !end.known && !end.open).map(|end| end.trunk).next()
    }

    /// A trunk of this box that its core speaks on.
    pub fn living_trunk(&self, who: usize) -> Option<TrunkId> {
        let ends = self.conns.iter().map(|conn| &conn.ends[who]);
        ends.filter(|end| end.known && end.open).map(|end| end.trunk).next()
    }

    pub(super) fn dial(&mut self, who: usize, address: Option<SocketAddr>, within: Duration) {
        if std::mem::replace(&mut self.kiosks[who].dialling, true) {
            self.fault(&format!("box {who} dials twice at a time"));
        }
        let far = 1 - who;
        let within = u64::try_from(within.as_nanos()).expect("a dial's deadline is short");
        let life = self.kiosks[who].life;
        let target = address.map_or(configured_address(far), |address| address.ip());
        let Some(own) = self.kiosks[who].address.filter(|_| self.kiosks[who].carrier) else {
            self.plan(2 * MS, Event::DialAnswered { who, life, fault: DialFault::Unreachable });
            return;
        };
        let there = self.reaches(who, own, target) && self.ways[who].lets_dial && self.ways[who].carries_trunk;
        let back = self.reaches(far, target, own) && self.ways[far].carries_trunk;
        let trip = self.travel(who).zip(self.travel(far)).map(|(there, back)| there + back);
        match trip.filter(|trip| there && back && *trip <= within) {
            None => self.plan(within, Event::DialAnswered { who, life, fault: DialFault::TimedOut }),
            Some(trip) if self.kiosks[far].core.is_none() || !self.kiosks[far].listening => {
                self.plan(trip, Event::DialAnswered { who, life, fault: DialFault::Refused });
            }
            Some(trip) => {
                let tls = 2 * trip + self.chance.between(3, 15) * MS;
                let mut lives = [life; 2];
                lives[far] = self.kiosks[far].life;
                let mut addresses = [own; 2];
                addresses[far] = target;
                let deadline = self.now + 3 * within;
                self.plan(trip + tls, Event::Greeting(Greeting { who, lives, addresses, deadline }));
            }
        }
    }

    pub(super) fn dial_answered(&mut self, who: usize, life: u32, fault: DialFault) {
        if self.kiosks[who].life == life {
            self.kiosks[who].dialling = false;
            self.deliver(who, Mail::Urgent(Input::DialFailed { fault }));
        }
    }

    /// The listener knows the connection first; the dialler a trip later, or never.
    pub(super) fn greet(&mut self, greeting: Greeting) {
        let Greeting { who, lives, addresses, deadline } = greeting;
        if self.kiosks[who].life != lives[who] {
            return;
        }
        let far = 1 - who;
        let paths = [0, 1]
            .into_iter()
            .all(|from| self.reaches(from, addresses[from], addresses[1 - from]) && self.ways[from].carries_trunk);
        let alive = self.kiosks[far].life == lives[far] && !self.kiosks[far].frozen;
        let left = deadline.saturating_sub(self.now);
        if !paths || !alive || left == 0 {
            self.plan(left, Event::DialAnswered { who, life: lives[who], fault: DialFault::TimedOut });
            return;
        }
        let ends = [0, 1].map(|side| self.new_end(side, addresses[side]));
        self.conns.push(Conn {
            dialled_by: who,
            ends,
            queues: [VecDeque::new(), VecDeque::new()],
            waiting: [false; 2],
            retries: [0; 2],
            arrived: [self.now; 2],
        });
        let conn = self.conns.len() - 1;
        // A hello that is lost is repeated by TCP after 200 ms.
        let after = match self.travel(far) {
            Some(trip) => trip,
            None => 200 * MS + self.ways[far].latency,
        };
        // Nothing that the listener says at once overtakes its hello.
        self.conns[conn].arrived[far] = self.now + after;
        if after <= left {
            self.plan(after, Event::TrunkReady { conn, side: who });
        }
        self.trunk_ready(conn, far);
        if after > left {
            self.plan(left, Event::DialAnswered { who, life: lives[who], fault: DialFault::TimedOut });
            self.close_end(conn, who);
        }
    }

    pub(super) fn trunk_ready(&mut self, conn: usize, side: usize) {
        let Conn { ends, dialled_by, .. } = &mut self.conns[conn];
        let (near, far) = (side, 1 - side);
        let dialled_here = *dialled_by == side;
        if !ends[near].open || ends[near].life != self.kiosks[near].life {
            return;
        }
        ends[near].reported = true;
        let (trunk, hello) = (ends[near].trunk, ends[far].hello.clone());
        let dialled_by = if dialled_here { Side::Near } else { Side::Far };
        let port = |dialled: bool| if dialled { 40_000 } else { 7000 };
        let peer = SocketAddr::new(ends[far].address, port(!dialled_here));
        let own = SocketAddr::new(ends[near].address, port(dialled_here));
        if dialled_here {
            self.kiosks[near].dialling = false;
        }
        self.plan_mail(5 * MS, side, Mail::Urgent(Input::BulkChanged { trunk, up: true }));
        self.deliver(side, Mail::Urgent(Input::TrunkOpened { trunk, dialled_by, peer, own, hello }));
    }

    /// What the core takes out of its inbox is what it knows.
    pub(super) fn trunk_news(&mut self, who: usize, mail: &Mail) {
        let (trunk, now_known) = match mail {
            Mail::Urgent(Input::TrunkOpened { trunk, .. }) => (*trunk, true),
            Mail::Urgent(Input::TrunkClosed { trunk }) => (*trunk, false),
            Mail::Urgent(_) | Mail::News(_) => return,
        };
        let life = self.kiosks[who].life;
        for conn in &mut self.conns {
            let end = &mut conn.ends[who];
            if end.trunk == trunk && end.life == life {
                end.known = now_known;
            }
        }
    }

    pub(super) fn send(&mut self, who: usize, trunk: TrunkId, signal: Signal) {
        let Some(conn) = self.known_conn(who, trunk) else {
            self.fault(&format!("box {who} speaks on a connection that is closed: {signal:?}"));
        };
        if self.conns[conn].ends[who].open {
            self.conns[conn].queues[who].push_back(Segment::Said(Box::new(signal)));
            self.pump(conn, who);
        }
    }

    pub(super) fn close_trunk(&mut self, who: usize, trunk: TrunkId) {
        let Some(conn) = self.known_conn(who, trunk) else {
            self.fault(&format!("box {who} closes a connection that is closed"));
        };
        self.conns[conn].ends[who].known = false;
        self.plan_mail(MS, who, Mail::Urgent(Input::TrunkClosed { trunk }));
        self.close_end(conn, who);
    }

    /// Half of the time what was not yet sent is lost with the connection.
    fn close_end(&mut self, conn: usize, side: usize) {
        if self.chance.holds(0.5) {
            self.conns[conn].queues[side].clear();
        }
        if std::mem::take(&mut self.conns[conn].ends[side].open) {
            self.conns[conn].queues[side].push_back(Segment::Closed);
            self.pump(conn, side);
        }
    }

    /// A killed process: the kernel says so once, if anybody can hear it.
    pub(super) fn end_sockets(&mut self, who: usize) {
        for conn in self.conns_of(who) {
            self.conns[conn].ends[who].open = false;
            self.conns[conn].queues[who].clear();
            self.refuse(conn, who);
        }
    }

    /// A daemon that leaves in good order: what was said goes first.
    pub(super) fn hang_up(&mut self, who: usize) {
        for conn in self.conns_of(who) {
            self.conns[conn].ends[who].open = false;
            self.conns[conn].queues[who].push_back(Segment::Closed);
            self.pump(conn, who);
        }
    }

    pub(super) fn pump_again(&mut self, conn: usize, from: usize) {
        self.conns[conn].waiting[from] = false;
        self.pump(conn, from);
    }

    pub(super) fn arrive(&mut self, conn: usize, to: usize, segment: Segment) {
        let end = &mut self.conns[conn].ends[to];
        if !end.open || end.life != self.kiosks[to].life {
            end.open = false;
            self.refuse(conn, to);
            return;
        }
        let trunk = end.trunk;
        match segment {
            Segment::Said(signal) => self.deliver(to, Mail::Urgent(Input::Heard { trunk, signal: *signal })),
            Segment::Closed => {
                end.open = false;
                // A dial that is not yet answered ends with its own deadline.
                if end.reported {
                    self.deliver(to, Mail::Urgent(Input::TrunkClosed { trunk }));
                } else if self.conns[conn].dialled_by == to && self.kiosks[to].dialling {
                    let life = self.kiosks[to].life;
                    self.plan(MS, Event::DialAnswered { who: to, life, fault: DialFault::NotEngawa });
                }
            }
        }
    }

    /// TCP's RST, sent once.
    fn refuse(&mut self, conn: usize, from: usize) {
        let ends = &self.conns[conn].ends;
        let reachable = self.reaches(from, ends[from].address, ends[1 - from].address) && self.kiosks[from].powered;
        let passes = reachable && ends[1 - from].open && self.ways[from].carries_trunk;
        if let Some(trip) = self.travel(from).filter(|_| passes) {
            let at = (self.now + trip).max(self.conns[conn].arrived[from]);
            self.plan(at - self.now, Event::Arrive { conn, to: 1 - from, segment: Segment::Closed });
        }
    }

    fn pump(&mut self, conn: usize, from: usize) {
        if self.conns[conn].waiting[from] {
            return;
        }
        let to = 1 - from;
        let addresses = [0, 1].map(|side| self.conns[conn].ends[side].address);
        let usable = self.reaches(from, addresses[from], addresses[to]) && self.ways[from].carries_trunk;
        while !self.conns[conn].queues[from].is_empty() {
            let Some(trip) = self.travel(from).filter(|_| usable) else {
                let retries = &mut self.conns[conn].retries[from];
                *retries += 1;
                if *retries > 9 {
                    self.conns[conn].queues[from].clear();
                    return;
                }
                let pause = (200 * MS) << (*retries - 1);
                self.conns[conn].waiting[from] = true;
                self.plan(pause, Event::Pump { conn, from });
                return;
            };
            let at = (self.now + trip).max(self.conns[conn].arrived[from]);
            self.conns[conn].arrived[from] = at;
            self.conns[conn].retries[from] = 0;
            if let Some(segment) = self.conns[conn].queues[from].pop_front() {
                self.plan(at - self.now, Event::Arrive { conn, to, segment });
            }
        }
    }

    fn new_end(&mut self, who: usize, address: IpAddr) -> End {
        let kiosk = &mut self.kiosks[who];
        kiosk.trunks_made += 1;
        let hello = Hello {
            boot: kiosk.boot,
            name: format!("room {who}"),
            version: "0.1.0".to_owned(),
            codecs: vec![VideoCodec::H264, VideoCodec::Vp8],
            session_port: 7002,
        };
        let trunk = TrunkId(kiosk.trunks_made);
        End { trunk, life: kiosk.life, address, open: true, reported: false, known: false, hello }
    }

    fn known_conn(&self, who: usize, trunk: TrunkId) -> Option<usize> {
        let life = self.kiosks[who].life;
        self.conns.iter().rposition(|conn| {
            let end = &conn.ends[who];
            end.trunk == trunk && end.life == life && end.known
        })
    }

    fn conns_of(&self, who: usize) -> Vec<usize> {
        let life = self.kiosks[who].life;
        let open = |conn: &usize| self.conns[*conn].ends[who].open && self.conns[*conn].ends[who].life == life;
        (0..self.conns.len()).filter(open).collect()
    }
}
