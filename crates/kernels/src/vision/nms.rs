//! Non-maximum suppression: of boxes that overlap, the one with the highest score stays.

use super::boxes::{BoxFormat, Region};
use super::descending;
use crate::parallel::{for_rows, for_rows2};
use crate::real::{Real, double, real, wide, with_wide_out};
use rsym_tensor::Float;

/// Where the parts of a box lie in its row, and which boxes are suppressed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suppression {
    /// Boxes of each picture.
    pub boxes: usize,
    /// Numbers of each box.
    pub width: usize,
    /// Place of the first of the four coordinates.
    pub coords: usize,
    /// Place of the score.
    pub score: usize,
    /// Place of the class, if there is one.
    pub class: Option<usize>,
    /// The class that is left out.
    pub background: f64,
    /// Boxes must score more than this.
    pub valid: f64,
    /// Boxes that overlap more than this are suppressed.
    pub overlap: f64,
    /// Number of boxes that are looked at, best first.
    pub top: usize,
    /// Whether boxes of other classes are suppressed as well.
    pub force: bool,
    /// Format of the input.
    pub from: BoxFormat,
    /// Format of the output.
    pub to: BoxFormat,
}

impl Suppression {
    /// The boxes that count, best first, at most `top` of them.
    fn candidates<C: Real>(&self, rows: &[C]) -> Vec<usize> {
        let row = |i: usize| &rows[i * self.width..][..self.width];
        let (valid, background) = (real::<C>(self.valid), real::<C>(self.background));
        let counts = |i: &usize| row(*i)[self.score] > valid && self.class.is_none_or(|c| row(*i)[c] != background);
        let mut order: Vec<usize> = (0..self.boxes).filter(counts).collect();
        order.sort_by(|&a, &b| descending(double(row(a)[self.score]), double(row(b)[self.score])));
        order.truncate(self.top);
        order
    }

    /// The boxes that stay, best first.
    fn kept<C: Real>(&self, rows: &[C]) -> Vec<usize> {
        let overlap = real::<C>(self.overlap);
        let class = |i: usize| match self.class {
            Some(c) if !self.force => double(rows[i * self.width + c]) as i64,
            _ => 0,
        };
        let mut kept: Vec<(usize, i64, Region<C>)> = Vec::new();
        for i in self.candidates(rows) {
            let region = Region::new(self.from, &rows[i * self.width + self.coords..][..4]);
            let hides = |(_, other, better): &(usize, i64, Region<C>)| {
                let common = better.intersection(&region);
                *other == class(i) && common / (better.area + region.area - common) > overlap
            };
            if !kept.iter().any(hides) {
                kept.push((i, class(i), region));
            }
        }
        kept.into_iter().map(|(i, ..)| i).collect()
    }

    /// Changes the format of a box, unless its first coordinate is negative.
    fn convert<C: Real>(&self, b: &mut [C]) {
        let two = C::one() + C::one();
        if self.from == self.to || b[0] < C::zero() {
            return;
        }
        for d in 0..2 {
            let (x, y) = (b[d], b[d + 2]);
            (b[d], b[d + 2]) = match self.to {
                BoxFormat::Center => ((x + y) / two, y - x),
                BoxFormat::Corner => (x - y / two, x + y / two),
            };
        }
    }
}

/// The boxes of each picture that stay, best first, and -1 behind them. `places` says for every row which box of its picture it is.
/// With `top` of 0 all boxes stay as they are.
pub fn box_nms<T: Float>(s: Suppression, data: &[T], out: &mut [T], places: &mut [i64]) {
    let size = s.boxes * s.width;
    if s.top == 0 {
        out.copy_from_slice(data);
        return places.iter_mut().enumerate().for_each(|(i, place)| *place = (i % s.boxes) as i64);
    }
    let data = wide(data);
    let cost = s.boxes.saturating_mul(s.top.min(s.boxes)).saturating_mul(4);
    with_wide_out(out, |out| {
        for_rows2((out, places), (size, s.boxes), cost, |picture, out, places| {
            let rows = &data[picture * size..][..size];
            out.fill(real(-1.0));
            places.fill(-1);
            for (to, from) in s.kept(rows).into_iter().enumerate() {
                let row = &mut out[to * s.width..][..s.width];
                row.copy_from_slice(&rows[from * s.width..][..s.width]);
                s.convert(&mut row[s.coords..s.coords + 4]);
                places[to] = from as i64;
            }
        })
    });
}

/// Gradient of [`box_nms`]: every row's gradient goes back to the box that it was.
pub fn box_nms_backward<T: Float>((boxes, width): (usize, usize), grad: &[T], places: &[i64], out: &mut [T]) {
    let size = boxes * width;
    for_rows(out, size, size, |picture, out| {
        out.fill(T::default());
        for (row, &place) in places[picture * boxes..][..boxes].iter().enumerate() {
            if let Some(to) = usize::try_from(place).ok().filter(|&to| to < boxes) {
                out[to * width..][..width].copy_from_slice(&grad[picture * size + row * width..][..width]);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;

    const S: Suppression = Suppression {
        boxes: 4,
        width: 6,
        coords: 2,
        score: 1,
        class: Some(0),
        background: -1.0,
        valid: 0.0,
        overlap: 0.1,
        top: 4,
        force: true,
        from: BoxFormat::Corner,
        to: BoxFormat::Corner,
    };

    const ROWS: [f32; 24] = [
        0.0, 0.5, 0.1, 0.1, 0.2, 0.2, 1.0, 0.4, 0.1, 0.1, 0.2, 0.2, 0.0, 0.3, 0.1, 0.1, 0.14, 0.14, 2.0, 0.6, 0.5, 0.5,
        0.7, 0.8,
    ];

    fn places(s: Suppression, rows: &[f32]) -> Vec<i64> {
        let (mut out, mut places) = (vec![9f32; rows.len()], vec![9; rows.len() / s.width]);
        box_nms(s, rows, &mut out, &mut places);
        places
    }

    // Documentation of MXNet 1.9.1.
    #[test]
    fn the_best_of_overlapping_boxes_stays() {
        assert_eq!(places(S, &ROWS), [3, 0, -1, -1]);
        assert_eq!(places(Suppression { force: false, ..S }, &ROWS), [3, 0, 1, -1]);
        assert_eq!(places(Suppression { top: 1, ..S }, &ROWS), [3, -1, -1, -1]);
        assert_eq!(places(Suppression { top: 0, ..S }, &ROWS), [0, 1, 2, 3]);
        assert_eq!(places(Suppression { valid: 0.55, ..S }, &ROWS), [3, -1, -1, -1]);
        assert_eq!(places(Suppression { background: 2.0, force: false, ..S }, &ROWS), [0, 1, -1, -1]);
        assert_eq!(places(Suppression { overlap: 0.2, ..S }, &ROWS), [3, 0, 2, -1]);
    }

    #[test]
    fn formats_are_converted_unless_the_first_number_is_negative() {
        let s = Suppression { boxes: 2, to: BoxFormat::Center, ..S };
        let rows = [0.0f32, 0.9, 1.0, 2.0, 3.0, 8.0, 0.0, 0.8, -1.0, 20.0, 3.0, 28.0];
        let (mut out, mut places) = ([9f32; 12], [9; 2]);
        box_nms(s, &rows, &mut out, &mut places);
        assert_eq!(out, [0.0, 0.9, 2.0, 5.0, 2.0, 6.0, 0.0, 0.8, -1.0, 20.0, 3.0, 28.0]);
        let back = Suppression { from: BoxFormat::Center, to: BoxFormat::Corner, boxes: 1, ..S };
        let first = out;
        box_nms(back, &first[..6], &mut out[6..], &mut places[..1]);
        assert_eq!(out[6..], rows[..6]);
    }

    #[test]
    fn gradients_return_to_their_boxes() {
        let grad: Vec<f32> = (0..8).map(|v| v as f32).collect();
        let mut out = [9f32; 8];
        box_nms_backward((2, 2), &grad, &[1, -1, -1, 0], &mut out);
        assert_eq!(out, [0.0, 0.0, 0.0, 1.0, 6.0, 7.0, 0.0, 0.0]);
    }

    #[test]
    fn pictures_do_not_mix_and_threads_do_not_matter() {
        let s = Suppression { boxes: 200, top: 100, overlap: 0.3, force: false, ..S };
        let rows: Vec<f32> = (0..8 * 200 * 6).map(|i| (i * 7919 % 1009) as f32 / 1009.0).collect();
        let all = same_for_threads(|| places(s, &rows));
        for picture in 0..8 {
            assert_eq!(all[picture * 200..][..200], places(s, &rows[picture * 1200..][..1200]));
        }
        assert_eq!(places(S, &[f32::NAN; 24]), [-1; 4]);
    }
}
