//! The matrix of window contents: one row per (channel, tap), one column per window.

use crate::real::Real;
use crate::window::Window;
use std::ops::Range;

/// Writes the columns `cols` of the matrix of `planes`, C-contiguous; padding gives zeros.
pub(super) fn im2col<C: Real>(w: &Window, planes: &[C], cols: Range<usize>, out: &mut [C]) {
    let (taps, size) = (w.taps(), w.input_size());
    for (row, out) in out.chunks_exact_mut(cols.len()).enumerate() {
        im2col_row(w, &planes[row / taps * size..][..size], w.tap(row % taps), cols.clone(), out);
    }
}

/// Adds every element of the columns `cols` of a matrix to the place in `planes` that it comes from.
pub(super) fn col2im_add<C: Real>(w: &Window, matrix: &[C], cols: Range<usize>, planes: &mut [C]) {
    let (taps, size) = (w.taps(), w.input_size());
    for (row, matrix) in matrix.chunks_exact(cols.len()).enumerate() {
        let plane = &mut planes[row / taps * size..][..size];
        let tap = w.tap(row % taps);
        for line in lines(w, tap, cols.clone()) {
            if let Some(start) = line.start {
                add_strided(&matrix[line.inside], &mut plane[start..], w.stride[2]);
            }
        }
    }
}

/// One row of the matrix.
pub(super) fn im2col_row<C: Real>(w: &Window, plane: &[C], tap: [usize; 3], cols: Range<usize>, out: &mut [C]) {
    for line in lines(w, tap, cols) {
        let Some(start) = line.start else {
            out[line.all].fill(C::zero());
            continue;
        };
        out[line.all.start..line.inside.start].fill(C::zero());
        out[line.inside.end..line.all.end].fill(C::zero());
        copy_strided(&plane[start..], w.stride[2], &mut out[line.inside]);
    }
}

fn copy_strided<C: Real>(from: &[C], stride: usize, to: &mut [C]) {
    if stride == 1 {
        to.copy_from_slice(&from[..to.len()]);
    } else {
        to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(t, f)| *t = *f);
    }
}

fn add_strided<C: Real>(from: &[C], to: &mut [C], stride: usize) {
    if stride == 1 {
        to.iter_mut().zip(from).for_each(|(t, f)| *t += *f);
    } else {
        to.iter_mut().step_by(stride).zip(from).for_each(|(t, f)| *t += *f);
    }
}

/// The part of a matrix row that one line of windows gives.
struct Line {
    /// Position in the row.
    all: Range<usize>,
    /// The part of `all` whose tap lies inside of the input.
    inside: Range<usize>,
    /// Place of the first inside element in the plane; `None` when nothing is inside.
    start: Option<usize>,
}

fn lines(w: &Window, tap: [usize; 3], cols: Range<usize>) -> impl Iterator<Item = Line> + '_ {
    let width = w.output[2];
    let across = w.inside(2, tap[2]);
    (cols.start / width..cols.end.div_ceil(width)).map(move |line| {
        let first = line * width;
        let clip = |x: usize| (first + x).clamp(cols.start, cols.end);
        let (all, inside) = (clip(0)..clip(width), clip(across.start)..clip(across.end));
        let start = if inside.is_empty() { None } else { source(w, tap, line, inside.start - first) };
        let shift = |r: Range<usize>| r.start - cols.start..r.end - cols.start;
        Line { all: shift(all), inside: shift(inside), start }
    })
}

/// Place in the plane under `tap` of window `x` in output line `line`; `None` in the padding.
fn source(w: &Window, tap: [usize; 3], line: usize, x: usize) -> Option<usize> {
    let z = w.source(0, line / w.output[1], tap[0])?;
    let y = w.source(1, line % w.output[1], tap[1])?;
    Some((z * w.input[1] + y) * w.input[2] + w.source(2, x, tap[2])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::real::tests::noise;

    fn windows() -> Vec<Window> {
        vec![
            Window::new(&[7], &[3], &[1], &[1], &[1]),
            Window::new(&[5, 6], &[3, 2], &[2, 1], &[1, 2], &[1, 2]),
            Window::new(&[4, 5, 3], &[2, 3, 3], &[1, 2, 3], &[2, 1, 1], &[1, 0, 2]),
        ]
    }

    fn naive(w: &Window, planes: &[f32], row: usize, col: usize) -> f32 {
        let [_, h, width] = w.output;
        let at = [col / (h * width), col / width % h, col % width];
        let tap = w.tap(row % w.taps());
        let [z, y, x] = [0, 1, 2].map(|d| w.source(d, at[d], tap[d]));
        let offset = row / w.taps() * w.input_size();
        match (z, y, x) {
            (Some(z), Some(y), Some(x)) => planes[offset + (z * w.input[1] + y) * w.input[2] + x],
            _ => 0.0,
        }
    }

    #[test]
    fn every_column_range_holds_the_window_contents() {
        for w in windows() {
            let planes = noise::<f32>(2 * w.input_size(), 1);
            let n = w.output_size();
            for cols in [0..n, 1..n, 0..n / 2 + 1, n / 3..n - 1] {
                let mut out = vec![f32::NAN; 2 * w.taps() * cols.len()];
                im2col(&w, &planes, cols.clone(), &mut out);
                for (i, &v) in out.iter().enumerate() {
                    assert_eq!(v, naive(&w, &planes, i / cols.len(), cols.start + i % cols.len()));
                }
            }
        }
    }

    #[test]
    fn scattering_is_the_adjoint_of_gathering() {
        for w in windows() {
            let n = w.output_size();
            let x = noise::<f64>(2 * w.input_size(), 1);
            let y = noise::<f64>(2 * w.taps() * n, 2);
            let (mut gathered, mut scattered) = (vec![0.0; y.len()], vec![0.0; x.len()]);
            im2col(&w, &x, 0..n, &mut gathered);
            col2im_add(&w, &y, 0..n, &mut scattered);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            assert!((dot(&gathered, &y) - dot(&x, &scattered)).abs() < 1e-10);
        }
    }
}
