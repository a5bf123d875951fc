//! WHIP (RFC 9725) for PCs of the room: an offer in, an answer out; media goes another way.
//!
//! ```text
//!   POST /whip        this page's browser by its cookie, other senders by a token ─► core: may it? ─► 201, Location, answer
//!   DELETE /whip/<id>  whoever brought it
//!   POST /api/live/token ─► a token for another sender; dies with its guest's place in the meeting
//! ```

use super::door::Arrival;
use super::reply::{self, Reply};
use super::state::Standing;
use super::words::Refusal;
use super::{Shared, guard};
use crate::core::live::LiveSource;
use crate::core::request::Denied;
use crate::door::Worth;
use crate::live::{LiveFault, LiveOffer, WITHIN_THE_ROOM};
use crate::model::{GuestId, Language, LiveId, LiveKind};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, AUTHORIZATION, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Method, Request, StatusCode};
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Tokens for other senders, and who brought which source.
#[derive(Default)]
pub(super) struct Senders(Mutex<Known>);

#[derive(Default)]
struct Known {
    tokens: VecDeque<Token>,
    sources: VecDeque<(LiveId, GuestId)>,
}

struct Token {
    text: String,
    guest: GuestId,
    /// How often all guests had been sent away.
    evictions: u64,
}

/// Who asks.
struct Bringer {
    guest: GuestId,
    kind: LiveKind,
}

/// It is for this door.
pub(super) fn is_meant(path: &str) -> bool {
    path == PATH || path.strip_prefix(PATH).is_some_and(|rest| rest.starts_with('/'))
}

/// Everything below [`PATH`]. `visitor`: whom the cookie names, if there is one.
pub(super) async fn answer(
    shared: &Shared,
    arrival: &Arrival,
    visitor: Option<GuestId>,
    request: Request<Incoming>,
) -> Result<Reply, Refusal> {
    let source = request.uri().path().strip_prefix(PATH).and_then(|rest| rest.strip_prefix('/')).map(str::to_owned);
    match (request.method(), source) {
        (&Method::OPTIONS, _) => Ok(options(methods(request.uri().path()))),
        (&Method::POST, None) => bring(shared, arrival, bringer(shared, visitor, &request)?, request).await,
        (&Method::DELETE, Some(source)) => {
            // Whoever brought it may end it, a guest still or not.
            let bringer = named(shared, visitor, &request, None).ok_or(Refusal::NoToken)?;
            let id = source.parse().map(LiveId).map_err(|_| Refusal::NoSuchPage)?;
            if !shared.senders.take(id, bringer.guest) {
                return Err(Refusal::NoSuchPage);
            }
            (shared.sources.live.close)(id);
            Ok(reply::bytes("text/plain", Bytes::new()))
        }
        _ => Err(Refusal::WrongMethod),
    }
}

/// What may be done at this path.
pub(super) fn methods(path: &str) -> &'static str {
    if path == PATH { AT_THE_DOOR } else { AT_A_SHARE }
}

/// A refusal with what its status wants to be told beside it. `methods`: see [`methods`].
pub(super) fn refused(refusal: Refusal, methods: &'static str, language: Language) -> Reply {
    let mut reply = reply::problem(refusal, language);
    let beside = match reply.status() {
        StatusCode::UNAUTHORIZED => (WWW_AUTHENTICATE, "Bearer realm=\"engawa\""),
        StatusCode::METHOD_NOT_ALLOWED => (ALLOW, methods),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (ACCEPT, SDP),
        StatusCode::SERVICE_UNAVAILABLE => (RETRY_AFTER, "3"),
        _ => return reply,
    };
    reply.headers_mut().insert(beside.0, HeaderValue::from_static(beside.1));
    reply
}

/// `POST /api/live/token`
pub(super) fn token(shared: &Shared, arrival: &Arrival, guest: GuestId) -> Result<Reply, Refusal> {
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random).map_err(|_| Refusal::Busy)?;
    let mut text = String::with_capacity(32);
    for byte in random {
        let _a_string_takes_everything = write!(text, "{byte:02x}");
    }
    let evictions = shared.shown.borrow().snapshot.room.evictions;
    shared.senders.add(Token { text: text.clone(), guest, evictions });
    let url = format!("https://{}{PATH}", arrival.local);
    Ok(reply::json(StatusCode::OK, &serde_json::json!({ "url": url, "token": text })))
}

async fn bring(
    shared: &Shared,
    arrival: &Arrival,
    bringer: Bringer,
    request: Request<Incoming>,
) -> Result<Reply, Refusal> {
    arrival.place.is(Worth::Guest);
    let declared = guard::typed(request, SDP, LONGEST_OFFER).await;
    let sdp = declared.map_err(|refusal| if refusal == Refusal::NotJson { Refusal::NotSdp } else { refusal })?;
    let sdp = String::from_utf8(sdp.to_vec()).map_err(|_| Refusal::NotShared(LiveFault::Malformed))?;
    let door = &shared.sources.live;
    let id = (door.name)();
    let sound = sdp.lines().any(|line| line.starts_with("m=audio"));
    let source = LiveSource { id, kind: bringer.kind, guest: Some(bringer.guest), name: String::new(), sound };
    let offer = LiveOffer { sdp, own: arrival.local.ip(), from: arrival.source, most: WITHIN_THE_ROOM };
    let answer = (door.open)(source, offer).await.map_err(Refusal::NotShared)?;
    shared.senders.brought(id, bringer.guest);
    let mut reply = reply::bytes(SDP, Bytes::from(answer));
    *reply.status_mut() = StatusCode::CREATED;
    if let Ok(place) = HeaderValue::from_str(&format!("{PATH}/{}", id.0)) {
        reply.headers_mut().insert(LOCATION, place);
    }
    Ok(reply)
}

/// An admitted guest, by token or by cookie.
fn bringer(shared: &Shared, visitor: Option<GuestId>, request: &Request<Incoming>) -> Result<Bringer, Refusal> {
    let evictions = shared.shown.borrow().snapshot.room.evictions;
    let admitted = |bringer: &Bringer| shared.shown.borrow().standing(bringer.guest) == Standing::Admitted;
    // Who was let in once and is not any more is told so; who never was must say who it is.
    let known = named(shared, visitor, request, None).ok_or(Refusal::NoToken)?;
    let of_now = named(shared, visitor, request, Some(evictions)).is_some();
    Some(known).filter(|known| of_now && admitted(known)).ok_or(Refusal::Denied(Denied::NotAdmitted))
}

/// Whom token or cookie name. `evictions`: the token must be of the time since so many.
fn named(
    shared: &Shared,
    visitor: Option<GuestId>,
    request: &Request<Incoming>,
    evictions: Option<u64>,
) -> Option<Bringer> {
    let bearer = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.split_once(' '));
    match bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) {
        Some((_, token)) => {
            let guest = shared.senders.guest(token.trim(), evictions)?;
            Some(Bringer { guest, kind: LiveKind::Sender })
        }
        None => visitor.map(|guest| Bringer { guest, kind: LiveKind::Browser }),
    }
}

fn options(methods: &'static str) -> Reply {
    let mut reply = reply::bytes("text/plain", Bytes::new());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [(ALLOW, methods), (HeaderName::from_static("accept-post"), SDP), (ACCEPT, SDP)] {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    reply
}

impl Senders {
    fn add(&self, token: Token) {
        let mut known = self.lock();
        known.tokens.retain(|old| old.guest != token.guest);
        known.tokens.push_back(token);
        while known.tokens.len() > MOST_TOKENS {
            known.tokens.pop_front();
        }
    }

    fn guest(&self, text: &str, evictions: Option<u64>) -> Option<GuestId> {
        let known = self.lock();
        let of_now = |token: &&Token| evictions.is_none_or(|evictions| token.evictions == evictions);
        known.tokens.iter().filter(of_now).find(|token| token.text == text).map(|token| token.guest)
    }

    fn brought(&self, id: LiveId, guest: GuestId) {
        let mut known = self.lock();
        known.sources.push_back((id, guest));
        while known.sources.len() > MOST_SOURCES {
            known.sources.pop_front();
        }
    }

    fn take(&self, id: LiveId, guest: GuestId) -> bool {
        let mut known = self.lock();
        let before = known.sources.len();
        known.sources.retain(|source| *source != (id, guest));
        known.sources.len() < before
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The WHIP endpoint.
pub(super) const PATH: &str = "/whip";
const AT_THE_DOOR: &str = "OPTIONS, POST";
const AT_A_SHARE: &str = "OPTIONS, DELETE";
const SDP: &str = "application/sdp";
/// Bytes; an offer of Chromium has about 8 KiB.
const LONGEST_OFFER: usize = 64 * 1024;
/// As many as guests.
const MOST_TOKENS: usize = 64;
const MOST_SOURCES: usize = 64;
