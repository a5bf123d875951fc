//! A panel for a real daemon, and a guest of that room at it.

#![allow(clippy::unwrap_used, reason = "test support: a failure is a failed test")]

use crate::panel_support::browser::Browser;
use crate::support::boxes::Pair;
use crate::support::lab::End;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Before the box starts.
pub fn give_a_panel(pair: &Pair<'_>, end: End) -> SocketAddr {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    for (key, value) in [("listen", free.to_string()), ("room", "127.0.0.0/8".into())] {
        pair.configure(end, "panel", key, &format!("\"{value}\""));
    }
    free
}

/// One that typed the room code.
pub async fn guest(pair: &Pair<'_>, end: End, panel: SocketAddr) -> Browser {
    let certificate = std::fs::read(pair.state_directory(end).join("panel-certificate.pem")).unwrap();
    let mut browser = Browser::at(panel, CertificateDer::from_pem_slice(&certificate).unwrap());
    let code: String = pair.engawa(end, &["room-code"], &[]).chars().filter(char::is_ascii_digit).collect();
    let answer = browser.post("/api/enter", &json!({"code": code, "name": "PC"})).await;
    assert_eq!(answer.json()["answer"], "accepted", "{answer:?}");
    browser
}
