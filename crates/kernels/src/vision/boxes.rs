//! Boxes: their two formats, intersection over union, and offsets of one box from another.

use crate::parallel::for_rows;
use crate::real::{Real, real, wide, with_wide_out};
use rsym_tensor::Float;

/// What the four numbers of a box are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxFormat {
    /// Left, top, right, bottom.
    Corner,
    /// Centre x, centre y, width, height.
    Center,
}

/// A box by its corners, with its area.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region<C> {
    low: [C; 2],
    high: [C; 2],
    pub(crate) area: C,
}

impl<C: Real> Region<C> {
    pub(crate) fn new(format: BoxFormat, b: &[C]) -> Region<C> {
        let two = C::one() + C::one();
        let (low, high, size) = match format {
            BoxFormat::Corner => ([b[0], b[1]], [b[2], b[3]], [b[2] - b[0], b[3] - b[1]]),
            BoxFormat::Center => {
                let half = [b[2] / two, b[3] / two];
                ([b[0] - half[0], b[1] - half[1]], [b[0] + half[0], b[1] + half[1]], [b[2], b[3]])
            }
        };
        let area = if size[0] < C::zero() || size[1] < C::zero() { C::zero() } else { size[0] * size[1] };
        Region { low, high, area }
    }

    /// Area of what two boxes have in common.
    pub(crate) fn intersection(&self, other: &Region<C>) -> C {
        let side = |d: usize| {
            let low = if self.low[d] > other.low[d] { self.low[d] } else { other.low[d] };
            let high = if self.high[d] < other.high[d] { self.high[d] } else { other.high[d] };
            if high - low > C::zero() { high - low } else { C::zero() }
        };
        side(0) * side(1)
    }

    /// Intersection over union; 0 for boxes that do not meet.
    pub(crate) fn iou(&self, other: &Region<C>) -> C {
        let common = self.intersection(other);
        if common <= C::zero() { C::zero() } else { common / (self.area + other.area - common) }
    }
}

/// Intersection over union of every box of `lhs` (a, 4) with every box of `rhs` (b, 4): `out` has shape (a, b).
pub fn box_iou<T: Float>(format: BoxFormat, lhs: &[T], rhs: &[T], out: &mut [T]) {
    let (lhs, rhs) = (wide(lhs), wide(rhs));
    let columns = rhs.len() / 4;
    with_wide_out(out, |out| {
        for_rows(out, columns, columns * 16, |row, out| {
            let one = Region::new(format, &lhs[row * 4..][..4]);
            for (o, other) in out.iter_mut().zip(rhs.chunks_exact(4)) {
                *o = one.iou(&Region::new(format, other));
            }
        })
    });
}

/// The centre and the size of a box given by its corners.
fn centered<C: Real>(b: &[C]) -> [C; 4] {
    let half = real::<C>(0.5);
    let (w, h) = (b[2] - b[0], b[3] - b[1]);
    [b[0] + w * half, b[1] + h * half, w, h]
}

/// What [`box_encode`] encodes; `anchors` boxes and `refs` reference boxes for each picture.
#[derive(Clone, Copy, Debug)]
pub struct Encoding<'a, T> {
    /// (n, anchors): above 0.5 for the anchors that take part.
    pub samples: &'a [T],
    /// (n, anchors): the number of each anchor's reference box, taken to the nearest that exists.
    pub matches: &'a [T],
    /// (n, anchors, 4), by corners.
    pub anchors: &'a [T],
    /// (n, refs, 4), by corners.
    pub refs: &'a [T],
    /// Four numbers to subtract.
    pub means: &'a [T],
    /// Four numbers to divide by.
    pub stds: &'a [T],
    /// Anchors and reference boxes of a picture.
    pub counts: (usize, usize),
}

/// Offsets of matched boxes from their anchors, and a mask of ones for the anchors that take part; zeros elsewhere.
pub fn box_encode<T: Float>(e: Encoding<T>, targets: &mut [T], masks: &mut [T]) {
    let (anchors, refs) = e.counts;
    let wide4 = |b: &[T]| [b[0].widen(), b[1].widen(), b[2].widen(), b[3].widen()];
    let (means, stds) = (wide4(e.means), wide4(e.stds));
    for (i, (target, mask)) in targets.chunks_exact_mut(4).zip(masks.chunks_exact_mut(4)).enumerate() {
        let taken = e.samples[i].to_f64() > 0.5 && refs > 0;
        mask.fill(T::from_f64(f64::from(u8::from(taken))));
        target.fill(T::default());
        if taken {
            let reference = (i / anchors * refs) + (e.matches[i].to_f64().max(0.0) as usize).min(refs - 1);
            let (r, a) = (centered(&wide4(&e.refs[reference * 4..])), centered(&wide4(&e.anchors[i * 4..])));
            let ln = |v: T::Compute| num_traits::Float::ln(v);
            let offsets = [(r[0] - a[0]) / a[2], (r[1] - a[1]) / a[3], ln(r[2] / a[2]), ln(r[3] / a[3])];
            for (d, o) in target.iter_mut().enumerate() {
                *o = T::narrow((offsets[d] - means[d]) / stds[d]);
            }
        }
    }
}

/// The boxes, by corners, that lie at the offsets `data` (n, anchors, 4) from `anchors` (anchors, 4). Offsets are multiplied by
/// `stds`; those of the size are at most `clip`.
pub fn box_decode<T: Float>(
    format: BoxFormat,
    stds: [f64; 4],
    clip: Option<f64>,
    data: &[T],
    anchors: &[T],
    out: &mut [T],
) {
    let (data, anchors) = (wide(data), wide(anchors));
    let stds = stds.map(real::<T::Compute>);
    let clip = clip.map(real::<T::Compute>);
    with_wide_out(out, |out| {
        for_rows(out, 4, 40, |i, out| {
            let anchor = &anchors[i * 4 % anchors.len()..][..4];
            let a = match format {
                BoxFormat::Corner => centered(anchor),
                BoxFormat::Center => [anchor[0], anchor[1], anchor[2], anchor[3]],
            };
            let x = &data[i * 4..][..4];
            for d in 0..2 {
                let center = x[d] * stds[d] * a[2 + d] + a[d];
                let grow = x[2 + d] * stds[2 + d];
                let grow = clip.map_or(grow, |most| if grow < most { grow } else { most });
                let half = num_traits::Float::exp(grow) * a[2 + d] * real(0.5);
                (out[d], out[2 + d]) = (center - half, center + half);
            }
        })
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    // Documentation of MXNet 1.9.1.
    #[test]
    fn overlaps_of_both_formats() {
        let (lhs, rhs) = ([0.5f32, 0.5, 1.0, 1.0, 0.0, 0.0, 0.5, 0.5], [0.25f32, 0.25, 0.75, 0.75]);
        let mut out = [9f32; 2];
        box_iou(BoxFormat::Corner, &lhs, &rhs, &mut out);
        assert!(out.iter().all(|v| (v - 1.0 / 7.0).abs() < 1e-6), "{out:?}");
        let (lhs, rhs) = ([0.75f32, 0.75, 0.5, 0.5, 0.25, 0.25, 0.5, 0.5], [0.5f32, 0.5, 0.5, 0.5]);
        box_iou(BoxFormat::Center, &lhs, &rhs, &mut out);
        assert!(out.iter().all(|v| (v - 1.0 / 7.0).abs() < 1e-6), "{out:?}");
        box_iou(BoxFormat::Corner, &[0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 1.0, 1.0], &[0.0, 0.0, 1.0, 1.0], &mut out);
        assert_eq!(out, [0.0; 2]);
    }

    #[test]
    fn decoding_undoes_encoding() {
        let (anchors, refs) = ([0.0f64, 0.0, 2.0, 4.0, 1.0, 1.0, 3.0, 2.0], [0.5, 0.5, 2.0, 3.0]);
        let (means, stds) = ([0.0; 4], [0.1, 0.1, 0.2, 0.2]);
        let e = Encoding {
            samples: &[1.0, -1.0],
            matches: &[7.0, 0.0],
            anchors: &anchors,
            refs: &refs,
            means: &means,
            stds: &stds,
            counts: (2, 1),
        };
        let (mut targets, mut masks) = ([9.0; 8], [9.0; 8]);
        box_encode(e, &mut targets, &mut masks);
        assert_eq!((masks[..4].to_vec(), &masks[4..], &targets[4..]), (vec![1.0; 4], &[0.0; 4][..], &[0.0; 4][..]));
        let mut out = [9.0; 8];
        box_decode(BoxFormat::Corner, stds, None, &targets, &anchors, &mut out);
        assert!(out.iter().zip(refs.iter().chain(&anchors[4..])).all(|(o, w)| (o - w).abs() < 1e-12), "{out:?}");
        box_decode(BoxFormat::Center, [1.0; 4], Some(0.0), &[0.0, 0.0, 5.0, 5.0], &[1.0, 2.0, 4.0, 2.0], &mut out[..4]);
        assert_eq!(out[..4], [-1.0, 1.0, 3.0, 3.0]);
    }
}
