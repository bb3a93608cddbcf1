//! `_contrib_MultiBoxTarget`: the training targets of a single-shot detector (W. Liu et al., "SSD: Single Shot MultiBox
//! Detector", 2016).

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::multibox::{TargetInput, Targeting, Targets, assign_targets};
use rsym_tensor::{Float, PartialShape, dispatch_float};

operator! {
    /// Matches anchors with labelled boxes and makes the targets of their classes and offsets.
    ///
    /// First every label takes the anchor that overlaps it most, then every anchor that overlaps a label by more than
    /// `overlap_threshold` takes the one it overlaps most. All other anchors are background, or with `negative_mining_ratio` only
    /// that many for each match, those that the predictions least take for background. The offset of a box with centre (x, y) and
    /// size (w, h) from an anchor (x', y', w', h') is `((x - x') / w', (y - y') / h', log(w / w'), log(h / h')) / variances`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | anchor | (1, anchors, 4): left, top, right, bottom | float |
    /// | label | (n, labels, 5 or more): class, left, top, right, bottom; class -1 ends the list | that of anchor |
    /// | cls_pred | (n, classes, anchors), before softmax | that of anchor |
    /// | loc_target, loc_mask | (n, anchors * 4) | that of anchor |
    /// | cls_target | (n, anchors): class plus 1, 0 for background, `ignore_label` for anchors without a part | that of anchor |
    ///
    /// Where a picture has no label, no anchor takes part. The gradients are zero.
    ///
    /// Source: W. Liu et al., "SSD: Single Shot MultiBox Detector", 2016.
    #[aliases("_npx_multibox_target")]
    #[check(MultiBoxTarget::checked)]
    pub struct MultiBoxTarget("_contrib_MultiBoxTarget") {
        inputs {
            anchor: "The anchors.",
            label: "The labelled boxes.",
            cls_pred: "Predictions of the classes; they count for mining alone."
        }
        params {
            /// Anchors that overlap a label by more than this are matched with it.
            overlap_threshold: f32 = 0.5,
            /// Class target of anchors that take no part.
            ignore_label: f32 = -1.0,
            /// Anchors that become background for each that is matched; -1 for all.
            negative_mining_ratio: f32 = -1.0,
            /// Mining leaves out anchors that overlap a label by at least this.
            negative_mining_thresh: f32 = 0.5,
            /// Ignored, as by MXNet on the CPU.
            minimum_negative_samples: i32 = 0,
            /// What offsets are divided by.
            variances: Tuple<f32> = [0.1f32, 0.1, 0.2, 0.2].into_iter().collect(),
        }
    }
}

impl MultiBoxTarget {
    fn checked(&self) -> Result<(), String> {
        if self.variances.len() != 4 {
            return Err(format!("variances must be four numbers, got {}", self.variances.len()));
        }
        if self.negative_mining_ratio > 0.0 && self.negative_mining_thresh <= 0.0 {
            return Err(format!("negative_mining_thresh must be positive, got {}", self.negative_mining_thresh));
        }
        Ok(())
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let [anchors, labels, predictions] = io.inputs else { return Err(OpError::invalid("takes three inputs")) };
        let targeting = Targeting {
            anchors: anchors.shape()[1],
            labels: (labels.shape()[1], labels.shape()[2]),
            classes: predictions.shape()[1],
            overlap: self.overlap_threshold,
            ignore: self.ignore_label,
            mining: Some(self.negative_mining_ratio).filter(|&r| r > 0.0),
            negative: self.negative_mining_thresh,
            variances: [0, 1, 2, 3].map(|i| self.variances[i]),
        };
        let from = TargetInput {
            anchors: anchors.slice::<T>()?,
            labels: labels.slice()?,
            predictions: predictions.slice()?,
        };
        let [offsets, masks, classes] = &mut *io.outputs else { return Err(OpError::invalid("has three outputs")) };
        let to = Targets { offsets: offsets.slice_mut()?, masks: masks.slice_mut()?, classes: classes.slice_mut()? };
        assign_targets(targeting, from, to).map_err(|(found, wanted)| {
            OpError::invalid(format!(
                "negative_mining_ratio={} wants {wanted} negative anchors, but only {found} overlap every label by less than \
                 negative_mining_thresh={}: lower the one or raise the other",
                self.negative_mining_ratio, self.negative_mining_thresh
            ))
        })
    }
}

impl Operator for MultiBoxTarget {
    fn num_outputs(&self) -> usize {
        3
    }

    fn output_names(&self) -> Names {
        names!["loc_target", "loc_mask", "cls_target"]
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let anchors = io.inputs[0].dim(1).or(io.inputs[2].dim(2));
        let batch = io.inputs[1].dim(0).or(io.inputs[2].dim(0));
        io.set_input(0, PartialShape::partial([Some(1), anchors, Some(4)]))?;
        io.set_input(1, PartialShape::partial([batch, None, None]))?;
        io.set_input(2, PartialShape::partial([batch, None, anchors]))?;
        if let Some(width) = io.inputs[1].dim(2).filter(|&width| width < 5) {
            return Err(OpError::invalid(format!("label must have rows of at least five numbers, got {width}")));
        }
        let offsets = PartialShape::partial([batch, anchors.map(|n| n * 4)]);
        io.set_output(0, offsets.clone())?;
        io.set_output(1, offsets)?;
        io.set_output(2, PartialShape::partial([batch, anchors]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
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
        registry().make("_contrib_MultiBoxTarget", params).unwrap()
    }

    #[test]
    fn a_label_moves_its_anchors() {
        let anchors = t32([1, 2, 4], &[0.0, 0.0, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0]);
        let labels = t32([1, 1, 5], &[2.0, 0.1, 0.0, 0.6, 0.5]);
        let out = run(make(&[]).as_ref(), &[anchors, labels, t32([1, 3, 2], &[0.0; 6])]);
        assert_close(&out[0], &[2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_close(&out[1], &[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_close(&out[2], &[3.0, 0.0]);
    }

    #[test]
    fn shapes_and_refusals() {
        let op = make(&[]);
        let got = infer(op.as_ref(), &[&[1, 8, 4], &[2, 3, 5], &[0, 4, 0]], &[]).unwrap();
        assert_eq!(got[2..], [vec![2, 4, 8], vec![2, 32], vec![2, 32], vec![2, 8]]);
        assert!(infer(op.as_ref(), &[&[1, 8, 4], &[2, 3, 4], &[2, 4, 8]], &[]).is_err());
        assert!(infer(op.as_ref(), &[&[1, 8, 4], &[2, 3, 5], &[2, 4, 9]], &[]).is_err());
        assert!(registry().make("_contrib_MultiBoxTarget", &[("variances", "(1, 1)")]).is_err());
    }
}
