use super::strided::{Loop, Nest};
use crate::raw::pair;
use rsym_tensor::Element;

/// A copy of the rows (outer, row) between arrays whose rows are `from` and `to` elements apart.
fn rows(outer: usize, row: usize, from: usize, to: usize) -> Nest {
    let outer = Loop { extent: outer, from: from as isize, to: to as isize };
    Nest { loops: vec![outer, Loop { extent: row, from: 1, to: 1 }], from: 0, to: 0 }
}

/// Joins `parts` along the middle axis of (outer, n, inner): each comes with its own `n`.
pub fn concat<T: Element>(parts: &[(&[T], usize)], outer: usize, inner: usize, out: &mut [T]) {
    let total: usize = parts.iter().map(|p| p.1).sum();
    let mut at = 0;
    for &(part, n) in parts {
        let nest = Nest { to: (at * inner) as isize, ..rows(outer, n * inner, n * inner, total * inner) };
        nest.run(pair(part, out));
        at += n;
    }
}

/// Cuts `src` along the middle axis of (outer, n, inner) into `parts`: each comes with its own `n`.
pub fn split<T: Element>(src: &[T], outer: usize, inner: usize, parts: &mut [(&mut [T], usize)]) {
    let total: usize = parts.iter().map(|p| p.1).sum();
    let mut at = 0;
    for (part, n) in parts {
        let nest = Nest { from: (at * inner) as isize, ..rows(outer, *n * inner, total * inner, *n * inner) };
        nest.run(pair(src, part));
        at += *n;
    }
}
