//! What operators share that only move elements.

use rsym_graph::{Grad, GraphResult, Io, OpError, OpResult, ShapeIo};
use rsym_tensor::PartialShape;

/// Runs `$body` on the elements and the shape of input 0 and on the elements of output 0, whatever their type.
macro_rules! moving {
    ($io:expr, |$src:ident, $dims:ident, $out:ident| $body:expr) => {{
        let (data, target) = $io.pair(0, 0);
        let $dims = data.shape();
        rsym_tensor::dispatch!(target.dtype(), T => {
            let ($src, $out) = (data.slice::<T>()?, target.slice_mut::<T>()?);
            $body
        });
        Ok(())
    }};
}
pub(crate) use moving;

/// As `moving`, for the numeric types: sums of gradients.
macro_rules! summing {
    ($io:expr, |$src:ident, $dims:ident, $out:ident| $body:expr) => {{
        let (data, target) = $io.pair(0, 0);
        let $dims = data.shape();
        let dtype = target.dtype();
        rsym_tensor::dispatch_num!(dtype, T => {
            let ($src, $out) = (data.slice::<T>()?, target.slice_mut::<T>()?);
            $body
        }, else return crate::support::unsupported(dtype, "a float or integer type"));
        Ok(())
    }};
}
pub(crate) use summing;

/// Hands input 0 on under the shape of the output; nothing happens when both have the same memory.
pub(crate) fn hand_on(io: &mut Io) -> OpResult {
    let (data, out) = io.pair(0, 0);
    if data.size() != out.size() {
        let message = format!("cannot give {} elements the shape {}", data.size(), out.shape());
        return Err(OpError::invalid(message));
    }
    Ok(out.assign(data)?)
}

/// (outer, extent, inner) around axis `axis`.
pub(crate) fn around(dims: &[usize], axis: usize) -> (usize, usize, usize) {
    (dims[..axis].iter().product(), dims[axis], dims[axis + 1..].iter().product())
}

/// Lets each output axis `to` and input axis `from` agree in both directions; `None` leaves an output axis open.
pub(crate) fn map_axes(io: &mut ShapeIo, rank: usize, from: &[Option<usize>]) -> OpResult {
    io.set_input(0, PartialShape::of_rank(rank))?;
    io.set_output(0, PartialShape::of_rank(from.len()))?;
    let input = io.inputs[0].clone();
    io.set_output(0, PartialShape::partial(from.iter().map(|f| f.and_then(|f| input.dim(f)))))?;
    let output = io.outputs[0].clone();
    let back = |axis| from.iter().position(|f| *f == Some(axis)).and_then(|to| output.dim(to));
    io.set_input(0, PartialShape::partial((0..rank).map(back)))
}

/// The gradient of an operator that is undone by `op`.
pub(crate) fn undone_by(g: &mut Grad, op: impl rsym_graph::Operator) -> GraphResult {
    let head = g.head(0)?;
    let gradient = g.apply(op, &[head]);
    g.set(0, gradient);
    Ok(())
}
