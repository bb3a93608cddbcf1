//! The arithmetic of rules: 16 numbers of single or 8 of double precision at a time.

use super::Rule;
use super::data::Compute;
use crate::simd::Lanes;

/// Numbers side by side. Nothing is fused, so that all machines give the same bits.
pub trait Vector: Copy {
    /// The same number everywhere.
    fn all(x: f64) -> Self;
    /// `self + b`
    fn plus(self, b: Self) -> Self;
    /// `self - b`
    fn minus(self, b: Self) -> Self;
    /// `self * b`
    fn times(self, b: Self) -> Self;
    /// `self / b`
    fn over(self, b: Self) -> Self;
    /// The square root.
    fn root(self) -> Self;
    /// `then` where `self < b`, `other` elsewhere and where one is NaN.
    fn where_less(self, b: Self, then: Self, other: Self) -> Self;

    /// `self * self`
    #[inline(always)]
    fn square(self) -> Self {
        self.times(self)
    }
    /// -1, 0 or 1; 0 for NaN.
    #[inline(always)]
    fn sign(self) -> Self {
        let zero = Self::all(0.0);
        zero.where_less(self, Self::all(1.0), self.where_less(zero, Self::all(-1.0), zero))
    }
    /// The nearest number in `[-bound, bound]`; NaN stays.
    #[inline(always)]
    fn clip(self, bound: f64) -> Self {
        let (low, high) = (Self::all(-bound), Self::all(bound));
        let below = high.where_less(self, high, self);
        below.where_less(low, low, below)
    }
}

impl<V: Lanes> Vector for V {
    #[inline(always)]
    fn all(x: f64) -> V {
        V::splat(x as f32)
    }
    #[inline(always)]
    fn plus(self, b: V) -> V {
        self.add(b)
    }
    #[inline(always)]
    fn minus(self, b: V) -> V {
        self.sub(b)
    }
    #[inline(always)]
    fn times(self, b: V) -> V {
        self.mul(b)
    }
    #[inline(always)]
    fn over(self, b: V) -> V {
        self.div(b)
    }
    #[inline(always)]
    fn root(self) -> V {
        self.sqrt()
    }
    #[inline(always)]
    fn where_less(self, b: V, then: V, other: V) -> V {
        self.if_less(b, then, other)
    }
}

const DOUBLES: usize = 8;

/// Numbers of double precision.
#[derive(Clone, Copy)]
pub(super) struct Doubles([f64; DOUBLES]);

impl Doubles {
    #[inline(always)]
    fn zip(self, b: Doubles, f: impl Fn(f64, f64) -> f64) -> Doubles {
        Doubles(std::array::from_fn(|i| f(self.0[i], b.0[i])))
    }

    /// The first numbers of `from`, the others 0.
    #[inline(always)]
    fn load(from: &[f64]) -> Doubles {
        let mut out = [0.0; DOUBLES];
        out[..from.len()].copy_from_slice(from);
        Doubles(out)
    }
}

impl Vector for Doubles {
    fn all(x: f64) -> Doubles {
        Doubles([x; DOUBLES])
    }
    fn plus(self, b: Doubles) -> Doubles {
        self.zip(b, |x, y| x + y)
    }
    fn minus(self, b: Doubles) -> Doubles {
        self.zip(b, |x, y| x - y)
    }
    fn times(self, b: Doubles) -> Doubles {
        self.zip(b, |x, y| x * y)
    }
    fn over(self, b: Doubles) -> Doubles {
        self.zip(b, |x, y| x / y)
    }
    fn root(self) -> Doubles {
        Doubles(self.0.map(f64::sqrt))
    }
    fn where_less(self, b: Doubles, then: Doubles, other: Doubles) -> Doubles {
        Doubles(std::array::from_fn(|i| if self.0[i] < b.0[i] { then.0[i] } else { other.0[i] }))
    }
}

/// A precision in which rules are computed.
pub trait Width: Compute {
    /// Applies `rule`; without `weight` the output holds it.
    fn run<R: Rule<N>, const N: usize>(
        rule: &R,
        weight: Option<&[Self]>,
        grad: &[Self],
        states: [&mut [Self]; N],
        out: &mut [Self],
    );
}

impl Width for f32 {
    fn run<R: Rule<N>, const N: usize>(
        rule: &R,
        weight: Option<&[f32]>,
        grad: &[f32],
        states: [&mut [f32]; N],
        out: &mut [f32],
    ) {
        rule.single(weight, grad, states, out);
    }
}

impl Width for f64 {
    fn run<R: Rule<N>, const N: usize>(
        rule: &R,
        weight: Option<&[f64]>,
        grad: &[f64],
        mut states: [&mut [f64]; N],
        out: &mut [f64],
    ) {
        for at in (0..out.len()).step_by(DOUBLES) {
            let part = at..out.len().min(at + DOUBLES);
            let n = part.len();
            let w = Doubles::load(weight.map_or(&out[part.clone()], |w| &w[part.clone()]));
            let old = states.each_ref().map(|s| Doubles::load(&s[part.clone()]));
            let (w, new) = rule.apply(w, Doubles::load(&grad[part.clone()]), old);
            states.iter_mut().zip(new).for_each(|(s, new)| s[part.clone()].copy_from_slice(&new.0[..n]));
            out[part].copy_from_slice(&w.0[..n]);
        }
    }
}

/// Applies `rule` to slices of equal length, 16 elements at a time.
#[inline(always)]
pub(super) fn over_lanes<V: Lanes, R: Rule<N>, const N: usize>(
    rule: &R,
    weight: Option<&[f32]>,
    grad: &[f32],
    mut states: [&mut [f32]; N],
    out: &mut [f32],
) {
    const WIDTH: usize = 16;
    let len = out.len();
    assert!(grad.len() == len && weight.is_none_or(|w| w.len() == len), "update: lengths");
    assert!(states.iter().all(|s| s.len() == len), "update: lengths of states");
    let states = states.each_mut().map(|s| s.as_mut_ptr());
    let (grad, out) = (grad.as_ptr(), out.as_mut_ptr());
    let weight = weight.map_or(out.cast_const(), |w| w.as_ptr());
    let whole = len - len % WIDTH;
    for at in (0..whole).step_by(WIDTH) {
        // SAFETY: 16 elements from `at` on lie within every slice, whose lengths were just checked.
        unsafe {
            let (w, g) = (V::load(weight.add(at)), V::load(grad.add(at)));
            let (w, new) = rule.apply(w, g, states.map(|s| V::load(s.add(at))));
            states.iter().zip(new).for_each(|(s, new)| new.store(s.add(at)));
            w.store(out.add(at));
        }
    }
    let n = len - whole;
    // SAFETY: the last `n` elements from `whole` on lie within every slice.
    unsafe {
        let (w, g) = (V::load_part(weight.add(whole), n), V::load_part(grad.add(whole), n));
        let (w, new) = rule.apply(w, g, states.map(|s| V::load_part(s.add(whole), n)));
        states.iter().zip(new).for_each(|(s, new)| new.store_part(s.add(whole), n));
        w.store_part(out.add(whole), n);
    }
}
