//! Where edges run in a thumbnail, and how much of one picture agrees with another.
//!
//! Each edge is measured against those around it: lamps, exposure and white balance change how strong edges are, hardly where
//! they run. Pictures are compared in 8×6 blocks at a common displacement, so that people may cover some of them.

use super::Thumbnail;

/// Direction and distinctness (0 … 127) of the edge at every pixel, with an empty rim as wide as pictures are moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edges {
    /// Right and down part of each edge.
    parts: Vec<i16>,
    /// Sum of squares above and left of a pixel.
    energy: Vec<i32>,
}

impl Edges {
    /// The edges of one picture.
    pub fn of(thumbnail: &Thumbnail) -> Self {
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

    /// From right and down parts of the edge at every pixel, −127 … 127.
    pub fn new(edge: impl Fn(usize) -> (i16, i16)) -> Self {
        let mut edges = Self { parts: vec![0; 2 * STRIDE * ROWS], energy: vec![0; STRIDE * ROWS] };
        for (at, to) in inside().enumerate() {
            (edges.parts[2 * to], edges.parts[2 * to + 1]) = edge(at);
        }
        for row in 1..ROWS {
            let mut sum = 0;
            for column in 1..STRIDE {
                let at = 2 * ((row - 1) * STRIDE + column - 1);
                sum += i32::from(edges.parts[at]).pow(2) + i32::from(edges.parts[at + 1]).pow(2);
                edges.energy[row * STRIDE + column] = edges.energy[(row - 1) * STRIDE + column] + sum;
            }
        }
        edges
    }

    /// Of several pictures: what moves averages out. None of none.
    pub fn mean(of: &[Self]) -> Option<Self> {
        let count = i32::try_from(of.len()).ok().filter(|count| *count > 0)?;
        let mean = |at: usize| (of.iter().map(|edges| i32::from(edges.parts[at])).sum::<i32>() / count) as i16;
        let inner: Vec<usize> = inside().collect();
        Some(Self::new(|at| (mean(2 * inner[at]), mean(2 * inner[at] + 1))))
    }

    /// Right and down parts at every pixel, row by row.
    pub fn parts(&self) -> impl Iterator<Item = (i16, i16)> {
        inside().map(|at| (self.parts[2 * at], self.parts[2 * at + 1]))
    }

    /// How many blocks have enough edges to be known by.
    pub fn weight(&self) -> f32 {
        blocks().map(|block| self.block_weight(block)).sum()
    }

    fn block_weight(&self, [x, y]: [i32; 2]) -> f32 {
        let energy = self.energy_in([x, y], [x + BLOCK[0], y + BLOCK[1]]) as f32 / FULL_EDGE;
        if energy < POOR_BLOCK { 0.0 } else { (energy / RICH_BLOCK).min(1.0) }
    }

    /// The share of this that agrees with `live`, moved by up to `reach` pixels.
    pub fn likeness(&self, live: &Self, reach: [i32; 2]) -> f32 {
        self.shares(live, reach).into_iter().fold(0.0, f32::max)
    }

    /// How much better `live` agrees at its best displacement than at any: shelves and blinds agree a little everywhere.
    pub fn resemblance(&self, live: &Self) -> Resemblance {
        let shares = self.shares(live, TURN_REACH);
        let usual = shares.iter().sum::<f32>() / shares.len() as f32;
        let at_shift = shares.iter().enumerate().map(|(at, share)| {
            let shift = shift(at, TURN_REACH);
            let far = (shift[0].abs() + shift[1].abs()) as f32;
            Resemblance { degree: share - usual - FARTHER * far, shift }
        });
        at_shift.fold(Resemblance::NONE, Resemblance::greater)
    }

    /// The share of agreeing blocks at every displacement within `reach`.
    fn shares(&self, live: &Self, reach: [i32; 2]) -> Vec<f32> {
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
                *agreement = self.agreement(live, block, shift(at, reach));
            }
            let wide = widest(&plane, across);
            for at in (0..shifts).filter(|at| wide[*at] >= 0.0) {
                agreed[at] += weight * wide[at];
                counted[at] += weight;
            }
        }
        let least = (total / 2.0).max(LEAST_COUNTED);
        agreed.iter().zip(&counted).map(|(agreed, counted)| agreed / counted.max(least)).collect()
    }

    /// How well one block agrees with what stands `shift` away (0 … 1); negative if too little of that is in the picture.
    fn agreement(&self, live: &Self, block: [i32; 2], shift: [i32; 2]) -> f32 {
        let [x, y] = [block[0] + shift[0], block[1] + shift[1]];
        let whole = self.energy_in(block, [block[0] + BLOCK[0], block[1] + BLOCK[1]]);
        let (last_x, last_y) = (Thumbnail::WIDTH as i32 - BLOCK[0], Thumbnail::HEIGHT as i32 - BLOCK[1]);
        let own = if (0..=last_x).contains(&x) && (0..=last_y).contains(&y) {
            whole
        } else {
            let from = [x.max(0) - shift[0], y.max(0) - shift[1]];
            let to = [x.min(last_x) + BLOCK[0] - shift[0], y.min(last_y) + BLOCK[1] - shift[1]];
            self.energy_in(from, to)
        };
        if (own as f32) < LEAST_OVERLAP * whole as f32 {
            return -1.0;
        }
        // The empty rim adds nothing.
        let there = live.energy_in([x, y], [x + BLOCK[0], y + BLOCK[1]]);
        let (from, to) = (2 * index(block[0], block[1]), 2 * index(x, y));
        let rows = self.parts[from..].chunks(2 * STRIDE).zip(live.parts[to..].chunks(2 * STRIDE));
        let sum: i32 = rows.take(BLOCK[1] as usize).map(|(own, there)| product(own, there)).sum();
        let both = (own as f32 * there as f32).sqrt().max(FULL_EDGE / 2.0);
        ((sum as f32 / both - AGREES_FROM) / (AGREES_FULLY - AGREES_FROM)).clamp(0.0, 1.0)
    }

    fn energy_in(&self, from: [i32; 2], to: [i32; 2]) -> i32 {
        let at = |x: i32, y: i32| self.energy[index(x, y)];
        at(to[0], to[1]) - at(from[0], to[1]) - at(to[0], from[1]) + at(from[0], from[1])
    }
}

/// How far above everything else a picture agrees with another one, and at which displacement.
#[derive(Clone, Copy, Debug)]
pub struct Resemblance {
    /// 0 … 1
    pub degree: f32,
    /// Pixels right and down.
    pub shift: [i32; 2],
}

impl Resemblance {
    /// None at all.
    pub const NONE: Self = Self { degree: 0.0, shift: [0, 0] };

    /// The greater of two.
    pub fn greater(self, other: Self) -> Self {
        if other.degree > self.degree { other } else { self }
    }
}

/// Pixels right and down of one place in a list of displacements.
fn shift(at: usize, reach: [i32; 2]) -> [i32; 2] {
    let across = 2 * reach[0] + 1;
    [at as i32 % across - reach[0], at as i32 / across - reach[1]]
}

/// Of the first rows of two blocks; of fixed length, so that it becomes vector instructions.
fn product(a: &[i16], b: &[i16]) -> i32 {
    let both = a.first_chunk::<ROW>().zip(b.first_chunk::<ROW>());
    both.map_or(0, |(a, b)| a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum())
}

/// Where the picture's pixels stand, row by row.
fn inside() -> impl Iterator<Item = usize> {
    (0..PIXELS).map(|at| index((at % Thumbnail::WIDTH) as i32, (at / Thumbnail::WIDTH) as i32))
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
    let best_of = |from: &[f32], step: usize, at: usize, place: usize, end: usize| {
        let before = if place > 0 { from[at - step] } else { -1.0 };
        let after = if place + 1 < end { from[at + step] } else { -1.0 };
        from[at].max(before).max(after)
    };
    let columns: Vec<f32> = (0..plane.len()).map(|at| best_of(plane, 1, at, at % across, across)).collect();
    let down = plane.len() / across;
    (0..plane.len()).map(|at| best_of(&columns, across, at, at / across, down)).collect()
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

/// The mean of 9×9 around every pixel, less at the rim.
fn means(values: &[f32]) -> Vec<f32> {
    let (width, height) = (Thumbnail::WIDTH, Thumbnail::HEIGHT);
    let near = |at: usize, end: usize| at.saturating_sub(AROUND)..(at + AROUND + 1).min(end);
    let across: Vec<f32> = (0..PIXELS)
        .map(|at| (near(at % width, width), at / width * width))
        .map(|(columns, row)| values[row + columns.start..row + columns.end].iter().sum::<f32>() / columns.len() as f32)
        .collect();
    (0..PIXELS)
        .map(|at| (at % width, near(at / width, height)))
        .map(|(x, rows)| rows.clone().map(|y| across[y * width + x]).sum::<f32>() / rows.len() as f32)
        .collect()
}

const PIXELS: usize = Thumbnail::WIDTH * Thumbnail::HEIGHT;
const STRIDE: usize = Thumbnail::WIDTH + 2 * TURN_REACH[0] as usize + 1;
const ROWS: usize = Thumbnail::HEIGHT + 2 * TURN_REACH[1] as usize + 1;
/// How far from its taught pose a camera may be set down: pixels, six of them about 6°.
pub const TURN_REACH: [i32; 2] = [6, 4];
/// Radius of what an edge is measured against, and the slope that is noise.
const AROUND: usize = 4;
const NOISE: f32 = 4.0;
/// Parts in a row; pixels; what one distinct edge adds to the energy; edges a block needs, and has plenty of.
const ROW: usize = 16;
const BLOCK: [i32; 2] = [ROW as i32 / 2, 6];
const FULL_EDGE: f32 = 127.0 * 127.0;
const POOR_BLOCK: f32 = 1.5;
const RICH_BLOCK: f32 = 6.0;
/// Correlation at which blocks begin to agree, and agree.
const AGREES_FROM: f32 = 0.4;
const AGREES_FULLY: f32 = 0.9;
/// A block counts if this part of its edges is in the picture.
const LEAST_OVERLAP: f32 = 0.4;
/// Blocks without which nothing is known.
const LEAST_COUNTED: f32 = 3.0;
/// A camera set down farther from the taught pose must look more like it, per pixel.
const FARTHER: f32 = 0.01;
