//! From a valid configuration to a core and its hands.

use super::hands::Hands;
use super::live::LiveHands;
use super::notices::News;
use super::pages::PageHands;
use super::room::{Life, RoomHands};
use super::{RunError, RunOptions, other};
use crate::config::Config;
use crate::core::ledger::Entry;
use crate::core::link::LinkSettings;
use crate::core::memory::{Drawn, Remembered};
use crate::core::room::RoomSettings;
use crate::core::sentence::Sentence;
use crate::core::signal::Hello;
use crate::core::{Core, Settings};
use crate::documents::Documents;
use crate::inbox::Inbox;
use crate::media::room::{self as media, Intake, Media};
use crate::model::{BootId, VideoCodec};
use crate::peer::{Peer, PeerSettings, Taps};
use crate::system::board_file;
use crate::system::boot;
use crate::system::check;
use crate::system::clock::Clock;
use crate::system::network;
use crate::system::room_memory;
use crate::system::status_socket::StatusSocket;
use crate::system::unwedge;
use crate::trunk::identity::{self, Identity, IdentityError};
use crate::trunk::key::{NotAKey, PeerKey};
use crate::trunk::words::six_words;
use crate::trunk::{Bundles, Trunk, TrunkSettings};
use crate::update::release;
use ring::rand::{SecureRandom, SystemRandom};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

pub(super) async fn start(
    config: &Config,
    options: &RunOptions,
    clock: Clock,
    inbox: &Inbox,
) -> Result<(Core, Hands), RunError> {
    let (machine_ns, begin) = clock.anchor();
    media::init(machine_ns, begin, clock.ppm()).map_err(|error| RunError::Missing(error.to_string()))?;
    let status = StatusSocket::bind(&config.status_socket).map_err(|error| {
        RunError::Other(format!("the status socket {} cannot be opened: {error}", config.status_socket.display()))
    })?;
    // A box that is not set up gets its identity with its file; one that it made for itself would stand in the way.
    let pinned = match options.guide {
        Some(_) => None,
        None => {
            let identity = Identity::load_or_create(&config.state_directory).map_err(keys)?;
            let pinned = pinned_peer(config)?;
            pinned.iter().try_for_each(|pinned| identity.check_peer(pinned)).map_err(keys)?;
            pinned
        }
    };
    session_ports_free(config.session_port)?;
    let (peer, media) = wire(config, options, inbox)?;
    let documents = Documents::default();
    let began_anew = boot::began_anew(&config.state_directory);
    let life = Life { boot: random_boot()?, machine_began_anew: began_anew };
    let live = LiveHands::start(config, &media, inbox);
    let mut room = RoomHands::start(config, options.overlay.clone(), inbox, &media, &documents, live, &life)?;
    let (mut trunk, mut link) = (None, None);
    match pinned {
        Some(pinned) => {
            let linking = self::link(config, pinned, &documents, room.bundles(), inbox).await?;
            room.paired(&linking.words, &media);
            (trunk, link) = (Some(linking.trunk), Some(linking.settings));
        }
        None => {
            room.guide(options.guide.clone());
            room.introduce(&media);
        }
    }
    room.tell_of(options.reports.clone(), if options.guide.is_some() { News::Updates } else { News::All });
    network::watch(inbox.clone()).map_err(other)?;
    let settings = RoomSettings {
        views: config.room.views.iter().map(|view| view.name.clone()).collect(),
        elsewhere: config.room.elsewhere(&config.camera.source),
        meeting_view: config.room.meeting_view,
        meeting: config.room.meeting,
        everyday: config.room.everyday,
        follow_turns: config.room.follow_turns,
        keeps_documents: config.room.keep_days > 0,
        take_over: config.room.take_over,
        remote_help: config.panel.remote_help && config.panel.pin.is_some(),
        quiet_after: config.room.quiet_after,
        microphone_open: config.sound.microphone_open,
    };
    let remembered = match options.shut {
        true => {
            room.record(&Entry::InstallerLost, clock.now());
            Remembered { drawn: Some(Drawn::InstallerLost), ..Remembered::UNREADABLE }
        }
        false => room_memory::load(&config.state_directory, &settings.views),
    };
    room.begin(&remembered);
    let board = board_file::load(&config.state_directory, began_anew);
    let unlinked = if options.guide.is_some() { Sentence::NotSetUp } else { Sentence::NotPaired };
    let settings = Settings { link, unlinked, room: settings, remembered, board, ceiling: config.ceiling };
    let status = status.serve(Some(room.desk()));
    let pages = PageHands::new(documents, room.questions(), inbox.clone(), &media);
    let hands = Hands::new(trunk, peer, media, status, room, pages, config.ceiling.as_kbps());
    Ok((Core::new(settings, clock.now()), hands))
}

/// What a box that knows its peer has more than one that does not.
pub(super) struct Linking {
    /// The line to it.
    pub(super) trunk: Trunk,
    /// What the core must know to link over it.
    pub(super) settings: LinkSettings,
    /// What both boxes show, to be compared aloud.
    pub(super) words: String,
}

/// The trunk to this peer.
pub(super) async fn link(
    config: &Config,
    pinned: PeerKey,
    documents: &Documents,
    bundles: &Bundles,
    inbox: &Inbox,
) -> Result<Linking, RunError> {
    let identity = Identity::load_or_create(&config.state_directory).map_err(keys)?;
    let hello = Hello {
        boot: BootId(random_boot()?),
        name: config.name.clone(),
        version: release::release().into(),
        codecs: codecs(config.camera.codec),
        session_port: config.session_port,
    };
    let link = LinkSettings {
        near: identity.public_key().box_id(),
        far: pinned.box_id(),
        boot: hello.boot,
        dials: config.trunk.dial && config.peer.address.is_some(),
        peer_address: config.peer.address,
        codecs: hello.codecs.clone(),
    };
    let words = six_words(&identity.public_key(), &pinned).join(" ");
    let trunk = TrunkSettings {
        listen: config.trunk.listen,
        peer_address: config.peer.address,
        identity,
        pinned,
        hello,
        documents: documents.clone(),
        bundles: bundles.clone(),
    };
    let trunk = Trunk::start(trunk, inbox.clone()).await.map_err(|error| RunError::PortTaken(error.to_string()))?;
    Ok(Linking { trunk, settings: link, words })
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
    media.on_wedged_camera(Arc::new(reset_camera));
    Ok((peer, media))
}

/// What the daemon may not do itself. Where nobody grants it, as on a machine that is no box, people pull the plug.
fn reset_camera(node: PathBuf) {
    match unwedge::wish(&node) {
        Ok(()) => tracing::warn!(camera = %node.display(), "the camera hung: it was taken off its bus and put back"),
        Err(error) => tracing::debug!(camera = %node.display(), %error, "the camera is not reset"),
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

fn keys(error: IdentityError) -> RunError {
    RunError::Identity(error.to_string())
}
