//! `add_n`: the sum of several tensors of one shape.

use super::apply::point;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::elementwise::{accumulate, sum_all};
use rsym_kernels::fused::Op;
use rsym_kernels::number::Number;
use rsym_tensor::{Tensor, dispatch_num};
use std::borrow::Cow;

operator! {
    /// Adds all inputs element by element: `out = arg0 + arg1 + … + argN`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | each input | any, all equal | any, all equal |
    /// | output | that shape | that dtype |
    #[aliases("ElementWiseSum", "_sparse_ElementWiseSum", "_sparse_add_n")]
    #[variadic("num_args")]
    pub struct AddN("add_n") {
        inputs {}
        params {
            /// Number of inputs.
            #[range(1..)]
            num_args: i32,
        }
    }
}

impl Operator for AddN {
    fn inputs(&self) -> Names {
        (0..self.num_args).map(|i| Cow::Owned(format!("arg{i}"))).collect()
    }

    fn num_inputs(&self) -> usize {
        self.num_args as usize
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_num!(dtype, T => sum::<T>(io), else unsupported(dtype, "a float or integer type"))
    }

    fn pointwise(&self) -> Option<Pointwise> {
        let op = if self.num_args == 1 { Op::Copy } else { Op::Add };
        point(Some(op), self.num_args as usize)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        (0..g.num_inputs()).for_each(|i| g.set(i, head.clone()));
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

fn sum<T: Number>(io: &mut Io) -> OpResult {
    let shared: Vec<bool> = (0..io.inputs.len()).map(|i| io.is_inplace(i, 0)).collect();
    if shared[0] && !shared[1..].contains(&true) {
        let out = io.outputs[0].slice_mut::<T>()?;
        return io.inputs[1..].iter().try_for_each(|term| {
            accumulate(term.slice::<T>()?, out);
            Ok(())
        });
    }
    let own = |(t, shared): (&Tensor, &bool)| if *shared { t.deep_copy() } else { Ok(t.clone()) };
    let terms = io.inputs.iter().zip(&shared).map(own).collect::<Result<Vec<_>, _>>()?;
    let terms = terms.iter().map(|t| t.slice::<T>()).collect::<Result<Vec<_>, _>>()?;
    sum_all(&terms, io.outputs[0].slice_mut::<T>()?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run};
    use rsym_tensor::DType;

    #[test]
    fn adds_every_input() {
        let inputs = [1i32, 2, 40].map(|v| Tensor::from_slice([2], &[v, -v]).unwrap());
        assert_eq!(run(&AddN { num_args: 3 }, &inputs)[0].to_f64_vec(), [43.0, -43.0]);
        let mut outputs = [inputs[0].clone()];
        AddN { num_args: 3 }.forward(&mut Io { inputs: &inputs, outputs: &mut outputs }, &Ctx::default()).unwrap();
        assert_eq!(outputs[0].to_f64_vec(), [43.0, -43.0]);
    }

    #[test]
    fn one_tensor_may_be_every_operand() {
        let x = Tensor::from_slice([2], &[3f32, 5.0]).unwrap();
        let inputs = [x.clone(), x.clone(), x.clone()];
        AddN { num_args: 3 }.forward(&mut Io { inputs: &inputs, outputs: &mut [x.clone()] }, &Ctx::default()).unwrap();
        assert_eq!(x.to_f64_vec(), [9.0, 15.0]);
    }

    #[test]
    fn gradient_agrees_with_differences() {
        check_gradient(&AddN { num_args: 3 }, &[[2].into(), [2].into(), [2].into()], DType::Float64);
    }
}
