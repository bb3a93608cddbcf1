//! Reductions over axes: sums, products, means and extremes.

use super::reduce_grad::{ReduceGrad, Reduced};
use super::reduced::{reduced_axes, reduced_shape};
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::reduce::{Reduction, reduce};
use rsym_tensor::{DType, Tensor, dispatch_num};

/// Reduces `data` over `axes` into `out`.
pub(super) fn run(kind: Reduction, data: &Tensor, axes: &[usize], out: &mut Tensor) -> OpResult {
    if matches!(kind, Reduction::Max | Reduction::Min) && data.size() == 0 {
        return Err(OpError::invalid("there is no largest or smallest of no elements"));
    }
    if out.dtype() == DType::Bool {
        return run_truth(kind, data, axes, out);
    }
    dispatch_num!(out.dtype(), T => {
        reduce::<T>(kind, data.slice()?, data.shape(), axes, out.slice_mut()?);
        Ok(())
    }, else unsupported(out.dtype(), "a float or integer type"))
}

/// As `run` on truth values: products and the smallest are true if all are, everything else if any is.
fn run_truth(kind: Reduction, data: &Tensor, axes: &[usize], out: &mut Tensor) -> OpResult {
    let all = matches!(kind, Reduction::Prod | Reduction::NanProd | Reduction::Min);
    let mut bytes = Tensor::zeros(data.shape().clone(), DType::UInt8)?;
    let mut reduced = Tensor::zeros(out.shape().clone(), DType::UInt8)?;
    bytes.assign(data)?;
    let kind = if all { Reduction::Min } else { Reduction::Max };
    reduce::<u8>(kind, bytes.slice()?, data.shape(), axes, reduced.slice_mut()?);
    Ok(out.assign(&reduced)?)
}

/// Declares a reduction and the derivative that its gradient is made of.
macro_rules! reduction {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, [$($alias:literal),*]) = $kind:ident) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | data | any | any; of truth values the result is one |
            /// | output | that of data without the reduced axes, or with 1 there; `(1,)` if none is left | that of data |
            #[aliases($($alias),*)]
            #[unnamed(true)]
            pub struct $op($name) {
                inputs { data: "The input." }
                params {
                    /// The axes to reduce, negative ones counted from the end; all if empty or None.
                    axis: Option<Tuple> = None,
                    /// Keep the reduced axes with extent 1.
                    keepdims: bool = false,
                    /// Reduce the axes that `axis` does not name instead.
                    exclude: bool = false,
                }
            }
        }

        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
                let axes = reduced_axes(&self.axis, self.exclude, dims.len())?;
                io.set_output(0, reduced_shape(&dims, &axes, self.keepdims))
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let (data, out) = io.pair(0, 0);
                run(Reduction::$kind, data, &reduced_axes(&self.axis, self.exclude, data.shape().len())?, out)
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                let op = ReduceGrad { of: Reduced::$kind, axis: self.axis.clone(), exclude: self.exclude };
                op.apply(g)
            }
        }
    };
}

reduction! {
    /// Adds up all elements along axes: `out = Σ data`.
    Sum("sum", ["_sparse_sum", "sum_axis"]) = Sum
}

reduction! {
    /// Takes the mean of all elements along axes: `out = Σ data / n`.
    Mean("mean", ["_sparse_mean"]) = Mean
}

reduction! {
    /// Multiplies all elements along axes: `out = Π data`.
    ///
    /// The gradient is right even where elements are 0; MXNet's is NaN there.
    Prod("prod", []) = Prod
}

reduction! {
    /// Adds up all elements along axes, NaN counting as 0.
    NanSum("nansum", []) = NanSum
}

reduction! {
    /// Multiplies all elements along axes, NaN counting as 1.
    ///
    /// The gradient is right even where elements are 0; MXNet's is NaN there.
    NanProd("nanprod", []) = NanProd
}

reduction! {
    /// Takes the largest element along axes; NaN if there is one.
    ///
    /// Every element that equals the largest gets the full gradient.
    Max("max", ["max_axis"]) = Max
}

reduction! {
    /// Takes the smallest element along axes; NaN if there is one.
    ///
    /// Every element that equals the smallest gets the full gradient.
    Min("min", ["min_axis"]) = Min
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, check_gradient_at, run};

    fn axes(axes: &[i64]) -> Option<Tuple> {
        Some(Tuple::from_slice(axes))
    }

    #[test]
    fn reduces_along_axes() {
        let x = [Tensor::from_slice([2, 3], &[1i32, 5, 2, 7, 0, 7]).unwrap()];
        let value = |op: &dyn Operator| run(op, &x).remove(0).to_f64_vec();
        assert_eq!(value(&Sum { axis: axes(&[1]), keepdims: false, exclude: false }), [8.0, 14.0]);
        assert_eq!(value(&Mean { axis: None, keepdims: true, exclude: false }), [3.0]);
        assert_eq!(value(&Max { axis: axes(&[1]), keepdims: false, exclude: true }), [7.0, 5.0, 7.0]);
        assert_eq!(value(&Min { axis: axes(&[-2]), keepdims: true, exclude: false }), [1.0, 0.0, 2.0]);
        assert_eq!(value(&Prod { axis: axes(&[1]), keepdims: false, exclude: false }), [10.0, 0.0]);
    }

    // MXNet 1.9.1.
    #[test]
    fn truth_values_are_joined() {
        let x = [Tensor::from_slice([2, 2], &[true, false, true, true]).unwrap()];
        let value = |op: &dyn Operator| run(op, &x).remove(0).to_f64_vec();
        assert_eq!(value(&Sum { axis: axes(&[1]), keepdims: false, exclude: false }), [1.0, 1.0]);
        assert_eq!(value(&Mean { axis: None, keepdims: false, exclude: false }), [1.0]);
        assert_eq!(value(&Prod { axis: axes(&[1]), keepdims: false, exclude: false }), [0.0, 1.0]);
        assert_eq!(value(&Min { axis: axes(&[0]), keepdims: false, exclude: false }), [1.0, 0.0]);
    }

    #[test]
    fn not_a_number_counts_as_neutral() {
        let x = Tensor::from_slice([3], &[2.0, f64::NAN, 3.0]).unwrap();
        let (sum, prod) = (
            NanSum { axis: None, keepdims: false, exclude: false },
            NanProd { axis: None, keepdims: false, exclude: false },
        );
        assert_eq!(run(&sum, std::slice::from_ref(&x))[0].to_f64_vec(), [5.0]);
        assert_eq!(run(&prod, &[x])[0].to_f64_vec(), [6.0]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let (keepdims, shapes) = (false, [[2, 3, 2].into()]);
        for (axis, exclude) in [(None, false), (axes(&[1]), false), (axes(&[0, -1]), false), (axes(&[1]), true)] {
            check_gradient(&Sum { axis: axis.clone(), keepdims, exclude }, &shapes, DType::Float64);
            check_gradient(&Mean { axis: axis.clone(), keepdims, exclude }, &shapes, DType::Float64);
            check_gradient(&Prod { axis: axis.clone(), keepdims, exclude }, &shapes, DType::Float64);
            check_gradient(&NanSum { axis: axis.clone(), keepdims, exclude }, &shapes, DType::Float64);
            check_gradient(&NanProd { axis: axis.clone(), keepdims, exclude }, &shapes, DType::Float64);
            check_gradient(&Max { axis: axis.clone(), keepdims, exclude }, &shapes, DType::Float64);
            check_gradient(&Min { axis, keepdims, exclude }, &shapes, DType::Float64);
        }
    }

    #[test]
    fn the_gradient_of_a_product_with_zeros() {
        let x = Tensor::from_slice([3, 3], &[2.0, 0.0, 3.0, 0.0, 5.0, 0.0, 1.0, 2.0, 4.0]).unwrap();
        check_gradient_at(&Prod { axis: axes(&[1]), keepdims: false, exclude: false }, &[x]);
    }
}
