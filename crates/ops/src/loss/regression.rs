//! `LinearRegressionOutput`, `LogisticRegressionOutput` and `MAERegressionOutput`: predictions with a loss behind them.

use crate::support::{operand, unsupported};
use rsym_graph::*;
use rsym_kernels::elementwise::{Operand, binary, unary};
use rsym_kernels::math::{constant, sigmoid};
use rsym_tensor::{Float, dispatch_float};

operator! {
    /// Passes predictions on and trains them with the squared error: the gradient is `grad_scale / m · (data - label)`.
    ///
    /// `m` is the number of values that one sample has. The gradient of the output is ignored: this is the end of a net.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, …) | float |
    /// | label | as many elements as data and the same batch; (batch,) by default for data (batch, 1) | that of data |
    /// | output | that of data | that of data |
    #[aliases("_sparse_LinearRegressionOutput")]
    pub struct LinearRegressionOutput("LinearRegressionOutput") {
        inputs { data: "The predictions.", label: "The true values; not needed without training." }
        params {
            /// Factor on the gradient.
            grad_scale: f32 = 1.0,
        }
    }
}

operator! {
    /// Applies the logistic function and trains it with the cross entropy: the gradient is
    /// `grad_scale / m · (sigmoid(data) - label)`.
    ///
    /// `m` is the number of values that one sample has. The gradient of the output is ignored: this is the end of a net.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, …) | float |
    /// | label | as many elements as data and the same batch; (batch,) by default for data (batch, 1) | that of data |
    /// | output | that of data | that of data |
    #[aliases("_sparse_LogisticRegressionOutput")]
    pub struct LogisticRegressionOutput("LogisticRegressionOutput") {
        inputs { data: "The log odds.", label: "The true probabilities, from 0 to 1; not needed without training." }
        params {
            /// Factor on the gradient.
            grad_scale: f32 = 1.0,
        }
    }
}

operator! {
    /// Passes predictions on and trains them with the absolute error: the gradient is
    /// `grad_scale / m` where data is greater than label, otherwise `-grad_scale / m`.
    ///
    /// `m` is the number of values that one sample has. The gradient of the output is ignored: this is the end of a net.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, …) | float |
    /// | label | as many elements as data and the same batch; (batch,) by default for data (batch, 1) | that of data |
    /// | output | that of data | that of data |
    #[aliases("_sparse_MAERegressionOutput")]
    pub struct MaeRegressionOutput("MAERegressionOutput") {
        inputs { data: "The predictions.", label: "The true values; not needed without training." }
        params {
            /// Factor on the gradient.
            grad_scale: f32 = 1.0,
        }
    }
}

operator! {
    /// Gradient of the regression losses for data: the scaled difference of prediction and label, or its sign (-1 for 0).
    #[hidden(true)]
    pub struct RegressionBackward("_backward_regression") {
        inputs { output: "The predictions.", label: "The true values." }
        params {
            /// Factor on the gradient.
            grad_scale: f32 = 1.0,
            /// Take the sign of the difference, -1 where there is none.
            absolute: bool = false,
        }
    }
}

macro_rules! regression {
    ($op:ident, logistic: $logistic:literal, absolute: $absolute:literal) => {
        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                infer(io)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let (data, out) = io.pair(0, 0);
                if $logistic { logistic(io) } else { Ok(out.assign(data)?) }
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                let op = RegressionBackward { grad_scale: self.grad_scale, absolute: $absolute };
                let gradient = g.apply(op, &[g.output(0), g.input(1)]);
                g.set(0, gradient);
                Ok(())
            }

            fn inplace(&self) -> &'static [(usize, usize)] {
                &[(0, 0)]
            }

            fn reads(&self, input: usize) -> bool {
                input == 0
            }

            fn is_loss(&self) -> bool {
                true
            }

            fn labels(&self) -> &'static [usize] {
                &[1]
            }
        }
    };
}

regression!(LinearRegressionOutput, logistic: false, absolute: false);
regression!(LogisticRegressionOutput, logistic: true, absolute: false);
regression!(MaeRegressionOutput, logistic: false, absolute: true);

fn logistic(io: &mut Io) -> OpResult {
    fn run<T: Float>(io: &mut Io) -> OpResult {
        let x = operand::<T>(io, 0, 0)?;
        unary(x, io.outputs[0].slice_mut()?, |x: T| T::narrow(sigmoid(x.widen())));
        Ok(())
    }
    let dtype = io.outputs[0].dtype();
    dispatch_float!(dtype, T => run::<T>(io), else unsupported(dtype, "a float type"))
}

fn infer(io: &mut ShapeIo) -> OpResult {
    io.unify([Port::Input(0), Port::Output(0)])?;
    let Some(data) = io.input(0) else { return Ok(()) };
    if io.inputs[1].rank().is_none() {
        return if data.len() == 2 && data[1] == 1 { io.set_input(1, [data[0]]) } else { io.set_input(1, data) };
    }
    let Some(label) = io.input(1) else {
        return if io.inputs[1].rank() == Some(data.len()) { io.set_input(1, data) } else { Ok(()) };
    };
    if label.first() == data.first() && label.size() == data.size() {
        return Ok(());
    }
    let expected = format!("{} elements in a batch of {}", data.size(), data.first().unwrap_or(&1));
    Err(OpError::Mismatch { port: Port::Input(1), expected, got: format!("shape {label}") })
}

impl Operator for RegressionBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

impl RegressionBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let per_sample = io.inputs[1].size() / io.inputs[1].shape().first().copied().unwrap_or(1).max(1);
        let scale = constant::<T::Compute>(self.grad_scale as f64 / per_sample.max(1) as f64);
        let (output, label) = (operand::<T>(io, 0, 0)?, Operand::Slice(io.inputs[1].slice::<T>()?));
        let out = io.outputs[0].slice_mut::<T>()?;
        if self.absolute {
            binary(output, label, out, |y, l| T::narrow(if y > l { scale } else { -scale }));
        } else {
            binary(output, label, out, |y, l| T::narrow((y.widen() - l.widen()) * scale));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, infer, run, t32};

    fn check(op: &(impl Operator + Clone), output: &[f64], gradient: &[f64]) {
        let inputs = [t32([1, 3], &[0.5, -0.25, 2.0]), t32([1, 3], &[0.0, 1.0, 2.0])];
        assert_close(&run(op, &inputs)[0], output);
        let found = backward(op, &inputs, &[None]);
        assert_close(found[0].as_ref().unwrap(), gradient);
        assert!(found[1].is_none());
    }

    #[test]
    fn values_and_gradients_are_those_of_mxnet() {
        let x = [0.5, -0.25, 2.0];
        let grad_scale = 0.5;
        check(&LinearRegressionOutput { grad_scale }, &x, &[0.08333334, -0.20833334, 0.0]);
        let logistic = LogisticRegressionOutput { grad_scale };
        check(&logistic, &[0.62245935, 0.4378235, 0.880797], &[0.10374323, -0.09369608, -0.18653384]);
        check(&MaeRegressionOutput { grad_scale }, &x, &[0.16666667, -0.16666667, -0.16666667]);
    }

    #[test]
    fn the_label_takes_the_shape_of_the_data() {
        let op = LinearRegressionOutput { grad_scale: 1.0 };
        assert_eq!(infer(&op, &[&[4, 1], &[]], &[]).unwrap()[1], [4]);
        assert_eq!(infer(&op, &[&[4, 3], &[]], &[]).unwrap()[1], [4, 3]);
        assert_eq!(infer(&op, &[&[4, 3], &[4, 3, 1]], &[]).unwrap()[1], [4, 3, 1]);
        assert_eq!(infer(&op, &[&[], &[4, 3]], &[&[4, 3]]).unwrap()[0], [4, 3]);
        assert!(infer(&op, &[&[4, 3], &[3, 4]], &[]).is_err());
    }
}
