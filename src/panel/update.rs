//! Updates at the installer's page: a bundle streams to the disk and what became of it is told; RAUC believes it or not.
//!
//! ```text
//!   PUT ?id=…&length=…&offset=… ─ 256 KiB at a time ─► incoming.part ─ whole ─► update.raucb ─► wish: check
//!            └─ cut: what came stays, GET says how much of which, the next PUT goes on there
//! ```
//! One bundle at a time, in a quarter of a megabyte of memory, each piece of it within a deadline; the disk is written beside the
//! panel's thread.

use super::Shared;
use super::papers::aside;
use super::query;
use super::reply::{self, Reply};
use super::words::{Refusal, pick};
use crate::model::Language;
use crate::update::{self, Asked, Incoming, Place, Source, State, Wish};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming as Arriving};
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use serde::Serialize;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// An update on its way to the far box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// It is offered as soon as there is a line.
    Waits,
    /// So many percent are there.
    Goes(u8),
    /// All of it is there.
    Arrived,
    /// It is not taken there.
    Refused(NotPassed),
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPassed {
    /// Larger than any bundle may be.
    TooLarge,
    /// The disk there would be too full.
    NoSpace,
    /// Another one is on its way there.
    Busy,
    /// It could not be written, or came broken.
    Failed,
}

/// What the page is told.
#[derive(Serialize)]
struct Told {
    release: &'static str,
    far_release: Option<String>,
    state: State,
    source: Option<Source>,
    bundle: Option<String>,
    percent: u8,
    text: String,
    waits: bool,
    part: Option<Part>,
    passing: Option<PassingTold>,
    most: u64,
}

#[derive(Serialize)]
struct PassingTold {
    state: &'static str,
    percent: u8,
    text: &'static str,
}

/// What a browser may go on with.
#[derive(Serialize)]
struct Part {
    id: String,
    length: u64,
    here: u64,
}

#[derive(Serialize)]
struct Complaint {
    answer: &'static str,
    why: &'static str,
    text: String,
}

/// `GET /api/update`
pub(super) async fn show(shared: &Shared) -> Result<Reply, Refusal> {
    let (place, language) = (shared.sources.updates.clone(), shared.facts.language);
    let far_release = shared.shown.borrow().snapshot.peer_release.clone();
    let passing = (shared.sources.passing)().map(|passed| passing_told(passed, language));
    let told = aside(shared, move || {
        let (report, most) = (place.report(), place.most());
        let part =
            place.unfinished().and_then(|part| Some(Part { id: part.name?, length: part.length, here: part.here }));
        Told {
            release: update::release::release(),
            far_release,
            state: report.state,
            source: report.source,
            bundle: report.release,
            percent: report.percent,
            text: match language {
                Language::Japanese => report.japanese,
                Language::English => report.english,
            },
            waits: place.whole().is_some(),
            part,
            passing,
            most,
        }
    });
    Ok(reply::json(StatusCode::OK, &told.await?))
}

/// `PUT /api/update`: `used` is called while it comes.
pub(super) async fn take(shared: &Shared, used: impl Fn(), request: Request<Arriving>) -> Result<Reply, Refusal> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.eq_ignore_ascii_case("application/octet-stream") {
        return Err(Refusal::NotJson);
    }
    let wanted = Wanted::read(request.uri().query().unwrap_or_default()).ok_or(Refusal::NotUnderstood)?;
    let mut body = request.into_body();
    if body.size_hint().exact() != wanted.length.checked_sub(wanted.offset) {
        return Err(Refusal::NotUnderstood);
    }
    let _one = shared.bundles.try_acquire().map_err(|_| Refusal::Busy)?;
    used();
    let (place, asked) = (shared.sources.updates.clone(), wanted.offset);
    let opened = beside(move || wanted.open(&place)).await?;
    let mut incoming = match opened {
        Ok(incoming) if incoming.offset() == asked => incoming,
        Ok(_) => return Err(Refusal::OtherOffset),
        Err(refusal) => return Ok(not_taken(&refusal, shared.facts.language)),
    };
    loop {
        let (piece, end) = piece(&mut body).await;
        used();
        let written = beside(move || incoming.write(&piece).map(|()| incoming)).await?;
        incoming = match written {
            Ok(incoming) => incoming,
            Err(refusal) => return Ok(not_taken(&refusal, shared.facts.language)),
        };
        match end {
            None => {}
            Some(Ok(())) => break,
            Some(Err(refusal)) => return Err(refusal),
        }
    }
    let place = shared.sources.updates.clone();
    let whole = beside(move || incoming.finish().and_then(|whole| Ok(place.wish(Wish::Check).map(|()| whole)?)));
    match whole.await? {
        Ok(whole) => {
            tracing::info!(bytes = whole.length, "an update came from the panel");
            let text = pick(shared.facts.language, "届きました。確かめています。", "It is here and is being checked.");
            Ok(reply::done("accepted", text))
        }
        Err(refusal) => Ok(not_taken(&refusal, shared.facts.language)),
    }
}

/// `POST /api/update/install`
pub(super) async fn install(shared: &Shared) -> Result<Reply, Refusal> {
    let place = shared.sources.updates.clone();
    let language = shared.facts.language;
    match aside(shared, move || place.ask_install()).await? {
        Ok(Asked::Now) => Ok(reply::done(
            "accepted",
            pick(
                language,
                "更新を入れ始めます。終わると、会議をしていないときに箱が再起動します。",
                "It is being installed. The box restarts when no meeting is on.",
            ),
        )),
        Ok(Asked::Before) => {
            Ok(reply::done("already", pick(language, "もう入れています。", "It is being installed already.")))
        }
        Ok(Asked::Later) => Err(Refusal::Busy),
        Ok(Asked::NothingHere) => Err(Refusal::NoUpdate),
        Err(error) => {
            tracing::warn!(%error, "the installation of an update cannot be asked for");
            Err(Refusal::NotSaved)
        }
    }
}

/// `POST /api/update/pass`
pub(super) async fn pass(shared: &Shared) -> Result<Reply, Refusal> {
    let (pass, language) = (shared.sources.pass.clone(), shared.facts.language);
    match aside(shared, move || pass()).await? {
        Ok(true) => Ok(reply::done(
            "accepted",
            pick(
                language,
                "相手の箱へ送ります。線が切れても続きから送ります。入れるには、向こうの設置ページか「相手の箱を手伝う」で押してください。",
                "It is being sent to the other box, whatever happens to the line. Installing it takes a press over there, or under “Help the other box”.",
            ),
        )),
        Ok(false) => Err(Refusal::NoUpdate),
        Err(error) => {
            tracing::warn!(%error, "an update cannot be passed on");
            Err(Refusal::NotSaved)
        }
    }
}

fn passing_told(passed: Passed, language: Language) -> PassingTold {
    let (state, percent, ja, en) = match passed {
        Passed::Waits => ("waits", 0, "相手の箱を待っています。", "Waiting for the other box."),
        Passed::Goes(percent) => ("goes", percent, "相手の箱へ送っています。", "On its way to the other box."),
        Passed::Arrived => ("arrived", 100, "相手の箱に届きました。", "The other box has it."),
        Passed::Refused(why) => {
            let (ja, en) = match why {
                NotPassed::TooLarge => ("相手の箱には大きすぎます。", "It is too large for the other box."),
                NotPassed::NoSpace => ("相手の箱の空き容量が足りません。", "The other box's disk is too full."),
                NotPassed::Busy => (
                    "相手の箱は別の更新を受け取っています。あとでもう一度押してください。",
                    "Another update is arriving there. Please press again later.",
                ),
                NotPassed::Failed => ("相手の箱が受け取れませんでした。", "The other box could not take it."),
            };
            ("refused", 0, ja, en)
        }
    };
    PassingTold { state, percent, text: pick(language, ja, en) }
}

/// What stands behind the question mark.
struct Wanted {
    id: String,
    length: u64,
    offset: u64,
}

impl Wanted {
    fn read(query: &str) -> Option<Self> {
        let id: String = query::number(query, "id")?;
        let offset = if query.contains("offset=") { query::number(query, "offset")? } else { 0 };
        let named = (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        named.then_some(Self { id, length: query::number(query, "length")?, offset })
    }

    fn open(&self, place: &Place) -> Result<Incoming, update::Refusal> {
        match self.offset {
            0 => place.begin_named(Source::Panel, self.length, &self.id),
            _ => place.go_on(Source::Panel, self.length, &self.id),
        }
    }
}

/// The next quarter of a megabyte, or what there is of it; and how the body ended, if it did.
async fn piece(body: &mut Arriving) -> (Vec<u8>, Option<Result<(), Refusal>>) {
    let mut piece = Vec::with_capacity(PIECE);
    while piece.len() < PIECE {
        match timeout(CHUNK_DUE, body.frame()).await {
            Ok(None) => return (piece, Some(Ok(()))),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    piece.extend_from_slice(&data);
                }
            }
            Ok(Some(Err(_))) => return (piece, Some(Err(Refusal::NotUnderstood))),
            Err(_) => return (piece, Some(Err(Refusal::TooSlow))),
        }
    }
    (piece, None)
}

/// Something that waits for the disk, longer than the papers may.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    timeout(DISK_DUE, spawn_blocking(work)).await.map_err(|_| Refusal::Busy)?.map_err(|_| Refusal::Busy)
}

fn not_taken(refusal: &update::Refusal, language: Language) -> Reply {
    tracing::warn!(%refusal, "an update from the panel is not taken");
    let text = refusal.text(language);
    reply::json(StatusCode::OK, &Complaint { answer: "denied", why: "not_taken", text })
}

/// Bytes that are written at a time, and all that is held in memory.
const PIECE: usize = 256 * 1024;
/// For the next bytes to come.
const CHUNK_DUE: Duration = Duration::from_secs(10);
/// A disk that takes nothing for so long is none; half a bundle is read again in less.
const DISK_DUE: Duration = Duration::from_secs(60);
/// Characters of what a browser calls a bundle.
const LONGEST_ID: usize = 64;

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn a_bundle_is_named_by_hexadecimal_digits_and_nothing_else() {
        let read = |query: &str| Wanted::read(query).map(|wanted| (wanted.id, wanted.length, wanted.offset));
        assert_eq!(read("id=0af&length=7"), Some(("0af".into(), 7, 0)));
        assert_eq!(read("id=0af&length=7&offset=3"), Some(("0af".into(), 7, 3)));
        for wrong in ["id=&length=7", "id=../x&length=7", "id=0af", "length=7", "id=0af&length=-1"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(read("id=0af&length=7&offset=x"), None);
        assert_eq!(read(&format!("id={}&length=7", "a".repeat(65))), None);
    }
}
