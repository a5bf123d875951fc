//! The loop: wait → handle → drain. The only room that knows core and adapters.
//!
//! ```text
//!   inbox ─┐
//!   timer ─┼─► core.handle(…, now) ─► poll_output() ─► Hands::carry_out ─► trunk · peer · media
//!   second ┘                          snapshot() ───► status socket, sd_notify
//! ```
//! Carrying out an output never waits; the watchdog is fed from here, so a hung loop is noticed.

mod guide;
mod hands;
mod help;
mod live;
mod notices;
mod page_views;
mod pages;
mod panel;
mod printer;
mod room;
mod start;
mod turns;

use crate::config::{Config, Overlay};
use crate::core::Core;
use crate::core::input::Input;
use crate::core::signal::Signal;
use crate::inbox::{Inbox, Mail};
use crate::media::room as media;
use crate::provision::reset;
use crate::system::clock::{self, Clock, ClockSetting};
use crate::system::network;
use crate::trunk::identity;
pub use guide::Guide;
use hands::Hands;
use std::path::PathBuf;
use std::pin::pin;
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
    /// Where the installer's page keeps what it sets; none: it sets nothing.
    pub overlay: Option<Overlay>,
    /// Comes up with its curtain drawn, whatever was remembered.
    pub shut: bool,
    /// The box is not set up.
    pub guide: Option<Guide>,
    /// `/run`, where other units of the box say what became of a stick or an update; none: nothing is told of them.
    pub reports: Option<PathBuf>,
}

/// Why the daemon ended without a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By a signal.
    ToldTo,
    /// The installer's page set something, or the box was set up: the configuration is to be read again, by a new process.
    ToBeginAnew,
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
/// When it cannot start: see [`RunError`]. Once started nothing but a signal or the installer ends it.
pub fn run(config: Config, options: &RunOptions) -> Result<Ended, RunError> {
    let clock = Clock::start(options.clock);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(other)?;
    let result = runtime.block_on(async {
        let inbox = Inbox::default();
        let (core, hands) = start::start(&config, options, clock, &inbox).await?;
        turn(core, hands, clock, inbox, &config, options).await
    });
    runtime.shutdown_timeout(SHUTDOWN);
    result
}

async fn turn(
    mut core: Core,
    mut hands: Hands,
    clock: Clock,
    inbox: Inbox,
    config: &Config,
    options: &RunOptions,
) -> Result<Ended, RunError> {
    let mut ended = Ended::ToldTo;
    let anew = hands.anew();
    let mut terminate = signal(SignalKind::terminate()).map_err(other)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(other)?;
    let mut stop = options.stop.clone();
    let mut second = tokio::time::interval(REPORT_PERIOD);
    let mut renewal = tokio::time::interval(options.renew_every_ms.map_or(NEVER, Duration::from_millis));
    renewal.reset();
    let (camera, sound) = (config.camera.source.clone(), config.sound.source.clone());
    let mut clip_fault = tokio::task::spawn_blocking(move || media::clip_fault(&camera, &sound));
    let mut clips_examined = false;
    let mut pairing = pin!(identity::until_paired(&config.state_directory));
    let mut set_up = pin!(guide::until_set_up(options.guide.as_ref()));
    hands.notify.ready();
    loop {
        let until = core.poll_timeout().unwrap_or_else(|| clock.now() + REPORT_PERIOD);
        let mail = tokio::select! { biased;
            mail = inbox.next() => Some(mail),
            () = tokio::time::sleep(until.since(clock.now())) => None,
            _ = second.tick() => { hands.report(&inbox); None }
            _ = renewal.tick() => Some(Mail::Urgent(Input::RenewalDue)),
            _ = terminate.recv() => { ended = Ended::ToldTo; Some(Mail::Urgent(Input::StopRequested)) }
            _ = interrupt.recv() => { ended = Ended::ToldTo; Some(Mail::Urgent(Input::StopRequested)) }
            () = anew.notified() => { ended = Ended::ToBeginAnew; Some(Mail::Urgent(Input::StopRequested)) }
            fault = &mut clip_fault, if !clips_examined => {
                clips_examined = true;
                if let Ok(Some(fault)) = fault {
                    return Err(RunError::Clip(fault));
                }
                None
            }
            () = &mut set_up, if ended == Ended::ToldTo => {
                ended = Ended::ToBeginAnew;
                Some(Mail::Urgent(Input::StopRequested))
            }
            peer = &mut pairing, if hands.trunk.is_none() && options.guide.is_none() => {
                let linking = start::link(config, peer, hands.documents(), hands.bundles(), &inbox).await?;
                hands.paired(linking.trunk, &linking.words);
                core.pair(linking.settings, clock.now());
                // What was told so far was told to an unpaired core.
                network::read().ok().map(|network| Mail::Urgent(Input::NetworkChanged(network)))
            }
            () = stopped(&mut stop) => Some(Mail::Urgent(Input::StopRequested)),
        };
        core.note_wall(clock::wall_ms());
        let now = clock.now();
        let mut waiting = mail;
        while let Some(mail) = waiting {
            match mail {
                Mail::Urgent(input) => {
                    // What people type is nobody's business, the room code least of all.
                    if !matches!(
                        input,
                        Input::Room(_)
                            | Input::Heard { signal: Signal::Share(_) | Signal::Ink(_) | Signal::Point(_), .. }
                            | Input::Heard { signal: Signal::Notes(_) | Signal::Floor(_) | Signal::Live(_), .. }
                            | Input::Heard { signal: Signal::Help(_), .. }
                    ) {
                        tracing::debug!(?input);
                    }
                    core.handle(input, now);
                }
                Mail::News(news) => core.hear(news, now),
            }
            hands.carry_out_all(&mut core, now);
            waiting = inbox.take();
        }
        core.handle_timeout(now);
        hands.carry_out_all(&mut core, now);
        if hands.stopping {
            hands.notify.stopping();
            let forgets = reset::is_wanted(&config.state_directory);
            if forgets {
                hands.tell_forgetting();
            }
            if let Some(trunk) = hands.trunk.take() {
                trunk.stop().await;
            }
            if forgets {
                tokio::time::sleep(READ).await;
            }
            return Ok(ended);
        }
        if hands.peer.is_exhausted() {
            return Err(other("two old sessions hang while they close; only a new process can link again"));
        }
        hands.publish(&core.snapshot(now));
        hands.notify.watchdog(now);
    }
}

async fn stopped(stop: &mut Option<watch::Receiver<bool>>) {
    match stop {
        Some(stop) => drop(stop.wait_for(|stop| *stop).await),
        None => std::future::pending().await,
    }
}

fn other(error: impl std::fmt::Display) -> RunError {
    RunError::Other(error.to_string())
}

const REPORT_PERIOD: Duration = Duration::from_secs(1);
/// For the last sentence on the screen; well within the unit's TimeoutStopSec=.
const READ: Duration = Duration::from_millis(1500);
const SHUTDOWN: Duration = Duration::from_secs(1);
const NEVER: Duration = Duration::from_secs(u32::MAX as u64);
