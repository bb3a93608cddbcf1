//! The forward pass of recurrent layers.

use super::cell::PackedLayer;
use super::gates::ForwardStep;
use super::{Cell, PackedRnn, RnnGeometry, RnnMode};
use crate::gemm::{Mat, MatMut, gemm};
use crate::parallel::{Shared, for_elements, for_tasks};
use crate::random::{Key, bernoulli};
use crate::simd::tier;
use std::ptr::null;

/// Cost of the gates of one unit.
pub(super) const UNIT_COST: usize = 40;

/// Zeros between the layers.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// Key of the masks.
    pub key: Key,
    /// The share of elements that is kept.
    pub keep: f64,
}

/// What a forward pass writes.
#[derive(Debug)]
pub struct Outputs<'a, C> {
    /// The states of the last layer: (steps, batch, features).
    pub y: &'a mut [C],
    /// The last state of every layer and direction.
    pub hy: Option<&'a mut [C]>,
    /// The last cell of every layer and direction.
    pub cy: Option<&'a mut [C]>,
    /// What the gradient needs.
    pub reserve: &'a mut [C],
}

/// Runs all layers over all steps. `params` are those in `packed`; without `dropout` the masks, if there are any, become 1.
///
/// # Panics
/// When a slice is not of the length that the geometry says.
pub fn rnn<C: Cell>(
    g: &RnnGeometry,
    (packed, params): (&PackedRnn<C>, &[C]),
    x: &[C],
    (hx, cx): (&[C], Option<&[C]>),
    dropout: Option<Dropout>,
    out: Outputs<C>,
) {
    let Outputs { y, mut hy, mut cy, reserve } = out;
    g.check(x, params, hx, cx, reserve.len());
    assert_eq!(y.len(), g.states(), "output of a recurrent network");
    if g.is_empty() {
        hy.iter_mut().for_each(|hy| hy.copy_from_slice(hx));
        cy.iter_mut().zip(cx).for_each(|(cy, cx)| cy.copy_from_slice(cx));
        return y.fill(C::zero());
    }
    draw_masks(g, dropout, reserve);
    for layer in 0..g.layers {
        let dropped = (g.dropout && layer > 0).then(|| masked(g, layer - 1, reserve));
        let (before, rest) = reserve.split_at_mut(g.block_at(layer).start);
        let input = match (&dropped, layer) {
            (Some(dropped), _) => dropped,
            (None, 0) => x,
            (None, _) => &before[g.states_at(layer - 1)],
        };
        let (parts, rest) = rest.split_at_mut(g.directions * g.parts().iter().sum::<usize>());
        let states = if g.stores(layer) { &mut rest[..g.states()] } else { &mut *y };
        for (direction, parts) in parts.chunks_mut(parts.len() / g.directions).enumerate() {
            let index = layer * g.directions + direction;
            let pass = Pass { g, layer, direction, packed: &packed.layers[index], params };
            let hx = &hx[index * g.state()..][..g.state()];
            let cells = g.batch * g.hidden;
            let cx = cx.map_or(&[][..], |cx| &cx[index * cells..][..cells]);
            pass.run(input, (hx, cx), parts, states);
            if let Some(hy) = &mut hy {
                pass.last_state(states, &mut hy[index * g.state()..][..g.state()]);
            }
            if let Some(cy) = &mut cy {
                let last = pass.last() * cells;
                cy[index * cells..][..cells].copy_from_slice(&parts[g.parts()[0] + last..][..cells]);
            }
        }
    }
    if g.lengths.is_some() {
        y.copy_from_slice(&reserve[g.states_at(g.layers - 1)]);
        clear_invalid(g, g.features(), y);
    }
}

/// Sets the rows of steps that are not valid to 0.
pub(super) fn clear_invalid<C: Cell>(g: &RnnGeometry, row_len: usize, rows: &mut [C]) {
    for step in 0..g.steps {
        g.invalid(step).for_each(|row| rows[(step * g.batch + row) * row_len..][..row_len].fill(C::zero()));
    }
}

fn draw_masks<C: Cell>(g: &RnnGeometry, dropout: Option<Dropout>, reserve: &mut [C]) {
    let masks = &mut reserve[g.mask_at(0).start..];
    match dropout {
        Some(Dropout { key, keep }) => bernoulli(key, keep, 1.0 / keep, masks),
        None => masks.fill(C::one()),
    }
}

/// The states of a layer times their mask.
pub(super) fn masked<C: Cell>(g: &RnnGeometry, layer: usize, reserve: &[C]) -> Vec<C> {
    let (states, mask) = (&reserve[g.states_at(layer)], &reserve[g.mask_at(layer)]);
    let mut out = vec![C::zero(); states.len()];
    for_elements(&mut out, 1, |at, out| {
        out.iter_mut().zip(&states[at..]).zip(&mask[at..]).for_each(|((o, s), m)| *o = *s * *m);
    });
    out
}

/// The states that one direction of a layer has after `step`.
pub(super) fn states_after<'a, C>(g: &RnnGeometry, direction: usize, step: usize, states: &'a [C]) -> Mat<'a, C> {
    let data = &states[step * g.batch * g.features() + direction * g.width()..];
    Mat { data, rows: g.batch, cols: g.width(), rs: g.features(), cs: 1 }
}

/// One layer in one direction.
struct Pass<'a, C: Cell> {
    g: &'a RnnGeometry,
    layer: usize,
    direction: usize,
    packed: &'a PackedLayer<C>,
    params: &'a [C],
}

impl<C: Cell> Pass<'_, C> {
    fn run(&self, input: &[C], (hx, cx): (&[C], &[C]), parts: &mut [C], states: &mut [C]) {
        let g = self.g;
        let [sums, cells, _] = g.parts();
        let (gates, rest) = parts.split_at_mut(sums);
        let (extra, middle) = rest.split_at_mut(cells);
        let input = Mat::new(input, g.area(), g.inputs_of(self.layer));
        C::multiply(input, &self.packed.input, Some(&self.packed.bias), false, gates);
        let gru = g.mode == RnnMode::Gru;
        let mut recurrent = vec![C::zero(); if gru { g.batch * g.sums() } else { 0 }];
        for (step, before) in g.order(self.direction) {
            let state = before.map_or(Mat::new(hx, g.batch, g.width()), |b| states_after(g, self.direction, b, states));
            let gates = &mut gates[step * g.batch * g.sums()..][..g.batch * g.sums()];
            if gru {
                let bias = Some(&self.packed.recurrent_bias[..]);
                C::multiply(state, &self.packed.recurrent, bias, false, &mut recurrent);
            } else {
                C::multiply(state, &self.packed.recurrent, None, true, gates);
            }
            self.gates((step, before), gates, &recurrent, extra, middle, (hx, cx), states);
            if g.projection > 0 {
                self.project(step, middle, states);
            }
            if g.lengths.is_some() {
                self.carry((step, before), (hx, cx), extra, middle, states);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn gates(
        &self,
        (step, before): (usize, Option<usize>),
        gates: &mut [C],
        recurrent: &[C],
        extra: &mut [C],
        middle: &mut [C],
        (hx, cx): (&[C], &[C]),
        states: &mut [C],
    ) {
        let (g, cells) = (self.g, self.g.batch * self.g.hidden);
        let place = |step: usize| step * g.batch * g.features() + self.direction * g.width();
        let (extra, states, middle) = (Shared::new(extra), Shared::new(states), Shared::new(middle));
        let has_extra = g.parts()[1] > 0;
        // SAFETY: the parts of the steps are inside of the arrays, and their rows are handed out one by one below.
        let s = unsafe {
            let cell_at = |step: usize| if has_extra { extra.at(step * cells, cells) } else { std::ptr::null_mut() };
            let state_at = |step: usize| states.at(place(step), (g.batch - 1) * g.features() + g.width());
            ForwardStep {
                mode: g.mode,
                hidden: g.hidden,
                clip: g.clip,
                gates: gates.as_mut_ptr(),
                recurrent: recurrent.as_ptr(),
                extra: cell_at(step),
                cell: match before {
                    _ if g.mode != RnnMode::Lstm => null(),
                    Some(before) => cell_at(before).cast_const(),
                    None => cx.as_ptr(),
                },
                state: match before {
                    Some(before) => (state_at(before).cast_const(), g.features()),
                    None => (hx.as_ptr(), g.width()),
                },
                out: match g.projection {
                    0 => (state_at(step), g.features()),
                    _ => (middle.at(step * cells, cells), g.hidden),
                },
            }
        };
        let tier = tier();
        for_tasks(g.batch, g.hidden * UNIT_COST, |row| {
            if g.valid(step, row) {
                // SAFETY: all rows are inside of the arrays, and each is the task of one thread; what is read of other
                // steps nobody writes.
                unsafe { C::forward(tier, &s, row) }
            }
        });
    }

    fn project(&self, step: usize, middle: &[C], states: &mut [C]) {
        let (g, cells) = (self.g, self.g.batch * self.g.hidden);
        let weight = &self.params[g.weights(self.layer, self.direction).projection];
        let data = &mut states[step * g.batch * g.features() + self.direction * g.width()..];
        let out = MatMut { data, rows: g.batch, cols: g.width(), rs: g.features(), cs: 1 };
        let full = Mat::new(&middle[step * cells..][..cells], g.batch, g.hidden);
        gemm(1.0, full, Mat::new(weight, g.projection, g.hidden).t(), 0.0, out);
    }

    /// Lets sequences for which the step is not valid keep state and cell.
    fn carry(
        &self,
        (step, before): (usize, Option<usize>),
        (hx, cx): (&[C], &[C]),
        extra: &mut [C],
        middle: &mut [C],
        states: &mut [C],
    ) {
        let g = self.g;
        let (width, hidden) = (g.width(), g.hidden);
        let place = |step: usize, row: usize| (step * g.batch + row) * g.features() + self.direction * width;
        for row in g.invalid(step) {
            match before {
                Some(before) => states.copy_within(place(before, row)..place(before, row) + width, place(step, row)),
                None => states[place(step, row)..][..width].copy_from_slice(&hx[row * width..][..width]),
            }
            let at = |step: usize| (step * g.batch + row) * hidden;
            match before {
                _ if g.mode != RnnMode::Lstm => {}
                Some(before) => extra.copy_within(at(before)..at(before) + hidden, at(step)),
                None => extra[at(step)..][..hidden].copy_from_slice(&cx[row * hidden..][..hidden]),
            }
            if g.projection > 0 {
                middle[at(step)..][..hidden].fill(C::zero());
            }
        }
    }

    /// The step that is run last.
    fn last(&self) -> usize {
        if self.direction == 0 { self.g.steps - 1 } else { 0 }
    }

    fn last_state(&self, states: &[C], out: &mut [C]) {
        let last = states_after(self.g, self.direction, self.last(), states);
        for (out, row) in out.chunks_mut(last.cols).zip(last.data.chunks(last.rs)) {
            out.copy_from_slice(&row[..last.cols]);
        }
    }
}
