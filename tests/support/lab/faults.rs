//! What goes wrong on a line, made where a real network makes it: cuts, losses, rates, pulled cables, moved addresses.

use super::super::namespace::{nft, operstate, run, try_run};
use super::super::wait_for;
use super::{CABLE, Carrier, End, EndState, Lab, Middle, SETUP_LIMIT, port};

impl Lab {
    /// Drops every packet in both directions; address resolution goes on, as with a cut far away.
    pub fn cut(&self) {
        self.change_both(|state| state.cut = true);
    }

    /// Drops what comes in at this end only.
    pub fn cut_into(&self, end: End) {
        self.change(end, |state| state.cut = true);
    }

    /// Ends every cut.
    pub fn heal(&self) {
        self.change_both(|state| state.cut = false);
    }

    /// Loses packets at random, independently in both directions. Percent, one decimal counts.
    pub fn loss(&self, percent: f64) {
        let permille = (percent * 10.0).round() as u32;
        self.change_both(|state| state.loss_permille = permille);
    }

    /// Only this end may open TCP connections to the other; everything else passes.
    pub fn only_opens(&self, opener: End) {
        self.change(opener, |state| state.refuses_tcp = true);
    }

    /// Limits both directions to so many kilobits per second (token bucket, at most 100 ms of queue).
    pub fn rate(&self, kbit: u32) {
        let burst = (kbit * 1000 / 8 / 100).max(3200);
        for (namespace, device) in self.shaped() {
            run(&format!(
                "tc -n {namespace} qdisc replace dev {device} root tbf rate {kbit}kbit burst {burst} latency 100ms"
            ));
        }
    }

    /// Ends the limit.
    pub fn full_rate(&self) {
        for (namespace, device) in self.shaped() {
            try_run(&format!("tc -n {namespace} qdisc del dev {device} root")).ok();
        }
    }

    /// Pulls or plugs the end's cable: the end sees its carrier go and keeps its addresses.
    pub fn carrier(&self, end: End, carrier: Carrier) {
        let word = match carrier {
            Carrier::Down => "down",
            Carrier::Up => "up",
        };
        let (m, port) = (self.middle_namespace(), port(end));
        run(&format!("ip -n {m} link set {port} {word}"));
        match (carrier, self.middle) {
            // A router's port that went down lost its IPv6 address and routes.
            (Carrier::Up, Middle::Router) => self.address_middle(end),
            (Carrier::Up, Middle::Switch) | (Carrier::Down, _) => {}
        }
        let wanted = match carrier {
            Carrier::Down => "DOWN",
            Carrier::Up => "UP",
        };
        let namespace = self.namespace(end);
        let reached = wait_for(SETUP_LIMIT, || (operstate(&namespace, CABLE) == wanted).then_some(()));
        reached.unwrap_or_else(|| panic!("{namespace}: operstate is not {wanted}"));
    }

    /// Takes the end's addresses and routes away; the link-local address stays.
    pub fn flush_address(&self, end: End) {
        let n = self.namespace(end);
        run(&format!("ip -n {n} addr flush dev {CABLE} scope global"));
    }

    /// Gives them back.
    pub fn restore_address(&self, end: End) {
        self.address(end);
        self.wait_addresses(&self.namespace(end), CABLE);
    }

    /// Replaces the end's addresses by others of the same segment, as a new DHCP lease does. `host` 3 … 250.
    pub fn change_address(&self, end: End, host: u8) {
        self.flush_address(end);
        self.ends.lock().unwrap()[end as usize].host = u16::from(host);
        self.restore_address(end);
    }

    /// At both ends at once.
    fn change_both(&self, change: impl Fn(&mut EndState) + Sync) {
        std::thread::scope(|scope| {
            for end in End::BOTH {
                let change = &change;
                scope.spawn(move || self.change(end, change));
            }
        });
    }

    fn change(&self, end: End, change: impl FnOnce(&mut EndState)) {
        let state = {
            let mut ends = self.ends.lock().unwrap();
            change(&mut ends[end as usize]);
            ends[end as usize]
        };
        let mut rules = vec![format!("iifname != \"{CABLE}\" accept")];
        rules.push("icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept".into());
        if state.cut {
            rules.push("drop".into());
        }
        if state.refuses_tcp {
            rules.push("tcp flags & (syn|ack) == syn drop".into());
        }
        if state.loss_permille > 0 {
            rules.push(format!("numgen random mod 1000 < {} drop", state.loss_permille));
        }
        let table = format!(
            "table inet lab\ndelete table inet lab\ntable inet lab {{\nchain way_in {{\ntype filter hook prerouting \
             priority -300; policy accept;\n{}\n}}\n}}\n",
            rules.join("\n")
        );
        nft(&self.namespace(end), &table);
    }

    fn shaped(&self) -> [(String, &'static str); 2] {
        let m = self.middle_namespace();
        [(m.clone(), port(End::A)), (m, port(End::B))]
    }
}
