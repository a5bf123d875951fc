//! A panel with the real core behind it, and browsers without a screen.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "test support: a failure is a failed test")]
#![allow(clippy::wildcard_enum_match_arm, reason = "the loop of the test carries out what the panel needs")]

pub mod browser;

use engawa::config::{IpNetwork, Overlay};
use engawa::core::input::{Input, RoomInput};
use engawa::core::ledger::Entry;
use engawa::core::memory::Remembered;
use engawa::core::output::Output;
use engawa::core::room::RoomSettings;
use engawa::core::sentence::Sentence;
use engawa::core::{Core, Settings};
use engawa::documents::Documents;
use engawa::inbox::{Inbox, Mail};
use engawa::live::{LiveDoor, LiveFault};
use engawa::model::{Bitrate, DocumentId, Key, Language, LiveId};
use engawa::panel::{Devices, Found, KeptSources, LedgerLine, Panel, PanelSettings, Sources};
use engawa::questions::Questions;
use engawa::system::clock::{Clock, ClockSetting};
use engawa::update::Place;
use engawa::update::place::{LIMITS, Limits};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Longer than anything here takes; only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(10);
pub const CODE: u32 = 12_345;
pub const CODE_TYPED: &str = "012345";
/// A document that was kept.
pub const KEPT: DocumentId = DocumentId([0xab; 32]);
pub const PIN: &str = "24681012";

/// One box: core, loop, panel.
pub struct Kiosk {
    pub panel: Arc<Panel>,
    pub inbox: Inbox,
    pub entries: Arc<Mutex<Vec<Entry>>>,
    pub clock_set: Arc<Mutex<Option<Duration>>>,
    pub documents: Documents,
    pub picture: Arc<Mutex<Option<Vec<u8>>>>,
    pub begun_anew: Arc<AtomicUsize>,
    pub updates: Place,
    /// What was told to the ledger when this box was made to forget everything.
    pub forgot: Arc<Mutex<Option<Vec<Entry>>>>,
    pub directory: TempDir,
    turning: JoinHandle<()>,
}

impl Kiosk {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut PanelSettings)) -> Self {
        Self::within(LIMITS, change)
    }

    /// With other limits for bundles.
    pub fn within(limits: Limits, change: impl FnOnce(&mut PanelSettings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(directory.path());
        change(&mut settings);
        let (inbox, clock_set, picture) = (Inbox::default(), Arc::default(), Arc::default());
        let questions = Questions::new(inbox.clone());
        let begun_anew = Arc::<AtomicUsize>::default();
        let counting = begun_anew.clone();
        let begin_anew = Arc::new(move || {
            counting.fetch_add(1, Ordering::SeqCst);
        });
        let documents = Documents::default();
        let updates = Place::of(directory.path()).within(limits);
        let (own, bundles) = (documents.clone(), updates.clone());
        let entries = Arc::<Mutex<Vec<Entry>>>::default();
        let forgot = Arc::<Mutex<Option<Vec<Entry>>>>::default();
        let (told, forgetting) = (entries.clone(), forgot.clone());
        let forget = Arc::new(move || {
            *forgetting.lock().unwrap() = Some(told.lock().unwrap().clone());
            Ok(())
        });
        let sources = Sources { begin_anew, forget, documents: own, updates: bundles, ..sources(&clock_set, &picture) };
        let panel = Arc::new(Panel::start(settings, questions.clone(), sources).expect("listens"));
        let turning = tokio::spawn(turn(inbox.clone(), questions, panel.clone(), Arc::clone(&entries)));
        Self { panel, inbox, entries, clock_set, picture, documents, begun_anew, updates, forgot, directory, turning }
    }

    pub fn address(&self) -> SocketAddr {
        self.panel.address()
    }

    pub fn press(&self, key: Key) {
        self.inbox.urgent(Input::Room(RoomInput::KeyPressed(key)));
    }

    /// The loop hangs from now on.
    pub fn hang(&self) {
        self.turning.abort();
    }

    pub fn certificate(&self) -> CertificateDer<'static> {
        let text = std::fs::read(self.directory.path().join("panel-certificate.pem")).unwrap();
        CertificateDer::from_pem_slice(&text).unwrap()
    }

    pub fn count(&self, of: impl Fn(&Entry) -> bool) -> usize {
        self.entries.lock().unwrap().iter().filter(|entry| of(entry)).count()
    }
}

impl Drop for Kiosk {
    fn drop(&mut self) {
        self.turning.abort();
    }
}

pub fn settings(state_directory: &Path) -> PanelSettings {
    PanelSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        room: vec![network("127.0.0.0", 8)],
        pin: Some(PIN.into()),
        language: Language::Japanese,
        name: "市民課".into(),
        words: "neko umi sora hana ishi kawa".into(),
        peer: None,
        hours: None,
        state_directory: state_directory.to_owned(),
        networks: Arc::new(Vec::new),
        overlay: Some(overlay(state_directory)),
    }
}

/// Over a small main file beside the state.
fn overlay(state_directory: &Path) -> Overlay {
    let main = state_directory.join("engawa.toml");
    std::fs::write(&main, "[box]\nstate_directory = \".\"\n[camera]\nviews = \"部屋=all; 机=crop:25,25,50,50\"\n")
        .unwrap();
    Overlay::load(&main).unwrap().overlay
}

pub fn network(address: &str, prefix: u8) -> IpNetwork {
    IpNetwork { address: address.parse::<IpAddr>().unwrap(), prefix }
}

pub fn sources(clock_set: &Arc<Mutex<Option<Duration>>>, picture: &Arc<Mutex<Option<Vec<u8>>>>) -> Sources {
    let (clock_set, picture) = (clock_set.clone(), picture.clone());
    let line =
        |number| LedgerLine { number, time: "2026-11-22 10:00:00".into(), text: format!("={number} を開けた") };
    let camera = Found { id: "v4l2:usb-Cam".into(), name: "Cam".into(), used: true };
    Sources {
        own_picture: Arc::new(move || picture.lock().unwrap().clone()),
        ledger: Arc::new(move || (1..=300).map(line).collect()),
        devices: Arc::new(move || Devices { cameras: vec![camera.clone()], ..Devices::default() }),
        updates: Place::of(Path::new("/nonexistent/engawa")),
        pass: Arc::new(|| Ok(false)),
        passing: Arc::new(|| None),
        set_clock: Arc::new(move |since_1970| {
            *clock_set.lock().unwrap() = Some(since_1970);
            if since_1970.as_secs() == 1_600_000_000 {
                Err(std::io::ErrorKind::PermissionDenied.into())
            } else {
                Ok(())
            }
        }),
        paper: Arc::new(|paper| Box::pin(async move { Some(format!("{paper:?}").into_bytes()) })),
        begin_anew: Arc::new(|| {}),
        forget: Arc::new(|| Ok(())),
        live: LiveDoor {
            name: Arc::new(|| LiveId(7)),
            open: Arc::new(|_, offer| {
                let answer =
                    if offer.sdp.starts_with("v=0") { Ok("v=0\r\n".into()) } else { Err(LiveFault::Malformed) };
                Box::pin(async move { answer })
            }),
            close: Arc::new(|_| {}),
        },
        documents: Documents::default(),
        page: Arc::new(|wanted| {
            let (done, picture) = tokio::sync::oneshot::channel();
            let _nobody_waits = done.send((wanted.page < 9).then(|| b"\x89PNG".to_vec()));
            picture
        }),
        kept: KeptSources {
            list: Arc::new(Vec::new),
            read: Arc::new(|id| (id == KEPT).then(|| ("予算 \"a\".pdf".into(), b"%PDF".to_vec()))),
            forget: Arc::new(|id| id == KEPT),
        },
    }
}

/// The daemon's loop, as far as a panel meets it.
async fn turn(inbox: Inbox, questions: Questions, panel: Arc<Panel>, entries: Arc<Mutex<Vec<Entry>>>) {
    let clock = Clock::start(ClockSetting::default());
    let room = RoomSettings { views: vec!["部屋".into(), "机".into()], ..RoomSettings::default() };
    let ceiling = Bitrate::from_kbps(3000);
    let (remembered, board) = (Remembered::default(), Default::default());
    let mut core = Core::new(
        Settings { link: None, unlinked: Sentence::NotPaired, room, remembered, board, ceiling },
        clock.now(),
    );
    let mut mail = None;
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
                Output::DrawCode => inbox.urgent(Input::Room(RoomInput::CodeDrawn(CODE))),
                Output::Record(entry) => entries.lock().unwrap().push(entry),
                _ => {}
            }
        }
        panel.publish(&core.snapshot(now));
        let due = core.poll_timeout().map_or(PATIENCE, |due| due.since(clock.now()));
        mail = tokio::select! { mail = inbox.next() => Some(mail), () = sleep(due) => None };
    }
}

/// Waits until it is so.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !so() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
}
