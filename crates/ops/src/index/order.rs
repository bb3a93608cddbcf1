//! `sort`, `argsort` and `topk`: orders along an axis.

use crate::shape::moves::around;
use crate::support::{axis_of, unsupported};
use rsym_graph::*;
use rsym_kernels::index;
use rsym_kernels::number::Number;
use rsym_kernels::sort::{Order, sorted_positions};
use rsym_tensor::{DType, Element, PartialShape, Tensor, dispatch, dispatch_num};

operator! {
    /// Sorts along an axis. Equal elements keep their order; NaN counts as the largest.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float or integer |
    /// | output | that of data; (size,) without an axis | that of data |
    #[aliases("_npi_sort")]
    #[unnamed(true)]
    pub struct Sort("sort") {
        inputs { data: "The input." }
        params {
            /// The axis, negative numbers counted from the end; `None` sorts the flattened input.
            axis: Option<i32> = Some(-1),
            /// Smallest first; else largest first.
            is_ascend: bool = true,
        }
    }
}

operator! {
    /// Gives the positions that would sort along an axis. Equal elements keep their order; NaN counts as the largest.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float or integer |
    /// | output | that of data; (size,) without an axis | `dtype` |
    ///
    /// The gradient is zero.
    #[aliases("_npi_argsort")]
    #[unnamed(true)]
    pub struct ArgSort("argsort") {
        inputs { data: "The input." }
        params {
            /// The axis, negative numbers counted from the end; `None` sorts the flattened input.
            axis: Option<i32> = Some(-1),
            /// Smallest first; else largest first.
            is_ascend: bool = true,
            /// The type of the positions.
            dtype: DType = DType::Float32,
        }
    }
}

enum_param! {
    /// What `topk` returns.
    pub enum TopKReturn { Both = "both", Indices = "indices", Mask = "mask", Value = "value" }
}

operator! {
    /// Finds the first `k` elements along an axis in sorted order. Equal elements keep their order; NaN counts as the
    /// largest.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…, n, …) | float or integer |
    /// | values | (…, k, …); (k,) without an axis | that of data |
    /// | indices | as values | `dtype` |
    /// | mask | that of data: 1 at the places that were found | that of data |
    ///
    /// The gradient of values goes to the places that they come from; those of indices and mask are zero.
    #[aliases("_npx_topk")]
    #[unnamed(true)]
    pub struct TopK("topk") {
        inputs { data: "The input." }
        params {
            /// The axis, negative numbers counted from the end; `None` looks at the flattened input.
            axis: Option<i32> = Some(-1),
            /// How many; below 1 all.
            k: i32 = 1,
            /// What to return: `value`, `indices`, `both` of them, or a `mask`.
            ret_typ: TopKReturn = TopKReturn::Indices,
            /// Smallest first; else largest first.
            is_ascend: bool = false,
            /// The type of the indices.
            dtype: DType = DType::Float32,
        }
    }
}

operator! {
    /// Sends the gradient of the values of `sort` and `topk` back to where they come from.
    #[hidden(true)]
    pub struct TopKBackward("_backward_topk") {
        inputs { ograd: "Gradient of the values.", data: "The input." }
        params {
            /// As in `topk`.
            axis: Option<i32> = Some(-1),
            /// As in `topk`.
            k: i32 = 0,
            /// As in `topk`.
            is_ascend: bool = true,
        }
    }
}

/// What to look for along which axis.
struct Search {
    middle: (usize, usize, usize),
    k: usize,
    order: Order,
}

impl Search {
    fn new(dims: &[usize], axis: Option<i32>, k: i32, is_ascend: bool) -> OpResult<Search> {
        let middle = match axis {
            None => (1, dims.iter().product(), 1),
            Some(axis) => around(dims, axis_of(axis as i64, dims.len())?),
        };
        let order = if is_ascend { Order::Ascending } else { Order::Descending };
        Ok(Search { middle, k: found(middle.1, k)?, order })
    }

    fn positions(&self, data: &Tensor) -> OpResult<Vec<usize>> {
        let dtype = data.dtype();
        dispatch_num!(dtype, T => Ok(self.typed::<T>(data.slice()?)), else unsupported(dtype, "a float or integer type"))
    }

    fn typed<T: Number>(&self, src: &[T]) -> Vec<usize> {
        sorted_positions(src, self.middle, self.k, self.order)
    }
}

/// How many of `n` are asked for.
fn found(n: usize, k: i32) -> OpResult<usize> {
    match usize::try_from(k) {
        Ok(0) | Err(_) => Ok(n),
        Ok(k) if k <= n => Ok(k),
        Ok(k) => Err(OpError::invalid(format!("k must be at most {n}, the extent of the axis, got {k}"))),
    }
}

/// The shape of the values found.
fn found_shape(io: &ShapeIo, axis: Option<i32>, k: i32) -> OpResult<PartialShape> {
    let Some(mut dims) = io.inputs[0].dims() else { return Ok(PartialShape::unknown()) };
    let Some(axis) = axis else {
        let all = dims.iter().copied().product::<Option<usize>>();
        return Ok(PartialShape::partial([all.map(|n| found(n, k)).transpose()?]));
    };
    let axis = axis_of(axis as i64, dims.len())?;
    dims[axis] = dims[axis].map_or(Ok(usize::try_from(k).ok().filter(|&k| k > 0)), |n| found(n, k).map(Some))?;
    Ok(PartialShape::partial(dims))
}

fn write_values(data: &Tensor, search: &Search, at: &[usize], out: &mut Tensor) -> OpResult {
    dispatch!(out.dtype(), T => {
        index::gather_along(data.slice::<T>()?, search.middle, search.k, at, out.slice_mut::<T>()?)
    });
    Ok(())
}

fn write_positions(at: &[usize], out: &mut Tensor) -> OpResult {
    dispatch!(out.dtype(), T => {
        out.slice_mut::<T>()?.iter_mut().zip(at).for_each(|(o, &i)| *o = T::from_i64(i as i64))
    });
    Ok(())
}

fn write_mask(search: &Search, at: &[usize], out: &mut Tensor) -> OpResult {
    dispatch!(out.dtype(), T => {
        let ones = vec![T::from_i64(1); at.len()];
        index::scatter_along(&ones, search.middle, search.k, at, T::default(), out.slice_mut::<T>()?)
    });
    Ok(())
}

fn values_gradient(g: &mut Grad, axis: Option<i32>, k: i32, is_ascend: bool) -> GraphResult {
    if g.head_opt(0).is_none() {
        return Ok(());
    }
    let inputs = [g.head(0)?, g.input(0)];
    let gradient = g.apply(TopKBackward { axis, k, is_ascend }, &inputs);
    g.set(0, gradient);
    Ok(())
}

impl Operator for Sort {
    fn output_names(&self) -> Names {
        names![]
    }

    fn num_outputs(&self) -> usize {
        2
    }

    fn num_visible(&self) -> usize {
        1
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer_values(io, self.axis, 0, &[0, 1])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_output(1, DType::Int32)?;
        io.unify(&[0], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let data = &io.inputs[0];
        let search = Search::new(data.shape(), self.axis, 0, self.is_ascend)?;
        let at = search.positions(data)?;
        write_positions(&at, &mut io.outputs[1])?;
        write_values(data, &search, &at, &mut io.outputs[0])
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        values_gradient(g, self.axis, 0, self.is_ascend)
    }
}

impl Operator for ArgSort {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer_values(io, self.axis, 0, &[0])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_output(0, self.dtype)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let data = &io.inputs[0];
        let at = Search::new(data.shape(), self.axis, 0, self.is_ascend)?.positions(data)?;
        write_positions(&at, &mut io.outputs[0])
    }

    fn gradient(&self, _: &mut Grad) -> GraphResult {
        Ok(())
    }
}

/// Infers the shape of the outputs that hold what is found; with a whole axis it flows back, too.
fn infer_values(io: &mut ShapeIo, axis: Option<i32>, k: i32, outputs: &[usize]) -> OpResult {
    let shape = found_shape(io, axis, k)?;
    outputs.iter().try_for_each(|&o| io.set_output(o, shape.clone()))?;
    if axis.is_some() && k < 1 {
        return io.unify([Port::Input(0), Port::Output(0)]);
    }
    Ok(())
}

impl TopK {
    fn has_positions(&self) -> bool {
        matches!(self.ret_typ, TopKReturn::Both | TopKReturn::Value)
    }
}

impl Operator for TopK {
    fn output_names(&self) -> Names {
        if self.has_positions() { names![] } else { names!["output"] }
    }

    fn num_outputs(&self) -> usize {
        if self.has_positions() { 2 } else { 1 }
    }

    fn num_visible(&self) -> usize {
        if self.ret_typ == TopKReturn::Both { 2 } else { 1 }
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        match self.ret_typ {
            TopKReturn::Mask => {
                found_shape(io, self.axis, self.k)?;
                io.same()
            }
            TopKReturn::Indices => infer_values(io, self.axis, self.k, &[0]),
            TopKReturn::Both | TopKReturn::Value => infer_values(io, self.axis, self.k, &[0, 1]),
        }
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        match self.ret_typ {
            TopKReturn::Mask => io.unify(&[0], &[0]),
            TopKReturn::Indices => io.set_output(0, self.dtype),
            TopKReturn::Both | TopKReturn::Value => {
                io.set_output(1, self.dtype)?;
                io.unify(&[0], &[0])
            }
        }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let data = &io.inputs[0];
        let search = Search::new(data.shape(), self.axis, self.k, self.is_ascend)?;
        let at = search.positions(data)?;
        match self.ret_typ {
            TopKReturn::Mask => write_mask(&search, &at, &mut io.outputs[0]),
            TopKReturn::Indices => write_positions(&at, &mut io.outputs[0]),
            TopKReturn::Both | TopKReturn::Value => {
                write_positions(&at, &mut io.outputs[1])?;
                write_values(data, &search, &at, &mut io.outputs[0])
            }
        }
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if self.has_positions() { values_gradient(g, self.axis, self.k, self.is_ascend) } else { Ok(()) }
    }
}

impl Operator for TopKBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let data = &io.inputs[1];
        let search = Search::new(data.shape(), self.axis, self.k, self.is_ascend)?;
        let at = search.positions(data)?;
        let (head, out) = io.pair(0, 0);
        dispatch!(out.dtype(), T => {
            let head = head.slice::<T>()?;
            index::scatter_along(head, search.middle, search.k, &at, T::default(), out.slice_mut::<T>()?)
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{backward, check_gradient, infer, run, t32};

    fn topk(axis: Option<i32>, k: i32, ret_typ: TopKReturn) -> TopK {
        TopK { axis, k, ret_typ, is_ascend: false, dtype: DType::Float32 }
    }

    fn data() -> [Tensor; 1] {
        [t32([2, 3], &[3.0, 1.0, 2.0, 9.0, 7.0, 8.0])]
    }

    // MXNet 1.9.1: the same calls.
    #[test]
    fn answers_of_mxnet() {
        let both = run(&topk(Some(1), 2, TopKReturn::Both), &data());
        assert_eq!(both[0].to_f64_vec(), [3.0, 2.0, 9.0, 8.0]);
        assert_eq!(both[1].to_f64_vec(), [0.0, 2.0, 0.0, 2.0]);
        assert_eq!(run(&topk(Some(1), 2, TopKReturn::Mask), &data())[0].to_f64_vec(), [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
        assert_eq!(run(&topk(None, 2, TopKReturn::Indices), &data())[0].to_f64_vec(), [3.0, 5.0]);
        assert_eq!(run(&topk(Some(0), 1, TopKReturn::Value), &data())[0].to_f64_vec(), [9.0, 7.0, 8.0]);
        let sort = Sort { axis: Some(0), is_ascend: false };
        assert_eq!(run(&sort, &data())[0].to_f64_vec(), [9.0, 7.0, 8.0, 3.0, 1.0, 2.0]);
        let order = ArgSort { axis: None, is_ascend: true, dtype: DType::Int64 };
        assert_eq!(run(&order, &data())[0].slice::<i64>().unwrap(), [1, 2, 0, 4, 5, 3]);
    }

    #[test]
    fn shapes_and_names() {
        assert_eq!(infer(&topk(Some(0), 2, TopKReturn::Both), &[&[0, 4]], &[]).unwrap()[1..], [[2, 4], [2, 4]]);
        assert_eq!(infer(&topk(Some(-1), 0, TopKReturn::Value), &[&[3, 4]], &[]).unwrap()[1], [3, 4]);
        assert_eq!(infer(&Sort { axis: None, is_ascend: true }, &[&[2, 3]], &[]).unwrap()[1], [6]);
        assert!(infer(&topk(Some(1), 9, TopKReturn::Mask), &[&[3, 4]], &[]).is_err());
        assert!(infer(&topk(Some(2), 1, TopKReturn::Indices), &[&[3, 4]], &[]).is_err());
        assert_eq!(
            (topk(None, 1, TopKReturn::Value).num_outputs(), topk(None, 1, TopKReturn::Value).num_visible()),
            (2, 1)
        );
    }

    #[test]
    fn gradients_return_to_their_places() {
        check_gradient(&Sort { axis: Some(1), is_ascend: false }, &[[2, 3, 2].into()], DType::Float64);
        check_gradient(&Sort { axis: None, is_ascend: true }, &[[2, 3].into()], DType::Float64);
        check_gradient(&topk(Some(1), 2, TopKReturn::Value), &[[2, 3].into()], DType::Float64);
        let heads = [Some(t32([2, 2], &[1.0, 2.0, 3.0, 4.0])), Some(t32([2, 2], &[5.0; 4]))];
        let found = backward(&topk(Some(1), 2, TopKReturn::Both), &data(), &heads);
        assert_eq!(found[0].as_ref().unwrap().to_f64_vec(), [1.0, 0.0, 2.0, 3.0, 0.0, 4.0]);
        assert!(backward(&topk(Some(1), 1, TopKReturn::Mask), &data(), &[Some(t32([2, 3], &[1.0; 6]))])[0].is_none());
    }
}
