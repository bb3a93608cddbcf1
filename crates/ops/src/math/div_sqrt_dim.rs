//! `_contrib_div_sqrt_dim`: scores of attention brought to unit variance.

use crate::support::{operand, unsupported};
use rsym_graph::*;
use rsym_kernels::elementwise::unary;
use rsym_kernels::number::{Number, c_cast};
use rsym_tensor::{Element, dispatch_num};

operator! {
    /// Divides by the square root of the last extent: `out = data / sqrt(data.shape[-1])`
    /// (A. Vaswani et al., "Attention Is All You Need", 2017).
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float or integer; integers are divided by the root without its fraction |
    /// | output | that of data | that of data |
    #[unnamed(true)]
    pub struct DivSqrtDim("_contrib_div_sqrt_dim") {
        inputs { data: "The input." }
        params {}
    }
}

impl Operator for DivSqrtDim {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let last = io.inputs[0].shape().last().copied().unwrap_or(1);
        let root = (last as f64).sqrt();
        let (factor, dtype) = (1.0 / root, io.outputs[0].dtype());
        dispatch_num!(dtype, T => {
            let (data, divisor) = (operand::<T>(io, 0, 0)?, c_cast::<T>(root));
            let out = io.outputs[0].slice_mut::<T>()?;
            match dtype.is_float() {
                true => unary(data, out, |x| T::from_f64(x.to_f64() * factor)),
                false => unary(data, out, |x| x.over(divisor)),
            }
            Ok(())
        }, else unsupported(dtype, "a float or integer type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let gradient = g.apply(DivSqrtDim {}, &[head]);
        g.set(0, gradient);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run, t32};
    use rsym_tensor::{DType, Tensor};

    #[test]
    fn the_last_extent_divides() {
        assert_eq!(run(&DivSqrtDim {}, &[t32([2, 4], &[1.0; 8])])[0].to_f64_vec(), [0.5; 8]);
        let whole = Tensor::from_slice([5], &[-5i32, 1, 2, 3, 4]).unwrap();
        assert_eq!(run(&DivSqrtDim {}, &[whole])[0].to_f64_vec(), [-2.0, 0.0, 1.0, 1.0, 2.0]);
        check_gradient(&DivSqrtDim {}, &[[2, 3].into()], DType::Float64);
    }
}
