//! `shape_array` and `size_array`: the extents of a tensor as data.

use rsym_graph::*;
use rsym_tensor::{DType, PartialShape};

operator! {
    /// Gives the shape of its input as a list of numbers.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | output | (number of axes,) | int64 |
    ///
    /// The gradient of data is zero.
    #[aliases("_npx_shape_array")]
    #[unnamed(true)]
    pub struct ShapeArray("shape_array") {
        inputs { data: "Has the shape; its values are not read." }
        params {}
    }
}

operator! {
    /// Gives the number of elements of its input.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | output | (1,) | int64 |
    ///
    /// The gradient of data is zero.
    #[unnamed(true)]
    pub struct SizeArray("size_array") {
        inputs { data: "Has the shape; its values are not read." }
        params {}
    }
}

macro_rules! extents {
    ($op:ident, |$shape:ident| $numbers:expr, |$rank:ident| $count:expr) => {
        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                let $rank = io.inputs[0].rank();
                io.set_output(0, PartialShape::partial([$count]))
            }

            fn infer_type(&self, io: &mut TypeIo) -> OpResult {
                io.set_output(0, DType::Int64)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let $shape = io.inputs[0].shape();
                let numbers: Vec<i64> = $numbers;
                io.outputs[0].slice_mut::<i64>()?.copy_from_slice(&numbers);
                Ok(())
            }

            fn gradient(&self, _: &mut Grad) -> GraphResult {
                Ok(())
            }

            fn reads(&self, _: usize) -> bool {
                false
            }
        }
    };
}

extents!(ShapeArray, |shape| shape.iter().map(|&d| d as i64).collect(), |rank| rank);
extents!(SizeArray, |shape| vec![shape.size() as i64], |_rank| Some(1));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run};
    use rsym_tensor::Tensor;

    #[test]
    fn extents_come_as_numbers() {
        let x = Tensor::zeros([2, 3, 4], DType::Float16).unwrap();
        let shape = run(&ShapeArray {}, std::slice::from_ref(&x)).remove(0);
        assert_eq!(shape.slice::<i64>().unwrap(), [2, 3, 4]);
        assert_eq!(run(&SizeArray {}, &[x])[0].slice::<i64>().unwrap(), [24]);
        assert_eq!(infer(&ShapeArray {}, &[&[0, 3]], &[]).unwrap()[1], [2]);
    }
}
