//! `one_hot`: positions as rows of a unit matrix.

use super::positions::whole_numbers;
use rsym_graph::*;
use rsym_kernels::index;
use rsym_tensor::{DType, Element, PartialShape, dispatch};

operator! {
    /// Makes a row of `depth` elements for every index: `on_value` at the index, `off_value` elsewhere.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | indices | any | any; fractions are cut off |
    /// | output | that of indices, then `depth` | `dtype` |
    ///
    /// An index outside of 0..depth gives a row of `off_value`. The gradient is zero.
    #[aliases("_npx_one_hot")]
    pub struct OneHot("one_hot") {
        inputs { indices: "The positions." }
        params {
            /// Length of the rows.
            #[range(0..)]
            depth: i32,
            /// The value at the index.
            on_value: f64 = 1.0,
            /// The value elsewhere.
            off_value: f64 = 0.0,
            /// The type of the output.
            dtype: DType = DType::Float32,
        }
    }
}

impl Operator for OneHot {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        if let Some(mut dims) = io.inputs[0].dims() {
            dims.push(Some(self.depth as usize));
            return io.set_output(0, PartialShape::partial(dims));
        }
        match io.outputs[0].dims() {
            Some(dims) if !dims.is_empty() => {
                io.set_input(0, PartialShape::partial(dims[..dims.len() - 1].iter().copied()))
            }
            _ => Ok(()),
        }
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_output(0, self.dtype)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let at = whole_numbers(&io.inputs[0])?;
        let out = &mut io.outputs[0];
        dispatch!(out.dtype(), T => {
            let (on, off) = (T::from_f64(self.on_value), T::from_f64(self.off_value));
            index::one_hot(&at, self.depth as usize, on, off, out.slice_mut::<T>()?)
        });
        Ok(())
    }

    fn gradient(&self, _: &mut Grad) -> GraphResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run, t32};

    #[test]
    fn rows_of_mxnet() {
        let op = OneHot { depth: 3, on_value: 5.0, off_value: -1.0, dtype: DType::Int32 };
        let out = run(&op, &[t32([3], &[1.9, 5.0, -1.0])]).remove(0);
        assert_eq!(out.dtype(), DType::Int32);
        assert_eq!(out.to_f64_vec(), [-1.0, 5.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0]);
        assert_eq!(infer(&op, &[&[0, 2]], &[]).unwrap()[1], [0, 2, 3]);
        assert_eq!(infer(&op, &[&[]], &[&[4, 3]]).unwrap()[0], [4]);
        assert!(crate::registry().make("one_hot", &[("depth", "-1")]).is_err());
    }
}
