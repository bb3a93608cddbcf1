//! Repetition of dimensions of extent 1, and its gradient.

use crate::support::{axis_of, unsupported};
use super::broadcast::BroadcastAdd;
use super::constant::ZerosLike;
use rsym_graph::*;
use rsym_kernels::{arrange, reduce};
use rsym_tensor::{PartialShape, dispatch, dispatch_num};

operator! {
    /// Repeats dimensions of extent 1 until the shape is a given one.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | as many dimensions as `shape`, each equal or 1 | any |
    /// | output | `shape` | that of data |
    #[unnamed(true)]
    pub struct BroadcastTo("broadcast_to") {
        inputs { data: "What is repeated." }
        params {
            /// The shape of the output; 0 keeps the extent of data.
            shape: Tuple<i64> = Tuple::new(),
        }
    }
}

operator! {
    /// Repeats given dimensions of extent 1.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any, with 1 at each of `axis` | any |
    /// | output | that of data, with `size` at `axis` | that of data |
    ///
    /// Negative axes count from the end; MXNet crashes on them.
    #[aliases("broadcast_axes")]
    #[check(|op: &BroadcastAxis| same_count(&op.axis, &op.size, "axis", "size"))]
    #[unnamed(true)]
    pub struct BroadcastAxis("broadcast_axis") {
        inputs { data: "What is repeated." }
        params {
            /// The dimensions to repeat.
            axis: Tuple<i64> = Tuple::new(),
            /// How often each is repeated.
            size: Tuple<i64> = Tuple::new(),
        }
    }
}

operator! {
    /// Repeats dimensions of extent 1 until they are those of another tensor.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | lhs | each dimension that of rhs or 1 | any |
    /// | rhs | as many dimensions as lhs, or any with `lhs_axes` and `rhs_axes` | any |
    /// | output | that of rhs; with axes that of lhs, `lhs_axes` taken from `rhs_axes` of rhs | that of lhs |
    #[check(|op: &BroadcastLike| match (&op.lhs_axes, &op.rhs_axes) {
        (Some(l), Some(r)) if l.is_empty() && r.is_empty() => Err("lhs_axes and rhs_axes must not be empty".into()),
        (Some(l), Some(r)) => same_count(l, r, "lhs_axes", "rhs_axes"),
        _ => Ok(()),
    })]
    pub struct BroadcastLike("broadcast_like") {
        inputs { lhs: "What is repeated.", rhs: "Has the shape; its values are not read." }
        params {
            /// Dimensions of lhs to repeat; every one if this or `rhs_axes` is not given.
            lhs_axes: Option<Tuple<i64>> = None,
            /// Dimensions of rhs whose extents they get.
            rhs_axes: Option<Tuple<i64>> = None,
        }
    }
}

operator! {
    /// Sums a tensor down to the shape of another one, from which broadcasting leads to its own.
    #[hidden(true)]
    pub struct ReduceLike("_reduce_like") {
        inputs { data: "What is summed.", like: "Has the shape; its values are not read." }
        params {}
    }
}

fn same_count(a: &[i64], b: &[i64], a_name: &str, b_name: &str) -> Result<(), String> {
    if a.len() == b.len() {
        return Ok(());
    }
    Err(format!("{a_name} and {b_name} must be equally long, got {} and {}", a.len(), b.len()))
}

/// Repeats input 0 to the shape of output 0.
fn repeat(io: &mut Io) -> OpResult {
    let (data, out) = io.pair(0, 0);
    let target = out.shape().clone();
    dispatch!(out.dtype(), T => arrange::broadcast_to::<T>(data.slice()?, data.shape(), &target, out.slice_mut()?));
    Ok(())
}

fn sum_back(g: &mut Grad) -> GraphResult {
    let inputs = [g.head(0)?, g.input(0)];
    let gradient = g.apply(ReduceLike {}, &inputs);
    g.set(0, gradient);
    Ok(())
}

/// The extent after repetition of `from` to `to`.
fn repeated(from: Option<usize>, to: usize) -> OpResult<Option<usize>> {
    match from {
        Some(d) if d != 1 && d != to => {
            Err(OpError::invalid(format!("a dimension of extent {d} cannot be repeated to {to}; only 1 can")))
        }
        _ => Ok(Some(to)),
    }
}

impl Operator for BroadcastTo {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        if dims.len() != self.shape.len() {
            let (data, shape) = (&io.inputs[0], self.shape.text());
            return Err(OpError::invalid(format!("data of shape {data} and shape={shape} differ in dimensions: reshape")));
        }
        let extent = |(&from, &to): (&Option<usize>, &i64)| match usize::try_from(to) {
            Ok(0) => Ok(from),
            Ok(to) => repeated(from, to),
            Err(_) => Err(OpError::invalid(format!("shape must not be negative, got {}", self.shape.text()))),
        };
        let dims = dims.iter().zip(&self.shape).map(extent).collect::<OpResult<Vec<_>>>()?;
        io.set_output(0, PartialShape::partial(dims))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        repeat(io)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        sum_back(g)
    }
}

impl Operator for BroadcastAxis {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(mut dims) = io.inputs[0].dims() else { return Ok(()) };
        for (&axis, &size) in self.axis.iter().zip(&self.size) {
            let axis = axis_of(axis, dims.len())?;
            let size = usize::try_from(size).map_err(|_| OpError::invalid("size must not be negative"))?;
            if dims[axis].is_some_and(|d| d != 1) {
                return Err(OpError::invalid(format!("axis {axis} of {} is not 1 and cannot be repeated", io.inputs[0])));
            }
            dims[axis] = Some(size);
        }
        io.set_output(0, PartialShape::partial(dims))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        repeat(io)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        sum_back(g)
    }
}

impl BroadcastLike {
    /// The shape of the output when both inputs have known ranks.
    fn shape(&self, lhs: &[Option<usize>], rhs: &[Option<usize>]) -> OpResult<Vec<Option<usize>>> {
        let mut dims = lhs.to_vec();
        let (Some(lhs_axes), Some(rhs_axes)) = (&self.lhs_axes, &self.rhs_axes) else {
            if lhs.len() != rhs.len() {
                return Err(OpError::invalid(format!("expected equally many dimensions, got {} and {}", lhs.len(), rhs.len())));
            }
            let fit = |(d, r): (&Option<usize>, &Option<usize>)| r.map_or(Ok(*d), |r| repeated(*d, r));
            return dims.iter().zip(rhs).map(fit).collect();
        };
        for (&l, &r) in lhs_axes.iter().zip(rhs_axes) {
            let (l, r) = (axis_of(l, lhs.len())?, axis_of(r, rhs.len())?);
            if let Some(d) = lhs[l].filter(|&d| d != 1) {
                return Err(OpError::invalid(format!("axis {l} of lhs has extent {d} and cannot be repeated; only 1 can")));
            }
            dims[l] = rhs[r];
        }
        Ok(dims)
    }
}

impl Operator for BroadcastLike {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let (Some(lhs), Some(rhs)) = (io.inputs[0].dims(), io.inputs[1].dims()) else { return Ok(()) };
        let dims = self.shape(&lhs, &rhs)?;
        io.set_output(0, PartialShape::partial(dims))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        repeat(io)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        sum_back(g)
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

impl Operator for ReduceLike {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        let target = out.shape().clone();
        if data.size() == out.size() {
            return Ok(out.assign(data)?);
        }
        dispatch_num!(out.dtype(), T => {
            reduce::reduce_to_shape::<T>(data.slice()?, data.shape(), &target, out.slice_mut()?);
            Ok(())
        }, else unsupported(out.dtype(), "a float or integer type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (head, data) = (g.head(0)?, g.input(0));
        let zeros = g.apply(ZerosLike {}, &[data]);
        let gradient = g.apply(BroadcastAdd {}, &[zeros, head]);
        g.set(0, gradient);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run};
    use rsym_tensor::{DType, Tensor};

    fn axes(values: &[i64]) -> Tuple {
        Tuple::from_slice(values)
    }

    fn infer(op: &dyn Operator, inputs: &[&[i64]]) -> OpResult<PartialShape> {
        let mut inputs: Vec<_> = inputs.iter().map(|s| PartialShape::from_legacy(s)).collect();
        let mut outputs = [PartialShape::unknown()];
        op.infer_shape(&mut ShapeIo { inputs: &mut inputs, outputs: &mut outputs })?;
        Ok(outputs[0].clone())
    }

    // MXNet 1.9.1: infer_shape_partial.
    #[test]
    fn shapes_of_mxnet() {
        let to = BroadcastTo { shape: axes(&[0, 3]) };
        assert_eq!(infer(&to, &[&[5, 1]]).unwrap(), PartialShape::from([5, 3]));
        assert_eq!(infer(&to, &[&[0, 1]]).unwrap(), PartialShape::from_legacy(&[0, 3]));
        assert!(infer(&to, &[&[1]]).is_err() && infer(&to, &[&[1, 2]]).is_err());
        let axis = BroadcastAxis { axis: axes(&[1]), size: axes(&[4]) };
        assert_eq!(infer(&axis, &[&[2, 1]]).unwrap(), PartialShape::from([2, 4]));
        assert!(infer(&axis, &[&[2, 2]]).is_err() && infer(&axis, &[&[1]]).is_err());
        let like = BroadcastLike { lhs_axes: None, rhs_axes: None };
        assert_eq!(infer(&like, &[&[1, 1], &[2, 0]]).unwrap(), PartialShape::from([2, 1]));
        assert!(infer(&like, &[&[1, 1], &[2, 3, 4]]).is_err() && infer(&like, &[&[2, 1], &[3, 3]]).is_err());
        let like = BroadcastLike { lhs_axes: Some(axes(&[0])), rhs_axes: Some(axes(&[-1])) };
        assert_eq!(infer(&like, &[&[1, 2], &[5]]).unwrap(), PartialShape::from([5, 2]));
        assert!(infer(&like, &[&[2, 1], &[3, 3]]).is_err());
    }

    #[test]
    fn parameters_must_fit_each_other() {
        let texts = ParamTexts(vec![("axis".into(), "(0, 2)".into()), ("size".into(), "4".into())]);
        assert!(BroadcastAxis::from_texts(&texts).is_err());
        let texts = ParamTexts(vec![("lhs_axes".into(), "()".into()), ("rhs_axes".into(), "()".into())]);
        assert!(BroadcastLike::from_texts(&texts).is_err());
    }

    #[test]
    fn values_are_repeated_and_gradients_summed() {
        let x = Tensor::from_slice([2, 1], &[true, false]).unwrap();
        let op = BroadcastAxis { axis: axes(&[-1]), size: axes(&[3]) };
        assert_eq!(run(&op, &[x])[0].slice::<bool>().unwrap(), [true, true, true, false, false, false]);
        check_gradient(&op, &[[2, 1].into()], DType::Float64);
        check_gradient(&BroadcastTo { shape: axes(&[2, 0, 3]) }, &[[1, 2, 1].into()], DType::Float64);
        let like = BroadcastLike { lhs_axes: None, rhs_axes: None };
        check_gradient(&like, &[[1, 3].into(), [4, 3].into()], DType::Float64);
    }
}
