//! Region proposals (S. Ren et al., "Faster R-CNN", 2015). Everything is computed in single precision.

use super::descending;
use crate::parallel::for_rows2;
use rsym_tensor::Float;

/// Sizes, and which regions are proposed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proposals<'a> {
    /// Rows and columns of the scores.
    pub pixels: (usize, usize),
    /// Distance of two pixels in the picture.
    pub stride: f32,
    /// Sizes of the anchors, in strides.
    pub scales: &'a [f32],
    /// Height over width of the anchors.
    pub ratios: &'a [f32],
    /// Regions that are looked at, best first.
    pub before: usize,
    /// Regions that are proposed.
    pub after: usize,
    /// Regions that overlap more than this are suppressed.
    pub overlap: f32,
    /// Regions smaller than this, in the scale of the picture, come last.
    pub least: f32,
    /// Whether predictions are offsets of the corners instead of centre and logarithm of the size.
    pub corners: bool,
}

/// A region by its corners, with its score.
type Scored = [f32; 5];

impl Proposals<'_> {
    /// Anchors at one pixel.
    pub fn anchors(&self) -> usize {
        self.scales.len() * self.ratios.len()
    }

    /// Whether the padded pixels hold a picture (height, width) of that size.
    pub fn holds(&self, info: [f32; 3]) -> bool {
        let fits = |size: f32, pixels: usize| (size / self.stride) as i64 <= pixels as i64;
        fits(info[0], self.pixels.0) && fits(info[1], self.pixels.1)
    }

    /// The anchors of the first pixel, by ratio, then scale.
    fn base(&self) -> Vec<[f32; 4]> {
        let center = 0.5 * (self.stride - 1.0);
        let anchor = |ratio: f32, scale: f32| {
            let side = ((self.stride * self.stride / ratio).floor().sqrt() + 0.5).floor();
            let (w, h) = (side * scale, (side * scale / scale * ratio + 0.5).floor() * scale);
            let (x, y) = (0.5 * (w - 1.0), 0.5 * (h - 1.0));
            [center - x, center - y, center + x, center + y]
        };
        self.ratios.iter().flat_map(|&r| self.scales.iter().map(move |&s| (r, s))).map(|(r, s)| anchor(r, s)).collect()
    }

    /// Where a prediction moves an anchor to, inside of the picture.
    fn moved(&self, anchor: [f32; 4], by: [f32; 4], info: [f32; 3]) -> [f32; 4] {
        let mut out = [0.0; 4];
        for d in 0..2 {
            (out[d], out[2 + d]) = if self.corners {
                (anchor[d] + by[d], anchor[2 + d] + by[2 + d])
            } else {
                let size = anchor[2 + d] - anchor[d] + 1.0;
                let center = (f64::from(anchor[d]) + 0.5 * (f64::from(size) - 1.0)) as f32;
                let (center, size) = (by[d] * size + center, by[2 + d].exp() * size);
                let half = 0.5 * (f64::from(size) - 1.0);
                ((f64::from(center) - half) as f32, (f64::from(center) + half) as f32)
            };
            let last = info[1 - d] - 1.0;
            out[d] = out[d].min(last).max(0.0);
            out[2 + d] = out[2 + d].min(last).max(0.0);
        }
        out
    }

    /// The region of an anchor. Those in the padding and those that are too small score -1; the latter grow.
    fn region<T: Float>(&self, base: &[[f32; 4]], scores: &[T], offsets: &[T], info: [f32; 3], i: usize) -> Scored {
        let (anchors, (rows, columns)) = (base.len(), self.pixels);
        let (a, x, y) = (i % anchors, i / anchors % columns, i / anchors / columns);
        let at = |values: &[T], channel: usize| values[(channel * rows + y) * columns + x].to_f64() as f32;
        let shift = [x as f32 * self.stride, y as f32 * self.stride];
        let anchor = [0, 1, 2, 3].map(|d| base[a][d] + shift[d % 2]);
        let [l, t, r, b] = self.moved(anchor, [0, 1, 2, 3].map(|d| at(offsets, a * 4 + d)), info);
        let padding = y as i64 >= (info[0] / self.stride) as i64 || x as i64 >= (info[1] / self.stride) as i64;
        let (least, half) = (self.least * info[2], self.least * info[2] / 2.0);
        if r - l + 1.0 < least || b - t + 1.0 < least {
            return [l - half, t - half, r + half, b + half, -1.0];
        }
        [l, t, r, b, if padding { -1.0 } else { at(scores, anchors + a) }]
    }

    /// The regions that stay, best first.
    fn kept(&self, mut regions: Vec<Scored>) -> Vec<Scored> {
        regions.sort_by(|a, b| descending(f64::from(a[4]), f64::from(b[4])));
        regions.truncate(self.before);
        let area = |r: &Scored| (r[2] - r[0] + 1.0) * (r[3] - r[1] + 1.0);
        let side = |a: &Scored, b: &Scored, d: usize| (a[2 + d].min(b[2 + d]) - a[d].max(b[d]) + 1.0).max(0.0);
        let mut kept: Vec<Scored> = Vec::new();
        for region in regions {
            let hides = |better: &Scored| {
                let common = side(better, &region, 0) * side(better, &region, 1);
                common / (area(better) + area(&region) - common) > self.overlap
            };
            if kept.len() < self.after && !kept.iter().any(hides) {
                kept.push(region);
            }
        }
        kept
    }
}

/// Proposes regions for every picture from scores (n, 2 * anchors, rows, columns), offsets (n, 4 * anchors, rows, columns) and
/// infos (n, 3): height, width, scale. `out` (n * after, 5) holds the number of the picture and the corners; where fewer regions
/// stay they repeat.
pub fn propose<T: Float>(p: Proposals, scores: &[T], offsets: &[T], infos: &[T], out: &mut [T], out_scores: &mut [T]) {
    let (base, pixels) = (p.base(), p.pixels.0 * p.pixels.1);
    let count = base.len() * pixels;
    let cost = count.saturating_mul(64).saturating_add(p.before.min(count).saturating_mul(p.after).saturating_mul(8));
    for_rows2((out, out_scores), (p.after * 5, p.after), cost, |picture, out, out_scores| {
        let (scores, offsets) = (&scores[picture * 2 * count..], &offsets[picture * 4 * count..]);
        let info = [0, 1, 2].map(|i| infos[picture * 3 + i].to_f64() as f32);
        let regions = (0..count).map(|i| p.region(&base, scores, offsets, info, i)).collect();
        let kept = p.kept(regions);
        for (i, (row, score)) in out.chunks_exact_mut(5).zip(out_scores).enumerate() {
            let found = kept.get(i % kept.len().max(1)).copied().unwrap_or_default();
            row[0] = T::from_f64(picture as f64);
            row[1..].iter_mut().zip(found).for_each(|(o, v)| *o = T::from_f64(f64::from(v)));
            *score = T::from_f64(f64::from(found[4]));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: Proposals = Proposals {
        pixels: (2, 2),
        stride: 16.0,
        scales: &[1.0],
        ratios: &[1.0],
        before: 4,
        after: 3,
        overlap: 0.7,
        least: 4.0,
        corners: false,
    };

    fn proposed(p: Proposals, scores: [f32; 4], offsets: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (mut out, mut found) = (vec![9.0; 5 * p.after], vec![9.0; p.after]);
        let scores = [[0.0; 4], scores].concat();
        propose(p, &scores, offsets, &[32.0, 32.0, 1.0], &mut out, &mut found);
        (out, found)
    }

    // The anchors of the paper's code, for strides of 16.
    #[test]
    fn anchors_by_ratio_and_scale() {
        let p = Proposals { scales: &[8.0, 16.0], ratios: &[0.5, 1.0, 2.0], ..P };
        let base = p.base();
        assert_eq!(base[0], [-84.0, -40.0, 99.0, 55.0]);
        assert_eq!(base[1], [-176.0, -88.0, 191.0, 103.0]);
        assert_eq!(base[2], [-56.0, -56.0, 71.0, 71.0]);
        assert_eq!(base[4], [-36.0, -80.0, 51.0, 95.0]);
    }

    #[test]
    fn regions_come_best_first_and_repeat() {
        let (out, scores) = proposed(P, [0.1, 0.4, 0.3, 0.2], &[0.0; 16]);
        assert_eq!(scores, [0.4, 0.3, 0.2]);
        assert_eq!(out[..10], [0.0, 16.0, 0.0, 31.0, 15.0, 0.0, 0.0, 16.0, 15.0, 31.0]);
        let (out, scores) = proposed(Proposals { before: 2, ..P }, [0.1, 0.4, 0.3, 0.2], &[0.0; 16]);
        assert_eq!((scores, &out[10..]), (vec![0.4, 0.3, 0.4], &[0.0, 16.0, 0.0, 31.0, 15.0][..]));
    }

    #[test]
    fn small_regions_grow_and_come_last() {
        let mut offsets = [0.0; 16];
        offsets[9] = -3.0;
        let (_, scores) = proposed(Proposals { after: 4, ..P }, [0.1, 0.4, 0.3, 0.2], &offsets);
        assert_eq!(scores, [0.3, 0.2, 0.1, -1.0]);
        let corners = Proposals { corners: true, after: 1, ..P };
        assert_eq!(proposed(corners, [0.9, 0.4, 0.3, 0.2], &[2.0; 16]).0, [0.0, 2.0, 2.0, 17.0, 17.0]);
        assert!(P.holds([32.0, 33.0, 1.0]) && !P.holds([48.0, 32.0, 1.0]));
    }
}
