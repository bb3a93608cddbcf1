//! `Embedding`: rows of a table.

use super::refused_gradient::RefusedGradient;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::index::{IndexMode, indices, resolve, take, take_backward};
use rsym_tensor::{DType, PartialShape, Tensor, dispatch, dispatch_num};

enum_param! {
    /// Types of the table of `Embedding`.
    pub enum TableType {
        Bfloat16 = "bfloat16",
        Float16 = "float16",
        Float32 = "float32",
        Float64 = "float64",
        Int32 = "int32",
        Int64 = "int64",
        Int8 = "int8",
        Uint8 = "uint8",
    }
}

operator! {
    /// Looks up rows of a table: `out[i…, :] = weight[data[i…], :]`.
    ///
    /// Fractions of indices are cut off and indices outside of the table mean its nearest end.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data: row numbers | any | any |
    /// | weight | (input_dim, output_dim) | `dtype`, unless it or the output has a type already |
    /// | output | that of data and (output_dim,) | that of weight |
    ///
    /// The gradient of data cannot be asked for. `sparse_grad` has no effect: gradients are dense in rsym.
    #[aliases("_npx_embedding", "_sparse_Embedding")]
    pub struct Embedding("Embedding") {
        inputs { data: "The row numbers.", weight: "The table." }
        params {
            /// Number of rows of the table.
            #[range(1..)]
            input_dim: i32,
            /// Length of a row.
            #[range(1..)]
            output_dim: i32,
            /// Type of the table.
            dtype: TableType = TableType::Float32,
            /// Ignored.
            sparse_grad: bool = false,
        }
    }
}

operator! {
    /// Gradient of `Embedding` for the table.
    #[hidden(true)]
    pub struct EmbeddingBackward("_backward_Embedding") {
        inputs { ograd: "Gradient of the output.", data: "The row numbers." }
        params {
            /// As in `Embedding`.
            input_dim: i32,
            /// As in `Embedding`.
            output_dim: i32,
        }
    }
}

/// The rows that `data` means.
fn rows(data: &Tensor, input_dim: i32) -> OpResult<Vec<usize>> {
    let wanted = dispatch!(data.dtype(), T => indices(data.slice::<T>()?));
    resolve(&wanted, input_dim as usize, IndexMode::Clip).map_err(|e| OpError::invalid(e.to_string()))
}

impl Operator for Embedding {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        io.set_input(1, [self.input_dim as usize, self.output_dim as usize])?;
        let out = dims.iter().copied().chain([Some(self.output_dim as usize)]);
        io.set_output(0, PartialShape::partial(out))?;
        let Some(known) = io.outputs[0].dims() else { return Ok(()) };
        io.set_input(0, PartialShape::partial(known[..dims.len()].iter().copied()))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        let dtype = io.inputs[1].or(io.outputs[0]).or_else(|| DType::parse(&self.dtype.text()));
        io.inputs[1] = io.inputs[1].or(dtype);
        io.unify(&[1], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let rows = rows(&io.inputs[0], self.input_dim)?;
        let dims = (1, self.input_dim as usize, self.output_dim as usize);
        let (weight, out) = io.pair(1, 0);
        dispatch!(out.dtype(), T => take(weight.slice::<T>()?, dims, &rows, out.slice_mut()?));
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if g.needs(0) {
            let data = g.input(0);
            let refusal = g.apply(RefusedGradient { input: "data".into() }, &[data]);
            g.set(0, refusal);
        }
        if g.needs(1) {
            let inputs = [g.head(0)?, g.input(0)];
            let op = EmbeddingBackward { input_dim: self.input_dim, output_dim: self.output_dim };
            let gradient = g.apply(op, &inputs);
            g.set(1, gradient);
        }
        Ok(())
    }
}

impl Operator for EmbeddingBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.set_output(0, [self.input_dim as usize, self.output_dim as usize])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let rows = rows(&io.inputs[1], self.input_dim)?;
        let dims = (1, self.input_dim as usize, self.output_dim as usize);
        let (ograd, out) = io.pair(0, 0);
        let dtype = out.dtype();
        dispatch_num!(dtype, T => {
            take_backward(ograd.slice::<T>()?, dims, &rows, out.slice_mut()?);
            Ok(())
        }, else unsupported(dtype, "a number type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.input(1), g.head(0)?];
        let op = Embedding {
            input_dim: self.input_dim,
            output_dim: self.output_dim,
            dtype: TableType::Float32,
            sparse_grad: false,
        };
        let gradient = g.apply(op, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run, t32};

    fn op() -> Embedding {
        Embedding { input_dim: 3, output_dim: 2, dtype: TableType::Float32, sparse_grad: false }
    }

    #[test]
    fn indices_are_truncated_and_clipped() {
        let table = t32([3, 2], &[0.0, 1.0, 10.0, 11.0, 20.0, 21.0]);
        let out = run(&op(), &[t32([2, 2], &[1.9, 7.0, -3.0, 2.0]), table.clone()]);
        assert_eq!(out[0].to_f64_vec(), [10.0, 11.0, 20.0, 21.0, 0.0, 1.0, 20.0, 21.0]);
        let data = Tensor::from_slice([1], &[1u8]).unwrap();
        assert_eq!(run(&op(), &[data, table])[0].to_f64_vec(), [10.0, 11.0]);
    }

    #[test]
    fn rows_collect_the_gradients_of_their_uses() {
        let data = t32([3], &[1.0, 0.0, 1.0]);
        let head = t32([3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let back = EmbeddingBackward { input_dim: 3, output_dim: 2 };
        assert_eq!(run(&back, &[head, data])[0].to_f64_vec(), [3.0, 4.0, 6.0, 8.0, 0.0, 0.0]);
    }

    #[test]
    fn shapes_and_types_are_those_of_mxnet() {
        assert_eq!(infer(&op(), &[&[2, 0], &[]], &[]).unwrap()[1..], [vec![3, 2], vec![2, 0, 2]]);
        let types = |given: [Option<DType>; 2]| {
            let (mut inputs, mut outputs) = (given, [None]);
            op().infer_type(&mut TypeIo { inputs: &mut inputs, outputs: &mut outputs }).unwrap();
            (inputs, outputs[0])
        };
        let (int, single, double) = (Some(DType::Int32), Some(DType::Float32), Some(DType::Float64));
        assert_eq!(types([int, None]), ([int, single], single));
        assert_eq!(types([int, double]), ([int, double], double));
    }
}
