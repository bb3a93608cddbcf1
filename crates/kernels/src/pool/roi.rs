//! Max pooling over regions of interest (R. Girshick, "Fast R-CNN", 2015).

use crate::number::Number;
use crate::parallel::for_rows;
use rsym_tensor::Float;

/// Sizes of a batch of pictures, and how regions are pooled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoiGeometry {
    /// Number of pictures.
    pub batch: usize,
    /// Channels of each picture.
    pub channels: usize,
    /// Rows of each picture.
    pub height: usize,
    /// Columns of each picture.
    pub width: usize,
    /// Bins along each axis: rows, columns.
    pub pooled: (usize, usize),
    /// Pixels of the pictures for one unit of the regions.
    pub scale: f64,
}

/// First pixel and size of a region along one axis.
fn extent(low: f64, high: f64, scale: f64) -> (f64, f64) {
    let (low, high) = ((low * scale).round(), (high * scale).round());
    (low, (high - low + 1.0).max(1.0))
}

impl RoiGeometry {
    fn plane(&self) -> usize {
        self.height * self.width
    }

    /// The picture that a region (picture, x1, y1, x2, y2) lies in, if there is one.
    pub fn picture<T: Float>(&self, roi: &[T]) -> Option<usize> {
        let index = roi[0].to_f64();
        (index >= 0.0 && index < self.batch as f64).then_some(index as usize)
    }

    /// Rows and columns of a bin.
    fn bin<T: Float>(&self, roi: &[T], bin: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let at = |i: usize| roi[i].to_f64();
        let range = |(start, size): (f64, f64), i: usize, count: usize, limit: usize| {
            let step = size / count as f64;
            let edge = |v: f64| (v + start).clamp(0.0, limit as f64) as usize;
            edge((i as f64 * step).floor())..edge(((i + 1) as f64 * step).ceil())
        };
        let (rows, columns) = self.pooled;
        let vertical = range(extent(at(2), at(4), self.scale), bin / columns, rows, self.height);
        let horizontal = range(extent(at(1), at(3), self.scale), bin % columns, columns, self.width);
        (vertical, horizontal)
    }

    /// The place of the largest pixel of a bin, the first of equals; nothing for an empty bin.
    fn largest<T: Float + Number>(&self, plane: &[T], roi: &[T], bin: usize) -> Option<usize> {
        let (rows, columns) = self.bin(roi, bin);
        let places = rows.flat_map(|y| columns.clone().map(move |x| y * self.width + x));
        places.reduce(|best, at| if plane[at] > plane[best] { at } else { best })
    }
}

/// Pools `data` over the regions `rois` (r, 5): `out` has shape (r, channels, rows, columns). Empty bins hold 0.
pub fn roi_pool<T: Float + Number>(g: RoiGeometry, data: &[T], rois: &[T], out: &mut [T]) {
    let bins = g.pooled.0 * g.pooled.1;
    for_rows(out, bins, g.plane(), |row, out| {
        let roi = &rois[row / g.channels * 5..][..5];
        let Some(picture) = g.picture(roi) else { return out.fill(T::default()) };
        let plane = &data[(picture * g.channels + row % g.channels) * g.plane()..][..g.plane()];
        for (bin, value) in out.iter_mut().enumerate() {
            *value = g.largest(plane, roi, bin).map_or(T::default(), |at| plane[at]);
        }
    });
}

/// Gradient of [`roi_pool`] for the pictures: every bin's gradient goes to its largest pixel.
pub fn roi_pool_backward<T: Float + Number>(g: RoiGeometry, grad: &[T], data: &[T], rois: &[T], out: &mut [T]) {
    let bins = g.pooled.0 * g.pooled.1;
    for_rows(out, g.plane(), g.plane() * (1 + rois.len() / 5), |row, out| {
        let (picture, channel) = (row / g.channels, row % g.channels);
        let plane = &data[row * g.plane()..][..g.plane()];
        let mut sums = vec![0f64; g.plane()];
        for (r, roi) in rois.chunks_exact(5).enumerate().filter(|(_, roi)| g.picture(roi) == Some(picture)) {
            for (bin, grad) in grad[(r * g.channels + channel) * bins..][..bins].iter().enumerate() {
                if let Some(at) = g.largest(plane, roi, bin) {
                    sums[at] += grad.to_f64();
                }
            }
        }
        out.iter_mut().zip(sums).for_each(|(o, sum)| *o = T::from_f64(sum));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const G: RoiGeometry = RoiGeometry { batch: 1, channels: 1, height: 6, width: 6, pooled: (2, 2), scale: 1.0 };

    // MXNet 1.9.1: ROIPooling of arange(36).
    #[test]
    fn answers_of_mxnet() {
        let data: Vec<f32> = (0..36).map(|v| v as f32).collect();
        let pool = |g: RoiGeometry, roi: [f32; 5]| {
            let mut out = [9f32; 4];
            roi_pool(g, &data, &roi, &mut out);
            out
        };
        assert_eq!(pool(G, [0.0, 0.0, 0.0, 3.0, 3.0]), [7.0, 9.0, 19.0, 21.0]);
        assert_eq!(pool(G, [0.0, 1.5, 2.5, 4.0, 5.0]), [27.0, 28.0, 33.0, 34.0]);
        assert_eq!(pool(G, [0.0, 4.0, 4.0, 9.0, 9.0]), [35.0, 0.0, 0.0, 0.0]);
        assert_eq!(pool(G, [0.0, 3.0, 3.0, 1.0, 1.0]), [21.0; 4]);
        assert_eq!(pool(RoiGeometry { scale: 0.5, ..G }, [0.0, 0.0, 0.0, 5.0, 5.0]), [7.0, 9.0, 19.0, 21.0]);
        assert_eq!(pool(G, [3.0, 0.0, 0.0, 3.0, 3.0]), [0.0; 4]);
    }

    #[test]
    fn gradients_gather_at_the_largest_pixel() {
        let data: Vec<f32> = (0..36).map(|v| v as f32).collect();
        let rois = [0.0, 0.0, 0.0, 3.0, 3.0, 0.0, 3.0, 3.0, 1.0, 1.0];
        let grad = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let mut out = [9f32; 36];
        roi_pool_backward(G, &grad, &data, &rois, &mut out);
        let want = |at| match at {
            7 => 1.0,
            9 => 2.0,
            19 => 3.0,
            21 => 4.0 + 26.0,
            _ => 0.0,
        };
        assert!(out.iter().enumerate().all(|(at, v)| *v == want(at)), "{out:?}");
    }
}
