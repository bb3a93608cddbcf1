//! `GroupNorm` and `InstanceNorm`: normalisation of groups of channels, or of single ones, image by image.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::norm::{group_norm, group_norm_backward};
use rsym_tensor::{Float, PartialShape, dispatch_float};

operator! {
    /// Normalises groups of channels of every image: `out = gamma · (data - mean) / sqrt(var + eps) + beta`.
    ///
    /// Mean and variance (with the number of elements as divisor) are those of the group in the image.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, channels, space…) | float |
    /// | gamma, beta | (num_groups,) | that of data |
    /// | output | that of data | that of data |
    /// | mean, std (shown with `output_mean_var`) | (batch, num_groups) | that of data |
    ///
    /// The output std is sqrt(var + eps). The gradients of mean and std are ignored. Source: Wu and He (2018); as in
    /// MXNet scale and shift belong to groups, not to channels.
    pub struct GroupNorm("GroupNorm") {
        inputs { data: "The input.", gamma: "The scale of every group.", beta: "The shift of every group." }
        params {
            /// Number of groups; divides the channels.
            #[range(1..)]
            num_groups: i32 = 1,
            /// Added to the variance against division by zero.
            eps: f32 = 1e-5,
            /// Show the statistics as outputs.
            output_mean_var: bool = false,
        }
    }
}

operator! {
    /// Normalises every channel of every image: `out = gamma · (data - mean) / sqrt(var + eps) + beta`.
    ///
    /// Mean and variance (with the number of elements as divisor) are those of the channel in the image.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, channels, space…) | float |
    /// | gamma, beta | (channels,) | that of data |
    /// | output | that of data | that of data |
    ///
    /// Source: Ulyanov et al., Instance Normalization (2016). MXNet takes float32 alone.
    pub struct InstanceNorm("InstanceNorm") {
        inputs { data: "The input.", gamma: "The scale of every channel.", beta: "The shift of every channel." }
        params {
            /// Added to the variance against division by zero.
            eps: f32 = 1e-3,
        }
    }
}

operator! {
    /// Gradients of `GroupNorm` and `InstanceNorm` for data, gamma and beta.
    #[hidden(true)]
    pub struct GroupNormBackward("_backward_GroupNorm") {
        inputs {
            ograd: "Gradient of the output.",
            data: "The input.",
            gamma: "The scale.",
            mean: "The means.",
            std: "The standard deviations.",
        }
        params {}
    }
}

/// Inference with `groups` groups of channels, one for each channel if `None`.
fn infer(io: &mut ShapeIo, groups: Option<usize>) -> OpResult {
    io.unify([Port::Input(0), Port::Output(0)])?;
    let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
    if dims.len() < 2 {
        return Err(OpError::invalid(format!("data must have a batch and a channel axis, got {} axes", dims.len())));
    }
    if let Some((groups, channels)) = groups.zip(dims[1]).filter(|(groups, channels)| channels % groups != 0) {
        return Err(OpError::invalid(format!("num_groups={groups} must divide the {channels} channels")));
    }
    let count = groups.or(dims[1]);
    (1..3).try_for_each(|i| io.set_input(i, PartialShape::partial([count])))?;
    (1..3).try_for_each(|o| io.set_output(o, PartialShape::partial([dims[0], count])))
}

fn forward(io: &mut Io, eps: f32) -> OpResult {
    fn run<T: Float>(io: &mut Io, eps: f32) -> OpResult {
        let [x, gamma, beta] = [0, 1, 2].map(|i| io.inputs[i].slice::<T>());
        let [out, mean, std] = &mut io.outputs else { return Err(OpError::invalid("three outputs are needed")) };
        let (rows, stats) = (mean.size(), (mean.slice_mut()?, std.slice_mut()?));
        group_norm(rows, x?, (gamma?, beta?), eps as f64, out.slice_mut()?, stats);
        Ok(())
    }
    if io.inputs[0].shape().len() < 3 {
        return Err(OpError::invalid("data must have at least 3 dimensions (batch, channels, space)"));
    }
    let dtype = io.outputs[0].dtype();
    dispatch_float!(dtype, T => run::<T>(io, eps), else unsupported(dtype, "a float type"))
}

fn gradient(g: &mut Grad) -> GraphResult {
    let inputs = [g.head(0)?, g.input(0), g.input(1), g.output(1), g.output(2)];
    for (i, gradient) in g.apply_multi(GroupNormBackward {}, &inputs).into_iter().enumerate() {
        g.set(i, gradient);
    }
    Ok(())
}

impl Operator for GroupNorm {
    fn output_names(&self) -> Names {
        names!["output", "mean", "std"]
    }

    fn num_outputs(&self) -> usize {
        3
    }

    fn num_visible(&self) -> usize {
        if self.output_mean_var { 3 } else { 1 }
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        match io.inputs[0].rank() {
            Some(rank) if rank < 3 => {
                Err(OpError::invalid(format!("data must have at least 3 dimensions (batch, channels, space), got {rank}")))
            }
            _ => infer(io, Some(self.num_groups as usize)),
        }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        forward(io, self.eps)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        gradient(g)
    }
}

impl Operator for InstanceNorm {
    fn output_names(&self) -> Names {
        names!["output", "mean", "var"]
    }

    fn num_outputs(&self) -> usize {
        3
    }

    fn num_visible(&self) -> usize {
        1
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer(io, None)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        forward(io, self.eps)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        gradient(g)
    }
}

impl Operator for GroupNormBackward {
    fn num_outputs(&self) -> usize {
        3
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Input(1), Port::Output(0)])?;
        io.unify([Port::Input(2), Port::Output(1), Port::Output(2)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        fn run<T: Float>(io: &mut Io) -> OpResult {
            let rows = io.inputs[3].size();
            let [ograd, x, gamma, mean, std] = [0, 1, 2, 3, 4].map(|i| io.inputs[i].slice::<T>());
            let [dx, dgamma, dbeta] = &mut io.outputs else { return Err(OpError::invalid("three outputs are needed")) };
            let params = (dgamma.slice_mut()?, dbeta.slice_mut()?);
            group_norm_backward(rows, (x?, ograd?), gamma?, (mean?, std?), dx.slice_mut()?, params);
            Ok(())
        }
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, run_with, t32};
    use rsym_tensor::{DType, Tensor};

    fn data() -> Tensor {
        t32([1, 4, 1, 3], &(0..12).map(|i| i as f32 / 10.0 - 1.0).collect::<Vec<_>>())
    }

    fn groups(num_groups: i32) -> GroupNorm {
        GroupNorm { num_groups, eps: 1e-5, output_mean_var: false }
    }

    #[test]
    fn groups_have_the_values_of_mxnet() {
        let out = run(&groups(2), &[data(), t32([2], &[1.0, 2.0]), t32([2], &[0.5, 0.0])]);
        let first = [-0.96360, -0.37816, 0.20728, 0.79272, 1.37816, 1.96360];
        let second = [-2.92720, -1.75632, -0.58544, 0.58544, 1.75632, 2.92720];
        assert_close(&out[0], &[first, second].concat());
        assert_close(&out[2], &[0.17081, 0.17081]);
    }

    #[test]
    fn instances_have_the_values_of_mxnet() {
        let params = [t32([4], &[1.0, 2.0, 3.0, 4.0]), t32([4], &[0.5, 0.0, 1.0, 2.0])];
        let out = run(&InstanceNorm { eps: 1e-3 }, &[data(), params[0].clone(), params[1].clone()]);
        let want = [-0.64208, 0.5, 1.64208, -2.28416, 0.0, 2.28416, -2.42624, 1.0, 4.42624, -2.56832, 2.0, 6.56832];
        assert_close(&out[0], &want);
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&groups(2), &[[2, 4, 3].into(), [2].into(), [2].into()], DType::Float64);
        check_gradient(&InstanceNorm { eps: 0.1 }, &[[2, 3, 4].into(), [3].into(), [3].into()], DType::Float64);
    }

    #[test]
    fn shapes_follow_from_the_data() {
        let got = infer(&groups(2), &[&[0, 4, 5], &[], &[]], &[]).unwrap();
        assert_eq!(got[1..], [vec![2], vec![2], vec![0, 4, 5], vec![0, 2], vec![0, 2]]);
        assert!(infer(&groups(2), &[&[2, 3, 4], &[], &[]], &[]).is_err());
        assert!(infer(&groups(1), &[&[2, 3], &[], &[]], &[]).is_err());
        assert_eq!(infer(&InstanceNorm { eps: 1.0 }, &[&[0, 3, 4], &[], &[]], &[]).unwrap()[1], [3]);
        let flat = [t32([2, 1], &[1.0, 2.0]), t32([1], &[1.0]), t32([1], &[0.0])];
        assert!(run_with(&InstanceNorm { eps: 1.0 }, &flat, &Ctx::default()).is_err());
    }
}
