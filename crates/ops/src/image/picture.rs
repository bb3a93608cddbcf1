//! What several image operators share: shapes of pictures, and changes of colours.

use rsym_graph::{Ctx, Io, OpError, OpResult, Port, ShapeIo};
use rsym_kernels::picture::{Adjustment, adjust};
use rsym_kernels::random::{Draws, Key};
use rsym_tensor::{PartialShape, Shape, dispatch};

/// The refusal of a shape that is no picture.
pub(super) fn not_a_picture<T>(got: &PartialShape) -> OpResult<T> {
    let expected = "a picture (height, width, channels)";
    Err(OpError::invalid(format!("expected {expected} or several (n, height, width, channels), got shape {got}")))
}

/// One picture with one or three channels in, one of the same shape out.
pub(super) fn same_picture(io: &mut ShapeIo) -> OpResult {
    io.unify([Port::Input(0), Port::Output(0)])?;
    let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
    match dims[..] {
        [_, _, None | Some(1 | 3)] => Ok(()),
        _ => Err(OpError::invalid(format!(
            "expected a picture (height, width, channels) with 1 or 3 channels, got shape {}",
            io.inputs[0]
        ))),
    }
}

/// Number of pictures, height, width and channels.
pub(super) fn sizes(shape: &Shape) -> OpResult<[usize; 4]> {
    match shape[..] {
        [height, width, channels] => Ok([1, height, width, channels]),
        [n, height, width, channels] => Ok([n, height, width, channels]),
        _ => not_a_picture(&shape.into()),
    }
}

/// Copies the input to the output and changes its colours there, step by step.
pub(super) fn adjusted(io: &mut Io, changes: impl IntoIterator<Item = Adjustment>) -> OpResult {
    let (data, out) = io.pair(0, 0);
    let [_, _, _, channels] = sizes(data.shape())?;
    out.assign(data)?;
    for change in changes {
        dispatch!(out.dtype(), T => adjust(change, channels, out.slice_mut::<T>()?));
    }
    Ok(())
}

/// The random numbers of this run.
pub(super) fn draws(ctx: &Ctx) -> Draws {
    Key { seed: ctx.seed, stream: ctx.stream }.draws()
}
