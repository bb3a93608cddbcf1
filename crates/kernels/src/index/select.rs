use crate::elementwise::split;
use crate::parallel::for_rows;
use rsym_tensor::Element;

/// Which elements differ from zero; NaN does.
pub fn truths<C: Element>(src: &[C]) -> Vec<bool> {
    src.iter().map(|c| c.to_f64() != 0.0).collect()
}

/// `out[i] = x[i]` where the condition holds, else `y[i]`. The condition has one entry per element, or one per row of
/// equal length.
pub fn select<T: Element>(condition: &[bool], x: &[T], y: &[T], out: &mut [T]) {
    assert!(x.len() == out.len() && y.len() == out.len(), "select: lengths");
    let row = row_len(condition, out.len());
    split(out, &|at, part| {
        let pairs = x[at..].iter().zip(&y[at..]).zip(part).enumerate();
        pairs.for_each(|(i, ((x, y), out))| *out = if condition[(at + i) / row] { *x } else { *y });
    });
}

/// `out[i] = src[i]` where the condition equals `when`, else 0: the gradients of [`select`].
pub fn keep<T: Element>(condition: &[bool], when: bool, src: &[T], out: &mut [T]) {
    assert_eq!(src.len(), out.len(), "keep: lengths");
    let row = row_len(condition, out.len());
    split(out, &|at, part| {
        let pairs = src[at..].iter().zip(part).enumerate();
        pairs.for_each(|(i, (x, out))| *out = if condition[(at + i) / row] == when { *x } else { T::default() });
    });
}

fn row_len(condition: &[bool], size: usize) -> usize {
    let row = if condition.is_empty() { 1 } else { (size / condition.len()).max(1) };
    assert_eq!(condition.len() * row, size.max(condition.len()), "select: condition and data do not match");
    row
}

/// A row of `depth` elements for every index: `on` at the index, `off` elsewhere; all `off` for an index outside.
pub fn one_hot<T: Element>(indices: &[i64], depth: usize, on: T, off: T, out: &mut [T]) {
    assert_eq!(out.len(), indices.len() * depth, "one_hot: lengths");
    for_rows(out, depth, depth, |k, row| {
        row.fill(off);
        let place = usize::try_from(indices[k]).ok().and_then(|i| row.get_mut(i));
        place.into_iter().for_each(|v| *v = on);
    });
}
