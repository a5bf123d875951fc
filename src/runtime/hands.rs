//! The hands: carry out what the core wishes, report what was really done. Nothing here waits or decides.

use super::REPORT_PERIOD;
use super::pages::PageHands;
use super::room::RoomHands;
use crate::core::Core;
use crate::core::input::News;
use crate::core::output::Output;
use crate::core::sentence::Sentence;
use crate::core::snapshot::{LinkState, Snapshot};
use crate::documents::Documents;
use crate::inbox::Inbox;
use crate::media::room::Media;
use crate::model::{Language, Moment};
use crate::peer::Peer;
use crate::system::memory::Memory;
use crate::system::notify::Notify;
use crate::system::status::Status;
use crate::system::status_socket::StatusSocket;
use crate::trunk::{Bundles, Trunk};
use std::sync::Arc;
use tokio::sync::Notify as Bell;

/// Everything the box does with.
pub(super) struct Hands {
    pub(super) trunk: Option<Trunk>,
    pub(super) peer: Peer,
    media: Media,
    status: StatusSocket,
    pub(super) notify: Notify,
    room: RoomHands,
    pages: PageHands,
    ceiling_kbps: u32,
    memory: Memory,
    link: LinkState,
    intruder: bool,
    pub(super) stopping: bool,
}

impl Hands {
    pub(super) fn new(
        trunk: Option<Trunk>,
        peer: Peer,
        media: Media,
        status: StatusSocket,
        room: RoomHands,
        pages: PageHands,
        ceiling_kbps: u32,
    ) -> Self {
        Self {
            trunk,
            peer,
            media,
            status,
            notify: Notify::from_env(),
            room,
            pages,
            ceiling_kbps,
            memory: Memory::default(),
            link: LinkState::Unpaired,
            intruder: false,
            stopping: false,
        }
    }

    /// The box knows its peer, since somebody paired it while it ran.
    pub(super) fn paired(&mut self, trunk: Trunk, words: &str) {
        self.trunk = Some(trunk);
        self.room.paired(words, &self.media);
    }

    /// The documents of the meeting.
    pub(super) fn documents(&self) -> &Documents {
        self.pages.documents()
    }

    /// Updates that are passed on.
    pub(super) fn bundles(&self) -> &Bundles {
        self.room.bundles()
    }

    /// Rings when the installer set something: the daemon is to begin anew.
    pub(super) fn anew(&self) -> Arc<Bell> {
        self.room.anew()
    }

    /// The last that the screen says before the box forgets everything.
    pub(super) fn tell_forgetting(&mut self) {
        self.room.tell_forgetting(&self.media);
    }

    /// One change, then drain to the end.
    pub(super) fn carry_out_all(&mut self, core: &mut Core, now: Moment) {
        while let Some(output) = core.poll_output() {
            self.carry_out(output, now);
        }
    }

    fn carry_out(&mut self, output: Output, now: Moment) {
        match output {
            Output::Dial { address, within } => {
                if let Some(trunk) = &self.trunk {
                    trunk.dial(address, within);
                }
            }
            Output::Send { trunk: id, signal } => {
                if let Some(trunk) = &self.trunk {
                    trunk.send(id, signal);
                }
            }
            Output::CloseTrunk { trunk: id } => {
                tracing::debug!(?id, "close trunk");
                if let Some(trunk) = &self.trunk {
                    trunk.close(id);
                }
            }
            Output::OpenSession(order) => {
                tracing::debug!(session = %order.session, role = ?order.role, port = order.port_index, "open session");
                self.peer.open(&order);
            }
            Output::AcceptAnswer { session, sdp } => self.peer.accept_answer(session, &sdp),
            Output::Admit { session } => {
                tracing::info!(%session, "the far certificate is the announced one: media may move");
                self.peer.admit(session);
            }
            Output::CloseSession { session } => {
                tracing::debug!(%session, "close session");
                self.peer.close(session);
            }
            Output::Arrange(plan) => {
                if let Some(trunk) = &self.trunk {
                    trunk.pace(plan.bulk);
                }
                self.peer.pace(plan.live.send.map(|send| (send.source, send.bitrate)));
                tracing::debug!(live = ?plan.live, camera = ?plan.camera, microphone = ?plan.microphone, mode = ?plan.screen.face.mode, "arrange");
                self.media.arrange(&plan);
            }
            Output::Align(alignment) => self.media.align(alignment),
            Output::RefreshPicture { line } => self.media.refresh(line),
            Output::Answer { ticket, answer } => self.room.answer(ticket, answer),
            Output::Record(entry) => self.room.record(&entry, now),
            Output::Remember(remembered) => self.room.remember(&remembered),
            Output::KeepBoard(board) => self.room.keep_board(board),
            Output::DrawCode => self.room.draw_code(),
            Output::Teach { view } => self.room.teach(view),
            Output::Hold { documents, served } => {
                self.pages.hold(&documents, served, self.trunk.as_ref());
                self.room.hold(&documents);
            }
            Output::Keep { document, name } => self.room.keep_document(document, name, now),
            Output::EndLive { id, why } => {
                tracing::debug!(?id, ?why, "end live");
                self.room.end_live(id);
            }
            Output::Help(wish) => self.room.help(wish),
            Output::Stop => self.stopping = true,
        }
    }

    /// Once a second: what was really sent, carried and received.
    pub(super) fn report(&mut self, inbox: &Inbox) {
        self.memory = Memory::now();
        // Addresses come and go, and the certificate with them.
        self.room.introduce(&self.media);
        let (sent, received) = self.media.report(REPORT_PERIOD);
        inbox.news(News::Sent(sent));
        inbox.news(News::Received(received));
        if let Some(carried) = self.peer.report() {
            inbox.news(News::Carried(carried));
        }
    }

    pub(super) fn publish(&mut self, snapshot: &Snapshot) {
        let open = snapshot.fault.as_ref().filter(|fault| fault.until.is_none());
        let intruder = open.is_some_and(|fault| fault.sentence == Sentence::Intruder);
        if intruder && !self.intruder {
            // Once, however often the attempt is repeated.
            tracing::warn!("media refused: the certificate on the line is not the one that the other box announced");
        }
        self.intruder = intruder;
        if snapshot.link != self.link {
            self.link = snapshot.link;
            let sentence = open.map_or("", |fault| fault.sentence.text(Language::English));
            tracing::info!(link = ?snapshot.link, session = ?snapshot.session, "{sentence}");
            self.notify.status(&format!("{:?} {sentence}", snapshot.link));
        }
        self.pages.follow(snapshot, &self.media);
        self.room.publish(snapshot, &self.media);
        let storage = self.room.storage();
        self.status.publish(Status { storage, ..Status::of(snapshot, self.ceiling_kbps, self.memory) });
    }
}
