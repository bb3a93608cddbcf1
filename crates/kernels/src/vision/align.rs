//! Mean of bilinear samples over the bins of regions, upright (K. He et al., "Mask R-CNN", 2017) or rotated (J. Ma et al.,
//! "Arbitrary-Oriented Scene Text Detection via Rotation Proposals", 2018).

use super::taps::Tap;
use crate::parallel::{for_row_chunks, for_rows};
use crate::real::{Real, double, real, wide, with_wide_out};
use rsym_tensor::Float;

/// The most samples of a bin along one axis.
const MOST_SAMPLES: f64 = 1024.0;

/// Sizes of a batch of pictures, and how regions are pooled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment {
    /// Number of pictures.
    pub batch: usize,
    /// Channels of each picture.
    pub channels: usize,
    /// Rows and columns of each picture.
    pub size: (usize, usize),
    /// Bins along each axis: rows, columns.
    pub pooled: (usize, usize),
    /// Pixels of the pictures for one unit of the regions.
    pub scale: f64,
    /// Samples of a bin along each axis; 0 for one per pixel.
    pub samples: usize,
    /// What lies in the numbers of a region.
    pub kind: RegionKind,
    /// Whether every bin has channels of its own: channel `c * bins + bin` for channel `c` of the output.
    pub sensitive: bool,
}

/// What the numbers of a region are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionKind {
    /// Picture, left, top, right, bottom; at least one pixel wide and high.
    Corners,
    /// The same, with pixel centres half a pixel from the corners, in any size.
    Centered,
    /// Picture, centre x, centre y, width, height, angle in degrees; at least one pixel wide and high.
    Rotated,
}

/// A region in pixels: where its own axes start, the size of a bin, and how its axes lie in the picture.
struct Frame<C> {
    start: [C; 2],
    bin: [C; 2],
    samples: [usize; 2],
    turn: Option<(C, C, [C; 2])>,
}

impl Alignment {
    fn plane(&self) -> usize {
        self.size.0 * self.size.1
    }

    fn bins(&self) -> usize {
        self.pooled.0 * self.pooled.1
    }

    /// Channels of the output.
    fn out_channels(&self) -> usize {
        if self.sensitive { self.channels / self.bins() } else { self.channels }
    }

    /// Numbers of a region.
    pub fn width(&self) -> usize {
        if self.kind == RegionKind::Rotated { 6 } else { 5 }
    }

    /// The picture that a region lies in, if there is one.
    fn picture<C: Real>(&self, roi: &[C]) -> Option<usize> {
        let index = double(roi[0]).trunc();
        (index >= 0.0 && index < self.batch as f64).then_some(index as usize)
    }

    /// Start and size of a region in pixels, y before x.
    fn extent<C: Real>(&self, roi: &[C]) -> ([C; 2], [C; 2]) {
        let scaled = |i: usize| roi[i] * real(self.scale);
        let one = |v: C| v.max(C::one());
        match self.kind {
            RegionKind::Corners => ([scaled(2), scaled(1)], [one(scaled(4) - scaled(2)), one(scaled(3) - scaled(1))]),
            RegionKind::Centered => {
                let at = |i: usize| scaled(i) - real(0.5);
                ([at(2), at(1)], [at(4) - at(2), at(3) - at(1)])
            }
            RegionKind::Rotated => {
                let size = [one(scaled(4)), one(scaled(3))];
                (size.map(|s| -s / real(2.0)), size)
            }
        }
    }

    /// Whether the region has an area where one is needed.
    pub fn has_area<T: Float>(&self, roi: &[T]) -> bool {
        let (_, size) = self.extent(&wide(roi));
        size.iter().all(|&s| s > T::Compute::default())
    }

    fn frame<C: Real>(&self, roi: &[C]) -> Frame<C> {
        let (start, size) = self.extent(roi);
        let bin = [size[0] / real(self.pooled.0 as f64), size[1] / real(self.pooled.1 as f64)];
        let samples = bin.map(|b| {
            let wanted = if self.samples > 0 { self.samples as f64 } else { double(b).ceil() };
            wanted.clamp(1.0, MOST_SAMPLES) as usize
        });
        let turn = (self.kind == RegionKind::Rotated).then(|| {
            let angle = real::<C>(double(roi[5]) * std::f64::consts::PI / 180.0);
            (angle.cos(), angle.sin(), [roi[2] * real(self.scale), roi[1] * real(self.scale)])
        });
        Frame { start, bin, samples, turn }
    }

    /// The samples of a bin that lie in the picture, and how many there are with the others.
    fn taps<C: Real>(&self, f: &Frame<C>, bin: usize) -> (Vec<Tap<C>>, C) {
        let place = [bin / self.pooled.1, bin % self.pooled.1];
        let at = |d: usize, i: usize| {
            let inner = real::<C>(i as f64 + 0.5) * f.bin[d] / real(f.samples[d] as f64);
            f.start[d] + real::<C>(place[d] as f64) * f.bin[d] + inner
        };
        let mut taps = Vec::with_capacity(f.samples[0] * f.samples[1]);
        for iy in 0..f.samples[0] {
            for ix in 0..f.samples[1] {
                let (y, x) = (at(0, iy), at(1, ix));
                let (y, x) = match f.turn {
                    Some((cos, sin, center)) => (y * cos - x * sin + center[0], x * cos + y * sin + center[1]),
                    None => (y, x),
                };
                taps.extend(Tap::clamped(self.size, y, x));
            }
        }
        (taps, real((f.samples[0] * f.samples[1]) as f64))
    }
}

/// Pools `data` over `rois`: `out` has shape (r, channels, rows, columns). Regions of pictures that do not exist give 0.
pub fn roi_align<T: Float>(g: Alignment, data: &[T], rois: &[T], out: &mut [T]) {
    let (data, rois) = (wide(data), wide(rois));
    let (channels, bins) = (g.out_channels(), g.bins());
    with_wide_out(out, |out| {
        for_rows(out, channels * bins, channels * bins * 64, |r, out| {
            let roi = &rois[r * g.width()..][..g.width()];
            let Some(picture) = g.picture(roi) else { return out.fill(real(0.0)) };
            let (frame, planes) = (g.frame(roi), &data[picture * g.channels * g.plane()..]);
            for bin in 0..bins {
                let (taps, count) = g.taps(&frame, bin);
                for channel in 0..channels {
                    let from = if g.sensitive { channel * bins + bin } else { channel };
                    let plane = &planes[from * g.plane()..][..g.plane()];
                    let sum = taps.iter().fold(real::<T::Compute>(0.0), |sum, tap| sum + tap.value(plane));
                    out[channel * bins + bin] = sum / count;
                }
            }
        })
    });
}

/// Gradient of [`roi_align`] for the pictures.
pub fn roi_align_backward<T: Float>(g: Alignment, grad: &[T], rois: &[T], out: &mut [T]) {
    let (grad, rois) = (wide(grad), wide(rois));
    let cost = g.plane() + rois.len() / g.width() * g.bins() * 16;
    with_wide_out(out, |out| {
        for_row_chunks(out, g.plane(), cost, |first, planes| {
            planes.fill(real(0.0));
            for (r, roi) in rois.chunks_exact(g.width()).enumerate() {
                let Some(picture) = g.picture(roi) else { continue };
                let last = first + planes.len() / g.plane();
                let own = (picture * g.channels).max(first)..((picture + 1) * g.channels).min(last);
                if !own.is_empty() {
                    add_region(&g, (r, roi), &grad, own, first, planes);
                }
            }
        })
    });
}

/// Adds the gradient of one region to the planes `own` of a picture; `planes` begins with plane `first`.
fn add_region<C: Real>(
    g: &Alignment,
    (r, roi): (usize, &[C]),
    grad: &[C],
    own: std::ops::Range<usize>,
    first: usize,
    planes: &mut [C],
) {
    let (frame, channels, bins) = (g.frame(roi), g.out_channels(), g.bins());
    for bin in 0..bins {
        let (taps, count) = g.taps(&frame, bin);
        for plane in own.clone() {
            let channel = plane % g.channels;
            if g.sensitive && channel % bins != bin {
                continue;
            }
            let channel = if g.sensitive { channel / bins } else { channel };
            let share = grad[(r * channels + channel) * bins + bin] / count;
            let out = &mut planes[(plane - first) * g.plane()..][..g.plane()];
            taps.iter().for_each(|tap| tap.spread(share, out));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;

    const G: Alignment = Alignment {
        batch: 1,
        channels: 1,
        size: (4, 4),
        pooled: (2, 2),
        scale: 1.0,
        samples: 0,
        kind: RegionKind::Corners,
        sensitive: false,
    };

    fn pooled(g: Alignment, data: &[f64], rois: &[f64]) -> Vec<f64> {
        let mut out = vec![9.0; rois.len() / g.width() * g.out_channels() * g.bins()];
        roi_align(g, data, rois, &mut out);
        out
    }

    // A plane that rises evenly: a bin holds the value at its middle.
    #[test]
    fn bins_hold_their_middle() {
        let data: Vec<f64> = (0..16).map(f64::from).collect();
        let check = |g, roi: &[f64], want: [f64; 4]| {
            let got = pooled(g, &data, roi);
            assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-9), "{roi:?}: {got:?}");
        };
        check(G, &[0.0, 0.0, 0.0, 2.0, 2.0], [2.5, 3.5, 6.5, 7.5]);
        check(Alignment { samples: 3, ..G }, &[0.0, 0.5, 0.0, 2.5, 2.0], [3.0, 4.0, 7.0, 8.0]);
        let centered = Alignment { kind: RegionKind::Centered, ..G };
        check(centered, &[0.0, 0.5, 0.5, 2.5, 2.5], [2.5, 3.5, 6.5, 7.5]);
        check(G, &[1.0, 0.0, 0.0, 2.0, 2.0], [0.0; 4]);
        let turned = Alignment { kind: RegionKind::Rotated, ..G };
        check(turned, &[0.0, 1.0, 1.0, 2.0, 2.0, 0.0], [2.5, 3.5, 6.5, 7.5]);
        check(turned, &[0.0, 1.0, 1.0, 2.0, 2.0, 90.0], [6.5, 2.5, 7.5, 3.5]);
    }

    #[test]
    fn gradients_are_the_adjoint_and_threads_do_not_matter() {
        for g in [
            Alignment { batch: 2, channels: 8, size: (9, 7), ..G },
            Alignment { batch: 2, channels: 8, size: (9, 7), sensitive: true, samples: 2, ..G },
            Alignment { batch: 2, channels: 8, size: (9, 7), kind: RegionKind::Rotated, ..G },
        ] {
            let noise =
                |n: usize, k: usize| (0..n).map(|i| ((i * 7919 + k) % 101) as f64 / 50.0 - 1.0).collect::<Vec<_>>();
            let mut rois = noise(20 * g.width(), 3);
            rois.chunks_exact_mut(g.width()).enumerate().for_each(|(i, roi)| {
                roi.iter_mut().for_each(|v| *v = *v * 4.0 + 3.0);
                roi[0] = (i % 2) as f64;
            });
            let data = noise(2 * 8 * 63, 1);
            let out = same_for_threads(|| pooled(g, &data, &rois));
            let grad = noise(out.len(), 2);
            let back = same_for_threads(|| {
                let mut back = vec![9.0; data.len()];
                roi_align_backward(g, &grad, &rois, &mut back);
                back
            });
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            assert!((dot(&out, &grad) - dot(&data, &back)).abs() < 1e-9);
        }
    }
}
