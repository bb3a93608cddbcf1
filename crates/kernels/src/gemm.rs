//! Matrix products, single and batched, over strided operands.
//!
//! The product is cut into tiles of the result whose size depends on the shape alone; each tile is computed by one
//! thread, so every number of threads gives the same bits.

use crate::cores::cores;
use crate::parallel::{Shared, for_tasks};
use crate::real::{Real, real, wide, with_wide, with_wide_out};
use gemm::Parallelism;
use rsym_tensor::Float;

/// A matrix to read: element (r, c) is `data[r * rs + c * cs]`.
#[derive(Clone, Copy, Debug)]
pub struct Mat<'a, T> {
    /// The elements, of all matrices in a batched product.
    pub data: &'a [T],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Distance of two rows.
    pub rs: usize,
    /// Distance of two columns.
    pub cs: usize,
}

impl<'a, T> Mat<'a, T> {
    /// A C-contiguous matrix.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Self {
        Mat { data, rows, cols, rs: cols, cs: 1 }
    }

    /// The transposed matrix.
    pub fn t(self) -> Self {
        Mat { data: self.data, rows: self.cols, cols: self.rows, rs: self.cs, cs: self.rs }
    }

    fn check(&self, batch: usize, step: usize) {
        let dims = [(batch, step), (self.rows, self.rs), (self.cols, self.cs)];
        assert!(last_index(dims).is_none_or(|last| last < self.data.len()), "operand of a product too short");
    }

    fn with<U>(self, data: &[U]) -> Mat<'_, U> {
        Mat { data, rows: self.rows, cols: self.cols, rs: self.rs, cs: self.cs }
    }
}

/// A matrix to write: element (r, c) is `data[r * rs + c * cs]`; no two elements may share a place.
#[derive(Debug)]
pub struct MatMut<'a, T> {
    /// The elements, of all matrices in a batched product.
    pub data: &'a mut [T],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Distance of two rows.
    pub rs: usize,
    /// Distance of two columns.
    pub cs: usize,
}

impl<'a, T> MatMut<'a, T> {
    /// A C-contiguous matrix.
    pub fn new(data: &'a mut [T], rows: usize, cols: usize) -> Self {
        MatMut { data, rows, cols, rs: cols, cs: 1 }
    }

    fn check(&self, batch: usize, step: usize) {
        let dims = [(batch, step), (self.rows, self.rs), (self.cols, self.cs)];
        assert!(last_index(dims).is_none_or(|last| last < self.data.len()), "result of a product too short");
        assert!(!overlaps(dims), "elements of the result of a product overlap");
    }
}

/// The greatest index that the (size, stride) pairs reach; `None` without any element.
fn last_index(dims: [(usize, usize); 3]) -> Option<usize> {
    dims.iter().try_fold(0, |last, &(n, stride)| Some(last + n.checked_sub(1)? * stride))
}

/// Whether two elements of the (size, stride) pairs may share a place.
fn overlaps(mut dims: [(usize, usize); 3]) -> bool {
    dims.sort_by_key(|&(_, stride)| stride);
    let mut reach = 0;
    for (n, stride) in dims.into_iter().filter(|&(n, _)| n > 1) {
        if stride <= reach {
            return true;
        }
        reach += (n - 1) * stride;
    }
    false
}

/// `c = alpha * a * b + beta * c`; `c` is not read when `beta` is 0.
///
/// # Panics
/// When the matrices do not fit each other or their slices.
pub fn gemm<T: Float>(alpha: f64, a: Mat<T>, b: Mat<T>, beta: f64, c: MatMut<T>) {
    gemm_batched(1, alpha, (a, 0), (b, 0), beta, (c, 0));
}

/// The product [`gemm`] for `batch` matrices, each operand with the distance from one matrix to the next (0 repeats
/// an operand).
///
/// # Panics
/// When the matrices do not fit each other or their slices.
pub fn gemm_batched<T: Float>(
    batch: usize,
    alpha: f64,
    (a, a_step): (Mat<T>, usize),
    (b, b_step): (Mat<T>, usize),
    beta: f64,
    (c, c_step): (MatMut<T>, usize),
) {
    let MatMut { data, rows, cols, rs, cs } = c;
    let (wide_a, wide_b) = (wide(a.data), wide(b.data));
    let run = |data: &mut [T::Compute]| {
        let c = MatMut { data, rows, cols, rs, cs };
        let (a, b) = (a.with(&wide_a), b.with(&wide_b));
        (cores().product)(batch, real(alpha), (a, a_step), (b, b_step), real(beta), (c, c_step));
    };
    let gaps = data.len() != batch * rows * cols;
    if beta == 0.0 && !gaps { with_wide_out(data, run) } else { with_wide(data, run) }
}

/// Rows and columns of the tiles into which a product is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tiling {
    rows: usize,
    cols: usize,
}

/// Multiplications that one tile should have at least, and the number of tiles beyond which tiles only grow.
const TILE_WORK: usize = 1 << 20;
const MAX_TILES: usize = 64;
/// Tile sizes are multiples of these, which suit the register blocks of the micro-kernels.
const ROW_UNIT: usize = 8;
const COL_UNIT: usize = 48;

impl Tiling {
    /// Cuts the longer side first until there are enough tiles for the work.
    fn of(batch: usize, m: usize, n: usize, k: usize) -> Tiling {
        let wanted = (m * n * k / TILE_WORK).min(MAX_TILES.div_ceil(batch.max(1)));
        let mut tile = Tiling { rows: m, cols: n };
        while tile.count(m, n) < wanted {
            let half = |size: usize, unit: usize| size.div_ceil(2).next_multiple_of(unit);
            let (rows, cols) = (half(tile.rows, ROW_UNIT), half(tile.cols, COL_UNIT));
            match (rows < tile.rows, cols < tile.cols) {
                (true, by_cols) if !by_cols || tile.rows > tile.cols => tile.rows = rows,
                (_, true) => tile.cols = cols,
                _ => break,
            }
        }
        tile
    }

    fn count(&self, m: usize, n: usize) -> usize {
        m.div_ceil(self.rows) * n.div_ceil(self.cols)
    }
}

/// The product [`gemm_batched`] in a type of computation.
pub(crate) fn product<C: Real>(
    batch: usize,
    alpha: C,
    (a, a_step): (Mat<C>, usize),
    (b, b_step): (Mat<C>, usize),
    beta: C,
    (c, c_step): (MatMut<C>, usize),
) {
    let (m, n, k) = (c.rows, c.cols, a.cols);
    assert_eq!((a.rows, b.rows, b.cols), (m, k, n), "matrices of a product do not fit");
    a.check(batch, a_step);
    b.check(batch, b_step);
    c.check(batch, c_step);
    if batch * m * n == 0 {
        return;
    }
    let tiling = Tiling::of(batch, m, n, k);
    let (per_matrix, across) = (tiling.count(m, n), n.div_ceil(tiling.cols));
    let (rs, cs) = (c.rs, c.cs);
    let target = Shared::new(c.data);
    let tile = |index: usize| {
        let (item, index) = (index / per_matrix, index % per_matrix);
        let (row, col) = (index / across * tiling.rows, index % across * tiling.cols);
        let (rows, cols) = (tiling.rows.min(m - row), tiling.cols.min(n - col));
        let a = Mat { rows, data: tail(a.data, item * a_step + row * a.rs), ..a };
        let b = Mat { cols, data: tail(b.data, item * b_step + col * b.cs), ..b };
        // SAFETY: `check` found all indices of all tiles inside of the slice and without overlap.
        unsafe {
            let c = target.at(item * c_step + row * rs + col * cs, (rows - 1) * rs + (cols - 1) * cs + 1);
            gemm_raw(alpha, a, b, beta, c, (rs, cs))
        }
    };
    for_tasks(batch * per_matrix, tiling.rows * tiling.cols * k / 16, tile);
}

/// The slice from `offset` on, empty where a product over no elements begins behind the end.
fn tail<T>(data: &[T], offset: usize) -> &[T] {
    data.get(offset..).unwrap_or_default()
}

/// One product on the calling thread, for use inside of kernels that split their own work.
pub(crate) fn gemm_inline<C: Real>(alpha: C, a: Mat<C>, b: Mat<C>, beta: C, c: MatMut<C>) {
    assert_eq!((a.rows, b.rows, b.cols), (c.rows, a.cols, c.cols), "matrices of a product do not fit");
    a.check(1, 0);
    b.check(1, 0);
    c.check(1, 0);
    // SAFETY: the checks found all indices inside of the slices.
    unsafe { gemm_raw(alpha, a, b, beta, c.data.as_mut_ptr(), (c.rs, c.cs)) }
}

/// One product on the calling thread into `c[r * rs + c * cs]`.
///
/// # Safety
/// All indices of the three matrices must be inside of their memory, and no other thread may touch the result's.
pub(crate) unsafe fn gemm_raw<C: Real>(alpha: C, a: Mat<C>, b: Mat<C>, beta: C, c: *mut C, (rs, cs): (usize, usize)) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    let s = |stride: usize| stride as isize;
    // SAFETY: the caller vouches for the indices.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c,
            s(cs),
            s(rs),
            beta != C::zero(),
            a.data.as_ptr(),
            s(a.cs),
            s(a.rs),
            b.data.as_ptr(),
            s(b.cs),
            s(b.rs),
            beta,
            alpha,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use crate::real::tests::{assert_close, noise};
    use rsym_tensor::{bf16, f16};

    fn naive<T: Float>(alpha: f64, a: Mat<T>, b: Mat<T>, beta: f64, c: &[T], (rs, cs): (usize, usize)) -> Vec<f64> {
        let mut out: Vec<f64> = c.iter().map(|v| v.to_f64()).collect();
        for r in 0..a.rows {
            for j in 0..b.cols {
                let at = |i: usize| a.data[r * a.rs + i * a.cs].to_f64() * b.data[i * b.rs + j * b.cs].to_f64();
                let old = if beta == 0.0 { 0.0 } else { beta * out[r * rs + j * cs] };
                out[r * rs + j * cs] = alpha * (0..a.cols).map(at).sum::<f64>() + old;
            }
        }
        out
    }

    fn compare<T: Float>(m: usize, n: usize, k: usize, ta: bool, tb: bool, tol: f64) {
        let (x, y, z) = (noise::<T>(m * k, 1), noise::<T>(k * n, 2), noise::<T>(m * n, 3));
        let a = if ta { Mat::new(&x, k, m).t() } else { Mat::new(&x, m, k) };
        let b = if tb { Mat::new(&y, n, k).t() } else { Mat::new(&y, k, n) };
        for (alpha, beta) in [(1.0, 0.0), (0.5, 1.0), (-1.0, 0.25)] {
            let mut c = z.clone();
            gemm(alpha, a, b, beta, MatMut::new(&mut c, m, n));
            assert_close(&c, &naive(alpha, a, b, beta, &z, (n, 1)), tol);
        }
    }

    #[test]
    fn products_of_odd_sizes_match_the_naive_sum() {
        let sizes = [1, 3, 7, 8, 15, 16, 17, 33];
        for (i, &m) in sizes.iter().enumerate() {
            for (j, &n) in sizes.iter().enumerate() {
                for &k in &sizes {
                    compare::<f32>(m, n, k, i % 2 == 0, j % 2 == 0, 1e-5);
                    compare::<f64>(m, n, k, i % 2 == 1, j % 2 == 0, 1e-12);
                }
            }
        }
    }

    #[test]
    fn half_precision_rounds_once() {
        compare::<f16>(7, 17, 33, true, false, 1e-3);
        compare::<bf16>(17, 3, 15, false, true, 1e-2);
    }

    #[test]
    fn large_products_are_the_same_for_every_thread_count() {
        for (m, n, k) in [(1, 2000, 600), (300, 5, 999), (257, 130, 300), (64, 1000, 64)] {
            let (x, y) = (noise::<f32>(m * k, 1), noise::<f32>(k * n, 2));
            let (a, b) = (Mat::new(&x, m, k), Mat::new(&y, n, k).t());
            let c = same_for_threads(|| {
                let mut c = vec![0f32; m * n];
                gemm(1.0, a, b, 0.0, MatMut::new(&mut c, m, n));
                c
            });
            assert_close(&c, &naive(1.0, a, b, 0.0, &c, (n, 1)), 1e-4);
        }
    }

    #[test]
    fn batches_step_through_their_operands() {
        let (batch, m, n, k) = (33, 17, 15, 40);
        let (x, y) = (noise::<f32>(batch * m * k, 1), noise::<f32>(k * n, 2));
        let c = same_for_threads(|| {
            let mut c = vec![0f32; batch * m * n];
            let (a, b) = (Mat::new(&x, m, k), Mat::new(&y, k, n));
            gemm_batched(batch, 1.0, (a, m * k), (b, 0), 0.0, (MatMut::new(&mut c, m, n), m * n));
            c
        });
        for (i, c) in c.chunks(m * n).enumerate() {
            let (a, b) = (Mat::new(&x[i * m * k..], m, k), Mat::new(&y, k, n));
            assert_close(c, &naive(1.0, a, b, 0.0, c, (n, 1)), 1e-5);
        }
    }

    #[test]
    fn strided_result_leaves_its_gaps_alone() {
        let (x, y) = (noise::<f16>(3 * 5, 1), noise::<f16>(5 * 4, 2));
        let (a, b) = (Mat::new(&x, 3, 5), Mat::new(&y, 5, 4));
        let mut c = vec![f16::from_f64(9.0); 3 * 11];
        let before = c.clone();
        gemm(1.0, a, b, 0.0, MatMut { data: &mut c, rows: 3, cols: 4, rs: 11, cs: 2 });
        assert_close(&c, &naive(1.0, a, b, 0.0, &before, (11, 2)), 1e-3);
    }

    #[test]
    fn nan_in_the_old_result_is_not_read() {
        let mut c = [f32::NAN];
        gemm(1.0, Mat::new(&[2.0], 1, 1), Mat::new(&[3.0], 1, 1), 0.0, MatMut::new(&mut c, 1, 1));
        assert_eq!(c, [6.0]);
    }

    #[test]
    fn a_product_over_nothing_scales_the_result() {
        let mut c = [2.0f32, 4.0];
        gemm(1.0, Mat::new(&[], 1, 0), Mat::new(&[], 0, 2), 0.5, MatMut::new(&mut c, 1, 2));
        assert_eq!(c, [1.0, 2.0]);
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn overlapping_results_are_refused() {
        let mut c = [0f32; 4];
        let ones = [1f32; 4];
        let c = MatMut { data: &mut c, rows: 2, cols: 2, rs: 1, cs: 1 };
        gemm(1.0, Mat::new(&ones, 2, 2), Mat::new(&ones, 2, 2), 0.0, c);
    }

    #[test]
    fn tiles_cover_large_results_and_leave_small_ones_whole() {
        assert_eq!(Tiling::of(1, 8, 8, 8), Tiling { rows: 8, cols: 8 });
        assert!(Tiling::of(1, 1, 4096, 4096).count(1, 4096) >= 8);
        assert!(Tiling::of(1, 4096, 4, 4096).count(4096, 4) >= 8);
        assert_eq!(Tiling::of(64, 512, 512, 512).count(512, 512), 1);
    }
}
