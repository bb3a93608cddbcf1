//! Reductions over any set of axes.
//!
//! Sums and products are carried in `f64` for floating point and in `i64` for integers. The order of the operations
//! depends on the shape alone.

mod fold;
mod plan;
mod single;
#[cfg(test)]
mod tests;

use crate::axes::for_runs;
use crate::elementwise::split;
use crate::feed::BLOCK;
use crate::number::Number;
use crate::parallel::{for_row_chunks, for_rows};
use fold::Fold;
use plan::Plan;
pub(crate) use single::squares_of;
use std::ops::Range;

/// What a reduction computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// The sum.
    Sum,
    /// The sum over the count; integers divide towards zero.
    Mean,
    /// The product.
    Prod,
    /// The sum with NaN as 0.
    NanSum,
    /// The product with NaN as 1.
    NanProd,
    /// The largest element; NaN if there is one, the lowest value over nothing.
    Max,
    /// The smallest element; NaN if there is one, the highest value over nothing.
    Min,
    /// The sum of absolute values.
    L1,
    /// The square root of the sum of squares.
    L2,
}

/// Reduces `src` of shape `dims` over `axes` (each below the rank) into `out`, which holds the remaining axes in their
/// order. No axes at all reduce nothing, yet apply what the reduction does to one element.
pub fn reduce<T: Number>(kind: Reduction, src: &[T], dims: &[usize], axes: &[usize], out: &mut [T]) {
    match kind {
        Reduction::Sum => run::<T, fold::Sum>(src, dims, axes, out),
        Reduction::Mean => run::<T, fold::Mean>(src, dims, axes, out),
        Reduction::Prod => run::<T, fold::Prod>(src, dims, axes, out),
        Reduction::NanSum => run::<T, fold::NanSum>(src, dims, axes, out),
        Reduction::NanProd => run::<T, fold::NanProd>(src, dims, axes, out),
        Reduction::Max => run::<T, fold::Max>(src, dims, axes, out),
        Reduction::Min => run::<T, fold::Min>(src, dims, axes, out),
        Reduction::L1 => run::<T, fold::L1>(src, dims, axes, out),
        Reduction::L2 => run::<T, fold::L2>(src, dims, axes, out),
    }
}

/// Sums `src` of shape `dims` down to the shape `target`, from which broadcasting leads to `dims`: the gradient of
/// broadcasting.
pub fn reduce_to_shape<T: Number>(src: &[T], dims: &[usize], target: &[usize], out: &mut [T]) {
    assert!(target.len() <= dims.len(), "reduce_to_shape: from {dims:?} to {target:?}");
    let pad = dims.len() - target.len();
    let axes: Vec<usize> = (0..dims.len()).filter(|&i| i < pad || (target[i - pad] == 1 && dims[i] != 1)).collect();
    if axes.is_empty() { out.copy_from_slice(src) } else { reduce(Reduction::Sum, src, dims, &axes, out) }
}

/// Up to this many outputs, long reductions are cut into parts that are merged afterwards.
const FEW: usize = BLOCK;
/// Neighbouring outputs of one task, where neighbours come from neighbouring elements.
const GROUP: usize = 256;
/// Elements in such a part, about.
const PART: usize = 1 << 16;

fn run<T: Number, F: Fold<T>>(src: &[T], dims: &[usize], axes: &[usize], out: &mut [T]) {
    let plan = Plan::new(dims, axes);
    assert_eq!((src.len(), out.len()), (plan.outputs * plan.count, plan.outputs), "reduce: lengths");
    if src.is_empty() {
        return out.fill(F::finish(F::start(), 0));
    }
    if plan.outputs <= FEW && src.len() >= 2 * PART && plan.count >= 64 {
        reduce_in_parts::<T, F>(src, &plan, out);
    } else {
        reduce_whole::<T, F>(src, &plan, out);
    }
}

/// Every output by itself.
fn reduce_whole<T: Number, F: Fold<T>>(src: &[T], plan: &Plan, out: &mut [T]) {
    let group = if plan.inner_kept { GROUP } else { 1 };
    for_row_chunks(out, group, plan.count.saturating_mul(group), |first, chunk| {
        let mut acc = [F::start(); BLOCK];
        for (n, block) in chunk.chunks_mut(BLOCK).enumerate() {
            let acc = &mut acc[..block.len()];
            acc.fill(F::start());
            fold_block::<T, F>(src, plan, first * group + n * BLOCK, 0..plan.count, acc);
            block.iter_mut().zip(acc).for_each(|(o, a)| *o = F::finish(*a, plan.count));
        }
    });
}

/// All outputs for one part of the reduced positions after the other.
fn reduce_in_parts<T: Number, F: Fold<T>>(src: &[T], plan: &Plan, out: &mut [T]) {
    let part = (PART / plan.outputs).max(1);
    let mut partial = vec![F::start(); plan.count.div_ceil(part) * plan.outputs];
    for_rows(&mut partial, plan.outputs, PART, |p, acc| {
        fold_block::<T, F>(src, plan, 0, p * part..(p * part + part).min(plan.count), acc);
    });
    split(out, &|at, out| {
        for (i, o) in out.iter_mut().enumerate() {
            let acc = partial.iter().skip(at + i).step_by(plan.outputs).fold(F::start(), |a, &b| F::merge(a, b));
            *o = F::finish(acc, plan.count);
        }
    });
}

/// Folds the reduced positions `range` into the accumulators of the outputs from `first` on.
fn fold_block<T: Number, F: Fold<T>>(src: &[T], plan: &Plan, first: usize, range: Range<usize>, acc: &mut [T::Acc]) {
    let mut done = 0;
    for_runs(&plan.kept, first..first + acc.len(), |base, run, stride| {
        let acc = &mut acc[done..done + run];
        done += run;
        if plan.inner_kept {
            fold_rows::<T, F>(&src[base..], plan, range.clone(), acc);
        } else {
            let from = |i: usize| &src[base + i * stride..];
            acc.iter_mut().enumerate().for_each(|(i, a)| *a = fold_one::<T, F>(from(i), plan, range.clone()));
        }
    });
}

/// Neighbouring outputs whose elements are neighbours, too.
fn fold_rows<T: Number, F: Fold<T>>(src: &[T], plan: &Plan, range: Range<usize>, acc: &mut [T::Acc]) {
    for_runs(&plan.reduced, range, |offset, run, stride| {
        for t in 0..run {
            let row = &src[offset + t * stride..][..acc.len()];
            let done = F::SINGLE.is_some_and(|kind| row.len() >= 16 && single::row(kind, row, acc));
            if !done {
                acc.iter_mut().zip(row).for_each(|(a, &x)| *a = F::step(*a, x));
            }
        }
    });
}

/// One output whose elements lie in contiguous runs.
fn fold_one<T: Number, F: Fold<T>>(src: &[T], plan: &Plan, range: Range<usize>) -> T::Acc {
    let mut acc = F::start();
    for_runs(&plan.reduced, range, |offset, run, _| {
        acc = F::merge(acc, fold::fold_slice::<T, F>(&src[offset..offset + run]));
    });
    acc
}
