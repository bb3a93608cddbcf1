use crate::feed::BLOCK;
use crate::number::Number;
use crate::parallel::{for_row_chunks, for_rows};
use crate::raw::{each_width, pair};
use rsym_tensor::Element;

/// From `src` of shape (outer, n, inner), the slices of the middle axis at the positions `at`: `out` has shape
/// (outer, at.len(), inner). An embedding has outer 1.
pub fn take<T: Element>(src: &[T], (outer, n, inner): (usize, usize, usize), at: &[usize], out: &mut [T]) {
    assert_eq!((src.len(), out.len()), (outer * n * inner, outer * at.len() * inner), "take: lengths");
    assert!(at.iter().all(|&i| i < n), "take: position outside");
    each_width!(pair(src, out), (src, out) => take_bits(src, n, inner, at, out))
}

fn take_bits<U: Copy + Send + Sync>(src: &[U], n: usize, inner: usize, at: &[usize], out: &mut [U]) {
    for_row_chunks(out, inner, inner, |first, rows| {
        for (i, row) in rows.chunks_exact_mut(inner).enumerate() {
            let (o, k) = ((first + i) / at.len(), (first + i) % at.len());
            let from = (o * n + at[k]) * inner;
            row.copy_from_slice(&src[from..from + inner]);
        }
    });
}

/// Gradient of [`take`]: every slice of `out` of shape (outer, n, inner) is the sum of the slices of `grad` that were taken
/// from it, added in their order.
pub fn take_backward<T: Number>(grad: &[T], (outer, n, inner): (usize, usize, usize), at: &[usize], out: &mut [T]) {
    assert_eq!((grad.len(), out.len()), (outer * at.len() * inner, outer * n * inner), "take_backward: lengths");
    let groups = Groups::new(at, n);
    let cost = inner.saturating_mul(1 + at.len() / n.max(1));
    for_rows(out, inner, cost, |row, out| {
        let (o, users) = (row / n, groups.of(row % n));
        let slice = |&k: &usize| &grad[(o * at.len() + k) * inner..][..inner];
        match users {
            [] => out.fill(T::default()),
            [one] => out.copy_from_slice(slice(one)),
            _ => add_up(users.iter().map(slice), out),
        }
    });
}

fn add_up<'a, T: Number>(slices: impl Iterator<Item = &'a [T]> + Clone, out: &mut [T]) {
    for (b, out) in out.chunks_mut(BLOCK).enumerate() {
        let mut sum = [T::Acc::default(); BLOCK];
        for slice in slices.clone() {
            let part = &slice[b * BLOCK..][..out.len()];
            sum.iter_mut().zip(part).for_each(|(s, &g)| *s = s.plus(g.to_acc()));
        }
        out.iter_mut().zip(sum).for_each(|(o, s)| *o = T::from_acc(s));
    }
}

/// For every position, who uses it, in order.
struct Groups {
    starts: Vec<usize>,
    users: Vec<usize>,
}

impl Groups {
    fn new(at: &[usize], n: usize) -> Groups {
        let mut starts = vec![0; n + 1];
        at.iter().for_each(|&i| starts[i + 1] += 1);
        (0..n).for_each(|i| starts[i + 1] += starts[i]);
        let (mut next, mut users) = (starts.clone(), vec![0; at.len()]);
        for (k, &i) in at.iter().enumerate() {
            users[next[i]] = k;
            next[i] += 1;
        }
        Groups { starts, users }
    }

    fn of(&self, i: usize) -> &[usize] {
        &self.users[self.starts[i]..self.starts[i + 1]]
    }
}
