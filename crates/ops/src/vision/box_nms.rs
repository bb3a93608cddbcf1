//! `_contrib_box_nms`: non-maximum suppression.

use super::Format;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::nms::{Suppression, box_nms, box_nms_backward};
use rsym_tensor::{DType, Float, PartialShape, Shape, dispatch_float};

operator! {
    /// Keeps of boxes that overlap the one with the highest score.
    ///
    /// Boxes that score more than `valid_thresh` and are not of the class `background_id` are taken best first, at most `topk` of
    /// them. A box stays if it overlaps none that stayed before by more than `overlap_thresh`; boxes of other classes do not count
    /// unless `force_suppress` is set. The boxes that stay come first in the output, in the order of their scores, and rows of -1
    /// follow. With `topk=0` the output is the input.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…, boxes, width), width at least 5, or 6 with a class | float |
    /// | output | that of data | that of data |
    ///
    /// The gradient of a row goes to the box that it was. As in MXNet, boxes whose first coordinate is negative keep their format.
    #[aliases("_contrib_box_non_maximum_suppression")]
    #[unnamed(true)]
    pub struct BoxNms("_contrib_box_nms") {
        inputs { data: "The boxes." }
        params {
            /// Boxes that overlap a better one by more than this are suppressed.
            overlap_thresh: f32 = 0.5,
            /// Boxes must score more than this.
            valid_thresh: f32 = 0.0,
            /// Boxes that are looked at, best first; -1 for all.
            topk: i32 = -1,
            /// Place of the first of the four coordinates in a row.
            coord_start: i32 = 2,
            /// Place of the score in a row.
            score_index: i32 = 1,
            /// Place of the class in a row; -1 for none.
            id_index: i32 = -1,
            /// The class that is left out.
            background_id: i32 = -1,
            /// Suppress boxes of other classes as well.
            force_suppress: bool = false,
            /// What the coordinates of the input are: `corner` for left, top, right, bottom; `center` for x, y, width, height.
            in_format: Format = Format::Corner,
            /// What the coordinates of the output are.
            out_format: Format = Format::Corner,
        }
    }
}

operator! {
    /// The gradient of `_contrib_box_nms`.
    #[hidden(true)]
    pub struct BoxNmsBackward("_backward_contrib_box_nms") {
        inputs { ograd: "Gradient of the output.", places: "Which box each row was." }
        params {}
    }
}

impl BoxNms {
    /// Refuses places outside of a row, and two things in one place.
    fn check(&self, width: usize) -> OpResult {
        let class = Some(self.id_index).filter(|&at| at >= 0);
        let coords = self.coord_start..self.coord_start.saturating_add(4);
        let named = [("score_index", Some(self.score_index)), ("id_index", class)];
        if coords.start < 0 || coords.end as usize > width {
            let text = format!("coord_start={} does not leave four coordinates in rows of {width}", coords.start);
            return Err(OpError::invalid(text));
        }
        for (name, at) in named.iter().filter_map(|(name, at)| at.map(|at| (name, at))) {
            if at < 0 || at as usize >= width || coords.contains(&at) {
                let text = format!("{name}={at} must be a place in rows of {width}, outside of the coordinates {coords:?}");
                return Err(OpError::invalid(text));
            }
        }
        if class == Some(self.score_index) {
            return Err(OpError::invalid(format!("score_index and id_index are both {}", self.score_index)));
        }
        Ok(())
    }

    fn suppression(&self, shape: &Shape) -> Suppression {
        let [.., boxes, width] = shape[..] else { return self.suppression(&[0, 0].into()) };
        Suppression {
            boxes,
            width,
            coords: self.coord_start as usize,
            score: self.score_index as usize,
            class: usize::try_from(self.id_index).ok(),
            background: f64::from(self.background_id),
            valid: f64::from(self.valid_thresh),
            overlap: f64::from(self.overlap_thresh),
            top: usize::try_from(self.topk).unwrap_or(usize::MAX),
            force: self.force_suppress,
            from: self.in_format.boxes(),
            to: self.out_format.boxes(),
        }
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let data = &io.inputs[0];
        let [out, places] = &mut *io.outputs else { return Err(OpError::invalid("has two outputs")) };
        box_nms::<T>(self.suppression(data.shape()), data.slice()?, out.slice_mut()?, places.slice_mut()?);
        Ok(())
    }
}

impl Operator for BoxNms {
    fn num_outputs(&self) -> usize {
        2
    }

    fn num_visible(&self) -> usize {
        1
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let Some((width, lead)) = dims.split_last().filter(|(_, lead)| !lead.is_empty()) else {
            return Err(OpError::invalid(format!("data must have shape (…, boxes, width), got {}", io.inputs[0])));
        };
        width.map_or(Ok(()), |width| self.check(width))?;
        io.set_output(1, PartialShape::partial(lead.iter().copied()))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])?;
        io.set_output(1, DType::Int64)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.output(1)];
        let gradient = g.apply(BoxNmsBackward {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl BoxNmsBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (head, places) = (&io.inputs[0], &io.inputs[1]);
        let [.., boxes, width] = head.shape()[..] else { return Err(OpError::invalid("takes rows of boxes")) };
        box_nms_backward::<T>((boxes, width), head.slice()?, places.slice()?, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

impl Operator for BoxNmsBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::support::tests::{assert_close, backward, infer, run, t32};

    fn make(params: &[(&str, &str)]) -> BoxNms {
        let texts = ParamTexts(params.iter().map(|(k, v)| (k.to_string().into(), v.to_string())).collect());
        BoxNms::from_texts(&texts).unwrap()
    }

    // Documentation of MXNet 1.9.1.
    #[test]
    fn boxes_and_gradients_of_mxnet() {
        let rows = [
            0.0, 0.5, 0.1, 0.1, 0.2, 0.2, 1.0, 0.4, 0.1, 0.1, 0.2, 0.2, 0.0, 0.3, 0.1, 0.1, 0.14, 0.14, 2.0, 0.6, 0.5, 0.5,
            0.7, 0.8,
        ];
        let op = make(&[("overlap_thresh", "0.1"), ("id_index", "0"), ("force_suppress", "True")]);
        let data = t32([4, 6], &rows);
        let out = run(&op, std::slice::from_ref(&data)).remove(0).to_f64_vec();
        assert_eq!((out[0], out[6], &out[12..]), (2.0, 0.0, &[-1.0; 12][..]));
        let head: Vec<f32> = (0..24).map(|i| (i / 6 + 1) as f32 / 10.0).collect();
        let gradient = backward(&op, &[data], &[Some(t32([4, 6], &head))]).remove(0).unwrap();
        let want = [[0.2; 6], [0.0; 6], [0.0; 6], [0.1; 6]].concat();
        assert_close(&gradient, &want);
    }

    #[test]
    fn rows_must_hold_what_is_asked_for() {
        assert_eq!(infer(&make(&[]), &[&[2, 3, 6]], &[]).unwrap()[1..], [vec![2, 3, 6], vec![2, 3]]);
        assert!(infer(&make(&[]), &[&[6]], &[]).is_err());
        for bad in [("coord_start", "3"), ("score_index", "2"), ("id_index", "1"), ("id_index", "6"), ("score_index", "-1")] {
            assert!(infer(&make(&[bad]), &[&[3, 6]], &[]).is_err(), "{bad:?}");
        }
        assert!(registry().make("_contrib_box_nms", &[("in_format", "middle")]).is_err());
    }
}
