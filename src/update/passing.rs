//! A bundle that is to be passed on to the other box: wished once, remembered until it is there, whatever happens to line and daemon.

use super::place::{Place, Whole, gone};
use crate::durable;
use std::io;

impl Place {
    /// From now on the bundle that is here is to be passed on; `None` if there is none.
    ///
    /// # Errors
    /// As the file system says.
    pub fn pass(&self) -> io::Result<Option<Whole>> {
        let Some(whole) = self.whole() else { return Ok(None) };
        durable::replace(&self.directory.join(PASS), whole.sha256.as_bytes())?;
        Ok(Some(whole))
    }

    /// The bundle that is to be passed on. Another one that came since is not.
    pub fn to_pass(&self) -> Option<Whole> {
        let wished = durable::read(&self.directory.join(PASS), LONGEST).ok()??;
        self.whole().filter(|whole| whole.sha256.as_bytes() == wished)
    }

    /// It is there, or is not wanted there.
    ///
    /// # Errors
    /// As the file system says.
    pub fn passed(&self) -> io::Result<()> {
        gone(&self.directory.join(PASS))
    }
}

const PASS: &str = "pass";
const LONGEST: u64 = 256;
