//! Discrete Fourier transforms of rows, unnormalised. They are computed in double precision for every type.

use crate::parallel::for_row_chunks;
use rsym_tensor::Element;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

/// The transforms of real rows of `n` numbers, as real and imaginary parts in turn: `out[k] = Σ x[j] exp(-2πijk / n)`.
///
/// # Panics
/// When `out` is not twice as long as `x`.
pub fn real_to_complex<T: Element>(n: usize, x: &[T], out: &mut [T]) {
    assert_eq!(2 * x.len(), out.len(), "lengths of rows and their transforms");
    let mut rows: Vec<Complex<f64>> = x.iter().map(|v| Complex::new(v.to_f64(), 0.0)).collect();
    if n > 0 {
        transform(&mut rows, &*FftPlanner::new().plan_fft_forward(n));
    }
    out.chunks_exact_mut(2).zip(rows).for_each(|(o, v)| (o[0], o[1]) = (T::from_f64(v.re), T::from_f64(v.im)));
}

/// The real parts of the inverse transforms of rows of `n` complex numbers, given as real and imaginary parts in turn:
/// `out[j] = Re Σ x[k] exp(2πijk / n)`.
///
/// # Panics
/// When `x` is not twice as long as `out`.
pub fn complex_to_real<T: Element>(n: usize, x: &[T], out: &mut [T]) {
    assert_eq!(x.len(), 2 * out.len(), "lengths of rows and their transforms");
    let mut rows: Vec<Complex<f64>> = x.chunks_exact(2).map(|v| Complex::new(v[0].to_f64(), v[1].to_f64())).collect();
    if n > 0 {
        transform(&mut rows, &*FftPlanner::new().plan_fft_inverse(n));
    }
    out.iter_mut().zip(rows).for_each(|(o, v)| *o = T::from_f64(v.re));
}

fn transform(rows: &mut [Complex<f64>], plan: &dyn Fft<f64>) {
    let n = plan.len();
    let steps = usize::BITS - n.leading_zeros();
    for_row_chunks(rows, n, 4 * n * steps as usize, |_, rows| plan.process(rows));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::real::tests::{assert_close, noise};
    use std::f64::consts::TAU;

    fn slow(n: usize, x: &[f64]) -> Vec<f64> {
        let part = |row: &[f64], k: usize, f: fn(f64) -> f64| -> f64 {
            row.iter().enumerate().map(|(j, v)| v * f(-TAU * (j * k % n) as f64 / n as f64)).sum()
        };
        let pair = |row: &[f64], k: usize| [part(row, k, f64::cos), part(row, k, f64::sin)];
        x.chunks(n).flat_map(|row| (0..n).flat_map(|k| pair(row, k)).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn transforms_agree_with_sums_and_come_back_times_their_length() {
        for n in [1, 2, 3, 7, 8, 12, 31, 64] {
            let x: Vec<f64> = noise(3 * n, n as u64);
            let mut out = vec![f64::NAN; 6 * n];
            real_to_complex(n, &x, &mut out);
            assert_close(&out, &slow(n, &x), 1e-12);
            let mut back = vec![f64::NAN; 3 * n];
            complex_to_real(n, &out, &mut back);
            assert_close(&back, &x.iter().map(|v| v * n as f64).collect::<Vec<_>>(), 1e-12);
        }
        real_to_complex::<f32>(0, &[], &mut []);
    }
}
