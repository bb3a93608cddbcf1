//! The gates of one step: what follows the matrix products, in one pass over each row of the batch.

use super::arith::Arith;
use super::{Clip, RnnMode};
use crate::simd::tiered;

/// One step of one layer in one direction. Row `n` of each array is `n` times its distance from the start; rows of gates
/// hold the gates one after the other.
#[derive(Clone, Copy)]
pub(super) struct ForwardStep<E> {
    pub mode: RnnMode,
    pub hidden: usize,
    pub clip: Option<Clip>,
    /// The sums that enter the gates, and what the gates become. For GRU without the recurrent part.
    pub gates: *mut E,
    /// The recurrent part of GRU.
    pub recurrent: *const E,
    /// The cell of LSTM, or the recurrent part of GRU's new value.
    pub extra: *mut E,
    /// The cell of the step before.
    pub cell: *const E,
    /// The state of the step before, and the distance of its rows.
    pub state: (*const E, usize),
    /// The new state, and the distance of its rows.
    pub out: (*mut E, usize),
}

// SAFETY: rows are written by one task each.
unsafe impl<E> Sync for ForwardStep<E> {}

/// The gradient of [`ForwardStep`], with the same meaning of fields.
#[derive(Clone, Copy)]
pub(super) struct BackwardStep<E> {
    pub mode: RnnMode,
    pub hidden: usize,
    pub clip: Option<Clip>,
    pub gates: *const E,
    pub extra: *const E,
    pub cell: *const E,
    pub state: (*const E, usize),
    /// Gradient of the output of the step, and the distance of its rows; null if there is none.
    pub head: (*const E, usize),
    /// Gradient of the state from the step behind, which becomes the part of the gradient of the state before that comes
    /// around the matrix product; null if there is none.
    pub carry: *mut E,
    /// Gradient of the cell, before and after.
    pub dcell: *mut E,
    /// Gradient of the sums that enter the gates from the input, and for GRU from the state.
    pub dgates: *mut E,
    pub drecurrent: *mut E,
}

// SAFETY: rows are written by one task each.
unsafe impl<E> Sync for BackwardStep<E> {}

/// Runs `$body` for the parts of a row of `$len` numbers, `$at` being the offset and `$n` the numbers of each.
macro_rules! along {
    ($a:ident, $len:expr, |$at:ident, $n:ident| $body:expr) => {{
        let (len, mut $at) = ($len, 0);
        while $at + $a::WIDTH <= len {
            let $n = $a::WIDTH;
            $body;
            $at += $n;
        }
        if $at < len {
            let $n = len - $at;
            $body;
        }
    }};
}

tiered! {
    /// # Safety
    /// All places must be inside of their memory, and no other thread may touch the row.
    pub(super) unsafe fn forward_single<V>(s: &ForwardStep<f32>, row: usize) {
        forward::<V>(s, row)
    }
}

tiered! {
    /// # Safety
    /// All places must be inside of their memory, and no other thread may touch the row.
    pub(super) unsafe fn backward_single<V>(s: &BackwardStep<f32>, row: usize) {
        backward::<V>(s, row)
    }
}

/// # Safety
/// As for [`forward_single`].
#[inline(always)]
pub(super) unsafe fn forward<A: Arith>(s: &ForwardStep<A::Elem>, row: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        match s.mode {
            RnnMode::Relu => plain::<A, true>(s, row),
            RnnMode::Tanh => plain::<A, false>(s, row),
            RnnMode::Lstm => lstm::<A>(s, row),
            RnnMode::Gru => gru::<A>(s, row),
        }
    }
}

/// # Safety
/// As for [`forward_single`].
#[inline(always)]
pub(super) unsafe fn backward<A: Arith>(s: &BackwardStep<A::Elem>, row: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        match s.mode {
            RnnMode::Relu => plain_backward::<A, true>(s, row),
            RnnMode::Tanh => plain_backward::<A, false>(s, row),
            RnnMode::Lstm => lstm_backward::<A>(s, row),
            RnnMode::Gru => gru_backward::<A>(s, row),
        }
    }
}

/// # Safety
/// As for [`forward_single`].
#[inline(always)]
unsafe fn plain<A: Arith, const RELU: bool>(s: &ForwardStep<A::Elem>, row: usize) {
    let (gates, out) = (s.gates.wrapping_add(row * s.hidden), s.out.0.wrapping_add(row * s.out.1));
    // SAFETY: the caller's contract.
    unsafe {
        along!(A, s.hidden, |at, n| {
            let sum = A::get(gates.add(at), n);
            let h = if RELU { sum.relu() } else { sum.tanh() };
            h.put(gates.add(at), n);
            h.put(out.add(at), n);
        });
    }
}

/// # Safety
/// As for [`forward_single`].
#[inline(always)]
unsafe fn lstm<A: Arith>(s: &ForwardStep<A::Elem>, row: usize) {
    let hidden = s.hidden;
    let gates = s.gates.wrapping_add(row * 4 * hidden);
    let (before, cell) = (s.cell.wrapping_add(row * hidden), s.extra.wrapping_add(row * hidden));
    let out = s.out.0.wrapping_add(row * s.out.1);
    // SAFETY: the caller's contract.
    unsafe {
        along!(A, hidden, |at, n| {
            let place = |gate: usize| gates.add(gate * hidden + at);
            let (i, f) = (A::get(place(0), n).sigmoid(), A::get(place(1), n).sigmoid());
            let (g, o) = (A::get(place(2), n).tanh(), A::get(place(3), n).sigmoid());
            let mut c = f.times_plus(A::get(before.add(at), n), i.times(g));
            if let Some(clip) = s.clip {
                c = c.clipped(A::all(clip.low), A::all(clip.high), clip.nan);
            }
            i.put(place(0), n);
            f.put(place(1), n);
            g.put(place(2), n);
            o.put(place(3), n);
            c.put(cell.add(at), n);
            o.times(c.tanh()).put(out.add(at), n);
        });
    }
}

/// # Safety
/// As for [`forward_single`].
#[inline(always)]
unsafe fn gru<A: Arith>(s: &ForwardStep<A::Elem>, row: usize) {
    let hidden = s.hidden;
    let (gates, recurrent) = (s.gates.wrapping_add(row * 3 * hidden), s.recurrent.wrapping_add(row * 3 * hidden));
    let (before, kept) = (s.state.0.wrapping_add(row * s.state.1), s.extra.wrapping_add(row * hidden));
    let out = s.out.0.wrapping_add(row * s.out.1);
    // SAFETY: the caller's contract.
    unsafe {
        along!(A, hidden, |at, n| {
            let place = |gate: usize| gates.add(gate * hidden + at);
            let part = |gate: usize| A::get(recurrent.add(gate * hidden + at), n);
            let r = A::get(place(0), n).plus(part(0)).sigmoid();
            let z = A::get(place(1), n).plus(part(1)).sigmoid();
            let new = r.times_plus(part(2), A::get(place(2), n)).tanh();
            r.put(place(0), n);
            z.put(place(1), n);
            new.put(place(2), n);
            part(2).put(kept.add(at), n);
            z.times_plus(A::get(before.add(at), n).minus(new), new).put(out.add(at), n);
        });
    }
}

/// The gradient of the new state from both sides.
///
/// # Safety
/// As for [`forward_single`].
#[inline(always)]
unsafe fn total<A: Arith>(s: &BackwardStep<A::Elem>, row: usize, at: usize, n: usize) -> A {
    let (head, stride) = s.head;
    // SAFETY: the caller's contract.
    unsafe {
        let own = if head.is_null() { A::all(0.0) } else { A::get(head.add(row * stride + at), n) };
        if s.carry.is_null() { own } else { own.plus(A::get(s.carry.add(row * s.hidden + at), n)) }
    }
}

/// # Safety
/// As for [`forward_single`].
#[inline(always)]
unsafe fn keep<A: Arith>(s: &BackwardStep<A::Elem>, value: A, row: usize, at: usize, n: usize) {
    if !s.carry.is_null() {
        // SAFETY: the caller's contract.
        unsafe { value.put(s.carry.add(row * s.hidden + at), n) }
    }
}

/// # Safety
/// As for [`forward_single`].
#[inline(always)]
unsafe fn plain_backward<A: Arith, const RELU: bool>(s: &BackwardStep<A::Elem>, row: usize) {
    let start = row * s.hidden;
    // SAFETY: the caller's contract.
    unsafe {
        along!(A, s.hidden, |at, n| {
            let (h, d) = (A::get(s.gates.add(start + at), n), total::<A>(s, row, at, n));
            let slope = if RELU { h.zero_unless_positive(d) } else { d.minus(d.times(h).times(h)) };
            slope.put(s.dgates.add(start + at), n);
            keep(s, A::all(0.0), row, at, n);
        });
    }
}

/// # Safety
/// As for [`forward_single`].
#[inline(always)]
unsafe fn lstm_backward<A: Arith>(s: &BackwardStep<A::Elem>, row: usize) {
    let (hidden, one) = (s.hidden, A::all(1.0));
    let (gates, dgates) = (s.gates.wrapping_add(row * 4 * hidden), s.dgates.wrapping_add(row * 4 * hidden));
    let (before, cell) = (s.cell.wrapping_add(row * hidden), s.extra.wrapping_add(row * hidden));
    let dcell = s.dcell.wrapping_add(row * hidden);
    // SAFETY: the caller's contract.
    unsafe {
        along!(A, hidden, |at, n| {
            let gate = |k: usize| A::get(gates.add(k * hidden + at), n);
            let (i, f, g, o) = (gate(0), gate(1), gate(2), gate(3));
            let (dh, before) = (total::<A>(s, row, at, n), A::get(before.add(at), n));
            let t = A::get(cell.add(at), n).tanh();
            let mut dc = dh.times(o).times(one.minus(t.times(t))).plus(A::get(dcell.add(at), n));
            if let Some(clip) = s.clip {
                let sum = f.times_plus(before, i.times(g));
                dc = sum.zero_below(A::all(clip.low), A::all(clip.high).zero_below(sum, dc));
            }
            let put = |k: usize, d: A| d.put(dgates.add(k * hidden + at), n);
            put(0, dc.times(g).times(i.minus(i.times(i))));
            put(1, dc.times(before).times(f.minus(f.times(f))));
            put(2, dc.times(i).times(one.minus(g.times(g))));
            put(3, dh.times(t).times(o.minus(o.times(o))));
            dc.times(f).put(dcell.add(at), n);
            keep(s, A::all(0.0), row, at, n);
        });
    }
}

/// # Safety
/// As for [`forward_single`].
#[inline(always)]
unsafe fn gru_backward<A: Arith>(s: &BackwardStep<A::Elem>, row: usize) {
    let (hidden, one) = (s.hidden, A::all(1.0));
    let (gates, dgates) = (s.gates.wrapping_add(row * 3 * hidden), s.dgates.wrapping_add(row * 3 * hidden));
    let (before, kept) = (s.state.0.wrapping_add(row * s.state.1), s.extra.wrapping_add(row * hidden));
    let drecurrent = s.drecurrent.wrapping_add(row * 3 * hidden);
    // SAFETY: the caller's contract.
    unsafe {
        along!(A, hidden, |at, n| {
            let gate = |k: usize| A::get(gates.add(k * hidden + at), n);
            let (r, z, new, dh) = (gate(0), gate(1), gate(2), total::<A>(s, row, at, n));
            let dz = dh.times(A::get(before.add(at), n).minus(new)).times(z.minus(z.times(z)));
            let dnew = dh.minus(dh.times(z)).times(one.minus(new.times(new)));
            let dr = dnew.times(A::get(kept.add(at), n)).times(r.minus(r.times(r)));
            for (k, (dx, dh)) in [(dr, dr), (dz, dz), (dnew, dnew.times(r))].into_iter().enumerate() {
                dx.put(dgates.add(k * hidden + at), n);
                dh.put(drecurrent.add(k * hidden + at), n);
            }
            keep(s, dh.times(z), row, at, n);
        });
    }
}
