//! What the kernel says about a box's place on the network: told when it changes, and only then.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use engawa::core::input::Input;
use engawa::inbox::{Inbox, Mail};
use engawa::model::Network;
use engawa::system::network;
use std::net::IpAddr;
use std::time::Duration;
use support::lab::{Carrier, End, Lab, Middle};
use support::wait_for;

#[test]
fn a_cable_pulled_and_put_back_and_a_new_address_are_told() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let inbox = Inbox::default();
    lab.inside(End::A, || network::watch(inbox.clone())).unwrap();
    let addresses = || lab.addresses(End::A).to_vec();
    await_told(&inbox, true, &addresses());
    lab.carrier(End::A, Carrier::Down);
    await_told(&inbox, false, &addresses());
    lab.carrier(End::A, Carrier::Up);
    await_told(&inbox, true, &addresses());
    lab.flush_address(End::A);
    await_told(&inbox, true, &[]);
    lab.change_address(End::A, 9);
    await_told(&inbox, true, &addresses());
    assert_eq!(inbox.take(), None, "nothing is told twice");
}

/// A change may be seen in steps; the last one must come well before the kernel is looked at unasked, after 10 s.
fn await_told(inbox: &Inbox, carrier: bool, addresses: &[IpAddr]) {
    let wanted = Network { carrier, addresses: addresses.to_vec() };
    let mut told = None;
    let reached = wait_for(Duration::from_secs(5), || {
        match inbox.take() {
            Some(Mail::Urgent(Input::NetworkChanged(network))) => told = Some(network),
            Some(other) => panic!("{other:?}"),
            None => {}
        }
        (told.as_ref() == Some(&wanted)).then_some(())
    });
    assert!(reached.is_some(), "wanted {wanted:?}, told {told:?}");
}
