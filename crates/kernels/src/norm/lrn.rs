//! Local response normalisation across neighbour channels: `out = x * norm ^ -beta` with
//! `norm = knorm + alpha / nsize * (sum of squares over nsize channels around)`.

use crate::cores::cores;
use crate::parallel::{for_rows, for_rows2};
use crate::real::{Real, real, wide, with_wide_out};
use rsym_tensor::Float;
use std::ops::Range;

/// Shapes and constants of a local response normalisation of `[batch, channels, size]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LrnGeometry {
    /// Images.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Elements of one plane.
    pub size: usize,
    /// Channels of a neighbourhood.
    pub nsize: usize,
    /// Factor of the mean square.
    pub alpha: f64,
    /// Exponent.
    pub beta: f64,
    /// Constant added to the mean square.
    pub knorm: f64,
}

impl LrnGeometry {
    /// The planes of the image of plane `row` whose squares its norm holds.
    fn neighbours(&self, row: usize) -> Range<usize> {
        self.planes(row, self.nsize / 2)
    }

    /// The planes whose norms hold the squares of plane `row`.
    fn observers(&self, row: usize) -> Range<usize> {
        self.planes(row, (self.nsize - 1) / 2)
    }

    fn planes(&self, row: usize, before: usize) -> Range<usize> {
        let (image, channel) = (row / self.channels * self.channels, row % self.channels);
        let end = (channel + self.nsize - before).min(self.channels);
        image + channel.saturating_sub(before)..image + end
    }

    fn check(&self, sizes: &[usize]) {
        let size = self.batch * self.channels * self.size;
        assert!(sizes.iter().all(|&n| n == size), "sizes of a local response normalisation");
    }
}

/// Normalises `x`; `norm` receives the sums in parentheses.
///
/// # Panics
/// When a slice has another size than the geometry says.
pub fn lrn<T: Float>(g: &LrnGeometry, x: &[T], out: &mut [T], norm: &mut [T]) {
    g.check(&[x.len(), out.len(), norm.len()]);
    let x = wide(x);
    with_wide_out(norm, |norm| with_wide_out(out, |out| (cores().lrn)(g, &x, out, norm)));
}

/// The gradient of [`lrn`] with respect to `x`.
///
/// # Panics
/// When a slice has another size than the geometry says.
pub fn lrn_backward<T: Float>(g: &LrnGeometry, (x, norm): (&[T], &[T]), dout: &[T], dx: &mut [T]) {
    g.check(&[x.len(), norm.len(), dout.len(), dx.len()]);
    let (x, norm, dout) = (wide(x), wide(norm), wide(dout));
    with_wide_out(dx, |dx| (cores().lrn_gradient)(g, (&x, &norm), &dout, dx));
}

pub(crate) fn lrn_core<C: Real>(g: &LrnGeometry, x: &[C], out: &mut [C], norm: &mut [C]) {
    let power = Power::new(-g.beta);
    let (factor, knorm) = (real::<C>(g.alpha / g.nsize as f64), real::<C>(g.knorm));
    for_rows2((out, norm), (g.size, g.size), g.size * (g.nsize + 20), |row, out, norm| {
        norm.fill(C::zero());
        for near in g.neighbours(row) {
            norm.iter_mut().zip(&x[near * g.size..]).for_each(|(n, &v)| *n += v * v);
        }
        norm.iter_mut().for_each(|n| *n = knorm + factor * *n);
        let terms = x[row * g.size..].iter().zip(&*norm);
        out.iter_mut().zip(terms).for_each(|(o, (&x, &n))| *o = x * power.of(n));
    });
}

pub(crate) fn lrn_gradient_core<C: Real>(g: &LrnGeometry, (x, norm): (&[C], &[C]), dout: &[C], dx: &mut [C]) {
    let power = Power::new(-g.beta);
    let factor = real::<C>(-2.0 * g.alpha * g.beta / g.nsize as f64);
    let mut parts = vec![C::zero(); x.len()];
    for_rows(&mut parts, g.size, 20 * g.size, |row, parts| {
        let at = row * g.size;
        let terms = x[at..].iter().zip(&norm[at..]).zip(&dout[at..]);
        parts.iter_mut().zip(terms).for_each(|(p, ((&x, &n), &d))| *p = d * x * power.of(n) / n);
    });
    for_rows(dx, g.size, g.size * (g.nsize + 20), |row, dx| {
        dx.fill(C::zero());
        for near in g.observers(row) {
            dx.iter_mut().zip(&parts[near * g.size..]).for_each(|(s, &p)| *s += p);
        }
        let at = row * g.size;
        let terms = x[at..].iter().zip(&norm[at..]).zip(&dout[at..]);
        dx.iter_mut().zip(terms).for_each(|(d, ((&x, &n), &g))| *d = g * power.of(n) + factor * x * *d);
    });
}

/// A power with the usual exponent -3/4 taken by square roots.
struct Power<C> {
    exponent: C,
    usual: bool,
}

impl<C: Real> Power<C> {
    fn new(exponent: f64) -> Self {
        Power { exponent: real(exponent), usual: exponent == -0.75 }
    }

    fn of(&self, base: C) -> C {
        if !self.usual {
            return base.powf(self.exponent);
        }
        let root = base.sqrt();
        (root * root.sqrt()).recip()
    }
}
