//! What a page needs of the place: a bundle that a browser sends in parts, under a name of its own, and a press that installs it.

use super::incoming::{Expected, Incoming};
use super::place::{EXPECTED, PART, Place, Wish, gone};
use super::refusal::Refusal;
use super::report::{Source, State};
use std::io;
use std::path::Path;

impl Place {
    /// The place of the box with this state directory. One that is not [`HOME`] is another box on the same machine, and tells of itself.
    pub fn of(state_directory: &Path) -> Self {
        let directory = state_directory.join("update");
        if state_directory == Path::new(HOME) {
            return Self::new(directory);
        }
        let (report, rolled_back) = (directory.join("report.json"), directory.join("rolled-back"));
        Self::new(directory).telling(report).remembering(rolled_back)
    }

    /// As [`Place::begin`], of a bundle whose sender calls it so and may go on with it later: see [`Place::go_on`].
    ///
    /// # Errors
    /// As [`Place::begin`].
    pub fn begin_named(&self, source: Source, length: u64, name: &str) -> Result<Incoming, Refusal> {
        let Some(held) = self.lock()? else { return Err(Refusal::Busy) };
        for left in [EXPECTED, PART] {
            gone(&self.directory.join(left))?;
        }
        self.receive_or_tell(source, Expected { length, sha256: None, name: Some(name.to_owned()) }, held)
    }

    /// As [`Place::begin_named`], but goes on where the bundle of this length and name stopped: see [`Incoming::offset`]. Reads what is
    /// there, which takes seconds.
    ///
    /// # Errors
    /// As [`Place::begin`].
    pub fn go_on(&self, source: Source, length: u64, name: &str) -> Result<Incoming, Refusal> {
        self.start(source, Expected { length, sha256: None, name: Some(name.to_owned()) })
    }

    /// What stopped on its way and can be gone on with, by a name or a digest.
    pub fn unfinished(&self) -> Option<Unfinished> {
        let Expected { length, sha256, name } = self.expected().ok()??;
        let here = std::fs::metadata(self.directory.join(PART)).ok()?.len();
        (here <= length).then_some(Unfinished { length, sha256, name, here })
    }

    /// The largest bundle, bytes.
    pub fn most(&self) -> u64 {
        self.limits.most
    }

    /// Asks for the installation of what lies here, for somebody who pressed a button.
    ///
    /// # Errors
    /// As the file system says.
    pub fn ask_install(&self) -> io::Result<Asked> {
        match self.report().state {
            State::Installing | State::Installed => return Ok(Asked::Before),
            State::Receiving | State::Checking => return Ok(Asked::Later),
            State::None | State::Ready | State::Refused | State::Failed => {}
        }
        if self.whole().is_none() {
            return Ok(Asked::NothingHere);
        }
        self.wish(Wish::Install).map(|()| Asked::Now)
    }
}

/// A bundle that stopped on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Bytes it will have.
    pub length: u64,
    /// As in [`super::Whole`], if its sender said so.
    pub sha256: Option<String>,
    /// As its sender calls it, if it does.
    pub name: Option<String>,
    /// Bytes that are here.
    pub here: u64,
}

/// What became of a question for an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is wished.
    Now,
    /// It is under way, or done.
    Before,
    /// Not while a bundle arrives or is being checked.
    Later,
    /// No bundle is here.
    NothingHere,
}

/// The state directory of every box of the image.
pub const HOME: &str = "/var/lib/engawa";
