//! One request of one browser: what is asked of the core, and what is shown.

use super::api::{Errand, Who};
use super::ask::{Clock, Enter, Forget, Install, Installer, Leave, Reset, Wait};
use super::door::Arrival;
use super::events::Events;
use super::pin::PinFault;
use super::reply::{self, Reply};
use super::state::Standing;
use super::tokens::Visitor;
use super::words::{self, Refusal};
use super::{Shared, board, far, guard, pages, papers, query, settings, update, whip};
use crate::asking;
use crate::core::input::RoomInput;
use crate::core::request::{Answer, Asker, Denied};
use crate::door::Worth;
use crate::model::{GuestId, Ticket};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Who asks, and where.
pub(super) struct Visit<'v> {
    pub(super) shared: &'v Arc<Shared>,
    pub(super) arrival: &'v Arrival,
    pub(super) visitor: Visitor,
}

impl Visit<'_> {
    /// Does it, if this visitor may.
    pub(super) async fn carry_out(
        &self,
        errand: Errand,
        who: Who,
        request: Request<Incoming>,
    ) -> Result<Reply, Refusal> {
        let may_see = self.may_see();
        self.shared.tokens.came_from(self.guest(), self.arrival.source);
        self.arrival.place.is(if may_see { Worth::Guest } else { Worth::Stranger });
        match who {
            Who::Room => {}
            Who::Guest if may_see => {}
            Who::Member if self.standing() == Standing::Admitted => {}
            Who::Guest | Who::Member => return Err(Refusal::Denied(Denied::NotAdmitted)),
            Who::Installer if self.visitor.installer => {}
            Who::Installer => return Err(Refusal::NotInstaller),
        }
        match errand {
            Errand::Events => self.events(),
            Errand::Enter => self.enter(read(request).await?).await,
            Errand::Wait => self.wait(read(request).await?).await,
            Errand::Leave => read(request).await.map(|Leave {}| self.leave()),
            Errand::Ask => self.ask(&object(request, LONGEST_WISH).await?).await,
            Errand::Share => self.share(request).await,
            Errand::OwnPicture => papers::own_picture(self.shared).await,
            Errand::Page => pages::picture(self.shared, request.uri().query().unwrap_or_default()).await,
            Errand::Ink => pages::ink(self.shared, request.uri().query().unwrap_or_default()),
            Errand::LiveToken => whip::token(self.shared, self.arrival, self.guest()),
            Errand::Kept => pages::kept(self.shared).await,
            Errand::KeptFile => {
                pages::kept_file(self.shared, self.guest(), request.uri().query().unwrap_or_default()).await
            }
            Errand::ForgetKept => {
                let Forget { document } = read(request).await?;
                self.used();
                pages::forget(self.shared, self.guest(), &document).await?;
                self.said(Answer::Accepted)
            }
            Errand::Notes => Ok(board::notes(self.shared)),
            Errand::Ledger => papers::ledger(self.shared).await,
            Errand::LedgerCsv => papers::ledger_csv(self.shared).await,
            Errand::Installer => self.installer(read(request).await?).await,
            Errand::Devices => papers::devices(self.shared).await,
            Errand::Paper(paper) => papers::written(self.shared, paper).await,
            Errand::Clock => self.clock(&read(request).await?).await,
            Errand::Reset => self.reset(read(request).await?).await,
            Errand::Settings => settings::show(self.shared).await,
            Errand::SaveSettings => {
                self.used();
                settings::save(self.shared, read(request).await?).await
            }
            Errand::Update => update::show(self.shared).await,
            Errand::Bundle => update::take(self.shared, || self.used(), request).await,
            Errand::Install => {
                let Install {} = read(request).await?;
                self.used();
                update::install(self.shared).await
            }
            Errand::Pass => {
                let Install {} = read(request).await?;
                self.used();
                update::pass(self.shared).await
            }
            Errand::Far => Ok(far::show(self.shared)),
            Errand::AskFar => {
                self.used();
                self.said(far::ask(self.shared, read(request).await?).await?)
            }
        }
    }

    fn events(&self) -> Result<Reply, Refusal> {
        let stream = self.shared.tokens.open_stream(self.guest()).ok_or(Refusal::TooManyPages)?;
        Ok(reply::events(Events::tell(self.shared, self.visitor, stream, self.arrival.place.clone())))
    }

    async fn enter(&self, enter: Enter) -> Result<Reply, Refusal> {
        let code = enter.code().ok_or(Refusal::NoCode)?;
        let answer = self.try_code(code, enter.name).await?;
        self.said(answer)
    }

    async fn wait(&self, wait: Wait) -> Result<Reply, Refusal> {
        let (guest, name) = (self.guest(), self.name(wait.name));
        if self.standing() == Standing::Unknown && self.shared.shown.borrow().waiting() >= MOST_WAITING {
            return Err(Refusal::Denied(Denied::Full));
        }
        let answer = self.as_a_stranger(|ticket| RoomInput::AdmissionAsked { ticket, guest, name }).await?;
        self.said(answer)
    }

    /// The cookie stays: the same browser may come again. Only a guest is gone: nobody else can fill the loop's inbox.
    fn leave(&self) -> Reply {
        self.shared.tokens.set_installer(self.guest(), false);
        let known = self.standing() != Standing::Unknown;
        if known {
            self.shared.questions.tell(RoomInput::GuestLeft(self.guest()));
        }
        self.shared.nudge();
        let language = self.shared.facts.language;
        let answer = if known || self.visitor.installer { Answer::Accepted } else { Answer::AlreadySo };
        words::done(answer, language)
            .map_or_else(|refusal| reply::refused(refusal, language), |(a, t)| reply::done(a, t))
    }

    async fn ask(&self, body: &[u8]) -> Result<Reply, Refusal> {
        let request = asking::request(body).map_err(|_| Refusal::NotUnderstood)?;
        self.used();
        let by = self.asker();
        let answer = self.shared.questions.ask(|ticket| RoomInput::Asked { ticket, by, request }).await;
        self.said(answer.ok_or(Refusal::Busy)?)
    }

    /// A document from this browser.
    async fn share(&self, request: Request<Incoming>) -> Result<Reply, Refusal> {
        let name = query::file_name(request.uri().query().unwrap_or_default());
        let _place = self.shared.uploads.try_acquire().map_err(|_| Refusal::Busy)?;
        let begun = Some(self.shared.shown.borrow().snapshot.room.occasion());
        let bytes = guard::document(request).await?;
        self.used();
        let documents = &self.shared.sources.documents;
        let shared = self.shared.questions.share(documents, self.asker(), &name, begun, bytes).await;
        self.said(shared.map_err(Refusal::NotTaken)?.ok_or(Refusal::Busy)?)
    }

    async fn installer(&self, installer: Installer) -> Result<Reply, Refusal> {
        self.prove(installer.digits()).await?;
        tracing::info!(source = %self.arrival.source, "a browser became installer");
        self.used();
        self.shared.tokens.set_installer(self.guest(), true);
        self.shared.questions.tell(RoomInput::InstallerEntered(self.guest()));
        self.shared.nudge();
        self.said(Answer::Accepted)
    }

    /// Everything that this box knows is to go: proved again by the PIN, and by its name that it is this box.
    async fn reset(&self, reset: Reset) -> Result<Reply, Refusal> {
        self.prove(reset.digits()).await?;
        self.used();
        if reset.name.trim() != self.shared.name.trim() {
            return Err(Refusal::OtherName);
        }
        let guest = self.guest();
        let told = self.shared.questions.ask(|ticket| RoomInput::ResetWanted { ticket, guest }).await;
        if let Answer::Denied(denied) = told.ok_or(Refusal::Busy)? {
            return Err(Refusal::Denied(denied));
        }
        let forget = self.shared.sources.forget.clone();
        papers::aside(self.shared, move || forget()).await?.map_err(|error| {
            tracing::warn!(%error, "this box cannot be made to forget everything");
            Refusal::NotSaved
        })?;
        tracing::warn!(source = %self.arrival.source, "this box forgets everything, as its installer wishes");
        let text = words::pick(
            self.shared.facts.language,
            "受け付けました。この箱は、すべてを忘れて始めから始まります。電源を切らないでください。",
            "Done. This box forgets everything and begins anew. Leave its power on.",
        );
        Ok(reply::done("accepted", text))
    }

    /// Without a PIN in the configuration the room code is what only somebody in the room knows.
    async fn prove(&self, digits: Option<String>) -> Result<(), Refusal> {
        let digits = digits.unwrap_or_default();
        match &self.shared.pin {
            Some(pin) => {
                let _place = self.stranger().await?;
                pin.attempt(&digits, Instant::now()).map_err(|fault| match fault {
                    PinFault::Wrong => Refusal::WrongPin,
                    PinFault::Pause => Refusal::PinPause,
                })?;
            }
            None => {
                let code = digits.parse().ok().filter(|_| digits.len() == 6).ok_or(Refusal::NoCode)?;
                let name = words::pick(self.shared.facts.language, "設置担当", "Installer").to_owned();
                if let Answer::Denied(denied) = self.try_code(code, name).await? {
                    return Err(Refusal::Denied(denied));
                }
            }
        }
        Ok(())
    }

    async fn clock(&self, clock: &Clock) -> Result<Reply, Refusal> {
        self.used();
        if !PLAUSIBLE_MS.contains(&clock.unix_ms) {
            return Err(Refusal::NotUnderstood);
        }
        let (set, since_1970) = (self.shared.sources.set_clock.clone(), Duration::from_millis(clock.unix_ms));
        match papers::aside(self.shared, move || set(since_1970)).await? {
            Ok(()) => self.said(Answer::Accepted),
            Err(error) => {
                tracing::warn!(%error, "the clock was not set from the panel");
                Err(Refusal::ClockNotSet)
            }
        }
    }

    /// Once the answer is yes the published state says so too: what is asked next meets a guest.
    async fn try_code(&self, code: u32, name: String) -> Result<Answer, Refusal> {
        let (guest, name) = (self.guest(), self.name(name));
        let answer = self.as_a_stranger(|ticket| RoomInput::CodeTried { ticket, guest, code, name }).await?;
        if answer == Answer::Accepted {
            let mut shown = self.shared.shown.subscribe();
            let admitted = shown.wait_for(|shown| shown.standing(guest) == Standing::Admitted);
            let _removed_again = timeout(PUBLISHED_WITHIN, admitted).await;
        }
        Ok(answer)
    }

    async fn as_a_stranger(&self, question: impl FnOnce(Ticket) -> RoomInput) -> Result<Answer, Refusal> {
        let _place = self.stranger().await?;
        self.used();
        self.shared.questions.ask(question).await.ok_or(Refusal::Busy)
    }

    /// Strangers share a few places and a pace: guessing costs the loop nothing, and guests never wait for it.
    async fn stranger(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Refusal> {
        let place = timeout(STRANGERS_WAIT, self.shared.strangers.acquire()).await;
        let place = place.map_err(|_| Refusal::Busy)?.map_err(|_| Refusal::Busy)?;
        sleep(STRANGERS_PACE).await;
        Ok(place)
    }

    fn said(&self, answer: Answer) -> Result<Reply, Refusal> {
        words::done(answer, self.shared.facts.language).map(|(answer, text)| reply::done(answer, text))
    }

    fn asker(&self) -> Asker {
        match self.standing() {
            Standing::Admitted => Asker::Guest(self.guest()),
            Standing::Unknown | Standing::Waiting => Asker::Installer,
        }
    }

    fn guest(&self) -> GuestId {
        self.visitor.guest
    }

    /// As it calls itself, or as one that gave no name.
    fn name(&self, name: String) -> String {
        let nameless = || words::pick(self.shared.facts.language, "名前のない端末", "Nameless device").to_owned();
        if name.trim().is_empty() { nameless() } else { name }
    }

    fn standing(&self) -> Standing {
        self.shared.shown.borrow().standing(self.guest())
    }

    fn may_see(&self) -> bool {
        self.shared.shown.borrow().may_see(self.visitor)
    }

    fn used(&self) {
        self.shared.tokens.used(self.guest(), Instant::now());
    }
}

async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Refusal> {
    serde_json::from_slice(&object(request, LONGEST_BODY).await?).map_err(|_| Refusal::NotUnderstood)
}

/// An array would pass for a structure without names.
async fn object(request: Request<Incoming>, longest: usize) -> Result<Bytes, Refusal> {
    let body = guard::body(request, longest).await?;
    if body.trim_ascii_start().starts_with(b"{") { Ok(body) } else { Err(Refusal::NotUnderstood) }
}

/// Bytes of a body; of a guest's wish, which may be a drawn note.
const LONGEST_BODY: usize = 4 * 1024;
const LONGEST_WISH: usize = 16 * 1024;
/// Documents on their way into the box at a time: each is held in memory.
pub(super) const UPLOADS: usize = 2;
/// Questions of strangers at a time.
pub(super) const STRANGERS: usize = 8;
/// With [`STRANGERS`]: at most 400 questions a second, whoever floods.
const STRANGERS_PACE: Duration = Duration::from_millis(20);
/// Of the core's places for guests: whoever knows the code always finds one.
const MOST_WAITING: usize = 8;
const STRANGERS_WAIT: Duration = Duration::from_secs(2);
const PUBLISHED_WITHIN: Duration = Duration::from_millis(500);
/// 2020 to 2100.
const PLAUSIBLE_MS: std::ops::Range<u64> = 1_577_836_800_000..4_102_444_800_000;
