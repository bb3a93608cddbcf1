//! `pick` and `fill_element_0index`: one element of each column.

use super::positions::positions;
use crate::shape::moves::around;
use crate::support::axis_of;
use rsym_graph::*;
use rsym_kernels::index::{self, IndexMode};
use rsym_tensor::{PartialShape, dispatch};

enum_param! {
    /// What to do with positions outside of the axis.
    pub enum PickMode { Clip = "clip", Wrap = "wrap" }
}

impl PickMode {
    fn kernel(self) -> IndexMode {
        match self {
            PickMode::Clip => IndexMode::Clip,
            PickMode::Wrap => IndexMode::Wrap,
        }
    }
}

operator! {
    /// Picks one element along an axis for every other position: `out[i, j] = data[i, index[i, j], j]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…, n, …) | any |
    /// | index | that of data without the axis, or with a 1 there | any; fractions are cut off |
    /// | output | that of data without the axis, or with a 1 there for `keepdims` | that of data |
    ///
    /// The gradient of index is zero.
    #[aliases("_npx_pick", "choose_element_0index")]
    #[check(has_axis)]
    pub struct Pick("pick") {
        inputs { data: "What is picked from.", index: "The positions along the axis." }
        params {
            /// The axis; negative numbers count from the end.
            axis: Option<i32> = Some(-1),
            /// Keep the axis with extent 1.
            keepdims: bool = false,
            /// Positions outside: `clip` takes the nearest end, `wrap` counts around.
            mode: PickMode = PickMode::Clip,
        }
    }
}

operator! {
    /// The gradient of `pick`.
    #[hidden(true)]
    pub struct PickBackward("_backward_pick") {
        inputs {
            ograd: "Gradient of the output.",
            data: "Has the shape; its values are not read.",
            index: "The positions.",
        }
        params {
            /// As in `pick`.
            axis: i32,
            /// As in `pick`.
            mode: PickMode = PickMode::Clip,
        }
    }
}

fn has_axis(op: &Pick) -> Result<(), String> {
    op.axis.map(|_| ()).ok_or_else(|| "axis=None is not supported; flatten data first".to_string())
}

impl Pick {
    fn axis(&self) -> i32 {
        self.axis.unwrap_or(-1)
    }
}

/// The shape without `axis`, or with a 1 there; at least one axis stays.
fn reduced(dims: &[Option<usize>], axis: usize, keep: bool) -> PartialShape {
    let one = keep || dims.len() == 1;
    let rest = dims[..axis].iter().copied().chain(one.then_some(Some(1))).chain(dims[axis + 1..].iter().copied());
    PartialShape::partial(rest)
}

impl Operator for Pick {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let axis = axis_of(self.axis() as i64, dims.len())?;
        let keep = io.inputs[1].rank() == Some(dims.len());
        io.set_input(1, reduced(&dims, axis, keep))?;
        io.set_output(0, reduced(&dims, axis, self.keepdims))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = io.inputs[0].shape();
        let middle = around(dims, axis_of(self.axis() as i64, dims.len())?);
        let at = positions(&io.inputs[1], middle.1, self.mode.kernel())?;
        let (data, out) = io.pair(0, 0);
        dispatch!(out.dtype(), T => index::gather_along(data.slice::<T>()?, middle, 1, &at, out.slice_mut::<T>()?));
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if g.needs(0) {
            let inputs = [g.head(0)?, g.input(0), g.input(1)];
            let gradient = g.apply(PickBackward { axis: self.axis(), mode: self.mode }, &inputs);
            g.set(0, gradient);
        }
        Ok(())
    }
}

impl Operator for PickBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0, 1], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = io.outputs[0].shape();
        let middle = around(dims, axis_of(self.axis as i64, dims.len())?);
        let at = positions(&io.inputs[2], middle.1, self.mode.kernel())?;
        let (head, out) = io.pair(0, 0);
        dispatch!(out.dtype(), T => {
            index::scatter_along(head.slice::<T>()?, middle, 1, &at, T::default(), out.slice_mut::<T>()?)
        });
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input != 1
    }
}

operator! {
    /// Copies a matrix and replaces one element of each row: `out = lhs; out[i, rhs[i]] = mhs[i]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | lhs | (n, m) | any |
    /// | mhs | (n,) | that of lhs |
    /// | rhs | (n,) | that of lhs; fractions are cut off |
    /// | output | (n, m) | that of lhs |
    ///
    /// There is no gradient. Unlike MXNet, which writes anywhere, a position outside of the row is an error.
    pub struct FillElement0Index("fill_element_0index") {
        inputs { lhs: "The matrix.", mhs: "What is put in.", rhs: "Where in each row." }
        params {}
    }
}

impl Operator for FillElement0Index {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.set_input(0, PartialShape::of_rank(2))?;
        io.unify([Port::Input(0), Port::Output(0)])?;
        let rows = PartialShape::partial([io.inputs[0].dim(0)]);
        io.set_input(1, rows.clone())?;
        io.set_input(2, rows)?;
        io.unify([Port::Input(1), Port::Input(2)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let columns = io.inputs[0].shape()[1];
        let at = positions(&io.inputs[2], columns, IndexMode::Raise)?;
        let flat: Vec<usize> = at.iter().enumerate().map(|(row, column)| row * columns + column).collect();
        let values = &io.inputs[1];
        let (lhs, out) = io.pair(0, 0);
        out.assign(lhs)?;
        dispatch!(out.dtype(), T => index::scatter_rows(values.slice::<T>()?, 1, &flat, out.slice_mut::<T>()?));
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient_at, infer, run, run_with, sample, t32};
    use rsym_tensor::{DType, Tensor};

    fn pick(axis: i32, keepdims: bool, mode: PickMode) -> Pick {
        Pick { axis: Some(axis), keepdims, mode }
    }

    #[test]
    fn one_element_for_each_position() {
        let x = t32([2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let at = t32([2], &[-1.0, 5.7]);
        let clip = run(&pick(-1, false, PickMode::Clip), &[x.clone(), at.clone()]).remove(0);
        assert_eq!(clip.to_f64_vec(), [1.0, 6.0]);
        assert_eq!(run(&pick(1, true, PickMode::Wrap), &[x.clone(), at])[0].to_f64_vec(), [3.0, 6.0]);
        assert_eq!(
            run(&pick(0, false, PickMode::Clip), &[x, t32([3], &[0.0, 1.0, 0.0])])[0].to_f64_vec(),
            [1.0, 5.0, 3.0]
        );
    }

    #[test]
    fn data_tells_the_shape_of_the_index() {
        let op = pick(-1, true, PickMode::Clip);
        assert_eq!(infer(&op, &[&[3, 4], &[]], &[]).unwrap(), [vec![3, 4], vec![3], vec![3, 1]]);
        assert_eq!(infer(&op, &[&[3, 4], &[3, 1]], &[]).unwrap()[1], [3, 1]);
        assert_eq!(infer(&pick(0, false, PickMode::Clip), &[&[4], &[]], &[]).unwrap(), [vec![4], vec![1], vec![1]]);
        assert!(infer(&op, &[&[3, 4], &[2]], &[]).is_err());
        assert!(infer(&pick(2, false, PickMode::Clip), &[&[3, 4], &[]], &[]).is_err());
        assert!(crate::registry().make("pick", &[("axis", "None")]).is_err());
    }

    #[test]
    fn gradient_agrees_with_differences() {
        let at = Tensor::from_slice([2, 2], &[1i32, 0, 2, 2]).unwrap();
        let x = sample(&[2, 3, 2].into(), DType::Float64, 4);
        check_gradient_at(&pick(1, false, PickMode::Clip), &[x, at]);
    }

    #[test]
    fn rows_get_their_element() {
        let x = t32([2, 3], &[3.0, 1.0, 2.0, 9.0, 7.0, 8.0]);
        let at = |v: [f32; 2]| [x.clone(), t32([2], &[10.0, 20.0]), t32([2], &v)];
        assert_eq!(run(&FillElement0Index {}, &at([1.0, 2.0]))[0].to_f64_vec(), [3.0, 10.0, 2.0, 9.0, 7.0, 20.0]);
        assert!(run_with(&FillElement0Index {}, &at([1.0, 5.0]), &Ctx::default()).is_err());
    }
}
