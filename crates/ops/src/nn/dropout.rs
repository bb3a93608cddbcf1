//! `Dropout`: random zeros in training.

use crate::math::apply::{Arg, single};
use crate::support::{operand, unsupported};
use crate::math::formula::second;
use rsym_graph::*;
use rsym_kernels::broadcast::broadcast;
use rsym_kernels::elementwise::Operand;
use rsym_kernels::fused::Op;
use rsym_kernels::random::{Key, bernoulli};
use rsym_tensor::{DType, Float, PartialShape, Tensor, dispatch_float};

enum_param! {
    /// When elements are dropped.
    pub enum DropoutMode {
        Always = "always",
        Training = "training",
    }
}

operator! {
    /// Sets elements to zero at random: each with probability `p`; the others are multiplied by 1 / (1 - p).
    ///
    /// In inference, unless `mode='always'`, the data passes unchanged. Along `axes` all elements share their fate.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float |
    /// | output | that of data | that of data |
    ///
    /// Source: Srivastava et al., Dropout (2014). With p = 1 nothing is kept and everything becomes NaN, as 0 / 0.
    #[aliases("_npx_dropout")]
    pub struct Dropout("Dropout") {
        inputs { data: "The input." }
        params {
            /// Probability of becoming zero.
            #[range(0.0..=1.0)]
            p: f32 = 0.5,
            /// Whether to drop in training alone.
            mode: DropoutMode = DropoutMode::Training,
            /// Axes along which elements are dropped together.
            axes: Tuple = Tuple::new(),
            /// Ignored.
            cudnn_off: Option<bool> = Some(false),
        }
    }
}

operator! {
    /// Gradient of `Dropout`: the gradient of the output times the mask.
    #[hidden(true)]
    pub struct DropoutBackward("_backward_Dropout") {
        inputs { ograd: "Gradient of the output.", mask: "Second output of the forward operator." }
        params {}
    }
}

impl Operator for Dropout {
    fn output_names(&self) -> Names {
        names!["output", "mask"]
    }

    fn num_outputs(&self) -> usize {
        2
    }

    fn num_visible(&self) -> usize {
        1
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        let Some(mut dims) = io.inputs[0].dims() else { return Ok(()) };
        for &axis in &self.axes {
            dims[crate::support::axis_of(axis, io.inputs[0].rank().unwrap_or(0))?] = Some(1);
        }
        io.set_output(1, PartialShape::partial(dims))
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        if self.p == 0.0 || !(ctx.is_train || self.mode == DropoutMode::Always) {
            out.assign(data)?;
            io.outputs[1].fill(1.0);
            return Ok(());
        }
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.drop::<T>(io, ctx), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if self.p == 0.0 {
            let head = g.head(0)?;
            g.set(0, head);
            return Ok(());
        }
        let inputs = [g.head(0)?, g.output(1)];
        let gradient = g.apply(DropoutBackward {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn is_random(&self) -> bool {
        self.p > 0.0
    }

    fn is_identity(&self, is_train: bool) -> bool {
        self.p == 0.0 || !(is_train || self.mode == DropoutMode::Always)
    }
}

impl Dropout {
    fn drop<T: Float>(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let keep = 1.0 - self.p as f64;
        let (key, mask) = (Key { seed: ctx.seed, stream: ctx.stream }, &mut io.outputs[1]);
        match keep > 0.0 {
            true => bernoulli(key, keep, 1.0 / keep, mask.slice_mut::<T>()?),
            false => mask.fill(f64::NAN),
        }
        let mask = io.outputs[1].clone();
        masked::<T>(io, &mask)
    }
}

/// `output 0 = input 0 · mask`
fn masked<T: Float>(io: &mut Io, mask: &Tensor) -> OpResult {
    if T::DTYPE == DType::Float32 {
        let args = [Arg::input(io, 0), Arg::Tensor(mask)];
        return single(Op::Mul, &args, &mut io.outputs[0]);
    }
    let (x, dims) = (operand::<T>(io, 0, 0)?, io.inputs[0].shape());
    let mask = (Operand::Slice(mask.slice::<T>()?), &mask.shape()[..]);
    let times = |x: T, m: T| T::narrow(x.widen() * m.widen());
    broadcast((x, dims), mask, (io.outputs[0].slice_mut()?, dims), times);
    Ok(())
}

impl Operator for DropoutBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (dtype, mask) = (io.outputs[0].dtype(), io.inputs[1].clone());
        dispatch_float!(dtype, T => masked::<T>(io, &mask), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        second(g, self.clone(), |_| None)
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{backward, check_gradient, infer, run, run_with, t32};

    fn op(p: f32) -> Dropout {
        Dropout { p, mode: DropoutMode::Training, axes: Tuple::new(), cudnn_off: None }
    }

    fn ones() -> Tensor {
        t32([1000, 4], &[1.0; 4000])
    }

    #[test]
    fn drops_a_share_and_scales_the_rest() {
        let out = run(&op(0.25), &[ones()]).remove(0).to_f64_vec();
        assert!(out.iter().all(|&v| v == 0.0 || (v - 4.0 / 3.0).abs() < 1e-6));
        assert!((out.iter().sum::<f64>() / 4000.0 - 1.0).abs() < 0.05);
        assert!(run(&op(1.0), &[ones()])[0].to_f64_vec().iter().all(|v| v.is_nan()));
    }

    #[test]
    fn shared_axes_are_dropped_together() {
        let op = Dropout { axes: Tuple::from_slice(&[1]), ..op(0.5) };
        let out = run(&op, &[ones()]).remove(0).to_f64_vec();
        assert!(out.chunks(4).all(|row| row.iter().all(|v| *v == row[0])));
        assert!(infer(&Dropout { axes: Tuple::from_slice(&[2]), ..op }, &[&[2, 3]], &[]).is_err());
    }

    #[test]
    fn inference_passes_the_data_unless_told_otherwise() {
        let out = run_with(&op(0.5), &[ones()], &Ctx::default()).unwrap();
        assert_eq!(out[0].to_f64_vec(), [1.0; 4000]);
        let always = Dropout { mode: DropoutMode::Always, ..op(0.5) };
        assert!(run_with(&always, &[ones()], &Ctx::default()).unwrap()[0].to_f64_vec().contains(&0.0));
    }

    #[test]
    fn the_gradient_has_the_mask_of_the_forward_pass() {
        let found = backward(&op(0.5), &[ones()], &[Some(ones())]);
        assert_eq!(found[0].as_ref().unwrap().to_f64_vec(), run(&op(0.5), &[ones()])[0].to_f64_vec());
        check_gradient(&Dropout { axes: Tuple::from_slice(&[0]), ..op(0.4) }, &[[3, 5].into()], DType::Float64);
    }
}
