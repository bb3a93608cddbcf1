//! `all_finite` and `multi_all_finite`: whether gradients have overflowed.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::update::all_finite;
use rsym_tensor::{DType, Tensor, dispatch_float};
use std::borrow::Cow;

operator! {
    /// 1 if no element is infinite or NaN, else 0.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float |
    /// | output | (1,) | float32 |
    ///
    /// With `init_output=False` a finite array leaves in `out` what it holds; without `out` the answer is 1 then as well.
    pub struct AllFinite("all_finite") {
        inputs {
            data: "The array.",
        }
        params {
            /// Set the output to 1 first.
            init_output: bool = true,
        }
    }
}

operator! {
    /// 1 if no element of any array is infinite or NaN, else 0.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | each input | any | float |
    /// | output | (1,) | float32 |
    ///
    /// `init_output` is that of `all_finite`.
    #[list(true)]
    pub struct MultiAllFinite("multi_all_finite") {
        inputs {
            data: "The arrays.",
        }
        params {
            /// Number of arrays.
            #[range(1..)]
            num_arrays: i32 = 1,
            /// Set the output to 1 first.
            init_output: bool = true,
        }
    }
}

fn is_finite(x: &Tensor) -> OpResult<bool> {
    let dtype = x.dtype();
    dispatch_float!(dtype, T => Ok(all_finite(x.slice::<T>()?)), else unsupported(dtype, "a float type"))
}

/// Writes the answer, which only a fault makes where the output is not to be set first.
fn answer(io: &mut Io, init: bool) -> OpResult {
    let finite = io.inputs.iter().map(is_finite).collect::<OpResult<Vec<_>>>()?.into_iter().all(|f| f);
    if init || !finite {
        io.outputs[0].fill(finite as u8 as f64);
    }
    Ok(())
}

macro_rules! finite {
    () => {
        fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
            io.set_output(0, [1])
        }

        fn infer_type(&self, io: &mut TypeIo) -> OpResult {
            io.set_output(0, DType::Float32)
        }

        fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
            answer(io, self.init_output)
        }
    };
}

impl Operator for AllFinite {
    finite!();
}

impl Operator for MultiAllFinite {
    fn inputs(&self) -> Names {
        (0..self.num_arrays).map(|i| Cow::Owned(format!("array_{i}"))).collect()
    }

    fn num_inputs(&self) -> usize {
        self.num_arrays as usize
    }

    finite!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{run, t32};

    #[test]
    fn one_bad_number_is_enough() {
        let (good, bad) = (t32([2], &[1.0, -3e38]), t32([2], &[1.0, f32::INFINITY]));
        let single = AllFinite { init_output: true };
        assert_eq!([&good, &bad].map(|x| run(&single, std::slice::from_ref(x))[0].to_f64_vec()[0]), [1.0, 0.0]);
        let both = MultiAllFinite { num_arrays: 2, init_output: true };
        assert_eq!(run(&both, &[good.clone(), bad.clone()])[0].to_f64_vec(), [0.0]);
        assert_eq!(run(&both, &[good.clone(), Tensor::zeros([0], DType::Float16).unwrap()])[0].to_f64_vec(), [1.0]);
        let kept = AllFinite { init_output: false };
        assert_eq!([&good, &bad].map(|x| run(&kept, std::slice::from_ref(x))[0].to_f64_vec()[0]), [77.0, 0.0]);
    }
}
