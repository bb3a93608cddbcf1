//! Updates of weights by gradients: the rules of optimizers, in one pass over memory.
//!
//! A [`Rule`] says what becomes of one element of a weight and of its states. [`update`] applies it to whole arrays, several
//! of them at once if they are many: they are cut into fixed pieces, which the threads share.

mod adaptive;
mod data;
mod group;
mod lanes;
mod rules;
mod sums;

pub use adaptive::*;
pub use data::{Source, Target};
pub use group::{GroupAdagrad, update_rows};
pub use lanes::{Vector, Width};
pub use rules::*;
pub use sums::{all_finite, sum_of_squares};

use crate::parallel::for_row_chunks;
use data::{BLOCK, Compute};

/// Elements of one piece of work.
const PIECE: usize = 16 * BLOCK;
/// Estimated cost of one element, in the units of [`crate::parallel`].
const COST: usize = 8;

/// What becomes of an element of a weight with `N` states.
pub trait Rule<const N: usize>: Copy + Send + Sync {
    /// The new weight and the new states.
    fn apply<V: Vector>(&self, weight: V, grad: V, states: [V; N]) -> (V, [V; N]);

    /// Applies the rule to single-precision numbers with the vector instructions of this machine; without `weight` the
    /// output holds it.
    fn single(&self, weight: Option<&[f32]>, grad: &[f32], states: [&mut [f32]; N], out: &mut [f32]);
}

/// Where the weight is.
pub enum Weight<'a, C> {
    /// In the output, which is updated in place.
    Out,
    /// In memory of its own.
    Source(Source<'a, C>),
    /// In a copy of full precision, which is updated; the output takes the rounded values.
    Master(&'a mut [C]),
}

/// One weight with what its update needs. All arrays have the length of `out`.
pub struct Job<'a, C, R, const N: usize> {
    /// The rule.
    pub rule: R,
    /// The weight.
    pub weight: Weight<'a, C>,
    /// The gradient.
    pub grad: Source<'a, C>,
    /// The states, updated in place.
    pub states: [Target<'a, C>; N],
    /// Takes the new weight.
    pub out: Target<'a, C>,
}

/// Updates the weights of all jobs.
pub fn update<C: Width, R: Rule<N>, const N: usize>(jobs: Vec<Job<C, R, N>>) {
    let mut pieces: Vec<Job<C, R, N>> = jobs.into_iter().flat_map(Job::pieces).collect();
    let cost = COST * pieces.iter().map(|p| p.out.len()).max().unwrap_or(0);
    for_row_chunks(&mut pieces, 1, cost, |_, some| some.iter_mut().for_each(Job::run));
}

impl<'a, C: Compute> Weight<'a, C> {
    fn split(self, at: usize) -> (Self, Self) {
        match self {
            Weight::Out => (Weight::Out, Weight::Out),
            Weight::Source(s) => {
                let (a, b) = s.split(at);
                (Weight::Source(a), Weight::Source(b))
            }
            Weight::Master(m) => {
                let (a, b) = m.split_at_mut(at);
                (Weight::Master(a), Weight::Master(b))
            }
        }
    }
}

impl<'a, C: Width, R: Rule<N>, const N: usize> Job<'a, C, R, N> {
    fn split(self, at: usize) -> (Self, Self) {
        let ((w0, w1), (g0, g1), (o0, o1)) = (self.weight.split(at), self.grad.split(at), self.out.split(at));
        let mut pairs = self.states.map(|s| s.split(at));
        let first = pairs.each_mut().map(|p| std::mem::take(&mut p.0));
        let second = pairs.map(|p| p.1);
        (
            Job { rule: self.rule, weight: w0, grad: g0, states: first, out: o0 },
            Job { rule: self.rule, weight: w1, grad: g1, states: second, out: o1 },
        )
    }

    fn pieces(self) -> Vec<Self> {
        let mut pieces = Vec::with_capacity(self.out.len().div_ceil(PIECE));
        let mut rest = self;
        while rest.out.len() > PIECE {
            let (piece, other) = rest.split(PIECE);
            pieces.push(piece);
            rest = other;
        }
        if !rest.out.is_empty() {
            pieces.push(rest);
        }
        pieces
    }

    fn run(&mut self) {
        let len = self.out.len();
        let step = if self.is_direct() { len } else { BLOCK };
        for at in (0..len).step_by(step.max(1)) {
            self.block(at, step.min(len - at));
        }
    }

    /// Whether every array holds numbers of the type of computation.
    fn is_direct(&self) -> bool {
        let weight = match &self.weight {
            Weight::Source(s) => s.is_direct(),
            Weight::Out | Weight::Master(_) => true,
        };
        weight && self.grad.is_direct() && self.out.is_direct() && self.states.iter().all(Target::is_direct)
    }

    fn block(&mut self, at: usize, n: usize) {
        let (mut first, mut second) = (C::buffer(), C::buffer());
        let grad = self.grad.load(at, n, &mut first);
        let states = self.states.each_mut().map(|s| s.open(at, n));
        match &mut self.weight {
            Weight::Out => C::run(&self.rule, None, grad, states, self.out.open(at, n)),
            Weight::Source(s) => {
                C::run(&self.rule, Some(s.load(at, n, &mut second)), grad, states, self.out.open_unread(at, n));
            }
            Weight::Master(master) => {
                let master = &mut master[at..at + n];
                C::run(&self.rule, None, grad, states, master);
                self.out.open_unread(at, n).copy_from_slice(master);
            }
        }
        self.states.iter_mut().for_each(|s| s.close(at, n));
        self.out.close(at, n);
    }
}

#[cfg(test)]
mod tests;
