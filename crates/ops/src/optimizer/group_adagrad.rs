//! `_contrib_group_adagrad_update`: adaptive gradients with one learning rate for each row.

use super::update::{Form, refuse_overlaps, scaling};
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::update::{GroupAdagrad, update_rows};
use rsym_tensor::{Float, PartialShape, dispatch_float};

operator! {
    /// Adaptive gradients with one learning rate for each row of the weight. With `g = clip(rescale_grad · grad)`:
    ///
    /// ```text
    /// history = history + mean(g², over the row)
    /// out = weight - lr · g / sqrt(history + epsilon)
    /// ```
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad | (rows, …), both equal | float |
    /// | history | (rows, 1) or (rows,) | that of weight |
    /// | output | that of weight | that of weight |
    ///
    /// The state is updated in place; `out=weight` updates the weight in place as well. MXNet takes sparse gradients alone.
    ///
    /// Source: Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic Optimization (2011).
    pub struct GroupAdagradUpdate("_contrib_group_adagrad_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            history: "The sum of the mean squares of every row (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Added under the root against division by zero.
            epsilon: f32 = 1e-5,
        }
    }
}

impl Operator for GroupAdagradUpdate {
    fn aux(&self) -> &[usize] {
        &[2]
    }

    fn inplace(&self) -> &[(usize, usize)] {
        &[(0, 0)]
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Input(1), Port::Output(0)])?;
        let rows = io.inputs[0].dim(0);
        match io.inputs[2].dims().map(|d| d.len()) {
            None if io.inputs[0].dims().is_some() => io.set_input(2, PartialShape::partial([rows, Some(1)])),
            Some(1) => io.set_input(2, PartialShape::partial([rows])),
            Some(_) => io.set_input(2, PartialShape::partial([rows, Some(1)])),
            None => Ok(()),
        }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        refuse_overlaps(io, &Form::one(1, false))?;
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

impl GroupAdagradUpdate {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let rule = GroupAdagrad {
            lr: self.lr as f64,
            epsilon: self.epsilon as f64,
            scaling: scaling(self.rescale_grad, self.clip_gradient),
        };
        io.outputs[0].assign(&io.inputs[0])?;
        let mut history = io.inputs[2].clone();
        update_rows::<T>(&rule, io.inputs[1].slice()?, history.slice_mut()?, io.outputs[0].slice_mut()?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, infer, run, t32};

    #[test]
    fn every_row_has_its_rate() {
        let op = GroupAdagradUpdate { lr: 0.5, rescale_grad: 1.0, clip_gradient: -1.0, epsilon: 0.0 };
        let grad = t32([2, 2], &[1.0, 7.0, 0.0, 4.0]);
        let inputs = [t32([2, 2], &[0.0; 4]), grad, t32([2, 1], &[0.0, 1.0])];
        assert_close(&run(&op, &inputs)[0], &[-0.1, -0.7, 0.0, -2.0 / 3.0]);
        assert_eq!(inputs[2].to_f64_vec(), [25.0, 9.0]);
        assert_eq!(infer(&op, &[&[3, 2], &[], &[]], &[]).unwrap()[2], [3, 1]);
    }
}
