//! `_slice_assign` and `_slice_assign_scalar`: a copy with another content in a window.

use super::window::{Bounds, selections, window, window_shape};
use rsym_graph::*;
use rsym_kernels::arrange;
use rsym_tensor::{Element, dispatch};

operator! {
    /// Copies lhs and replaces a window of it: `out = lhs; out[begin:end:step] = rhs`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | lhs | any | any |
    /// | rhs | the extents of the window | that of lhs |
    /// | output | that of lhs | that of lhs |
    ///
    /// There is no gradient.
    #[aliases("_crop_assign", "_npi_slice_assign")]
    pub struct SliceAssign("_slice_assign") {
        inputs { lhs: "The input.", rhs: "What the window holds afterwards." }
        params {
            /// First position of each axis, as in `slice`.
            begin: Bounds,
            /// Position after the last of each axis, as in `slice`.
            end: Bounds,
            /// Distance of the positions, as in `slice`.
            step: Bounds = Bounds::new(),
        }
    }
}

operator! {
    /// Copies data and fills a window of it: `out = data; out[begin:end:step] = scalar`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | output | that of data | that of data |
    ///
    /// There is no gradient.
    #[aliases("_crop_assign_scalar", "_npi_slice_assign_scalar")]
    #[unnamed(true)]
    pub struct SliceAssignScalar("_slice_assign_scalar") {
        inputs { data: "The input." }
        params {
            /// What the window holds afterwards.
            scalar: f64 = 0.0,
            /// First position of each axis, as in `slice`.
            begin: Bounds,
            /// Position after the last of each axis, as in `slice`.
            end: Bounds,
            /// Distance of the positions, as in `slice`.
            step: Bounds = Bounds::new(),
        }
    }
}

impl Operator for SliceAssign {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        let Some(rank) = io.inputs[0].rank() else { return Ok(()) };
        let list = selections(&self.begin, &self.end, &self.step, rank)?;
        io.set_input(1, window_shape(&io.inputs[0], &list))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = io.outputs[0].shape().clone();
        let axes = window(&dims, &selections(&self.begin, &self.end, &self.step, dims.len())?);
        if axes.iter().map(|a| a.count).ne(io.inputs[1].shape().iter().copied()) {
            return Err(OpError::invalid(format!("rhs of shape {} does not fill the window", io.inputs[1].shape())));
        }
        let rhs = &io.inputs[1];
        let (lhs, out) = io.pair(0, 0);
        out.assign(lhs)?;
        dispatch!(out.dtype(), T => arrange::slice_assign(rhs.slice::<T>()?, &dims, &axes, out.slice_mut::<T>()?));
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

impl Operator for SliceAssignScalar {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()?;
        let rank = io.inputs[0].rank().unwrap_or(usize::MAX);
        selections(&self.begin, &self.end, &self.step, rank).map(|_| ())
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = io.outputs[0].shape().clone();
        let axes = window(&dims, &selections(&self.begin, &self.end, &self.step, dims.len())?);
        let count = axes.iter().map(|a| a.count).product();
        let (data, out) = io.pair(0, 0);
        out.assign(data)?;
        dispatch!(out.dtype(), T => {
            let values = vec![T::from_f64(self.scalar); count];
            arrange::slice_assign(&values, &dims, &axes, out.slice_mut::<T>()?)
        });
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run, t32};

    fn bounds(text: &str) -> Bounds {
        Bounds::parse(text).unwrap()
    }

    #[test]
    fn the_window_is_replaced() {
        let x = t32([2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let op = SliceAssign { begin: bounds("(0, 1)"), end: bounds("(None, None)"), step: bounds("(1, 2)") };
        let out = run(&op, &[x.clone(), t32([2, 1], &[8.0, 9.0])]);
        assert_eq!(out[0].to_f64_vec(), [1.0, 8.0, 3.0, 4.0, 9.0, 6.0]);
        let op = SliceAssignScalar { scalar: 7.0, begin: bounds("(1,)"), end: bounds("(2,)"), step: bounds("()") };
        let mut outputs = [x.clone()];
        op.forward(&mut Io { inputs: &[x], outputs: &mut outputs }, &Ctx::default()).unwrap();
        assert_eq!(outputs[0].to_f64_vec(), [1.0, 2.0, 3.0, 7.0, 7.0, 7.0]);
    }

    #[test]
    fn the_window_tells_the_shape_of_its_content() {
        let op = SliceAssign { begin: bounds("(1,)"), end: bounds("(3,)"), step: bounds("()") };
        assert_eq!(infer(&op, &[&[4, 2], &[]], &[]).unwrap()[1], [2, 2]);
        assert!(infer(&op, &[&[4, 2], &[3, 2]], &[]).is_err());
    }
}
