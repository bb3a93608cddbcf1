//! `SoftmaxOutput`: softmax with the cross entropy behind it.

use super::make_loss::Normalization;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::layout::AxisDims;
use rsym_kernels::softmax::{self, SoftmaxLoss, probability_loss_backward, softmax_loss_backward};
use rsym_tensor::{Float, PartialShape, Shape, dispatch_float};

operator! {
    /// Softmax of class scores, trained with the cross entropy: the gradient is `grad_scale · (p - onehot(label))`.
    ///
    /// The scores of one sample are everything behind the batch; with `multi_output` they lie along axis 1 for each of
    /// several positions, with `preserve_shape` along the last axis. The gradient of the output is ignored unless
    /// `out_grad`: this is the end of a net.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, classes), or (batch, classes, positions…) with `multi_output` | float |
    /// | label: numbers of classes | data without its last dimension; (batch, positions) or (batch, positions…) with `multi_output` | that of data |
    /// | label: probabilities | that of data; the gradient is then `grad_scale · (p - label)` | that of data |
    /// | output p | that of data | that of data |
    ///
    /// | normalization | the gradient is divided by |
    /// |---|---|
    /// | null | the number of positions |
    /// | batch | the number of samples and positions |
    /// | valid | the number of labels that are not `ignore_label` |
    ///
    /// As in MXNet `smooth_alpha` has no effect with `multi_output`.
    #[aliases("Softmax")]
    pub struct SoftmaxOutput("SoftmaxOutput") {
        inputs { data: "The scores.", label: "The true classes; not needed without training." }
        params {
            /// Factor on the gradient.
            grad_scale: f32 = 1.0,
            /// The label that `use_ignore` and `normalization='valid'` leave out.
            ignore_label: f32 = -1.0,
            /// The classes lie along axis 1 for each of several positions.
            multi_output: bool = false,
            /// Give samples labelled `ignore_label` no gradient.
            use_ignore: bool = false,
            /// The classes lie along the last axis.
            preserve_shape: bool = false,
            /// What the gradient is divided by.
            normalization: Normalization = Normalization::Null,
            /// Multiply the gradient by that of the output.
            out_grad: bool = false,
            /// Share of the true class's probability that goes to the other classes in equal parts.
            #[range(0.0..=1.0)]
            smooth_alpha: f32 = 0.0,
        }
    }
}

operator! {
    /// Gradient of `SoftmaxOutput` for data.
    #[hidden(true)]
    pub struct SoftmaxOutputBackward("_backward_SoftmaxOutput") {
        inputs {
            output: "The probabilities.",
            label: "The true classes.",
            ograd: "Gradient of the output, with `out_grad`.",
        }
        params {
            /// As in `SoftmaxOutput`.
            grad_scale: f32,
            /// As in `SoftmaxOutput`.
            ignore_label: f32,
            /// As in `SoftmaxOutput`.
            multi_output: bool,
            /// As in `SoftmaxOutput`.
            use_ignore: bool,
            /// As in `SoftmaxOutput`.
            preserve_shape: bool,
            /// As in `SoftmaxOutput`.
            normalization: Normalization,
            /// As in `SoftmaxOutput`.
            out_grad: bool,
            /// As in `SoftmaxOutput`.
            smooth_alpha: f32,
        }
    }
}

/// Data as (samples, classes, positions).
fn view(shape: &Shape, multi_output: bool, preserve_shape: bool) -> AxisDims {
    let (batch, last) = (shape.first().copied().unwrap_or(1), shape.last().copied().unwrap_or(1));
    if multi_output && shape.len() > 1 {
        AxisDims::new(shape, 1)
    } else if preserve_shape {
        AxisDims { outer: shape.size() / last.max(1), axis: last, inner: 1 }
    } else {
        AxisDims { outer: batch, axis: shape.size() / batch.max(1), inner: 1 }
    }
}

impl SoftmaxOutput {
    /// The label shapes that go with several outputs.
    fn check_multi_label(&self, io: &mut ShapeIo, data: &Shape) -> OpResult {
        let flat: Shape = [data[0], data.product(2..)].into();
        let Some(label) = io.input(1) else {
            return if io.inputs[1].rank().is_none() { io.set_input(1, flat) } else { Ok(()) };
        };
        let spread: Shape = data.iter().enumerate().filter(|(i, _)| *i != 1).map(|(_, &d)| d).collect();
        let mut kept = data.clone();
        kept[1] = 1;
        if [&flat, &spread, &kept, data].contains(&&label) {
            return Ok(());
        }
        let expected = format!("shape {flat}, {spread}, {kept} or {data}");
        Err(OpError::Mismatch { port: Port::Input(1), expected, got: label.to_string() })
    }
}

impl Operator for SoftmaxOutput {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        let Some(dims) = io.inputs[0].dims().filter(|d| d.len() > 1) else { return Ok(()) };
        if self.multi_output {
            return io.input(0).map_or(Ok(()), |data| self.check_multi_label(io, &data));
        }
        if io.inputs[1].rank() == Some(dims.len()) {
            return io.unify([Port::Input(0), Port::Input(1)]);
        }
        io.set_input(1, PartialShape::partial(dims[..dims.len() - 1].iter().copied()))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        fn run<T: Float>(dims: AxisDims, io: &mut Io) -> OpResult {
            softmax::softmax::<T>(dims, Default::default(), io.inputs[0].slice()?, None, io.outputs[0].slice_mut()?);
            Ok(())
        }
        let dims = view(io.inputs[0].shape(), self.multi_output, self.preserve_shape);
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => run::<T>(dims, io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let op = SoftmaxOutputBackward {
            grad_scale: self.grad_scale,
            ignore_label: self.ignore_label,
            multi_output: self.multi_output,
            use_ignore: self.use_ignore,
            preserve_shape: self.preserve_shape,
            normalization: self.normalization,
            out_grad: self.out_grad,
            smooth_alpha: self.smooth_alpha,
        };
        let mut inputs = vec![g.output(0), g.input(1)];
        if self.out_grad {
            inputs.push(g.head(0)?);
        }
        let gradient = g.apply(op, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }

    fn is_loss(&self) -> bool {
        !self.out_grad
    }

    fn labels(&self) -> &'static [usize] {
        &[1]
    }
}

impl Operator for SoftmaxOutputBackward {
    fn inputs(&self) -> Names {
        if self.out_grad { names!["output", "label", "ograd"] } else { names!["output", "label"] }
    }

    fn num_inputs(&self) -> usize {
        if self.out_grad { 3 } else { 2 }
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

impl SoftmaxOutputBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let shape = io.inputs[0].shape();
        let (output, label) = (io.inputs[0].slice::<T>()?, io.inputs[1].slice::<T>()?);
        let head = io.inputs.get(2).map(|h| h.slice::<T>()).transpose()?;
        let out = io.outputs[0].slice_mut()?;
        if io.inputs[1].shape() == shape {
            probability_loss_backward(self.grad_scale as f64, (output, label), head, out);
            return Ok(());
        }
        let dims = view(shape, self.multi_output, self.preserve_shape);
        let rows = dims.outer * dims.inner;
        let label = label.get(..rows).ok_or_else(|| OpError::invalid("there are fewer labels than samples"))?;
        softmax_loss_backward(dims, &self.loss(), (output, label), head, out);
        Ok(())
    }

    fn loss(&self) -> SoftmaxLoss {
        SoftmaxLoss {
            grad_scale: self.grad_scale as f64,
            ignore_label: self.ignore_label as f64,
            use_ignore: self.use_ignore,
            normalization: match self.normalization {
                Normalization::Null => softmax::Normalization::Null,
                Normalization::Batch => softmax::Normalization::Batch,
                Normalization::Valid => softmax::Normalization::Valid,
            },
            smooth_alpha: if self.multi_output { 0.0 } else { self.smooth_alpha as f64 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, infer, run, t32};
    use rsym_tensor::Tensor;

    fn op(params: &[(&str, &str)]) -> SoftmaxOutput {
        let texts = params.iter().map(|(k, v)| (k.to_string().into(), v.to_string())).collect();
        SoftmaxOutput::from_texts(&ParamTexts(texts)).unwrap()
    }

    fn data() -> Tensor {
        t32([2, 3], &[0.1, 0.5, -0.3, 1.0, 2.0, 0.0])
    }

    fn check(params: &[(&str, &str)], inputs: [Tensor; 2], want: &[f64]) {
        let (op, head) = (op(params), t32([2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
        let found = backward(&op, &inputs, &[op.out_grad.then_some(head)]);
        assert_close(found[0].as_ref().unwrap(), want);
        assert!(found[1].is_none());
    }

    #[test]
    fn gradients_are_those_of_mxnet() {
        let plain = [0.31624, 0.47178, -0.78802, 0.24473, -0.33476, 0.09003];
        let times = |f: f64| plain.map(|v| v * f);
        let inputs = || [data(), t32([2], &[2.0, 1.0])];
        check(&[], inputs(), &plain);
        check(&[("grad_scale", "3")], inputs(), &times(3.0));
        check(&[("normalization", "batch")], inputs(), &times(0.5));
        let ignore = [("use_ignore", "True"), ("ignore_label", "1"), ("normalization", "valid")];
        check(&ignore, inputs(), &[0.31624, 0.47178, -0.78802, 0.0, 0.0, 0.0]);
        check(&ignore[1..], inputs(), &plain);
        let smooth = [0.16624, 0.32178, -0.48802, 0.09473, -0.03476, -0.05997];
        check(&[("smooth_alpha", "0.3")], inputs(), &smooth);
        check(&[("out_grad", "True")], inputs(), &[0.0, 0.47178, -1.57604, 0.73419, -1.33904, 0.45015]);
        let none = [0.31624, 0.47178, 0.21198, 0.24473, 0.66524, 0.09003];
        check(&[], [data(), t32([2], &[5.0, -1.0])], &none);
        let probabilities = t32([2, 3], &[0.2, 0.3, 0.5, 1.0, 0.0, 0.0]);
        let want = [0.23248, 0.34355, -0.57603, -1.51054, 1.33048, 0.18006];
        check(&[("normalization", "batch"), ("grad_scale", "2")], [data(), probabilities], &want);
    }

    #[test]
    fn several_outputs_share_the_gradient() {
        let values: Vec<f32> = (0..12).map(|i| i as f32 / 5.0).collect();
        let inputs = [t32([2, 3, 2], &values), t32([2, 2], &[0.0, 2.0, 1.0, 1.0])];
        let multi = op(&[("multi_output", "True"), ("smooth_alpha", "0.3")]);
        assert_close(&run(&multi, &inputs)[0].rows(0, 1).unwrap(), &[0.21198, 0.21198, 0.31624, 0.31624, 0.47178, 0.47178]);
        let found = backward(&multi, &inputs, &[None]).remove(0).unwrap();
        let want = [-0.39401, 0.10599, 0.15812, 0.15812, 0.23589, -0.26411];
        assert_close(&found.rows(0, 1).unwrap(), &want);
    }

    #[test]
    fn labels_are_inferred_as_by_mxnet() {
        let label = |params: &[(&str, &str)], data: &[i64], label: &[i64]| {
            infer(&op(params), &[data, label], &[]).map(|s| s[1].clone())
        };
        let multi = [("multi_output", "True")];
        assert_eq!(label(&[], &[0, 3], &[]).unwrap(), [0]);
        assert_eq!(label(&[], &[2, 3, 4], &[]).unwrap(), [2, 3]);
        assert_eq!(label(&[], &[2, 3], &[2, 3]).unwrap(), [2, 3]);
        assert_eq!(label(&multi, &[2, 3, 4, 5], &[]).unwrap(), [2, 20]);
        assert_eq!(label(&multi, &[2, 3, 4, 5], &[2, 4, 5]).unwrap(), [2, 4, 5]);
        assert_eq!(label(&multi, &[2, 3, 4, 5], &[2, 1, 4, 5]).unwrap(), [2, 1, 4, 5]);
        assert_eq!(label(&multi, &[2, 3], &[2]).unwrap(), [2]);
        assert!(label(&[], &[2, 3], &[3]).is_err());
        assert!(label(&multi, &[2, 3, 4], &[2, 3]).is_err());
    }
}
