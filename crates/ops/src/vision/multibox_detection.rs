//! `_contrib_MultiBoxDetection`: the detections of a single-shot detector (W. Liu et al., "SSD: Single Shot MultiBox Detector",
//! 2016).

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::multibox::{Detection, detect};
use rsym_tensor::{Float, PartialShape, dispatch_float};

operator! {
    /// Makes boxes of class probabilities and offsets from anchors, and suppresses those that overlap better ones.
    ///
    /// An anchor becomes a box of its most probable class, background (class 0) apart, where that has at least the probability
    /// `threshold`. Boxes are sorted by probability, and those that overlap a better one of their class by at least
    /// `nms_threshold` get class -1; with a threshold outside of (0, 1] all stay, in the order of their anchors. The box at offset
    /// (x, y, w, h) from an anchor with centre (x', y') and size (w', h') has its centre at `(x * v0 * w' + x', y * v1 * h' + y')`
    /// and the size `(exp(w * v2) * w', exp(h * v3) * h')`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | cls_prob | (n, classes, anchors) | float |
    /// | loc_pred | (n, anchors * 4) | that of cls_prob |
    /// | anchor | (1, anchors, 4): left, top, right, bottom | that of cls_prob |
    /// | output | (n, anchors, 6): class without background, probability, left, top, right, bottom; -1 in rows left over | that of cls_prob |
    ///
    /// The gradients are zero. Source: W. Liu et al., "SSD: Single Shot MultiBox Detector", 2016.
    #[aliases("_npx_multibox_detection")]
    #[check(MultiBoxDetection::checked)]
    pub struct MultiBoxDetection("_contrib_MultiBoxDetection") {
        inputs { cls_prob: "Probabilities of the classes.", loc_pred: "Offsets from the anchors.", anchor: "The anchors." }
        params {
            /// Cut boxes off at the border of the picture.
            clip: bool = true,
            /// Boxes less probable than this do not count.
            threshold: f32 = 0.01,
            /// Ignored, as by MXNet: the background is class 0.
            background_id: i32 = 0,
            /// Boxes that overlap a better one by at least this are suppressed.
            nms_threshold: f32 = 0.5,
            /// Suppress boxes of other classes as well.
            force_suppress: bool = false,
            /// What offsets are multiplied by.
            variances: Tuple<f32> = [0.1f32, 0.1, 0.2, 0.2].into_iter().collect(),
            /// Boxes that are looked at, best first; -1 for all.
            nms_topk: i32 = -1,
        }
    }
}

impl MultiBoxDetection {
    fn checked(&self) -> Result<(), String> {
        match self.variances.len() {
            4 => Ok(()),
            n => Err(format!("variances must be four numbers, got {n}")),
        }
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let [probabilities, offsets, anchors] = io.inputs else { return Err(OpError::invalid("takes three inputs")) };
        let d = Detection {
            classes: probabilities.shape()[1],
            anchors: probabilities.shape()[2],
            clip: self.clip,
            threshold: f64::from(self.threshold),
            overlap: f64::from(self.nms_threshold),
            force: self.force_suppress,
            variances: [0, 1, 2, 3].map(|i| f64::from(self.variances[i])),
            top: usize::try_from(self.nms_topk).unwrap_or(0),
        };
        detect::<T>(d, probabilities.slice()?, offsets.slice()?, anchors.slice()?, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

impl Operator for MultiBoxDetection {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let offsets = io.inputs[1].dim(1);
        if let Some(n) = offsets.filter(|n| !n.is_multiple_of(4)) {
            return Err(OpError::invalid(format!("loc_pred must have four numbers for each anchor, got {n}")));
        }
        let anchors = io.inputs[0].dim(2).or(io.inputs[2].dim(1)).or(offsets.map(|n| n / 4));
        let batch = io.inputs[0].dim(0).or(io.inputs[1].dim(0)).or(io.outputs[0].dim(0));
        io.set_input(0, PartialShape::partial([batch, None, anchors]))?;
        io.set_input(1, PartialShape::partial([batch, anchors.map(|n| n * 4)]))?;
        io.set_input(2, PartialShape::partial([Some(1), anchors, Some(4)]))?;
        io.set_output(0, PartialShape::partial([batch, anchors, Some(6)]))
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
    use crate::registry;
    use crate::support::tests::{assert_close, infer, run, t32};

    #[test]
    fn boxes_come_best_first() {
        let op = registry().make("_contrib_MultiBoxDetection", &[]).unwrap();
        let probabilities = t32([1, 2, 2], &[0.4, 0.1, 0.6, 0.9]);
        let anchors = t32([1, 2, 4], &[0.0, 0.0, 0.4, 0.4, 0.5, 0.5, 1.0, 1.0]);
        let offsets = t32([1, 8], &[5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let out = run(op.as_ref(), &[probabilities, offsets, anchors]).remove(0);
        assert_close(&out, &[0.0, 0.9, 0.5, 0.5, 1.0, 1.0, 0.0, 0.6, 0.2, 0.0, 0.6, 0.4]);
    }

    #[test]
    fn shapes_flow_between_the_inputs() {
        let op = registry().make("_contrib_MultiBoxDetection", &[]).unwrap();
        let got = infer(op.as_ref(), &[&[2, 3, 8], &[], &[]], &[]).unwrap();
        assert_eq!(got[1..], [vec![2, 32], vec![1, 8, 4], vec![2, 8, 6]]);
        assert!(infer(op.as_ref(), &[&[2, 3, 8], &[2, 30], &[1, 8, 4]], &[]).is_err());
    }
}
