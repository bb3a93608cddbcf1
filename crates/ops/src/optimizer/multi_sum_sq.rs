//! `multi_sum_sq`: the sums of squares of several arrays.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::update::sum_of_squares;
use rsym_tensor::{DType, dispatch_float};
use std::borrow::Cow;

operator! {
    /// The sum of the squares of every array.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | each input | any | float, all equal |
    /// | output | (num_arrays,) | float32 |
    ///
    /// Sums are carried in double precision.
    #[list(true)]
    pub struct MultiSumSq("multi_sum_sq") {
        inputs {
            data: "The arrays.",
        }
        params {
            /// Number of arrays.
            #[range(1..)]
            num_arrays: i32,
        }
    }
}

impl Operator for MultiSumSq {
    fn inputs(&self) -> Names {
        (0..self.num_arrays).map(|i| Cow::Owned(format!("array_{i}"))).collect()
    }

    fn num_inputs(&self) -> usize {
        self.num_arrays as usize
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.set_output(0, [self.num_arrays as usize])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&(0..self.num_inputs()).collect::<Vec<_>>(), &[])?;
        io.set_output(0, DType::Float32)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        for (x, out) in io.inputs.iter().zip(io.outputs[0].slice_mut::<f32>()?) {
            let dtype = x.dtype();
            *out = dispatch_float!(dtype, T => sum_of_squares(x.slice::<T>()?), else return unsupported(dtype, "a float type")) as f32;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{run, t32};

    #[test]
    fn one_sum_for_each_array() {
        let out = run(&MultiSumSq { num_arrays: 2 }, &[t32([2, 2], &[1.0, 2.0, 3.0, 4.0]), t32([1], &[-5.0])]);
        assert_eq!(out[0].to_f64_vec(), [30.0, 25.0]);
    }
}
