//! Where the camera was turned to: thumbnails in, `CameraTurned` out; a taught view is kept in the state directory.
//!
//! ```text
//!   camera's thread ─ copies, never waits ─► at most 2 thumbnails ─► thread of its own: recognise, learn, keep ─► the loop
//! ```
//! Watches only while turns are followed or a view is being taught.

use crate::core::input::RoomInput;
use crate::core::lesson::{Lesson, LessonState};
use crate::core::turning::{Reference, Thumbnail, Turning};
use crate::durable;
use crate::media::room::Media;
use crate::media::thumbnail::ThumbnailOut;
use crate::model::Moment;
use crate::questions::Questions;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Recognises and learns. Dropped, its thread ends.
pub(super) struct Turns {
    looks: SyncSender<(Thumbnail, Moment)>,
    teaching: Teaching,
    watches: bool,
    lessons: u32,
    questions: Questions,
}

/// The view that is being taught, since when (none until it is looked at), and which lesson this is.
type Teaching = Arc<Mutex<Option<(usize, Option<Moment>, u32)>>>;

impl Turns {
    /// With what was taught before. `views`: their names; none for a view that turning this camera never shows.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(
        state_directory: &Path,
        views: Vec<Option<String>>,
        questions: Questions,
    ) -> std::io::Result<Self> {
        let (looks, looked) = sync_channel(WAITING);
        let teaching = Teaching::default();
        let references: Vec<_> = views.iter().map(|view| kept(state_directory, view.as_deref()?)).collect();
        let school = School {
            directory: state_directory.to_owned(),
            views,
            turning: Turning::new(references.clone()),
            references,
            teaching: teaching.clone(),
            seen: (0, Vec::new()),
            questions: questions.clone(),
        };
        std::thread::Builder::new().name("turns".into()).spawn(move || school.run(&looked))?;
        Ok(Self { looks, teaching, watches: false, lessons: 0, questions })
    }

    /// After every turn of the loop.
    pub(super) fn follow(&mut self, media: &Media, followed: bool, now: Moment) {
        let wanted = followed || self.is_teaching(now);
        if std::mem::replace(&mut self.watches, wanted) != wanted {
            let looks = self.looks.clone();
            media.thumbnails(wanted.then(|| -> ThumbnailOut {
                Arc::new(move |luma, _width, _height, at| {
                    if let Some(thumbnail) = Thumbnail::new(luma.to_vec()) {
                        let _one_look_less = looks.try_send((thumbnail, at));
                    }
                })
            }));
        }
    }

    /// A camera that shows nothing in time teaches nothing: what it shows later may be another place.
    fn is_teaching(&self, now: Moment) -> bool {
        let mut teaching = lock(&self.teaching);
        match &mut *teaching {
            Some((view, Some(since), _)) if now.since(*since) > TAUGHT_WITHIN => {
                self.questions.tell(RoomInput::Taught(Lesson { view: *view, state: LessonState::TooPoor }));
                *teaching = None;
            }
            Some((_, since, _)) => *since = since.or(Some(now)),
            None => {}
        }
        teaching.is_some()
    }

    /// The camera stands as this view is meant: learn it from the next seconds.
    pub(super) fn teach(&mut self, view: usize) {
        self.lessons = self.lessons.wrapping_add(1);
        *lock(&self.teaching) = Some((view, None, self.lessons));
    }
}

/// What the thread knows.
struct School {
    directory: PathBuf,
    /// Names of the views: a reference belongs to a name, not to a place in the list.
    views: Vec<Option<String>>,
    references: Vec<Option<Reference>>,
    turning: Turning,
    teaching: Teaching,
    /// What was seen in this lesson.
    seen: (u32, Vec<Thumbnail>),
    questions: Questions,
}

impl School {
    fn run(mut self, looked: &Receiver<(Thumbnail, Moment)>) {
        while let Ok((thumbnail, at)) = looked.recv() {
            let taught = *lock(&self.teaching);
            match taught {
                Some((view, _, lesson)) => self.learn(view, lesson, thumbnail),
                None => {
                    self.seen.1.clear();
                    if let Some(view) = self.turning.look(&thumbnail, at) {
                        self.questions.tell(RoomInput::CameraTurned(view));
                    }
                }
            }
        }
    }

    fn learn(&mut self, view: usize, lesson: u32, thumbnail: Thumbnail) {
        if self.seen.0 != lesson {
            self.seen = (lesson, Vec::new());
        }
        self.seen.1.push(thumbnail);
        if self.seen.1.len() < TAUGHT_BY {
            return;
        }
        // Another view may have been asked for meanwhile.
        lock(&self.teaching).take_if(|(_, _, taught)| *taught == lesson);
        let seen = std::mem::take(&mut self.seen.1);
        let state = Reference::learn(&seen).map_or(LessonState::TooPoor, |reference| self.keep(view, reference));
        tracing::info!(view, ?state, "taught");
        self.questions.tell(RoomInput::Taught(Lesson { view, state }));
    }

    fn keep(&mut self, view: usize, reference: Reference) -> LessonState {
        let others = self.references.iter().enumerate().filter(|(other, _)| *other != view);
        let mut alike = others.filter(|(_, other)| other.as_ref().is_some_and(|other| reference.looks_like(other)));
        if let Some((other, _)) = alike.next() {
            return LessonState::LooksLike(other);
        }
        let Some(name) = self.views.get(view).and_then(Option::as_deref) else { return LessonState::TooPoor };
        let path = path(&self.directory, name);
        let kept = durable::replace(&path, &reference.to_bytes());
        self.references[view] = Some(reference);
        self.turning = Turning::new(self.references.clone());
        match kept {
            Ok(()) => LessonState::Learnt,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "a taught view is known until the next start only");
                LessonState::NotKept
            }
        }
    }
}

fn lock(teaching: &Teaching) -> MutexGuard<'_, Option<(usize, Option<Moment>, u32)>> {
    teaching.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kept(directory: &Path, view: &str) -> Option<Reference> {
    match durable::read(&path(directory, view), LONGEST) {
        Ok(bytes) => Reference::from_bytes(&bytes?),
        Err(error) => {
            tracing::warn!(view, %error, "what was taught of this view cannot be read; teach it again");
            None
        }
    }
}

/// A view's name may hold anything: its bytes in hexadecimal do not.
fn path(directory: &Path, view: &str) -> PathBuf {
    let name: String = view.bytes().map(|byte| format!("{byte:02x}")).collect();
    directory.join(format!("view-{name}"))
}

/// A thread that is behind sees the newest soon enough; five come a second.
const WAITING: usize = 2;
/// Thumbnails: two seconds.
const TAUGHT_BY: usize = 10;
const TAUGHT_WITHIN: Duration = Duration::from_secs(10);
const LONGEST: u64 = 64 * 1024;
