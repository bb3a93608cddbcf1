//! Correlation of the patches of two pictures (A. Dosovitskiy et al., "FlowNet", 2015).

use crate::parallel::{for_rows, for_rows2};
use crate::real::{Real, real, wide, with_wide_out};
use rsym_tensor::Float;

/// Sizes, and which patches are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Channels of each picture.
    pub channels: usize,
    /// Rows and columns of each picture.
    pub size: (usize, usize),
    /// Side of a patch, odd.
    pub kernel: usize,
    /// The farthest displacement along an axis.
    pub farthest: usize,
    /// Distance of two patches of the first picture.
    pub stride: usize,
    /// Distance of two displacements.
    pub step: usize,
    /// Zeros around the pictures.
    pub pad: usize,
    /// Whether values are multiplied; otherwise the absolute difference counts.
    pub multiply: bool,
}

impl Comparison {
    /// Displacements along an axis.
    fn displacements(&self) -> usize {
        2 * (self.farthest / self.step) + 1
    }

    /// Channels of the output: displacements, row by row.
    pub fn out_channels(&self) -> usize {
        self.displacements() * self.displacements()
    }

    /// Rows or columns of the output for an extent of the pictures; `None` where no patch fits.
    pub fn count(&self, extent: usize) -> Option<usize> {
        let room = (extent + 2 * self.pad).checked_sub(2 * self.farthest + self.kernel - 1)?;
        Some(room.div_ceil(self.stride)).filter(|&n| n > 0)
    }

    fn output(&self) -> (usize, usize) {
        (self.count(self.size.0).unwrap_or(0), self.count(self.size.1).unwrap_or(0))
    }

    fn padded(&self) -> (usize, usize) {
        (self.size.0 + 2 * self.pad, self.size.1 + 2 * self.pad)
    }

    fn plane(&self) -> usize {
        self.size.0 * self.size.1
    }

    /// First row and column of the patches of an output channel in the second picture.
    fn start(&self, channel: usize) -> (usize, usize) {
        let radius = self.farthest / self.step;
        let first = self.farthest - radius * self.step;
        let at = |place: usize| first + place * self.step;
        (at(channel / self.displacements()), at(channel % self.displacements()))
    }

    /// Multiplications for each element of an input plane and output channel.
    fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    fn pad_into<C: Real>(&self, plane: &[C], out: &mut [C]) {
        out.fill(C::zero());
        let width = self.padded().1;
        for (y, row) in plane.chunks_exact(self.size.1.max(1)).enumerate() {
            out[(y + self.pad) * width + self.pad..][..self.size.1].copy_from_slice(row);
        }
    }

    fn all_padded<C: Real>(&self, data: &[C]) -> Vec<C> {
        let (h, w) = self.padded();
        let mut out = vec![C::zero(); data.len() / self.plane().max(1) * h * w];
        for_rows(&mut out, h * w, h * w, |row, out| self.pad_into(&data[row * self.plane()..][..self.plane()], out));
        out
    }

    /// Calls `f` with (output row, place in the first plane, place in the second) of every line of products of an output
    /// channel; along a line the output advances by 1 and the places by the stride.
    fn each_line(&self, channel: usize, mut f: impl FnMut(usize, usize, usize)) {
        let (rows, width) = (self.output().0, self.padded().1);
        let (dy, dx) = self.start(channel);
        for i in 0..rows {
            for tap in 0..self.taps() {
                let (h, w) = (i * self.stride + tap / self.kernel, tap % self.kernel);
                let first = (h + self.farthest) * width + w + self.farthest;
                f(i, first, (h + dy) * width + w + dx);
            }
        }
    }
}

/// Compares the patches of `a` and `b` (n, channels, rows, columns): `out` has shape (n, displacements, rows', columns') and holds
/// means over patches and channels.
pub fn correlate<T: Float>(c: Comparison, a: &[T], b: &[T], out: &mut [T]) {
    if c.plane() == 0 {
        return out.fill(T::default());
    }
    let (a, b) = (c.all_padded(&wide(a)), c.all_padded(&wide(b)));
    let ((rows, columns), (h, w)) = (c.output(), c.padded());
    let scale = real::<T::Compute>((c.taps() * c.channels) as f64);
    with_wide_out(out, |out| {
        for_rows(out, rows * columns, rows * columns * c.channels * c.taps(), |row, out| {
            let (picture, displacement) = (row / c.out_channels(), row % c.out_channels());
            out.fill(real(0.0));
            for channel in 0..c.channels {
                let at = (picture * c.channels + channel) * h * w;
                let (a, b) = (&a[at..][..h * w], &b[at..][..h * w]);
                c.each_line(displacement, |i, first, second| {
                    let line = &mut out[i * columns..][..columns];
                    add_line(c, line, &a[first..], &b[second..]);
                });
            }
            out.iter_mut().for_each(|o| *o /= scale);
        })
    });
}

fn add_line<C: Real>(c: Comparison, out: &mut [C], a: &[C], b: &[C]) {
    let pairs = a.iter().step_by(c.stride).zip(b.iter().step_by(c.stride));
    match (c.multiply, c.stride) {
        (true, 1) => out.iter_mut().zip(a.iter().zip(b)).for_each(|(o, (&a, &b))| *o += a * b),
        (true, _) => out.iter_mut().zip(pairs).for_each(|(o, (&a, &b))| *o += a * b),
        (false, _) => out.iter_mut().zip(pairs).for_each(|(o, (&a, &b))| *o += (a - b).abs()),
    }
}

/// Gradients of [`correlate`] for both inputs.
pub fn correlate_backward<T: Float>(c: Comparison, grad: &[T], (a, b): (&[T], &[T]), out: (&mut [T], &mut [T])) {
    let (grad, a, b) = (wide(grad), wide(a), wide(b));
    let cost = c.out_channels() * c.taps() * c.output().0 * c.output().1 * 4;
    let plane = c.plane();
    with_wide_out(out.0, |da| {
        with_wide_out(out.1, |db| {
            for_rows2((da, db), (plane, plane), cost, |row, da, db| {
                let (a, b) = (&a[row * plane..][..plane], &b[row * plane..][..plane]);
                plane_gradients(c, &grad, row / c.channels, (a, b), (da, db));
            })
        })
    });
}

/// The gradients of one channel of a picture.
fn plane_gradients<C: Real>(
    c: Comparison,
    grad: &[C],
    picture: usize,
    (a, b): (&[C], &[C]),
    out: (&mut [C], &mut [C]),
) {
    let ((rows, columns), (h, w)) = (c.output(), c.padded());
    let scale = real::<C>((c.taps() * c.channels) as f64);
    let mut padded = vec![C::zero(); 4 * h * w];
    let (values, sums) = padded.split_at_mut(2 * h * w);
    let (pa, pb) = values.split_at_mut(h * w);
    let (da, db) = sums.split_at_mut(h * w);
    c.pad_into(a, pa);
    c.pad_into(b, pb);
    for displacement in 0..c.out_channels() {
        let grad = &grad[(picture * c.out_channels() + displacement) * rows * columns..][..rows * columns];
        c.each_line(displacement, |i, first, second| {
            for (j, &g) in grad[i * columns..][..columns].iter().enumerate() {
                let (x, y) = (first + j * c.stride, second + j * c.stride);
                let (u, v) = match (c.multiply, pa[x] >= pb[y]) {
                    (true, _) => (g * pb[y], g * pa[x]),
                    (false, true) => (g, -g),
                    (false, false) => (-g, g),
                };
                da[x] += u / scale;
                db[y] += v / scale;
            }
        });
    }
    for (from, to) in [(da, out.0), (db, out.1)] {
        for (y, line) in to.chunks_exact_mut(c.size.1).enumerate() {
            line.copy_from_slice(&from[(y + c.pad) * w + c.pad..][..c.size.1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;

    const C: Comparison =
        Comparison { channels: 3, size: (7, 8), kernel: 3, farthest: 3, stride: 2, step: 2, pad: 4, multiply: true };

    fn noise(n: usize, k: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 7919 + k) % 101) as f64 / 50.0 - 1.0).collect()
    }

    fn at(c: Comparison, data: &[f64], plane: usize, y: usize, x: usize) -> f64 {
        let inside = y >= c.pad && x >= c.pad && y < c.size.0 + c.pad && x < c.size.1 + c.pad;
        if inside { data[(plane * c.size.0 + y - c.pad) * c.size.1 + x - c.pad] } else { 0.0 }
    }

    fn naive(c: Comparison, a: &[f64], b: &[f64], (n, q, i, j): (usize, usize, usize, usize)) -> f64 {
        let side = 2 * (c.farthest / c.step) + 1;
        let move_by = |k: usize| (k as i64 - (side / 2) as i64) * c.step as i64;
        let (y, x) = (i * c.stride + c.farthest, j * c.stride + c.farthest);
        let (dy, dx) = (move_by(q / side), move_by(q % side));
        let mut sum = 0.0;
        for (channel, h, w) in (0..c.channels * 9).map(|k| (k / 9, k / 3 % 3, k % 3)) {
            let plane = n * c.channels + channel;
            let u = at(c, a, plane, y + h, x + w);
            let v = at(c, b, plane, ((y + h) as i64 + dy) as usize, ((x + w) as i64 + dx) as usize);
            sum += if c.multiply { u * v } else { (u - v).abs() };
        }
        sum / (9 * c.channels) as f64
    }

    #[test]
    fn every_element_is_the_mean_over_its_patches() {
        let (a, b) = (noise(2 * 3 * 56, 1), noise(2 * 3 * 56, 2));
        for c in [C, Comparison { multiply: false, stride: 1, ..C }, Comparison { stride: 1, step: 1, pad: 5, ..C }] {
            let (rows, columns) = c.output();
            let out = same_for_threads(|| {
                let mut out = vec![9.0; 2 * c.out_channels() * rows * columns];
                correlate(c, &a, &b, &mut out);
                out
            });
            for (k, got) in out.iter().enumerate() {
                let (q, i, j) = (k / columns / rows % c.out_channels(), k / columns % rows, k % columns);
                let want = naive(c, &a, &b, (k / columns / rows / c.out_channels(), q, i, j));
                assert!((got - want).abs() < 1e-12, "{c:?} {k}");
            }
        }
    }

    #[test]
    fn gradients_agree_with_differences() {
        for c in [C, Comparison { multiply: false, stride: 1, step: 3, ..C }] {
            let (rows, columns) = c.output();
            let (a, b) = (noise(3 * 56, 1), noise(3 * 56, 2));
            let grad = noise(c.out_channels() * rows * columns, 3);
            let objective = |a: &[f64], b: &[f64]| {
                let mut out = vec![9.0; grad.len()];
                correlate(c, a, b, &mut out);
                out.iter().zip(&grad).map(|(o, g)| o * g).sum::<f64>()
            };
            let (mut da, mut db) = (vec![9.0; a.len()], vec![9.0; b.len()]);
            correlate_backward(c, &grad, (&a, &b), (&mut da, &mut db));
            for i in (0..a.len()).step_by(5) {
                let moved = |v: &[f64], delta: f64| {
                    v.iter().enumerate().map(|(k, v)| if k == i { v + delta } else { *v }).collect::<Vec<_>>()
                };
                let want = (objective(&moved(&a, 1e-6), &b) - objective(&moved(&a, -1e-6), &b)) / 2e-6;
                assert!((da[i] - want).abs() < 1e-6, "{} {want}", da[i]);
                let want = (objective(&a, &moved(&b, 1e-6)) - objective(&a, &moved(&b, -1e-6))) / 2e-6;
                assert!((db[i] - want).abs() < 1e-6, "{} {want}", db[i]);
            }
        }
    }
}
