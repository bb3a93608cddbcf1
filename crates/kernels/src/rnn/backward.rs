//! The gradient of recurrent layers.

use super::forward::{UNIT_COST, clear_invalid, masked, states_after};
use super::gates::BackwardStep;
use super::{Cell, RnnGeometry, RnnMode};
use crate::gemm::{Mat, MatMut, gemm};
use crate::parallel::{for_elements, for_row_chunks, for_tasks};
use crate::real::{double, real};
use crate::simd::tier;
use std::ptr::{null, null_mut};

/// The gradients that arrive.
#[derive(Clone, Copy, Debug)]
pub struct Heads<'a, C> {
    /// That of the output.
    pub y: Option<&'a [C]>,
    /// That of the last states.
    pub hy: Option<&'a [C]>,
    /// That of the last cells.
    pub cy: Option<&'a [C]>,
}

/// The gradients to write, those that are wanted.
#[derive(Debug)]
pub struct Gradients<'a, C> {
    /// That of the data.
    pub x: Option<&'a mut [C]>,
    /// That of the parameters.
    pub params: Option<&'a mut [C]>,
    /// That of the first states.
    pub hx: Option<&'a mut [C]>,
    /// That of the first cells.
    pub cx: Option<&'a mut [C]>,
}

/// The gradient of [`rnn`](super::rnn), which wrote `y` and `reserve`.
///
/// # Panics
/// When a slice is not of the length that the geometry says.
pub fn rnn_backward<C: Cell>(
    g: &RnnGeometry,
    params: &[C],
    x: &[C],
    (hx, cx): (&[C], Option<&[C]>),
    (y, reserve): (&[C], &[C]),
    heads: Heads<C>,
    out: Gradients<C>,
) {
    g.check(x, params, hx, cx, reserve.len());
    let Gradients { x: mut dx, params: mut dparams, hx: mut dhx, cx: mut dcx } = out;
    if g.is_empty() {
        [dx, dparams].into_iter().flatten().for_each(|d| d.fill(C::zero()));
        for (d, head) in [(dhx, heads.hy), (dcx, heads.cy)] {
            match (d, head) {
                (Some(d), Some(head)) => d.copy_from_slice(head),
                (Some(d), None) => d.fill(C::zero()),
                (None, _) => {}
            }
        }
        return;
    }
    let mut head = heads.y.map(<[C]>::to_vec);
    if let (Some(head), true) = (&mut head, g.lengths.is_some()) {
        clear_invalid(g, g.features(), head);
    }
    for layer in (0..g.layers).rev() {
        let dropped = (g.dropout && layer > 0).then(|| masked(g, layer - 1, reserve));
        let input = match (&dropped, layer) {
            (Some(dropped), _) => dropped,
            (None, 0) => x,
            (None, _) => &reserve[g.states_at(layer - 1)],
        };
        let states = if g.stores(layer) { &reserve[g.states_at(layer)] } else { y };
        let mut below = (layer > 0).then(|| vec![C::zero(); g.states()]);
        for direction in 0..g.directions {
            let index = layer * g.directions + direction;
            let (state, cells) = (g.state(), g.batch * g.hidden);
            let pass = Pass { g, layer, direction, params, head: head.as_deref(), states };
            let first = |all: Option<&[C]>, len: usize| {
                all.map_or_else(|| vec![C::zero(); len], |all| all[index * len..][..len].to_vec())
            };
            let (mut dstate, mut dcell) = (first(heads.hy, state), first(heads.cy, cells));
            let parts_len = g.parts().iter().sum::<usize>();
            let parts = &reserve[g.block_at(layer).start + direction * parts_len..][..parts_len];
            let hx = &hx[index * state..][..state];
            let cx = cx.map_or(&[][..], |cx| &cx[index * cells..][..cells]);
            let found = pass.steps((hx, cx), parts, (&mut dstate, &mut dcell));
            if let Some(dhx) = &mut dhx {
                dhx[index * state..][..state].copy_from_slice(&dstate);
            }
            if let Some(dcx) = &mut dcx {
                dcx[index * cells..][..cells].copy_from_slice(&dcell);
            }
            if let Some(dparams) = &mut dparams {
                pass.weights(input, hx, &parts[g.parts()[0] + g.parts()[1]..], &found, dparams);
            }
            let target = below.as_deref_mut().or(if layer == 0 { dx.as_deref_mut() } else { None });
            if let Some(target) = target {
                pass.data(&found, target);
            }
        }
        if let (Some(below), true) = (&mut below, g.dropout) {
            let mask = &reserve[g.mask_at(layer - 1)];
            for_elements(below, 1, |at, d| d.iter_mut().zip(&mask[at..]).for_each(|(d, m)| *d *= *m));
        }
        head = below;
    }
}

/// One layer in one direction.
struct Pass<'a, C> {
    g: &'a RnnGeometry,
    layer: usize,
    direction: usize,
    params: &'a [C],
    /// Gradient of the layer's output.
    head: Option<&'a [C]>,
    states: &'a [C],
}

/// The gradients of all steps.
struct Found<C> {
    /// Of the sums that enter the gates from the input.
    gates: Vec<C>,
    /// Of those from the state, where they differ: GRU.
    recurrent: Vec<C>,
    /// Of the projected states.
    projected: Vec<C>,
}

impl<C> Found<C> {
    fn of_state(&self) -> &[C] {
        if self.recurrent.is_empty() { &self.gates } else { &self.recurrent }
    }
}

impl<C: Cell> Pass<'_, C> {
    fn steps(&self, (hx, cx): (&[C], &[C]), parts: &[C], (dstate, dcell): (&mut [C], &mut [C])) -> Found<C> {
        let (g, w) = (self.g, self.g.weights(self.layer, self.direction));
        let weight = C::factor(None, Mat::new(&self.params[w.recurrent], g.sums(), g.width()));
        let projection =
            (g.projection > 0).then(|| C::factor(None, Mat::new(&self.params[w.projection], g.projection, g.hidden)));
        let zeros = |wanted: bool, len: usize| vec![C::zero(); if wanted { len } else { 0 }];
        let mut found = Found {
            gates: zeros(true, g.area() * g.sums()),
            recurrent: zeros(g.mode == RnnMode::Gru, g.area() * g.sums()),
            projected: zeros(g.projection > 0, g.area() * g.projection),
        };
        let (sums, state) = (g.batch * g.sums(), g.state());
        let mut unprojected = zeros(g.projection > 0, g.batch * g.hidden);
        for (step, before) in g.order(self.direction).rev() {
            if let Some(factor) = &projection {
                let projected = &mut found.projected[step * state..][..state];
                self.collect(step, dstate, projected);
                C::multiply(Mat::new(projected, g.batch, g.width()), factor, None, false, &mut unprojected);
            }
            self.gates((step, before), (hx, cx), parts, (dstate, dcell), &unprojected, &mut found);
            let from = &found.of_state()[step * sums..][..sums];
            C::multiply(Mat::new(from, g.batch, g.sums()), &weight, None, true, dstate);
        }
        found
    }

    /// Moves the gradient of the state, with that of the output, to `projected`.
    fn collect(&self, step: usize, dstate: &mut [C], projected: &mut [C]) {
        let (g, width) = (self.g, self.g.width());
        let head = self.head.map(|head| states_after(g, self.direction, step, head));
        for row in (0..g.batch).filter(|&row| g.valid(step, row)) {
            let (from, to) = (&mut dstate[row * width..][..width], &mut projected[row * width..][..width]);
            to.copy_from_slice(from);
            from.fill(C::zero());
            if let Some(head) = head {
                to.iter_mut().zip(&head.data[row * head.rs..]).for_each(|(t, h)| *t += *h);
            }
        }
    }

    fn gates(
        &self,
        (step, before): (usize, Option<usize>),
        (hx, cx): (&[C], &[C]),
        parts: &[C],
        (dstate, dcell): (&mut [C], &mut [C]),
        unprojected: &[C],
        found: &mut Found<C>,
    ) {
        let (g, cells, sums) = (self.g, self.g.batch * self.g.hidden, self.g.batch * self.g.sums());
        let [gates_len, extra_len, _] = g.parts();
        let (gates, extra) = (&parts[..gates_len], &parts[gates_len..][..extra_len]);
        let cell_at = |step: usize| extra.get(step * cells..).map_or(null(), <[C]>::as_ptr);
        let state =
            before.map_or(Mat::new(hx, g.batch, g.width()), |b| states_after(g, self.direction, b, self.states));
        let head = self.head.map(|head| states_after(g, self.direction, step, head));
        let projects = g.projection > 0;
        let part = |of: &mut Vec<C>| if of.is_empty() { null_mut() } else { of[step * sums..][..sums].as_mut_ptr() };
        let s = BackwardStep {
            mode: g.mode,
            hidden: g.hidden,
            clip: g.clip,
            gates: gates[step * sums..][..sums].as_ptr(),
            extra: cell_at(step),
            cell: before.map_or(cx.as_ptr(), cell_at),
            state: (state.data.as_ptr(), state.rs),
            head: match head {
                _ if projects => (unprojected.as_ptr(), g.hidden),
                Some(head) => (head.data.as_ptr(), head.rs),
                None => (null(), 0),
            },
            carry: if projects { null_mut() } else { dstate.as_mut_ptr() },
            dcell: dcell.as_mut_ptr(),
            dgates: part(&mut found.gates),
            drecurrent: part(&mut found.recurrent),
        };
        let tier = tier();
        for_tasks(g.batch, g.hidden * UNIT_COST, |row| {
            if g.valid(step, row) {
                // SAFETY: all rows are inside of the arrays, and each is the task of one thread.
                unsafe { C::backward(tier, &s, row) }
            }
        });
    }

    /// The gradients of the weights and biases.
    fn weights(&self, input: &[C], hx: &[C], middle: &[C], found: &Found<C>, out: &mut [C]) {
        let (g, w) = (self.g, self.g.weights(self.layer, self.direction));
        let (area, sums, inputs) = (g.area(), g.sums(), g.inputs_of(self.layer));
        let whole = Mat::new(&found.gates, area, sums);
        gemm(1.0, whole.t(), Mat::new(input, area, inputs), 0.0, MatMut::new(&mut out[w.input], sums, inputs));
        self.recurrent_weight(hx, found.of_state(), &mut out[w.recurrent]);
        if g.projection > 0 {
            let projected = Mat::new(&found.projected, area, g.projection);
            let target = MatMut::new(&mut out[w.projection], g.projection, g.hidden);
            gemm(1.0, projected.t(), Mat::new(middle, area, g.hidden), 0.0, target);
        }
        column_sums(&found.gates, sums, &mut out[w.input_bias.clone()]);
        if found.recurrent.is_empty() {
            out.copy_within(w.input_bias, w.recurrent_bias.start);
        } else {
            column_sums(&found.recurrent, sums, &mut out[w.recurrent_bias]);
        }
    }

    /// Every step meets the state of the step before, the first one the given state.
    fn recurrent_weight(&self, hx: &[C], gates: &[C], out: &mut [C]) {
        let g = self.g;
        let (sums, width, row) = (g.sums(), g.width(), g.batch * g.sums());
        let rest = g.steps - 1;
        let (first, others, states) = if self.direction == 0 { (0, 1, 0) } else { (rest, 0, 1.min(rest)) };
        let met = Mat::new(&gates[first * row..][..row], g.batch, sums);
        gemm(1.0, met.t(), Mat::new(hx, g.batch, width), 0.0, MatMut::new(&mut *out, sums, width));
        if rest > 0 {
            let met = Mat::new(&gates[others * row..][..rest * row], rest * g.batch, sums);
            let states = Mat { rows: rest * g.batch, ..states_after(g, self.direction, states, self.states) };
            gemm(1.0, met.t(), states, 1.0, MatMut::new(out, sums, width));
        }
    }

    /// The gradient of the layer's input; the second direction adds to that of the first.
    fn data(&self, found: &Found<C>, out: &mut [C]) {
        let (g, inputs) = (self.g, self.g.inputs_of(self.layer));
        let weight = &self.params[g.weights(self.layer, self.direction).input];
        let (a, b) = (Mat::new(&found.gates, g.area(), g.sums()), Mat::new(weight, g.sums(), inputs));
        let beta = if self.direction == 0 { 0.0 } else { 1.0 };
        gemm(1.0, a, b, beta, MatMut::new(out, g.area(), inputs));
    }
}

/// Sums a matrix over its rows, in double precision.
fn column_sums<C: Cell>(source: &[C], cols: usize, out: &mut [C]) {
    for_row_chunks(out, 1, source.len() / cols.max(1), |first, out| {
        let mut sums = vec![0f64; out.len()];
        for row in source.chunks_exact(cols) {
            sums.iter_mut().zip(&row[first..]).for_each(|(s, v)| *s += double(*v));
        }
        out.iter_mut().zip(sums).for_each(|(o, s)| *o = real(s));
    });
}
