//! `_contrib_AdaptiveAvgPooling2D`: average pooling to a given size.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::pool::{adaptive_avg, adaptive_avg_backward};
use rsym_tensor::{Float, PartialShape, Tensor, dispatch_float};

operator! {
    /// Averages over bins that cover the picture evenly, for an output of a given size whatever the size of the input.
    ///
    /// Row `i` of `rows` is the mean of the rows `floor(i·h/rows)` to `ceil((i+1)·h/rows)`, without the last; columns alike.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, h, w) | float |
    /// | output | (n, c, rows, columns) | that of data |
    #[unnamed(true)]
    pub struct AdaptiveAvgPooling2D("_contrib_AdaptiveAvgPooling2D") {
        inputs { data: "The pictures." }
        params {
            /// Rows and columns of the output, or one number for both; anything else means one of each.
            output_size: Tuple = Tuple::new(),
        }
    }
}

operator! {
    /// The gradient of `_contrib_AdaptiveAvgPooling2D`.
    #[hidden(true)]
    pub struct AdaptiveAvgPooling2DBackward("_backward_contrib_AdaptiveAvgPooling2D") {
        inputs { ograd: "Gradient of the output.", data: "The pictures; their values are not read." }
        params {}
    }
}

/// Rows and columns of a tensor of planes.
pub(super) fn plane(tensor: &Tensor) -> OpResult<(usize, usize)> {
    match tensor.shape()[..] {
        [_, _, height, width] => Ok((height, width)),
        _ => Err(OpError::invalid(format!("expected four dimensions, got {}", tensor.shape()))),
    }
}

impl AdaptiveAvgPooling2D {
    fn size(&self) -> OpResult<[usize; 2]> {
        let size = match self.output_size[..] {
            [both] => [both, both],
            [rows, columns] => [rows, columns],
            _ => [1, 1],
        };
        if size.iter().any(|&n| n < 0) {
            let got = self.output_size.text();
            return Err(OpError::invalid(format!("output_size must not be negative, got {got}")));
        }
        Ok(size.map(|n| n as usize))
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (from, to) = (plane(&io.inputs[0])?, plane(&io.outputs[0])?);
        let (data, out) = io.pair(0, 0);
        adaptive_avg::<T>(data.slice()?, from, to, out.slice_mut()?);
        Ok(())
    }
}

impl Operator for AdaptiveAvgPooling2D {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let [rows, columns] = self.size()?;
        io.set_input(0, PartialShape::of_rank(4))?;
        let lead = [0, 1].map(|d| io.inputs[0].dim(d).or(io.outputs[0].dim(d)));
        io.set_output(0, PartialShape::partial([lead[0], lead[1], Some(rows), Some(columns)]))?;
        io.set_input(0, PartialShape::partial([lead[0], lead[1], None, None]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(AdaptiveAvgPooling2DBackward {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl AdaptiveAvgPooling2DBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (from, to) = (plane(&io.outputs[0])?, plane(&io.inputs[0])?);
        let (head, out) = io.pair(0, 0);
        adaptive_avg_backward::<T>(head.slice()?, from, to, out.slice_mut()?);
        Ok(())
    }
}

impl Operator for AdaptiveAvgPooling2DBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    fn op(size: &[i64]) -> AdaptiveAvgPooling2D {
        AdaptiveAvgPooling2D { output_size: size.iter().copied().collect() }
    }

    #[test]
    fn bins_overlap_where_sizes_do_not_divide() {
        let data = t32([1, 1, 2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_close(&run(&op(&[1, 2]), std::slice::from_ref(&data))[0], &[3.0, 4.0]);
        assert_close(&run(&op(&[]), &[data])[0], &[3.5]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        for size in [&[][..], &[2], &[3, 5], &[7, 1]] {
            check_gradient(&op(size), &[[2, 2, 5, 4].into()], DType::Float64);
        }
    }

    #[test]
    fn shapes_flow_and_wrong_ones_are_refused() {
        assert_eq!(infer(&op(&[2, 3]), &[&[2, 3, 8, 9]], &[]).unwrap()[1], [2, 3, 2, 3]);
        assert_eq!(infer(&op(&[4]), &[&[0, 3, 8, 9]], &[&[5, 0, 0, 0]]).unwrap(), [[5, 3, 8, 9], [5, 3, 4, 4]]);
        assert!(infer(&op(&[4]), &[&[3, 8, 9]], &[]).is_err() && infer(&op(&[-1]), &[&[1, 3, 8, 9]], &[]).is_err());
    }
}
