//! `softmax_cross_entropy`: the summed cross entropy of a softmax.

use crate::nn::refused_gradient::RefusedGradient;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::layout::AxisDims;
use rsym_kernels::softmax::{Normalization, SoftmaxLoss, softmax, softmax_loss_backward};
use rsym_tensor::{Float, PartialShape, Tensor, dispatch_float};

operator! {
    /// Sum over the batch of the cross entropies of a softmax: `out = -Σ_i log(max(softmax(data_i)[label_i], 1e-8))`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, classes) | float |
    /// | label: numbers of classes | (batch,) | that of data |
    /// | output | (1,) | that of data |
    ///
    /// Labels beyond the classes count as the nearest class in the value and as none in the gradient. The gradient of
    /// the label cannot be asked for. Unlike MXNet, rsym completes the batch of the label from the data and back.
    pub struct SoftmaxCrossEntropy("softmax_cross_entropy") {
        inputs { data: "The scores.", label: "The true classes." }
        params {}
    }
}

operator! {
    /// Gradient of `softmax_cross_entropy` for data.
    #[hidden(true)]
    pub struct SoftmaxCrossEntropyBackward("_backward_softmax_cross_entropy") {
        inputs { ograd: "Gradient of the output.", data: "The scores.", label: "The true classes." }
        params {}
    }
}

fn dims(data: &Tensor) -> AxisDims {
    AxisDims::new(data.shape(), 1)
}

/// The probabilities of the classes.
fn probabilities<T: Float>(data: &Tensor) -> OpResult<Vec<T>> {
    let mut out = vec![T::default(); data.size()];
    softmax(dims(data), Default::default(), data.slice::<T>()?, None, &mut out);
    Ok(out)
}

impl Operator for SoftmaxCrossEntropy {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.set_input(0, PartialShape::of_rank(2))?;
        io.set_input(1, PartialShape::of_rank(1))?;
        let batch = io.inputs[0].dim(0).or(io.inputs[1].dim(0));
        io.set_input(0, PartialShape::partial([batch, None]))?;
        io.set_input(1, PartialShape::partial([batch]))?;
        io.set_output(0, [1])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        fn run<T: Float>(io: &mut Io) -> OpResult {
            let classes = dims(&io.inputs[0]).axis;
            let (prob, label) = (probabilities::<T>(&io.inputs[0])?, io.inputs[1].slice::<T>()?);
            let rows = prob.chunks_exact(classes.max(1)).zip(label);
            let term = |(row, label): (&[T], &T)| {
                let class = label.to_i64().clamp(0, classes as i64 - 1) as usize;
                -row[class].to_f64().max(1e-8).ln()
            };
            io.outputs[0].slice_mut::<T>()?.fill(T::from_f64(rows.map(term).sum()));
            Ok(())
        }
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if g.needs(1) {
            let label = g.input(1);
            let refusal = g.apply(RefusedGradient { input: "label".into() }, &[label]);
            g.set(1, refusal);
        }
        let inputs = [g.head(0)?, g.input(0), g.input(1)];
        let gradient = g.apply(SoftmaxCrossEntropyBackward {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for SoftmaxCrossEntropyBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        fn run<T: Float>(io: &mut Io) -> OpResult {
            let scale = io.inputs[0].get_f64(0).unwrap_or(0.0);
            let loss = SoftmaxLoss {
                grad_scale: scale,
                ignore_label: -1.0,
                use_ignore: false,
                normalization: Normalization::Null,
                smooth_alpha: 0.0,
            };
            let (prob, label) = (probabilities::<T>(&io.inputs[1])?, io.inputs[2].slice::<T>()?);
            softmax_loss_backward(dims(&io.inputs[1]), &loss, (&prob, label), None, io.outputs[0].slice_mut()?);
            Ok(())
        }
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, infer, run, run_with, t32};

    #[test]
    fn value_and_gradient_are_those_of_mxnet() {
        let (data, label) = (t32([2, 3], &[0.1, 0.5, -0.3, 1.0, 2.0, 0.0]), t32([2], &[2.0, 1.0]));
        assert_close(&run(&SoftmaxCrossEntropy {}, &[data.clone(), label.clone()])[0], &[1.9588565]);
        let far = run(&SoftmaxCrossEntropy {}, &[t32([1, 2], &[100.0, 0.0]), t32([1], &[1.0])]);
        assert_close(&far[0], &[18.420681]);
        let inputs = [t32([1], &[2.0]), data, label];
        let found = run_with(&SoftmaxCrossEntropyBackward {}, &inputs, &Ctx::default()).unwrap();
        let want = [0.6324821, 0.9435525, -1.5760345, 0.48945695, -0.6695181, 0.18006115];
        assert_close(&found[0], &want);
    }

    #[test]
    fn shapes_are_checked() {
        assert_eq!(infer(&SoftmaxCrossEntropy {}, &[&[4, 3], &[]], &[]).unwrap()[1..], [[4], [1]]);
        assert!(infer(&SoftmaxCrossEntropy {}, &[&[4, 3], &[4, 1]], &[]).is_err());
    }
}
