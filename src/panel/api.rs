//! Every address of the panel, who gets an answer there, and the order of the checks. `docs/panel.md` has the same table.
//!
//! ```text
//!   meant for this box? ─► an address? ─┬─► file of the page
//!                                       └─► own page? ─► which browser? ─► allowed? ─► Visit
//! ```

use super::door::Arrival;
use super::papers::Paper;
use super::reply::{self, Reply};
use super::tokens::Visitor;
use super::visit::Visit;
use super::words::Refusal;
use super::{Shared, assets, guard, whip};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, IF_NONE_MATCH};
use hyper::{Method, Request};
use std::sync::Arc;
use tokio::time::Instant;

/// One address.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// "GET", "POST" or "PUT".
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
    /// Who gets an answer besides a refusal.
    pub who: Who,
    endpoint: Endpoint,
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody in the room's networks.
    Room,
    /// Admitted guests: the PIN is known outside the room and opens no documents.
    Member,
    /// Admitted guests and the installer.
    Guest,
    /// The installer.
    Installer,
}

#[derive(Clone, Copy, Debug)]
enum Endpoint {
    Page,
    Style,
    Script,
    Dom,
    Remote,
    DocumentsScript,
    PagesScript,
    BoardScript,
    FloorScript,
    LiveScript,
    InstallerScript,
    UpdateScript,
    Words,
    Icon,
    Certificate,
    Visit(Errand),
}

/// What a browser comes for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Errand {
    Events,
    Enter,
    Wait,
    Leave,
    Ask,
    Share,
    OwnPicture,
    Page,
    Ink,
    Kept,
    KeptFile,
    ForgetKept,
    Notes,
    LiveToken,
    Ledger,
    LedgerCsv,
    Installer,
    Devices,
    Paper(Paper),
    Clock,
    Settings,
    SaveSettings,
    Update,
    Bundle,
    Install,
    Pass,
    Far,
    AskFar,
    Reset,
}

/// All addresses.
pub const ROUTES: [Route; 45] = [
    route("GET", "/", Who::Room, Endpoint::Page),
    route("GET", "/app.css", Who::Room, Endpoint::Style),
    route("GET", "/app.js", Who::Room, Endpoint::Script),
    route("GET", "/dom.js", Who::Room, Endpoint::Dom),
    route("GET", "/remote.js", Who::Room, Endpoint::Remote),
    route("GET", "/documents.js", Who::Room, Endpoint::DocumentsScript),
    route("GET", "/pages.js", Who::Room, Endpoint::PagesScript),
    route("GET", "/board.js", Who::Room, Endpoint::BoardScript),
    route("GET", "/floor.js", Who::Room, Endpoint::FloorScript),
    route("GET", "/live.js", Who::Room, Endpoint::LiveScript),
    route("GET", "/installer.js", Who::Room, Endpoint::InstallerScript),
    route("GET", "/update.js", Who::Room, Endpoint::UpdateScript),
    route("GET", "/words.js", Who::Room, Endpoint::Words),
    route("GET", "/icon.svg", Who::Room, Endpoint::Icon),
    route("GET", "/certificate.pem", Who::Room, Endpoint::Certificate),
    route("GET", "/api/events", Who::Room, Endpoint::Visit(Errand::Events)),
    route("POST", "/api/enter", Who::Room, Endpoint::Visit(Errand::Enter)),
    route("POST", "/api/wait", Who::Room, Endpoint::Visit(Errand::Wait)),
    route("POST", "/api/leave", Who::Room, Endpoint::Visit(Errand::Leave)),
    route("POST", "/api/ask", Who::Guest, Endpoint::Visit(Errand::Ask)),
    route("POST", DOCUMENTS, Who::Member, Endpoint::Visit(Errand::Share)),
    route("GET", "/api/page", Who::Member, Endpoint::Visit(Errand::Page)),
    route("GET", "/api/ink", Who::Member, Endpoint::Visit(Errand::Ink)),
    route("GET", "/api/kept", Who::Member, Endpoint::Visit(Errand::Kept)),
    route("GET", "/api/kept/file", Who::Member, Endpoint::Visit(Errand::KeptFile)),
    route("POST", "/api/kept/forget", Who::Member, Endpoint::Visit(Errand::ForgetKept)),
    route("GET", "/api/own.jpg", Who::Guest, Endpoint::Visit(Errand::OwnPicture)),
    route("GET", "/api/notes", Who::Member, Endpoint::Visit(Errand::Notes)),
    route("POST", "/api/live/token", Who::Member, Endpoint::Visit(Errand::LiveToken)),
    route("GET", "/api/ledger", Who::Guest, Endpoint::Visit(Errand::Ledger)),
    route("GET", "/api/ledger.csv", Who::Guest, Endpoint::Visit(Errand::LedgerCsv)),
    route("POST", "/api/installer", Who::Room, Endpoint::Visit(Errand::Installer)),
    route("GET", "/api/devices", Who::Installer, Endpoint::Visit(Errand::Devices)),
    route("GET", "/api/handover.pdf", Who::Installer, Endpoint::Visit(Errand::Paper(Paper::Handover))),
    route("GET", "/api/support.txt", Who::Installer, Endpoint::Visit(Errand::Paper(Paper::Support))),
    route("POST", "/api/clock", Who::Installer, Endpoint::Visit(Errand::Clock)),
    route("GET", "/api/settings", Who::Installer, Endpoint::Visit(Errand::Settings)),
    route("POST", "/api/settings", Who::Installer, Endpoint::Visit(Errand::SaveSettings)),
    route("GET", UPDATE, Who::Installer, Endpoint::Visit(Errand::Update)),
    route("PUT", UPDATE, Who::Installer, Endpoint::Visit(Errand::Bundle)),
    route("POST", "/api/update/install", Who::Installer, Endpoint::Visit(Errand::Install)),
    route("POST", "/api/update/pass", Who::Installer, Endpoint::Visit(Errand::Pass)),
    route("GET", "/api/far", Who::Installer, Endpoint::Visit(Errand::Far)),
    route("POST", "/api/far", Who::Installer, Endpoint::Visit(Errand::AskFar)),
    route("POST", "/api/reset", Who::Installer, Endpoint::Visit(Errand::Reset)),
];

const DOCUMENTS: &str = "/api/documents";
const UPDATE: &str = "/api/update";

const fn route(method: &'static str, path: &'static str, who: Who, endpoint: Endpoint) -> Route {
    Route { method, path, who, endpoint }
}

/// The answer to one request; there always is one.
pub(super) async fn answer(shared: &Arc<Shared>, arrival: &Arrival, request: Request<Incoming>) -> Reply {
    let path = request.uri().path();
    let shows = !matches!(*request.method(), Method::POST | Method::PUT);
    let brought = path == DOCUMENTS || (path == UPDATE && !shows);
    let whip = whip::is_meant(path).then(|| whip::methods(path));
    let (result, cookie) = checked(shared, arrival, request).await;
    let language = shared.facts.language;
    let mut reply = match result {
        Ok(reply) => reply,
        Err(refusal) => match whip {
            Some(methods) => whip::refused(refusal, methods, language),
            None if shows => reply::not_shown(refusal, language),
            None => reply::refused(refusal, language),
        },
    };
    if let Some(cookie) = cookie {
        reply::set_cookie(&mut reply, &shared.cookie_name, &cookie);
    }
    if brought {
        // The connection's buffers hold the end of the document, and an open page's connection lives long.
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}

/// The answer, and a new cookie with it if this browser had none.
async fn checked(
    shared: &Arc<Shared>,
    arrival: &Arrival,
    request: Request<Incoming>,
) -> (Result<Reply, Refusal>, Option<String>) {
    let meant = guard::meant_for(arrival.local, request.uri(), request.headers());
    if meant.is_ok() && whip::is_meant(request.uri().path()) {
        if let Err(refusal) = guard::own_page(request.headers()) {
            return (Err(refusal), None);
        }
        let cookie = guard::cookie(request.headers(), &shared.cookie_name);
        let visitor = cookie.and_then(|cookie| shared.tokens.find(cookie)).map(|visitor| visitor.guest);
        return (whip::answer(shared, arrival, visitor, request).await, None);
    }
    let route = match meant {
        Ok(()) => find(&request),
        Err(refusal) => Err(refusal),
    };
    let route = match route {
        Ok(route) => route,
        Err(refusal) => return (Err(refusal), None),
    };
    let asset = |asset| (Ok(reply::asset(asset, request.headers().get(IF_NONE_MATCH))), None);
    let errand = match route.endpoint {
        Endpoint::Page => return asset(assets::PAGE),
        Endpoint::Style => return asset(assets::STYLE),
        Endpoint::Script => return asset(assets::SCRIPT),
        Endpoint::Dom => return asset(assets::DOM),
        Endpoint::Remote => return asset(assets::REMOTE),
        Endpoint::DocumentsScript => return asset(assets::DOCUMENTS),
        Endpoint::PagesScript => return asset(assets::PAGES),
        Endpoint::BoardScript => return asset(assets::BOARD),
        Endpoint::FloorScript => return asset(assets::FLOOR),
        Endpoint::LiveScript => return asset(assets::LIVE),
        Endpoint::InstallerScript => return asset(assets::INSTALLER),
        Endpoint::UpdateScript => return asset(assets::UPDATE),
        Endpoint::Words => return asset(assets::WORDS),
        Endpoint::Icon => return asset(assets::ICON),
        Endpoint::Certificate => {
            let pem = shared.certificates.current().pem.clone();
            return (Ok(reply::file("application/x-pem-file", "attachment; filename=\"engawa.pem\"", pem)), None);
        }
        Endpoint::Visit(errand) => errand,
    };
    match guard::own_page(request.headers()).and_then(|()| name(shared, &request)) {
        Ok((visitor, cookie)) => {
            (Visit { shared, arrival, visitor }.carry_out(errand, route.who, request).await, cookie)
        }
        Err(refusal) => (Err(refusal), None),
    }
}

fn find(request: &Request<Incoming>) -> Result<&'static Route, Refusal> {
    let here = || ROUTES.iter().filter(|route| route.path == request.uri().path());
    let missing = if here().next().is_some() { Refusal::WrongMethod } else { Refusal::NoSuchPage };
    here().find(|route| request.method() == route.method).ok_or(missing)
}

/// Whose request this is; a browser without a cookie gets one. Only addresses below /api do that: a link on another site's page
/// brings no cookie along, and must not replace the one that is there.
fn name(shared: &Shared, request: &Request<Incoming>) -> Result<(Visitor, Option<String>), Refusal> {
    let cookie = guard::cookie(request.headers(), &shared.cookie_name);
    if let Some(visitor) = cookie.and_then(|cookie| shared.tokens.find(cookie)) {
        return Ok((visitor, None));
    }
    let guests = &shared.shown.borrow().snapshot.room.guests;
    let (cookie, visitor) = shared.tokens.issue(guests, Instant::now()).ok_or(Refusal::Busy)?;
    Ok((visitor, Some(cookie)))
}
