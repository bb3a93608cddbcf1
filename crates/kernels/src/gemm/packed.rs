//! Products with a right factor that was packed before.

use super::pack::{PackedB, Source};
use super::single::{Block, Right, tiling};
use super::{Mat, Tiling};
use crate::parallel::{Shared, for_tasks};
use crate::simd::tier;
use std::fmt;
use std::ptr::null;

/// What becomes of the sums of a product.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// Added to every row; as many elements as the result has columns.
    pub bias: Option<&'a [f32]>,
    /// Add to what the result holds, which is not read otherwise.
    pub accumulate: bool,
    /// Applied last.
    pub activation: Activation<'a>,
}

/// A function of each element of a result.
#[derive(Clone, Copy, Default)]
pub enum Activation<'a> {
    /// The element itself.
    #[default]
    Identity,
    /// Negative elements become 0.
    Relu,
    /// What the function makes of elements that follow each other in a row, while they are in the cache. It gets rows in
    /// pieces which depend on the shapes alone.
    Map(&'a (dyn Fn(&mut [f32]) + Sync)),
}

impl fmt::Debug for Activation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Activation::Identity => "Identity",
            Activation::Relu => "Relu",
            Activation::Map(_) => "Map",
        })
    }
}

/// `c = activation(a * b + bias)` or `c = activation(c + a * b + bias)`; `c` is C-contiguous.
///
/// # Panics
/// When the operands do not fit each other or their slices.
pub fn gemm_packed(a: Mat<f32>, b: &PackedB, epilogue: &Epilogue, c: &mut [f32]) {
    let (m, n, k) = (a.rows, b.cols(), b.rows());
    assert_eq!(a.cols, k, "matrices of a product do not fit");
    assert_eq!(c.len(), m * n, "result of a product of another size");
    assert!(epilogue.bias.is_none_or(|bias| bias.len() == n), "bias of a product of another size");
    a.check(1, 0);
    if m * n == 0 {
        return;
    }
    let tiling = tiling(1, m, n, k);
    let (across, tier) = (n.div_ceil(tiling.cols), tier());
    let target = Shared::new(c);
    let task = |index: usize| {
        let Tiling { rows, cols } = tiling;
        let (row, col) = (index / across * rows, index % across * cols);
        let (rows, cols) = (rows.min(m - row), cols.min(n - col));
        // SAFETY: the checks found all operands large enough, and tasks have different parts of the result.
        unsafe {
            let block = Block {
                a: Source { at: a.data.as_ptr().wrapping_add(row * a.rs), rs: a.rs, cs: a.cs },
                rows,
                b: Right::Packed(b.start().wrapping_add(col * k), k),
                cols,
                k,
                c: target.at(row * n + col, (rows - 1) * n + cols),
                c_row: n,
                beta: epilogue.accumulate as u8 as f32,
                bias: epilogue.bias.map_or(null(), |bias| bias[col..].as_ptr()),
                relu: matches!(epilogue.activation, Activation::Relu),
            };
            block.run(tier);
            if let Activation::Map(f) = epilogue.activation {
                (0..rows).for_each(|r| f(target.slice((row + r) * n + col, cols)));
            }
        }
    };
    for_tasks(tiling.count(m, n), (tiling.rows * tiling.cols * k / 16).max(1), task);
}
