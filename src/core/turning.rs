//! Where the camera was turned to, seen in its picture alone.
//!
//! ```text
//!   thumbnail ─► edges ─┬─ as seen here before? ── yes ─► nothing happened
//!                       └─ no ─► at rest? ─► resemblance to every taught view ─► evidence, look by look ─► Some(view), once
//! ```
//! A view is said once, when the camera came from one taught view to rest at another. The first view recognised after a start
//! is taken in silence: a restart turns nothing. A picture that is like no view, or like two, says nothing.
//!
//! The numbers below and in `edges` were chosen on the development seeds of `cargo bench --bench turning`; its held-out figures
//! stand in tests/bench/RESULTS.md.

mod edges;

use crate::model::Moment;
use edges::{Edges, Resemblance};
use std::time::Duration;

/// The camera's whole picture, unmasked and uncropped, scaled to 64×36: luma, row by row. Five a second are expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    luma: Vec<u8>,
}

impl Thumbnail {
    /// Pixels in a row.
    pub const WIDTH: usize = 64;
    /// Rows.
    pub const HEIGHT: usize = 36;

    /// None unless there are 64×36 bytes.
    pub fn new(luma: Vec<u8>) -> Option<Self> {
        (luma.len() == PIXELS).then_some(Self { luma })
    }
}

/// How a view looked when it was taught: directions of edges, no picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    edges: Edges,
}

impl Reference {
    /// From about three seconds of a resting camera. None if the view has too little to be known by, or did not hold still.
    pub fn learn(thumbnails: &[Thumbnail]) -> Option<Self> {
        let seen: Vec<Edges> = thumbnails.iter().map(Edges::of).collect();
        let edges = Edges::mean(&seen)?;
        let held = seen.iter().filter(|seen| edges.likeness(seen, HELD_REACH) >= SAME_PLACE).count();
        (edges.weight() >= LEAST_WEIGHT && held * 3 >= seen.len() * 2).then_some(Self { edges })
    }

    /// Whether a camera that stands as one of the two was taught could stand as the other.
    pub fn looks_like(&self, other: &Self) -> bool {
        let itself = other.edges.resemblance(&other.edges).degree;
        other.edges.resemblance(&self.edges).degree >= itself * SAME_VIEW
    }

    /// For the state file: 4609 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let parts = self.edges.parts().flat_map(|(right, down)| [right, down]);
        std::iter::once(FORMAT).chain(parts.map(|part| (part as i8).cast_unsigned())).collect()
    }

    /// None if these are not the bytes of a reference.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (format, parts) = bytes.split_first()?;
        let fits = *format == FORMAT && parts.len() == 2 * PIXELS;
        let parts: Vec<i16> = parts.iter().map(|part| i16::from(part.cast_signed())).collect();
        fits.then(|| Self { edges: Edges::new(|at| (parts[2 * at], parts[2 * at + 1])) })
    }
}

/// Follows the camera.
#[derive(Clone, Debug)]
pub struct Turning {
    taught: Vec<Option<Reference>>,
    /// How each view looked when the camera was last there: today's light, today's people.
    last_seen: Vec<Option<Edges>>,
    refreshed_at: Moment,
    /// The taught view at which the camera rested last.
    known: Option<usize>,
    previous: Option<Edges>,
    moved_at: Moment,
    candidate: Option<Candidate>,
}

/// A view that the camera may have come to.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    view: usize,
    shift: [i32; 2],
    looks: u32,
    evidence: f32,
}

impl Turning {
    /// One reference per view, in the order of the config; None for a view that was not taught.
    pub fn new(references: Vec<Option<Reference>>) -> Self {
        Self {
            last_seen: vec![None; references.len()],
            taught: references,
            refreshed_at: Moment::default(),
            known: None,
            previous: None,
            moved_at: Moment::default(),
            candidate: None,
        }
    }

    /// The next picture; Some(view), once, when the camera was turned to another taught view.
    pub fn look(&mut self, thumbnail: &Thumbnail, at: Moment) -> Option<usize> {
        let live = Edges::of(thumbnail);
        let rests = self.previous.as_ref().is_some_and(|previous| previous.likeness(&live, REST_REACH) >= AT_REST);
        if !rests {
            self.moved_at = at;
        }
        let turned = if self.is_where_it_was(&live, at) {
            self.candidate = None;
            None
        } else if rests {
            self.weigh(&live, at)
        } else {
            self.candidate = None;
            None
        };
        self.previous = Some(live);
        turned
    }

    /// The known view goes on looking as it did; slow changes of light and furniture are followed.
    fn is_where_it_was(&mut self, live: &Edges, at: Moment) -> bool {
        let Some(seen) = self.known.and_then(|known| self.last_seen[known].as_mut()) else { return false };
        let share = seen.likeness(live, HELD_REACH);
        if share >= SAME_PLACE && at.since(self.refreshed_at) >= REFRESH {
            *seen = live.clone();
            self.refreshed_at = at;
        }
        share >= STAYED
    }

    /// A resting picture that is not the known one: evidence for the view that it is most like.
    fn weigh(&mut self, live: &Edges, at: Moment) -> Option<usize> {
        let needed = if at.since(self.moved_at) < ARRIVAL { LIKE_ON_ARRIVAL } else { LIKE };
        let mut likes: Vec<(usize, Resemblance)> =
            (0..self.taught.len()).map(|view| (view, self.resemblance(view, live))).collect();
        likes.sort_by(|a, b| b.1.degree.total_cmp(&a.1.degree));
        let (view, best) = *likes.first()?;
        let clear = likes.get(1).is_none_or(|(_, next)| best.degree >= next.degree + CLEARER);
        if best.degree < needed || !clear {
            self.candidate = None;
            return None;
        }
        let near = |a: [i32; 2], b: [i32; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= SHIFT_HOLDS);
        let before = self.candidate.filter(|before| before.view == view && near(before.shift, best.shift));
        let before = before.filter(|before| before.looks < MOST_LOOKS);
        let (looks, evidence) = before.map_or((0, 0.0), |before| (before.looks, before.evidence));
        let candidate =
            Candidate { view, shift: best.shift, looks: looks + 1, evidence: evidence + best.degree - needed };
        self.candidate = Some(candidate);
        (candidate.looks >= LEAST_LOOKS && candidate.evidence >= EVIDENCE)
            .then(|| self.arrive(view, live, at))
            .flatten()
    }

    fn arrive(&mut self, view: usize, live: &Edges, at: Moment) -> Option<usize> {
        self.last_seen[view] = Some(live.clone());
        self.refreshed_at = at;
        self.candidate = None;
        let from = self.known.replace(view);
        from.filter(|from| *from != view).map(|_| view)
    }

    /// To the view as it was taught or as it was last seen, whichever is greater.
    fn resemblance(&self, view: usize, live: &Edges) -> Resemblance {
        let looks = self.taught[view].as_ref().map(|taught| &taught.edges).into_iter().chain(&self.last_seen[view]);
        looks.map(|look| look.resemblance(live)).fold(Resemblance::NONE, Resemblance::greater)
    }
}

const PIXELS: usize = Thumbnail::WIDTH * Thumbnail::HEIGHT;
const FORMAT: u8 = 1;
/// How far the stand may shake, and a resting picture tremble: pixels.
const HELD_REACH: [i32; 2] = [1, 1];
const REST_REACH: [i32; 2] = [2, 2];
/// Blocks with edges that a view must have to be taught, of 48.
const LEAST_WEIGHT: f32 = 5.0;
/// Of the resemblance that a view has to itself: above it two are one. In the 56 rooms of tests/turning_world it is 0.7 or
/// more with a second lesson (0.38 in one), 0.2 or less with another view.
const SAME_VIEW: f32 = 0.4;
/// Likeness to the thumbnail before.
const AT_REST: f32 = 0.45;
/// Likeness to the place as last seen: not moved; surely not moved.
const STAYED: f32 = 0.4;
const SAME_PLACE: f32 = 0.5;
const REFRESH: Duration = Duration::from_secs(5);
/// Resemblance to a view that counts for it: soon after the camera moved, and later.
const ARRIVAL: Duration = Duration::from_secs(4);
const LIKE_ON_ARRIVAL: f32 = 0.13;
const LIKE: f32 = 0.19;
/// More like it than any other view.
const CLEARER: f32 = 0.08;
/// From look to look, pixels.
const SHIFT_HOLDS: i32 = 2;
/// Looks that may add up to the evidence: what is only a little like a view stays so however long one looks.
const LEAST_LOOKS: u32 = 3;
const MOST_LOOKS: u32 = 7;
const EVIDENCE: f32 = 0.3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_said_once_and_the_first_view_in_silence() {
        let mut turning = taught();
        assert_eq!(looks(&mut turning, 0, 20, office), NOTHING);
        assert_eq!(looks(&mut turning, 20, 20, |x, y| table(x + 2, y - 1)), [1]);
        assert_eq!(looks(&mut turning, 40, 20, |x, y| office(x - 1, y)), [0]);
    }

    #[test]
    fn a_turn_is_recognised_within_two_seconds() {
        let mut turning = taught();
        looks(&mut turning, 0, 20, office);
        assert_eq!(looks(&mut turning, 20, 10, table), [1]);
    }

    #[test]
    fn light_exposure_and_a_person_turn_nothing() {
        let mut turning = taught();
        looks(&mut turning, 0, 20, office);
        assert_eq!(looks(&mut turning, 20, 10, |x, y| office(x, y) / 3 + 8), NOTHING);
        assert_eq!(looks(&mut turning, 30, 10, |x, y| office(x, y) / 2 + 120), NOTHING);
        let person = |x, y| if (20..40).contains(&x) { 30 } else { office(x, y) };
        assert_eq!(looks(&mut turning, 40, 30, person), NOTHING);
        assert_eq!(looks(&mut turning, 70, 20, |x, y| if x < 26 { 200 } else { table(x, y) / 2 + 60 }), [1]);
    }

    #[test]
    fn what_was_never_taught_turns_nothing_and_neither_does_the_way_back() {
        let mut turning = taught();
        looks(&mut turning, 0, 20, office);
        assert_eq!(looks(&mut turning, 20, 100, |x, y| noise(x, y, 9)), NOTHING);
        assert_eq!(looks(&mut turning, 120, 20, |_, _| 90), NOTHING);
        assert_eq!(looks(&mut turning, 140, 20, office), NOTHING);
        assert_eq!(looks(&mut turning, 160, 20, table), [1]);
    }

    #[test]
    fn a_camera_that_never_rests_is_nowhere() {
        let mut turning = taught();
        looks(&mut turning, 0, 20, office);
        for at in 0..100 {
            let other =
                looks(&mut turning, 20 + at, 1, |x, y| if at % 2 == 0 { table(x, y) } else { noise(x, y, at as i32) });
            assert_eq!(other, NOTHING);
        }
    }

    #[test]
    fn two_views_that_look_the_same_are_never_told_apart() {
        let same = || learned(office);
        let mut turning = Turning::new(vec![same(), same()]);
        assert_eq!(looks(&mut turning, 0, 50, office), NOTHING);
        assert_eq!(turning.known, None);
    }

    #[test]
    fn a_view_without_edges_or_that_moves_is_not_taught() {
        assert_eq!(learned(|_, _| 128), None);
        assert_eq!(Reference::learn(&[]), None);
        let moving: Vec<Thumbnail> = (0..15).map(|at| picture(|x, y| noise(x, y, at))).collect();
        assert_eq!(Reference::learn(&moving), None);
        assert_eq!(Thumbnail::new(vec![0; 100]), None);
    }

    #[test]
    fn a_reference_survives_the_state_file() {
        let reference = learned(office).expect("edges enough");
        let bytes = reference.to_bytes();
        assert_eq!(bytes.len(), 4609);
        assert_eq!(Reference::from_bytes(&bytes), Some(reference));
        assert_eq!(Reference::from_bytes(&bytes[1..]), None);
        assert_eq!(Reference::from_bytes(&[]), None);
        assert!(Reference::from_bytes(&[vec![1], vec![0x80; 4608]].concat()).is_some(), "any bytes are harmless");
    }

    fn taught() -> Turning {
        Turning::new(vec![learned(office), learned(table), None])
    }

    fn learned(scene: impl Fn(i32, i32) -> i32) -> Option<Reference> {
        Reference::learn(&vec![picture(scene); 15])
    }

    /// What is said during so many looks, five a second.
    fn looks(turning: &mut Turning, from: u64, count: u64, scene: impl Fn(i32, i32) -> i32) -> Vec<usize> {
        let seen = picture(scene);
        (from..from + count).filter_map(|at| turning.look(&seen, Moment::from_nanos(at * 200_000_000))).collect()
    }

    fn picture(scene: impl Fn(i32, i32) -> i32) -> Thumbnail {
        let luma = (0..PIXELS as i32).map(|at| scene(at % 64, at / 64).clamp(0, 255) as u8);
        Thumbnail::new(luma.collect()).expect("64 by 36")
    }

    fn office(x: i32, y: i32) -> i32 {
        noise(x, y, 1)
    }

    fn table(x: i32, y: i32) -> i32 {
        noise(x, y, 2)
    }

    /// Tiles of 5×4, each in its own grey.
    fn noise(x: i32, y: i32, seed: i32) -> i32 {
        let tile = (x.div_euclid(5) * 73 + y.div_euclid(4) * 151 + seed * 997).cast_unsigned();
        (tile.wrapping_mul(2_654_435_761) >> 24).cast_signed()
    }

    const NOTHING: [usize; 0] = [];
}
