//! Pages in the browser: pictures of them, what is drawn on them, and documents that were kept.

use super::papers::aside;
use super::reply::{self, Reply};
use super::words::Refusal;
use super::{KeptRow, PageWanted, Shared, query};
use crate::core::share::Stroke;
use crate::model::{DocumentId, Role};
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_DISPOSITION, HeaderValue};
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;

/// `GET /api/page?document=…&page=…&width=…`
pub(super) async fn picture(shared: &Shared, query: &str) -> Result<Reply, Refusal> {
    let (document, page) = query::page(query).ok_or(Refusal::NotUnderstood)?;
    let width = query::number(query, "width").ok_or(Refusal::NotUnderstood)?;
    let picture = (shared.sources.page)(PageWanted { document, page, width });
    let png = timeout(PATIENCE, picture).await.map_err(|_| Refusal::Busy)?.ok().flatten();
    Ok(reply::bytes("image/png", Bytes::from(png.ok_or(Refusal::NoPicture)?)))
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
pub(super) async fn kept_file(shared: &Shared, query: &str) -> Result<Reply, Refusal> {
    let document = query::document(query).ok_or(Refusal::NotUnderstood)?;
    let read = shared.sources.kept.read.clone();
    let (name, bytes) = aside(shared, move || read(document)).await?.ok_or(Refusal::NotKept)?;
    let mut reply = reply::bytes("application/octet-stream", Bytes::from(bytes));
    if let Ok(saved_as) = HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{}", percent(&name))) {
        reply.headers_mut().insert(CONTENT_DISPOSITION, saved_as);
    }
    Ok(reply)
}

/// `POST /api/kept/forget`
pub(super) async fn forget(shared: &Shared, document: &str) -> Result<(), Refusal> {
    let document: DocumentId = document.parse().map_err(|_| Refusal::NotUnderstood)?;
    let forget = shared.sources.kept.forget.clone();
    if aside(shared, move || forget(document)).await? { Ok(()) } else { Err(Refusal::NotKept) }
}

/// RFC 8187: everything but letters and digits of ASCII by its bytes.
fn percent(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}

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
