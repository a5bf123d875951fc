//! Which browser is which: a random cookie names a guest. Bounded; says when a guest is gone.
//!
//! ```text
//!   first question ─► cookie, GuestId ─► streams open … closed ─ 10 min ─► left ─ 12 h unused ─► forgotten
//! ```
//! The core decides who may steer; nothing here admits anybody. Whoever is neither known to the core nor listening is
//! forgotten first when many come.

use crate::core::snapshot::Guest;
use crate::model::GuestId;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// All browsers that hold a cookie.
#[derive(Clone, Default)]
pub(super) struct Tokens(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    last: u64,
    browsers: BTreeMap<String, Browser>,
}

#[derive(Clone, Copy)]
struct Browser {
    guest: GuestId,
    installer: bool,
    /// Where it was seen last.
    source: Option<IpAddr>,
    streams: usize,
    /// When it last had an event stream, or came.
    listened_at: Instant,
    /// When its person last did something.
    used_at: Instant,
}

/// What a cookie stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Visitor {
    /// Its name for the core.
    pub(super) guest: GuestId,
    /// It proved the installer's PIN.
    pub(super) installer: bool,
}

/// One open event stream; closed when dropped.
pub(super) struct Stream {
    tokens: Tokens,
    guest: GuestId,
}

impl Tokens {
    /// Whose cookie this is.
    pub(super) fn find(&self, cookie: &str) -> Option<Visitor> {
        self.lock().browsers.get(cookie).map(Browser::visitor)
    }

    /// The same by its name.
    pub(super) fn visitor(&self, guest: GuestId) -> Option<Visitor> {
        self.lock().browsers.values().find(|browser| browser.guest == guest).map(Browser::visitor)
    }

    /// A new cookie; `known` are the core's guests, who are not forgotten for it. `None` if nobody else can be forgotten either.
    pub(super) fn issue(&self, known: &[Guest], now: Instant) -> Option<(String, Visitor)> {
        let mut random = [0; 16];
        SystemRandom::new().fill(&mut random).ok()?;
        let cookie = random.iter().fold(String::new(), |mut text, byte| {
            let _always_fits = write!(text, "{byte:02x}");
            text
        });
        let mut all = self.lock();
        if all.browsers.len() >= MOST_BROWSERS {
            let idle =
                |browser: &Browser| browser.streams == 0 && !browser.installer && !is_known(known, browser.guest);
            let oldest = all.browsers.iter().filter(|(_, browser)| idle(browser));
            let oldest = oldest.min_by_key(|(_, browser)| browser.used_at).map(|(cookie, _)| cookie.clone())?;
            all.browsers.remove(&oldest);
        }
        all.last += 1;
        let guest = GuestId(all.last);
        let browser = Browser { guest, installer: false, source: None, streams: 0, listened_at: now, used_at: now };
        all.browsers.insert(cookie.clone(), browser);
        Some((cookie, browser.visitor()))
    }

    /// Its person did something.
    pub(super) fn used(&self, guest: GuestId, now: Instant) {
        self.change(guest, |browser| browser.used_at = now);
    }

    /// It is at this address.
    pub(super) fn came_from(&self, guest: GuestId, source: IpAddr) {
        self.change(guest, |browser| browser.source = Some(source));
    }

    /// All that were seen last at this address.
    pub(super) fn guests_at(&self, source: IpAddr) -> Vec<GuestId> {
        let all = self.lock();
        all.browsers.values().filter(|browser| browser.source == Some(source)).map(|browser| browser.guest).collect()
    }

    /// Everybody was sent away.
    pub(super) fn end_installers(&self) {
        self.lock().browsers.values_mut().for_each(|browser| browser.installer = false);
    }

    /// From now on, or no longer.
    pub(super) fn set_installer(&self, guest: GuestId, installer: bool) {
        self.change(guest, |browser| browser.installer = installer);
    }

    /// An event stream of this browser opens; `None` if it has too many, or is not known.
    pub(super) fn open_stream(&self, guest: GuestId) -> Option<Stream> {
        let mut opened = false;
        self.change(guest, |browser| {
            opened = browser.streams < MOST_STREAMS;
            browser.streams += usize::from(opened);
        });
        opened.then(|| Stream { tokens: self.clone(), guest })
    }

    /// Forgets whoever is due; returns those of `known` that are gone.
    pub(super) fn sweep(&self, known: &[Guest], now: Instant) -> Vec<GuestId> {
        let mut left = Vec::new();
        self.lock().browsers.retain(|_, browser| {
            let away = browser.streams == 0 && now - browser.listened_at >= AWAY;
            let unused = now - browser.used_at;
            if away || unused >= INSTALLER_UNUSED {
                browser.installer = false;
            }
            if is_known(known, browser.guest) && (away || unused >= UNUSED) {
                left.push(browser.guest);
            }
            unused < UNUSED
        });
        left
    }

    fn change(&self, guest: GuestId, change: impl FnOnce(&mut Browser)) {
        if let Some(browser) = self.lock().browsers.values_mut().find(|browser| browser.guest == guest) {
            change(browser);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Browser {
    fn visitor(&self) -> Visitor {
        Visitor { guest: self.guest, installer: self.installer }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.tokens.change(self.guest, |browser| {
            browser.streams -= 1;
            browser.listened_at = Instant::now();
        });
    }
}

fn is_known(known: &[Guest], guest: GuestId) -> bool {
    known.iter().any(|known| known.id == guest)
}

/// A closed page is not a leave at once: phones sleep.
const AWAY: Duration = Duration::from_secs(10 * 60);
/// A cookie that nobody used for so long ends.
const UNUSED: Duration = Duration::from_secs(12 * 3600);
/// The installer's rights end sooner.
const INSTALLER_UNUSED: Duration = Duration::from_secs(3600);
/// Far more than the core's guests.
const MOST_BROWSERS: usize = 512;
/// A browser has six connections to one origin; some must stay free for what people press.
const MOST_STREAMS: usize = 4;
/// How often [`Tokens::sweep`] is called.
pub(super) const SWEEP_PERIOD: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Moment;

    const MINUTE: Duration = Duration::from_secs(60);

    fn known(guest: GuestId) -> Guest {
        Guest { id: guest, name: "x".into(), admitted: true, since: Moment::default() }
    }

    fn issue(tokens: &Tokens) -> (String, GuestId) {
        let (cookie, visitor) = tokens.issue(&[], Instant::now()).expect("there is room");
        (cookie, visitor.guest)
    }

    #[test]
    fn a_cookie_is_long_random_and_names_one_guest() {
        let tokens = Tokens::default();
        let ((first, one), (second, two)) = (issue(&tokens), issue(&tokens));
        assert!(first.len() == 32 && first != second && one != two);
        assert_eq!(tokens.find(&first).map(|visitor| visitor.guest), Some(one));
        assert_eq!(tokens.find("ffffffffffffffffffffffffffffffff"), None);
        assert_eq!(tokens.find(""), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleeping_phone_is_no_leave_and_a_closed_page_is_one_after_ten_minutes() {
        let tokens = Tokens::default();
        let (_, guest) = issue(&tokens);
        let stream = tokens.open_stream(guest);
        tokio::time::advance(60 * MINUTE).await;
        assert_eq!(tokens.sweep(&[known(guest)], Instant::now()), []);
        drop(stream);
        tokio::time::advance(9 * MINUTE).await;
        assert_eq!(tokens.sweep(&[known(guest)], Instant::now()), []);
        let _back = tokens.open_stream(guest);
        tokio::time::advance(60 * MINUTE).await;
        assert_eq!(tokens.sweep(&[known(guest)], Instant::now()), []);
        drop(_back);
        tokio::time::advance(10 * MINUTE).await;
        assert_eq!(tokens.sweep(&[known(guest)], Instant::now()), [guest]);
        assert_eq!(tokens.sweep(&[], Instant::now()), [], "the core knows already");
        assert!(tokens.visitor(guest).is_some(), "the same browser may come again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_cookie_unused_for_twelve_hours_ends_even_while_its_page_is_open() {
        let tokens = Tokens::default();
        let (cookie, guest) = issue(&tokens);
        let _stream = tokens.open_stream(guest);
        tokio::time::advance(11 * 60 * MINUTE).await;
        tokens.used(guest, Instant::now());
        tokio::time::advance(11 * 60 * MINUTE).await;
        assert_eq!(tokens.sweep(&[known(guest)], Instant::now()), []);
        tokio::time::advance(60 * MINUTE).await;
        assert_eq!(tokens.sweep(&[known(guest)], Instant::now()), [guest]);
        assert_eq!(tokens.find(&cookie), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_installers_rights_end_after_an_hour_without_use() {
        let tokens = Tokens::default();
        let (cookie, guest) = issue(&tokens);
        let _stream = tokens.open_stream(guest);
        tokens.set_installer(guest, true);
        tokio::time::advance(59 * MINUTE).await;
        tokens.sweep(&[], Instant::now());
        assert_eq!(tokens.find(&cookie).map(|visitor| visitor.installer), Some(true));
        tokio::time::advance(MINUTE).await;
        tokens.sweep(&[], Instant::now());
        assert_eq!(tokens.find(&cookie).map(|visitor| visitor.installer), Some(false));
    }

    #[test]
    fn a_flood_of_browsers_stays_bounded_and_forgets_no_guest() {
        let tokens = Tokens::default();
        let ((kept, guest), (listening, other)) = (issue(&tokens), issue(&tokens));
        let _stream = tokens.open_stream(other);
        let guests = [known(guest)];
        for _ in 0..10 * MOST_BROWSERS {
            assert!(tokens.issue(&guests, Instant::now()).is_some());
        }
        assert_eq!(tokens.lock().browsers.len(), MOST_BROWSERS);
        assert!(tokens.find(&kept).is_some() && tokens.find(&listening).is_some());
    }

    #[test]
    fn one_browser_has_a_bounded_number_of_streams() {
        let tokens = Tokens::default();
        let (_, guest) = issue(&tokens);
        let mut streams: Vec<Stream> = std::iter::from_fn(|| tokens.open_stream(guest)).take(100).collect();
        assert_eq!(streams.len(), MOST_STREAMS);
        streams.pop();
        assert!(tokens.open_stream(guest).is_some());
        assert!(tokens.open_stream(GuestId(999)).is_none());
    }
}
