//! Takes whoever comes from the room to a place, and nobody else, not for a byte.

use super::{Place, Places, Room};
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

/// Accepts for ever; `welcome` serves one who came from there and has a place, until its connection ends.
pub async fn accept_forever<W>(room: &Room, listener: TcpListener, welcome: impl Fn(TcpStream, IpAddr, Place) -> W)
where
    W: Future<Output = io::Result<()>> + Send + 'static,
{
    let (places, mut turned_away) = (Places::default(), TurnedAway::default());
    loop {
        let (tcp, source) = match listener.accept().await {
            Ok((tcp, source)) => (tcp, source.ip().to_canonical()),
            Err(error) => {
                // No file descriptors left, or the newcomer is gone again.
                tracing::debug!(%error, "could not accept");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if !room.holds(source) {
            turned_away.one_more(source);
            continue;
        }
        let Some((place, leave)) = places.take(source) else {
            tracing::debug!(%source, "only guests are here, and no place is left");
            continue;
        };
        let served = welcome(tcp, source, place);
        tokio::spawn(async move {
            tokio::select! { biased;
                // A place given back is no order to leave it.
                Ok(()) = leave => tracing::debug!(%source, "put out for somebody else"),
                result = served => if let Err(error) = result {
                    tracing::debug!(%source, %error, "connection ended");
                },
            }
        });
    }
}

/// Whoever is outside the room is told of once a minute, not once a try.
#[derive(Default)]
struct TurnedAway {
    count: u64,
    told_at: Option<Instant>,
}

impl TurnedAway {
    fn one_more(&mut self, source: IpAddr) {
        self.count += 1;
        if self.told_at.is_none_or(|at| at.elapsed() >= TELL_AGAIN) {
            tracing::warn!(%source, count = self.count, "not in this room ([panel] room): closed");
            (self.count, self.told_at) = (0, Some(Instant::now()));
        }
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const TELL_AGAIN: Duration = Duration::from_secs(60);
