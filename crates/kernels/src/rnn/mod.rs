//! Recurrent layers over whole sequences: plain, LSTM and GRU, several layers, one or two directions.
//!
//! The input part of all steps is one matrix product; each step then multiplies the state before with a packed weight and
//! runs its gates in one pass. What the gradient needs stays in the *reserve*: for every layer and direction the gates,
//! the cells (LSTM) or the recurrent part of the new value (GRU), and the states before a projection; the states of every
//! layer that are not the output itself; and the masks of dropout.

mod arith;
mod backward;
mod cell;
mod forward;
mod gates;
#[cfg(test)]
mod tests;

pub use backward::{Gradients, Heads, rnn_backward};
pub use cell::{Cell, PackedRnn};
pub use forward::{Dropout, Outputs, rnn};
use std::ops::Range;

/// Kind of recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RnnMode {
    /// One gate with the positive part.
    Relu,
    /// One gate with the hyperbolic tangent.
    Tanh,
    /// Input, forget, new value, output.
    Lstm,
    /// Reset, update, new value.
    Gru,
}

/// Bounds of the cells of LSTM.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip {
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
    /// Whether NaN becomes the least value.
    pub nan: bool,
}

/// Sizes and kind of a recurrent network.
#[derive(Clone, Debug)]
pub struct RnnGeometry {
    /// Kind of the layers.
    pub mode: RnnMode,
    /// Number of layers.
    pub layers: usize,
    /// 2 if every layer also runs backwards in time, else 1.
    pub directions: usize,
    /// Length of the sequences.
    pub steps: usize,
    /// Number of sequences.
    pub batch: usize,
    /// Features of the data.
    pub inputs: usize,
    /// Units of a layer in one direction.
    pub hidden: usize,
    /// Size to which states are projected; 0 for none.
    pub projection: usize,
    /// Whether there are masks between the layers.
    pub dropout: bool,
    /// Bounds of the cells.
    pub clip: Option<Clip>,
    /// The number of valid steps of each sequence, if not all are.
    pub lengths: Option<Vec<usize>>,
}

/// Where the weights of one layer in one direction lie among the parameters.
pub(crate) struct Weights {
    pub input: Range<usize>,
    pub recurrent: Range<usize>,
    pub projection: Range<usize>,
    pub input_bias: Range<usize>,
    pub recurrent_bias: Range<usize>,
}

impl RnnGeometry {
    /// Gates of a unit.
    pub fn gates(&self) -> usize {
        match self.mode {
            RnnMode::Relu | RnnMode::Tanh => 1,
            RnnMode::Lstm => 4,
            RnnMode::Gru => 3,
        }
    }

    /// Size of the state of a layer in one direction.
    pub fn width(&self) -> usize {
        if self.projection > 0 { self.projection } else { self.hidden }
    }

    /// Features of the output of a layer.
    pub fn features(&self) -> usize {
        self.directions * self.width()
    }

    /// Features that enter a layer.
    pub(crate) fn inputs_of(&self, layer: usize) -> usize {
        if layer == 0 { self.inputs } else { self.features() }
    }

    /// Sums that enter the gates of a sequence in one step.
    pub(crate) fn sums(&self) -> usize {
        self.gates() * self.hidden
    }

    /// Steps of all sequences.
    pub(crate) fn area(&self) -> usize {
        self.steps * self.batch
    }

    fn weights_len(&self, layer: usize) -> usize {
        self.sums() * (self.inputs_of(layer) + self.width()) + self.projection * self.hidden
    }

    /// Number of parameters.
    pub fn params(&self) -> usize {
        let of = |layer| self.directions * (self.weights_len(layer) + 2 * self.sums());
        (0..self.layers).map(of).sum()
    }

    pub(crate) fn weights(&self, layer: usize, direction: usize) -> Weights {
        let before: usize = (0..layer).map(|l| self.directions * self.weights_len(l)).sum();
        let all: usize = (0..self.layers).map(|l| self.directions * self.weights_len(l)).sum();
        let start = before + direction * self.weights_len(layer);
        let bias = all + (layer * self.directions + direction) * 2 * self.sums();
        let recurrent = start + self.sums() * self.inputs_of(layer);
        let projection = recurrent + self.sums() * self.width();
        Weights {
            input: start..recurrent,
            recurrent: recurrent..projection,
            projection: projection..projection + self.projection * self.hidden,
            input_bias: bias..bias + self.sums(),
            recurrent_bias: bias + self.sums()..bias + 2 * self.sums(),
        }
    }

    /// Elements of the reserve.
    pub fn reserve(&self) -> usize {
        let masks = if self.dropout { self.layers.saturating_sub(1) * self.states() } else { 0 };
        (0..self.layers).map(|l| self.block(l)).sum::<usize>() + masks
    }

    /// Elements of the reserve for the gates, the cells and the unprojected states of one layer in one direction.
    pub(crate) fn parts(&self) -> [usize; 3] {
        let cells = if matches!(self.mode, RnnMode::Lstm | RnnMode::Gru) { self.area() * self.hidden } else { 0 };
        let middle = if self.projection > 0 { self.area() * self.hidden } else { 0 };
        [self.area() * self.sums(), cells, middle]
    }

    /// Elements of the states of a layer.
    pub(crate) fn states(&self) -> usize {
        self.area() * self.features()
    }

    /// Whether the states of a layer are in the reserve; else they are the output.
    pub(crate) fn stores(&self, layer: usize) -> bool {
        layer + 1 < self.layers || self.lengths.is_some()
    }

    /// Elements of the reserve for one layer: both directions, then the states.
    pub(crate) fn block(&self, layer: usize) -> usize {
        self.directions * self.parts().iter().sum::<usize>() + if self.stores(layer) { self.states() } else { 0 }
    }

    /// The place of the block of a layer in the reserve.
    pub(crate) fn block_at(&self, layer: usize) -> Range<usize> {
        let start = (0..layer).map(|l| self.block(l)).sum();
        start..start + self.block(layer)
    }

    /// The place of the states of a layer in the reserve.
    pub(crate) fn states_at(&self, layer: usize) -> Range<usize> {
        let end = self.block_at(layer).end;
        end - self.states()..end
    }

    /// The place of the mask behind a layer in the reserve.
    pub(crate) fn mask_at(&self, layer: usize) -> Range<usize> {
        let start = self.block_at(self.layers).start + layer * self.states();
        start..start + self.states()
    }

    /// Elements of the state of one layer in one direction.
    pub(crate) fn state(&self) -> usize {
        self.batch * self.width()
    }

    /// The steps in their order in one direction, each with the one before.
    pub(crate) fn order(&self, direction: usize) -> impl DoubleEndedIterator<Item = (usize, Option<usize>)> + use<> {
        let steps = self.steps;
        (0..steps).map(move |k| {
            let at = |k: usize| if direction == 0 { k } else { steps - 1 - k };
            (at(k), k.checked_sub(1).map(at))
        })
    }

    /// Whether a step of a sequence is valid.
    pub(crate) fn valid(&self, step: usize, row: usize) -> bool {
        self.lengths.as_ref().is_none_or(|lengths| step < lengths[row])
    }

    /// The sequences for which a step is not valid.
    pub(crate) fn invalid(&self, step: usize) -> impl Iterator<Item = usize> {
        (0..self.batch).filter(move |&row| !self.valid(step, row))
    }

    /// Whether there is nothing to compute.
    pub(crate) fn is_empty(&self) -> bool {
        self.area() * self.hidden * self.layers == 0
    }

    /// Panics unless the lengths are those of the geometry.
    pub(crate) fn check<C>(&self, x: &[C], params: &[C], hx: &[C], cx: Option<&[C]>, reserve: usize) {
        let layers = self.layers * self.directions;
        assert_eq!(x.len(), self.area() * self.inputs, "data of a recurrent network");
        assert_eq!(params.len(), self.params(), "parameters of a recurrent network");
        assert_eq!(hx.len(), layers * self.state(), "state of a recurrent network");
        let cells = (self.mode == RnnMode::Lstm).then_some(layers * self.batch * self.hidden);
        assert_eq!(cx.map(<[C]>::len), cells, "cells of a recurrent network");
        assert_eq!(reserve, self.reserve(), "reserve of a recurrent network");
        assert!(self.lengths.as_ref().is_none_or(|l| l.len() == self.batch), "lengths of a recurrent network");
    }
}
