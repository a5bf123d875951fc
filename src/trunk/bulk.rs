//! The bulk connection beside a control connection: dialled by whoever dialled control, and again while control lives.
//!
//! ```text
//!   Documents ─ missing ─▶ demand ── Want ──▶ │ ─▶ supply ◀─ read, if served ─ Documents
//!       ▲                                     │      │ at the pace allowed
//!       └───────── take_in ◀── Piece, Refused │ ◀────┘                 ping/pong every second beside it
//! ```
//!
//! Who lacks bytes asks; a newer list replaces the older one, and after a cut what is still missing is asked for again.
//! Little waits in the kernel (`TCP_NOTSENT_LOWAT`) and pieces are short when the pace is low, so that a ping is never late
//! and a slow transfer no silence. When the last document is forgotten the connection is made anew: the old one's buffers hold
//! the end of what came over it. Measured: a line of 64 kbit/s stands a pace of 5 Mbit/s, one of 32 kbit/s does not.

mod demand;
mod exchange;
mod giving;
mod pace;
mod supply;
mod taking;

pub(super) use exchange::Exchange;

use super::Shared;
use super::frame::{self, FrameError};
use super::message::{self, Bulk, BundleWord, HELLO_LIMIT, MESSAGE_LIMIT, MessageError, Token, Wanted};
use super::tls::{self, Secured};
use crate::core::input::{Input, News};
use crate::documents::{Documents, Taken};
use crate::model::{DocumentId, TrunkId};
use demand::Demand;
use exchange::Seat;
use giving::Giving;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use supply::Supply;
use taking::Taking;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tracing::{debug, warn};
use zeroize::Zeroizing;

/// A bulk connection that the peer dialled, hellos said; the permit counts it.
pub(super) type Arrived = (Secured, OwnedSemaphorePermit);

/// Dials and redials until the task is ended with its control connection.
pub(super) async fn keep_dialled(shared: Arc<Shared>, trunk: TrunkId, peer: SocketAddr, token: Token) {
    loop {
        let reached = timeout(DIAL, reach(&shared, peer, token)).await.map_err(io::Error::from);
        match reached.map_err(FrameError::from).and_then(|reached| reached) {
            Ok(secured) => {
                shared.registry.bulk_changed(trunk, true);
                let end = carry(&shared, secured).await;
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
            end = carry(&shared, secured) => {
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
        Some(
            Bulk::Ping { .. }
            | Bulk::Pong { .. }
            | Bulk::Want { .. }
            | Bulk::Piece { .. }
            | Bulk::First { .. }
            | Bulk::Refused { .. }
            | Bulk::Bundle(_),
        )
        | None => Err(MessageError::OutOfBounds("the first message").into()),
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
async fn carry(shared: &Shared, secured: Secured) -> FrameError {
    let (reader, writer) = tokio::io::split(secured.stream);
    let (asked, answers) = mpsc::channel(MOST_PINGS);
    let (wanted, heard) = watch::channel(Vec::new());
    let demand = Demand::new(Seat::take(&shared.exchange));
    let supply = Supply::new(&shared.exchange, heard);
    let (said, about_ours) = mpsc::channel(MOST_WORDS);
    let (taken, about_theirs) = mpsc::channel(MOST_WORDS);
    let giving = Giving::new(&shared.exchange, &shared.inbox, about_ours, about_theirs);
    let taking = Taking::new(&shared.exchange.bundles, taken);
    let ended = tokio::select! {
        end = listen(shared, reader, asked, wanted, (said, taking)) => end,
        end = speak(&shared.exchange, writer, answers, demand, supply, giving) => end,
        end = all_forgotten(&shared.exchange.documents) => Err(end),
    };
    match ended {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

/// Documents were here, and now none is, for good.
async fn all_forgotten(documents: &Documents) -> FrameError {
    let mut changes = documents.changes();
    let (mut held, mut forgotten) = (false, false);
    while !forgotten {
        let empty = documents.is_empty();
        held |= !empty;
        if held && empty {
            forgotten = timeout(NEXT_DOCUMENT, changes.changed()).await.is_err();
        } else if changes.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
    io::Error::other("the documents that came over it are forgotten").into()
}

async fn listen(
    shared: &Shared,
    mut reader: impl AsyncRead + Unpin,
    asked: mpsc::Sender<u64>,
    wanted: watch::Sender<Vec<Wanted>>,
    (bundle_said, mut taking): (mpsc::Sender<BundleWord>, Taking),
) -> Result<Infallible, FrameError> {
    let (mut withheld, mut told) = (Vec::new(), 0);
    loop {
        let bytes = timeout(SILENCE, frame::read(&mut reader, MESSAGE_LIMIT)).await.map_err(io::Error::from)??;
        match message::decode_bulk(&Zeroizing::new(bytes))? {
            Some(Bulk::Ping { number }) => {
                asked.try_send(number).map_err(|_| MessageError::OutOfBounds("the number of pings"))?;
            }
            Some(Bulk::Want { list }) => drop(wanted.send_replace(list)),
            Some(Bulk::Piece { document, offset, bytes }) => {
                withheld.retain(|known| *known != document);
                take_in(shared, document, offset, &bytes)?;
            }
            Some(Bulk::First { document, parts }) => shared.exchange.take_first(document, parts)?,
            Some(Bulk::Refused { document }) => {
                // Once for each: a peer that repeats itself fills no inbox.
                if shared.exchange.documents.missing(document).is_some()
                    && !withheld.contains(&document)
                    && told < MOST_TOLD
                {
                    told += 1;
                    withheld.push(document);
                    shared.inbox.urgent(Input::DocumentWithheld { document });
                }
            }
            Some(Bulk::Bundle(BundleWord::Offer { bundle, length, .. })) => {
                taking.offered(bundle, length, Instant::now());
            }
            Some(Bulk::Bundle(BundleWord::Piece { bundle, offset, bytes })) => taking.piece(bundle, offset, bytes)?,
            Some(Bulk::Bundle(word)) => {
                bundle_said.try_send(word).map_err(|_| MessageError::OutOfBounds("the number of words"))?;
            }
            Some(Bulk::Pong { .. }) | None => {}
            Some(Bulk::Hello { .. }) => return Err(MessageError::OutOfBounds("a second hello").into()),
        }
    }
}

async fn speak(
    exchange: &Exchange,
    mut writer: impl AsyncWrite + Unpin,
    mut answers: mpsc::Receiver<u64>,
    mut demand: Demand,
    mut supply: Supply,
    mut giving: Giving,
) -> Result<Infallible, FrameError> {
    let mut pings = interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut number = 0;
    loop {
        let message = tokio::select! {
            biased;
            Some(number) = answers.recv() => Bulk::Pong { number },
            _ = pings.tick() => {
                number += 1;
                Bulk::Ping { number: number - 1 }
            }
            list = demand.next() => list,
            message = supply.next() => message,
            // Documents always go first.
            word = giving.next() => Bulk::Bundle(word),
        };
        let frame = Zeroizing::new(message::encode_bulk(&message)?);
        exchange.spend(frame.len());
        timeout(DEAD_LINE, frame::write(&mut writer, &frame)).await.map_err(io::Error::from)??;
    }
}

fn take_in(shared: &Shared, document: DocumentId, offset: u64, bytes: &[u8]) -> Result<(), MessageError> {
    match shared.exchange.take_in(document, offset, bytes)? {
        Taken::Ignored | Taken::OutOfBounds | Taken::More => {}
        // Who shows it looks at every turn of the loop.
        Taken::FirstPage => {
            let (have, length) = shared.exchange.documents.progress(document).unwrap_or((0, 1));
            let percent = u8::try_from(have * 100 / length).unwrap_or(100);
            shared.inbox.news(News::Arriving { document, percent });
        }
        Taken::Whole => shared.inbox.urgent(Input::DocumentArrived { document }),
        Taken::StartedAgain => warn!(?document, "the peer sent a document that is not what its name says"),
        Taken::Failed => {
            warn!(?document, "given up: the peer sent a document again and again that is not what its name says");
            shared.inbox.urgent(Input::DocumentFailed { document });
        }
    }
    Ok(())
}

/// Words about bundles that wait for their turn.
const MOST_WORDS: usize = 16;
/// Refusals of one connection that the loop hears of.
const MOST_TOLD: u32 = 256;
/// For TCP, TLS and hellos together.
const DIAL: Duration = Duration::from_secs(4);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);
const PING_EVERY: Duration = Duration::from_secs(1);
/// More unanswered ones than this is no box: their answers wait while one long frame is written, [`DEAD_LINE`] at most.
const MOST_PINGS: usize = 16;
/// Nothing heard for so long, not one whole frame: dropped.
const SILENCE: Duration = Duration::from_secs(5);
/// Who closes a document may have the next one at hand.
const NEXT_DOCUMENT: Duration = Duration::from_secs(1);
/// A frame not taken, or bytes not acknowledged, for so long: given up.
const DEAD_LINE: Duration = Duration::from_secs(10);
/// Bytes that may wait unsent in the kernel.
const UNSENT_BYTES: u32 = 16 * 1024;
