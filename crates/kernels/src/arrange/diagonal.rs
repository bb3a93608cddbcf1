use super::strided::{Loop, Nest};
use super::{fill, strides};
use crate::raw::pair;
use rsym_tensor::Element;

/// A diagonal in a plane of a C-contiguous array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagonal {
    extents: Vec<usize>,
    strides: Vec<isize>,
    start: isize,
}

impl Diagonal {
    /// Diagonal `k` of the plane of two different axes (rows, columns) of an array of shape `dims`; positive ones lie above
    /// the main one. Nothing if the plane does not reach it.
    pub fn new(dims: &[usize], (rows, columns): (usize, usize), k: isize) -> Option<Diagonal> {
        let all = strides(dims);
        let (down, right) = (k.min(0).unsigned_abs(), k.max(0).unsigned_abs());
        let length = dims[rows].saturating_sub(down).min(dims[columns].saturating_sub(right));
        if length == 0 {
            return None;
        }
        let mut extents = Vec::new();
        let mut strides = Vec::new();
        for i in (0..dims.len()).filter(|&i| i != rows && i != columns) {
            extents.push(dims[i]);
            strides.push(all[i]);
        }
        extents.push(length);
        strides.push(all[rows] + all[columns]);
        let start = down as isize * all[rows] + right as isize * all[columns];
        Some(Diagonal { extents, strides, start })
    }

    /// Shape of the diagonal: the other axes, then its length.
    pub fn shape(&self) -> &[usize] {
        &self.extents
    }

    /// The copy from the diagonal to a contiguous array.
    fn nest(&self) -> Nest {
        let loops = self.extents.iter().zip(&self.strides).zip(strides(&self.extents));
        let loops = loops.map(|((&extent, &from), to)| Loop { extent, from, to }).collect();
        Nest { loops, from: self.start, to: 0 }
    }
}

/// The elements of a diagonal of `src`.
pub fn take_diagonal<T: Element>(src: &[T], diagonal: &Diagonal, out: &mut [T]) {
    diagonal.nest().run(pair(src, out));
}

/// `values` on a diagonal of `out`, zeros elsewhere.
pub fn put_diagonal<T: Element>(values: &[T], diagonal: &Diagonal, out: &mut [T]) {
    fill(out, T::default());
    let mut nest = diagonal.nest();
    std::mem::swap(&mut nest.from, &mut nest.to);
    nest.loops.iter_mut().for_each(|l| std::mem::swap(&mut l.from, &mut l.to));
    nest.run(pair(values, out));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagonals_equal_the_naive_twin() {
        let dims = [2, 3, 4];
        let src: Vec<i32> = (1..25).collect();
        for (rows, columns) in [(0, 1), (1, 2), (2, 0), (0, 2)] {
            for k in -3..=3isize {
                let Some(diagonal) = Diagonal::new(&dims, (rows, columns), k) else { continue };
                let other = 3 - rows - columns;
                let (n, length) = (dims[other], diagonal.shape()[1]);
                let mut out = vec![0; n * length];
                take_diagonal(&src, &diagonal, &mut out);
                let mut back = vec![9; 24];
                put_diagonal(&out, &diagonal, &mut back);
                let mut want_back = vec![0; 24];
                for o in 0..n {
                    for i in 0..length {
                        let mut at = [0; 3];
                        at[other] = o;
                        at[rows] = i + k.min(0).unsigned_abs();
                        at[columns] = i + k.max(0).unsigned_abs();
                        let flat = (at[0] * 3 + at[1]) * 4 + at[2];
                        assert_eq!(out[o * length + i], src[flat]);
                        want_back[flat] = src[flat];
                    }
                }
                assert_eq!(back, want_back);
            }
        }
        assert!(Diagonal::new(&dims, (0, 1), 3).is_none() && Diagonal::new(&dims, (0, 1), -2).is_none());
    }
}
