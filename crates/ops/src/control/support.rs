//! What loops and branches share.

use rsym_graph::*;
use rsym_tensor::{DType, Element, PartialShape, Shape, Tensor, dispatch};

/// What an operator is because something in the graphs that it holds is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Nature {
    pub random: bool,
    pub effects: bool,
    pub depends_on_mode: bool,
}

impl Nature {
    /// Of an operator with these graphs.
    pub fn of<'a>(graphs: impl IntoIterator<Item = &'a Symbol>) -> Nature {
        let mut out = Nature::default();
        for op in graphs.into_iter().flat_map(|g| g.nodes()).filter_map(|n| n.op()) {
            out.random |= op.is_random();
            out.effects |= op.has_effects();
            out.depends_on_mode |= op.depends_on_mode();
        }
        out
    }
}

/// The numbers in `locs`, each below `limit`.
pub(super) fn places(key: &str, locs: &Tuple<i64>, limit: usize) -> Result<Vec<usize>, ParamError> {
    let one = |&loc: &i64| usize::try_from(loc).ok().filter(|&l| l < limit);
    let found: Option<Vec<usize>> = locs.iter().map(one).collect();
    found.ok_or_else(|| {
        ParamError::Conflict(format!("{key} must hold numbers below {limit}, got {}", ParamType::text(locs)))
    })
}

/// A count that a parameter gives.
pub(super) fn count(key: &str, value: i32) -> Result<usize, ParamError> {
    usize::try_from(value).map_err(|_| ParamError::Conflict(format!("{key} must not be negative, got {value}")))
}

/// Refuses parameters that do not fit the graphs.
pub(super) fn fits(what: &str, expected: usize, got: usize) -> Result<(), ParamError> {
    if expected == got {
        return Ok(());
    }
    Err(ParamError::Conflict(format!("{what}: expected {expected}, got {got}")))
}

/// The graphs that an operator was given, as many as it holds.
pub(super) fn graphs_of<const N: usize>(graphs: &[Symbol], names: &str) -> Result<[Symbol; N], ParamError> {
    graphs.to_vec().try_into().map_err(|_| {
        ParamError::Conflict(format!("needs {N} graphs before its inputs ({names}), got {}", graphs.len()))
    })
}

/// Names of the inputs: `data0`, `data1`, ….
pub(super) fn data_names(count: usize) -> Names {
    (0..count).map(|i| std::borrow::Cow::Owned(format!("data{i}"))).collect()
}

/// Names of the outputs, of which hidden ones do not count.
pub(super) fn output_names(visible: usize) -> Names {
    if visible == 1 { names!["output"] } else { names![] }
}

/// Number of words of [`put_words`].
pub(super) const WORDS: usize = 3;

/// Lets output `output` hold what a gradient must know of a run: a number, and the random key.
pub(super) fn infer_words(io: &mut ShapeIo, output: usize) -> OpResult {
    io.set_output(output, [WORDS])
}

/// Writes the number `n` and the random key of `ctx`.
pub(super) fn put_words(out: &mut Tensor, n: usize, ctx: &Ctx) -> OpResult {
    out.slice_mut::<i64>()?.copy_from_slice(&[n as i64, ctx.seed as i64, ctx.stream as i64]);
    Ok(())
}

/// The number and the context with the random key that [`put_words`] wrote.
pub(super) fn words<'a>(tensor: &Tensor, ctx: &Ctx<'a>) -> OpResult<(usize, Ctx<'a>)> {
    let [n, seed, stream] = *tensor.slice::<i64>()? else {
        return Err(OpError::invalid(format!("a run is recorded in {WORDS} words, got {}", tensor.shape())));
    };
    let n = usize::try_from(n).map_err(|_| OpError::invalid(format!("a run has no {n} steps")))?;
    Ok((n, Ctx { seed: seed as u64, stream: stream as u64, ..*ctx }))
}

/// The type of the words.
pub(super) const WORD: DType = DType::Int64;

/// Whether the single number in `tensor` is not zero.
pub(super) fn is_true(tensor: &Tensor) -> OpResult<bool> {
    match tensor.size() {
        1 => Ok(tensor.get_f64(0).is_some_and(|v| v != 0.0)),
        _ => Err(OpError::invalid(format!("a condition must be a single number, got shape {}", tensor.shape()))),
    }
}

/// Refuses a condition that is known not to be a single number.
pub(super) fn check_condition(shape: &PartialShape) -> OpResult {
    match shape.complete().filter(|s| s.size() != 1) {
        Some(shape) => Err(OpError::invalid(format!("the condition must be a single number, got shape {shape}"))),
        None => Ok(()),
    }
}

/// The shape of a row of an array; rows of a vector have one element.
pub(super) fn row_shape(shape: &PartialShape) -> PartialShape {
    match shape.dims() {
        Some(dims) if dims.len() == 1 => [1].into(),
        Some(dims) => PartialShape::partial(dims.into_iter().skip(1)),
        None => PartialShape::unknown(),
    }
}

/// The shape of `length` rows.
pub(super) fn stacked(length: Option<usize>, row: &PartialShape) -> PartialShape {
    row.dims().map_or_else(PartialShape::unknown, |dims| PartialShape::partial(std::iter::once(length).chain(dims)))
}

/// The shape of a row of an array whose shape is known.
pub(super) fn row_of(shape: &Shape) -> Shape {
    if shape.len() == 1 { [1].into() } else { shape[1..].iter().copied().collect() }
}

/// Writes `value` into row `i`.
pub(super) fn put_row(array: &Tensor, i: usize, value: &Tensor) -> OpResult {
    Ok(array.rows(i, i + 1)?.assign(value)?)
}

/// Reads row `i` into `target`.
pub(super) fn take_row(array: &Tensor, i: usize, target: &mut Tensor) -> OpResult {
    Ok(target.assign(&array.rows(i, i + 1)?)?)
}

/// Adds `value` to `target`.
pub(super) fn add_into(target: &mut Tensor, value: &Tensor) -> OpResult {
    fn add<T: Element>(target: &mut Tensor, value: &Tensor) -> OpResult {
        let sum = |a: T, b: T| T::narrow(a.widen() + b.widen());
        target.slice_mut::<T>()?.iter_mut().zip(value.slice::<T>()?).for_each(|(o, &x)| *o = sum(*o, x));
        Ok(())
    }
    dispatch!(target.dtype(), T => add::<T>(target, value))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A variable.
    pub fn symbol(name: &str) -> Symbol {
        Symbol::variable(name, AttrMap::new())
    }

    /// The operator `op` applied to symbols.
    pub fn apply(op: &str, inputs: &[&Symbol]) -> Symbol {
        let positional = inputs.iter().map(|s| Some((*s).clone())).collect();
        compose(crate::registry().find(op).unwrap(), op, ComposeArgs { positional, ..ComposeArgs::default() }).unwrap()
    }

    /// The shapes of inputs and outputs that follow from those of inputs, in MXNet's spelling.
    pub fn inferred(op: &dyn Operator, inputs: &[&[i64]]) -> Vec<Vec<i64>> {
        crate::support::tests::infer(op, inputs, &[]).unwrap()
    }

    #[test]
    fn a_run_is_recorded_in_words() {
        let ctx = Ctx { seed: u64::MAX, stream: 1 << 63, ..Ctx::default() };
        let mut out = Tensor::zeros([WORDS], WORD).unwrap();
        put_words(&mut out, 17, &ctx).unwrap();
        let (n, back) = words(&out, &Ctx { is_train: true, ..Ctx::default() }).unwrap();
        assert_eq!((n, back.seed, back.stream, back.is_train), (17, u64::MAX, 1 << 63, true));
    }

    #[test]
    fn keys_that_follow_from_one_differ() {
        let ctx = Ctx { seed: 3, stream: 5, ..Ctx::default() };
        let mut keys: Vec<(u64, u64)> = Vec::new();
        for other in [ctx, Ctx { stream: 6, ..ctx }, ctx.derived(0), ctx.derived(1)] {
            keys.extend((0..4).map(|n| other.derived(n)).map(|c| (c.seed, c.stream)));
        }
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 16);
    }
}
