//! Pages as pictures for the browsers of this room: drawn by a worker of their own, so that no browser delays the screens.

use crate::documents::{DocumentBytes, Documents};
use crate::model::DocumentId;
use crate::pages::{Document, Drawing, Opened, PageSize, Studio, Zone};
use crate::panel::PageWanted;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Mutex as Turn, oneshot};
use tokio::time::timeout;

/// Draws for browsers, one picture at a time. Cheap to clone.
#[derive(Clone)]
pub(super) struct PageViews(Arc<Shared>);

struct Shared {
    documents: Documents,
    studio: Studio,
    runtime: Handle,
    turn: Turn<()>,
    open: Mutex<Option<Open>>,
    /// The newest last: everybody looks at the same page.
    drawn: Mutex<VecDeque<(PageWanted, Vec<u8>)>>,
    /// Another number with every picture: a worker that nobody needs any more goes.
    used: AtomicU64,
}

/// The document that was looked at last.
#[derive(Clone)]
struct Open {
    id: DocumentId,
    document: Arc<Document>,
    sizes: Arc<Vec<PageSize>>,
}

impl PageViews {
    /// Of what lies in this store. To be called within the runtime.
    pub(super) fn new(documents: &Documents) -> Self {
        Self(Arc::new(Shared {
            documents: documents.clone(),
            studio: Studio::new("/proc/self/exe", MOST_WORKERS),
            runtime: Handle::current(),
            turn: Turn::default(),
            open: Mutex::default(),
            drawn: Mutex::default(),
            used: AtomicU64::new(0),
        }))
    }

    /// Only these are held any more.
    pub(super) fn hold(&self, held: &[DocumentId]) {
        let gone = self.0.open().take_if(|open| !held.contains(&open.id));
        let all = std::mem::take(&mut *self.0.drawn());
        let (kept, wiped): (VecDeque<_>, VecDeque<_>) =
            all.into_iter().partition(|(wanted, _)| held.contains(&wanted.document));
        *self.0.drawn() = kept;
        // Overwriting takes its time, which is not the loop's.
        self.0.runtime.spawn_blocking(move || drop((gone, wiped)));
    }

    /// A page as PNG; nothing if there is no such page now, or it cannot be drawn.
    pub(super) fn png(&self, wanted: PageWanted) -> oneshot::Receiver<Option<Vec<u8>>> {
        let (done, picture) = oneshot::channel();
        let shared = Arc::clone(&self.0);
        self.0.runtime.spawn(async move {
            let drawn = timeout(PATIENCE, shared.draw(wanted)).await.ok().flatten();
            let _nobody_waits_any_more = done.send(drawn);
            let used = shared.used.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::time::sleep(IDLE).await;
            if shared.used.load(Ordering::Relaxed) == used {
                drop(shared.open().take());
            }
        });
        picture
    }
}

impl Shared {
    async fn draw(&self, wanted: PageWanted) -> Option<Vec<u8>> {
        let _turn = self.turn.lock().await;
        let known = self.drawn().iter().find(|(known, _)| *known == wanted).map(|(_, png)| png.clone());
        if known.is_some() && self.documents.bytes(wanted.document).is_some() {
            return known;
        }
        let open = self.opened(wanted.document).await?;
        let size = open.sizes.get(usize::try_from(wanted.page).ok()?)?;
        let width = wanted.width.clamp(NARROWEST, WIDEST);
        let height = (f64::from(width) * f64::from(size.height) / f64::from(size.width)).round() as u32;
        let (width, height) = if height > TALLEST {
            ((f64::from(width) * f64::from(TALLEST) / f64::from(height)) as u32, TALLEST)
        } else {
            (width, height)
        };
        let zone = Zone { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };
        let drawing = Drawing { page: wanted.page, zone, width: width.max(1), height: height.max(1) };
        let (drawn, picture) = oneshot::channel();
        open.document.draw(drawing, move |picture| drop(drawn.send(picture.ok())));
        let picture = picture.await.ok()??;
        let png = tokio::task::spawn_blocking(move || picture.png()).await.ok()??;
        let mut drawn = self.drawn();
        drawn.push_back((wanted, png.clone()));
        while drawn.len() > MOST_DRAWN || drawn.iter().map(|(_, png)| png.len()).sum::<usize>() > MOST_BYTES {
            drawn.pop_front();
        }
        if self.documents.bytes(wanted.document).is_none() {
            drawn.retain(|(known, _)| known.document != wanted.document);
        }
        Some(png)
    }

    fn drawn(&self) -> std::sync::MutexGuard<'_, VecDeque<(PageWanted, Vec<u8>)>> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One worker at a time: a browser looks at one document.
    async fn opened(&self, id: DocumentId) -> Option<Open> {
        let bytes = self.documents.bytes(id)?;
        if let Some(open) = self.open().clone().filter(|open| open.id == id) {
            return Some(open);
        }
        drop(self.open().take());
        let (done, opened) = oneshot::channel();
        self.studio.open(Bytes(bytes), move |opened| drop(done.send(opened.ok())));
        let Opened { pages, document, .. } = opened.await.ok()??;
        let open = Open { id, document: Arc::new(document), sizes: Arc::new(pages) };
        *self.open() = Some(open.clone());
        if self.documents.bytes(id).is_none() {
            // Closed meanwhile: nothing of it is kept.
            drop(self.open().take_if(|open| open.id == id));
            return None;
        }
        Some(open)
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Bytes(Arc<DocumentBytes>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Pixels across: a thumbnail …
const NARROWEST: u32 = 64;
/// … and a large screen.
const WIDEST: u32 = 1920;
const TALLEST: u32 = 2700;
/// Pictures that are kept for the next browser, and their bytes.
const MOST_DRAWN: usize = 32;
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// The worker ends when nobody asked for so long.
const IDLE: Duration = Duration::from_secs(30);
/// Those that end still count.
const MOST_WORKERS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(8);
