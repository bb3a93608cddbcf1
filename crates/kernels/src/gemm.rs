//! Matrix products, single and batched, over strided operands.
//!
//! The product is cut into tiles of the result whose size depends on the shape alone; each tile is computed by one
//! thread, so every number of threads gives the same bits. Single precision has loops of its own; double precision, and
//! what those do not cover, is computed by the `gemm` crate.

mod dots;
mod pack;
mod packed;
mod single;
mod tile;

use crate::cores::cores;
use crate::parallel::{Shared, for_tasks};
use crate::real::{Real, real, wide, with_wide, with_wide_out};
use crate::simd::{Tier, tier};
use ::gemm::Parallelism;
pub use pack::PackedB;
pub use packed::{Activation, Epilogue, gemm_packed};
use rsym_tensor::{DType, Float};

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
        let empty = dims.iter().any(|&(n, _)| n == 0);
        assert!(empty || !overlaps(dims), "elements of the result of a product overlap");
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
    fn of<C: Real>(batch: usize, m: usize, n: usize, k: usize) -> Tiling {
        if C::DTYPE == DType::Float32 {
            return single::tiling(batch, m, n, k);
        }
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
    let (tiling, tier) = (Tiling::of::<C>(batch, m, n, k), tier());
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
            gemm_on(tier, alpha, a, b, beta, c, (rs, cs))
        }
    };
    for_tasks(batch * per_matrix, (tiling.rows * tiling.cols * k / 16).max(1), tile);
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
pub(crate) unsafe fn gemm_raw<C: Real>(alpha: C, a: Mat<C>, b: Mat<C>, beta: C, c: *mut C, strides: (usize, usize)) {
    // SAFETY: the caller's contract.
    unsafe { gemm_on(tier(), alpha, a, b, beta, c, strides) }
}

/// # Safety
/// As for [`gemm_raw`].
unsafe fn gemm_on<C: Real>(tier: Tier, alpha: C, a: Mat<C>, b: Mat<C>, beta: C, c: *mut C, (rs, cs): (usize, usize)) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    if C::DTYPE == DType::Float32 && alpha == C::one() && (rs == 1 || cs == 1) {
        // SAFETY: `Element` is sealed with one type per DTYPE, so `C` is `f32`; the rest is the caller's contract.
        return unsafe {
            let same = |m: Mat<C>| {
                let data = std::slice::from_raw_parts(m.data.as_ptr().cast::<f32>(), m.data.len());
                Mat { data, rows: m.rows, cols: m.cols, rs: m.rs, cs: m.cs }
            };
            single::product(tier, same(a), same(b), crate::real::double(beta) as f32, c.cast(), (rs, cs))
        };
    }
    let s = |stride: usize| stride as isize;
    // SAFETY: the caller vouches for the indices.
    unsafe {
        ::gemm::gemm(
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
mod tests;
