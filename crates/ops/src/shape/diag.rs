//! `diag`: diagonals, to and fro.

use crate::support::axis_of;
use rsym_graph::*;
use rsym_kernels::arrange::{self, Diagonal};
use rsym_tensor::{PartialShape, Shape, dispatch};

operator! {
    /// Makes a square matrix around a vector, or takes a diagonal out of a tensor.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n,) | any |
    /// | output | (n + abs(k), n + abs(k)), zeros beside diagonal `k` | that of data |
    /// | data | two axes or more | any |
    /// | output | the other axes, then the length of diagonal `k` of the two | that of data |
    pub struct Diag("diag") {
        inputs { data: "The input." }
        params {
            /// The diagonal: 0 is the main one, positive numbers lie above it, negative below.
            k: i32 = 0,
            /// First axis of the plane of the diagonal.
            axis1: i32 = 0,
            /// Second axis of the plane of the diagonal.
            axis2: i32 = 1,
        }
    }
}

operator! {
    /// The gradient of `diag`.
    #[hidden(true)]
    pub struct DiagBackward("_backward_diag") {
        inputs { ograd: "Gradient of the output.", data: "Has the shape; its values are not read." }
        params {
            /// As in `diag`.
            k: i32 = 0,
            /// As in `diag`.
            axis1: i32 = 0,
            /// As in `diag`.
            axis2: i32 = 1,
        }
    }
}

/// The diagonal of a tensor of shape `dims`.
fn diagonal(dims: &[usize], k: i32, axis1: i32, axis2: i32) -> OpResult<Diagonal> {
    let (row, column) = (axis_of(axis1 as i64, dims.len())?, axis_of(axis2 as i64, dims.len())?);
    if row == column {
        return Err(OpError::invalid(format!("axis1 and axis2 are both {row}; a diagonal needs two axes")));
    }
    let found = Diagonal::new(dims, (row, column), k as isize);
    found.ok_or_else(|| OpError::invalid(format!("there is no diagonal {k} in shape {}", Shape::new(dims))))
}

/// The matrix around a vector of `n` elements, and its diagonal.
fn around(n: usize, k: i32) -> OpResult<(Shape, Diagonal)> {
    let side = n.saturating_add(k.unsigned_abs() as usize);
    let dims = Shape::from([side, side]);
    let plane = diagonal(&dims, k, 0, 1)?;
    Ok((dims, plane))
}

impl Operator for Diag {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        match io.inputs[0].rank() {
            Some(0) => return Err(OpError::invalid("data must have at least one dimension")),
            Some(1) if io.inputs[0].dim(0).is_none() => {
                io.set_output(0, PartialShape::of_rank(2))?;
                let side = io.outputs[0].dim(0).and_then(|s| s.checked_sub(self.k.unsigned_abs() as usize));
                return io.set_input(0, PartialShape::partial([side]));
            }
            _ => {}
        }
        let Some(dims) = io.input(0) else { return Ok(()) };
        let out = match &dims[..] {
            [n] => around(*n, self.k)?.0,
            dims => diagonal(dims, self.k, self.axis1, self.axis2)?.shape().into(),
        };
        io.set_output(0, out)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = io.inputs[0].shape().clone();
        let (data, out) = io.pair(0, 0);
        match &dims[..] {
            [n] => {
                let (_, plane) = around(*n, self.k)?;
                dispatch!(out.dtype(), T => arrange::put_diagonal(data.slice::<T>()?, &plane, out.slice_mut::<T>()?));
            }
            dims => {
                let plane = diagonal(dims, self.k, self.axis1, self.axis2)?;
                dispatch!(out.dtype(), T => arrange::take_diagonal(data.slice::<T>()?, &plane, out.slice_mut::<T>()?));
            }
        }
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let op = DiagBackward { k: self.k, axis1: self.axis1, axis2: self.axis2 };
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(op, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for DiagBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = io.outputs[0].shape().clone();
        let (head, out) = io.pair(0, 0);
        match &dims[..] {
            [n] => {
                let (_, plane) = around(*n, self.k)?;
                dispatch!(out.dtype(), T => arrange::take_diagonal(head.slice::<T>()?, &plane, out.slice_mut::<T>()?));
            }
            dims => {
                let plane = diagonal(dims, self.k, self.axis1, self.axis2)?;
                dispatch!(out.dtype(), T => arrange::put_diagonal(head.slice::<T>()?, &plane, out.slice_mut::<T>()?));
            }
        }
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

    fn diag(k: i32, axis1: i32, axis2: i32) -> Diag {
        Diag { k, axis1, axis2 }
    }

    #[test]
    fn diagonals_of_mxnet() {
        let x = Tensor::from_slice([3, 4], &(0..12).collect::<Vec<i32>>()).unwrap();
        let values = |k| run(&diag(k, 0, 1), std::slice::from_ref(&x)).remove(0).to_f64_vec();
        assert_eq!(values(0), [0.0, 5.0, 10.0]);
        assert_eq!(values(1), [1.0, 6.0, 11.0]);
        assert_eq!(values(-1), [4.0, 9.0]);
        let y = Tensor::from_slice([2], &[7f32, 8.0]).unwrap();
        assert_eq!(run(&diag(-1, 0, 1), &[y])[0].to_f64_vec(), [0.0, 0.0, 0.0, 7.0, 0.0, 0.0, 0.0, 8.0, 0.0]);
        assert_eq!(infer(&diag(0, 0, 1), &[&[2, 3, 4]], &[]).unwrap()[1], [4, 2]);
        assert_eq!(infer(&diag(1, -1, 0), &[&[2, 3, 4]], &[]).unwrap()[1], [3, 1]);
        assert!(infer(&diag(9, 0, 1), &[&[3, 4]], &[]).is_err());
        assert!(infer(&diag(0, 1, 1), &[&[3, 4]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&diag(1, 0, 1), &[[3].into()], DType::Float64);
        check_gradient(&diag(0, 0, 2), &[[2, 3, 4].into()], DType::Float64);
        check_gradient(&diag(-1, 2, 0), &[[2, 3, 4].into()], DType::Float64);
    }
}
