//! Reading positions out of tensors of any type.

use rsym_graph::{OpError, OpResult};
use rsym_kernels::index::{self, IndexError, IndexMode};
use rsym_tensor::{Tensor, dispatch};

/// The elements as whole numbers, fractions cut off.
pub(crate) fn whole_numbers(tensor: &Tensor) -> OpResult<Vec<i64>> {
    dispatch!(tensor.dtype(), T => Ok(index::indices(tensor.slice::<T>()?)))
}

/// The positions that the elements mean on an axis of extent `bound`.
pub(crate) fn positions(tensor: &Tensor, bound: usize, mode: IndexMode) -> OpResult<Vec<usize>> {
    index::resolve(&whole_numbers(tensor)?, bound, mode).map_err(outside)
}

/// The positions of slices that the columns of `tensor` mean in an array whose leading axes are `dims`.
pub(crate) fn flat_positions(tensor: &Tensor, dims: &[usize]) -> OpResult<Vec<usize>> {
    index::resolve_nd(&whole_numbers(tensor)?, dims).map_err(outside)
}

pub(crate) fn outside(error: IndexError) -> OpError {
    OpError::Bounds(error.to_string())
}
