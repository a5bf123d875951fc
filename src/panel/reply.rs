//! Answers on the wire: JSON, files, and the headers that go with all of them.

use super::assets::Asset;
use super::events::Events;
use super::words::Refusal;
use crate::model::Language;
use http_body_util::{Either, Full};
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use serde::Serialize;

/// Whole, or a stream.
pub(super) type Reply = Response<Either<Full<Bytes>, Events>>;

/// What RFC 9457 wants to be told of a problem, beside what a page reads.
#[derive(Serialize)]
struct Problem {
    #[serde(flatten)]
    answered: Answered,
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'static str,
}

#[derive(Serialize)]
struct Answered {
    answer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    text: &'static str,
}

/// What was asked is done, or was so.
pub(super) fn done(answer: &'static str, text: &'static str) -> Reply {
    json(StatusCode::OK, &Answered { answer, why: None, text })
}

/// It is not done, and why.
pub(super) fn refused(refusal: Refusal, language: Language) -> Reply {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    json(status, &Answered { answer: "denied", why: Some(refusal.why()), text: refusal.text(language) })
}

/// The same for what was to be shown: never with the status of something shown.
pub(super) fn not_shown(refusal: Refusal, language: Language) -> Reply {
    let mut reply = refused(refusal, language);
    if reply.status().is_success() {
        *reply.status_mut() = StatusCode::FORBIDDEN;
    }
    if refusal == Refusal::WrongMethod {
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST, PUT"));
    }
    reply
}

/// The same for programs of others.
pub(super) fn problem(refusal: Refusal, language: Language) -> Reply {
    let status = not_shown(refusal, language).status();
    let (why, text) = (Some(refusal.why()), refusal.text(language));
    let title = status.canonical_reason().unwrap_or_default();
    let answered = Answered { answer: "denied", why, text };
    let problem = Problem { answered, r#type: "about:blank", title, status: status.as_u16(), detail: text };
    let mut reply = json(status, &problem);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    reply
}

/// Any value.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Reply {
    let text = serde_json::to_vec(value).unwrap_or_default();
    let mut reply = bytes("application/json", Bytes::from(text));
    *reply.status_mut() = status;
    reply
}

/// Bytes that are never kept by anybody.
pub(super) fn bytes(kind: &'static str, bytes: Bytes) -> Reply {
    plain(kind, "no-store", Either::Left(Full::new(bytes)))
}

/// The same as a file to be saved.
pub(super) fn file(kind: &'static str, saved_as: &'static str, content: Bytes) -> Reply {
    let mut reply = bytes(kind, content);
    reply.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_static(saved_as));
    reply
}

/// A file of the page, or the news that the browser's copy is still right.
pub(super) fn asset(asset: Asset, known: Option<&HeaderValue>) -> Reply {
    let etag = asset.etag();
    let same = known.is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let content = if same { Bytes::new() } else { Bytes::from_static(asset.bytes) };
    let mut reply = plain(asset.kind, "no-cache", Either::Left(Full::new(content)));
    if same {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
    }
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        reply.headers_mut().insert(ETAG, etag);
    }
    reply
}

/// The event stream.
pub(super) fn events(events: Events) -> Reply {
    plain("text/event-stream", "no-store", Either::Right(events))
}

/// Names the browser from now on. `__Host-`: nothing else on this address, no page without TLS, can set or change it.
pub(super) fn set_cookie(reply: &mut Reply, name: &str, cookie: &str) {
    let text = format!("{name}={cookie}; Path=/; HttpOnly; Secure; SameSite=Strict");
    if let Ok(value) = HeaderValue::from_str(&text) {
        reply.headers_mut().insert(SET_COOKIE, value);
    }
}

fn plain(kind: &'static str, cache: &'static str, body: Either<Full<Bytes>, Events>) -> Reply {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    for (name, value) in [
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    reply
}

const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
