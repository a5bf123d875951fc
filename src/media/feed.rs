//! Keeps one source open for ever: watches it, says when it is lost, sends a placeholder meanwhile, opens it anew.
//!
//! ```text
//!            opened            first frame
//!  Waiting ─────────► Opening ─────────────► Present
//!     ▲ pause 0.5 s … 5 s │ fault, 5 s without   │ fault, 2 s without a frame, or `examine` objects
//!     └───────────────────┴──────────────────────┘   → DeviceChanged, placeholder
//! ```
//!
//! Everything slow happens on the threads of [`Life`]; the feed's own thread only decides. Dropping the feed closes it.

use crate::config::Source;
use crate::core::input::Input;
use crate::inbox::Inbox;
use crate::media::life::{Life, LifeOrder};
use crate::media::source::{Form, now};
use crate::model::{Device, Moment};
use gstreamer as gst;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where a buffer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The source that was asked for.
    Device,
    /// The picture that stands for it.
    Placeholder,
}

/// Takes what was captured, and where.
pub(crate) type TakeFrom = Arc<dyn Fn(gst::Buffer, &gst::CapsRef, Origin) + Send + Sync>;

/// What to keep open.
pub(crate) struct FeedOrder {
    /// In the log.
    pub name: &'static str,
    pub source: Source,
    pub form: Form,
    /// Description of what stands between source and sink.
    pub tail: String,
    /// Shown while the source is missing: a description that ends in what the tail takes.
    pub placeholder: Option<String>,
    /// Takes a buffer whose PTS is its [`Moment`].
    pub take: TakeFrom,
    /// Says what is wrong with frames that do come.
    pub examine: Arc<dyn Fn(Moment) -> Option<String> + Send + Sync>,
    /// Told when the source comes or goes.
    pub said: Said,
    /// Told when frames stop for a moment, and come again.
    pub still: Option<Still>,
    /// Told, at most once a minute, that opening does not help; with the number of the last try.
    pub wedged: Option<Arc<dyn Fn(usize) + Send + Sync>>,
}

/// Takes whether the source is there, and a word on it.
pub(crate) type Said = Arc<dyn Fn(bool, String) + Send + Sync>;

/// Takes for how long nothing has come; none: something comes again.
pub type Still = Arc<dyn Fn(Option<Duration>) + Send + Sync>;

/// Tells the loop of this device.
pub(crate) fn to_loop(device: Device, inbox: Inbox) -> Said {
    Arc::new(move |present, detail| inbox.urgent(Input::DeviceChanged { device, present, detail }))
}

/// A source that is kept open.
pub(crate) struct Feed(Arc<Board>);

/// What the other threads tell the feed's thread.
#[derive(Default)]
struct Board {
    news: Mutex<News>,
    wake: Condvar,
    /// The life that counts; news of others is stale.
    current: AtomicU64,
    /// Moment of the last buffer of the current life; zero if there was none.
    last_buffer: AtomicU64,
    /// Nanoseconds between the last two: its cadence.
    cadence: AtomicU64,
    /// It was told that frames stopped.
    still: AtomicBool,
}

#[derive(Default)]
struct News {
    fault: Option<(u64, String)>,
    began: bool,
    closed: bool,
}

impl Feed {
    /// Opens the source; returns at once.
    pub(crate) fn start(order: FeedOrder) -> Self {
        let board = Arc::new(Board::default());
        let feed = Self(board.clone());
        let spawned = std::thread::Builder::new().name("engawa-feed".to_owned()).spawn(move || {
            Keeping {
                order,
                board,
                lives: Arc::default(),
                attempt: 0,
                rung: 0,
                asked: None,
                said: None,
                placeholder: None,
            }
            .run()
        });
        if let Err(error) = spawned {
            tracing::error!(%error, "no thread to keep a source open");
        }
        feed
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.0.current.store(0, Ordering::Relaxed);
        self.0.tell(|news| news.closed = true);
    }
}

impl Board {
    fn tell(&self, change: impl FnOnce(&mut News)) {
        change(&mut self.lock());
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The feed's thread.
struct Keeping {
    order: FeedOrder,
    board: Arc<Board>,
    lives: Arc<AtomicUsize>,
    attempt: usize,
    rung: u32,
    /// When somebody was asked for help last.
    asked: Option<Moment>,
    /// What was told last.
    said: Option<bool>,
    placeholder: Option<Life>,
}

enum State {
    Waiting { until: Moment },
    Opening { life: Life, since: Moment },
    Present { life: Life, since: Moment },
}

impl Keeping {
    fn run(mut self) {
        let mut state = match self.order.source {
            // Nothing to open: the placeholder stands, and nobody misses anything.
            Source::None => State::Waiting { until: Moment::from_nanos(u64::MAX) },
            Source::Auto | Source::V4l2(_) | Source::Alsa(_) | Source::Test | Source::File(_) | Source::Gst(_) => {
                self.open()
            }
        };
        if matches!(self.order.source, Source::None) {
            self.stand_in();
        }
        loop {
            let (fault, closed) = self.wait(&state);
            if closed {
                return;
            }
            state = self.step(state, fault, now());
        }
    }

    /// Until there is news, at most [`TICK`].
    fn wait(&self, state: &State) -> (Option<String>, bool) {
        let quiet = |news: &mut News| news.fault.is_none() && !news.closed && !news.began;
        let news = self.board.lock();
        let waited = self.board.wake.wait_timeout_while(news, self.longest_wait(state, now()), quiet);
        let (mut news, _) = waited.unwrap_or_else(PoisonError::into_inner);
        news.began = false;
        let current = self.board.current.load(Ordering::Relaxed);
        (news.fault.take().filter(|(life, _)| *life == current).map(|(_, sentence)| sentence), news.closed)
    }

    /// Only what is there can stop: a thread of a lost life may write its last buffer down late.
    fn longest_wait(&self, state: &State, at: Moment) -> Duration {
        match state {
            State::Present { .. } => self.still_at().map_or(TICK, |still_at| still_at.since(at).clamp(SOON, TICK)),
            State::Waiting { .. } | State::Opening { .. } => TICK,
        }
    }

    fn step(&mut self, state: State, fault: Option<String>, at: Moment) -> State {
        let last = Moment::from_nanos(self.board.last_buffer.load(Ordering::Relaxed));
        let began = last != Moment::default();
        match state {
            State::Waiting { until } if at < until => State::Waiting { until },
            State::Waiting { until } if self.lives.load(Ordering::Relaxed) >= LIVES => {
                tracing::debug!(device = self.order.name, "the driver still holds earlier tries");
                self.ask_for_help(at);
                State::Waiting { until: until + PAUSE_LONGEST }
            }
            State::Waiting { .. } => self.open(),
            State::Opening { life, .. } if fault.is_some() => self.lose(life, fault.unwrap_or_default(), at),
            State::Opening { life, .. } if began => {
                self.say(true, format!("{:?}", self.order.source));
                self.placeholder = None;
                State::Present { life, since: at }
            }
            State::Opening { life, since } if at.since(since) > FIRST_FRAME_WITHIN => {
                self.lose(life, "it opens but nothing comes".to_owned(), at)
            }
            State::Opening { life, since } => {
                if at.since(since) > SILENT {
                    self.stand_in();
                }
                State::Opening { life, since }
            }
            State::Present { life, since } => {
                let silent = at.since(last) > SILENT;
                let wrong = fault
                    .or_else(|| silent.then(|| "nothing came for 2 s".to_owned()))
                    .or_else(|| (self.order.examine)(at));
                if let Some(why) = wrong {
                    return self.lose(life, why, at);
                }
                self.tell_still(last, at);
                if at.since(since) > PROVEN {
                    self.rung = 0;
                }
                State::Present { life, since }
            }
        }
    }

    fn open(&mut self) -> State {
        let number = self.board.current.fetch_add(1, Ordering::Relaxed) + 1;
        self.board.last_buffer.store(0, Ordering::Relaxed);
        let (board, take) = (self.board.clone(), self.order.take.clone());
        let (faults, attempt) = (self.board.clone(), self.attempt);
        self.attempt += 1;
        let life = Life::start(LifeOrder {
            source: self.order.source.clone(),
            form: self.order.form,
            attempt,
            tail: self.order.tail.clone(),
            take: Arc::new(move |buffer, caps| {
                if board.current.load(Ordering::Relaxed) != number {
                    return;
                }
                let at = now().as_nanos();
                let before = board.last_buffer.swap(at, Ordering::Relaxed);
                let first = before == 0;
                board.cadence.store(if first { 0 } else { at.saturating_sub(before) }, Ordering::Relaxed);
                take(buffer, caps, Origin::Device);
                if first || board.still.load(Ordering::Relaxed) {
                    board.tell(|news| news.began = true);
                }
            }),
            fault: Arc::new(move |sentence| {
                faults.tell(|news| {
                    if news.fault.as_ref().is_none_or(|(life, _)| *life < number) {
                        news.fault = Some((number, sentence));
                    }
                });
            }),
            lives: self.lives.clone(),
        });
        State::Opening { life, since: now() }
    }

    fn lose(&mut self, life: Life, why: String, at: Moment) -> State {
        // From here on nothing of that life counts.
        self.board.current.fetch_add(1, Ordering::Relaxed);
        self.board.still.store(false, Ordering::Relaxed);
        self.board.last_buffer.store(0, Ordering::Relaxed);
        drop(life);
        tracing::debug!(device = self.order.name, why, "lost");
        self.say(false, why);
        self.stand_in();
        let pause = PAUSE_SHORTEST.saturating_mul(1 << self.rung.min(8)).min(PAUSE_LONGEST);
        self.rung = self.rung.saturating_add(1);
        if self.rung >= IN_VAIN {
            self.ask_for_help(at);
        }
        State::Waiting { until: at + pause }
    }

    /// The next step of the ladder, beyond opening anew.
    fn ask_for_help(&mut self, at: Moment) {
        let Some(wedged) = &self.order.wedged else { return };
        if self.asked.is_none_or(|asked| at.since(asked) >= HELP_AGAIN) {
            self.asked = Some(at);
            wedged(self.attempt.saturating_sub(1));
        }
    }

    /// When the frames of a source count as stopped, unless another one comes.
    fn still_at(&self) -> Option<Moment> {
        let last = Moment::from_nanos(self.board.last_buffer.load(Ordering::Relaxed));
        let cadence = Duration::from_nanos(self.board.cadence.load(Ordering::Relaxed)).min(CADENCE_MOST);
        let wanted = self.order.still.is_some() && last != Moment::default();
        (wanted && !self.board.still.load(Ordering::Relaxed)).then(|| last + cadence + STILL)
    }

    fn tell_still(&self, last: Moment, at: Moment) {
        let Some(tell) = &self.order.still else { return };
        if self.still_at().is_some_and(|still_at| still_at <= at) {
            self.board.still.store(true, Ordering::Relaxed);
            tell(Some(at.since(last)));
        } else if self.board.still.load(Ordering::Relaxed) && at.since(last) < STILL {
            self.board.still.store(false, Ordering::Relaxed);
            tell(None);
        }
    }

    fn stand_in(&mut self) {
        let Some(description) = self.order.placeholder.clone().filter(|_| self.placeholder.is_none()) else { return };
        let take = self.order.take.clone();
        self.placeholder = Some(Life::start(LifeOrder {
            source: Source::Gst(description),
            form: self.order.form,
            attempt: 0,
            tail: self.order.tail.clone(),
            take: Arc::new(move |buffer, caps| take(buffer, caps, Origin::Placeholder)),
            fault: Arc::new(|why| tracing::warn!(why, "the placeholder fails")),
            lives: Arc::default(),
        }));
    }

    /// Tells it, if it was not told.
    fn say(&mut self, present: bool, detail: String) {
        if self.said.replace(present) != Some(present) {
            tracing::info!(device = self.order.name, present, detail, "device changed");
            (self.order.said)(present, detail);
        }
    }
}

/// Without a frame for so long beyond its cadence, a picture is not live.
const STILL: Duration = Duration::from_millis(1500);
/// A cadence slower than this is none: the pause before the last frame.
const CADENCE_MOST: Duration = Duration::from_millis(400);
/// The shortest wait.
const SOON: Duration = Duration::from_millis(5);
/// Without a frame this long, a source is hung.
const SILENT: Duration = Duration::from_secs(2);
/// The same, counted from opening: USB cameras take a second or two to begin.
const FIRST_FRAME_WITHIN: Duration = Duration::from_secs(5);
/// How often the feed looks without being called.
const TICK: Duration = Duration::from_millis(500);
const PAUSE_SHORTEST: Duration = Duration::from_millis(500);
const PAUSE_LONGEST: Duration = Duration::from_secs(5);
/// After this long a source counts as well again and the ladder begins anew.
const PROVEN: Duration = Duration::from_secs(10);
/// After so many losses in a row opening does not help.
const IN_VAIN: u32 = 3;
/// A reset needs seconds, and may need the next one.
const HELP_AGAIN: Duration = Duration::from_secs(60);
/// Tries that may hang in a driver at the same time.
const LIVES: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_buffer_that_is_written_down_after_the_loss_makes_no_wait_spin() {
        let order = FeedOrder {
            name: "test",
            source: Source::Test,
            form: Form::Sound,
            tail: String::new(),
            placeholder: None,
            take: Arc::new(|_, _, _| {}),
            examine: Arc::new(|_| None),
            said: Arc::new(|_, _| {}),
            still: Some(Arc::new(|_| {})),
            wedged: None,
        };
        let board = Arc::new(Board::default());
        board.last_buffer.store(1, Ordering::Relaxed);
        let lives = Arc::default();
        let keeping = Keeping { order, board, lives, attempt: 1, rung: 0, asked: None, said: None, placeholder: None };
        let late = Moment::from_nanos(3_600_000_000_000);
        assert!(keeping.still_at().is_some_and(|at| at < late));
        assert_eq!(keeping.longest_wait(&State::Waiting { until: late }, late), TICK);
    }
}
