//! `_linalg_extractdiag` and `_linalg_makediag`: diagonals of matrices, to and fro.

use super::matrices::{joined, square};
use rsym_graph::*;
use rsym_kernels::arrange::{Diagonal, put_diagonal, take_diagonal};
use rsym_tensor::{PartialShape, Shape, dispatch};

operator! {
    /// Takes a diagonal out of square matrices.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, n, n) | any |
    /// | output | (…, n - abs(offset)) | that of A |
    #[aliases("linalg_extractdiag")]
    pub struct ExtractDiag("_linalg_extractdiag") {
        inputs { A: "The matrices." }
        params {
            /// The diagonal: 0 is the main one, positive numbers lie above it, negative below.
            offset: i32 = 0,
        }
    }
}

operator! {
    /// Makes square matrices with a given diagonal and zeros elsewhere.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, n) | any |
    /// | output | (…, n + abs(offset), n + abs(offset)) | that of A |
    #[aliases("linalg_makediag")]
    pub struct MakeDiag("_linalg_makediag") {
        inputs { A: "The diagonals." }
        params {
            /// The diagonal: 0 is the main one, positive numbers lie above it, negative below.
            offset: i32 = 0,
        }
    }
}

/// The diagonal of matrices in a tensor of shape `dims`.
fn diagonal(dims: &Shape, offset: i32) -> OpResult<Diagonal> {
    let rank = dims.len();
    let found = Diagonal::new(dims, (rank - 2, rank - 1), offset as isize);
    found.ok_or_else(|| OpError::invalid(format!("offset: there is no diagonal {offset} in shape {dims}")))
}

impl Operator for ExtractDiag {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some((batch, order)) = square(io)? else { return Ok(()) };
        let skipped = self.offset.unsigned_abs() as usize;
        match order {
            Some(n) if n <= skipped => {
                Err(OpError::invalid(format!("offset {} leaves nothing of {n} rows and columns", self.offset)))
            }
            _ => io.set_output(0, joined(&batch, &[order.map(|n| n - skipped)])),
        }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (a, out) = io.pair(0, 0);
        if out.size() == 0 {
            return Ok(());
        }
        let place = diagonal(a.shape(), self.offset)?;
        dispatch!(out.dtype(), T => take_diagonal(a.slice::<T>()?, &place, out.slice_mut::<T>()?));
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let gradient = g.apply(MakeDiag { offset: self.offset }, &[head]);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for MakeDiag {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let Some((&length, batch)) = dims.split_last() else {
            return Err(OpError::invalid("A must have one dimension or more, got a scalar"));
        };
        let order = length.map(|n| n.saturating_add(self.offset.unsigned_abs() as usize));
        io.set_output(0, PartialShape::partial(batch.iter().copied().chain([order, order])))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (a, out) = io.pair(0, 0);
        if a.size() == 0 {
            out.fill(0.0);
            return Ok(());
        }
        let place = diagonal(out.shape(), self.offset)?;
        dispatch!(out.dtype(), T => put_diagonal(a.slice::<T>()?, &place, out.slice_mut::<T>()?));
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let gradient = g.apply(ExtractDiag { offset: self.offset }, &[head]);
        g.set(0, gradient);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    #[test]
    fn diagonals_come_and_go() {
        let a = [t32([2, 2, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])];
        assert_eq!(run(&ExtractDiag { offset: 0 }, &a)[0].to_f64_vec(), [1.0, 4.0, 5.0, 8.0]);
        assert_eq!(run(&ExtractDiag { offset: 1 }, &a)[0].to_f64_vec(), [2.0, 6.0]);
        let out = run(&MakeDiag { offset: -1 }, &[t32([2, 1], &[3.0, 7.0])]).remove(0);
        assert_eq!(out.to_f64_vec(), [0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 7.0, 0.0]);
        assert!(infer(&ExtractDiag { offset: -2 }, &[&[2, 2]], &[]).is_err());
        assert_eq!(infer(&MakeDiag { offset: 2 }, &[&[3, 4]], &[]).unwrap()[1], [3, 6, 6]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        for offset in [-1, 0, 2] {
            check_gradient(&ExtractDiag { offset }, &[[2, 3, 3].into()], DType::Float64);
            check_gradient(&MakeDiag { offset }, &[[2, 3].into()], DType::Float64);
        }
    }
}
