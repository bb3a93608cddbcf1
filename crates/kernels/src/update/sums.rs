//! What optimizers ask of whole arrays.

use crate::parallel::map_indices;
use crate::reduce::squares_of;
use rsym_tensor::Float;

/// Elements that are looked at as one part.
const PART: usize = 1 << 14;

/// `f` of the fixed parts of `x`.
fn parts<T: Float, R: Send>(x: &[T], f: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let part = |i: usize| &x[i * PART..x.len().min((i + 1) * PART)];
    map_indices(x.len().div_ceil(PART), PART, |i| f(part(i)))
}

/// The sum of the squares, in double precision.
pub fn sum_of_squares<T: Float>(x: &[T]) -> f64 {
    parts(x, squares_of).iter().sum()
}

/// Whether no element is infinite or NaN.
pub fn all_finite<T: Float>(x: &[T]) -> bool {
    let finite = |part: &[T]| part.iter().fold(true, |all, v| all & v.to_f64().is_finite());
    parts(x, finite).into_iter().all(|finite| finite)
}
