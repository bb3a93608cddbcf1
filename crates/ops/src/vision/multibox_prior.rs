//! `_contrib_MultiBoxPrior`: the anchors of a single-shot detector (W. Liu et al., "SSD: Single Shot MultiBox Detector", 2016).

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::multibox::{Priors, prior_boxes};
use rsym_tensor::{PartialShape, dispatch_float};

operator! {
    /// Makes anchors around the pixels of a feature map, by their corners, relative to the size of the picture.
    ///
    /// Every pixel has an anchor of each size with the first ratio, then one of the first size with each of the other ratios:
    /// for size s and ratio r the height is `s / sqrt(r)` and the width `s * sqrt(r) * h / w`, so that a ratio of 1 is square where
    /// the picture has the shape of the feature map.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, h, w), only its shape counts | float |
    /// | output | (1, h * w * (sizes + ratios - 1), 4): left, top, right, bottom | that of data |
    ///
    /// The gradient is zero. Source: W. Liu et al., "SSD: Single Shot MultiBox Detector", 2016.
    #[aliases("_npx_multibox_prior")]
    #[check(MultiBoxPrior::checked)]
    pub struct MultiBoxPrior("_contrib_MultiBoxPrior") {
        inputs { data: "The feature map." }
        params {
            /// Sizes of the anchors, relative to the height of the picture.
            sizes: Tuple<f32> = [1f32].into_iter().collect(),
            /// Width over height of the anchors.
            ratios: Tuple<f32> = [1f32].into_iter().collect(),
            /// Cut anchors off at the border of the picture.
            clip: bool = false,
            /// Distance of two pixels, y and x; -1 for one over the number of pixels.
            steps: Tuple<f32> = [-1f32, -1.0].into_iter().collect(),
            /// Place of an anchor's centre in its pixel, y and x, from 0 to 1.
            offsets: Tuple<f32> = [0.5f32, 0.5].into_iter().collect(),
        }
    }
}

impl MultiBoxPrior {
    fn checked(&self) -> Result<(), String> {
        if self.sizes.is_empty() || self.ratios.is_empty() {
            return Err("sizes and ratios must not be empty".into());
        }
        let pair = |name: &str, values: &Tuple<f32>| match values.len() {
            2 => Ok(()),
            n => Err(format!("{name} must be (y, x), got {n} numbers")),
        };
        pair("steps", &self.steps)?;
        pair("offsets", &self.offsets)?;
        if !self.offsets.iter().all(|v| (0.0..=1.0).contains(v)) {
            return Err(format!("offsets must lie between 0 and 1, got {}", self.offsets.text()));
        }
        if self.steps[0] * self.steps[1] < 0.0 {
            return Err(format!("steps must both be given or both be left out, got {}", self.steps.text()));
        }
        Ok(())
    }

    fn anchors(&self) -> usize {
        self.sizes.len() + self.ratios.len() - 1
    }

    fn priors(&self, height: usize, width: usize) -> Priors<'_> {
        let given = self.steps[0] > 0.0 && self.steps[1] > 0.0;
        Priors {
            pixels: (height, width),
            sizes: &self.sizes,
            ratios: &self.ratios,
            steps: if given { [self.steps[0], self.steps[1]] } else { [1.0 / height as f32, 1.0 / width as f32] },
            offsets: [self.offsets[0], self.offsets[1]],
            clip: self.clip,
        }
    }
}

impl Operator for MultiBoxPrior {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        if io.inputs[0].rank().is_some_and(|rank| rank < 4) {
            return Err(OpError::invalid("data must have four dimensions: (n, c, h, w)"));
        }
        let pixels = io.inputs[0].dim(2).zip(io.inputs[0].dim(3)).map(|(h, w)| h * w);
        io.set_output(0, PartialShape::partial([Some(1), pixels.map(|n| n * self.anchors()), Some(4)]))
    }

    fn reads(&self, _: usize) -> bool {
        false
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (height, width) = (io.inputs[0].shape()[2], io.inputs[0].shape()[3]);
        let out = &mut io.outputs[0];
        dispatch_float!(out.dtype(), T => {
            prior_boxes::<T>(self.priors(height, width), out.slice_mut()?);
            Ok(())
        }, else unsupported(out.dtype(), "a float type"))
    }

    fn gradient(&self, _: &mut Grad) -> GraphResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::support::tests::{assert_close, infer, run, t32};

    fn make(params: &[(&str, &str)]) -> OpRef {
        registry().make("_contrib_MultiBoxPrior", params).unwrap()
    }

    // MXNet 1.9.1: the same call.
    #[test]
    fn anchors_of_mxnet() {
        let op = make(&[("sizes", "(0.5, 0.2)"), ("ratios", "(1, 4)"), ("clip", "True")]);
        let out = run(op.as_ref(), &[t32([1, 1, 1, 2], &[0.0; 2])]).remove(0);
        let half = 0.05;
        assert_close(
            &out,
            &[
                0.125, 0.25, 0.375, 0.75, 0.25 - half, 0.4, 0.25 + half, 0.6, 0.0, 0.375, 0.5, 0.625, //
                0.625, 0.25, 0.875, 0.75, 0.75 - half, 0.4, 0.75 + half, 0.6, 0.5, 0.375, 1.0, 0.625,
            ],
        );
    }

    #[test]
    fn shapes_and_contradictions() {
        let op = make(&[("sizes", "(0.5, 0.2)"), ("ratios", "(1, 2, 0.5)")]);
        assert_eq!(infer(op.as_ref(), &[&[2, 3, 4, 5]], &[]).unwrap()[1], [1, 80, 4]);
        assert!(infer(op.as_ref(), &[&[2, 3]], &[]).is_err());
        for bad in [("sizes", "()"), ("steps", "(1,)"), ("offsets", "(0.5, 2)"), ("steps", "(-1, 0.5)")] {
            assert!(registry().make("_contrib_MultiBoxPrior", &[bad]).is_err(), "{bad:?}");
        }
    }
}
