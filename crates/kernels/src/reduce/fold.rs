//! What the reductions do with one more element, as types.

use super::single::{self, Single};
use crate::number::Number;
use rsym_tensor::Element;

/// A reduction of elements `T`. `merge` is associative up to rounding, with `start` as neutral element.
pub(super) trait Fold<T: Number>: Sync {
    /// The form on vectors for single precision.
    const SINGLE: Option<Single> = None;
    fn start() -> T::Acc;
    fn step(acc: T::Acc, x: T) -> T::Acc;
    fn merge(a: T::Acc, b: T::Acc) -> T::Acc;
    fn finish(acc: T::Acc, _count: usize) -> T {
        T::from_acc(acc)
    }
}

/// Independent accumulators, for the sake of the vector units.
const LANES: usize = 8;

#[inline]
pub(super) fn fold_slice<T: Number, F: Fold<T>>(xs: &[T]) -> T::Acc {
    if let (Some(kind), Some(xs)) = (F::SINGLE, single::numbers(xs))
        && xs.len() >= 4 * LANES
    {
        return Element::from_f64(single::slice(kind, xs));
    }
    if xs.len() < 2 * LANES {
        return xs.iter().fold(F::start(), |acc, &x| F::step(acc, x));
    }
    let mut lanes = [F::start(); LANES];
    let chunks = xs.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(l, &x)| *l = F::step(*l, x));
    }
    lanes.iter_mut().zip(rest).for_each(|(l, &x)| *l = F::step(*l, x));
    lanes.iter().fold(F::start(), |a, &b| F::merge(a, b))
}

fn number<A: Element>(value: i64) -> A {
    A::from_i64(value)
}

macro_rules! fold {
    ($name:ident $(($single:ident))?, $start:expr, ($acc:ident, $x:ident) => $step:expr, $merge:ident $(, ($end:ident, $count:ident) => $finish:expr)?) => {
        pub(super) struct $name;
        impl<T: Number> Fold<T> for $name {
            $(const SINGLE: Option<Single> = Some(Single::$single);)?
            #[inline(always)]
            fn start() -> T::Acc {
                $start
            }
            #[inline(always)]
            fn step($acc: T::Acc, $x: T) -> T::Acc {
                let $x = $x.to_acc();
                $step
            }
            #[inline(always)]
            fn merge(a: T::Acc, b: T::Acc) -> T::Acc {
                a.$merge(b)
            }
            $(fn finish($end: T::Acc, $count: usize) -> T {
                T::from_acc($finish)
            })?
        }
    };
}

fold!(Sum(Sum), number(0), (acc, x) => acc.plus(x), plus);
fold!(Mean(Sum), number(0), (acc, x) => acc.plus(x), plus, (acc, count) => acc.over(number(count as i64)));
fold!(Prod, number(1), (acc, x) => acc.times(x), times);
fold!(NanSum, number(0), (acc, x) => if x.is_nan() { acc } else { acc.plus(x) }, plus);
fold!(NanProd, number(1), (acc, x) => if x.is_nan() { acc } else { acc.times(x) }, times);
fold!(Max(Max), Element::from_f64(f64::NEG_INFINITY), (acc, x) => acc.larger(x), larger, (acc, _count) => clamp::<T>(acc));
fold!(Min(Min), Element::from_f64(f64::INFINITY), (acc, x) => acc.smaller(x), smaller, (acc, _count) => clamp::<T>(acc));
fold!(L1(L1), number(0), (acc, x) => acc.plus(x.magnitude()), plus);
fold!(L2(L2), number(0), (acc, x) => acc.plus(x.times(x)), plus, (acc, _count) => Element::from_f64(acc.to_f64().sqrt()));

/// Brings the extreme of nothing into the range of an integer type.
fn clamp<T: Number>(acc: T::Acc) -> T::Acc {
    let bound = |f: f64| if T::DTYPE.is_float() { Element::from_f64(f) } else { integer_bound::<T>(f > 0.0).to_acc() };
    acc.larger(bound(f64::NEG_INFINITY)).smaller(bound(f64::INFINITY))
}

fn integer_bound<T: Number>(upper: bool) -> T {
    let bits = 8 * T::DTYPE.size() as u32;
    let signed = T::from_i64(-1) < T::from_i64(0);
    match (upper, signed) {
        (false, true) => T::from_i64(i64::MIN >> (64 - bits)),
        (true, true) => T::from_i64(i64::MAX >> (64 - bits)),
        (false, false) => T::from_i64(0),
        (true, false) => T::from_i64(-1),
    }
}
