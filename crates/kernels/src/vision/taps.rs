//! Bilinear taps: pixels around a position, with their weights.

use crate::real::{Real, double, real};

/// Four places in a plane and the weights of their values; all weights are 0 for a position outside.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tap<C> {
    pub(super) at: [usize; 4],
    pub(super) weight: [C; 4],
}

impl<C: Real> Tap<C> {
    /// The pixels around (y, x), positions at and beyond the border taken to the border; `None` for one that is more than 1 outside.
    pub(super) fn clamped((height, width): (usize, usize), y: C, x: C) -> Option<Tap<C>> {
        let inside = |v: C, size: usize| v >= -C::one() && v <= real(size as f64);
        if height == 0 || width == 0 || !inside(y, height) || !inside(x, width) {
            return None;
        }
        let ((y0, y1, down), (x0, x1, right)) = (between(y, height), between(x, width));
        let (up, left) = (C::one() - down, C::one() - right);
        Some(Tap {
            at: [y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1],
            weight: [up * left, up * right, down * left, down * right],
        })
    }

    /// The value of a plane there.
    pub(super) fn value(&self, plane: &[C]) -> C {
        self.at.iter().zip(self.weight).fold(C::zero(), |sum, (&at, w)| sum + w * plane[at])
    }

    /// Adds `v` to the pixels of a plane, each by its weight.
    pub(super) fn spread(&self, v: C, plane: &mut [C]) {
        self.at.iter().zip(self.weight).for_each(|(&at, w)| plane[at] += w * v);
    }
}

/// The two pixels around a position along one axis, and how far the position is behind the first.
fn between<C: Real>(v: C, size: usize) -> (usize, usize, C) {
    let v = v.max(C::zero());
    let low = double(v) as usize;
    if low + 1 >= size { (size - 1, size - 1, C::zero()) } else { (low, low + 1, v - v.floor()) }
}
