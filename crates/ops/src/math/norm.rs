//! `norm`: vector norms along axes.

use super::reduce::run;
use super::reduce_grad::{ReduceGrad, Reduced};
use super::reduced::{reduced_axes, reduced_shape};
use rsym_graph::*;
use rsym_kernels::reduce::Reduction;
use rsym_tensor::{DType, Tensor};

operator! {
    /// Takes the norm along axes: `out = Σ |data|` for order 1, `out = sqrt(Σ data²)` for order 2.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any; of truth values the result is one |
    /// | output | that of data without the reduced axes, or with 1 there; `(1,)` if none is left | `out_dtype`, or that of data |
    ///
    /// The gradient of order 2 is NaN where the norm is 0. `out_dtype` works; MXNet refuses it on the CPU.
    #[aliases("_sparse_norm")]
    #[unnamed(true)]
    pub struct Norm("norm") {
        inputs { data: "The input." }
        params {
            /// The order: 1 or 2.
            ord: i32 = 2,
            /// The axes to reduce, negative ones counted from the end; all if empty or None.
            axis: Option<Tuple> = None,
            /// Type of the output; that of data if None.
            out_dtype: Option<DType> = None,
            /// Keep the reduced axes with extent 1.
            keepdims: bool = false,
        }
    }
}

impl Operator for Norm {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        if self.ord != 1 && self.ord != 2 {
            return Err(OpError::invalid(format!("ord must be 1 or 2, got {}", self.ord)));
        }
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let axes = reduced_axes(&self.axis, false, dims.len())?;
        io.set_output(0, reduced_shape(&dims, &axes, self.keepdims))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        match self.out_dtype {
            Some(dtype) => io.set_output(0, dtype),
            None => io.same(),
        }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        let axes = reduced_axes(&self.axis, false, data.shape().len())?;
        let kind = if self.ord == 1 { Reduction::L1 } else { Reduction::L2 };
        if data.dtype() == out.dtype() {
            return run(kind, data, &axes, out);
        }
        let mut norm = Tensor::zeros(out.shape().clone(), data.dtype())?;
        run(kind, data, &axes, &mut norm)?;
        Ok(out.assign(&norm)?)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let of = if self.ord == 1 { Reduced::L1 } else { Reduced::L2 };
        ReduceGrad { of, axis: self.axis.clone(), exclude: false }.apply(g)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run};

    fn norm(ord: i32, axis: &[i64]) -> Norm {
        Norm { ord, axis: Some(Tuple::from_slice(axis)), out_dtype: None, keepdims: false }
    }

    #[test]
    fn both_orders() {
        let x = [Tensor::from_slice([2, 2], &[3f32, -4.0, 0.0, -2.0]).unwrap()];
        assert_eq!(run(&norm(2, &[1]), &x)[0].to_f64_vec(), [5.0, 2.0]);
        assert_eq!(run(&norm(1, &[]), &x)[0].to_f64_vec(), [9.0]);
        let wide = Norm { out_dtype: Some(DType::Float64), ..norm(2, &[-1]) };
        assert_eq!((run(&wide, &x)[0].dtype(), run(&wide, &x)[0].to_f64_vec()), (DType::Float64, vec![5.0, 2.0]));
        let (mut inputs, mut outputs) = ([[2].into()], [rsym_tensor::PartialShape::unknown()]);
        assert!(norm(3, &[]).infer_shape(&mut ShapeIo { inputs: &mut inputs, outputs: &mut outputs }).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        for ord in [1, 2] {
            check_gradient(&norm(ord, &[0]), &[[3, 2].into()], DType::Float64);
            check_gradient(&norm(ord, &[]), &[[3, 2].into()], DType::Float64);
        }
    }
}
