//! Detections.

use crate::parallel::for_rows;
use crate::real::{Real, double, real, wide, with_wide_out};
use crate::vision::boxes::{BoxFormat, Region};
use crate::vision::descending;
use rsym_tensor::Float;

/// Sizes, and what counts as a detection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Classes, the background (class 0) among them.
    pub classes: usize,
    /// Anchors of a picture.
    pub anchors: usize,
    /// Boxes end at the border of the picture.
    pub clip: bool,
    /// Probabilities below this are background.
    pub threshold: f64,
    /// Boxes that overlap at least this much are suppressed; all stay unless it is between 0 and 1.
    pub overlap: f64,
    /// Whether boxes of other classes are suppressed as well.
    pub force: bool,
    /// What offsets are multiplied by.
    pub variances: [f64; 4],
    /// Number of boxes that are looked at, best first; 0 for all.
    pub top: usize,
}

type Row<C> = [C; 6];

impl Detection {
    /// The most probable class of an anchor but the background, with its probability; `None` below the threshold.
    fn class<C: Real>(&self, probabilities: &[C], anchor: usize) -> Option<(usize, C)> {
        let at = |class: usize| probabilities[class * self.anchors + anchor];
        let best =
            (1..self.classes).fold((0, real::<C>(-1.0)), |best, c| if at(c) > best.1 { (c, at(c)) } else { best });
        let enough = best.0 > 0 && double(best.1) >= self.threshold;
        enough.then_some(best)
    }

    /// The box at `offsets` from an anchor.
    fn place<C: Real>(&self, offsets: &[C], anchor: &[C]) -> [C; 4] {
        let two = C::one() + C::one();
        let v = self.variances.map(real::<C>);
        let mut out = [C::zero(); 4];
        for d in 0..2 {
            let (size, center) = (anchor[2 + d] - anchor[d], (anchor[d] + anchor[2 + d]) / two);
            let center = offsets[d] * v[d] * size + center;
            let half = (offsets[2 + d] * v[2 + d]).exp() * size / two;
            (out[d], out[2 + d]) = (center - half, center + half);
        }
        let inside = |v: C| if self.clip { v.min(C::one()).max(C::zero()) } else { v };
        out.map(inside)
    }

    fn rows<C: Real>(&self, probabilities: &[C], offsets: &[C], anchors: &[C]) -> Vec<Row<C>> {
        let row = |i: usize| {
            let (class, score) = self.class(probabilities, i)?;
            let [a, b, c, d] = self.place(&offsets[i * 4..][..4], &anchors[i * 4..][..4]);
            Some([real((class - 1) as f64), score, a, b, c, d])
        };
        (0..self.anchors).filter_map(row).collect()
    }

    /// Puts the best rows first and marks those that are suppressed or not looked at by class -1.
    fn suppress<C: Real>(&self, rows: &mut [Row<C>]) {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|&a, &b| descending(double(rows[a][1]), double(rows[b][1])));
        let looked = if self.top > 0 { self.top.min(rows.len()) } else { rows.len() };
        let best: Vec<Row<C>> = order[..looked].iter().map(|&i| rows[i]).collect();
        rows[..looked].copy_from_slice(&best);
        rows[looked..].iter_mut().for_each(|row| row[0] = real(-1.0));
        let mut kept: Vec<(C, Region<C>)> = Vec::new();
        for row in &mut rows[..looked] {
            let region = Region::new(BoxFormat::Corner, &row[2..]);
            let hidden = |(class, better): &(C, Region<C>)| {
                (self.force || *class == row[0]) && double(better.iou(&region)) >= self.overlap
            };
            match kept.iter().any(hidden) {
                true => row[0] = real(-1.0),
                false => kept.push((row[0], region)),
            }
        }
    }
}

/// Rows (class, probability, left, top, right, bottom) of the anchors that are no background, best first, from class probabilities
/// (n, classes, anchors), offsets (n, anchors * 4) and anchors (anchors, 4). Class -1 marks rows that do not count.
pub fn detect<T: Float>(d: Detection, probabilities: &[T], offsets: &[T], anchors: &[T], out: &mut [T]) {
    let (probabilities, offsets, anchors) = (wide(probabilities), wide(offsets), wide(anchors));
    let cost = d.anchors.saturating_mul(d.classes + 64);
    with_wide_out(out, |out| {
        for_rows(out, d.anchors * 6, cost, |picture, out| {
            let probabilities = &probabilities[picture * d.classes * d.anchors..];
            let mut rows = d.rows(probabilities, &offsets[picture * d.anchors * 4..], &anchors);
            if d.overlap > 0.0 && d.overlap <= 1.0 {
                d.suppress(&mut rows);
            }
            let found = rows.as_flattened();
            out[..found.len()].copy_from_slice(found);
            out[found.len()..].fill(real(-1.0));
        })
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: Detection = Detection {
        classes: 3,
        anchors: 3,
        clip: true,
        threshold: 0.01,
        overlap: 0.5,
        force: false,
        variances: [0.1, 0.1, 0.2, 0.2],
        top: 0,
    };
    const PROBABILITIES: [f32; 9] = [0.1, 0.2, 0.995, 0.3, 0.7, 0.003, 0.6, 0.1, 0.002];
    const ANCHORS: [f32; 12] = [0.1, 0.1, 0.5, 0.5, 0.1, 0.1, 0.5, 0.6, 0.7, 0.7, 1.0, 1.0];

    fn classes(d: Detection) -> Vec<f32> {
        let mut out = [9f32; 18];
        detect(d, &PROBABILITIES, &[0.0; 12], &ANCHORS, &mut out);
        out.chunks_exact(6).map(|row| row[0]).collect()
    }

    #[test]
    fn detections_are_sorted_and_suppressed() {
        assert_eq!(classes(D), [0.0, 1.0, -1.0]);
        assert_eq!(classes(Detection { force: true, ..D }), [0.0, -1.0, -1.0]);
        assert_eq!(classes(Detection { top: 1, ..D }), [0.0, -1.0, -1.0]);
        assert_eq!(classes(Detection { threshold: 0.65, ..D }), [0.0, -1.0, -1.0]);
        assert_eq!(classes(Detection { overlap: 2.0, ..D }), [1.0, 0.0, -1.0]);
    }

    #[test]
    fn offsets_move_and_grow_the_anchor() {
        let place = |clip| Detection { clip, ..D }.place(&[5.0f64, 0.0, 0.0, 5.0 * 2f64.ln()], &[0.0, 0.2, 0.4, 0.6]);
        let close = |a: [f64; 4], b: [f64; 4]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close(place(false), [0.2, 0.0, 0.6, 0.8]));
        let out = Detection { clip: false, ..D }.place(&[-10.0f64, 0.0, 0.0, 0.0], &[0.0, 0.2, 0.4, 0.6]);
        assert!(close(out, [-0.4, 0.2, 0.0, 0.6]));
        assert!(close(D.place(&[-10.0, 0.0, 0.0, 0.0], &[0.0, 0.2, 0.4, 0.6]), [0.0, 0.2, 0.0, 0.6]));
    }
}
