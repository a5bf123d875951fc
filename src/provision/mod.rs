//! From bare boxes to a pair: one file per box, made on the installer's PC and taken by the box, with no network between them.
//!
//! ```text
//!   installer's PC                           stick                        box
//!   pairs.csv ─ table ─ make ─▶ engawa-box.toml ─▶ stick: fat, confined ─▶ take ─▶ engawa.toml · network.toml
//!                                    ▲                                        └──▶ identity.key · peer.key
//!                                    └── private part overwritten in place ◀── stick wipe
//! ```
//! May be relied on: a refused table writes nothing and a refused file changes nothing; what is refused is told with its line and
//! in words that people in the room can read. `reset` makes a box forget all of it. No part of this runs in the daemon. It stands above `trunk`, whose keys it makes.

mod bundle_name;
mod columns;
pub mod fat;
mod fat_names;
pub mod file;
pub mod make;
pub mod network;
pub mod refusal;
pub mod reset;
mod settings;
pub mod stick;
pub mod table;
pub mod take;
