use super::{IndexError, IndexMode, resolve};
use rsym_tensor::Element;

/// The flat positions that the columns of `indices`, a (dims.len(), count) matrix, mean in an array of shape `dims`. The
/// leading axes of a larger array may be given; then the positions are those of its slices. Negative indices count from the end.
pub fn resolve_nd(indices: &[i64], dims: &[usize]) -> Result<Vec<usize>, IndexError> {
    let count = indices.len() / dims.len().max(1);
    assert_eq!(count * dims.len(), indices.len(), "resolve_nd: rows of unequal length");
    let mut flat = vec![0; count];
    for (axis, &extent) in dims.iter().enumerate() {
        let from_end = |i: i64| if i < 0 && i >= -(extent as i64) { i + extent as i64 } else { i };
        let row: Vec<i64> = indices[axis * count..][..count].iter().map(|&i| from_end(i)).collect();
        let places = resolve(&row, extent, IndexMode::Raise)
            .map_err(|e| IndexError { position: axis * count + e.position, ..e })?;
        flat.iter_mut().zip(places).for_each(|(f, p)| *f = *f * extent + p);
    }
    Ok(flat)
}

/// Overwrites the rows `at` of `out` (inner elements each) with those of `values`; the last one counts where positions
/// repeat. Other rows stay.
pub fn scatter_rows<T: Element>(values: &[T], inner: usize, at: &[usize], out: &mut [T]) {
    assert_eq!(values.len(), at.len() * inner, "scatter_rows: lengths");
    for (k, &row) in at.iter().enumerate() {
        out[row * inner..][..inner].copy_from_slice(&values[k * inner..][..inner]);
    }
}
