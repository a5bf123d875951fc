//! Pages in the browser: pictures of them, what is drawn on them, and documents that were kept.

use super::papers::aside;
use super::reply::{self, Reply};
use super::words::Refusal;
use super::{KeptRow, PageWanted, Shared, query};
use crate::core::input::RoomInput;
use crate::core::share::Stroke;
use crate::model::{DocumentId, GuestId, Role};
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_DISPOSITION, HeaderValue};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// `GET /api/page?document=…&page=…&width=…`
pub(super) async fn picture(shared: &Shared, query: &str) -> Result<Reply, Refusal> {
    let (document, page) = query::page(query).ok_or(Refusal::NotUnderstood)?;
    let width = query::number(query, "width").ok_or(Refusal::NotUnderstood)?;
    let permit = permit(&shared.pictures).await?;
    let picture = (shared.sources.page)(PageWanted { document, page, width });
    let png = timeout(PATIENCE, picture).await.map_err(|_| Refusal::Busy)?.ok().flatten();
    Ok(reply::bytes("image/png", held(png.ok_or(Refusal::NoPicture)?, permit)))
}

/// `GET /api/ink?document=…&page=…`
pub(super) fn ink(shared: &Shared, query: &str) -> Result<Reply, Refusal> {
    #[derive(Serialize)]
    struct Line<'s> {
        offerer: bool,
        points: &'s [[u16; 2]],
    }
    let (document, page) = query::page(query).ok_or(Refusal::NotUnderstood)?;
    let strokes = shared.shown.borrow().snapshot.room.share.drawn(document, page);
    let line = |stroke: &Stroke| stroke.by == Role::Offerer;
    let lines: Vec<_> = strokes.iter().map(|stroke| Line { offerer: line(stroke), points: &stroke.points }).collect();
    Ok(reply::json(StatusCode::OK, &serde_json::json!({ "lines": lines })))
}

/// `GET /api/kept`
pub(super) async fn kept(shared: &Shared) -> Result<Reply, Refusal> {
    let list = shared.sources.kept.list.clone();
    let kept: Vec<KeptRow> = aside(shared, move || list()).await?;
    Ok(reply::json(StatusCode::OK, &serde_json::json!({ "kept": kept })))
}

/// `GET /api/kept/file?document=…`
pub(super) async fn kept_file(shared: &Shared, guest: GuestId, query: &str) -> Result<Reply, Refusal> {
    let document = query::document(query).ok_or(Refusal::NotUnderstood)?;
    let read = shared.sources.kept.read.clone();
    let permit = permit(&shared.downloads).await?;
    // As long as the disk takes.
    let read = tokio::task::spawn_blocking(move || read(document));
    let (name, bytes) = read.await.map_err(|_| Refusal::Busy)?.ok_or(Refusal::NotKept)?;
    shared.questions.tell(RoomInput::KeptTaken { guest, document, forgotten: false });
    let mut reply = reply::bytes("application/octet-stream", held(bytes, permit));
    if let Ok(saved_as) = HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{}", percent(&name))) {
        reply.headers_mut().insert(CONTENT_DISPOSITION, saved_as);
    }
    Ok(reply)
}

/// `POST /api/kept/forget`
pub(super) async fn forget(shared: &Shared, guest: GuestId, document: &str) -> Result<(), Refusal> {
    let document: DocumentId = document.parse().map_err(|_| Refusal::NotUnderstood)?;
    let forget = shared.sources.kept.forget.clone();
    if !aside(shared, move || forget(document)).await? {
        return Err(Refusal::NotKept);
    }
    shared.questions.tell(RoomInput::KeptTaken { guest, document, forgotten: true });
    Ok(())
}

/// Large answers at a time: a browser that reads none of them fills no memory.
async fn permit(of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Refusal> {
    let permit = timeout(PATIENCE, Arc::clone(of).acquire_owned()).await;
    permit.map_err(|_| Refusal::Busy)?.map_err(|_| Refusal::Busy)
}

/// Gives its place back when the last of it is sent, or its connection ends.
fn held(bytes: Vec<u8>, permit: OwnedSemaphorePermit) -> Bytes {
    struct Held(Vec<u8>, #[expect(dead_code, reason = "its end is what counts")] OwnedSemaphorePermit);
    impl AsRef<[u8]> for Held {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    Bytes::from_owner(Held(bytes, permit))
}

/// RFC 8187: everything but letters and digits of ASCII by its bytes.
fn percent(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}

/// Pictures of pages on their way to browsers at a time, up to 16 MB each, and kept documents, up to 100 MB each.
pub(super) const PICTURES: usize = 8;
pub(super) const DOWNLOADS: usize = 1;
/// Longer than the worker takes.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_travels_in_a_header_whatever_it_is_made_of() {
        assert_eq!(percent("予算 a.pdf"), "%E4%BA%88%E7%AE%97%20a.pdf");
        assert_eq!(percent("a\"\r\nb"), "a%22%0D%0Ab");
    }
}
