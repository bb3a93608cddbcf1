//! `SVMOutput`: scores with a hinge loss behind them.

use crate::support::unsupported;
use num_traits::{One, Zero};
use rsym_graph::*;
use rsym_kernels::math::constant;
use rsym_kernels::parallel::for_rows;
use rsym_tensor::{Float, PartialShape, dispatch_float};

operator! {
    /// Passes class scores on and trains them with one-against-all hinge losses: the squared hinge
    /// `max(0, margin - t·score)²`, or with `use_linear` the plain one, where t is 1 for the class of the label and -1
    /// for the others.
    ///
    /// The gradient of the output is ignored: this is the end of a net.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…, classes) | float |
    /// | label | that of data without the last dimension | that of data |
    /// | output | that of data | that of data |
    ///
    /// Source: Tang, Deep Learning using Linear Support Vector Machines (2013).
    pub struct SvmOutput("SVMOutput") {
        inputs { data: "The scores.", label: "Number of the true class; not needed without training." }
        params {
            /// Distance from the border that a score must keep to cost nothing.
            margin: f32 = 1.0,
            /// Factor on the loss, and so on the gradient.
            regularization_coefficient: f32 = 1.0,
            /// Use the plain hinge instead of the squared one.
            use_linear: bool = false,
        }
    }
}

operator! {
    /// Gradient of `SVMOutput` for data.
    #[hidden(true)]
    pub struct SvmOutputBackward("_backward_SVMOutput") {
        inputs { output: "The scores.", label: "Number of the true class." }
        params {
            /// As in `SVMOutput`.
            margin: f32 = 1.0,
            /// As in `SVMOutput`.
            regularization_coefficient: f32 = 1.0,
            /// As in `SVMOutput`.
            use_linear: bool = false,
        }
    }
}

impl Operator for SvmOutput {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        let Some(dims) = io.inputs[0].dims().filter(|d| d.len() > 1) else { return Ok(()) };
        io.set_input(1, PartialShape::partial(dims[..dims.len() - 1].iter().copied()))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        Ok(out.assign(data)?)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let SvmOutput { margin, regularization_coefficient, use_linear } = *self;
        let op = SvmOutputBackward { margin, regularization_coefficient, use_linear };
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

impl Operator for SvmOutputBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

impl SvmOutputBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let classes = io.inputs[0].shape().last().copied().unwrap_or(1);
        let (scores, label) = (io.inputs[0].slice::<T>()?, io.inputs[1].slice::<T>()?);
        let out = io.outputs[0].slice_mut::<T>()?;
        for_rows(out, classes, 2 * classes, |row, out| {
            let class = label.get(row).map_or(-1, |l| l.to_i64());
            for (k, (o, &score)) in out.iter_mut().zip(&scores[row * classes..]).enumerate() {
                *o = T::narrow(self.slope(score.widen(), k as i64 == class));
            }
        });
        Ok(())
    }

    /// Derivative of the loss by one score.
    fn slope<C: num_traits::Float>(&self, score: C, is_class: bool) -> C {
        let factor = constant::<C>(self.regularization_coefficient as f64);
        let sign = if is_class { <C as One>::one() } else { -<C as One>::one() };
        let inside = constant::<C>(self.margin as f64) - sign * score;
        let steep = if self.use_linear { One::one() } else { constant::<C>(2.0) * inside };
        if inside > Zero::zero() { -sign * factor * steep } else { Zero::zero() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, infer, run, t32};

    #[test]
    fn gradients_are_those_of_mxnet() {
        let inputs = [t32([2, 3], &[0.5, -0.25, 2.0, -2.0, 0.75, 0.1]), t32([2], &[0.0, 1.0])];
        for (use_linear, want) in
            [(false, [-0.2, 0.45, 2.7, 0.0, 0.0, 0.8]), (true, [-0.5, 0.5, 0.5, 0.0, 0.0, 0.5])]
        {
            let op = SvmOutput { margin: 0.7, regularization_coefficient: 0.5, use_linear };
            assert_eq!(run(&op, &inputs)[0].to_f64_vec(), inputs[0].to_f64_vec());
            let found = backward(&op, &inputs, &[None]);
            assert_close(found[0].as_ref().unwrap(), &want);
            assert!(found[1].is_none());
        }
    }

    #[test]
    fn the_label_has_all_dimensions_but_the_last() {
        let op = SvmOutput { margin: 1.0, regularization_coefficient: 1.0, use_linear: false };
        assert_eq!(infer(&op, &[&[4, 3, 2], &[]], &[]).unwrap()[1], [4, 3]);
        assert!(infer(&op, &[&[4, 3], &[3]], &[]).is_err());
    }
}
