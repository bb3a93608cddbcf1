//! `khatri_rao`: the column-wise Kronecker product.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::number::Number;
use rsym_tensor::{PartialShape, dispatch_num};
use std::borrow::Cow;

operator! {
    /// Takes the Kronecker product column by column: column `j` of the output is `kron(arg0[:, j], arg1[:, j], …)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | each input | (rows, k), with the same k | any but bool, all equal |
    /// | output | (product of all rows, k) | that dtype |
    ///
    /// There is no gradient; put BlockGrad around the inputs.
    #[variadic("num_args")]
    pub struct KhatriRao("khatri_rao") {
        inputs {}
        params {
            /// Number of inputs.
            #[range(1..)]
            num_args: i32,
        }
    }
}

impl Operator for KhatriRao {
    fn inputs(&self) -> Names {
        (0..self.num_args).map(|i| Cow::Owned(format!("arg{i}"))).collect()
    }

    fn num_inputs(&self) -> usize {
        self.num_args as usize
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let cols = io.inputs.iter().chain(io.outputs.iter()).find_map(|s| s.dim(1));
        (0..io.inputs.len()).try_for_each(|i| io.set_input(i, PartialShape::partial([None, cols])))?;
        let rows = io.inputs.iter().map(|s| s.dim(0)).product();
        io.set_output(0, PartialShape::partial([rows, cols]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_num!(dtype, T => run::<T>(io), else unsupported(dtype, "a float or integer type"))
    }
}

fn run<T: Number>(io: &mut Io) -> OpResult {
    let cols = io.outputs[0].shape()[1];
    let mut product: Vec<T> = io.inputs[0].slice::<T>()?.to_vec();
    for factor in &io.inputs[1..] {
        let factor = factor.slice::<T>()?;
        let rows = product.chunks(cols.max(1)).flat_map(|a| factor.chunks(cols.max(1)).map(move |b| (a, b)));
        product = rows.flat_map(|(a, b)| a.iter().zip(b).map(|(x, y)| x.times(*y))).collect();
    }
    io.outputs[0].slice_mut::<T>()?.copy_from_slice(&product);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::run;
    use rsym_tensor::Tensor;

    // MXNet 1.9.1.
    #[test]
    fn columns_are_multiplied() {
        let a = Tensor::from_slice([2, 2], &[1f32, -1.0, 2.0, -3.0]).unwrap();
        let b = Tensor::from_slice([3, 2], &[1f32, 4.0, 2.0, 5.0, 3.0, 6.0]).unwrap();
        let out = run(&KhatriRao { num_args: 2 }, &[a, b]).remove(0);
        assert_eq!(out.to_f64_vec(), [1.0, -4.0, 2.0, -5.0, 3.0, -6.0, 2.0, -12.0, 4.0, -15.0, 6.0, -18.0]);
    }

    #[test]
    fn shapes_must_share_the_columns() {
        let mut inputs = [PartialShape::from_legacy(&[2, 0]), PartialShape::from([4, 3])];
        let mut outputs = [PartialShape::unknown()];
        let op = KhatriRao { num_args: 2 };
        op.infer_shape(&mut ShapeIo { inputs: &mut inputs, outputs: &mut outputs }).unwrap();
        assert_eq!((inputs[0].clone(), outputs[0].clone()), ([2, 3].into(), [8, 3].into()));
        inputs[0] = [2, 5].into();
        assert!(op.infer_shape(&mut ShapeIo { inputs: &mut inputs, outputs: &mut [PartialShape::unknown()] }).is_err());
    }
}
