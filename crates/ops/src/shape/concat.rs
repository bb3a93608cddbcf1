//! `Concat` and its relatives: joining along an existing axis.

use super::moves::around;
use crate::support::axis_of;
use rsym_graph::*;
use rsym_kernels::arrange;
use rsym_tensor::{Element, PartialShape, dispatch};
use std::borrow::Cow;

operator! {
    /// Joins its inputs along an axis.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | each input | all extents equal but that of `dim` | any, all equal |
    /// | output | that shape with the sum of the extents at `dim` | that dtype |
    #[aliases("_sparse_concat", "concat")]
    #[variadic("num_args")]
    pub struct Concat("Concat") {
        inputs {}
        params {
            /// Number of inputs.
            #[range(1..)]
            num_args: i32,
            /// The axis along which the inputs are joined; negative numbers count from the end.
            dim: i32 = 1,
        }
    }
}

operator! {
    /// Joins the parameters of a recurrent network, of which one may have an unknown extent.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | each input | all extents equal but that of `dim` | any, all equal |
    /// | output | that shape with the sum of the extents at `dim` | that dtype |
    #[aliases("_npi_rnn_param_concat")]
    #[variadic("num_args")]
    pub struct RnnParamConcat("_rnn_param_concat") {
        inputs {}
        params {
            /// Number of inputs.
            #[range(1..)]
            num_args: i32,
            /// The axis along which the inputs are joined.
            dim: i32 = 1,
        }
    }
}

operator! {
    /// Cuts the gradient of `Concat` into those of its inputs.
    #[variadic("num_args")]
    #[hidden(true)]
    pub struct ConcatBackward("_backward_Concat") {
        inputs {}
        params {
            /// Number of inputs of `Concat`.
            num_args: i32,
            /// As in `Concat`.
            dim: i32 = 1,
        }
    }
}

/// Joining and cutting along the channels works on blocks of channels as it stands, if each part has whole blocks.
fn in_blocks(parts: &[Fact], whole: &Fact, dim: i32, inputs: usize, outputs: usize, have: &[bool]) -> Option<Blocked> {
    let fits = parts.iter().chain([whole]).all(|(shape, _)| blocked_shape(shape).is_some());
    (dim == 1 && fits && have.contains(&true)).then(|| Blocked {
        op: None,
        inputs: std::iter::repeat_n(true, inputs).collect(),
        outputs: std::iter::repeat_n(true, outputs).collect(),
    })
}

fn argument_names(count: i32) -> Names {
    (0..count).map(|i| Cow::Owned(format!("arg{i}"))).collect()
}

/// Lets all axes but `dim` agree, and the extents at `dim` sum up.
fn infer_joined(io: &mut ShapeIo, dim: i32) -> OpResult {
    let rank = io.inputs.iter().chain(&*io.outputs).find_map(PartialShape::rank);
    let Some(rank) = rank else { return Ok(()) };
    let axis = axis_of(dim as i64, rank)?;
    let mut common = PartialShape::of_rank(rank);
    for i in 0..io.inputs.len() + 1 {
        let (port, shape) = match io.inputs.get(i) {
            Some(shape) => (Port::Input(i), shape),
            None => (Port::Output(0), &io.outputs[0]),
        };
        let Some(dims) = shape.dims() else { continue };
        let masked = dims.iter().enumerate().map(|(i, d)| d.filter(|_| i != axis));
        common.unify(&PartialShape::partial(masked)).map_err(|_| OpError::Mismatch {
            port,
            expected: format!("shape {common} but for axis {axis}"),
            got: shape.to_string(),
        })?;
    }
    spread(io, &common, axis)
}

fn spread(io: &mut ShapeIo, common: &PartialShape, axis: usize) -> OpResult {
    let extents: Vec<Option<usize>> = io.inputs.iter().map(|s| s.dim(axis)).collect();
    let known: usize = extents.iter().flatten().sum();
    let whole = if extents.contains(&None) { io.outputs[0].dim(axis) } else { Some(known) };
    let single = extents.iter().filter(|e| e.is_none()).count() == 1;
    let with = |extent: Option<usize>| {
        let dims = (0..common.rank().unwrap_or_default()).map(|i| if i == axis { extent } else { common.dim(i) });
        PartialShape::partial(dims)
    };
    for (i, extent) in extents.iter().enumerate() {
        let rest = whole.filter(|_| single).and_then(|w| w.checked_sub(known));
        io.set_input(i, with(extent.or(rest)))?;
    }
    io.set_output(0, with(whole))
}

fn join<T: Element>(io: &mut Io, axis: usize) -> OpResult {
    let (outer, _, inner) = around(io.outputs[0].shape(), axis);
    let part = |t: &rsym_tensor::Tensor| t.shape()[axis];
    let parts = io.inputs.iter().map(|t| Ok((t.slice::<T>()?, part(t)))).collect::<OpResult<Vec<_>>>()?;
    arrange::concat(&parts, outer, inner, io.outputs[0].slice_mut::<T>()?);
    Ok(())
}

fn cut<T: Element>(io: &mut Io, axis: usize) -> OpResult {
    let (outer, _, inner) = around(io.inputs[0].shape(), axis);
    let parts = io.outputs.iter_mut().map(|t| {
        let n = t.shape()[axis];
        Ok((t.slice_mut::<T>()?, n))
    });
    let mut parts = parts.collect::<OpResult<Vec<_>>>()?;
    arrange::split(io.inputs[0].slice::<T>()?, outer, inner, &mut parts);
    Ok(())
}

macro_rules! joining {
    ($op:ident) => {
        impl Operator for $op {
            fn inputs(&self) -> Names {
                argument_names(self.num_args)
            }

            fn num_inputs(&self) -> usize {
                self.num_args as usize
            }

            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                infer_joined(io, self.dim)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let axis = axis_of(self.dim as i64, io.outputs[0].shape().len())?;
                dispatch!(io.outputs[0].dtype(), T => join::<T>(io, axis))
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                let mut inputs = vec![g.head(0)?];
                inputs.extend((0..g.num_inputs()).map(|i| g.input(i)));
                let op = ConcatBackward { num_args: self.num_args, dim: self.dim };
                let gradients = g.apply_multi(op, &inputs);
                gradients.into_iter().enumerate().for_each(|(i, gradient)| g.set(i, gradient));
                Ok(())
            }

            fn blocked(&self, here: &Site, have: &[bool]) -> Option<Blocked> {
                in_blocks(here.inputs, &here.outputs[0], self.dim, here.inputs.len(), 1, have)
            }
        }
    };
}

joining!(Concat);
joining!(RnnParamConcat);

impl Operator for ConcatBackward {
    fn inputs(&self) -> Names {
        argument_names(self.num_args + 1)
    }

    fn num_inputs(&self) -> usize {
        self.num_args as usize + 1
    }

    fn num_outputs(&self) -> usize {
        self.num_args as usize
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        (0..self.num_outputs()).try_for_each(|i| io.unify([Port::Input(i + 1), Port::Output(i)]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let axis = axis_of(self.dim as i64, io.inputs[0].shape().len())?;
        dispatch!(io.inputs[0].dtype(), T => cut::<T>(io, axis))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let heads = (0..self.num_outputs()).map(|i| g.head(i)).collect::<GraphResult<Vec<_>>>()?;
        let gradient = g.apply(Concat { num_args: self.num_args, dim: self.dim }, &heads);
        g.set(0, gradient);
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }

    fn blocked(&self, here: &Site, have: &[bool]) -> Option<Blocked> {
        in_blocks(here.outputs, &here.inputs[0], self.dim, here.inputs.len(), here.outputs.len(), &have[..1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run};
    use rsym_tensor::{DType, Tensor};

    fn concat(num_args: i32, dim: i32) -> Concat {
        Concat { num_args, dim }
    }

    #[test]
    fn inputs_are_joined_along_the_axis() {
        let x = Tensor::from_slice([2, 1], &[1u8, 2]).unwrap();
        let y = Tensor::from_slice([2, 2], &[3u8, 4, 5, 6]).unwrap();
        let out = run(&concat(2, -1), &[x, y]).remove(0);
        assert_eq!((out.shape().as_ref(), out.to_f64_vec()), (&[2usize, 3][..], vec![1.0, 3.0, 4.0, 2.0, 5.0, 6.0]));
    }

    #[test]
    fn siblings_tell_the_batch_and_the_sum_the_rest() {
        let got = infer(&concat(2, 1), &[&[0, 3], &[2, 4]], &[]).unwrap();
        assert_eq!(got, [vec![2, 3], vec![2, 4], vec![2, 7]]);
        let got = infer(&concat(2, 1), &[&[2, 0], &[2, 4]], &[&[0, 7]]).unwrap();
        assert_eq!(got, [vec![2, 3], vec![2, 4], vec![2, 7]]);
        let got = infer(&concat(2, 1), &[&[], &[2, 4]], &[]).unwrap();
        assert_eq!(got, [vec![2, 0], vec![2, 4], vec![2, 0]]);
        assert!(infer(&concat(2, 1), &[&[2, 3], &[3, 3]], &[]).is_err());
        assert!(infer(&concat(2, 2), &[&[2, 3], &[2, 3]], &[]).is_err());
        assert!(infer(&concat(2, 1), &[&[2, 3], &[2, 3]], &[&[2, 5]]).is_err());
    }

    #[test]
    fn gradient_agrees_with_differences() {
        check_gradient(&concat(3, 1), &[[2, 1, 2].into(), [2, 3, 2].into(), [2, 2, 2].into()], DType::Float64);
        let op = RnnParamConcat { num_args: 2, dim: 0 };
        check_gradient(&op, &[[3].into(), [2].into()], DType::Float64);
    }
}
