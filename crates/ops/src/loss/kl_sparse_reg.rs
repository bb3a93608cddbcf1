//! `IdentityAttachKLSparseReg`: a sparseness penalty on activations.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_tensor::{Float, PartialShape, dispatch_float};

operator! {
    /// Passes activations on and adds to their gradient that of a penalty on units that are active too often.
    ///
    /// The backward pass moves the mean activation ρ of every unit, `ρ = momentum · ρ + (1 - momentum) · mean(data)`, and
    /// adds `penalty · (-s / ρ + (1 - s) / (1 - ρ))` with s = `sparseness_target`: the derivative of the Kullback-Leibler
    /// divergence from s to ρ. For activations between 0 and 1, as a sigmoid gives them.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, units) | float |
    /// | moving_avg (auxiliary state) | (units,) | that of data |
    /// | output | that of data | that of data |
    ///
    /// Source: Hinton, A Practical Guide to Training Restricted Boltzmann Machines (2010). MXNet takes float32 alone.
    pub struct KlSparseReg("IdentityAttachKLSparseReg") {
        inputs { data: "The activations.", moving_avg: "The running mean of every unit (auxiliary state)." }
        params {
            /// The mean activation that is aimed at.
            #[range(0.0..=1.0)]
            sparseness_target: f32 = 0.1,
            /// Weight of the penalty.
            penalty: f32 = 0.001,
            /// Share of the old mean in the new one.
            #[range(0.0..=1.0)]
            momentum: f32 = 0.9,
        }
    }
}

operator! {
    /// Gradient of `IdentityAttachKLSparseReg`; also moves the means.
    #[hidden(true)]
    pub struct KlSparseRegBackward("_backward_IdentityAttachKLSparseReg") {
        inputs { ograd: "Gradient of the output.", data: "The activations.", moving_avg: "The running means." }
        params {
            /// As in `IdentityAttachKLSparseReg`.
            sparseness_target: f32,
            /// As in `IdentityAttachKLSparseReg`.
            penalty: f32,
            /// As in `IdentityAttachKLSparseReg`.
            momentum: f32,
        }
    }
}

impl Operator for KlSparseReg {
    fn aux(&self) -> &'static [usize] {
        &[1]
    }

    fn initializer(&self, input: usize) -> Option<&'static str> {
        (input == 1).then_some(r#"["zero", {}]"#)
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.set_input(0, PartialShape::of_rank(2))?;
        io.unify([Port::Input(0), Port::Output(0)])?;
        let units = io.inputs[0].dim(1);
        io.set_input(1, PartialShape::partial([units]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        Ok(out.assign(data)?)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let KlSparseReg { sparseness_target, penalty, momentum } = *self;
        let inputs = [g.head(0)?, g.input(0), g.input(1)];
        let gradient = g.apply(KlSparseRegBackward { sparseness_target, penalty, momentum }, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

impl Operator for KlSparseRegBackward {
    fn aux(&self) -> &'static [usize] {
        &[2]
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

impl KlSparseRegBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let (ograd, data) = (io.inputs[0].slice::<T>()?, io.inputs[1].slice::<T>()?);
        let mut average = io.inputs[2].clone();
        let average = average.slice_mut::<T>()?;
        let mut sums = vec![0.0; average.len()];
        let units = sums.len().max(1);
        for row in data.chunks_exact(units) {
            sums.iter_mut().zip(row).for_each(|(s, v)| *s += v.to_f64());
        }
        let (momentum, batch) = (self.momentum as f64, (data.len() / units).max(1) as f64);
        let mut slopes = vec![0.0; average.len()];
        for ((mean, sum), slope) in average.iter_mut().zip(sums).zip(&mut slopes) {
            *mean = T::from_f64(momentum * mean.to_f64() + (1.0 - momentum) * sum / batch);
            *slope = self.slope(mean.to_f64());
        }
        for (out, ograd) in io.outputs[0].slice_mut::<T>()?.chunks_exact_mut(units).zip(ograd.chunks_exact(units)) {
            let terms = ograd.iter().zip(&slopes);
            out.iter_mut().zip(terms).for_each(|(o, (g, s))| *o = T::from_f64(g.to_f64() + s));
        }
        Ok(())
    }

    /// Derivative of the penalty by the activation of a unit of the given mean.
    fn slope(&self, mean: f64) -> f64 {
        let target = self.sparseness_target as f64;
        self.penalty as f64 * (-target / mean + (1.0 - target) / (1.0 - mean))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, infer, run, t32};

    #[test]
    fn the_penalty_follows_the_moved_mean() {
        let op = KlSparseReg { sparseness_target: 0.1, penalty: 0.1, momentum: 0.9 };
        let inputs = [t32([3, 2], &[0.1, 0.2, 0.3, 0.4, 0.5, 0.9]), t32([2], &[0.0, 0.5])];
        assert_eq!(run(&op, &inputs)[0].to_f64_vec(), inputs[0].to_f64_vec());
        let found = backward(&op, &inputs, &[Some(t32([3, 2], &[1.0; 6]))]);
        let slope = |m: f64| 1.0 + 0.1 * (-0.1 / m + 0.9 / (1.0 - m));
        assert_close(&inputs[1], &[0.03, 0.5]);
        assert_close(found[0].as_ref().unwrap(), &[slope(0.03), slope(0.5)].repeat(3));
        assert_eq!(infer(&op, &[&[0, 4], &[]], &[]).unwrap()[1], [4]);
    }
}
