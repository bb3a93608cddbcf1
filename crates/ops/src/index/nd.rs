//! `gather_nd` and `scatter_nd`: positions with several coordinates.

use super::positions::flat_positions;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::{arrange, index};
use rsym_tensor::{PartialShape, dispatch, dispatch_num};

operator! {
    /// Gathers elements or slices: `out[i…, :] = data[indices[0, i…], …, indices[m-1, i…], :]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (d1, …, dm, rest) | any |
    /// | indices | (m, i1, …) | any; fractions are cut off |
    /// | output | (i1, …, rest) | that of data |
    ///
    /// Unlike in MXNet, where it is undefined, a position outside of data is an error. The gradient of indices is zero.
    #[aliases("_npi_gather_nd", "_npx_gather_nd")]
    pub struct GatherNd("gather_nd") {
        inputs { data: "What is gathered from.", indices: "The coordinates, one row for each axis." }
        params {}
    }
}

operator! {
    /// The gradient of `gather_nd`: the sum over the places where an element went.
    #[hidden(true)]
    pub struct GatherNdBackward("_backward_gather_nd") {
        inputs {
            ograd: "Gradient of the output.",
            data: "Has the shape; its values are not read.",
            indices: "The coordinates.",
        }
        params {}
    }
}

operator! {
    /// Scatters elements or slices over zeros: `out[indices[0, i…], …, indices[m-1, i…], :] = data[i…, :]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (i1, …, rest) | any |
    /// | indices | (m, i1, …) | any; fractions are cut off |
    /// | output | `shape`: (d1, …, dm, rest) | that of data |
    ///
    /// The last one counts where positions repeat. Unlike in MXNet, where it is undefined, a position outside is an error. The
    /// gradient of indices is zero.
    pub struct ScatterNd("scatter_nd") {
        inputs { data: "What is scattered.", indices: "The coordinates, one row for each axis." }
        params {
            /// Shape of the output.
            shape: Tuple,
        }
    }
}

/// The number of coordinates, if known; at most `rank`.
fn coordinates(indices: &PartialShape, rank: usize) -> OpResult<Option<usize>> {
    match indices.dim(0) {
        Some(m) if m > rank => Err(OpError::invalid(format!("indices has {m} coordinates for {rank} axes"))),
        Some(0) => Err(OpError::invalid("indices must have at least one row of coordinates")),
        m => Ok(m),
    }
}

impl Operator for GatherNd {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let (Some(data), Some(at)) = (io.inputs[0].dims(), io.inputs[1].dims()) else { return Ok(()) };
        let Some(m) = coordinates(&io.inputs[1], data.len())? else { return Ok(()) };
        let out = at[1..].iter().chain(&data[m..]).copied();
        io.set_output(0, if at.len() == 1 && m == data.len() { [1].into() } else { PartialShape::partial(out) })
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (lead, rest) = io.inputs[0].shape().split_at(io.inputs[1].shape()[0]);
        let at = flat_positions(&io.inputs[1], lead)?;
        let (data, out) = io.pair(0, 0);
        let middle = (1, lead.iter().product(), rest.iter().product());
        dispatch!(out.dtype(), T => index::take(data.slice::<T>()?, middle, &at, out.slice_mut::<T>()?));
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if g.needs(0) {
            let inputs = [g.head(0)?, g.input(0), g.input(1)];
            let gradient = g.apply(GatherNdBackward {}, &inputs);
            g.set(0, gradient);
        }
        Ok(())
    }
}

impl Operator for GatherNdBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0, 1], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = io.outputs[0].shape().clone();
        let (lead, rest) = dims.split_at(io.inputs[2].shape()[0]);
        let at = flat_positions(&io.inputs[2], lead)?;
        let (head, out) = io.pair(0, 0);
        let (dtype, middle) = (out.dtype(), (1, lead.iter().product(), rest.iter().product()));
        dispatch_num!(dtype, T => {
            index::take_backward(head.slice::<T>()?, middle, &at, out.slice_mut::<T>()?);
            Ok(())
        }, else unsupported(dtype, "a float or integer type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(2)];
        let gradient = g.apply(GatherNd {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input != 1
    }
}

impl Operator for ScatterNd {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.set_output(0, PartialShape::from_legacy(&self.shape))?;
        let (Some(out), Some(at)) = (io.outputs[0].dims(), io.inputs[1].dims()) else { return Ok(()) };
        let Some(m) = coordinates(&io.inputs[1], out.len())? else { return Ok(()) };
        if at.len() > 1 || m < out.len() {
            io.set_input(0, PartialShape::partial(at[1..].iter().chain(&out[m..]).copied()))?;
        }
        Ok(())
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = io.outputs[0].shape().clone();
        let (lead, rest) = dims.split_at(io.inputs[1].shape()[0]);
        let at = flat_positions(&io.inputs[1], lead)?;
        let inner: usize = rest.iter().product();
        let (data, out) = io.pair(0, 0);
        if data.size() != at.len() * inner {
            return Err(OpError::invalid(format!("data of shape {} does not match the indices", data.shape())));
        }
        dispatch!(out.dtype(), T => {
            let out = out.slice_mut::<T>()?;
            arrange::fill(out, T::default());
            index::scatter_rows(data.slice::<T>()?, inner, &at, out)
        });
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if g.needs(0) {
            let inputs = [g.head(0)?, g.input(1)];
            let gradient = g.apply(GatherNd {}, &inputs);
            g.set(0, gradient);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient_at, infer, run, run_with, sample, t32};
    use rsym_tensor::{DType, Tensor};

    fn scatter(shape: &[i64]) -> ScatterNd {
        ScatterNd { shape: shape.iter().copied().collect() }
    }

    #[test]
    fn elements_and_slices_are_gathered() {
        let x = t32([2, 2], &[1.0, 2.0, 3.0, 4.0]);
        let at = t32([2, 3], &[1.0, 0.0, 1.0, 0.0, 1.0, 1.0]);
        assert_eq!(run(&GatherNd {}, &[x.clone(), at.clone()])[0].to_f64_vec(), [3.0, 2.0, 4.0]);
        assert_eq!(run(&GatherNd {}, &[x.clone(), t32([1, 1], &[1.0])])[0].to_f64_vec(), [3.0, 4.0]);
        assert_eq!(run(&GatherNd {}, &[x.clone(), t32([1, 1], &[-2.0])])[0].to_f64_vec(), [1.0, 2.0]);
        assert!(run_with(&GatherNd {}, &[x, t32([1, 1], &[-3.0])], &Ctx::default()).is_err());
        let out = run(&scatter(&[2, 2]), &[t32([3], &[7.0, 8.0, 9.0]), at]).remove(0);
        assert_eq!(out.to_f64_vec(), [0.0, 8.0, 7.0, 9.0]);
    }

    #[test]
    fn shapes_are_put_together() {
        assert_eq!(infer(&GatherNd {}, &[&[2, 3, 4], &[2, 5, 0]], &[]).unwrap()[2], [5, 0, 4]);
        assert!(infer(&GatherNd {}, &[&[3], &[2, 1]], &[]).is_err());
        assert_eq!(infer(&scatter(&[3, 4]), &[&[], &[1, 2]], &[]).unwrap()[0], [2, 4]);
        assert!(infer(&scatter(&[5]), &[&[3], &[1, 2]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        let x = sample(&[2, 3, 2].into(), DType::Float64, 1);
        let at = Tensor::from_slice([2, 3], &[1i32, 0, 1, 2, 1, 2]).unwrap();
        check_gradient_at(&GatherNd {}, &[x, at]);
        let at = Tensor::from_slice([1, 2], &[2i64, 0]).unwrap();
        check_gradient_at(&scatter(&[3, 2]), &[sample(&[2, 2].into(), DType::Float64, 1), at]);
    }
}
