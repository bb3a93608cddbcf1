//! `Cast`: conversion of the data type.

use rsym_graph::*;
use rsym_kernels::parallel::map_indices;
use rsym_tensor::{DType, Tensor};

operator! {
    /// Converts to another data type: `out = dtype(data)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | output | that of data | `dtype` |
    ///
    /// Conversion to integers truncates towards zero and wraps around; conversion to bool asks for "not zero". The
    /// gradient is converted back to the type of data.
    #[aliases("_npi_cast", "_npx_cast", "cast")]
    pub struct Cast("Cast") {
        inputs { data: "The input." }
        params {
            /// The type of the output.
            dtype: DType,
        }
    }
}

operator! {
    /// Converts a gradient to the type of the input.
    #[hidden(true)]
    pub struct CastLike("_backward_cast") {
        inputs { ograd: "Gradient of the output.", data: "Has the type; its values are not read." }
        params {}
    }
}

/// Elements that are converted by one task.
const PART: usize = 1 << 15;

/// Converts the elements of `data` to the type of `out`, which has as many.
pub(crate) fn convert(data: &Tensor, out: &Tensor) -> OpResult {
    let size = out.size();
    let (data, out) = (data.reshape([size])?, out.reshape([size])?);
    let part = |i: usize| (i * PART, size.min((i + 1) * PART));
    let task = |i| out.rows(part(i).0, part(i).1)?.assign(&data.rows(part(i).0, part(i).1)?);
    map_indices(size.div_ceil(PART), 2 * PART, task).into_iter().collect::<Result<(), _>>().map_err(OpError::from)
}

impl Operator for Cast {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_output(0, self.dtype)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        convert(&io.inputs[0], &io.outputs[0])
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(CastLike {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for CastLike {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[1], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        convert(&io.inputs[0], &io.outputs[0])
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(CastLike {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run};

    #[test]
    fn truncates_and_wraps() {
        let x = Tensor::from_slice([3], &[-2.5f32, 300.0, 0.5]).unwrap();
        let to = |dtype| run(&Cast { dtype }, std::slice::from_ref(&x)).remove(0);
        assert_eq!(to(DType::UInt8).to_f64_vec(), [254.0, 44.0, 0.0]);
        assert_eq!(to(DType::Int64).to_f64_vec(), [-2.0, 300.0, 0.0]);
        assert_eq!(to(DType::Bool).to_f64_vec(), [1.0; 3]);
        assert_eq!(to(DType::Float16).dtype(), DType::Float16);
    }

    #[test]
    fn large_tensors_are_converted_in_parts() {
        let values: Vec<f32> = (0..100_001).map(|i| i as f32).collect();
        let out = run(&Cast { dtype: DType::Int32 }, &[Tensor::from_slice([100_001], &values).unwrap()]).remove(0);
        assert!(out.slice::<i32>().unwrap().iter().enumerate().all(|(i, &v)| v == i as i32));
    }

    #[test]
    fn the_gradient_has_the_type_of_the_input() {
        check_gradient(&Cast { dtype: DType::Float64 }, &[[4].into()], DType::Float64);
        let (head, data) = (Tensor::full([2], DType::Float16, 0.5).unwrap(), Tensor::zeros([2], DType::Float64).unwrap());
        let back = run(&CastLike {}, &[head, data]).remove(0);
        assert_eq!((back.dtype(), back.to_f64_vec()), (DType::Float64, vec![0.5; 2]));
    }
}
