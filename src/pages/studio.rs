//! The daemon's side: one worker process for each open document, and a thread that attends to it.
//!
//! Relied on: every wish is answered exactly once, within its deadline and those of the wishes before it; the newest
//! is drawn first; dropping a [`Document`] ends its worker. Callbacks run on the attendant's thread and must be quick.

use super::wire::{Answer, Drawing, Kind, Order, PageSize, Picture};
use super::{DRAW_DEADLINE, LONGEST_DOCUMENT, OPEN_DEADLINE, Refusal, Trespass};
use std::io::{self, BufReader};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Where documents are opened.
#[derive(Clone, Debug)]
pub struct Studio {
    program: PathBuf,
    trespass: Option<Trespass>,
    /// One reference for each attendant, and one for the studio.
    places: Arc<()>,
    most_documents: usize,
}

impl Studio {
    /// A studio whose workers are `program draw-pages`; the daemon's own is `/proc/self/exe`.
    pub fn new(program: impl Into<PathBuf>, most_documents: usize) -> Self {
        Self { program: program.into(), trespass: None, places: Arc::new(()), most_documents }
    }

    /// Tests only: workers try what is forbidden as soon as they are confined.
    #[must_use]
    pub fn trespassing(mut self, trespass: Trespass) -> Self {
        self.trespass = Some(trespass);
        self
    }

    /// Documents whose workers are not gone yet.
    pub fn open_documents(&self) -> usize {
        Arc::strong_count(&self.places) - 1
    }

    /// Reads a document in a new worker and says what it is; never waits.
    pub fn open(
        &self,
        document: impl AsRef<[u8]> + Send + Sync + 'static,
        done: impl FnOnce(Result<Opened, Refusal>) + Send + 'static,
    ) {
        let place = Arc::clone(&self.places);
        if self.open_documents() > self.most_documents {
            return done(Err(Refusal::TooMany));
        }
        if document.as_ref().len() > LONGEST_DOCUMENT {
            return done(Err(Refusal::TooLarge));
        }
        let table = Arc::new(Table::default());
        let mut attendant = Attendant {
            program: self.program.clone(),
            trespass: self.trespass,
            document: Arc::new(document),
            table: Arc::clone(&table),
            worker: None,
            _place: place,
        };
        let promise = Promise(Some(Box::new(done)));
        let attend = move || match attendant.open() {
            Ok((kind, pages, first)) => {
                let document = Document { table: Arc::clone(&attendant.table) };
                promise.keep(Ok(Opened { kind, pages, first, document }));
                attendant.attend();
            }
            Err(refusal) => {
                drop(attendant);
                promise.keep(Err(refusal));
            }
        };
        if let Err(error) = thread::Builder::new().name("pages".to_owned()).spawn(attend) {
            tracing::warn!(%error, "no thread for a document");
        }
    }
}

/// A document as its caller holds it.
type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// As in [`Opened`].
type Contents = (Kind, Vec<PageSize>, Vec<Range<usize>>);

/// Whom to tell.
type Done<T, E> = Box<dyn FnOnce(Result<T, E>) + Send>;

/// Is told once whatever happens, even when there is no thread to attend.
struct Promise(Option<Done<Opened, Refusal>>);

impl Promise {
    fn keep(mut self, result: Result<Opened, Refusal>) {
        if let Some(done) = self.0.take() {
            done(result);
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(|done| done(Err(Refusal::TooMany)));
    }
}

/// A document that was read.
#[derive(Debug)]
pub struct Opened {
    /// What it is.
    pub kind: Kind,
    /// Every page upright, in points.
    pub pages: Vec<PageSize>,
    /// The parts of it that the first page needs: in order, apart from each other; none when it needs all of it.
    pub first: Vec<Range<usize>>,
    /// Draws it, and closes it when dropped.
    pub document: Document,
}

/// An open document.
#[derive(Debug)]
pub struct Document {
    table: Arc<Table>,
}

impl Document {
    /// Draws a part of a page; never waits. The newest wish is drawn first, and one that waits behind
    /// [`MOST_WAITING`] newer ones is overtaken: wish for the neighbours first and for the page that people look at last.
    pub fn draw(&self, drawing: Drawing, done: impl FnOnce(Result<Picture, Undrawn>) + Send + 'static) {
        let wish = Wish { drawing, done: Box::new(done) };
        if !wish.drawing.is_fine() {
            return (wish.done)(Err(Undrawn::Refused(Refusal::TooLarge)));
        }
        let mut state = self.table.lock();
        state.wishes.push(wish);
        let overtaken = if state.wishes.len() > MOST_WAITING { Some(state.wishes.remove(0)) } else { None };
        drop(state);
        self.table.bell.notify_all();
        overtaken.into_iter().for_each(|wish| (wish.done)(Err(Undrawn::Overtaken)));
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        self.table.lock().closed = true;
        self.table.bell.notify_all();
    }
}

/// Why a wish has no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undrawn {
    /// People are told.
    Refused(Refusal),
    /// Newer wishes came first.
    Overtaken,
    /// The document was closed.
    Closed,
}

/// What the document's holder, its attendant and the pipes' thread share.
#[derive(Debug, Default)]
struct Table {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The newest last.
    wishes: Vec<Wish>,
    answer: Option<io::Result<Answer>>,
    closed: bool,
}

struct Wish {
    drawing: Drawing,
    done: Done<Picture, Undrawn>,
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Wish {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.drawing.fmt(to)
    }
}

/// Attends to one document until it is closed.
struct Attendant {
    program: PathBuf,
    trespass: Option<Trespass>,
    document: Bytes,
    table: Arc<Table>,
    worker: Option<Worker>,
    _place: Arc<()>,
}

impl Attendant {
    fn open(&mut self) -> Result<Contents, Refusal> {
        let worker = Worker::start(&self.program, self.trespass, &self.table).map_err(|error| {
            tracing::warn!(%error, "the process that draws pages does not start");
            Refusal::Unconfined
        })?;
        self.worker = Some(worker);
        match self.exchange(Ask::Open(Arc::clone(&self.document)), OPEN_DEADLINE) {
            Ok(Answer::Opened { kind, pages, first }) => Ok((kind, pages, first)),
            Ok(Answer::Refused(refusal)) => self.give_up(refusal),
            Ok(Answer::Ready { .. } | Answer::Drawn(_)) => self.give_up(Refusal::Broken),
            Err(Undrawn::Refused(refusal)) => Err(refusal),
            Err(Undrawn::Closed | Undrawn::Overtaken) => Err(Refusal::Broken),
        }
    }

    fn attend(mut self) {
        while let Some(wish) = self.next() {
            (wish.done)(self.draw(wish.drawing));
        }
        // The worker ends before the people who wait are told.
        self.worker = None;
        let left = std::mem::take(&mut self.table.lock().wishes);
        left.into_iter().for_each(|wish| (wish.done)(Err(Undrawn::Closed)));
    }

    fn next(&self) -> Option<Wish> {
        let idle = |state: &mut State| state.wishes.is_empty() && !state.closed;
        let state = self.table.bell.wait_while(self.table.lock(), idle);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.closed { None } else { state.wishes.pop() }
    }

    fn draw(&mut self, drawing: Drawing) -> Result<Picture, Undrawn> {
        if self.worker.is_none() {
            self.open().map_err(Undrawn::Refused)?;
        }
        match self.exchange(Ask::Draw(drawing), DRAW_DEADLINE)? {
            Answer::Drawn(picture) => Ok(picture),
            Answer::Refused(refusal) => Err(Undrawn::Refused(refusal)),
            Answer::Ready { .. } | Answer::Opened { .. } => self.give_up(Refusal::Broken).map_err(Undrawn::Refused),
        }
    }

    /// One order and its answer. A worker that does not answer, or answers nonsense, is killed; the next wish starts another.
    fn exchange(&mut self, ask: Ask, deadline: Duration) -> Result<Answer, Undrawn> {
        let Some(worker) = &self.worker else { return Err(Undrawn::Refused(Refusal::Broken)) };
        self.table.lock().answer = None;
        let asked = worker.ask.as_ref().is_some_and(|asks| asks.send(ask).is_ok());
        let waiting = |state: &mut State| asked && state.answer.is_none() && !state.closed;
        let waited = self.table.bell.wait_timeout_while(self.table.lock(), deadline, waiting);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let (answer, closed) = (state.answer.take(), state.closed);
        drop(state);
        let undrawn = match answer {
            Some(Ok(answer)) => return Ok(answer),
            Some(Err(error)) => {
                tracing::warn!(%error, "the process that draws pages failed");
                Undrawn::Refused(Refusal::Broken)
            }
            None if closed => Undrawn::Closed,
            None if !asked => Undrawn::Refused(Refusal::Broken),
            None => {
                tracing::warn!(?deadline, "the process that draws pages is too slow");
                Undrawn::Refused(Refusal::TooSlow)
            }
        };
        self.worker = None;
        Err(undrawn)
    }

    fn give_up<T>(&mut self, refusal: Refusal) -> Result<T, Refusal> {
        self.worker = None;
        Err(refusal)
    }
}

/// A worker process and the thread at its pipes; killed and reaped when dropped.
struct Worker {
    child: Child,
    ask: Option<mpsc::Sender<Ask>>,
    pipes: Option<JoinHandle<()>>,
}

enum Ask {
    Open(Bytes),
    Draw(Drawing),
}

impl Worker {
    fn start(program: &PathBuf, trespass: Option<Trespass>, table: &Arc<Table>) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg("draw-pages").env_clear().current_dir("/");
        let names = Trespass::ALL.iter().filter(|(_, other)| Some(*other) == trespass);
        command.args(names.flat_map(|(name, _)| ["--trespass", name]));
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut worker = Self { ask: None, pipes: None, child };
        let (Some(to), Some(from)) = (worker.child.stdin.take(), worker.child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (ask, asks) = mpsc::channel();
        let table = Arc::clone(table);
        let pipes = move || carry(&asks, to, BufReader::new(from), &table);
        worker.pipes = Some(thread::Builder::new().name("pages-pipes".to_owned()).spawn(pipes)?);
        worker.ask = Some(ask);
        Ok(worker)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.ask = None;
        // It may be gone already; either way it is reaped, and the pipes' thread finds their ends.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.pipes.take().into_iter().for_each(|pipes| drop(pipes.join()));
    }
}

/// Writes orders and reads answers, one by one; a slow worker holds up this thread only.
fn carry(asks: &mpsc::Receiver<Ask>, mut to: ChildStdin, mut from: BufReader<ChildStdout>, table: &Table) {
    while let Ok(ask) = asks.recv() {
        let answer = match ask {
            Ask::Open(document) => open((*document).as_ref(), &mut to, &mut from),
            Ask::Draw(drawing) => drawing.write(&mut to).and_then(|()| Answer::read(&mut from, Some(&drawing))),
        };
        let last = answer.is_err();
        table.lock().answer = Some(answer);
        table.bell.notify_all();
        if last {
            return;
        }
    }
}

/// Not a byte of the document is written before the worker says that it is confined.
fn open(document: &[u8], to: &mut ChildStdin, from: &mut BufReader<ChildStdout>) -> io::Result<Answer> {
    match Answer::read(from, None)? {
        Answer::Ready { landlock, fonts } => {
            if !landlock {
                tracing::warn!("this kernel has no Landlock: pages are drawn behind seccomp alone");
            }
            if !fonts {
                tracing::warn!("fonts for documents without their own are missing: packaging/apt-run.txt names them");
            }
            Order::write_open(document, to)?;
            Answer::read(from, None)
        }
        refused @ Answer::Refused(_) => Ok(refused),
        Answer::Opened { .. } | Answer::Drawn(_) => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Wishes that wait for one worker.
const MOST_WAITING: usize = 8;
