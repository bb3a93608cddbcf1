//! `add_n`: the sum of several tensors of one shape.

use rsym_graph::*;
use rsym_tensor::{Element, Tensor, dispatch};
use std::borrow::Cow;

operator! {
    /// Adds all inputs element by element: `out = arg0 + arg1 + … + argN`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | each input | any, all equal | any, all equal |
    /// | output | that shape | that dtype |
    #[aliases("ElementWiseSum", "_sparse_ElementWiseSum", "_sparse_add_n")]
    #[variadic("num_args")]
    pub struct AddN("add_n") {
        inputs {}
        params {
            /// Number of inputs.
            #[range(1..)]
            num_args: i32,
        }
    }
}

impl Operator for AddN {
    fn inputs(&self) -> Names {
        (0..self.num_args).map(|i| Cow::Owned(format!("arg{i}"))).collect()
    }

    fn num_inputs(&self) -> usize {
        self.num_args as usize
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (first, out) = io.pair(0, 0);
        out.assign(first)?;
        for input in &io.inputs[1..] {
            let out = &mut io.outputs[0];
            dispatch!(out.dtype(), T => accumulate::<T>(input, out)?)
        }
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        (0..g.num_inputs()).for_each(|i| g.set(i, head.clone()));
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

fn accumulate<T: Element>(input: &Tensor, out: &mut Tensor) -> OpResult {
    let sum = |a: T, b: T| T::narrow(a.widen() + b.widen());
    out.slice_mut::<T>()?.iter_mut().zip(input.slice::<T>()?).for_each(|(o, &x)| *o = sum(*o, x));
    Ok(())
}
