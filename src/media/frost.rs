//! Frosted glass: that somebody is there and moves, not who.
//!
//! ```text
//! plane ─► mean of each of 32 × 18 cells ─► slow mean over time ─► blur over the neighbours ─► smooth blow-up ─► plane
//! ```
//!
//! Promise: detail cannot be won back. Not from one picture, because all that is kept of a cell is one number; not from
//! many, because movement smaller than a cell is averaged away.

use crate::media::veil::Plane;
use crate::model::Moment;
use std::time::Duration;

/// The glass before one view.
#[derive(Default)]
pub(super) struct Frost {
    last: Option<Moment>,
    /// By plane, 0 … 255.
    cells: [Vec<f32>; 3],
    /// Rows of cells, stretched to the plane's width; 8.8 bits.
    rows: Vec<u16>,
}

impl Frost {
    /// How much of a picture taken at this moment goes into the cells.
    pub(super) fn fade(&mut self, moment: Moment) -> f32 {
        let passed = self.last.replace(moment).map(|last| moment.since(last));
        passed.map_or(1.0, |passed| passed.as_secs_f32() / (passed + SLOWNESS).as_secs_f32())
    }

    pub(super) fn over(&mut self, plane: &mut Plane<'_>, fade: f32) {
        let (columns, lines) = (COLUMNS.min(plane.width), LINES.min(plane.height));
        let width = plane.width;
        if columns == 0 || lines == 0 {
            return;
        }
        let means = means(plane, columns, lines);
        let cells = &mut self.cells[plane.number];
        if cells.len() != means.len() {
            cells.clone_from(&means);
        }
        cells.iter_mut().zip(&means).for_each(|(cell, mean)| *cell += (mean - *cell) * fade);

        let blurred = blur(cells, columns, lines);
        self.rows.clear();
        for line in blurred.chunks_exact(columns) {
            self.rows.extend((0..width).map(|x| {
                let (cell, next, weight) = between(x, width, columns);
                ((line[cell] + (line[next] - line[cell]) * weight) * 256.0) as u16
            }));
        }
        for y in 0..plane.height {
            let (line, next, weight) = between(y, plane.height, lines);
            let weight = (weight * 256.0) as u32;
            let (above, below) = (&self.rows[line * width..][..width], &self.rows[next * width..][..width]);
            for ((out, above), below) in plane.row(y).iter_mut().zip(above).zip(below) {
                let sum = u32::from(*above) * (256 - weight) + u32::from(*below) * weight;
                *out = ((sum + ROUND) >> 16) as u8;
            }
        }
    }
}

/// The mean of each cell, line by line of cells.
fn means(plane: &mut Plane<'_>, columns: usize, lines: usize) -> Vec<f32> {
    let (width, height) = (plane.width, plane.height);
    let mut means = Vec::with_capacity(columns * lines);
    let mut sums = vec![0_u32; columns];
    for line in 0..lines {
        let rows = line * height / lines..(line + 1) * height / lines;
        sums.fill(0);
        for y in rows.clone() {
            let row = plane.row(y);
            for (column, sum) in sums.iter_mut().enumerate() {
                let cell = &row[column * width / columns..(column + 1) * width / columns];
                *sum += cell.iter().map(|sample| u32::from(*sample)).sum::<u32>();
            }
        }
        means.extend(sums.iter().enumerate().map(|(column, sum)| {
            let across = (column + 1) * width / columns - column * width / columns;
            *sum as f32 / (across * rows.len()) as f32
        }));
    }
    means
}

/// Each cell and its eight neighbours, weighted 1 2 1 both ways; the edge stands for what lies beyond it.
fn blur(cells: &[f32], columns: usize, lines: usize) -> Vec<f32> {
    let three = |before: f32, here: f32, after: f32| (before + 2.0 * here + after) / 4.0;
    let across = |line: usize, column: usize| {
        let line = &cells[line * columns..][..columns];
        three(line[column.saturating_sub(1)], line[column], line[(column + 1).min(columns - 1)])
    };
    (0..lines)
        .flat_map(|line| (0..columns).map(move |column| (line, column)))
        .map(|(line, column)| {
            three(
                across(line.saturating_sub(1), column),
                across(line, column),
                across((line + 1).min(lines - 1), column),
            )
        })
        .collect()
}

/// The two cells whose middles a pixel lies between, and how much of the second it takes.
fn between(pixel: usize, pixels: usize, cells: usize) -> (usize, usize, f32) {
    let place = ((pixel as f32 + 0.5) * cells as f32 / pixels as f32 - 0.5).clamp(0.0, (cells - 1) as f32);
    let cell = place as usize;
    (cell, (cell + 1).min(cells - 1), place - cell as f32)
}

/// A cell is 40 pixels wide at 720p: a face at a table is one or two of them.
const COLUMNS: usize = 32;
const LINES: usize = 18;
/// Movement quicker than this is smeared.
const SLOWNESS: Duration = Duration::from_millis(300);
const ROUND: u32 = 1 << 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_lies_between_the_middles_of_its_cells() {
        assert_eq!(between(0, 320, 32), (0, 1, 0.0));
        assert_eq!(between(319, 320, 32), (31, 31, 0.0));
        let (cell, next, weight) = between(10, 320, 32);
        assert_eq!((cell, next), (0, 1));
        assert!((weight - 0.55).abs() < 1e-4, "{weight}");
    }

    #[test]
    fn a_flat_picture_stays_flat_and_the_glass_forgets_slowly() {
        assert!(blur(&[77.0; 12], 4, 3).iter().all(|cell| *cell == 77.0));
        let mut frost = Frost::default();
        assert_eq!(frost.fade(Moment::from_nanos(0)), 1.0, "the first picture is all there is");
        let fade = frost.fade(Moment::from_nanos(33_000_000));
        assert!((0.09..0.11).contains(&fade), "{fade}");
    }
}
