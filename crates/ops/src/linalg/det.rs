//! `_linalg_det` and `_linalg_slogdet`: determinants, plain or as sign and logarithm.

use super::matrices::{extents, joined, square};
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::linalg::{self, Determinant};
use rsym_tensor::{DType, Float, Tensor, dispatch_float};

operator! {
    /// Takes the determinants of square matrices.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, n, n) | float |
    /// | output | (…), `(1,)` for a single matrix | that of A |
    ///
    /// The gradient of A is `head * out * A⁻ᵀ`, and zero for a singular matrix. Where the determinant may overflow, take
    /// `_linalg_slogdet`.
    #[aliases("_npi_det", "linalg_det")]
    pub struct Det("_linalg_det") {
        inputs { A: "The matrices." }
        params {}
    }
}

operator! {
    /// Takes the signs of determinants of square matrices and the logarithms of their absolute values.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, n, n) | float |
    /// | output 0: sign | (…), `(1,)` for a single matrix: -1, 0 or 1 | that of A |
    /// | output 1: logarithm | that of the sign; minus infinity for a singular matrix | that of A |
    ///
    /// The gradient of A comes from the logarithm alone: `head * A⁻ᵀ`, and zero for a singular matrix.
    #[aliases("_npi_slogdet", "linalg_slogdet")]
    pub struct SlogDet("_linalg_slogdet") {
        inputs { A: "The matrices." }
        params {}
    }
}

operator! {
    /// The gradient of `_linalg_det`.
    #[hidden(true)]
    pub struct DetBackward("_backward_linalg_det") {
        inputs { ograd: "Gradient of the output.", det: "The determinants.", LU: "The factors.", pivot: "The exchanged rows." }
        params {}
    }
}

operator! {
    /// The gradient of `_linalg_slogdet`.
    #[hidden(true)]
    pub struct SlogDetBackward("_backward_linalg_slogdet") {
        inputs { ograd: "Gradient of the logarithms.", LU: "The factors.", pivot: "The exchanged rows." }
        params {}
    }
}

/// The first `count` outputs have one element for each matrix; then come the factors and the exchanged rows.
fn infer(io: &mut ShapeIo, count: usize) -> OpResult {
    let Some((batch, order)) = square(io)? else { return Ok(()) };
    (0..count).try_for_each(|o| io.set_output(o, joined(&batch, &[])))?;
    io.set_output(count, joined(&batch, &[order, order]))?;
    io.set_output(count + 1, joined(&batch, &[order]))
}

fn infer_types(io: &mut TypeIo, count: usize) -> OpResult {
    let floats: Vec<usize> = (0..count + 1).collect();
    io.unify(&[0], &floats)?;
    if let Some(dtype) = io.inputs[0].filter(|d| !d.is_float()) {
        return unsupported(dtype, "a float type");
    }
    io.set_output(count + 1, DType::Int32)
}

/// Factorises into `factors` and `pivots` and returns the determinants.
fn factorise<T: Float>(a: &Tensor, factors: &mut Tensor, pivots: &mut Tensor) -> OpResult<Vec<Determinant>> {
    let (n, pivots) = (extents(a.shape()).1, pivots.slice_mut::<i32>()?);
    linalg::lu(n, a.slice::<T>()?, factors.slice_mut::<T>()?, pivots);
    Ok(linalg::determinant(n, factors.slice::<T>()?, pivots))
}

fn write<T: Float>(values: impl Iterator<Item = f64>, out: &mut Tensor) -> OpResult {
    out.slice_mut::<T>()?.iter_mut().zip(values).for_each(|(o, v)| *o = T::from_f64(v));
    Ok(())
}

impl Det {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let a = &io.inputs[0];
        let [det, factors, pivots] = io.outputs else { return Err(OpError::invalid("makes three outputs")) };
        let found = factorise::<T>(a, factors, pivots)?;
        write::<T>(found.into_iter().map(Determinant::value), det)
    }
}

impl Operator for Det {
    fn num_outputs(&self) -> usize {
        3
    }

    fn num_visible(&self) -> usize {
        1
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer(io, 1)
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        infer_types(io, 1)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.output(0), g.output(1), g.output(2)];
        let gradient = g.apply(DetBackward {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl SlogDet {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let a = &io.inputs[0];
        let [sign, log, factors, pivots] = io.outputs else { return Err(OpError::invalid("makes four outputs")) };
        let found = factorise::<T>(a, factors, pivots)?;
        write::<T>(found.iter().map(|d| d.sign), sign)?;
        write::<T>(found.iter().map(|d| d.log), log)
    }
}

impl Operator for SlogDet {
    fn num_outputs(&self) -> usize {
        4
    }

    fn num_visible(&self) -> usize {
        2
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer(io, 2)
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        infer_types(io, 2)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(1)?, g.output(2), g.output(3)];
        let gradient = g.apply(SlogDetBackward {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

/// The transposed inverses of the matrices with these factors, each times its scale.
fn scaled<T: Float>(scale: &[f64], factors: &Tensor, pivots: &Tensor, out: &mut Tensor) -> OpResult {
    let n = extents(factors.shape()).1;
    linalg::inverse_transposed(n, scale, factors.slice::<T>()?, pivots.slice::<i32>()?, out.slice_mut::<T>()?);
    Ok(())
}

impl Operator for DetBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(2), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0, 1, 2], &[0])
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let [head, det, factors, pivots] = io.inputs else { return Err(OpError::invalid("takes four inputs")) };
        let (dtype, out) = (factors.dtype(), &mut io.outputs[0]);
        let scale: Vec<f64> = head.to_f64_vec().iter().zip(det.to_f64_vec()).map(|(h, d)| h * d).collect();
        dispatch_float!(dtype, T => scaled::<T>(&scale, factors, pivots, out), else unsupported(dtype, "a float type"))
    }
}

impl Operator for SlogDetBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0, 1], &[0])
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let [head, factors, pivots] = io.inputs else { return Err(OpError::invalid("takes three inputs")) };
        let (dtype, out) = (factors.dtype(), &mut io.outputs[0]);
        let scale = head.to_f64_vec();
        dispatch_float!(dtype, T => scaled::<T>(&scale, factors, pivots, out), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, check_gradient, check_gradient_at, infer, run, sample, t32};

    #[test]
    fn determinants_of_a_batch() {
        let a = t32([2, 2, 2], &[1.0, 4.0, 2.0, 3.0, 2.0, 3.0, 1.0, 4.0]);
        assert_close(&run(&Det {}, std::slice::from_ref(&a))[0], &[-5.0, 5.0]);
        let out = run(&SlogDet {}, &[a]);
        assert_close(&out[0], &[-1.0, 1.0]);
        assert_close(&out[1], &[5f64.ln(), 5f64.ln()]);
        assert_eq!(infer(&Det {}, &[&[3, 3]], &[]).unwrap()[1], [1]);
        assert_eq!(Det {}.num_visible(), 1);
    }

    #[test]
    fn singular_matrices_have_no_gradient() {
        let a = t32([2, 2], &[1.0, 2.0, 2.0, 4.0]);
        let out = run(&SlogDet {}, std::slice::from_ref(&a));
        assert_eq!((out[0].to_f64_vec(), out[1].to_f64_vec()), (vec![0.0], vec![f64::NEG_INFINITY]));
        let one = Some(t32([1], &[1.0]));
        let found = backward(&Det {}, std::slice::from_ref(&a), std::slice::from_ref(&one));
        assert_eq!(found[0].as_ref().unwrap().to_f64_vec(), [0.0; 4]);
        let found = backward(&SlogDet {}, &[a], &[one.clone(), one]);
        assert_eq!(found[0].as_ref().unwrap().to_f64_vec(), [0.0; 4]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&Det {}, &[[2, 3, 3].into()], DType::Float64);
        check_gradient(&SlogDet {}, &[[2, 3, 3].into()], DType::Float64);
        check_gradient_at(&Det {}, &[sample(&[4, 4].into(), DType::Float64, 3)]);
    }
}
