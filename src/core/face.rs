//! What the screen says about the room, in types: `media::screen` gives it words and a shape.

use crate::core::memory::Drawn;
use crate::core::request::Denied;
use crate::core::snapshot::LinkState;
use crate::model::{MicState, Mode, Moment, Stance, Veil};

/// Everything on the kiosk screen besides the far picture and the sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Face {
    /// The pair's mode decides the layout.
    pub mode: Mode,
    /// This room's part in it.
    pub near: Stance,
    /// The other room's part in it.
    pub far: Stance,
    /// Why the box itself drew this room's curtain.
    pub drawn: Option<Drawn>,
    /// The far room's name.
    pub far_name: String,
    /// The far camera's view, if it has several.
    pub far_view: String,
    /// The far camera's veil.
    pub far_veil: Veil,
    /// This camera's veil.
    pub veil: Veil,
    /// What really leaves this microphone: the full-width band.
    pub microphone: MicState,
    /// The gate is open although nothing leaves yet, or the other way round: the band says "opening", "closing".
    pub microphone_wanted: bool,
    /// What the far box says leaves its microphone.
    pub far_microphone: MicState,
    /// The link.
    pub link: LinkState,
    /// The link is authenticated end to end right now: the padlock.
    pub sealed: bool,
    /// The meeting clock counts from here.
    pub meeting_since: Option<Moment>,
    /// In front of everything for a while.
    pub banner: Option<Banner>,
    /// The keypad's menu.
    pub menu: Option<MenuPage>,
    /// Address, QR code and this room code.
    pub code: Option<u32>,
    /// What the far side sees, as a picture in the picture.
    pub own_picture: bool,
    /// Loudness of the far room here, 0 … 100.
    pub volume: u8,
    /// No new guests are taken.
    pub locked: bool,
}

/// One thing that wants an eye now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Banner {
    /// The far room knocks: the talk key answers.
    Knocked,
    /// We knock and wait.
    Knocking,
    /// The camera was turned to this view; the more key cancels.
    Turning {
        /// Name of the view.
        view: String,
    },
    /// Somebody asks to be let into the panel.
    GuestWaits {
        /// As it calls itself.
        name: String,
    },
    /// A key was pressed in vain.
    Denied(Denied),
}

/// The menu on the screen: what the meet and view keys do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MenuPage {
    /// Meet: softer. View: louder.
    Sound,
    /// Meet: own picture. View: the next veil.
    Picture,
    /// Meet: address, QR code and room code. View: let the waiting guest in.
    Guests,
    /// Meet: lock. View: end all guests.
    Door,
}
