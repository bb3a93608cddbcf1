//! `_contrib_Proposal` and `_contrib_MultiProposal`: region proposals (S. Ren et al., "Faster R-CNN", 2015).
//!
//! Both compute the same; the first takes a single picture. MXNet takes single precision alone, rsym every float type.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::proposal::{Proposals, propose};
use rsym_tensor::{Float, PartialShape, dispatch_float};

/// Declares a proposal operator; `$multi` says whether it takes several pictures.
macro_rules! proposal {
    ($(#[doc = $doc:literal])* $op:ident, $name:literal, $multi:literal) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// Around every pixel lie anchors, one for each ratio and scale, with sides of `feature_stride * scale` pixels for a ratio
            /// of 1. Predictions (x, y, w, h) move their centres by x and y of their sizes and change the sizes by factors exp(w) and
            /// exp(h); with `iou_loss` they are added to the corners. Regions are cut off at the border of the picture, those that are
            /// too small score -1, the best are taken, and of those that overlap the better one stays. Where fewer regions stay than
            /// are asked for, they repeat.
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | cls_prob | (n, 2 * anchors, h, w): background, then foreground | float |
            /// | bbox_pred | (n, 4 * anchors, h, w) | that of cls_prob |
            /// | im_info | (n, 3): height, width and scale of the pictures | that of cls_prob |
            /// | output | (n * rpn_post_nms_top_n, 5): number of the picture, left, top, right, bottom | that of cls_prob |
            /// | score | (n * rpn_post_nms_top_n, 1), with `output_score` | that of cls_prob |
            ///
            /// The gradients are zero. Source: S. Ren et al., "Faster R-CNN", 2015.
            pub struct $op($name) {
                inputs {
                    cls_prob: "Probabilities of background and foreground.",
                    bbox_pred: "Predicted moves of the anchors.",
                    im_info: "Sizes and scales of the pictures."
                }
                params {
                    /// Regions that are looked at, best first; 0 or less for all.
                    rpn_pre_nms_top_n: i32 = 6000,
                    /// Regions that are proposed for a picture.
                    #[range(1..)]
                    rpn_post_nms_top_n: i32 = 300,
                    /// Regions that overlap a better one by more than this are suppressed.
                    threshold: f32 = 0.7,
                    /// Regions narrower or lower than this, times the scale of the picture, score -1.
                    rpn_min_size: i32 = 16,
                    /// Scales of the anchors.
                    scales: Tuple<f32> = [4f32, 8.0, 16.0, 32.0].into_iter().collect(),
                    /// Ratios of the anchors: height over width.
                    ratios: Tuple<f32> = [0.5f32, 1.0, 2.0].into_iter().collect(),
                    /// Distance of two pixels of the feature map in the picture.
                    #[range(1..)]
                    feature_stride: i32 = 16,
                    /// Give the scores as a second output.
                    output_score: bool = false,
                    /// Add predictions to the corners of the anchors.
                    iou_loss: bool = false,
                }
            }
        }

        impl $op {
            fn proposals(&self, pixels: (usize, usize)) -> Proposals<'_> {
                Proposals {
                    pixels,
                    stride: self.feature_stride as f32,
                    scales: &self.scales,
                    ratios: &self.ratios,
                    before: usize::try_from(self.rpn_pre_nms_top_n).ok().filter(|&n| n > 0).unwrap_or(usize::MAX),
                    after: self.rpn_post_nms_top_n as usize,
                    overlap: self.threshold,
                    least: self.rpn_min_size as f32,
                    corners: self.iou_loss,
                }
            }
        }

        impl Operator for $op {
            fn num_outputs(&self) -> usize {
                2
            }

            fn num_visible(&self) -> usize {
                if self.output_score { 2 } else { 1 }
            }

            fn output_names(&self) -> Names {
                names!["output", "score"]
            }

            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                infer(io, self.rpn_post_nms_top_n as usize, $multi)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let dtype = io.outputs[0].dtype();
                let shape = io.inputs[0].shape();
                let p = self.proposals((shape[2], shape[3]));
                dispatch_float!(dtype, T => run::<T>(p, $multi, io), else unsupported(dtype, "a float type"))
            }

            fn gradient(&self, _: &mut Grad) -> GraphResult {
                Ok(())
            }
        }
    };
}

proposal! {
    /// Proposes regions of a picture that may hold an object.
    Proposal, "_contrib_Proposal", false
}

proposal! {
    /// Proposes regions of pictures that may hold an object.
    MultiProposal, "_contrib_MultiProposal", true
}

fn infer(io: &mut ShapeIo, after: usize, multi: bool) -> OpResult {
    let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
    let [batch, channels, h, w] = dims[..] else {
        return Err(OpError::invalid(format!("cls_prob must have four dimensions, got {}", io.inputs[0])));
    };
    io.set_input(1, PartialShape::partial([batch, channels.map(|c| c * 2), h, w]))?;
    io.set_input(2, PartialShape::partial([batch, Some(3)]))?;
    let rows = if multi { batch.map(|n| n * after) } else { Some(after) };
    io.set_output(0, PartialShape::partial([rows, Some(5)]))?;
    io.set_output(1, PartialShape::partial([rows, Some(1)]))
}

fn run<T: Float>(p: Proposals, multi: bool, io: &mut Io) -> OpResult {
    let [scores, offsets, infos] = io.inputs else { return Err(OpError::invalid("takes three inputs")) };
    let (batch, anchors) = (scores.shape()[0], scores.shape()[1] / 2);
    if !multi && batch != 1 {
        return Err(OpError::invalid(format!("cls_prob: expected one picture, got {batch}: use MultiProposal")));
    }
    if anchors != p.anchors() || p.pixels.0 * p.pixels.1 * anchors == 0 {
        let text = format!("cls_prob must have two channels for each of {} anchors, got {}", p.anchors(), scores.shape());
        return Err(OpError::invalid(text));
    }
    let infos = infos.slice::<T>()?;
    for info in infos.chunks_exact(3).map(|i| [0, 1, 2].map(|k| i[k].to_f64() as f32)) {
        if !p.holds(info) {
            let text = format!("im_info of {} by {} pixels is more than {:?} times the stride", info[0], info[1], p.pixels);
            return Err(OpError::invalid(text));
        }
    }
    let [out, out_scores] = &mut *io.outputs else { return Err(OpError::invalid("has two outputs")) };
    propose::<T>(p, scores.slice()?, offsets.slice()?, infos, out.slice_mut()?, out_scores.slice_mut()?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::registry;
    use crate::support::tests::{infer, run, run_with, t32};
    use rsym_graph::{Ctx, OpRef};

    fn make(name: &str, params: &[(&str, &str)]) -> OpRef {
        let one = [("scales", "(1,)"), ("ratios", "(1,)"), ("rpn_min_size", "4"), ("rpn_post_nms_top_n", "2")];
        registry().make(name, &[&one, params].concat()).unwrap()
    }

    #[test]
    fn several_pictures_give_what_each_gives() {
        let (scores, offsets) = ([0.0f32, 0.0, 0.3, 0.9, 0.0, 0.0, 0.8, 0.1], [0.0f32; 16]);
        let infos = [16.0f32, 32.0, 1.0, 16.0, 32.0, 1.0];
        let op = make("_contrib_MultiProposal", &[("output_score", "True")]);
        let both = run(op.as_ref(), &[t32([2, 2, 1, 2], &scores), t32([2, 4, 1, 2], &offsets), t32([2, 3], &infos)]);
        assert_eq!(both[1].to_f64_vec().iter().map(|v| (v * 10.0).round()).collect::<Vec<_>>(), [9.0, 3.0, 8.0, 1.0]);
        let rows = both[0].to_f64_vec();
        assert_eq!(rows[..5], [0.0, 16.0, 0.0, 31.0, 15.0]);
        assert_eq!(rows[10..15], [1.0, 0.0, 0.0, 15.0, 15.0]);
        let one = [t32([1, 2, 1, 2], &scores[..4]), t32([1, 4, 1, 2], &offsets[..8]), t32([1, 3], &infos[..3])];
        let single = run(make("_contrib_Proposal", &[]).as_ref(), &one).remove(0);
        assert_eq!(single.to_f64_vec(), rows[..10]);
    }

    #[test]
    fn shapes_and_refusals() {
        let op = make("_contrib_MultiProposal", &[]);
        let got = infer(op.as_ref(), &[&[2, 2, 3, 4], &[], &[]], &[]).unwrap();
        assert_eq!(got[1..], [vec![2, 4, 3, 4], vec![2, 3], vec![4, 5], vec![4, 1]]);
        let op = make("_contrib_Proposal", &[]);
        let refused = |n: usize, info: [f32; 3]| {
            let inputs = [t32([n, 2, 1, 1], &vec![0.0; 2 * n]), t32([n, 4, 1, 1], &vec![0.0; 4 * n])];
            let [scores, offsets] = inputs;
            run_with(op.as_ref(), &[scores, offsets, t32([n, 3], &info.repeat(n))], &Ctx::default()).is_err()
        };
        assert!(!refused(1, [16.0, 16.0, 1.0]) && refused(2, [16.0, 16.0, 1.0]) && refused(1, [32.0, 16.0, 1.0]));
    }
}
