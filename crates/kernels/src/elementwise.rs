//! Element by element: maps of one, two and three operands of equal size.
//!
//! An operand may be the output itself ([`Operand::Out`]), so that in-place use needs no second view of the memory.

use crate::feed::{BLOCK, Buffer, Feed};
use crate::number::{Number, c_cast};
use crate::parallel::for_elements;
use rsym_tensor::Element;

/// Estimated cost of one element, in the units of [`crate::parallel`].
const COST: usize = 4;

/// Where an operand's elements come from.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a, T> {
    /// From memory that is not written meanwhile.
    Slice(&'a [T]),
    /// From the output, before it is overwritten.
    Out,
}

/// Runs `f(offset, part of out)` over fixed parts, in parallel for large outputs. Not generic over the work, so that
/// the threading is compiled once per element type.
pub(crate) fn split<T: Element>(out: &mut [T], f: &(dyn Fn(usize, &mut [T]) + Sync)) {
    for_elements(out, COST, f);
}

/// `out[i] = f(src[i])`
pub fn map<S: Element, D: Element>(src: &[S], out: &mut [D], f: impl Fn(S) -> D + Sync) {
    assert_eq!(src.len(), out.len(), "map: lengths");
    split(out, &|at, part| {
        let src = &src[at..at + part.len()];
        part.iter_mut().zip(src).for_each(|(o, &x)| *o = f(x));
    });
}

/// `out[i] = f(out[i])`
pub fn map_inplace<T: Element>(out: &mut [T], f: impl Fn(T) -> T + Sync) {
    split(out, &|_, part| part.iter_mut().for_each(|o| *o = f(*o)));
}

/// `out[i] = f(src[i])`, where the operand may be the output.
pub fn unary<T: Element>(src: Operand<T>, out: &mut [T], f: impl Fn(T) -> T + Sync) {
    match src {
        Operand::Slice(src) => map(src, out, f),
        Operand::Out => map_inplace(out, f),
    }
}

/// `out[i] = f(src[i])` computed in double precision and converted as [`c_cast`]: unary maths on integers.
pub fn unary_f64<T: Element>(src: Operand<T>, out: &mut [T], f: fn(f64) -> f64) {
    unary(src, out, |x| c_cast(f(x.to_f64())));
}

/// `out[i] = f(lhs[i], rhs[i])`
pub fn binary<T: Element>(lhs: Operand<T>, rhs: Operand<T>, out: &mut [T], f: impl Fn(T, T) -> T + Sync) {
    let size = out.len();
    apply2(&Feed::whole(lhs, size), &Feed::whole(rhs, size), out, f);
}

/// `out[i] = f(a[i], b[i], c[i])`
pub fn ternary<T: Element>(
    a: Operand<T>,
    b: Operand<T>,
    c: Operand<T>,
    out: &mut [T],
    f: impl Fn(T, T, T) -> T + Sync,
) {
    let size = out.len();
    apply3([&Feed::whole(a, size), &Feed::whole(b, size), &Feed::whole(c, size)], out, f);
}

/// `out[i] = f(a[i], b[i])` for operands of other types than the output.
pub fn zip<A: Element, B: Element, D: Element>(a: &[A], b: &[B], out: &mut [D], f: impl Fn(A, B) -> D + Sync) {
    assert!(a.len() == out.len() && b.len() == out.len(), "zip: lengths");
    split(out, &|at, part| {
        let (a, b) = (&a[at..at + part.len()], &b[at..at + part.len()]);
        part.iter_mut().zip(a).zip(b).for_each(|((o, &x), &y)| *o = f(x, y));
    });
}

/// `out[i] += src[i]`
pub fn accumulate<T: Number>(src: &[T], out: &mut [T]) {
    binary(Operand::Out, Operand::Slice(src), out, T::plus);
}

/// `out[i]` = the sum of all `terms[_][i]`, added in their order.
pub fn sum_all<T: Number>(terms: &[&[T]], out: &mut [T]) {
    assert!(terms.iter().all(|t| t.len() == out.len()), "sum_all: lengths");
    split(out, &|at, part| {
        for (n, block) in part.chunks_mut(BLOCK).enumerate() {
            let from = at + n * BLOCK;
            sum_block(terms, from, block);
        }
    });
}

fn sum_block<T: Number>(terms: &[&[T]], from: usize, block: &mut [T]) {
    let range = from..from + block.len();
    match terms.split_first() {
        Some((first, _)) => block.copy_from_slice(&first[range.clone()]),
        None => block.fill(T::default()),
    }
    for term in terms.iter().skip(1) {
        block.iter_mut().zip(&term[range.clone()]).for_each(|(o, &x)| *o = o.plus(x));
    }
}

/// `out[i] = f(lhs, rhs)` over prepared operands.
pub(crate) fn apply2<T: Element>(lhs: &Feed<T>, rhs: &Feed<T>, out: &mut [T], f: impl Fn(T, T) -> T + Sync) {
    split(out, &|at, part| {
        let (mut x, mut y) = (Buffer::default(), Buffer::default());
        for (n, block) in part.chunks_mut(BLOCK).enumerate() {
            let at = at + n * BLOCK;
            let (x, y) = (lhs.take(at, block, &mut x), rhs.take(at, block, &mut y));
            block.iter_mut().zip(x).zip(y).for_each(|((o, &x), &y)| *o = f(x, y));
        }
    });
}

/// `out[i] = f(a, b, c)` over prepared operands.
pub(crate) fn apply3<T: Element>([a, b, c]: [&Feed<T>; 3], out: &mut [T], f: impl Fn(T, T, T) -> T + Sync) {
    split(out, &|at, part| {
        let (mut x, mut y, mut z) = (Buffer::default(), Buffer::default(), Buffer::default());
        for (n, block) in part.chunks_mut(BLOCK).enumerate() {
            let at = at + n * BLOCK;
            let (x, y, z) = (a.take(at, block, &mut x), b.take(at, block, &mut y), c.take(at, block, &mut z));
            block.iter_mut().zip(x).zip(y).zip(z).for_each(|(((o, &x), &y), &z)| *o = f(x, y, z));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use rsym_tensor::f16;

    const SIZES: [usize; 7] = [0, 1, 3, 511, 512, 513, 40_001];

    fn ramp(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i % 97) as f32 - 31.5).collect()
    }

    #[test]
    fn maps_visit_every_element() {
        for n in SIZES {
            let src = ramp(n);
            let out = same_for_threads(|| {
                let mut out = vec![0f64; n];
                map(&src, &mut out, |x| x as f64 * 2.0);
                out
            });
            assert!(out.iter().zip(&src).all(|(o, s)| *o == *s as f64 * 2.0));
        }
    }

    #[test]
    fn every_combination_of_in_place_operands() {
        use Operand::{Out, Slice};
        for n in SIZES {
            let (a, b) = (ramp(n), ramp(n).into_iter().rev().collect::<Vec<_>>());
            let run = |lhs, rhs| {
                let mut out = b.clone();
                binary(lhs, rhs, &mut out, |x, y| 2.0 * x - y);
                out
            };
            let naive = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| 2.0 * x - y).collect::<Vec<_>>();
            assert_eq!(run(Slice(&a), Slice(&a)), naive(&a, &a));
            assert_eq!(run(Out, Slice(&a)), naive(&b, &a));
            assert_eq!(run(Slice(&a), Out), naive(&a, &b));
            assert_eq!(run(Out, Out), naive(&b, &b));
        }
    }

    #[test]
    fn three_operands_and_two_types() {
        let (a, n) = (ramp(1025), 1025);
        let mut out = a.clone();
        ternary(Operand::Slice(&a), Operand::Out, Operand::Slice(&a), &mut out, |x, y, z| x * y - z);
        assert!((0..n).all(|i| out[i] == a[i] * a[i] - a[i]));
        let flags: Vec<bool> = a.iter().map(|x| *x > 0.0).collect();
        let mut kept = vec![f16::ZERO; n];
        zip(&flags, &a, &mut kept, |keep, x| if keep { f16::from_f32(x) } else { f16::ZERO });
        assert!((0..n).all(|i| kept[i].to_f32() == a[i].max(0.0)));
    }

    #[test]
    fn integers_compute_in_floating_point_and_truncate() {
        let mut out = [0i32; 4];
        unary_f64(Operand::Slice(&[0, 1, 3, 20]), &mut out, f64::exp);
        assert_eq!(out, [1, 2, 20, 485165195]);
        unary_f64(Operand::Slice(&[0, 1, 4, -3]), &mut out, f64::sqrt);
        assert_eq!(out, [0, 1, 2, i32::MIN]);
    }

    #[test]
    fn sums_of_many_terms() {
        let a = ramp(1300);
        let mut out = vec![7f32; 1300];
        sum_all(&[&a, &a, &a], &mut out);
        assert!(out.iter().zip(&a).all(|(o, x)| *o == 3.0 * x));
        accumulate(&a, &mut out);
        assert!(out.iter().zip(&a).all(|(o, x)| *o == 4.0 * x));
        sum_all(&[], &mut out);
        assert!(out.iter().all(|o| *o == 0.0));
    }
}
