//! `stack`: joining along a new axis.

use super::moves::around;
use super::split::SliceChannel;
use crate::support::axis_of;
use rsym_graph::*;
use rsym_kernels::arrange;
use rsym_tensor::{Element, PartialShape, dispatch};
use std::borrow::Cow;

operator! {
    /// Joins inputs of one shape along a new axis.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | each input | any, all equal | any, all equal |
    /// | output | that shape with `num_args` at `axis` | that dtype |
    #[variadic("num_args")]
    pub struct Stack("stack") {
        inputs {}
        params {
            /// Place of the new axis in the output; negative numbers count from the end.
            axis: i32 = 0,
            /// Number of inputs.
            #[range(1..)]
            num_args: i32,
        }
    }
}

impl Operator for Stack {
    fn inputs(&self) -> Names {
        (0..self.num_args).map(|i| Cow::Owned(format!("arg{i}"))).collect()
    }

    fn num_inputs(&self) -> usize {
        self.num_args as usize
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let ports: Vec<Port> = (0..io.inputs.len()).map(Port::Input).collect();
        if let Some(dims) = io.outputs[0].dims().filter(|d| !d.is_empty()) {
            let axis = axis_of(self.axis as i64, dims.len())?;
            let rest = dims.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, d)| *d);
            io.set_input(0, PartialShape::partial(rest))?;
        }
        io.unify(ports)?;
        let Some(mut dims) = io.inputs[0].dims() else { return Ok(()) };
        dims.insert(axis_of(self.axis as i64, dims.len() + 1)?, Some(self.num_inputs()));
        io.set_output(0, PartialShape::partial(dims))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        dispatch!(io.outputs[0].dtype(), T => self.run::<T>(io))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let op = SliceChannel { num_outputs: self.num_args, axis: self.axis, squeeze_axis: true };
        let gradients = g.apply_multi(op, &[head]);
        gradients.into_iter().enumerate().for_each(|(i, gradient)| g.set(i, gradient));
        Ok(())
    }
}

impl Stack {
    fn run<T: Element>(&self, io: &mut Io) -> OpResult {
        let axis = axis_of(self.axis as i64, io.outputs[0].shape().len())?;
        let (outer, _, inner) = around(io.outputs[0].shape(), axis);
        let parts = io.inputs.iter().map(|t| Ok((t.slice::<T>()?, 1))).collect::<OpResult<Vec<_>>>()?;
        arrange::concat(&parts, outer, inner, io.outputs[0].slice_mut::<T>()?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    #[test]
    fn inputs_become_slices_of_the_new_axis() {
        let (x, y) = (t32([2], &[1.0, 2.0]), t32([2], &[3.0, 4.0]));
        let out = run(&Stack { axis: -1, num_args: 2 }, &[x, y]).remove(0);
        assert_eq!(out.to_f64_vec(), [1.0, 3.0, 2.0, 4.0]);
    }

    #[test]
    fn shapes_flow_in_both_directions() {
        let op = Stack { axis: 1, num_args: 2 };
        assert_eq!(infer(&op, &[&[0, 3], &[2, 0]], &[]).unwrap(), [vec![2, 3], vec![2, 3], vec![2, 2, 3]]);
        assert_eq!(infer(&op, &[&[], &[]], &[&[4, 2, 3]]).unwrap()[1], [4, 3]);
        assert!(infer(&op, &[&[2, 3], &[3, 2]], &[]).is_err());
        assert!(infer(&Stack { axis: 3, num_args: 1 }, &[&[2, 3]], &[]).is_err());
    }

    #[test]
    fn gradient_agrees_with_differences() {
        check_gradient(&Stack { axis: 1, num_args: 3 }, &vec![[2, 3].into(); 3], DType::Float64);
    }
}
