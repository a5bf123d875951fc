//! The control connections of the moment: which one is spoken on.
//!
//! Both boxes may dial at once, so two connections can stand side by side. **Only the offerer closes a living one**; the
//! answerer speaks where it was last spoken to. One decider, so they cannot close each other's choice.

use crate::core::signal::Hello;
use crate::model::{Moment, Role, Side, TrunkId};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// One control connection.
#[derive(Clone, Debug)]
pub struct Trunk {
    /// Its name.
    pub id: TrunkId,
    /// Who dialled.
    pub dialled_by: Side,
    /// The peer's socket.
    pub peer: SocketAddr,
    /// Our own address on it.
    pub own: IpAddr,
    /// The peer's hello.
    pub hello: Hello,
    /// When it opened.
    pub opened_at: Moment,
    /// When the peer last said anything on it.
    pub heard_at: Moment,
}

/// All of them; at most [`TRUNK_LIMIT`].
#[derive(Clone, Debug, Default)]
pub struct Trunks {
    open: Vec<Trunk>,
}

impl Trunks {
    /// Adds a connection; returns those that must be closed now.
    pub fn add(&mut self, trunk: Trunk, role: Role) -> Vec<TrunkId> {
        let newcomer = trunk.id;
        let restarted = self.open.iter().any(|old| old.hello.boot != trunk.hello.boot);
        let rival = self.open.iter().any(|old| crossed(old, &trunk));
        self.open.push(trunk);
        if restarted {
            return self.keep_only(newcomer);
        }
        match role {
            // Two dials crossed: the first stands. Otherwise the newest proves that the path works both ways now.
            Role::Offerer if rival => self.remove(newcomer).map(|trunk| trunk.id).into_iter().collect(),
            Role::Offerer => self.keep_only(newcomer),
            Role::Answerer if self.open.len() > TRUNK_LIMIT => vec![self.open.remove(0).id],
            Role::Answerer => Vec::new(),
        }
    }

    /// Takes a connection out.
    pub fn remove(&mut self, id: TrunkId) -> Option<Trunk> {
        let place = self.open.iter().position(|trunk| trunk.id == id)?;
        Some(self.open.remove(place))
    }

    /// The peer said something on this connection; false if it is not (any more) one of ours.
    pub fn heard(&mut self, id: TrunkId, now: Moment) -> bool {
        match self.open.iter_mut().find(|trunk| trunk.id == id) {
            Some(trunk) => {
                trunk.heard_at = now;
                true
            }
            None => false,
        }
    }

    /// The connection to speak on: the one last heard.
    pub fn chosen(&self) -> Option<&Trunk> {
        self.open.iter().max_by_key(|trunk| (trunk.heard_at, trunk.id))
    }

    /// Takes out every connection for which `doomed` holds.
    pub fn drop_where(&mut self, doomed: impl Fn(&Trunk) -> bool) -> Vec<TrunkId> {
        let ids: Vec<TrunkId> = self.open.iter().filter(|trunk| doomed(trunk)).map(|trunk| trunk.id).collect();
        self.open.retain(|trunk| !ids.contains(&trunk.id));
        ids
    }

    /// When the first of them will have been silent for `limit`.
    pub fn silent_at(&self, limit: Duration) -> Option<Moment> {
        self.open.iter().map(|trunk| trunk.heard_at + limit).min()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Trunk> {
        self.open.iter()
    }

    fn keep_only(&mut self, id: TrunkId) -> Vec<TrunkId> {
        self.drop_where(|trunk| trunk.id != id)
    }
}

/// Both boxes dialled at once, between the same two addresses. A second dial of one side is no crossing: the first was lost.
fn crossed(old: &Trunk, new: &Trunk) -> bool {
    let same_path = (old.own, old.peer.ip()) == (new.own, new.peer.ip());
    same_path && old.dialled_by != new.dialled_by && new.opened_at.since(old.opened_at) < SIMULTANEOUS
}

/// Connections opened this close together are two dials that crossed.
const SIMULTANEOUS: Duration = Duration::from_millis(500);
/// More than this only a bug or an attack by the pinned peer itself can make.
const TRUNK_LIMIT: usize = 4;
