//! Anchors.

use rsym_tensor::Float;

/// What anchors there are at each pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Priors<'a> {
    /// Rows and columns of pixels.
    pub pixels: (usize, usize),
    /// Sizes relative to the picture.
    pub sizes: &'a [f32],
    /// Width over height.
    pub ratios: &'a [f32],
    /// Distance of two pixels, y and x.
    pub steps: [f32; 2],
    /// Place of the centre in a pixel, y and x.
    pub offsets: [f32; 2],
    /// Whether boxes end at the border of the picture.
    pub clip: bool,
}

impl Priors<'_> {
    /// Half the width and half the height of every anchor of a pixel: all sizes with the first ratio, then the first size with
    /// the other ratios.
    fn halves(&self) -> Vec<(f32, f32)> {
        let (height, width) = (self.pixels.0 as f32, self.pixels.1 as f32);
        let half = |size: f32, ratio: f32| {
            let root = ratio.sqrt();
            (size * height / width * root / 2.0, size / root / 2.0)
        };
        let sizes = self.sizes.iter().map(|&size| half(size, self.ratios[0]));
        sizes.chain(self.ratios[1..].iter().map(|&ratio| half(self.sizes[0], ratio))).collect()
    }
}

/// The anchors of all pixels, by corners: `out` has shape (rows, columns, anchors of a pixel, 4).
pub fn prior_boxes<T: Float>(p: Priors, out: &mut [T]) {
    let halves = p.halves();
    let pixels = out.chunks_exact_mut(4 * halves.len());
    for (pixel, boxes) in pixels.enumerate() {
        let y = ((pixel / p.pixels.1) as f32 + p.offsets[0]) * p.steps[0];
        let x = ((pixel % p.pixels.1) as f32 + p.offsets[1]) * p.steps[1];
        for (b, (w, h)) in boxes.chunks_exact_mut(4).zip(&halves) {
            for (o, v) in b.iter_mut().zip([x - w, y - h, x + w, y + h]) {
                *o = T::from_f64(f64::from(if p.clip { v.clamp(0.0, 1.0) } else { v }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_come_before_ratios() {
        let p = Priors {
            pixels: (1, 2),
            sizes: &[0.5, 0.25],
            ratios: &[1.0, 4.0],
            steps: [1.0, 0.5],
            offsets: [0.5; 2],
            clip: false,
        };
        let mut out = [9f32; 24];
        prior_boxes(p, &mut out);
        assert_eq!(out[..12], [0.125, 0.25, 0.375, 0.75, 0.1875, 0.375, 0.3125, 0.625, 0.0, 0.375, 0.5, 0.625]);
        assert_eq!(out[12..16], [0.625, 0.25, 0.875, 0.75]);
        prior_boxes(Priors { sizes: &[4.0, 0.25], clip: true, ..p }, &mut out);
        assert_eq!(out[..4], [0.0, 0.0, 1.0, 1.0]);
    }
}
