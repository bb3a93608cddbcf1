//! The rules, in the order of operations of MXNet 1.9.1. `w` is the weight, `g` the gradient, rescaled and, where a bound of
//! at least 0 says so, clipped.

use super::Rule;
use super::lanes::{Vector, over_lanes};
use crate::simd::{tier, tiered};

/// Declares a rule: its numbers, the number of its states and what becomes of an element.
macro_rules! rule {
    (
        $(#[doc = $doc:literal])*
        $name:ident($n:literal) { $($(#[doc = $fdoc:literal])* $field:ident : $ty:ty),* $(,)? }
        |$this:ident, $w:ident, $g:ident, $states:pat_param| $code:block
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name { $($(#[doc = $fdoc])* pub $field: $ty),* }

        impl Rule<$n> for $name {
            #[inline(always)]
            fn apply<V: Vector>(&self, $w: V, $g: V, $states: [V; $n]) -> (V, [V; $n]) {
                let $this = self;
                $code
            }

            fn single(&self, weight: Option<&[f32]>, grad: &[f32], states: [&mut [f32]; $n], out: &mut [f32]) {
                tiered! {
                    fn go<V>(
                        rule: &$name,
                        weight: Option<&[f32]>,
                        grad: &[f32],
                        states: [&mut [f32]; $n],
                        out: &mut [f32],
                    ) {
                        over_lanes::<V, $name, $n>(rule, weight, grad, states, out);
                    }
                }
                go(tier(), self, weight, grad, states, out);
            }
        }
    };
}

pub(super) use rule;

/// What is done to a gradient first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// Factor of the gradient.
    pub rescale: f64,
    /// Bound of the rescaled gradient; none if negative.
    pub clip: f64,
}

impl Scaling {
    /// The rescaled gradient, clipped.
    #[inline(always)]
    pub(super) fn of<V: Vector>(&self, g: V) -> V {
        self.clipped(g.times(V::all(self.rescale)))
    }

    /// The rescaled gradient plus `decay`, clipped.
    #[inline(always)]
    pub(super) fn with<V: Vector>(&self, g: V, decay: V) -> V {
        self.clipped(g.times(V::all(self.rescale)).plus(decay))
    }

    #[inline(always)]
    fn clipped<V: Vector>(&self, g: V) -> V {
        if self.clip >= 0.0 { g.clip(self.clip) } else { g }
    }

    /// `rate` times the rescaled and clipped gradient.
    #[inline(always)]
    fn times<V: Vector>(&self, rate: V, g: V) -> V {
        if self.clip >= 0.0 { rate.times(self.of(g)) } else { rate.times(V::all(self.rescale)).times(g) }
    }
}

/// `b * old + (1 - b) * new`
#[inline(always)]
fn decayed<V: Vector>(b: f64, old: V, new: V) -> V {
    let b = V::all(b);
    b.times(old).plus(V::all(1.0).minus(b).times(new))
}

rule! {
    /// `w = (1 - lr wd) w - lr g`
    Sgd(0) {
        /// Learning rate.
        lr: f64,
        /// Weight decay.
        wd: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, []| {
        let lr = V::all(this.lr);
        let keep = V::all(1.0).minus(lr.times(V::all(this.wd)));
        (keep.times(w).minus(this.scaling.times(lr, g)), [])
    }
}

rule! {
    /// `m = momentum m - lr wd w - lr g; w = w + m`
    SgdMomentum(1) {
        /// Learning rate.
        lr: f64,
        /// Weight decay.
        wd: f64,
        /// Share of the old momentum.
        momentum: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [m]| {
        let lr = V::all(this.lr);
        let decay = lr.times(V::all(this.wd)).times(w);
        let m = V::all(this.momentum).times(m).minus(decay).minus(this.scaling.times(lr, g));
        (w.plus(m), [m])
    }
}

rule! {
    /// `m = momentum m; d = lr (g + wd w); w' = w - m + (momentum + 1) (m - d); m = m - lr (g + wd w')`
    Nesterov(1) {
        /// Learning rate.
        lr: f64,
        /// Weight decay.
        wd: f64,
        /// Share of the old momentum.
        momentum: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [m]| {
        let (lr, wd, momentum) = (V::all(this.lr), V::all(this.wd), V::all(this.momentum));
        let g = this.scaling.of(g);
        let m = momentum.times(m);
        let ahead = m.minus(lr.times(g.plus(wd.times(w))));
        let new = w.minus(m).plus(momentum.plus(V::all(1.0)).times(ahead));
        (new, [m.minus(lr.times(g.plus(wd.times(new))))])
    }
}

rule! {
    /// `w = (1 - lr wd) w - lr sign(g)`
    SignSgd(0) {
        /// Learning rate.
        lr: f64,
        /// Weight decay.
        wd: f64,
    }
    |this, w, g, []| {
        let lr = V::all(this.lr);
        let keep = V::all(1.0).minus(lr.times(V::all(this.wd)));
        (keep.times(w).minus(lr.times(g.sign())), [])
    }
}

rule! {
    /// `m = momentum m - (1 - momentum) (wd w + g); w = (1 - lr wd_lh) w + lr sign(m)`
    Signum(1) {
        /// Learning rate.
        lr: f64,
        /// Weight decay that goes into the momentum.
        wd: f64,
        /// Weight decay beside the momentum.
        wd_lh: f64,
        /// Share of the old momentum.
        momentum: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [m]| {
        let (lr, momentum) = (V::all(this.lr), V::all(this.momentum));
        let new = V::all(1.0).minus(momentum);
        let m = momentum.times(m).minus(new.times(V::all(this.wd)).times(w)).minus(this.scaling.times(new, g));
        let keep = V::all(1.0).minus(lr.times(V::all(this.wd_lh)));
        (keep.times(w).plus(lr.times(m.sign())), [m])
    }
}

rule! {
    /// `g = clip(g + wd w); m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g²; w = w - lr m / (sqrt(v) + epsilon)`
    Adam(2) {
        /// Learning rate.
        lr: f64,
        /// Weight decay.
        wd: f64,
        /// Share of the old mean.
        beta1: f64,
        /// Share of the old mean square.
        beta2: f64,
        /// Added to the root.
        epsilon: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [m, v]| {
        let g = this.scaling.with(g, w.times(V::all(this.wd)));
        let m = decayed(this.beta1, m, g);
        let b2 = V::all(this.beta2);
        let v = b2.times(v).plus(V::all(1.0).minus(b2).times(g).times(g));
        let step = V::all(this.lr).times(m).over(v.root().plus(V::all(this.epsilon)));
        (w.minus(step), [m, v])
    }
}

rule! {
    /// `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g²; w = w - eta (lr m / (sqrt(v) + epsilon) + wd w)`
    AdamW(2) {
        /// Learning rate.
        lr: f64,
        /// Weight decay.
        wd: f64,
        /// Factor of the whole step.
        eta: f64,
        /// Share of the old mean.
        beta1: f64,
        /// Share of the old mean square.
        beta2: f64,
        /// Added to the root.
        epsilon: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [m, v]| {
        let g = this.scaling.of(g);
        let (m, v) = (decayed(this.beta1, m, g), decayed(this.beta2, v, g.square()));
        let step = V::all(this.lr).times(m).over(v.root().plus(V::all(this.epsilon)));
        (w.minus(V::all(this.eta).times(step.plus(V::all(this.wd).times(w)))), [m, v])
    }
}

rule! {
    /// `n = (1 - c) g² + c n; w = clip(w - lr g / sqrt(n + epsilon))` with `g = clip(g + wd w)`
    RmsProp(1) {
        /// Learning rate.
        lr: f64,
        /// Weight decay.
        wd: f64,
        /// Share of the old mean square.
        gamma1: f64,
        /// Added under the root.
        epsilon: f64,
        /// Bound of the weights; none if negative.
        clip_weights: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [n]| {
        let g = this.scaling.with(g, V::all(this.wd).times(w));
        let c = V::all(this.gamma1);
        let n = V::all(1.0).minus(c).times(g.square()).plus(c.times(n));
        let w = w.minus(V::all(this.lr).times(g.over(n.plus(V::all(this.epsilon)).root())));
        (if this.clip_weights >= 0.0 { w.clip(this.clip_weights) } else { w }, [n])
    }
}

rule! {
    /// The form of A. Graves: `n = (1 - c) g² + c n; m = (1 - c) g + c m; d = c2 d - lr g / sqrt(n - m² + epsilon);
    /// w = clip(w + d)` with `g = clip(g + wd w)`
    RmsPropAlex(3) {
        /// Learning rate.
        lr: f64,
        /// Weight decay.
        wd: f64,
        /// Share of the old mean and mean square.
        gamma1: f64,
        /// Share of the old step.
        gamma2: f64,
        /// Added under the root.
        epsilon: f64,
        /// Bound of the weights; none if negative.
        clip_weights: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [n, m, d]| {
        let g = this.scaling.with(g, V::all(this.wd).times(w));
        let c = V::all(this.gamma1);
        let new = V::all(1.0).minus(c);
        let n = new.times(g).times(g).plus(c.times(n));
        let m = new.times(g).plus(c.times(m));
        let root = n.minus(m.square()).plus(V::all(this.epsilon)).root();
        let d = V::all(this.gamma2).times(d).minus(V::all(this.lr).times(g).over(root));
        let w = w.plus(d);
        (if this.clip_weights >= 0.0 { w.clip(this.clip_weights) } else { w }, [n, m, d])
    }
}

rule! {
    /// `z = z + g - (sqrt(n + g²) - sqrt(n)) w / lr; n = n + g²;
    /// w = (sign(z) l1 - z) / ((beta + sqrt(n)) / lr + wd)` where `|z| > l1`, else 0
    Ftrl(2) {
        /// Learning rate.
        lr: f64,
        /// Weight decay, the factor of the square penalty.
        wd: f64,
        /// Factor of the absolute penalty.
        lamda1: f64,
        /// Added to the root.
        beta: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [z, n]| {
        let (lr, l1) = (V::all(this.lr), V::all(this.lamda1));
        let g = this.scaling.of(g);
        let (root, sum) = (n.root(), n.plus(g.square()));
        let z = z.plus(g.minus(sum.root().minus(root).times(w).over(lr)));
        let below = V::all(this.beta).plus(sum.root()).over(lr).plus(V::all(this.wd));
        let sign = z.sign();
        let value = sign.times(l1).minus(z).over(below);
        (sign.times(z).where_less(l1, V::all(0.0), value), [z, sum])
    }
}

rule! {
    /// `v = b2 v + (1 - b2) g²; d' = (1 - b1^t) / lr (sqrt(v / (1 - b2^t)) + epsilon);
    /// z = b1 z + (1 - b1) g - (d' - b1 d) w; w = -z / d'` with `g = clip(g + wd w)`
    Ftml(3) {
        /// Learning rate.
        lr: f64,
        /// Weight decay.
        wd: f64,
        /// Share of the old mean.
        beta1: f64,
        /// Share of the old mean square.
        beta2: f64,
        /// `beta1` to the power of the number of updates.
        beta1_t: f64,
        /// `beta2` to the power of the number of updates.
        beta2_t: f64,
        /// Added to the root.
        epsilon: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [d, v, z]| {
        let (one, b1) = (V::all(1.0), V::all(this.beta1));
        let g = this.scaling.with(g, V::all(this.wd).times(w));
        let v = decayed(this.beta2, v, g.square());
        let root = v.over(one.minus(V::all(this.beta2_t))).root().plus(V::all(this.epsilon));
        let new = one.minus(V::all(this.beta1_t)).over(V::all(this.lr)).times(root);
        let z = decayed(this.beta1, z, g).minus(new.minus(b1.times(d)).times(w));
        (V::all(0.0).minus(z).over(new), [new, v, z])
    }
}

rule! {
    /// The direction of LAMB: `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g²; out = m' / (sqrt(v') + epsilon) + wd w` with
    /// `m' = m / (1 - b1^t)` and `v' = v / (1 - b2^t)`.
    LambDirection(2) {
        /// Weight decay.
        wd: f64,
        /// Share of the old mean.
        beta1: f64,
        /// Share of the old mean square.
        beta2: f64,
        /// `beta1` to the power of the number of updates; 0 without correction.
        beta1_t: f64,
        /// `beta2` to the power of the number of updates; 0 without correction.
        beta2_t: f64,
        /// Added to the root.
        epsilon: f64,
        /// Of the gradient.
        scaling: Scaling,
    }
    |this, w, g, [m, v]| {
        let one = V::all(1.0);
        let g = this.scaling.of(g);
        let m = decayed(this.beta1, m, g);
        let b2 = V::all(this.beta2);
        let v = b2.times(v).plus(one.minus(b2).times(g).times(g));
        let (mean, var) = (m.over(one.minus(V::all(this.beta1_t))), v.over(one.minus(V::all(this.beta2_t))));
        let direction = mean.over(var.root().plus(V::all(this.epsilon)));
        (direction.plus(V::all(this.wd).times(w)), [m, v])
    }
}

rule! {
    /// `w = w - lr g`
    Step(0) {
        /// Learning rate.
        lr: f64,
    }
    |this, w, g, []| { (w.minus(V::all(this.lr).times(g)), []) }
}
