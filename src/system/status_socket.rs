//! The status socket: one line of JSON per question, or one per change while followed.
//!
//! A question is one line, `{"follow": false}` or `{"follow": true}`; `{"ask": {…}}` asks for something and is answered by the
//! [`Desk`]. Only the daemon's user and group may ask.

use crate::system::desk::Desk;
use crate::system::status::Status;
use serde::Deserialize;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Take};
use tokio::net::unix::ReadHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use zeroize::Zeroizing;

/// Publishes the newest [`Status`] on a Unix socket.
pub struct StatusSocket {
    newest: watch::Sender<Arc<Status>>,
    _place: Place,
    last: Mutex<Option<Noticed>>,
}

/// Link, session, (mode, microphone, knocked), second.
type Noticed = (String, Option<String>, (String, String, bool), u64);

/// A socket that is taken and not yet answered.
pub struct Bound {
    listener: UnixListener,
    place: Place,
}

/// The socket's file; goes with its daemon, also with one that did not start.
struct Place(PathBuf);

impl Bound {
    /// Answers from now on; what is asked besides the status is answered at the desk.
    pub fn serve(self, desk: Option<Desk>) -> StatusSocket {
        let (newest, watcher) = watch::channel(Arc::new(Status::default()));
        tokio::spawn(serve(self.listener, watcher, desk));
        StatusSocket { newest, _place: self.place, last: Mutex::new(None) }
    }
}

impl StatusSocket {
    /// [`StatusSocket::bind`] and [`Bound::serve`] in one, for whoever has no desk.
    ///
    /// # Errors
    /// As [`StatusSocket::bind`].
    pub fn listen(path: &Path) -> std::io::Result<Self> {
        Ok(Self::bind(path)?.serve(None))
    }

    /// Takes `path`, mode 0660; a socket left by a dead daemon is replaced. Whoever holds it is the only daemon of its box.
    ///
    /// # Errors
    /// When the directory is missing, another daemon answers there, or something stands there that is not a socket.
    pub fn bind(path: &Path) -> std::io::Result<Bound> {
        if let Ok(standing) = std::fs::symlink_metadata(path) {
            if !standing.file_type().is_socket() {
                let what = "what stands there is not a socket, and is left alone";
                return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, what));
            }
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, "another engawa daemon answers there"));
            }
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let place = Place(path.to_owned());
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
        Ok(Bound { listener, place })
    }

    /// Publishes; followers are woken only when something changed that people would notice, and every second.
    pub fn publish(&self, status: Status) {
        let room = (status.room.mode.clone(), status.microphone.clone(), status.room.knocked);
        let key = (status.link.clone(), status.session.clone(), room, status.at_ns / FOLLOW_PERIOD_NS);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let wake = last.as_ref() != Some(&key);
        *last = Some(key);
        self.newest.send_if_modified(|newest| {
            *newest = Arc::new(status);
            wake
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _already_gone = std::fs::remove_file(&self.0);
    }
}

#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    follow: bool,
    ask: Option<serde_json::Value>,
}

async fn serve(listener: UnixListener, watcher: watch::Receiver<Arc<Status>>, desk: Option<Desk>) {
    let askers = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, or the asker left already: neither ends the socket.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if askers.fetch_add(1, Ordering::Relaxed) >= ASKER_LIMIT {
            askers.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (watcher, askers, desk) = (watcher.clone(), askers.clone(), desk.clone());
        tokio::spawn(async move {
            let _asker_left = answer(stream, watcher, desk).await;
            askers.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

async fn answer(
    mut stream: UnixStream,
    mut watcher: watch::Receiver<Arc<Status>>,
    desk: Option<Desk>,
) -> std::io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    let mut question_reader = BufReader::new(reader.take(QUESTION_LIMIT));
    tokio::time::timeout(ASKER_PATIENCE, question_reader.read_line(&mut line)).await??;
    let question: Question = serde_json::from_str(&line).map_err(std::io::Error::other)?;
    if let Some(ask) = question.ask {
        let Some(desk) = desk else { return Ok(()) };
        let text = match (ask["ask"].as_str(), ask["length"].as_u64()) {
            (Some("share_file"), Some(length)) if length <= LONGEST_FILE => {
                let _alone = ONE_FILE.try_acquire().map_err(std::io::Error::other)?;
                let bytes = tokio::time::timeout(FILE_PATIENCE, file(&mut question_reader, length)).await??;
                desk.share(ask["name"].as_str().unwrap_or_default(), bytes).await
            }
            _ => desk.answer(&ask).await,
        } + "\n";
        return tokio::time::timeout(ASKER_PATIENCE, writer.write_all(text.as_bytes())).await?;
    }
    loop {
        let status = watcher.borrow_and_update().clone();
        let mut text = serde_json::to_vec(status.as_ref()).map_err(std::io::Error::other)?;
        text.push(b'\n');
        tokio::time::timeout(ASKER_PATIENCE, writer.write_all(&text)).await??;
        if !question.follow {
            return Ok(());
        }
        watcher.changed().await.map_err(std::io::Error::other)?;
    }
}

/// The file behind a question: so many bytes, as long as they keep coming.
async fn file(reader: &mut BufReader<Take<ReadHalf<'_>>>, length: u64) -> std::io::Result<Vec<u8>> {
    reader.get_mut().set_limit(length);
    // One allocation: nothing of it is left behind in memory when it grows or when the asker leaves in the middle.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0)));
    while (bytes.len() as u64) < length {
        let come = tokio::time::timeout(ASKER_PATIENCE, reader.fill_buf()).await??;
        if come.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let taken = come.len().min(usize::try_from(length).unwrap_or(usize::MAX) - bytes.len());
        bytes.extend_from_slice(&come[..taken]);
        reader.consume(taken);
    }
    Ok(std::mem::take(&mut *bytes))
}

/// A file is held in memory until the store takes it: one at a time.
static ONE_FILE: Semaphore = Semaphore::const_new(1);
/// From a machine's own disk.
const FILE_PATIENCE: Duration = Duration::from_secs(30);
/// Bytes; what the store takes at most.
const LONGEST_FILE: u64 = 100 << 20;
const FOLLOW_PERIOD_NS: u64 = 1_000_000_000;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const ASKER_LIMIT: usize = 16;
const QUESTION_LIMIT: u64 = 1024;
const ASKER_PATIENCE: Duration = Duration::from_secs(2);
