//! `clip`: values held between two bounds.

use super::apply::{Arg, point_with, single};
use crate::support::{operand, unsupported};
use super::formula::second;
use rsym_graph::*;
use rsym_kernels::elementwise::{binary, unary};
use rsym_kernels::fused::Op;
use rsym_kernels::math::clip;
use rsym_kernels::number::{Number, c_cast};
use rsym_tensor::{DType, dispatch_num};

operator! {
    /// Holds values between two bounds: `out = min(max(data, a_min), a_max)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any but bool |
    /// | output | that of data | that of data |
    ///
    /// The gradient passes where `a_min <= data <= a_max`. With `a_min > a_max`, values above `a_max` become `a_max`,
    /// others `a_min`.
    #[aliases("_npi_clip", "_sparse_clip")]
    #[unnamed(true)]
    pub struct Clip("clip") {
        inputs { data: "The input." }
        params {
            /// The lower bound.
            a_min: f32,
            /// The upper bound.
            a_max: f32,
        }
    }
}

operator! {
    /// The gradient of `clip`.
    #[hidden(true)]
    pub struct ClipGrad("_backward_clip") {
        inputs { ograd: "Gradient of the output.", data: "The input." }
        params {
            /// As in `clip`.
            a_min: f32,
            /// As in `clip`.
            a_max: f32,
        }
    }
}

impl Operator for Clip {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        if dtype == DType::Float32 {
            let bounds = [self.a_min, self.a_max].map(|b| Arg::Scalar(b as f64));
            let args = [Arg::input(io, 0), bounds[0], bounds[1]];
            return single(Op::Clip, &args, &mut io.outputs[0]);
        }
        dispatch_num!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float or integer type"))
    }

    fn pointwise(&self) -> Option<Pointwise> {
        let bounds = [self.a_min, self.a_max].map(|b| PointArg::Scalar(b as f64));
        point_with(Some(Op::Clip), &[PointArg::Input(0), bounds[0], bounds[1]])
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(ClipGrad { a_min: self.a_min, a_max: self.a_max }, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

impl Clip {
    fn run<T: Number>(&self, io: &mut Io) -> OpResult {
        let (low, high): (T, T) = (c_cast(self.a_min as f64), c_cast(self.a_max as f64));
        unary(operand::<T>(io, 0, 0)?, io.outputs[0].slice_mut()?, |x| clip(x, low, high));
        Ok(())
    }
}

impl Operator for ClipGrad {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_num!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float or integer type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        second(g, self.clone(), |_| None)
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0), (1, 0)]
    }
}

impl ClipGrad {
    fn run<T: Number>(&self, io: &mut Io) -> OpResult {
        let (low, high): (T, T) = (c_cast(self.a_min as f64), c_cast(self.a_max as f64));
        let pass = |g: T, x: T| if x > high || x < low { T::default() } else { g };
        binary(operand::<T>(io, 0, 0)?, operand::<T>(io, 1, 0)?, io.outputs[0].slice_mut()?, pass);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient_at, run};
    use rsym_tensor::{Element, Tensor};

    fn clipped<T: Element>(a_min: f32, a_max: f32, x: &[T]) -> Vec<f64> {
        run(&Clip { a_min, a_max }, &[Tensor::from_slice([x.len()], x).unwrap()]).remove(0).to_f64_vec()
    }

    // MXNet 1.9.1.
    #[test]
    fn bounds_are_truncated_for_integers_and_may_be_crossed() {
        assert_eq!(clipped(1.5, 4.5, &[3f32, 0.0, 5.0]), [3.0, 1.5, 4.5]);
        assert_eq!(clipped(1.5, 4.5, &[3i8, 0, 5]), [3.0, 1.0, 4.0]);
        assert_eq!(clipped(3.0, 2.0, &[0f64, 2.5, 5.0]), [3.0, 2.0, 2.0]);
    }

    #[test]
    fn the_gradient_passes_at_the_bounds() {
        let x = Tensor::from_slice([4], &[-2.0, 0.5, 0.9, 3.0]).unwrap();
        check_gradient_at(&Clip { a_min: -1.0, a_max: 1.0 }, &[x]);
        let tensor = |x: [f64; 3]| Tensor::from_slice([3], &x).unwrap();
        let out = run(&ClipGrad { a_min: 0.0, a_max: 1.0 }, &[tensor([5.0, 6.0, 7.0]), tensor([0.0, 1.0, 2.0])]);
        assert_eq!(out[0].to_f64_vec(), [5.0, 6.0, 0.0]);
    }
}
