//! Running one operator on tensors at once, as `nd` functions do.

use crate::profile::{Recorder, Source};
use crate::{ExecError, ExecResult, next_stream};
use rsym_graph::{Ctx, Io, OpError, OpRef, ShapeIo, TypeIo};
use rsym_tensor::{DType, PartialShape, Tensor};

/// Runs `op` on `inputs`. The visible outputs are new tensors, or those of `out`, which must fit.
pub fn invoke(op: &OpRef, inputs: &[Tensor], out: Option<&[Tensor]>, is_train: bool) -> ExecResult<Vec<Tensor>> {
    let mut outputs = run(op, inputs, out, is_train)?;
    outputs.truncate(op.num_visible());
    Ok(outputs)
}

/// As [`invoke`], with the hidden outputs.
pub fn run(op: &OpRef, inputs: &[Tensor], out: Option<&[Tensor]>, is_train: bool) -> ExecResult<Vec<Tensor>> {
    let name = || op.name().to_string();
    let fail = |error: OpError| ExecError::run(name(), name(), &error, error.to_string(), describe(op, inputs));
    if inputs.len() != op.num_inputs() {
        let names = op.inputs().join(", ");
        return Err(fail(OpError::invalid(format!(
            "takes {} inputs ({names}), got {}",
            op.num_inputs(),
            inputs.len()
        ))));
    }
    let (shapes, types) = infer(op, inputs, out).map_err(fail)?;
    let visible = op.num_visible();
    let mut outputs = Vec::with_capacity(op.num_outputs());
    for (k, (shape, dtype)) in shapes.iter().zip(types).enumerate() {
        let shape = shape.complete().ok_or_else(|| {
            fail(OpError::invalid(format!("the inputs do not decide the shape of output {k} ({shape})")))
        })?;
        let given = out.filter(|_| k < visible).and_then(|out| out.get(k));
        let fits = |t: &&Tensor| *t.shape() == shape && t.dtype() == dtype && !aliases(t, inputs, op, k);
        outputs.push(given.filter(fits).cloned().map_or_else(|| Tensor::zeros(shape, dtype), Ok)?);
    }
    compute(op, inputs, &mut outputs, is_train).map_err(fail)?;
    for (target, value) in out.unwrap_or_default().iter().zip(&mut outputs) {
        let mut target = target.clone();
        if target.shape() != value.shape() || target.dtype() != value.dtype() {
            return Err(fail(OpError::invalid(format!(
                "out must be {} {}, got {} {}",
                value.shape(),
                value.dtype(),
                target.shape(),
                target.dtype()
            ))));
        }
        target.assign(value)?;
        *value = target;
    }
    Ok(outputs)
}

/// Runs each of `ops` on its inputs, the first of which takes its output: as one operator where there is one for all.
pub fn run_each(ops: &[OpRef], inputs: &[Vec<Tensor>]) -> ExecResult {
    let fits = ops.iter().zip(inputs).all(|(op, own)| own.len() == op.num_inputs() && !own.is_empty());
    let joined = ops.first().filter(|_| fits && ops.len() > 1).and_then(|first| first.together(ops));
    if let Some(op) = joined {
        let out: Vec<Tensor> = inputs.iter().map(|own| own[0].clone()).collect();
        return run(&op, &inputs.concat(), Some(&out), false).map(drop);
    }
    ops.iter().zip(inputs).try_for_each(|(op, own)| run(op, own, own.get(..1), false).map(drop))
}

/// Runs `op`, and records it where that is asked for.
fn compute(op: &OpRef, inputs: &[Tensor], outputs: &mut [Tensor], is_train: bool) -> Result<(), OpError> {
    // Operators that draw nothing leave the random stream where it is.
    let ctx = if op.is_random() { next_stream(is_train) } else { Ctx { is_train, ..Ctx::default() } };
    let Some(recorder) = Recorder::new(Source::Imperative) else {
        return op.forward(&mut Io { inputs, outputs }, &ctx);
    };
    let bytes = outputs.iter().map(Tensor::bytes).sum();
    recorder.time(op.name(), "".into(), bytes, || op.forward(&mut Io { inputs, outputs }, &ctx))
}

/// Whether `t` shares memory with an input in a way that the operator cannot handle in place.
fn aliases(t: &Tensor, inputs: &[Tensor], op: &OpRef, output: usize) -> bool {
    let allowed = |i: usize| op.inplace().contains(&(i, output)) && inputs[i].same_memory(t);
    let shared: Vec<usize> =
        (0..inputs.len()).filter(|&i| std::sync::Arc::ptr_eq(inputs[i].storage(), t.storage())).collect();
    shared.len() > 1 || shared.iter().any(|&i| !allowed(i))
}

fn infer(op: &OpRef, inputs: &[Tensor], out: Option<&[Tensor]>) -> Result<(Vec<PartialShape>, Vec<DType>), OpError> {
    let mut in_shapes: Vec<PartialShape> = inputs.iter().map(|t| t.shape().into()).collect();
    let mut in_types: Vec<Option<DType>> = inputs.iter().map(|t| Some(t.dtype())).collect();
    let mut shapes = vec![PartialShape::unknown(); op.num_outputs()];
    let mut types: Vec<Option<DType>> = vec![None; op.num_outputs()];
    let mut io = ShapeIo { inputs: &mut in_shapes, outputs: &mut shapes };
    op.infer_shape(&mut io)?;
    if op.shape_needs_values() {
        op.shape_from_values(inputs, &mut io)?;
    }
    op.infer_type(&mut TypeIo { inputs: &mut in_types, outputs: &mut types })?;
    for (k, target) in out.unwrap_or_default().iter().enumerate().take(op.num_visible()) {
        if !shapes[k].is_complete() {
            shapes[k] = target.shape().into();
        }
        types[k].get_or_insert(target.dtype());
    }
    Ok((shapes, types.into_iter().map(|t| t.unwrap_or(DType::Float32)).collect()))
}

fn describe(op: &OpRef, inputs: &[Tensor]) -> String {
    let names = op.inputs();
    let one = |(k, t): (usize, &Tensor)| {
        let name = names.get(k).map_or_else(|| format!("input{k}"), |n| n.to_string());
        format!("{name}={} {}", t.shape(), t.dtype())
    };
    inputs.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
}
