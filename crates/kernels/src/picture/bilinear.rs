//! Bilinear resizing of planes, channels first.

use crate::parallel::for_rows;
use crate::real::{Real, double, real, wide};
use rsym_tensor::Float;

/// Two neighbours on an axis and the share of the second.
#[derive(Clone, Copy)]
struct Tap {
    low: usize,
    high: usize,
    share: f32,
}

impl Tap {
    /// The shares of the two neighbours.
    fn shares<C: Real>(self) -> (C, C) {
        let high = real::<C>(self.share as f64);
        (C::one() - high, high)
    }
}

/// Where the `output` positions of an axis lie on an axis of extent `input`: with `align` first and last positions
/// coincide, otherwise the borders do.
fn taps(input: usize, output: usize, align: bool) -> Vec<Tap> {
    let scale = match (output > 1, align) {
        (true, true) => (input as f32 - 1.0) / (output - 1) as f32,
        (true, false) => input as f32 / output as f32,
        (false, _) => 0.0,
    };
    let last = input.saturating_sub(1);
    let tap = |i: usize| {
        let at = if align { scale * i as f32 } else { ((scale as f64 * (i as f64 + 0.5) - 0.5) as f32).max(0.0) };
        let low = (at as usize).min(last);
        Tap { low, high: (low + 1).min(last), share: at - low as f32 }
    };
    (0..output).map(tap).collect()
}

/// Every plane of `[planes, from.0, from.1]` resized to `[planes, to.0, to.1]`. Empty planes become zeros.
///
/// # Panics
/// When the slices do not hold equally many planes.
pub fn bilinear<T: Float>(x: &[T], from: (usize, usize), to: (usize, usize), align: bool, out: &mut [T]) {
    if x.is_empty() {
        return out.fill(T::default());
    }
    let (ys, xs, x) = (taps(from.0, to.0, align), taps(from.1, to.1, align), wide(x));
    for_rows(out, to.1, 8 * to.1, |row, out| {
        let (plane, y) = (&x[row / to.0 * from.0 * from.1..][..from.0 * from.1], ys[row % to.0]);
        let (upper, lower) = (&plane[y.low * from.1..][..from.1], &plane[y.high * from.1..][..from.1]);
        let (above, below) = y.shares::<T::Compute>();
        for (out, tap) in out.iter_mut().zip(&xs) {
            let (left, right) = tap.shares::<T::Compute>();
            let first = left * upper[tap.low] + right * upper[tap.high];
            let second = left * lower[tap.low] + right * lower[tap.high];
            *out = T::narrow(above * first + below * second);
        }
    });
}

/// The gradient of [`bilinear`] with respect to planes of `from.0` by `from.1`.
///
/// # Panics
/// When the slices do not hold equally many planes.
pub fn bilinear_backward<T: Float>(dout: &[T], from: (usize, usize), to: (usize, usize), align: bool, dx: &mut [T]) {
    let (ys, xs, dout) = (taps(from.0, to.0, align), taps(from.1, to.1, align), wide(dout));
    for_rows(dx, from.0 * from.1, 2 * from.0 * from.1 + 10 * to.0 * to.1, |plane, dx| {
        let mut sums = vec![0f64; dx.len()];
        let lines = dout[plane * to.0 * to.1..][..to.0 * to.1].chunks(to.1.max(1));
        for (y, line) in ys.iter().zip(lines) {
            let (above, below) = y.shares::<f64>();
            for (x, &gradient) in xs.iter().zip(line) {
                let ((left, right), gradient) = (x.shares::<f64>(), double(gradient));
                sums[y.low * from.1 + x.low] += above * left * gradient;
                sums[y.low * from.1 + x.high] += above * right * gradient;
                sums[y.high * from.1 + x.low] += below * left * gradient;
                sums[y.high * from.1 + x.high] += below * right * gradient;
            }
        }
        dx.iter_mut().zip(sums).for_each(|(d, s)| *d = T::from_f64(s));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use crate::real::tests::{assert_close, doubles, noise};

    /// The resized planes by the definition, as a sum over all elements.
    fn slow(x: &[f64], from: (usize, usize), to: (usize, usize), align: bool) -> Vec<f64> {
        let place = |i: usize, input: usize, output: usize| {
            let (input, output, i) = (input as f64, output as f64, i as f64);
            let at = if output == 1.0 {
                if align { 0.0 } else { -0.5 }
            } else if align {
                i * (input - 1.0) / (output - 1.0)
            } else {
                (i + 0.5) * input / output - 0.5
            };
            at.clamp(0.0, input - 1.0)
        };
        let weight = |at: f64, i: usize| (1.0 - (at - i as f64).abs()).max(0.0);
        let mut out = Vec::new();
        for plane in x.chunks(from.0 * from.1) {
            for o in 0..to.0 * to.1 {
                let (y, col) = (place(o / to.1, from.0, to.0), place(o % to.1, from.1, to.1));
                let part = |(i, v): (usize, &f64)| v * weight(y, i / from.1) * weight(col, i % from.1);
                out.push(plane.iter().enumerate().map(part).sum());
            }
        }
        out
    }

    #[test]
    fn agrees_with_the_definition() {
        for to in [(1, 1), (3, 4), (5, 7), (9, 13), (2, 20), (10, 1)] {
            for align in [false, true] {
                let x = noise::<f32>(2 * 5 * 7, 1);
                let mut out = vec![0f32; 2 * to.0 * to.1];
                bilinear(&x, (5, 7), to, align, &mut out);
                assert_close(&out, &slow(&doubles(&x), (5, 7), to, align), 2e-6);
            }
        }
    }

    #[test]
    fn the_gradient_is_the_transposed_map() {
        for (to, align) in [((3, 4), true), ((9, 13), false), ((1, 5), true)] {
            let (x, dout) = (noise::<f64>(35, 1), noise::<f64>(to.0 * to.1, 2));
            let (mut out, mut dx) = (dout.clone(), x.clone());
            bilinear(&x, (5, 7), to, align, &mut out);
            bilinear_backward(&dout, (5, 7), to, align, &mut dx);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            assert!((dot(&out, &dout) - dot(&dx, &x)).abs() < 1e-12);
        }
    }

    #[test]
    fn large_images_are_the_same_for_every_thread_count() {
        let x = noise::<f32>(30 * 40 * 50, 1);
        same_for_threads(|| {
            let (mut out, mut dx) = (vec![0f32; 30 * 60 * 33], x.clone());
            bilinear(&x, (40, 50), (60, 33), true, &mut out);
            bilinear_backward(&out, (40, 50), (60, 33), true, &mut dx);
            (out, dx)
        });
    }
}
