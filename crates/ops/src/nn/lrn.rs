//! `LRN`: local response normalisation.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::norm::{LrnGeometry, lrn, lrn_backward};
use rsym_tensor::{Float, Shape, dispatch_float};

operator! {
    /// Normalises by neighbour channels: `out_c = data_c / (knorm + alpha / nsize · Σ data_j²)^beta`, where j goes over
    /// the `nsize` channels around c; one less if `nsize` is even.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, channels, height, width) | float |
    /// | output | that of data | that of data |
    ///
    /// Source: Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks (2012).
    pub struct Lrn("LRN") {
        inputs { data: "The input." }
        params {
            /// Factor of the mean square.
            alpha: f32 = 1e-4,
            /// The exponent.
            beta: f32 = 0.75,
            /// Added to the scaled mean square.
            knorm: f32 = 2.0,
            /// Number of channels in a neighbourhood.
            nsize: u32,
        }
    }
}

operator! {
    /// Gradient of `LRN`.
    #[hidden(true)]
    pub struct LrnBackward("_backward_LRN") {
        inputs { ograd: "Gradient of the output.", data: "The input.", norm: "The sums in parentheses." }
        params {
            /// As in `LRN`.
            alpha: f32,
            /// As in `LRN`.
            beta: f32,
            /// As in `LRN`.
            knorm: f32,
            /// As in `LRN`.
            nsize: u32,
        }
    }
}

impl Lrn {
    fn geometry(&self, shape: &Shape) -> LrnGeometry {
        // An even neighbourhood loses a channel, but the sum is divided by its full size.
        let odd = (self.nsize - 1) / 2 * 2 + 1;
        LrnGeometry {
            batch: shape[0],
            channels: shape[1],
            size: shape.product(2..),
            nsize: odd as usize,
            alpha: self.alpha as f64 * odd as f64 / self.nsize as f64,
            beta: self.beta as f64,
            knorm: self.knorm as f64,
        }
    }
}

impl Operator for Lrn {
    fn output_names(&self) -> Names {
        names!["output", "tmp_norm"]
    }

    fn num_outputs(&self) -> usize {
        2
    }

    fn num_visible(&self) -> usize {
        1
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        if self.nsize == 0 {
            return Err(OpError::invalid("nsize must be at least 1, got 0"));
        }
        io.same()?;
        match io.inputs[0].rank() {
            Some(rank) if rank < 2 => Err(OpError::invalid("data must have a batch and a channel axis")),
            _ => Ok(()),
        }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        fn run<T: Float>(g: LrnGeometry, io: &mut Io) -> OpResult {
            let [out, norm] = &mut io.outputs else { return Err(OpError::invalid("two outputs are needed")) };
            lrn(&g, io.inputs[0].slice::<T>()?, out.slice_mut()?, norm.slice_mut()?);
            Ok(())
        }
        let rank = io.inputs[0].shape().len();
        if rank != 4 {
            return Err(OpError::invalid(format!("data must have 4 dimensions (batch, channels, height, width), got {rank}")));
        }
        let (g, dtype) = (self.geometry(io.inputs[0].shape()), io.outputs[0].dtype());
        dispatch_float!(dtype, T => run::<T>(g, io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let Lrn { alpha, beta, knorm, nsize } = *self;
        let inputs = [g.head(0)?, g.input(0), g.output(1)];
        let gradient = g.apply(LrnBackward { alpha, beta, knorm, nsize }, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for LrnBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        fn run<T: Float>(g: LrnGeometry, io: &mut Io) -> OpResult {
            let [ograd, data, norm] = [0, 1, 2].map(|i| io.inputs[i].slice::<T>());
            lrn_backward(&g, (data?, norm?), ograd?, io.outputs[0].slice_mut()?);
            Ok(())
        }
        let LrnBackward { alpha, beta, knorm, nsize } = *self;
        let g = Lrn { alpha, beta, knorm, nsize }.geometry(io.inputs[1].shape());
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => run::<T>(g, io), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    fn op(nsize: u32) -> Lrn {
        Lrn { alpha: 0.5, beta: 0.6, knorm: 1.0, nsize }
    }

    #[test]
    fn values_are_those_of_mxnet() {
        let data = t32([1, 4, 1, 3], &(0..12).map(|i| i as f32 / 10.0 - 1.0).collect::<Vec<_>>());
        let first = |nsize| {
            let out = run(&op(nsize), std::slice::from_ref(&data)).remove(0).to_f64_vec();
            t32([4], &[out[0], out[3], out[6], out[9]].map(|v| v as f32))
        };
        assert_close(&first(3), &[-0.87539, -0.60505, -0.37572, -0.09834]);
        assert_close(&first(2), &[-0.87469, -0.65311, -0.39070, -0.09985]);
        assert_close(&first(5), &[-0.91244, -0.63838, -0.36479, -0.09624]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        for nsize in [2, 3] {
            check_gradient(&op(nsize), &[[2, 4, 1, 3].into()], DType::Float64);
        }
    }

    #[test]
    fn a_neighbourhood_needs_a_channel() {
        assert!(infer(&op(0), &[&[2, 3, 4]], &[]).is_err());
        assert!(infer(&op(3), &[&[2]], &[]).is_err());
    }
}
