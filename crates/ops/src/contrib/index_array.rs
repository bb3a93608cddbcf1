//! `_contrib_index_array`: the position of every element.

use rsym_graph::*;
use rsym_kernels::parallel::for_rows;
use rsym_tensor::{DType, PartialShape};

operator! {
    /// Tells for every element where it is: `out[i, j, …, k] = (i, j, …)[axes[k]]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any; the values are not read | any |
    /// | output | that of data and (number of axes,) | int64 |
    ///
    /// The gradient is zero.
    pub struct IndexArray("_contrib_index_array") {
        inputs { data: "Has the shape." }
        params {
            /// The axes to tell of, modulo the number of dimensions; all by default.
            axes: Option<Tuple> = None,
        }
    }
}

impl IndexArray {
    fn axes(&self, rank: usize) -> Vec<usize> {
        match &self.axes {
            None => (0..rank).collect(),
            Some(axes) => axes.iter().map(|a| a.rem_euclid(rank.max(1) as i64) as usize).collect(),
        }
    }
}

impl Operator for IndexArray {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        if let Some(known) = io.outputs[0].dims() {
            let (_, rest) = known.split_last().ok_or_else(|| OpError::invalid("the output cannot be a scalar"))?;
            io.set_input(0, PartialShape::partial(rest.iter().copied()))?;
        }
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let count = self.axes.as_ref().map_or(dims.len(), |axes| axes.len());
        io.set_output(0, PartialShape::partial(dims.iter().copied().chain([Some(count)])))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_output(0, DType::Int64)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let shape = io.inputs[0].shape().clone();
        let axes = self.axes(shape.len());
        let places: Vec<(usize, usize)> = axes.iter().map(|&a| (shape.product(a + 1..), shape[a])).collect();
        for_rows(io.outputs[0].slice_mut::<i64>()?, places.len(), 4 * places.len(), |i, out| {
            out.iter_mut().zip(&places).for_each(|(o, &(stride, extent))| *o = (i / stride % extent) as i64);
        });
        Ok(())
    }

    fn gradient(&self, _: &mut Grad) -> GraphResult {
        Ok(())
    }

    fn reads(&self, _: usize) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run};
    use rsym_tensor::Tensor;

    fn op(axes: Option<&[i64]>) -> IndexArray {
        IndexArray { axes: axes.map(|a| a.iter().copied().collect()) }
    }

    #[test]
    fn positions_along_the_axes() {
        let data = Tensor::zeros([2, 2], DType::Float32).unwrap();
        let of = |axes| run(&op(axes), std::slice::from_ref(&data))[0].to_f64_vec();
        assert_eq!(of(None), [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
        assert_eq!(of(Some(&[-1])), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(of(Some(&[3, 0])), [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        assert!(run(&op(None), &[Tensor::zeros([0, 3], DType::Float32).unwrap()])[0].to_f64_vec().is_empty());
    }

    #[test]
    fn shapes_flow_both_ways() {
        assert_eq!(infer(&op(None), &[&[2, 0]], &[&[0, 3, 0]]).unwrap(), [vec![2, 3], vec![2, 3, 2]]);
        assert_eq!(infer(&op(Some(&[1])), &[&[2, 5]], &[]).unwrap()[1], [2, 5, 1]);
    }
}
