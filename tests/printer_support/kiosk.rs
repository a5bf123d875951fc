//! A printer with the real core behind it, in this process; documents open as soon as they are named.

#![allow(clippy::wildcard_enum_match_arm, reason = "the loop of the test carries out what the printer needs")]
#![allow(clippy::disallowed_methods, reason = "a test waits in real time")]

use engawa::config::IpNetwork;
use engawa::core::input::{Input, RoomInput};
use engawa::core::output::Output;
use engawa::core::prints::{PrintId, PrintRequest};
use engawa::core::request::{Asker, Request};
use engawa::core::sentence::Sentence;
use engawa::core::{Core, Settings};
use engawa::documents::Documents;
use engawa::inbox::{Inbox, Mail};
use engawa::model::{Bitrate, GuestId, Language, Ticket};
use engawa::pages::Kind;
use engawa::printer::{Printer, PrinterSettings, Sources};
use engawa::questions::Questions;
use engawa::system::clock::{self, Clock, ClockSetting};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// One box: core, loop, printer.
pub struct Kiosk {
    pub printer: Arc<Printer>,
    pub inbox: Inbox,
    pub documents: Documents,
    _runtime: Runtime,
}

impl Kiosk {
    /// `known`: this machine is a guest of the panel.
    pub fn start(known: bool) -> Self {
        Self::in_room(known, IpNetwork { address: [127, 0, 0, 0].into(), prefix: 8 })
    }

    pub fn in_room(known: bool, room: IpNetwork) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (inbox, documents) = (Inbox::default(), Documents::default());
        let questions = Questions::new(inbox.clone());
        let settings = PrinterSettings {
            listen: "127.0.0.1:0".parse().unwrap(),
            room: vec![room],
            peer: None,
            networks: Arc::new(Vec::new),
            name: "市民課".into(),
            language: Language::Japanese,
            id: [7; 16],
            announce: false,
        };
        let sources = Sources {
            documents: documents.clone(),
            guests_at: Arc::new(move |_| if known { vec![GUEST] } else { Vec::new() }),
            tls: Arc::new(|_| None),
            is_document: |bytes| Kind::of(bytes).is_some(),
            wall_ms: Arc::new(clock::wall_ms),
        };
        let printer = Arc::new(Printer::start(settings, questions.clone(), sources).expect("listens"));
        runtime.spawn(turn(inbox.clone(), questions, printer.clone(), documents.clone()));
        let ticket = Ticket(0);
        let tried = RoomInput::CodeTried { ticket, guest: GUEST, code: CODE, name: "PC".into() };
        if known {
            inbox.urgent(Input::Room(tried));
        }
        std::thread::sleep(Duration::from_millis(50));
        Self { printer, inbox, documents, _runtime: runtime }
    }

    pub fn address(&self) -> SocketAddr {
        self.printer.address()
    }

    /// Somebody of the room locks it or unlocks it.
    pub fn lock(&self, locked: bool) {
        let request = Request::Lock(locked);
        self.inbox.urgent(Input::Room(RoomInput::Asked { ticket: Ticket(0), by: Asker::Local, request }));
    }

    /// Somebody of the room says "show it".
    pub fn show(&self, print: i32) {
        let request = Request::Print(PrintRequest::Show(PrintId(print.cast_unsigned())));
        self.inbox.urgent(Input::Room(RoomInput::Asked { ticket: Ticket(0), by: Asker::Local, request }));
    }
}

/// The daemon's loop, as far as a printer meets it.
async fn turn(inbox: Inbox, questions: Questions, printer: Arc<Printer>, documents: Documents) {
    let clock = Clock::start(ClockSetting::default());
    let (room, ceiling) = (Default::default(), Bitrate::from_kbps(3000));
    let (remembered, board) = (Default::default(), Default::default());
    let mut core = Core::new(
        Settings { link: None, unlinked: Sentence::NotPaired, room, remembered, board, ceiling },
        clock.now(),
    );
    let (mut mail, mut held): (_, Vec<_>) = (None, Vec::new());
    loop {
        let now = clock.now();
        match mail {
            Some(Mail::Urgent(input)) => core.handle(input, now),
            Some(Mail::News(news)) => core.hear(news, now),
            None => core.handle_timeout(now),
        }
        while let Some(output) = core.poll_output() {
            match output {
                Output::Answer { ticket, answer } => questions.answer(ticket, answer),
                Output::DrawCode => core.handle(Input::Room(RoomInput::CodeDrawn(CODE)), now),
                Output::Hold { documents: named, .. } => {
                    let gone = |id: &&_| !named.iter().any(|(named, _)| named == *id);
                    held.iter().filter(gone).for_each(|id| documents.forget(*id));
                    held = named.into_iter().map(|(id, _)| id).collect();
                }
                _ => {}
            }
        }
        let snapshot = core.snapshot(now);
        printer.publish(&snapshot);
        if let Some(document) = snapshot.room.opening().first().copied() {
            inbox.urgent(Input::Room(RoomInput::DocumentOpened { document, pages: 1 }));
        }
        let due = core.poll_timeout().map_or(Duration::from_secs(1), |due| due.since(clock.now()));
        mail = tokio::select! { mail = inbox.next() => Some(mail), () = sleep(due) => None };
    }
}

const GUEST: GuestId = GuestId(3);
const CODE: u32 = 12_345;
