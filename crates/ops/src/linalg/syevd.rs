//! `_linalg_syevd`: eigenvalues and eigenvectors of symmetric matrices.

use super::matrices::{extents, joined, square};
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::linalg::{eigen, eigen_gradient};
use rsym_tensor::dispatch_float;

operator! {
    /// Finds eigenvectors and eigenvalues of symmetric matrices: `A = Uᵀ · diag(L) · U`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, n, n) | float |
    /// | output 0: U | (…, n, n), the rows are the eigenvectors | that of A |
    /// | output 1: L | (…, n), the eigenvalues, ascending | that of A |
    ///
    /// Only the lower triangle of A is read; the gradient of A is symmetric. The largest element of an eigenvector, the first
    /// among equals, is positive. Eigenvectors of equal eigenvalues are no function of A and have no useful gradient.
    pub struct Syevd("_linalg_syevd") {
        inputs { A: "The matrices." }
        params {}
    }
}

operator! {
    /// The gradient of `_linalg_syevd`.
    #[hidden(true)]
    pub struct SyevdBackward("_backward_linalg_syevd") {
        inputs {
            du: "Gradient of the eigenvectors.", dl: "Gradient of the eigenvalues.", u: "The eigenvectors.",
            l: "The eigenvalues."
        }
        params {}
    }
}

impl Operator for Syevd {
    fn num_outputs(&self) -> usize {
        2
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        let Some((batch, order)) = square(io)? else { return Ok(()) };
        io.set_output(1, joined(&batch, &[order]))?;
        io.unify([Port::Input(0), Port::Output(0)])
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        let a = &io.inputs[0];
        let [u, l] = io.outputs else { return Err(OpError::invalid("makes two outputs")) };
        let n = extents(a.shape()).1;
        let found = dispatch_float!(dtype, T => eigen(n, a.slice::<T>()?, u.slice_mut()?, l.slice_mut()?),
            else return unsupported(dtype, "a float type"));
        found.map_err(|d| OpError::invalid(format!("input A: matrix {} of the batch is not finite", d.matrix)))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.head(1)?, g.output(0), g.output(1)];
        let gradient = g.apply(SyevdBackward {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for SyevdBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(2), Port::Output(0)])
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let [du, dl, u, l] = io.inputs else { return Err(OpError::invalid("takes four inputs")) };
        let (n, dtype, out) = (extents(u.shape()).1, u.dtype(), &mut io.outputs[0]);
        dispatch_float!(dtype, T => {
            let (heads, found) = ((du.slice::<T>()?, dl.slice::<T>()?), (u.slice::<T>()?, l.slice::<T>()?));
            eigen_gradient(n, heads, found, out.slice_mut::<T>()?);
            Ok(())
        }, else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, infer, run, run_with, sample, t32};
    use rsym_tensor::{DType, Tensor};

    #[test]
    fn the_lower_triangle_decides() {
        let out = run(&Syevd {}, &[t32([2, 2], &[2.0, 9.0, 1.0, 2.0])]);
        let h = 0.5f64.sqrt();
        assert_close(&out[0], &[h, -h, h, h]);
        assert_close(&out[1], &[1.0, 3.0]);
        assert_eq!(infer(&Syevd {}, &[&[5, 3, 3]], &[]).unwrap()[1..], [vec![5, 3, 3], vec![5, 3]]);
        assert!(infer(&Syevd {}, &[&[3, 2]], &[]).is_err());
        let error = run_with(&Syevd {}, &[t32([1, 1], &[f32::NAN])], &Ctx::default()).unwrap_err();
        assert!(error.to_string().contains("not finite"));
    }

    #[test]
    fn gradients_agree_with_differences() {
        let noise = sample(&[2, 3, 3].into(), DType::Float64, 3).to_f64_vec();
        let at = |m: usize, r: usize, c: usize| noise[9 * m + 3 * r.max(c) + r.min(c)];
        let matrix: Vec<f64> = (0..18).map(|i| at(i / 9, i % 9 / 3, i % 3)).collect();
        let tensor = |values: &[f64]| Tensor::from_slice([2, 3, 3], values).unwrap();
        let heads = [sample(&[2, 3, 3].into(), DType::Float64, 5), sample(&[2, 3].into(), DType::Float64, 6)];
        let found = backward(&Syevd {}, &[tensor(&matrix)], &heads.clone().map(Some))[0].as_ref().unwrap().to_f64_vec();
        let objective = |values: &[f64]| -> f64 {
            let out = run(&Syevd {}, &[tensor(values)]);
            let dot = |(o, h): (&Tensor, &Tensor)| -> f64 {
                o.to_f64_vec().iter().zip(h.to_f64_vec()).map(|(o, h)| o * h).sum()
            };
            out.iter().zip(&heads).map(dot).sum()
        };
        for (r, c) in [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2)] {
            let along = |delta: f64| {
                let mut moved = matrix.clone();
                moved[9 + 3 * r + c] += delta / 2.0;
                moved[9 + 3 * c + r] += delta / 2.0;
                objective(&moved)
            };
            let (numeric, got) = ((along(1e-5) - along(-1e-5)) / 2e-5, found[9 + 3 * r + c]);
            assert!((got - numeric).abs() < 1e-6 * (1.0 + numeric.abs()), "({r}, {c}): {got}, differences {numeric}");
        }
    }
}
