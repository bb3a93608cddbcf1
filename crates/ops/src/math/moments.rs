//! `moments`: mean and variance along axes.

use super::add_n::AddN;
use super::apply::{Arg, SquaredDifference, binary};
use super::reduce::run;
use super::reduce_grad::{ReduceGrad, Reduced};
use super::reduced::{kept_shape, reduced_axes, reduced_shape};
use rsym_graph::*;
use rsym_kernels::reduce::Reduction;
use rsym_tensor::Tensor;

operator! {
    /// Takes mean and variance along axes: `mean = Σ data / n`, `var = Σ (data - mean)² / n`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any but bool |
    /// | mean, var | that of data without the reduced axes, or with 1 there; `(1,)` if none is left | that of data |
    pub struct Moments("moments") {
        inputs { data: "The input." }
        params {
            /// The axes to reduce, negative ones counted from the end; at least one.
            axes: Option<Tuple> = None,
            /// Keep the reduced axes with extent 1.
            keepdims: bool = false,
        }
    }
}

impl Operator for Moments {
    fn num_outputs(&self) -> usize {
        2
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        if self.axes.as_ref().is_none_or(|a| a.is_empty()) {
            return Err(OpError::invalid("axes must not be empty: name every axis for the moments of all elements"));
        }
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let axes = reduced_axes(&self.axes, false, dims.len())?;
        let shape = reduced_shape(&dims, &axes, self.keepdims);
        io.set_output(0, shape.clone())?;
        io.set_output(1, shape)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let data = &io.inputs[0];
        let axes = reduced_axes(&self.axes, false, data.shape().len())?;
        run(Reduction::Mean, data, &axes, &mut io.outputs[0])?;
        let mean = io.outputs[0].reshape(kept_shape(data.shape(), &axes))?;
        let mut squares = Tensor::zeros(data.shape().clone(), data.dtype())?;
        binary::<SquaredDifference>(Arg::Tensor(data), Arg::Tensor(&mean), &mut squares)?;
        run(Reduction::Mean, &squares, &axes, &mut io.outputs[1])
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let by = |of| ReduceGrad { of, axis: self.axes.clone(), exclude: false };
        let mean = g.head_opt(0).map(|head| by(Reduced::Mean).entry(g, head, 0));
        let var = g.head_opt(1).map(|head| by(Reduced::Variance).entry(g, head, 0));
        match (mean, var) {
            (Some(mean), Some(var)) => {
                let sum = g.apply(AddN { num_args: 2 }, &[mean, var]);
                g.set(0, sum);
            }
            (one, other) => one.or(other).into_iter().for_each(|gradient| g.set(0, gradient)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run};
    use rsym_tensor::DType;

    #[test]
    fn mean_and_variance() {
        let x = [Tensor::from_slice([2, 3], &[1f32, 5.0, 2.0, 7.0, 0.0, 7.0]).unwrap()];
        let op = Moments { axes: Some(Tuple::from_slice(&[0])), keepdims: false };
        let out = run(&op, &x);
        assert_eq!((out[0].to_f64_vec(), out[1].to_f64_vec()), (vec![4.0, 2.5, 4.5], vec![9.0, 6.25, 6.25]));
        check_gradient(&op, &[[3, 2].into()], DType::Float64);
        check_gradient(&Moments { axes: Some(Tuple::from_slice(&[1, 0])), keepdims: true }, &[[3, 2].into()], DType::Float64);
    }
}
