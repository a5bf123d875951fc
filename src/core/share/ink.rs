//! What people draw on pages, and where they point.
//!
//! A stroke is never changed: it is drawn, or wiped away with all that its page carried then. So two boxes that heard the same
//! strokes and wipes, in whatever order, show the same. Both belong to a document that is open, and go with it.

use super::Stamp;
use crate::model::{DocumentId, Moment, Role};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A place on a page: from its left and upper edge, ten thousandths of its width and height.
pub type Point = [u16; 2];

/// A line that somebody drew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stroke {
    /// Names it.
    pub stamp: Stamp,
    /// The box of the room where it was drawn: its colour.
    pub by: Role,
    /// 1 to [`MOST_POINTS`].
    pub points: Vec<Point>,
}

/// One change, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InkMark {
    /// On which document.
    pub document: DocumentId,
    /// As it was shared then: shared again, it is clean.
    pub placed: Stamp,
    /// On which of its pages.
    pub page: u32,
    /// What.
    pub what: Marked,
}

/// What happened to a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marked {
    /// This was drawn.
    Drawn(Stroke),
    /// Everything that was drawn before this was wiped away.
    Wiped(Stamp),
}

/// Where somebody of a room points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// On which document.
    pub document: DocumentId,
    /// On which of its pages.
    pub page: u32,
    /// There; none: nowhere any more.
    pub at: Option<Point>,
}

/// All drawings of a meeting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ink {
    pages: BTreeMap<(DocumentId, Stamp, u32), Sheet>,
    /// What the far box has not been told on this connection.
    untold: VecDeque<InkMark>,
    count: u32,
}

/// Of one page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sheet {
    /// By their stamps.
    strokes: Arc<Vec<Stroke>>,
    wiped: Stamp,
    revision: u32,
}

impl Ink {
    /// What stands on a page, oldest first. Equal as long as nothing changes.
    pub fn on(&self, document: DocumentId, placed: Stamp, page: u32) -> Arc<Vec<Stroke>> {
        self.pages.get(&(document, placed, page)).map(|sheet| Arc::clone(&sheet.strokes)).unwrap_or_default()
    }

    /// Whether this box's people may draw more: two full boxes that were cut apart still agree.
    pub fn is_full(&self) -> bool {
        self.pages.values().map(|sheet| sheet.strokes.len()).sum::<usize>() >= MOST_STROKES
    }

    /// Another number when something changed on a page.
    pub fn revision(&self, document: DocumentId, placed: Stamp, page: u32) -> u32 {
        self.pages.get(&(document, placed, page)).map_or(0, |sheet| sheet.revision)
    }

    /// Whether this box's people may mark that page: as many may carry something in each of two boxes that were cut apart.
    pub fn has_room_for(&self, mark: &InkMark) -> bool {
        self.pages.contains_key(&(mark.document, mark.placed, mark.page)) || self.pages.len() < MOST_SHEETS
    }

    /// More than of any stroke or wipe that is known.
    pub fn newest(&self) -> u32 {
        self.count
    }

    /// Somebody of this room drew or wiped.
    pub fn mark(&mut self, mark: InkMark) {
        if self.take(&mark) {
            self.untold.push_back(mark);
        }
    }

    /// The far box told; what it is told again changes nothing. Of a box that draws without end, the rest is not taken.
    pub fn hear(&mut self, marks: &[InkMark]) {
        let strokes = |ink: &Self| ink.pages.values().map(|sheet| sheet.strokes.len()).sum::<usize>();
        for mark in marks {
            let room =
                self.pages.contains_key(&(mark.document, mark.placed, mark.page)) || self.pages.len() < 2 * MOST_SHEETS;
            if room && (matches!(mark.what, Marked::Wiped(_)) || strokes(self) < 2 * MOST_STROKES) {
                self.take(mark);
            }
        }
    }

    /// A new connection: everything is to be told, strokes of the far room too, which may have forgotten them.
    pub fn tell_all(&mut self) {
        self.untold.clear();
        let mut drawn = VecDeque::new();
        for ((document, placed, page), sheet) in &self.pages {
            let mark = |what| InkMark { document: *document, placed: *placed, page: *page, what };
            if sheet.wiped != Stamp::default() {
                self.untold.push_back(mark(Marked::Wiped(sheet.wiped)));
            }
            drawn.extend(sheet.strokes.iter().cloned().map(Marked::Drawn).map(mark));
        }
        // A full box makes room before it takes more.
        self.untold.append(&mut drawn);
    }

    /// Nobody is to be told.
    pub fn tell_nobody(&mut self) {
        self.untold.clear();
    }

    /// The next of it to be told, as much as one message holds.
    pub fn tell(&mut self) -> Vec<InkMark> {
        let mut bytes = 0;
        let fits = self.untold.iter().take(MOST_TOLD).take_while(|mark| {
            bytes += mark.weight();
            bytes <= MESSAGE
        });
        let many = fits.count().max(1).min(self.untold.len());
        self.untold.drain(..many).collect()
    }

    /// There is more.
    pub fn has_untold(&self) -> bool {
        !self.untold.is_empty()
    }

    /// Only these documents are still open.
    pub fn keep(&mut self, open: &[(DocumentId, Stamp)]) {
        self.pages.retain(|(document, placed, _), _| open.contains(&(*document, *placed)));
        self.untold.retain(|mark| open.contains(&(mark.document, mark.placed)));
    }

    /// Whether it is new.
    fn take(&mut self, mark: &InkMark) -> bool {
        let sheet = self.pages.entry((mark.document, mark.placed, mark.page)).or_default();
        let (stamp, new) = match &mark.what {
            Marked::Drawn(stroke) => {
                let known = sheet.strokes.binary_search_by_key(&stroke.stamp, |known| known.stamp);
                let new = known.err().filter(|_| stroke.stamp > sheet.wiped);
                if let Some(at) = new {
                    Arc::make_mut(&mut sheet.strokes).insert(at, stroke.clone());
                }
                (stroke.stamp, new.is_some())
            }
            Marked::Wiped(stamp) => {
                let new = *stamp > sheet.wiped;
                if new {
                    sheet.wiped = *stamp;
                    Arc::make_mut(&mut sheet.strokes).retain(|stroke| stroke.stamp > *stamp);
                }
                (*stamp, new)
            }
        };
        if new {
            sheet.revision = sheet.revision.wrapping_add(1);
        }
        self.count = self.count.max(stamp.count);
        new
    }
}

impl InkMark {
    /// Bytes in a message, about.
    pub fn weight(&self) -> usize {
        match &self.what {
            Marked::Drawn(stroke) => MARK_BYTES + stroke.points.len() * POINT_BYTES,
            Marked::Wiped(_) => MARK_BYTES,
        }
    }
}

/// Of one stroke: longer lines are drawn as several.
pub const MOST_POINTS: usize = 64;
/// On all pages together; a circle around a word takes about five.
pub const MOST_STROKES: usize = 1000;
/// Pages that carry anything.
const MOST_SHEETS: usize = 1000;
/// In one message.
pub const MOST_TOLD: usize = 40;
/// Bytes of one message: a heartbeat behind it waits little.
const MESSAGE: usize = 4 * 1024;
const MARK_BYTES: usize = 190;
const POINT_BYTES: usize = 12;

/// How long a pointer stands without being moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointed {
    /// Where.
    pub pointer: Pointer,
    /// It is gone then.
    pub until: Moment,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BootId;

    fn drawn(count: u32, by: u64) -> InkMark {
        let stamp = Stamp { count, by: BootId(by) };
        let what = Marked::Drawn(Stroke { stamp, by: Role::Offerer, points: vec![[1, 2]] });
        InkMark { document: DocumentId([1; 32]), placed: Stamp::default(), page: 0, what }
    }

    fn wiped(count: u32, by: u64) -> InkMark {
        InkMark { what: Marked::Wiped(Stamp { count, by: BootId(by) }), ..drawn(0, 0) }
    }

    #[test]
    fn whatever_order_marks_come_in_the_page_looks_the_same() {
        let marks = [drawn(1, 7), drawn(2, 7), wiped(3, 9), drawn(3, 7), drawn(4, 9), drawn(4, 7)];
        let mut orders = vec![vec![]];
        for mark in &marks {
            let longer = |order: &Vec<InkMark>, at: usize| {
                let mut order = order.clone();
                order.insert(at, mark.clone());
                order
            };
            orders = orders.iter().flat_map(|order| (0..=order.len()).map(move |at| longer(order, at))).collect();
        }
        assert_eq!(orders.len(), 720);
        for order in orders {
            let mut ink = Ink::default();
            ink.hear(&order);
            ink.hear(&order);
            let left: Vec<_> =
                ink.on(DocumentId([1; 32]), Stamp::default(), 0).iter().map(|stroke| stroke.stamp.count).collect();
            // The wipe of life 9 comes after life 7's stroke of the same count.
            assert_eq!(left, [4, 4], "{order:?}");
        }
    }

    #[test]
    fn a_new_connection_hears_everything_and_an_old_one_only_what_is_new() {
        let mut ink = Ink::default();
        ink.hear(&[drawn(1, 9), wiped(2, 9), drawn(3, 9)]);
        assert!(!ink.has_untold(), "the far box knows what it said");
        ink.mark(drawn(4, 7));
        assert_eq!(ink.tell(), [drawn(4, 7)]);
        ink.tell_all();
        assert_eq!(ink.tell(), [wiped(2, 9), drawn(3, 9), drawn(4, 7)]);
        assert!(!ink.has_untold());
        (5..50).for_each(|count| ink.mark(drawn(count, 7)));
        assert_eq!((ink.tell().len(), ink.tell().len(), ink.tell().len(), ink.tell().len()), (20, 20, 5, 0));
        ink.keep(&[]);
        assert!(ink.on(DocumentId([1; 32]), Stamp::default(), 0).is_empty());
    }

    #[test]
    fn who_draws_without_end_fills_no_memory() {
        let mut ink = Ink::default();
        ink.hear(&(0..5000).map(|count| drawn(count + 1, 9)).collect::<Vec<_>>());
        assert_eq!(ink.on(DocumentId([1; 32]), Stamp::default(), 0).len(), 2 * MOST_STROKES);
        assert!(ink.is_full());
        ink.hear(&(0..5000).map(|page| InkMark { page, ..wiped(9999, 9) }).collect::<Vec<_>>());
        assert!(ink.pages.len() <= 2 * MOST_SHEETS);
    }
}
