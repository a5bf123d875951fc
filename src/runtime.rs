//! The loop: wait → handle → drain. The only file that knows core and adapters.
//!
//! ```text
//!   inbox ─┐
//!   timer ─┼─► core.handle(…, now) ─► poll_output() ─► Hands::carry_out ─► trunk · peer · media
//!   second ┘                          snapshot() ───► status socket, sd_notify
//! ```
//! Carrying out an output never waits; the watchdog is fed from here, so a hung loop is noticed.

use crate::config::{Config, Source};
use crate::core::input::{CarryReport, Input, News};
use crate::core::link::LinkSettings;
use crate::core::output::Output;
use crate::core::signal::{Hello, Signal};
use crate::core::snapshot::Snapshot;
use crate::core::{Core, Settings};
use crate::inbox::{Inbox, Mail};
use crate::media::Media;
use crate::model::{BootId, Moment, VideoCodec};
use crate::peer::{Peer, PeerSettings, Taps};
use crate::system::clock::{self, Clock};
use crate::system::notify::Notify;
use crate::system::status::{Status, StatusSocket};
use crate::system::network;
use crate::trunk::Trunk;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// What the command line adds to the configuration.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Draw and read time stamps (bench).
    pub stamps: bool,
    /// Run the box's clock fast by so many parts per million (bench).
    pub clock_ppm: i32,
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
    let clock = Clock::start(options.clock_ppm);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(other)?;
    let result = runtime.block_on(async {
        let inbox = Inbox::default();
        let (core, hands) = start(&config, options, clock, &inbox).await?;
        turn(core, hands, clock, inbox, options).await
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
    stopping: bool,
}

async fn start(config: &Config, options: &RunOptions, clock: Clock, inbox: &Inbox) -> Result<(Core, Hands), RunError> {
    crate::media::init(clock.start_nanos(), clock.ppm()).map_err(|error| RunError::Missing(error.to_string()))?;
    for source in [&config.camera.source, &config.sound.source] {
        if let Source::File(path) = source {
            crate::media::probe_file(path).map_err(RunError::Clip)?;
        }
    }
    let status = StatusSocket::listen(&config.status_socket).map_err(|error| {
        RunError::Other(format!("the status socket {} cannot be opened: {error}", config.status_socket.display()))
    })?;
    let keys = crate::trunk::identity::load(&config.state_directory, config.peer.key.as_deref())
        .map_err(|error| RunError::Identity(error.to_string()))?;
    free_session_ports(config.session_port)?;
    let hello = Hello {
        boot: BootId(random_boot()?),
        name: config.name.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        codecs: codecs(config.camera.codec),
        session_port: config.session_port,
    };
    let link = keys.peer.as_ref().map(|peer| LinkSettings {
        near: keys.identity.box_id(),
        far: peer.box_id(),
        boot: hello.boot,
        dials: config.trunk.dial && config.peer.address.is_some(),
        peer_address: config.peer.address,
        codecs: hello.codecs.clone(),
    });
    todo!()
}
