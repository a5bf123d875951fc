//! The loop: wait → handle → drain. The only file that knows core and adapters.
//!
//! ```text
//!   inbox ─┐
//!   timer ─┼─► core.handle(…, now) ─► poll_output() ─► Hands::carry_out ─► trunk · peer · media
//!   second ┘                          snapshot() ───► status socket, sd_notify
//! ```
//! Carrying out an output never waits; the watchdog is fed from here, so a hung loop is noticed.

use crate::config::Config;
use crate::core::input::{Input, News};
use crate::core::link::LinkSettings;
use crate::core::output::Output;
use crate::core::sentence::Sentence;
use crate::core::signal::Hello;
use crate::core::snapshot::{LinkState, Snapshot};
use crate::core::{Core, Settings};
use crate::inbox::{Inbox, Mail};
use crate::media::room::{self as media, Intake, Media};
use crate::model::{BootId, Language, VideoCodec};
use crate::peer::{Peer, PeerSettings, Taps};
use crate::system::check;
use crate::system::clock::{self, Clock, ClockSetting};
use crate::system::memory::Memory;
use crate::system::network;
use crate::system::notify::Notify;
use crate::system::status::Status;
use crate::system::status_socket::StatusSocket;
use crate::trunk::identity::{self, Identity, IdentityError};
use crate::trunk::key::{NotAKey, PeerKey};
use crate::trunk::{Trunk, TrunkSettings};
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// What the command line adds to the configuration.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Draw and read time stamps (bench).
    pub stamps: bool,
    /// Let the box's clock differ from the machine's (tests, bench).
    pub clock: ClockSetting,
    /// RTP time and sequence number every line begins near (tests of the wraps).
    pub rtp_starts: Option<(u32, u16)>,
    /// Force a new session this often (bench).
    pub renew_every_ms: Option<u64>,
    /// Ends the daemon besides SIGTERM and SIGINT (two boxes in one process).
    pub stop: Option<watch::Receiver<bool>>,
}

/// Why the daemon did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Keys.
    #[error("{0}")]
    Identity(String),
    /// A port is taken.
    #[error("{0}")]
    PortTaken(String),
    /// A clip does not decode.
    #[error("{0}")]
    Clip(String),
    /// A GStreamer element is missing.
    #[error("{0}")]
    Missing(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// When it cannot start: see [`RunError`]. Once started nothing but a signal ends it.
pub fn run(config: Config, options: &RunOptions) -> Result<(), RunError> {
    let clock = Clock::start(options.clock);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(other)?;
    let result = runtime.block_on(async {
        let inbox = Inbox::default();
        let (core, hands) = start(&config, options, clock, &inbox).await?;
        turn(core, hands, clock, inbox, &config, options).await
    });
    runtime.shutdown_timeout(SHUTDOWN);
    result
}

/// Everything the box does with.
struct Hands {
    trunk: Option<Trunk>,
    peer: Peer,
    media: Media,
    status: StatusSocket,
    notify: Notify,
    ceiling_kbps: u32,
    memory: Memory,
    link: LinkState,
    intruder: bool,
    stopping: bool,
}

async fn start(config: &Config, options: &RunOptions, clock: Clock, inbox: &Inbox) -> Result<(Core, Hands), RunError> {
    let (machine_ns, begin) = clock.anchor();
    media::init(machine_ns, begin, clock.ppm()).map_err(|error| RunError::Missing(error.to_string()))?;
    let status = StatusSocket::listen(&config.status_socket).map_err(|error| {
        RunError::Other(format!("the status socket {} cannot be opened: {error}", config.status_socket.display()))
    })?;
    let identity = Identity::load_or_create(&config.state_directory).map_err(keys)?;
    let pinned = pinned_peer(config)?;
    if let Some(pinned) = &pinned {
        identity.check_peer(pinned).map_err(keys)?;
    }
    session_ports_free(config.session_port)?;
    let hello = Hello {
        boot: BootId(random_boot()?),
        name: config.name.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        codecs: codecs(config.camera.codec),
        session_port: config.session_port,
    };
    let link = pinned.as_ref().map(|pinned| LinkSettings {
        near: identity.public_key().box_id(),
        far: pinned.box_id(),
        boot: hello.boot,
        dials: config.trunk.dial && config.peer.address.is_some(),
        peer_address: config.peer.address,
        codecs: hello.codecs.clone(),
    });
    let (peer, media) = wire(config, options, inbox)?;
    let trunk = match pinned {
        None => None,
        Some(pinned) => {
            let settings = TrunkSettings {
                listen: config.trunk.listen,
                peer_address: config.peer.address,
                identity,
                pinned,
                hello,
            };
            Some(Trunk::start(settings, inbox.clone()).await.map_err(|error| RunError::PortTaken(error.to_string()))?)
        }
    };
    network::watch(inbox.clone()).map_err(other)?;
    let settings = Settings { link, microphone_open: config.sound.microphone_open, ceiling: config.ceiling };
    let hands = Hands {
        trunk,
        peer,
        media,
        status,
        notify: Notify::from_env(),
        ceiling_kbps: config.ceiling.as_kbps(),
        memory: Memory::default(),
        link: LinkState::Unpaired,
        intruder: false,
        stopping: false,
    };
    Ok((Core::new(settings, clock.now()), hands))
}

/// Ties what is captured to what is sent, and what arrives to what is played; adapters do not know each other.
fn wire(config: &Config, options: &RunOptions, inbox: &Inbox) -> Result<(Peer, Media), RunError> {
    let media_later: Arc<OnceLock<Intake>> = Arc::default();
    let (video, sound, wanted) = (media_later.clone(), media_later.clone(), media_later.clone());
    let taps = Taps {
        video: Arc::new(move |session, line, unit, rtp| {
            if let Some(intake) = video.get() {
                intake.video(session, line, &unit, rtp);
            }
        }),
        sound: Arc::new(move |session, line, packet| {
            if let Some(intake) = sound.get() {
                intake.sound(session, line, packet.payload, packet.rtp);
            }
        }),
        key_frame_wanted: Arc::new(move |line| {
            if let Some(intake) = wanted.get() {
                intake.key_frame_wanted(line);
            }
        }),
    };
    let settings =
        PeerSettings { session_port: config.session_port, starts: options.rtp_starts, ceiling: config.ceiling };
    let peer = Peer::new(settings, taps, inbox.clone()).map_err(|error| RunError::Missing(error.to_string()))?;
    let outlet = peer.outlet();
    let asking = outlet.clone();
    let media = Media::start(
        config,
        options.stamps,
        Arc::new(move |line, buffer| outlet.send(line, buffer)),
        Arc::new(move |session, line| asking.ask_key_frame(session, line)),
        inbox,
    );
    let _set_once = media_later.set(media.intake());
    Ok((peer, media))
}

async fn turn(
    mut core: Core,
    mut hands: Hands,
    clock: Clock,
    inbox: Inbox,
    config: &Config,
    options: &RunOptions,
) -> Result<(), RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(other)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(other)?;
    let mut stop = options.stop.clone();
    let mut second = tokio::time::interval(REPORT_PERIOD);
    let mut renewal = tokio::time::interval(options.renew_every_ms.map_or(NEVER, Duration::from_millis));
    renewal.reset();
    let (camera, sound) = (config.camera.source.clone(), config.sound.source.clone());
    let mut clip_fault = tokio::task::spawn_blocking(move || media::clip_fault(&camera, &sound));
    let mut clips_examined = false;
    hands.notify.ready();
    loop {
        let until = core.poll_timeout().unwrap_or_else(|| clock.now() + REPORT_PERIOD);
        let mail = tokio::select! { biased;
            mail = inbox.next() => Some(mail),
            () = tokio::time::sleep(until.since(clock.now())) => None,
            _ = second.tick() => { hands.report(&inbox); None }
            _ = renewal.tick() => Some(Mail::Urgent(Input::RenewalDue)),
            _ = terminate.recv() => Some(Mail::Urgent(Input::StopRequested)),
            _ = interrupt.recv() => Some(Mail::Urgent(Input::StopRequested)),
            fault = &mut clip_fault, if !clips_examined => {
                clips_examined = true;
                if let Ok(Some(fault)) = fault {
                    return Err(RunError::Clip(fault));
                }
                None
            }
            () = stopped(&mut stop) => Some(Mail::Urgent(Input::StopRequested)),
        };
        core.note_wall(clock::wall_ms());
        let now = clock.now();
        let mut waiting = mail;
        while let Some(mail) = waiting {
            match mail {
                Mail::Urgent(input) => {
                    tracing::debug!(?input);
                    core.handle(input, now);
                }
                Mail::News(news) => core.hear(news, now),
            }
            hands.carry_out_all(&mut core);
            waiting = inbox.take();
        }
        core.handle_timeout(now);
        hands.carry_out_all(&mut core);
        if hands.stopping {
            hands.notify.stopping();
            if let Some(trunk) = hands.trunk.take() {
                trunk.stop().await;
            }
            return Ok(());
        }
        hands.publish(&core.snapshot(now));
        hands.notify.watchdog(now);
    }
}

impl Hands {
    /// One change, then drain to the end.
    fn carry_out_all(&mut self, core: &mut Core) {
        while let Some(output) = core.poll_output() {
            self.carry_out(output);
        }
    }

    fn carry_out(&mut self, output: Output) {
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
                tracing::debug!(?plan, "arrange");
                self.media.arrange(&plan);
            }
            Output::Align(alignment) => self.media.align(alignment),
            Output::RefreshPicture { line } => self.media.refresh(line),
            Output::Stop => self.stopping = true,
        }
    }

    /// Once a second: what was really sent, carried and received, and what it costs.
    fn report(&mut self, inbox: &Inbox) {
        self.memory = Memory::now();
        let (sent, received) = self.media.report(REPORT_PERIOD);
        inbox.news(News::Sent(sent));
        inbox.news(News::Received(received));
        if let Some(carried) = self.peer.report() {
            inbox.news(News::Carried(carried));
        }
    }

    fn publish(&mut self, snapshot: &Snapshot) {
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
        self.status.publish(Status::of(snapshot, self.ceiling_kbps, self.memory));
    }
}

fn pinned_peer(config: &Config) -> Result<Option<PeerKey>, RunError> {
    match &config.peer.key {
        Some(text) => {
            Ok(Some(text.parse().map_err(|error: NotAKey| RunError::Identity(format!("[peer] key: {error}")))?))
        }
        None => match identity::pinned_peer(&config.state_directory) {
            Err(set_aside @ IdentityError::PinSetAside { .. }) => {
                tracing::warn!(%set_aside, "this box is not paired any more");
                Ok(None)
            }
            pinned => pinned.map_err(keys),
        },
    }
}

fn session_ports_free(port: u16) -> Result<(), RunError> {
    for port in [port, port.saturating_add(1)] {
        let taken = |error| {
            RunError::PortTaken(format!(
                "UDP port {port} ([session] port) cannot be used: {error}; another engawa daemon, or choose another port"
            ))
        };
        check::bind_everywhere(port).map_err(taken)?;
    }
    Ok(())
}

fn random_boot() -> Result<u64, RunError> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).map_err(|_| other("the system gives no random numbers"))?;
    Ok(u64::from_le_bytes(bytes))
}

/// The preferred codec first.
fn codecs(preferred: VideoCodec) -> Vec<VideoCodec> {
    match preferred {
        VideoCodec::H264 => vec![VideoCodec::H264, VideoCodec::Vp8],
        VideoCodec::Vp8 => vec![VideoCodec::Vp8, VideoCodec::H264],
    }
}

async fn stopped(stop: &mut Option<watch::Receiver<bool>>) {
    match stop {
        Some(stop) => drop(stop.wait_for(|stop| *stop).await),
        None => std::future::pending().await,
    }
}

fn keys(error: IdentityError) -> RunError {
    RunError::Identity(error.to_string())
}

fn other(error: impl std::fmt::Display) -> RunError {
    RunError::Other(error.to_string())
}

const REPORT_PERIOD: Duration = Duration::from_secs(1);
const SHUTDOWN: Duration = Duration::from_secs(1);
const NEVER: Duration = Duration::from_secs(u32::MAX as u64);
