//! The door of this room, for whatever listens for it: who may come in, asked before the first byte, and how many at a time.

mod accept;
mod places;
mod room;

pub use accept::accept_forever;
pub(crate) use places::share;
pub use places::{PLACES, PLACES_PER_SOURCE, Place, Places, Worth};
pub use room::{Networks, Room, own_networks};
