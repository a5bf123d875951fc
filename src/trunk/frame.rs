//! One frame off a secured stream: the length is checked before anything is kept.

use super::message::{LENGTH_BYTES, MessageError};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Reads the bytes of one message; at most `limit`.
///
/// # Errors
/// See [`FrameError`].
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin), limit: usize) -> Result<Vec<u8>, FrameError> {
    let mut length = [0; LENGTH_BYTES];
    stream.read_exact(&mut length).await?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > limit {
        return Err(MessageError::TooLong { length, limit }.into());
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// Writes a whole frame and pushes it out.
pub(super) async fn write(stream: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    stream.write_all(frame).await?;
    stream.flush().await
}

/// Why no message came.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// The connection ended or broke, maybe in the middle of a message.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The peer broke a rule.
    #[error(transparent)]
    Message(#[from] MessageError),
}
