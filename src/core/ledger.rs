//! What the ledger is told: the answer to "when was the camera on?". Facts only; no picture, no sound.

use crate::core::help::{HelpDenied, Task};
use crate::core::request::{Asker, Denied};
use crate::model::{CameraState, GuestId, LiveEnd, LiveKind, MicState, Mode, Side, Veil};

/// One line of the ledger. `system` gives it its number, its time and its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The daemon started, in this mode, both its own microphone closed.
    Started {
        /// The mode it came back in.
        mode: Mode,
    },
    /// The daemon stops on purpose.
    Stopped,
    /// What really leaves the camera changed.
    Camera(CameraState),
    /// What really leaves the microphone changed.
    Microphone(MicState),
    /// A person opened (true) or closed the microphone's gate, or a rule closed it.
    Gate {
        /// Open now.
        open: bool,
        /// Who; `None` for a rule, which only ever closes, or for `microphone = "open"` in the configuration.
        by: Option<Asker>,
    },
    /// The pair's mode changed.
    Mode(Mode),
    /// The veil changed.
    Veil(Veil),
    /// A browser proved the installer's PIN.
    InstallerEntered {
        /// Which.
        guest: GuestId,
    },
    /// The installer's page changed what is set.
    InstallerSet {
        /// Names of the settings.
        what: String,
    },
    /// What the installer's page had set cannot be read any more: the curtain was drawn.
    InstallerLost,
    /// The installer's page wished that this box forgets everything.
    ResetWanted {
        /// Which browser.
        guest: GuestId,
    },
    /// Both rooms wanted a document kept: it is written to this box's disk. Its name is not told here.
    DocumentKept {
        /// Bytes.
        length: u64,
    },
    /// A guest took a kept document away: as a file, or off the disk before its time.
    KeptTaken {
        /// Who.
        guest: GuestId,
        /// Off the disk.
        forgotten: bool,
    },
    /// A PC's screen or an input is in front.
    LiveBegan {
        /// Of which room.
        side: Side,
        /// What it is.
        kind: LiveKind,
        /// Whose.
        name: String,
        /// The device, if it is one of this room's panel.
        guest: Option<GuestId>,
    },
    /// It is in front no more.
    LiveEnded {
        /// Of which room.
        side: Side,
        /// Whose.
        name: String,
        /// Why.
        why: LiveEnd,
    },
    /// A guest was let in.
    GuestAdmitted {
        /// Who.
        guest: GuestId,
        /// As it called itself.
        name: String,
    },
    /// A guest was not let in.
    GuestRefused {
        /// Who.
        guest: GuestId,
        /// Why.
        why: Denied,
    },
    /// A print of a guest was not shown; the guest stays.
    PrintRefused {
        /// Whose.
        guest: GuestId,
        /// Why.
        why: Denied,
    },
    /// The installer of this room asked the far box for something, with its PIN.
    HelpAsked {
        /// What.
        task: Task,
    },
    /// An installer in the far room knew this box's PIN: it is being done.
    HelpGiven {
        /// What.
        task: Task,
    },
    /// Somebody in the far room asked this box for something in vain.
    HelpRefused {
        /// Why.
        why: HelpDenied,
    },
    /// A guest is gone: removed, left, or the meeting ended.
    GuestEnded {
        /// Who.
        guest: GuestId,
    },
}
