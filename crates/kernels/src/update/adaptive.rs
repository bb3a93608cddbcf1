//! Rules that MXNet 1.9.1 composes of operators on arrays, here in one pass and in the same order of operations.

use super::Rule;
use super::lanes::{Vector, over_lanes};
use super::rules::{Scaling, rule};
use crate::simd::{tier, tiered};

/// `b * old + new * (1 - b)`, the difference taken in double precision.
#[inline(always)]
fn moved<V: Vector>(b: f64, old: V, new: V) -> V {
    V::all(b).times(old).plus(V::all(1.0 - b).times(new))
}

rule! {
    /// `n = n + g²; w = w - lr (g / sqrt(n + epsilon) + wd w)`
    AdaGrad(1) {
        /// Learning rate.
        lr: f64,
        /// Weight decay.
        wd: f64,
        /// Added to the sum of squares.
        epsilon: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [n]| {
        let g = this.scaling.of(g);
        let n = n.plus(g.square());
        let step = g.over(n.plus(V::all(this.epsilon)).root()).plus(V::all(this.wd).times(w));
        (w.minus(V::all(this.lr).times(step)), [n])
    }
}

rule! {
    /// `n = rho n + (1 - rho) g²; d = sqrt(s + epsilon) / sqrt(n + epsilon) g; s = rho s + (1 - rho) d²; w = w - (d + wd w)`
    AdaDelta(2) {
        /// Weight decay.
        wd: f64,
        /// Share of the old mean squares.
        rho: f64,
        /// Added to the mean squares.
        epsilon: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [n, s]| {
        let (g, epsilon) = (this.scaling.of(g), V::all(this.epsilon));
        let n = moved(this.rho, n, g.square());
        let d = s.plus(epsilon).root().over(n.plus(epsilon).root()).times(g);
        (w.minus(d.plus(V::all(this.wd).times(w))), [n, moved(this.rho, s, d.square())])
    }
}

rule! {
    /// `g = clip(g + wd w); m = b1 m + (1 - b1) g; u = max(b2 u, |g|); w = w - lr m / u`
    Adamax(2) {
        /// Learning rate, corrected.
        lr: f64,
        /// Weight decay.
        wd: f64,
        /// Share of the old mean.
        beta1: f64,
        /// Factor of the old greatest gradient.
        beta2: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [m, u]| {
        let g = this.scaling.with(g, V::all(this.wd).times(w));
        let m = moved(this.beta1, m, g);
        let (old, new) = (V::all(this.beta2).times(u), g.times(g.sign()));
        let u = old.where_less(new, new, old);
        (w.minus(V::all(this.lr).times(m).over(u)), [m, u])
    }
}

rule! {
    /// `g = clip(g + wd w); m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g²;
    /// w = w - lr (c m + d g) / (sqrt(v / e) + epsilon)`
    Nadam(2) {
        /// Learning rate.
        lr: f64,
        /// Weight decay.
        wd: f64,
        /// Share of the old mean.
        beta1: f64,
        /// Share of the old mean square.
        beta2: f64,
        /// `c`, the part of the mean in the step.
        mean: f64,
        /// `d`, the part of the gradient in the step.
        gradient: f64,
        /// `e`, what corrects the mean square.
        correction: f64,
        /// Added to the root.
        epsilon: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [m, v]| {
        let g = this.scaling.with(g, V::all(this.wd).times(w));
        let (m, v) = (moved(this.beta1, m, g), moved(this.beta2, v, g.square()));
        let ahead = V::all(this.mean).times(m).plus(V::all(this.gradient).times(g));
        let below = v.over(V::all(this.correction)).root().plus(V::all(this.epsilon));
        (w.minus(V::all(this.lr).times(ahead).over(below)), [m, v])
    }
}

rule! {
    /// `m = momentum m - lr (g + wd w + lamda g² (w - p)); p = w; w = w + m`
    Dcasgd(2) {
        /// Learning rate.
        lr: f64,
        /// Weight decay.
        wd: f64,
        /// Share of the old momentum.
        momentum: f64,
        /// Factor of the compensation.
        lamda: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [m, p]| {
        let m = V::all(this.momentum).times(m).plus(compensated(w, this.scaling.of(g), p, (this.lr, this.wd, this.lamda)));
        (w.plus(m), [m, w])
    }
}

rule! {
    /// [`Dcasgd`] without momentum.
    DcasgdPlain(1) {
        /// Learning rate.
        lr: f64,
        /// Weight decay.
        wd: f64,
        /// Factor of the compensation.
        lamda: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [p]| { (w.plus(compensated(w, this.scaling.of(g), p, (this.lr, this.wd, this.lamda))), [w]) }
}

/// `-lr (g + wd w + lamda g² (w - p))`
#[inline(always)]
fn compensated<V: Vector>(w: V, g: V, p: V, (lr, wd, lamda): (f64, f64, f64)) -> V {
    let step = g.plus(V::all(wd).times(w)).plus(V::all(lamda).times(g).times(g).times(w.minus(p)));
    V::all(-lr).times(step)
}
