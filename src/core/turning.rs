//! Where the camera was turned to, seen in its picture alone.
//!
//! ```text
//!   thumbnail ─► edges ─┬─ as seen here before? ── yes ─► nothing happened
//!                       └─ no ─► at rest? ─► likeness to every taught view ─► evidence, look by look ─► Some(view), once
//! ```
//! A view is said once, when the camera came from one taught view to rest at another. The first view recognised after a start
//! is taken in silence: a restart turns nothing. A picture that is like no view, or like two, says nothing.
//!
//! What is compared is the direction of edges, each measured against the edges around it, in 8×6 blocks: lamps, exposure and
//! white balance change how strong edges are, hardly where they run. Likeness is the share of blocks that agree at one common
//! displacement, so that people may cover the others. The numbers below were chosen on the development seeds of
//! `cargo bench --bench turning`; its held-out figures stand in tests/bench/RESULTS.md.

use crate::model::Moment;
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
        let held = seen.iter().filter(|seen| edges.likeness(seen, HELD_REACH).share >= SAME_PLACE).count();
        (edges.weight() >= LEAST_WEIGHT && held * 3 >= seen.len() * 2).then_some(Self { edges })
    }

    /// For the state file: 4609 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let parts = self.edges.rows().flat_map(|at| [self.edges.x[at], self.edges.y[at]]);
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
        let rests = self.previous.as_ref().is_some_and(|previous| previous.likeness(&live, REST_REACH).share >= AT_REST);
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
        let share = seen.likeness(live, HELD_REACH).share;
        if share >= SAME_PLACE && at.since(self.refreshed_at) >= REFRESH {
            *seen = live.clone();
            self.refreshed_at = at;
        }
        share >= STAYED
    }

    /// A resting picture that is not the known one: evidence for the view that it is most like.
    fn weigh(&mut self, live: &Edges, at: Moment) -> Option<usize> {
        let needed = if at.since(self.moved_at) < ARRIVAL { LIKE_ON_ARRIVAL } else { LIKE };
        let mut likes: Vec<(usize, Likeness)> = (0..self.taught.len()).map(|view| (view, self.like(view, live))).collect();
        likes.sort_by(|a, b| b.1.share.total_cmp(&a.1.share));
        let (view, best) = *likes.first()?;
        let clear = likes.get(1).is_none_or(|(_, next)| best.share >= next.share + CLEARER);
        if best.share < needed || !clear {
            self.candidate = None;
            return None;
        }
        let near = |a: [i32; 2], b: [i32; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= SHIFT_HOLDS);
        let before = self.candidate.filter(|before| before.view == view && near(before.shift, best.shift));
        let (looks, evidence) = before.map_or((0, 0.0), |before| (before.looks, before.evidence));
        let candidate = Candidate { view, shift: best.shift, looks: looks + 1, evidence: evidence + best.share - needed };
        self.candidate = Some(candidate);
        (candidate.looks >= LEAST_LOOKS && candidate.evidence >= EVIDENCE).then(|| self.arrive(view, live, at)).flatten()
    }

    fn arrive(&mut self, view: usize, live: &Edges, at: Moment) -> Option<usize> {
        self.last_seen[view] = Some(live.clone());
        self.refreshed_at = at;
        self.candidate = None;
        let from = self.known.replace(view);
        from.filter(|from| *from != view).map(|_| view)
    }

    fn like(&self, view: usize, live: &Edges) -> Likeness {
        let taught = self.taught[view].as_ref().map(|taught| taught.edges.likeness(live, TURN_REACH));
        let seen = self.last_seen[view].as_ref().map(|seen| seen.likeness(live, TURN_REACH));
        let better = |a: Likeness, b: Likeness| if b.share > a.share { b } else { a };
        taught.into_iter().chain(seen).fold(Likeness { share: 0.0, shift: [0, 0] }, better)
    }
}

/// How much of a picture agrees with another one (0 … 1), moved by `shift` pixels.
#[derive(Clone, Copy, Debug)]
struct Likeness {
    share: f32,
    shift: [i32; 2],
}

/// Direction and distinctness (0 … 127) of the edge at every pixel, with an empty rim as wide as pictures are moved.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edges {
    x: Vec<i16>,
    y: Vec<i16>,
    /// Sum of squares above and left of a pixel.
    energy: Vec<i32>,
}

impl Edges {
    fn of(thumbnail: &Thumbnail) -> Self {
        let luma = smooth(&thumbnail.luma);
        let slope = |at: usize| {
            let (x, y) = (at % Thumbnail::WIDTH, at / Thumbnail::WIDTH);
            let inside = (1..Thumbnail::WIDTH - 1).contains(&x) && (1..Thumbnail::HEIGHT - 1).contains(&y);
            if inside {
                (luma[at + 1] - luma[at - 1], luma[at + Thumbnail::WIDTH] - luma[at - Thumbnail::WIDTH])
            } else {
                (0.0, 0.0)
            }
        };
        let slopes: Vec<(f32, f32)> = (0..PIXELS).map(slope).collect();
        let strengths: Vec<f32> = slopes.iter().map(|(x, y)| x.hypot(*y)).collect();
        let around = means(&strengths);
        Self::new(|at| {
            let factor = 127.0 / (strengths[at] + around[at] + NOISE);
            ((slopes[at].0 * factor).round() as i16, (slopes[at].1 * factor).round() as i16)
        })
    }

    fn new(edge: impl Fn(usize) -> (i16, i16)) -> Self {
        let mut edges = Self { x: vec![0; STRIDE * ROWS], y: vec![0; STRIDE * ROWS], energy: vec![0; STRIDE * ROWS] };
        for at in 0..PIXELS {
            let to = index((at % Thumbnail::WIDTH) as i32, (at / Thumbnail::WIDTH) as i32);
            (edges.x[to], edges.y[to]) = edge(at);
        }
        for row in 1..ROWS {
            let mut sum = 0;
            for column in 1..STRIDE {
                let at = (row - 1) * STRIDE + column - 1;
                sum += i32::from(edges.x[at]).pow(2) + i32::from(edges.y[at]).pow(2);
                edges.energy[row * STRIDE + column] = edges.energy[(row - 1) * STRIDE + column] + sum;
            }
        }
        edges
    }

    /// What moves averages out.
    fn mean(of: &[Self]) -> Option<Self> {
        let count = i32::try_from(of.len()).ok().filter(|count| *count > 0)?;
        let mean = |part: fn(&Self) -> &Vec<i16>, at: usize| {
            (of.iter().map(|edges| i32::from(part(edges)[at])).sum::<i32>() / count) as i16
        };
        let inner: Vec<usize> = of[0].rows().collect();
        Some(Self::new(|at| (mean(|edges| &edges.x, inner[at]), mean(|edges| &edges.y, inner[at]))))
    }

    /// Where the picture's pixels stand, row by row.
    fn rows(&self) -> impl Iterator<Item = usize> + use<> {
        (0..PIXELS).map(|at| index((at % Thumbnail::WIDTH) as i32, (at / Thumbnail::WIDTH) as i32))
    }

    /// How many blocks have enough edges to be known by.
    fn weight(&self) -> f32 {
        blocks().map(|block| self.block_weight(block)).sum()
    }

    fn block_weight(&self, [x, y]: [i32; 2]) -> f32 {
        let energy = self.energy_in([x, y], [x + BLOCK[0], y + BLOCK[1]]) as f32 / FULL_EDGE;
        if energy < POOR_BLOCK { 0.0 } else { (energy / RICH_BLOCK).min(1.0) }
    }

    /// Where `live` looks most like this, if it is moved by up to `reach` pixels.
    fn likeness(&self, live: &Self, reach: [i32; 2]) -> Likeness {
        let across = (2 * reach[0] + 1) as usize;
        let shifts = across * (2 * reach[1] + 1) as usize;
        let (mut agreed, mut counted, mut total) = (vec![0.0f32; shifts], vec![0.0f32; shifts], 0.0f32);
        let mut plane = vec![0.0f32; shifts];
        for block in blocks() {
            let weight = self.block_weight(block);
            if weight == 0.0 {
                continue;
            }
            total += weight;
            for (at, agreement) in plane.iter_mut().enumerate() {
                let shift = [(at % across) as i32 - reach[0], (at / across) as i32 - reach[1]];
                *agreement = self.agreement(live, block, shift);
            }
            let wide = widest(&plane, across);
            for at in (0..shifts).filter(|at| wide[*at] >= 0.0) {
                agreed[at] += weight * wide[at];
                counted[at] += weight;
            }
        }
        let share = |at: usize| agreed[at] / counted[at].max(total / 2.0).max(LEAST_COUNTED);
        let best = (0..shifts).max_by(|a, b| share(*a).total_cmp(&share(*b))).unwrap_or(0);
        Likeness { share: share(best), shift: [(best % across) as i32 - reach[0], (best / across) as i32 - reach[1]] }
    }

    /// How well one block agrees with what stands `shift` away (0 … 1); negative if too little of that is in the picture.
    fn agreement(&self, live: &Self, [x, y]: [i32; 2], [right, down]: [i32; 2]) -> f32 {
        let clip = |at: i32, end: usize| at.clamp(0, end as i32);
        let from = [clip(x + right, Thumbnail::WIDTH), clip(y + down, Thumbnail::HEIGHT)];
        let to = [clip(x + right + BLOCK[0], Thumbnail::WIDTH), clip(y + down + BLOCK[1], Thumbnail::HEIGHT)];
        let own = self.energy_in([from[0] - right, from[1] - down], [to[0] - right, to[1] - down]);
        if own as f32 * LEAST_OVERLAP < self.energy_in([x, y], [x + BLOCK[0], y + BLOCK[1]]) as f32 {
            return -1.0;
        }
        let mut sum = 0i32;
        for row in 0..BLOCK[1] {
            let (own, other) = (index(x, y + row), index(x + right, y + down + row));
            for column in 0..BLOCK[0] as usize {
                sum += i32::from(self.x[own + column]) * i32::from(live.x[other + column])
                    + i32::from(self.y[own + column]) * i32::from(live.y[other + column]);
            }
        }
        let both = (own as f32 * live.energy_in(from, to) as f32).sqrt().max(FULL_EDGE / 2.0);
        ((sum as f32 / both - AGREES_FROM) / (AGREES_FULLY - AGREES_FROM)).clamp(0.0, 1.0)
    }

    fn energy_in(&self, from: [i32; 2], to: [i32; 2]) -> i32 {
        let at = |x: i32, y: i32| self.energy[index(x, y)];
        at(to[0], to[1]) - at(from[0], to[1]) - at(to[0], from[1]) + at(from[0], from[1])
    }
}

/// Upper left corners.
fn blocks() -> impl Iterator<Item = [i32; 2]> {
    let rows = (0..Thumbnail::HEIGHT as i32).step_by(BLOCK[1] as usize);
    rows.flat_map(|y| (0..Thumbnail::WIDTH as i32).step_by(BLOCK[0] as usize).map(move |x| [x, y]))
}

fn index(x: i32, y: i32) -> usize {
    ((y + TURN_REACH[1]) * STRIDE as i32 + x + TURN_REACH[0]) as usize
}

/// The best of a shift and its eight neighbours: near things move otherwise than far ones, and the camera is never quite level.
fn widest(plane: &[f32], across: usize) -> Vec<f32> {
    let down = plane.len() / across;
    let near = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
    let best = |at: usize| {
        let rows = near(at / across, down).flat_map(|row| near(at % across, across).map(move |column| row * across + column));
        rows.map(|at| plane[at]).fold(-1.0, f32::max)
    };
    (0..plane.len()).map(best).collect()
}

/// Binomial, 3×3.
fn smooth(luma: &[u8]) -> Vec<f32> {
    let (width, height) = (Thumbnail::WIDTH, Thumbnail::HEIGHT);
    let three = |a: f32, b: f32, c: f32| (a + 2.0 * b + c) / 4.0;
    let pixel = |x: usize, y: usize| f32::from(luma[y * width + x]);
    let across: Vec<f32> = (0..PIXELS)
        .map(|at| (at % width, at / width))
        .map(|(x, y)| three(pixel(x.saturating_sub(1), y), pixel(x, y), pixel((x + 1).min(width - 1), y)))
        .collect();
    let pixel = |x: usize, y: usize| across[y * width + x];
    (0..PIXELS)
        .map(|at| (at % width, at / width))
        .map(|(x, y)| three(pixel(x, y.saturating_sub(1)), pixel(x, y), pixel(x, (y + 1).min(height - 1))))
        .collect()
}

/// The mean of 9×9 around every pixel.
fn means(values: &[f32]) -> Vec<f32> {
    let (width, height) = (Thumbnail::WIDTH, Thumbnail::HEIGHT);
    let near = |at: usize, end: usize| at.saturating_sub(AROUND)..(at + AROUND + 1).min(end);
    let mean = |of: &mut dyn Iterator<Item = f32>, count: usize| of.sum::<f32>() / count as f32;
    let across: Vec<f32> = (0..PIXELS)
        .map(|at| (near(at % width, width), at / width))
        .map(|(columns, y)| mean(&mut columns.clone().map(|x| values[y * width + x]), columns.len()))
        .collect();
    (0..PIXELS)
        .map(|at| (at % width, near(at / width, height)))
        .map(|(x, rows)| mean(&mut rows.clone().map(|y| across[y * width + x]), rows.len()))
        .collect()
}

const PIXELS: usize = Thumbnail::WIDTH * Thumbnail::HEIGHT;
const STRIDE: usize = Thumbnail::WIDTH + 2 * TURN_REACH[0] as usize + 1;
const ROWS: usize = Thumbnail::HEIGHT + 2 * TURN_REACH[1] as usize + 1;
const FORMAT: u8 = 1;

/// How far a turned camera may stand from the taught pose; the stand may shake; a resting picture may tremble: pixels.
const TURN_REACH: [i32; 2] = [7, 6];
const HELD_REACH: [i32; 2] = [1, 1];
const REST_REACH: [i32; 2] = [2, 2];
/// Radius of what an edge is measured against, and the slope that is noise.
const AROUND: usize = 4;
const NOISE: f32 = 4.0;
/// Pixels; what one distinct edge adds to the energy; edges a block needs, and has plenty of.
const BLOCK: [i32; 2] = [8, 6];
const FULL_EDGE: f32 = 127.0 * 127.0;
const POOR_BLOCK: f32 = 1.5;
const RICH_BLOCK: f32 = 6.0;
/// Correlation at which blocks begin to agree, and agree.
const AGREES_FROM: f32 = 0.5;
const AGREES_FULLY: f32 = 0.9;
/// A block counts if this part of its edges is in the picture.
const LEAST_OVERLAP: f32 = 2.5;
/// Blocks without which nothing is known.
const LEAST_COUNTED: f32 = 3.0;
const LEAST_WEIGHT: f32 = 5.0;
/// Likeness to the thumbnail before.
const AT_REST: f32 = 0.45;
/// Likeness to the place as last seen: not moved; surely not moved.
const STAYED: f32 = 0.4;
const SAME_PLACE: f32 = 0.5;
const REFRESH: Duration = Duration::from_secs(5);
/// Likeness to a view that counts for it: soon after the camera moved, and later.
const ARRIVAL: Duration = Duration::from_secs(4);
const LIKE_ON_ARRIVAL: f32 = 0.27;
const LIKE: f32 = 0.36;
/// More like it than any other view.
const CLEARER: f32 = 0.08;
/// From look to look, pixels.
const SHIFT_HOLDS: i32 = 2;
const LEAST_LOOKS: u32 = 3;
const EVIDENCE: f32 = 0.3;
