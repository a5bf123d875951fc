//! The bulk connection beside a control connection: dialled by whoever dialled control, and again while control lives.
//!
//! So far it carries a ping a second, which shows that it works; documents come later. Little waits in the kernel
//! (`TCP_NOTSENT_LOWAT`), so that what is urgent can still overtake.

use super::Shared;
use super::frame::{self, FrameError};
use super::message::{self, Bulk, HELLO_LIMIT, MESSAGE_LIMIT, MessageError, Token};
use super::tls::{self, Secured};
use crate::model::TrunkId;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{interval, sleep, timeout};
use tracing::debug;

/// A bulk connection that the peer dialled, hellos said; the permit counts it.
pub(super) type Arrived = (Secured, OwnedSemaphorePermit);

/// Dials and redials until the task is ended with its control connection.
pub(super) async fn keep_dialled(shared: Arc<Shared>, trunk: TrunkId, peer: SocketAddr, token: Token) {
    loop {
        let reached = timeout(DIAL, reach(&shared, peer, token)).await.map_err(io::Error::from);
        match reached.map_err(FrameError::from).and_then(|reached| reached) {
            Ok(secured) => {
                shared.registry.bulk_changed(trunk, true);
                let end = carry(secured).await;
                debug!(trunk = trunk.0, %end, "bulk connection gone");
                shared.registry.bulk_changed(trunk, false);
            }
            Err(error) => debug!(trunk = trunk.0, %error, "no bulk connection"),
        }
        sleep(PAUSE).await;
    }
}

/// Takes what the peer dials; the newest counts.
pub(super) async fn keep_accepted(shared: Arc<Shared>, trunk: TrunkId, mut arrivals: mpsc::Receiver<Arrived>) {
    let mut next = arrivals.recv().await;
    while let Some((secured, _permit)) = next {
        shared.registry.bulk_changed(trunk, true);
        let replaced = tokio::select! {
            biased;
            newer = arrivals.recv() => Some(newer),
            end = carry(secured) => {
                debug!(trunk = trunk.0, %end, "bulk connection gone");
                None
            }
        };
        shared.registry.bulk_changed(trunk, false);
        next = match replaced {
            Some(newer) => newer,
            None => arrivals.recv().await,
        };
    }
}

/// Hears which control connection a dialled bulk connection belongs to.
pub(super) async fn hear_hello(secured: &mut Secured) -> Result<Token, FrameError> {
    match message::decode_bulk(&frame::read(&mut secured.stream, HELLO_LIMIT).await?)? {
        Some(Bulk::Hello { token }) => Ok(token),
        Some(Bulk::Ping { .. } | Bulk::Pong { .. }) | None => {
            Err(MessageError::OutOfBounds("the first message").into())
        }
    }
}

/// Says which control connection it belongs to.
pub(super) async fn say_hello(secured: &mut Secured, token: Token) -> Result<(), FrameError> {
    let socket = secured.socket();
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_user_timeout(Some(DEAD_LINE))?;
    socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    Ok(frame::write(&mut secured.stream, &message::encode_bulk(&Bulk::Hello { token })?).await?)
}

async fn reach(shared: &Shared, peer: SocketAddr, token: Token) -> Result<Secured, FrameError> {
    let tcp = TcpStream::connect(peer).await?;
    let mut secured = tls::connect(&shared.bulk, tcp).await?;
    say_hello(&mut secured, token).await?;
    if hear_hello(&mut secured).await? == token {
        Ok(secured)
    } else {
        Err(MessageError::OutOfBounds("the token").into())
    }
}

/// Until it breaks or falls silent.
async fn carry(secured: Secured) -> FrameError {
    let (reader, writer) = tokio::io::split(secured.stream);
    // More pings than this at once is no box.
    let (asked, answers) = mpsc::channel(4);
    let ended = tokio::select! {
        end = listen(reader, asked) => end,
        end = speak(writer, answers) => end,
    };
    match ended {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

async fn listen(
    mut reader: impl AsyncRead + Unpin,
    asked: mpsc::Sender<u64>,
) -> Result<std::convert::Infallible, FrameError> {
    loop {
        let bytes = timeout(SILENCE, frame::read(&mut reader, MESSAGE_LIMIT)).await.map_err(io::Error::from)??;
        match message::decode_bulk(&bytes)? {
            Some(Bulk::Ping { number }) => {
                asked.try_send(number).map_err(|_| MessageError::OutOfBounds("the number of pings"))?;
            }
            Some(Bulk::Pong { .. }) | None => {}
            Some(Bulk::Hello { .. }) => return Err(MessageError::OutOfBounds("a second hello").into()),
        }
    }
}

async fn speak(
    mut writer: impl AsyncWrite + Unpin,
    mut answers: mpsc::Receiver<u64>,
) -> Result<std::convert::Infallible, FrameError> {
    let mut pings = interval(PING_EVERY);
    let mut number = 0;
    loop {
        let message = tokio::select! {
            _ = pings.tick() => {
                number += 1;
                Bulk::Ping { number: number - 1 }
            }
            Some(number) = answers.recv() => Bulk::Pong { number },
        };
        let frame = message::encode_bulk(&message)?;
        timeout(SILENCE, frame::write(&mut writer, &frame)).await.map_err(io::Error::from)??;
    }
}

/// For TCP, TLS and hellos together.
const DIAL: Duration = Duration::from_secs(4);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);
const PING_EVERY: Duration = Duration::from_secs(1);
/// Nothing heard, or nothing taken, for so long: dropped.
const SILENCE: Duration = Duration::from_secs(5);
/// Unacknowledged for so long: the kernel gives it up.
const DEAD_LINE: Duration = Duration::from_secs(10);
/// Bytes that may wait unsent in the kernel.
const UNSENT_BYTES: u32 = 16 * 1024;
