//! Pooling with channels for every bin (J. Dai et al., "R-FCN", 2016), and with bins that move (J. Dai et al., "Deformable
//! Convolutional Networks", 2017).

use crate::parallel::for_rows;
use crate::real::{Real, double, real, wide, with_wide_out};
use rsym_tensor::Float;
use std::ops::Range;

/// Sizes of a batch of pictures, and how regions (picture, left, top, right, bottom) are pooled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sensitive {
    /// Number of pictures.
    pub batch: usize,
    /// Channels of each picture, at least `out_channels * groups * groups`.
    pub channels: usize,
    /// Rows and columns of each picture.
    pub size: (usize, usize),
    /// Bins along each axis.
    pub pooled: usize,
    /// Groups of bins with channels of their own along each axis.
    pub groups: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Pixels of the pictures for one unit of the regions.
    pub scale: f64,
}

/// The group of a bin along one axis.
fn group<C: Real>(bin: usize, groups: usize, pooled: usize) -> usize {
    let share = real::<C>(bin as f64) * real(groups as f64) / real(pooled as f64);
    (double(share).floor() as usize).min(groups.saturating_sub(1))
}

impl Sensitive {
    fn plane(&self) -> usize {
        self.size.0 * self.size.1
    }

    fn bins(&self) -> usize {
        self.pooled * self.pooled
    }

    /// The picture that a region lies in, if there is one.
    fn picture<C: Real>(&self, roi: &[C]) -> Option<usize> {
        let index = double(roi[0]).trunc();
        (index >= 0.0 && index < self.batch as f64).then_some(index as usize)
    }

    /// The channel of the pictures for a bin of an output channel.
    fn source<C: Real>(&self, channel: usize, bin: usize) -> usize {
        let [y, x] = [bin / self.pooled, bin % self.pooled].map(|b| group::<C>(b, self.groups, self.pooled));
        (channel * self.groups + y) * self.groups + x
    }

    /// Start and size of a region along an axis (0 for y), in pixels.
    fn extent<C: Real>(&self, roi: &[C], axis: usize) -> (C, C) {
        let at = |i: usize| roi[i].round();
        let start = at(2 - axis) * real(self.scale);
        let end = (at(4 - axis) + C::one()) * real(self.scale);
        (start, (end - start).max(real(0.1)))
    }

    /// Pixels of a bin along an axis.
    fn pixels<C: Real>(&self, roi: &[C], axis: usize, bin: usize, limit: usize) -> Range<usize> {
        let (start, size) = self.extent(roi, axis);
        let step = size / real(self.pooled as f64);
        let edge = |v: C| double(v).clamp(0.0, limit as f64) as usize;
        edge((real::<C>(bin as f64) * step + start).floor())..edge((real::<C>((bin + 1) as f64) * step + start).ceil())
    }

    /// Calls `f` with the places of a bin's pixels in their plane.
    fn each_pixel<C: Real>(&self, roi: &[C], bin: usize, mut f: impl FnMut(usize, C)) {
        let rows = self.pixels(roi, 0, bin / self.pooled, self.size.0);
        let columns = self.pixels(roi, 1, bin % self.pooled, self.size.1);
        let count = real::<C>((rows.len() * columns.len()) as f64);
        for y in rows {
            columns.clone().for_each(|x| f(y * self.size.1 + x, count));
        }
    }
}

/// The mean of each bin in its channel of `data`: `out` has shape (r, out_channels, pooled, pooled). Empty bins hold 0.
pub fn sensitive_pool<T: Float>(g: Sensitive, data: &[T], rois: &[T], out: &mut [T]) {
    let (data, rois) = (wide(data), wide(rois));
    with_wide_out(out, |out| {
        for_rows(out, g.bins(), g.plane(), |row, out| {
            let roi = &rois[row / g.out_channels * 5..][..5];
            let Some(picture) = g.picture(roi) else { return out.fill(real(0.0)) };
            for (bin, o) in out.iter_mut().enumerate() {
                let from = picture * g.channels + g.source::<T::Compute>(row % g.out_channels, bin);
                let plane = &data[from * g.plane()..][..g.plane()];
                let (mut sum, mut total) = (real::<T::Compute>(0.0), real::<T::Compute>(1.0));
                g.each_pixel(roi, bin, |at, count| (sum, total) = (sum + plane[at], count));
                *o = sum / total;
            }
        })
    });
}

/// Gradient of [`sensitive_pool`] for the pictures.
pub fn sensitive_pool_backward<T: Float>(g: Sensitive, grad: &[T], rois: &[T], out: &mut [T]) {
    let (grad, rois) = (wide(grad), wide(rois));
    with_wide_out(out, |out| {
        for_rows(out, g.plane(), g.plane() + rois.len() * 4, |row, plane| {
            plane.fill(real(0.0));
            let (picture, channel) = (row / g.channels, row % g.channels);
            each_bin(&g, &rois, picture, channel, |index, roi, bin| {
                g.each_pixel(roi, bin, |at, count| plane[at] += grad[index] / count);
            });
        })
    });
}

/// Calls `f` with (place in the output, region, bin) for every bin that is pooled from a channel of a picture.
fn each_bin<C: Real>(g: &Sensitive, rois: &[C], picture: usize, from: usize, mut f: impl FnMut(usize, &[C], usize)) {
    let channel = from / (g.groups * g.groups).max(1);
    if channel >= g.out_channels {
        return;
    }
    let bins: Vec<usize> = (0..g.bins()).filter(|&bin| g.source::<C>(channel, bin) == from).collect();
    for (r, roi) in rois.chunks_exact(5).enumerate().filter(|(_, roi)| g.picture(roi) == Some(picture)) {
        bins.iter().for_each(|&bin| f((r * g.out_channels + channel) * g.bins() + bin, roi, bin));
    }
}

/// How bins move: offsets (r, 2 * classes, parts, parts), x before y, in sizes of the region.
#[derive(Clone, Copy, Debug)]
pub struct Moves<'a, T> {
    /// The offsets, or nothing.
    pub offsets: Option<&'a [T]>,
    /// Classes of output channels that move together.
    pub classes: usize,
    /// Parts along each axis that move together.
    pub parts: usize,
    /// What offsets are multiplied by.
    pub std: f64,
    /// Samples of a bin along each axis.
    pub samples: usize,
}

/// The pixels around a sample, with their weights, and the derivatives of the weights by x and y.
struct Sample<C> {
    at: [usize; 4],
    weight: [C; 4],
    by_x: [C; 4],
    by_y: [C; 4],
}

fn sample<C: Real>((height, width): (usize, usize), y: C, x: C) -> Option<Sample<C>> {
    let half = real::<C>(0.5);
    let inside = |v: C, size: usize| v >= -half && v <= real::<C>(size as f64) - half;
    if height * width == 0 || !inside(y, height) || !inside(x, width) {
        return None;
    }
    let clamp = |v: C, size: usize| v.max(C::zero()).min(real((size - 1) as f64));
    let (y, x) = (clamp(y, height), clamp(x, width));
    let [y0, y1, x0, x1] = [y.floor(), y.ceil(), x.floor(), x.ceil()].map(|v| double(v) as usize);
    let (down, right) = (y - y.floor(), x - x.floor());
    let (up, left) = (C::one() - down, C::one() - right);
    Some(Sample {
        at: [y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1],
        weight: [up * left, up * right, down * left, down * right],
        by_x: [-up, up, -down, down],
        by_y: [-left, -right, left, right],
    })
}

fn weighed<C: Real>(at: [usize; 4], weights: [C; 4], plane: &[C]) -> C {
    at.iter().zip(weights).fold(C::zero(), |sum, (&at, w)| sum + w * plane[at])
}

impl<C: Real> Moves<'_, C> {
    /// The class of an output channel.
    fn class(&self, g: &Sensitive, channel: usize) -> usize {
        (channel / (g.out_channels / self.classes).max(1)).min(self.classes - 1)
    }

    /// Place of a bin's x offset; its y offset lies `parts * parts` further.
    fn place(&self, g: &Sensitive, r: usize, channel: usize, bin: usize) -> usize {
        let part = |b: usize| {
            let share = real::<C>(b as f64) / real(g.pooled as f64) * real(self.parts as f64);
            (double(share).floor() as usize).min(self.parts - 1)
        };
        let row = (r * self.classes + self.class(g, channel)) * 2 * self.parts + part(bin / g.pooled);
        row * self.parts + part(bin % g.pooled)
    }

    /// The samples of a bin that lie in the picture, and the size of the region: height, width.
    fn samples(&self, g: &Sensitive, roi: &[C], r: usize, channel: usize, bin: usize) -> (Vec<Sample<C>>, [C; 2]) {
        let shift = |axis: usize| match self.offsets {
            Some(offsets) => {
                offsets[self.place(g, r, channel, bin) + (1 - axis) * self.parts * self.parts] * real(self.std)
            }
            None => C::zero(),
        };
        let axis = |axis: usize, place: usize| {
            let (start, size) = g.extent(roi, axis);
            let step = size / real(g.pooled as f64);
            let start = real::<C>(place as f64) * step + (start - real(0.5)) + shift(axis) * size;
            (start, step / real(self.samples as f64), size)
        };
        let (y, dy, height) = axis(0, bin / g.pooled);
        let (x, dx, width) = axis(1, bin % g.pooled);
        let at =
            |i: usize| (y + real::<C>((i / self.samples) as f64) * dy, x + real::<C>((i % self.samples) as f64) * dx);
        let inside = (0..self.samples * self.samples).filter_map(|i| sample(g.size, at(i).0, at(i).1));
        (inside.collect(), [height, width])
    }
}

fn wide_moves<'a, T: Float>(m: &Moves<T>, offsets: Option<&'a [T::Compute]>) -> Moves<'a, T::Compute> {
    Moves { offsets, classes: m.classes, parts: m.parts, std: m.std, samples: m.samples }
}

/// As [`sensitive_pool`], from samples of bins that move. Bins without a sample in the picture hold 0.
pub fn deformable_pool<T: Float>(g: Sensitive, m: Moves<T>, data: &[T], rois: &[T], out: &mut [T]) {
    let (data, rois, offsets) = (wide(data), wide(rois), m.offsets.map(wide));
    let m = wide_moves(&m, offsets.as_deref());
    with_wide_out(out, |out| {
        for_rows(out, g.bins(), g.bins() * m.samples * m.samples * 32, |row, out| {
            let (r, channel) = (row / g.out_channels, row % g.out_channels);
            let roi = &rois[r * 5..][..5];
            let Some(picture) = g.picture(roi) else { return out.fill(real(0.0)) };
            for (bin, o) in out.iter_mut().enumerate() {
                let from = picture * g.channels + g.source::<T::Compute>(channel, bin);
                let plane = &data[from * g.plane()..][..g.plane()];
                let (samples, _) = m.samples(&g, roi, r, channel, bin);
                let sum = samples.iter().fold(real::<T::Compute>(0.0), |sum, s| sum + weighed(s.at, s.weight, plane));
                *o = sum / real(samples.len().max(1) as f64);
            }
        })
    });
}

/// Gradient of [`deformable_pool`] for the pictures.
pub fn deformable_pool_backward_data<T: Float>(g: Sensitive, m: Moves<T>, grad: &[T], rois: &[T], out: &mut [T]) {
    let (grad, rois, offsets) = (wide(grad), wide(rois), m.offsets.map(wide));
    let m = wide_moves(&m, offsets.as_deref());
    with_wide_out(out, |out| {
        for_rows(out, g.plane(), g.plane() + rois.len() * m.samples * m.samples * 8, |row, plane| {
            plane.fill(real(0.0));
            let (picture, from) = (row / g.channels, row % g.channels);
            each_bin(&g, &rois, picture, from, |index, roi, bin| {
                let (r, channel) = (index / g.bins() / g.out_channels, index / g.bins() % g.out_channels);
                let (samples, _) = m.samples(&g, roi, r, channel, bin);
                let share = grad[index] / real(samples.len().max(1) as f64);
                for s in &samples {
                    s.at.iter().zip(s.weight).for_each(|(&at, w)| plane[at] += w * share);
                }
            });
        })
    });
}

/// Gradient of [`deformable_pool`] for the offsets.
pub fn deformable_pool_backward_moves<T: Float>(
    g: Sensitive,
    m: Moves<T>,
    grad: &[T],
    data: &[T],
    rois: &[T],
    out: &mut [T],
) {
    let (grad, data, rois, offsets) = (wide(grad), wide(data), wide(rois), m.offsets.map(wide));
    let m = wide_moves(&m, offsets.as_deref());
    let (size, parts) = (2 * m.classes * m.parts * m.parts, m.parts * m.parts);
    with_wide_out(out, |out| {
        for_rows(out, size, g.out_channels * g.bins() * m.samples * m.samples * 32, |r, out| {
            out.fill(real(0.0));
            let roi = &rois[r * 5..][..5];
            let Some(picture) = g.picture(roi) else { return };
            for index in 0..g.out_channels * g.bins() {
                let (channel, bin) = (index / g.bins(), index % g.bins());
                let from = picture * g.channels + g.source::<T::Compute>(channel, bin);
                let plane = &data[from * g.plane()..][..g.plane()];
                let (samples, [height, width]) = m.samples(&g, roi, r, channel, bin);
                let share =
                    grad[r * g.out_channels * g.bins() + index] / real(samples.len().max(1) as f64) * real(m.std);
                let place = m.place(&g, r, channel, bin) - r * size;
                for s in &samples {
                    out[place] += weighed(s.at, s.by_x, plane) * share * width;
                    out[place + parts] += weighed(s.at, s.by_y, plane) * share * height;
                }
            }
        })
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;

    const G: Sensitive =
        Sensitive { batch: 2, channels: 8, size: (6, 7), pooled: 2, groups: 2, out_channels: 2, scale: 0.5 };
    const ROIS: [f64; 15] = [0.0, 1.0, 2.0, 9.0, 8.0, 1.0, 0.0, 0.0, 20.0, 5.0, 5.0, 0.0, 0.0, 4.0, 4.0];

    fn noise(n: usize, k: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 7919 + k) % 101) as f64 / 50.0 - 1.0).collect()
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    fn moves(offsets: &[f64]) -> Moves<'_, f64> {
        Moves { offsets: Some(offsets), classes: 2, parts: 2, std: 0.1, samples: 3 }
    }

    #[test]
    fn bins_average_their_own_channel() {
        let data: Vec<f64> = (0..2 * 8 * 42).map(|i| (i / 42) as f64).collect();
        let mut out = [9.0; 24];
        sensitive_pool(G, &data, &ROIS, &mut out);
        assert_eq!(out[..8], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        assert_eq!(out[8..16], [8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
        assert_eq!(out[16..], [0.0; 8]);
        let still = Moves { offsets: None, classes: 1, parts: 2, std: 0.0, samples: 2 };
        deformable_pool(G, still, &data, &ROIS, &mut out);
        assert_eq!(out[..4], [0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn gradients_for_the_pictures_are_adjoint() {
        let (data, grad, offsets) = (noise(2 * 8 * 42, 1), noise(24, 2), noise(3 * 16, 3));
        let (mut out, mut back) = (vec![9.0; 24], vec![9.0; data.len()]);
        sensitive_pool(G, &data, &ROIS, &mut out);
        sensitive_pool_backward(G, &grad, &ROIS, &mut back);
        assert!((dot(&out, &grad) - dot(&data, &back)).abs() < 1e-10);
        deformable_pool(G, moves(&offsets), &data, &ROIS, &mut out);
        let back = same_for_threads(|| {
            let mut back = vec![9.0; data.len()];
            deformable_pool_backward_data(G, moves(&offsets), &grad, &ROIS, &mut back);
            back
        });
        assert!((dot(&out, &grad) - dot(&data, &back)).abs() < 1e-10);
    }

    #[test]
    fn gradients_for_the_moves_agree_with_differences() {
        // No sample lies on a pixel, where the slope jumps.
        let offsets: Vec<f64> = noise(3 * 16, 3).iter().map(|v| v * 0.83 + 0.00713).collect();
        let (data, grad) = (noise(2 * 8 * 42, 1), noise(24, 2));
        let objective = |offsets: &[f64]| {
            let mut out = vec![9.0; 24];
            deformable_pool(G, moves(offsets), &data, &ROIS, &mut out);
            dot(&out, &grad)
        };
        let mut got = vec![9.0; offsets.len()];
        deformable_pool_backward_moves(G, moves(&offsets), &grad, &data, &ROIS, &mut got);
        for (i, got) in got.iter().enumerate() {
            let at = |delta: f64| {
                let mut moved = offsets.clone();
                moved[i] += delta;
                objective(&moved)
            };
            let want = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((got - want).abs() < 1e-6, "{i}: {got} {want}");
        }
    }
}
