//! What operators on batches of matrices share: shape rules, and errors that name the matrix.

use rsym_graph::{OpError, OpResult, Port, ShapeIo};
use rsym_kernels::linalg::Defect;
use rsym_tensor::{PartialShape, Shape};

/// An extent that may be unknown.
pub(super) type Extent = Option<usize>;

/// What is known of two extents that must be equal.
pub(super) fn agree(a: Extent, b: Extent, what: &str) -> OpResult<Extent> {
    match (a, b) {
        (Some(x), Some(y)) if x != y => Err(OpError::invalid(format!("{what} must be equal, got {x} and {y}"))),
        _ => Ok(a.or(b)),
    }
}

/// The extents of input `i`, two at least; nothing while the number of dimensions is unknown.
pub(super) fn known(io: &ShapeIo, i: usize) -> OpResult<Option<Vec<Extent>>> {
    let Some(dims) = io.inputs[i].dims() else { return Ok(None) };
    if dims.len() < 2 {
        let got = PartialShape::partial(dims);
        return Err(OpError::Mismatch {
            port: Port::Input(i),
            expected: "two dimensions or more".into(),
            got: got.to_string(),
        });
    }
    Ok(Some(dims.to_vec()))
}

/// Splits off rows and columns.
pub(super) fn split(dims: &[Extent]) -> (&[Extent], Extent, Extent) {
    let batch = dims.len() - 2;
    (&dims[..batch], dims[batch], dims[batch + 1])
}

/// Input 0 holds square matrices. Returns the batch dimensions and the order, once their number is known.
pub(super) fn square(io: &mut ShapeIo) -> OpResult<Option<(Vec<Extent>, Extent)>> {
    let Some(dims) = known(io, 0)? else { return Ok(None) };
    let (batch, rows, cols) = split(&dims);
    let order = agree(rows, cols, "rows and columns of the square matrices")?;
    io.set_input(0, joined(batch, &[order, order]))?;
    Ok(Some((batch.to_vec(), order)))
}

/// Input 0 and output 0 hold square matrices of one shape.
pub(super) fn same_square(io: &mut ShapeIo) -> OpResult {
    io.unify([Port::Input(0), Port::Output(0)])?;
    square(io)?;
    io.unify([Port::Input(0), Port::Output(0)])
}

/// Batch dimensions followed by others; `(1,)` where there are none at all.
pub(super) fn joined(batch: &[Extent], rest: &[Extent]) -> PartialShape {
    let dims: Vec<Extent> = batch.iter().chain(rest).copied().collect();
    if dims.is_empty() { PartialShape::from([1]) } else { PartialShape::partial(dims) }
}

/// Rows and columns of the matrices of a tensor.
pub(super) fn extents(shape: &Shape) -> (usize, usize) {
    match shape[..] {
        [.., rows, cols] => (rows, cols),
        _ => (1, shape.size()),
    }
}

/// The refusal of a matrix: `what` it is not.
pub(super) fn defective(what: &str) -> impl Fn(Defect) -> OpError + '_ {
    move |d| OpError::invalid(format!("input A: matrix {} of the batch is not {what} (row {})", d.matrix, d.row))
}
