//! A peer that proved its key and then says on bulk whatever a test likes.

use super::{BULK, CONTROL, End, PATIENCE, StoredIdentity, hello_frame, tls_client};
use engawa::model::{DocumentId, Side};
use engawa::trunk::message::{Bulk, LENGTH_BYTES, Token, Wanted, decode_bulk, encode_bulk};
use std::ops::Range;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_rustls::client::TlsStream;

pub struct Raw {
    identity: StoredIdentity,
    _control: TlsStream<TcpStream>,
    token: Token,
    speak: Option<WriteHalf<TlsStream<TcpStream>>>,
    heard: mpsc::UnboundedReceiver<(Instant, Bulk)>,
}

impl Raw {
    /// Dials both connections; returns the end it dialled too.
    pub async fn linked() -> (Self, End) {
        let (peer, own) = (StoredIdentity::new(), StoredIdentity::new());
        let end = End::start(&own.identity, peer.identity.public_key(), None).await;
        (Self::dial(&end, peer).await, end)
    }

    /// Once more, beside the connections that are there.
    pub async fn again(&self, end: &End) -> Self {
        Self::dial(end, self.identity.clone()).await
    }

    async fn dial(end: &End, identity: StoredIdentity) -> Self {
        let mut control = tls_client(end.address(), Some(&identity), CONTROL).await.unwrap();
        control.write_all(&hello_frame(&identity.identity)).await.unwrap();
        let trunk = end.opened(Side::Far).await;
        let token = control.get_ref().1.export_keying_material([0; 16], b"EXPERIMENTAL engawa bulk 1", None).unwrap();
        let heard = mpsc::unbounded_channel().1;
        let mut raw = Self { identity, _control: control, token: Token(token), speak: None, heard };
        raw.dial_bulk(end).await;
        assert!(end.bulk(trunk).await);
        raw
    }

    /// A new bulk connection in place of the one before.
    pub async fn dial_bulk(&mut self, end: &End) {
        let tls = tls_client(end.address(), Some(&self.identity), BULK).await.unwrap();
        let (mut reader, writer) = tokio::io::split(tls);
        self.speak = Some(writer);
        self.say(&Bulk::Hello { token: self.token }).await;
        let (tell, heard) = mpsc::unbounded_channel();
        self.heard = heard;
        tokio::spawn(async move {
            while let Some(message) = read(&mut reader).await {
                if tell.send((Instant::now(), message)).is_err() {
                    break;
                }
            }
        });
        assert_eq!(self.hear().await, Some(Bulk::Hello { token: self.token }));
    }

    pub async fn say(&mut self, message: &Bulk) {
        self.say_frame(&encode_bulk(message).unwrap()).await;
    }

    /// A connection that is gone already is the other side's answer to what was said before.
    pub async fn say_frame(&mut self, frame: &[u8]) {
        let writer = self.speak.as_mut().unwrap();
        let _ = async { writer.write_all(frame).await.and(writer.flush().await) }.await;
    }

    /// The next message but pings and pongs; none when it was sent away.
    pub async fn hear(&mut self) -> Option<Bulk> {
        loop {
            match timeout(PATIENCE, self.heard.recv()).await.expect("nothing was said")? {
                (_, Bulk::Ping { .. } | Bulk::Pong { .. }) => {}
                (_, message) => return Some(message),
            }
        }
    }

    /// Everything that is said in `time`, pings and pongs too, with its moment.
    pub async fn hear_for(&mut self, time: Duration) -> Vec<(Instant, Bulk)> {
        let (mut all, end) = (Vec::new(), Instant::now() + time);
        while let Ok(Some(heard)) = tokio::time::timeout_at(end, self.heard.recv()).await {
            all.push(heard);
        }
        all
    }
}

/// Of each document one range.
pub fn want(list: &[(DocumentId, Range<u64>)]) -> Bulk {
    let list = list
        .iter()
        .map(|(document, range)| Wanted { document: *document, ranges: std::iter::once(range.clone()).collect() });
    Bulk::Want { list: list.collect() }
}

async fn read(reader: &mut (impl AsyncReadExt + Unpin)) -> Option<Bulk> {
    let mut length = [0; LENGTH_BYTES];
    reader.read_exact(&mut length).await.ok()?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    reader.read_exact(&mut body).await.ok()?;
    decode_bulk(&body).unwrap()
}
