//! `_contrib_box_iou`: how much boxes overlap.

use super::Format;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::boxes::box_iou;
use rsym_tensor::{Float, PartialShape, dispatch_float};

operator! {
    /// Intersection over union of every box of one array with every box of another.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | lhs | (a…, 4) | float |
    /// | rhs | (b…, 4) | that of lhs |
    /// | output | (a…, b…) | that of lhs |
    ///
    /// The gradients are zero.
    pub struct BoxIou("_contrib_box_iou") {
        inputs { lhs: "Boxes.", rhs: "Other boxes." }
        params {
            /// What the numbers of a box are: `corner` for left, top, right, bottom; `center` for x, y, width, height.
            format: Format = Format::Corner,
        }
    }
}

/// The known extents of boxes, without the four numbers; checks that there are four.
pub(super) fn box_extents(shape: &PartialShape, name: &str) -> OpResult<Option<Vec<Option<usize>>>> {
    let Some(dims) = shape.dims() else { return Ok(None) };
    match dims.split_last() {
        Some((last, lead)) if !lead.is_empty() && last.is_none_or(|n| n == 4) => Ok(Some(lead.to_vec())),
        _ => Err(OpError::invalid(format!("{name} must have shape (…, 4) with at least two dimensions, got {shape}"))),
    }
}

impl BoxIou {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        box_iou::<T>(
            self.format.boxes(),
            io.inputs[0].slice()?,
            io.inputs[1].slice()?,
            io.outputs[0].slice_mut()?,
        );
        Ok(())
    }
}

impl Operator for BoxIou {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let (lhs, rhs) = (box_extents(&io.inputs[0], "lhs")?, box_extents(&io.inputs[1], "rhs")?);
        match lhs.zip(rhs) {
            Some((lhs, rhs)) => io.set_output(0, PartialShape::partial(lhs.into_iter().chain(rhs))),
            None => Ok(()),
        }
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
    fn every_pair_has_its_overlap() {
        let op = BoxIou { format: Format::Corner };
        let (lhs, rhs) = (t32([2, 4], &[0.5, 0.5, 1.0, 1.0, 0.0, 0.0, 0.5, 0.5]), t32([1, 4], &[0.25, 0.25, 0.75, 0.75]));
        assert_close(&run(&op, &[lhs, rhs])[0], &[1.0 / 7.0, 1.0 / 7.0]);
        assert_eq!(infer(&op, &[&[2, 3, 4], &[5, 4]], &[]).unwrap()[2], [2, 3, 5]);
        assert!(infer(&op, &[&[2, 3], &[5, 4]], &[]).is_err());
        assert!(infer(&op, &[&[4], &[5, 4]], &[]).is_err());
    }
}
