//! `_contrib_box_encode` and `_contrib_box_decode`: boxes as offsets from anchors.

use super::Format;
use super::box_iou::box_extents;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::boxes::{Encoding, box_decode, box_encode};
use rsym_tensor::{Float, PartialShape, dispatch_float};

operator! {
    /// Offsets of matched boxes from their anchors: `((x - x') / w', (y - y') / h', log(w / w'), log(h / h'))`, less `means`, divided by
    /// `stds`, for a box with centre (x, y) and size (w, h) and an anchor (x', y', w', h').
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | samples | (b, n): 1 for anchors that take part, 0 and -1 for others | float |
    /// | matches | (b, n): number of the box of each anchor | that of samples |
    /// | anchors | (b, n, 4): left, top, right, bottom | that of samples |
    /// | refs | (b, m, 4): left, top, right, bottom | that of samples |
    /// | means, stds | (4,) | that of samples |
    /// | output 0 | (b, n, 4): the offsets, 0 for anchors that take no part | that of samples |
    /// | output 1 | (b, n, 4): 1 for anchors that take part, else 0 | that of samples |
    ///
    /// Matches that no box has are taken to the nearest one. The gradients are zero.
    pub struct BoxEncode("_contrib_box_encode") {
        inputs {
            samples: "Which anchors take part.",
            matches: "The box of each anchor.",
            anchors: "The anchors.",
            refs: "The boxes.",
            means: "What is subtracted from the offsets.",
            stds: "What the offsets are divided by.",
        }
        params {}
    }
}

operator! {
    /// Boxes at offsets from anchors, by their corners: the centre is at `(x * std0 * w' + x', y * std1 * h' + y')`, the size is
    /// `(exp(w * std2) * w', exp(h * std3) * h')`, for an offset (x, y, w, h) and an anchor with centre (x', y') and size (w', h').
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (b, n, 4): the offsets | float |
    /// | anchors | (1, n, 4) | that of data |
    /// | output | (b, n, 4): left, top, right, bottom | that of data |
    ///
    /// The gradients are zero.
    pub struct BoxDecode("_contrib_box_decode") {
        inputs { data: "The offsets.", anchors: "The anchors." }
        params {
            /// What x is multiplied by.
            std0: f32 = 1.0,
            /// What y is multiplied by.
            std1: f32 = 1.0,
            /// What w is multiplied by.
            std2: f32 = 1.0,
            /// What h is multiplied by.
            std3: f32 = 1.0,
            /// If positive, the most that `w * std2` and `h * std3` count.
            clip: f32 = -1.0,
            /// What the numbers of an anchor are: `corner` for left, top, right, bottom; `center` for x, y, width, height.
            format: Format = Format::Center,
        }
    }
}

fn encode<T: Float>(io: &mut Io) -> OpResult {
    let at = |i: usize| io.inputs[i].slice::<T>();
    let counts = (io.inputs[2].shape()[1], io.inputs[3].shape()[1]);
    let e = Encoding {
        samples: at(0)?,
        matches: at(1)?,
        anchors: at(2)?,
        refs: at(3)?,
        means: at(4)?,
        stds: at(5)?,
        counts,
    };
    let [targets, masks] = &mut *io.outputs else { return Err(OpError::invalid("has two outputs")) };
    box_encode(e, targets.slice_mut()?, masks.slice_mut()?);
    Ok(())
}

impl Operator for BoxEncode {
    fn num_outputs(&self) -> usize {
        2
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let dims = |i: usize, io: &ShapeIo| (io.inputs[i].dim(0), io.inputs[i].dim(1));
        let (samples, matches, anchors) = (dims(0, io), dims(1, io), dims(2, io));
        let batch = anchors.0.or(samples.0).or(matches.0);
        let count = anchors.1.or(samples.1).or(matches.1);
        io.set_input(0, PartialShape::partial([batch, count]))?;
        io.set_input(1, PartialShape::partial([batch, count]))?;
        io.set_input(2, PartialShape::partial([batch, count, Some(4)]))?;
        io.set_input(3, PartialShape::partial([batch, None, Some(4)]))?;
        io.set_input(4, [4])?;
        io.set_input(5, [4])?;
        (0..2).try_for_each(|o| io.set_output(o, PartialShape::partial([batch, count, Some(4)])))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => encode::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, _: &mut Grad) -> GraphResult {
        Ok(())
    }
}

impl BoxDecode {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (data, anchors) = (&io.inputs[0], &io.inputs[1]);
        let stds = [self.std0, self.std1, self.std2, self.std3].map(f64::from);
        let clip = (self.clip > 0.0).then_some(f64::from(self.clip));
        box_decode::<T>(self.format.boxes(), stds, clip, data.slice()?, anchors.slice()?, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

impl Operator for BoxDecode {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        io.set_input(0, PartialShape::partial([None, None, Some(4)]))?;
        box_extents(&io.inputs[1], "anchors")?;
        let count = io.inputs[0].dim(1);
        io.set_input(1, PartialShape::partial([Some(1), count, Some(4)]))?;
        io.unify([Port::Input(0), Port::Output(0)])
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
    use crate::support::tests::{assert_close, infer, run, t32};

    #[test]
    fn decoding_undoes_encoding() {
        let anchors = t32([1, 2, 4], &[0.0, 0.0, 2.0, 4.0, 1.0, 1.0, 3.0, 2.0]);
        let refs = t32([1, 1, 4], &[0.5, 0.5, 2.0, 3.0]);
        let (means, stds) = (t32([4], &[0.0; 4]), t32([4], &[0.1, 0.1, 0.2, 0.2]));
        let pick = [t32([1, 2], &[1.0, 0.0]), t32([1, 2], &[0.0, 0.0])];
        let [samples, matches] = pick;
        let out = run(&BoxEncode {}, &[samples, matches, anchors.clone(), refs, means, stds]);
        assert_close(&out[1], &[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        let op = BoxDecode { std0: 0.1, std1: 0.1, std2: 0.2, std3: 0.2, clip: -1.0, format: Format::Corner };
        let boxes = run(&op, &[out[0].clone(), anchors]).remove(0);
        assert_close(&boxes, &[0.5, 0.5, 2.0, 3.0, 1.0, 1.0, 3.0, 2.0]);
    }

    #[test]
    fn shapes_flow() {
        let got = infer(&BoxEncode {}, &[&[2, 5], &[], &[], &[0, 3, 0], &[], &[]], &[]).unwrap();
        assert_eq!(got[1..7], [vec![2, 5], vec![2, 5, 4], vec![2, 3, 4], vec![4], vec![4], vec![2, 5, 4]]);
        let op = BoxDecode { std0: 1.0, std1: 1.0, std2: 1.0, std3: 1.0, clip: -1.0, format: Format::Center };
        assert_eq!(infer(&op, &[&[2, 5, 4], &[1, 5, 4]], &[]).unwrap()[2], [2, 5, 4]);
        assert!(infer(&op, &[&[2, 5, 4], &[1, 6, 4]], &[]).is_err());
    }
}
