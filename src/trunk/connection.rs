//! The life of one control connection, after TLS.
//!
//! ```text
//! hellos ─▶ registered ─▶ listen ∥ speak ──┬─ peer left, broke a rule or the line is dead
//!                            (∥ bulk)      └─ we close: what waits may still leave, for PARTING at most
//! ```

use super::message::{self, HELLO_LIMIT, MESSAGE_LIMIT, Token};
use super::refusals::Refusal;
use super::registry::Lifelines;
use super::tasks::Leash;
use super::tls::Secured;
use super::{Shared, bulk, frame};
use crate::core::input::Input;
use crate::core::signal::Hello;
use crate::inbox::Inbox;
use crate::model::{Side, TrunkId};
use frame::FrameError;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{debug, info};
use zeroize::Zeroizing;

/// A control connection on which both hellos were said.
pub(super) struct Greeted {
    /// The stream.
    pub(super) secured: Secured,
    /// The peer's hello.
    pub(super) hello: Hello,
    /// What its bulk connection calls it.
    pub(super) token: Token,
}

/// Says our hello and hears the peer's. The caller sets the deadline.
pub(super) async fn greet(shared: &Shared, mut secured: Secured) -> Result<Greeted, FrameError> {
    let socket = secured.socket();
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_user_timeout(Some(DEAD_LINE))?;
    frame::write(&mut secured.stream, &shared.hello).await?;
    let hello = message::decode_hello(&frame::read(&mut secured.stream, HELLO_LIMIT).await?)?;
    let token = Token(secured.exported(TOKEN_LABEL)?);
    Ok(Greeted { secured, hello, token })
}

/// Lives until either side ends it.
pub(super) async fn live(
    shared: Arc<Shared>,
    greeted: Greeted,
    dialled_by: Side,
    _permit: Option<OwnedSemaphorePermit>,
) {
    let Lifelines { trunk, queue, mut stop, bulk: arrivals, running } = shared.registry.open(&greeted, dialled_by);
    let Greeted { secured, token, .. } = greeted;
    let peer = secured.peer;
    shared.gate.remember(peer.ip());
    info!(trunk = trunk.0, ?dialled_by, %peer, "trunk up");
    let bulk = Leash(match dialled_by {
        Side::Near => shared.tasks.spawn(bulk::keep_dialled(shared.clone(), trunk, peer, token)),
        Side::Far => shared.tasks.spawn(bulk::keep_accepted(shared.clone(), trunk, arrivals)),
    });
    let (reader, writer) = tokio::io::split(secured.stream);
    let mut speaking = pin!(speak(writer, queue));
    let end = tokio::select! {
        biased;
        _ = &mut stop => End::Closed,
        end = &mut speaking => end,
        end = listen(reader, trunk, &shared.inbox) => end,
    };
    drop(bulk);
    shared.registry.gone(trunk);
    info!(trunk = trunk.0, ?end, "trunk gone");
    match end {
        // Farewell waits in the queue; the queue itself has ended.
        End::Closed => drop(timeout(PARTING, speaking).await),
        End::BrokeRule => shared.refuse(Refusal::BadMessage, peer.ip()),
        End::Said | End::Lost => {}
    }
    drop(running);
}

#[derive(Clone, Copy, Debug)]
enum End {
    /// We were asked to.
    Closed,
    /// Everything was said after we were asked to.
    Said,
    /// The peer closed it, or the line is dead.
    Lost,
    /// The peer sent what no box sends.
    BrokeRule,
}

async fn listen(mut reader: impl AsyncRead + Unpin, trunk: TrunkId, inbox: &Inbox) -> End {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // What piled up while we were stopped must not overrun the inbox.
        pace.tick().await;
        for _ in 0..SIGNALS_PER_PACE {
            let heard = match frame::read(&mut reader, MESSAGE_LIMIT).await {
                Ok(bytes) => message::decode_signal(&Zeroizing::new(bytes)),
                Err(FrameError::Message(fault)) => Err(fault),
                Err(FrameError::Io(error)) => {
                    debug!(trunk = trunk.0, %error, "nothing more to hear");
                    return End::Lost;
                }
            };
            match heard {
                Ok(Some(signal)) => inbox.urgent(Input::Heard { trunk, signal }),
                Ok(None) => debug!(trunk = trunk.0, "skipped a signal of a newer version"),
                Err(fault) => {
                    debug!(trunk = trunk.0, %fault, "the peer broke a rule");
                    return End::BrokeRule;
                }
            }
        }
    }
}

async fn speak(mut writer: impl AsyncWrite + Unpin, mut queue: mpsc::Receiver<Vec<u8>>) -> End {
    let say_all = async {
        // Help carries a PIN.
        while let Some(frame) = queue.recv().await.map(Zeroizing::new) {
            frame::write(&mut writer, &frame).await?;
        }
        writer.shutdown().await
    };
    let said: io::Result<()> = say_all.await;
    match said {
        Ok(()) => End::Said,
        Err(error) => {
            debug!(%error, "nothing more can be said");
            End::Lost
        }
    }
}

/// Unacknowledged for so long: the kernel gives the connection up. A fuse; the core is faster.
const DEAD_LINE: Duration = Duration::from_secs(5);
/// For last words after we decided to close.
pub(super) const PARTING: Duration = Duration::from_millis(300);
/// At most 64 signals in 50 ms are taken from one connection: a hundred times what a box says.
const PACE: Duration = Duration::from_millis(50);
const SIGNALS_PER_PACE: usize = 64;
const TOKEN_LABEL: &[u8] = b"EXPERIMENTAL engawa bulk 1";
