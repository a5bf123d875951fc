//! Which of several cameras the loop hears of: the one whose view is wanted. The others come and go unsaid.

use crate::media::feed::Said;
use std::sync::{Arc, Mutex, PoisonError};

/// Knows of all, tells of one.
pub(super) struct Presence {
    said: Said,
    state: Mutex<Known>,
}

struct Known {
    wanted: usize,
    /// By number of the camera; none: not opened, or not known yet.
    cameras: Vec<Option<(bool, String)>>,
    /// What the loop was told last.
    told: Option<bool>,
}

impl Presence {
    pub(super) fn new(cameras: usize, said: Said) -> Arc<Self> {
        let state = Mutex::new(Known { wanted: 0, cameras: vec![None; cameras], told: None });
        Arc::new(Self { said, state })
    }

    /// This camera came or went.
    pub(super) fn say(&self, camera: usize, present: bool, detail: String) {
        self.change(|known| known.cameras[camera] = Some((present, detail)));
    }

    /// It is this camera that counts from now on.
    pub(super) fn look_at(&self, camera: usize) {
        self.change(|known| known.wanted = camera);
    }

    /// This camera was closed.
    pub(super) fn forget(&self, camera: usize) {
        self.change(|known| {
            known.cameras[camera] = None;
            if known.cameras.iter().all(Option::is_none) {
                known.told = None;
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        let mut known = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut known);
        let news = known.cameras[known.wanted].clone().filter(|(present, _)| known.told != Some(*present));
        if let Some((present, detail)) = news {
            known.told = Some(present);
            // Under the lock, so that two threads do not tell it in the wrong order; the inbox never waits.
            (self.said)(present, detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_hears_of_the_wanted_camera_only_and_of_each_change_once() {
        let heard: Arc<Mutex<Vec<(bool, String)>>> = Arc::default();
        let told = heard.clone();
        let presence = Presence::new(2, Arc::new(move |present, detail| told.lock().unwrap().push((present, detail))));
        presence.say(0, true, "room".into());
        presence.look_at(1);
        presence.say(1, false, "no table".into());
        presence.say(0, true, "room".into());
        presence.look_at(0);
        presence.forget(1);
        presence.say(0, true, "room".into());
        presence.forget(0);
        presence.say(0, true, "again".into());
        let expected = [(true, "room"), (false, "no table"), (true, "room"), (true, "again")];
        assert_eq!(*heard.lock().unwrap(), expected.map(|(present, detail)| (present, detail.to_owned())));
    }
}
