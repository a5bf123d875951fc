//! One try to reach the peer: TCP, TLS, hellos, each with its deadline; answered exactly once.

use super::Shared;
use super::connection::{self, Greeted};
use super::frame::FrameError;
use super::tls::{self, is_about_keys, tls_error};
use crate::core::input::{DialFault, Input};
use crate::model::Side;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::debug;

/// Dials, tells how it went, and then is that connection's life.
pub(super) async fn dial(shared: Arc<Shared>, address: Option<SocketAddr>, within: Duration) {
    match reach(&shared, address.or(shared.peer_address), within).await {
        Ok(greeted) => connection::live(shared, greeted, Side::Near, None).await,
        Err(fault) => {
            debug!(?fault, "dial failed");
            shared.inbox.urgent(Input::DialFailed { fault });
        }
    }
}

async fn reach(shared: &Shared, address: Option<SocketAddr>, within: Duration) -> Result<Greeted, DialFault> {
    let address = address.ok_or(DialFault::Unreachable)?;
    let tcp = match timeout(within, TcpStream::connect(address)).await {
        Ok(connected) => connected.map_err(|error| of_connect(&error))?,
        Err(_) => return Err(DialFault::TimedOut),
    };
    let greeting = async {
        let secured = tls::connect(&shared.control, tcp).await?;
        connection::greet(shared, secured).await
    };
    match timeout(2 * within, greeting).await {
        Ok(greeted) => greeted.map_err(|error| of_greeting(&error)),
        Err(_) => Err(DialFault::TimedOut),
    }
}

fn of_connect(error: &io::Error) -> DialFault {
    let refused = [io::ErrorKind::ConnectionRefused, io::ErrorKind::ConnectionReset];
    if refused.contains(&error.kind()) {
        DialFault::Refused
    } else if error.kind() == io::ErrorKind::TimedOut {
        DialFault::TimedOut
    } else {
        DialFault::Unreachable
    }
}

fn of_greeting(error: &FrameError) -> DialFault {
    debug!(%error, "no greeting");
    match error {
        FrameError::Message(_) => DialFault::NotEngawa,
        FrameError::Io(error) => match tls_error(error) {
            Some(tls) if is_about_keys(tls) => DialFault::WrongKey,
            Some(_) => DialFault::NotEngawa,
            // The peer let go of us: it starts, stops or is full.
            None if error.kind() == io::ErrorKind::TimedOut => DialFault::TimedOut,
            None => DialFault::Refused,
        },
    }
}
