//! `slice` and `slice_axis`: a window into a tensor.

use super::window::{Bounds, Selection, cut, infer_whole, selections, spread, window, window_shape};
use crate::support::axis_of;
use rsym_graph::*;
use rsym_tensor::PartialShape;

operator! {
    /// Takes a window out of its input: `out[i, …] = data[begin[0] + i * step[0], …]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | output | the extents of the window | that of data |
    ///
    /// Negative positions count from the end, those past the end mean the end.
    #[aliases("_npi_slice", "_npx_slice", "_sparse_slice", "crop")]
    #[unnamed(true)]
    pub struct Slice("slice") {
        inputs { data: "The input." }
        params {
            /// First position of each axis; axes that are not listed are taken whole.
            begin: Bounds,
            /// Position after the last of each axis; `None` goes to the end.
            end: Bounds,
            /// Distance of the positions; negative numbers go backwards, `None` is 1.
            step: Bounds = Bounds::new(),
        }
    }
}

operator! {
    /// The gradient of `slice`.
    #[hidden(true)]
    pub struct SliceBackward("_backward_slice") {
        inputs { ograd: "Gradient of the output.", data: "Has the shape; its values are not read." }
        params {
            /// As in `slice`.
            begin: Bounds,
            /// As in `slice`.
            end: Bounds,
            /// As in `slice`.
            step: Bounds = Bounds::new(),
        }
    }
}

operator! {
    /// Takes a range of one axis: `out = data[…, begin:end, …]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | output | that of data with `end - begin` at `axis` | that of data |
    #[unnamed(true)]
    pub struct SliceAxis("slice_axis") {
        inputs { data: "The input." }
        params {
            /// The axis; negative numbers count from the end.
            axis: i32,
            /// First position; negative numbers count from the end.
            begin: i32,
            /// Position after the last; `None` goes to the end.
            end: Option<i32>,
        }
    }
}

operator! {
    /// The gradient of `slice_axis`.
    #[hidden(true)]
    pub struct SliceAxisBackward("_backward_slice_axis") {
        inputs { ograd: "Gradient of the output.", data: "Has the shape; its values are not read." }
        params {
            /// As in `slice_axis`.
            axis: i32,
            /// As in `slice_axis`.
            begin: i32,
            /// As in `slice_axis`.
            end: Option<i32>,
        }
    }
}

impl Slice {
    fn selections(&self, rank: usize) -> OpResult<Vec<Selection>> {
        selections(&self.begin, &self.end, &self.step, rank)
    }
}

impl SliceAxis {
    fn selections(&self, rank: usize) -> OpResult<Vec<Selection>> {
        one_axis(self.axis, self.begin, self.end, rank)
    }

    /// Refuses a range that is empty or leaves the axis.
    fn check(&self, io: &ShapeIo, axis: usize) -> OpResult {
        let Some(extent) = io.inputs[0].dim(axis) else { return Ok(()) };
        let shift = |v: i32| if v < 0 { v as i64 + extent as i64 } else { v as i64 };
        let (begin, end) = (shift(self.begin), self.end.map_or(extent as i64, shift));
        if 0 <= begin && begin < end && end <= extent as i64 {
            return Ok(());
        }
        Err(OpError::invalid(format!("{begin}..{end} is no range of axis {axis}, which has {extent} elements")))
    }
}

fn one_axis(axis: i32, begin: i32, end: Option<i32>, rank: usize) -> OpResult<Vec<Selection>> {
    let mut list = vec![(None, None, 1); axis_of(axis as i64, rank)?];
    list.push((Some(begin as i64).filter(|&b| b != 0), end.map(i64::from), 1));
    Ok(list)
}

impl Operator for Slice {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(rank) = io.inputs[0].rank() else { return Ok(()) };
        let list = self.selections(rank)?;
        io.set_output(0, window_shape(&io.inputs[0], &list))?;
        infer_whole(io, &list)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = io.inputs[0].shape();
        cut(io, &window(dims, &self.selections(dims.len())?))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let op = SliceBackward { begin: self.begin.clone(), end: self.end.clone(), step: self.step.clone() };
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(op, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for SliceAxis {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(rank) = io.inputs[0].rank() else { return Ok(()) };
        let list = self.selections(rank)?;
        self.check(io, list.len() - 1)?;
        io.set_output(0, window_shape(&io.inputs[0], &list))?;
        infer_whole(io, &list)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = io.inputs[0].shape();
        cut(io, &window(dims, &self.selections(dims.len())?))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let op = SliceAxisBackward { axis: self.axis, begin: self.begin, end: self.end };
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(op, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

/// Implements the gradient operators: input 0 goes where the window was, into the shape of input 1. Their own gradient cuts
/// the window out again, by the operator `$forward`.
macro_rules! window_backward {
    ($op:ident, |$this:ident, $rank:ident| $selections:expr, $forward:expr) => {
        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                io.unify([Port::Input(1), Port::Output(0)])
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let dims = io.outputs[0].shape().clone();
                let ($this, $rank) = (self, dims.len());
                spread(io, &window(&dims, &$selections?))
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                let ($this, head) = (self, g.head(0)?);
                let gradient = g.apply($forward, &[head]);
                g.set(0, gradient);
                Ok(())
            }

            fn reads(&self, input: usize) -> bool {
                input == 0
            }
        }
    };
}

window_backward!(
    SliceBackward,
    |this, rank| selections(&this.begin, &this.end, &this.step, rank),
    Slice { begin: this.begin.clone(), end: this.end.clone(), step: this.step.clone() }
);
window_backward!(
    SliceAxisBackward,
    |this, rank| one_axis(this.axis, this.begin, this.end, rank),
    SliceAxis { axis: this.axis, begin: this.begin, end: this.end }
);

operator! {
    /// Cuts the beginning of its first input to the extents of the second.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | shape_like | at most the extents of data at `axes` | any |
    /// | output | that of data with the extents of shape_like at `axes` | that of data |
    pub struct SliceLike("slice_like") {
        inputs { data: "The input.", shape_like: "Has the shape; its values are not read." }
        params {
            /// The axes to cut, negative ones counted from the end; by default all.
            axes: Tuple = Tuple::new(),
        }
    }
}

operator! {
    /// The gradient of `slice_like`.
    #[hidden(true)]
    pub struct SliceLikeBackward("_backward_slice_like") {
        inputs { ograd: "Gradient of the output.", data: "Has the shape; its values are not read." }
        params {}
    }
}

/// The selections that cut to the extents of a shape.
fn heads(dims: &[usize]) -> Vec<Selection> {
    dims.iter().map(|&d| (None, Some(d as i64), 1)).collect()
}

impl SliceLike {
    /// The axes of data that are cut, each with the axis of shape_like that tells its extent.
    fn pairs(&self, data: usize, like: usize) -> OpResult<Vec<(usize, usize)>> {
        if self.axes.is_empty() {
            if data != like {
                let message = format!("data has {data} axes, shape_like {like}; give axes to cut some of them");
                return Err(OpError::invalid(message));
            }
            return Ok((0..data).map(|i| (i, i)).collect());
        }
        self.axes.iter().map(|&axis| Ok((axis_of(axis, data)?, axis_of(axis, like)?))).collect()
    }
}

impl Operator for SliceLike {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let (Some(mut dims), Some(like)) = (io.inputs[0].dims(), io.inputs[1].dims()) else { return Ok(()) };
        for (axis, from) in self.pairs(dims.len(), like.len())? {
            if let (Some(have), Some(want)) = (dims[axis], like[from])
                && want > have
            {
                let message = format!("axis {axis} of data has {have} elements, shape_like asks for {want}");
                return Err(OpError::invalid(message));
            }
            dims[axis] = like[from];
        }
        io.set_output(0, PartialShape::partial(dims))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let list = heads(io.outputs[0].shape());
        cut(io, &window(io.inputs[0].shape(), &list))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(SliceLikeBackward {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

impl Operator for SliceLikeBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let list = heads(io.inputs[0].shape());
        let dims = io.outputs[0].shape().clone();
        spread(io, &window(&dims, &list))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(SliceLike { axes: Tuple::new() }, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run};
    use rsym_tensor::{DType, Tensor};

    fn slice(begin: &str, end: &str, step: &str) -> Slice {
        let bounds = |text| Bounds::parse(text).unwrap();
        Slice { begin: bounds(begin), end: bounds(end), step: bounds(step) }
    }

    fn axis(axis: i32, begin: i32, end: Option<i32>) -> SliceAxis {
        SliceAxis { axis, begin, end }
    }

    #[test]
    fn windows_of_mxnet() {
        let x = Tensor::from_slice([3, 4], &(0..12).collect::<Vec<i32>>()).unwrap();
        let take = |op: &dyn Operator| run(op, std::slice::from_ref(&x)).remove(0).to_f64_vec();
        assert_eq!(take(&slice("(1, 0)", "(3, 2)", "()")), [4.0, 5.0, 8.0, 9.0]);
        assert_eq!(take(&slice("(None, -2)", "(2, None)", "()")), [2.0, 3.0, 6.0, 7.0]);
        assert_eq!(take(&slice("(2, 3)", "(0, None)", "(-2, -2)")), [11.0, 9.0]);
        assert_eq!(take(&axis(-1, -3, Some(-2))), [1.0, 5.0, 9.0]);
    }

    // MXNet 1.9.1: infer_shape_partial of the same calls.
    #[test]
    fn unknown_axes_stay_open_and_whole_ones_flow_back() {
        assert_eq!(infer(&slice("(1,)", "(3,)", "()"), &[&[0, 4]], &[]).unwrap()[1], [0, 4]);
        assert_eq!(infer(&slice("(0, 1)", "(None, 2)", "()"), &[&[0, 4]], &[]).unwrap()[1], [0, 1]);
        assert_eq!(infer(&slice("(2,)", "(2,)", "()"), &[&[4, 4]], &[]).unwrap()[1], [0, 4]);
        assert_eq!(infer(&axis(1, 1, Some(3)), &[&[0, 4]], &[&[5, 0]]).unwrap(), [vec![5, 4], vec![5, 2]]);
        assert_eq!(infer(&axis(0, 0, None), &[&[0, 4]], &[&[5, 4]]).unwrap()[0], [5, 4]);
        let like = SliceLike { axes: [1i64].into_iter().collect() };
        assert_eq!(infer(&like, &[&[0, 4], &[2, 3]], &[]).unwrap()[2], [0, 3]);
    }

    #[test]
    fn nonsense_is_refused() {
        for op in [slice("(1, 0, 0)", "(3, 2, 1)", "()"), slice("(1,)", "(2, 3)", "()"), slice("(0,)", "(2,)", "(0,)")]
        {
            assert!(infer(&op, &[&[3, 4]], &[]).is_err(), "{op:?}");
        }
        for op in [axis(0, 1, Some(4)), axis(2, 0, Some(1)), axis(0, 2, Some(2)), axis(0, -9, None)] {
            assert!(infer(&op, &[&[3, 4]], &[]).is_err(), "{op:?}");
        }
        assert!(infer(&SliceLike { axes: Tuple::new() }, &[&[3, 4], &[4, 3]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&slice("(4, 3)", "(0, None)", "(-2, -1)"), &[[5, 4].into()], DType::Float64);
        check_gradient(&axis(1, 1, Some(3)), &[[2, 4, 2].into()], DType::Float64);
        let like = SliceLike { axes: [0i64, -1].into_iter().collect() };
        check_gradient(&like, &[[3, 4, 5].into(), [2, 3, 4].into()], DType::Float64);
    }
}
