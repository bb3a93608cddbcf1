//! Training targets.

use crate::parallel::map_indices;
use crate::real::{Real, double, wide};
use crate::vision::boxes::{BoxFormat, Region};
use crate::vision::descending;
use rsym_tensor::Float;

/// Sizes, and which anchors take part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Targeting {
    /// Anchors of a picture.
    pub anchors: usize,
    /// Rows of labels of a picture, and numbers of a row.
    pub labels: (usize, usize),
    /// Classes of the predictions.
    pub classes: usize,
    /// Anchors that overlap a label more than this belong to it; 0 matches the best anchors alone.
    pub overlap: f32,
    /// The class target of anchors that take no part.
    pub ignore: f32,
    /// Negative anchors for each positive one, if not all take part.
    pub mining: Option<f32>,
    /// Negative anchors must overlap every label less than this.
    pub negative: f32,
    /// What offsets are divided by.
    pub variances: [f32; 4],
}

/// What targets are made from.
#[derive(Clone, Copy, Debug)]
pub struct TargetInput<'a, T> {
    /// (anchors, 4), by corners.
    pub anchors: &'a [T],
    /// (n, labels, width): class, then the box by its corners; a row of class -1 ends the list.
    pub labels: &'a [T],
    /// (n, classes, anchors): predictions, before softmax.
    pub predictions: &'a [T],
}

/// The targets.
#[derive(Debug)]
pub struct Targets<'a, T> {
    /// (n, anchors * 4): offsets of the labels from their anchors.
    pub offsets: &'a mut [T],
    /// (n, anchors * 4): 1 where the offsets count.
    pub masks: &'a mut [T],
    /// (n, anchors): class plus one, 0 for the background.
    pub classes: &'a mut [T],
}

/// The part of an anchor.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Label(usize),
    Background,
    Ignored,
}

/// A picture's overlaps (anchors, labels), and the parts found so far.
struct Assignment<'a> {
    t: &'a Targeting,
    labels: usize,
    overlaps: Vec<f32>,
    parts: Vec<Part>,
}

impl Assignment<'_> {
    fn of(&self, anchor: usize) -> &[f32] {
        &self.overlaps[anchor * self.labels..][..self.labels]
    }

    fn is_free(&self, anchor: usize) -> bool {
        !matches!(self.parts[anchor], Part::Label(_))
    }

    /// Gives every label the anchor that overlaps it most, the largest overlap of all first.
    fn match_best(&mut self) {
        let mut open: Vec<usize> = (0..self.labels).collect();
        while !open.is_empty() {
            let mut best = (1e-6, None);
            for anchor in (0..self.parts.len()).filter(|&a| self.is_free(a)) {
                for (place, &label) in open.iter().enumerate() {
                    if self.of(anchor)[label] > best.0 {
                        best = (self.of(anchor)[label], Some((anchor, place)));
                    }
                }
            }
            let Some((anchor, place)) = best.1 else { break };
            self.parts[anchor] = Part::Label(open.remove(place));
        }
    }

    /// The label that overlaps an anchor most, and how much.
    fn nearest(&self, anchor: usize) -> (f32, usize) {
        let better = |best: (f32, usize), (i, &v): (usize, &f32)| if v > best.0 { (v, i) } else { best };
        self.of(anchor).iter().enumerate().fold((-1.0, 0), better)
    }

    fn match_overlapping(&mut self) {
        for anchor in 0..self.parts.len() {
            let (overlap, label) = self.nearest(anchor);
            if self.is_free(anchor) && overlap > self.t.overlap {
                self.parts[anchor] = Part::Label(label);
            }
        }
    }

    /// The wanted number of anchors that look least like background; `Err` tells how many there are of how many wanted.
    fn mine<C: Real>(&mut self, ratio: f32, predictions: &[C]) -> Result<(), (usize, usize)> {
        let positive = (0..self.parts.len()).filter(|&a| !self.is_free(a)).count();
        let wanted = ((positive as f32 * ratio) as usize).min(self.parts.len() - positive);
        let far = |a: &usize| self.is_free(*a) && self.nearest(*a).0 < self.t.negative;
        let mut found: Vec<(f64, usize)> = (0..self.parts.len())
            .filter(|a| wanted > 0 && far(a))
            .map(|a| (double(background(predictions, self.t, a)), a))
            .collect();
        found.sort_by(|a, b| descending(-a.0, -b.0));
        if found.len() < wanted {
            return Err((found.len(), wanted));
        }
        found[..wanted].iter().for_each(|&(_, a)| self.parts[a] = Part::Background);
        Ok(())
    }
}

/// The probability that an anchor is background.
fn background<C: Real>(predictions: &[C], t: &Targeting, anchor: usize) -> C {
    let at = |class: usize| predictions[class * t.anchors + anchor];
    let most = (1..t.classes).fold(at(0), |most, c| if at(c) > most { at(c) } else { most });
    let sum = (0..t.classes).fold(C::zero(), |sum, c| sum + (at(c) - most).exp());
    (at(0) - most).exp() / sum
}

impl Targeting {
    /// The parts of a picture's anchors; no anchor takes part where there is no label.
    fn parts<C: Real>(&self, anchors: &[C], labels: &[C], predictions: &[C]) -> Result<Vec<Part>, (usize, usize)> {
        let count = labels.chunks_exact(self.labels.1).take_while(|row| double(row[0]) != -1.0).count();
        if count == 0 {
            return Ok(vec![Part::Ignored; self.anchors]);
        }
        let boxes: Vec<Region<C>> = labels
            .chunks_exact(self.labels.1)
            .take(count)
            .map(|row| Region::new(BoxFormat::Corner, &row[1..5]))
            .collect();
        let regions = anchors.chunks_exact(4).map(|a| Region::new(BoxFormat::Corner, a));
        let overlaps = regions.flat_map(|a| boxes.iter().map(move |b| double(a.iou(b)) as f32)).collect();
        let mut found = Assignment { t: self, labels: count, overlaps, parts: vec![Part::Ignored; self.anchors] };
        found.match_best();
        if self.overlap > 0.0 {
            found.match_overlapping();
        }
        match self.mining {
            Some(ratio) => found.mine(ratio, predictions)?,
            None => found.parts.iter_mut().filter(|p| **p == Part::Ignored).for_each(|p| *p = Part::Background),
        }
        Ok(found.parts)
    }

    /// The offsets of a label from an anchor.
    fn offsets(&self, anchor: [f32; 4], label: [f32; 4]) -> [f32; 4] {
        let (mut out, v) = ([0.0; 4], self.variances);
        for d in 0..2 {
            let (size, wanted) = (anchor[2 + d] - anchor[d], label[2 + d] - label[d]);
            let (center, goal) = ((anchor[d] + anchor[2 + d]) * 0.5, (label[d] + label[2 + d]) * 0.5);
            out[d] = (goal - center) / size / v[d];
            out[2 + d] = (wanted / size).ln() / v[2 + d];
        }
        out
    }
}

fn four<T: Float>(values: &[T]) -> [f32; 4] {
    [0, 1, 2, 3].map(|i| values[i].to_f64() as f32)
}

/// Matches anchors with labels. `Err` holds the number of anchors that may be negative and the larger number that is wanted.
pub fn assign_targets<T: Float>(t: Targeting, from: TargetInput<T>, to: Targets<T>) -> Result<(), (usize, usize)> {
    let (anchors, labels, predictions) = (wide(from.anchors), wide(from.labels), wide(from.predictions));
    let (rows, pictures) = (t.labels.0 * t.labels.1, to.classes.len() / t.anchors.max(1));
    let parts = map_indices(pictures, t.anchors * t.labels.0 * 32, |picture| {
        let predictions = &predictions[picture * t.classes * t.anchors..];
        t.parts(&anchors, &labels[picture * rows..][..rows], predictions)
    });
    to.offsets.fill(T::default());
    to.masks.fill(T::default());
    to.classes.fill(T::from_f64(f64::from(t.ignore)));
    for (picture, parts) in parts.into_iter().enumerate() {
        for (anchor, part) in parts?.into_iter().enumerate() {
            let at = picture * t.anchors + anchor;
            match part {
                Part::Ignored => {}
                Part::Background => to.classes[at] = T::default(),
                Part::Label(label) => {
                    let label = &from.labels[picture * rows + label * t.labels.1..][..5];
                    to.classes[at] = T::from_f64(label[0].to_f64() + 1.0);
                    to.masks[at * 4..][..4].fill(T::from_f64(1.0));
                    let offsets = t.offsets(four(&from.anchors[anchor * 4..]), four(&label[1..]));
                    to.offsets[at * 4..][..4].iter_mut().zip(offsets).for_each(|(o, v)| *o = T::from_f64(f64::from(v)));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Targeting = Targeting {
        anchors: 4,
        labels: (2, 5),
        classes: 2,
        overlap: 0.5,
        ignore: -1.0,
        mining: None,
        negative: 0.5,
        variances: [0.1, 0.1, 0.2, 0.2],
    };
    const ANCHORS: [f64; 16] = [0.1, 0.1, 0.4, 0.4, 0.1, 0.1, 0.5, 0.4, 0.6, 0.6, 0.9, 0.9, 0.1, 0.7, 0.3, 0.9];
    const LABELS: [f64; 10] = [3.0, 0.1, 0.1, 0.4, 0.4, -1.0, -1.0, -1.0, -1.0, -1.0];

    fn classes(t: Targeting, labels: &[f64], predictions: &[f64]) -> Result<Vec<f64>, (usize, usize)> {
        let (mut offsets, mut masks, mut classes) = ([9.0; 16], [9.0; 16], [9.0; 4]);
        let from = TargetInput { anchors: &ANCHORS, labels, predictions };
        let to = Targets { offsets: &mut offsets, masks: &mut masks, classes: &mut classes };
        assign_targets(t, from, to)?;
        assert!(masks.chunks(4).zip(classes).all(|(m, c)| m == [f64::from(u8::from(c > 0.0)); 4]));
        Ok(classes.to_vec())
    }

    #[test]
    fn anchors_take_the_label_that_they_overlap() {
        let none = [0.0; 8];
        assert_eq!(classes(T, &LABELS, &none).unwrap(), [4.0, 4.0, 0.0, 0.0]);
        assert_eq!(classes(Targeting { overlap: 0.8, ..T }, &LABELS, &none).unwrap(), [4.0, 0.0, 0.0, 0.0]);
        assert_eq!(classes(Targeting { overlap: 0.0, ..T }, &LABELS, &none).unwrap(), [4.0, 0.0, 0.0, 0.0]);
        assert_eq!(classes(T, &[-1.0; 10], &none).unwrap(), [-1.0; 4]);
    }

    #[test]
    fn mining_takes_what_looks_least_like_background() {
        let t = Targeting { overlap: 0.8, mining: Some(1.0), ..T };
        let predictions = [0.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(classes(t, &LABELS, &predictions).unwrap(), [4.0, -1.0, -1.0, 0.0]);
        let wide = Targeting { negative: 0.9, ..t };
        assert_eq!(classes(wide, &LABELS, &predictions).unwrap(), [4.0, 0.0, -1.0, -1.0]);
        assert_eq!(classes(Targeting { mining: Some(3.0), ..t }, &LABELS, &predictions), Err((2, 3)));
    }

    #[test]
    fn offsets_are_relative_to_the_anchor() {
        let got = T.offsets([0.0, 0.0, 0.5, 0.5], [0.25, 0.0, 0.5, 1.0]);
        let want = [2.5, 5.0, 0.5f32.ln() / 0.2, 2f32.ln() / 0.2];
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-5), "{got:?}");
    }
}
