//! Window contents as matrices, and back: what convolutions do on the way, for whole tensors.

use super::im2col::{col2im_add, im2col};
use crate::parallel::for_rows;
use crate::real::{wide, with_wide_out};
use crate::window::Window;
use num_traits::zero;
use rsym_tensor::Float;

/// The contents of all windows over `planes`: for every plane one row per tap, one column per window; padding gives zeros.
///
/// # Panics
/// When a slice has another size than whole planes have.
pub fn unfold<T: Float>(w: &Window, planes: &[T], out: &mut [T]) {
    let (size, windows) = (w.input_size(), w.output_size());
    assert_eq!(planes.len() / size.max(1) * w.taps() * windows, out.len(), "sizes of planes and windows");
    let planes = wide(planes);
    with_wide_out(out, |out| {
        for_rows(out, w.taps() * windows, w.taps() * windows, |plane, out| {
            im2col(w, &planes[plane * size..][..size], 0..windows, out);
        });
    });
}

/// Planes with the sums of what [`unfold`] would have taken from each place.
///
/// # Panics
/// When a slice has another size than whole planes have.
pub fn fold<T: Float>(w: &Window, columns: &[T], planes: &mut [T]) {
    let (size, matrix) = (w.input_size(), w.taps() * w.output_size());
    assert_eq!(planes.len() / size.max(1) * matrix, columns.len(), "sizes of planes and windows");
    let columns = wide(columns);
    with_wide_out(planes, |planes| {
        for_rows(planes, size, matrix, |plane, out| {
            out.fill(zero());
            if matrix > 0 {
                col2im_add(w, &columns[plane * matrix..][..matrix], 0..w.output_size(), out);
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use crate::real::tests::noise;

    #[test]
    fn folding_is_the_transpose_of_unfolding() {
        for w in [Window::new(&[7], &[3], &[2], &[1], &[1]), Window::new(&[5, 6], &[3, 2], &[2, 1], &[1, 2], &[1, 2])] {
            let (x, columns) = (3 * w.input_size(), 3 * w.taps() * w.output_size());
            let (x, y) = (noise::<f64>(x, 1), noise::<f64>(columns, 2));
            let unfolded = same_for_threads(|| {
                let mut out = vec![f64::NAN; columns];
                unfold(&w, &x, &mut out);
                out
            });
            let mut folded = vec![f64::NAN; x.len()];
            fold(&w, &y, &mut folded);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            assert!((dot(&unfolded, &y) - dot(&x, &folded)).abs() < 1e-12);
        }
    }
}
