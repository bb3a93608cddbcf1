//! `_linalg_extracttrian` and `_linalg_maketrian`: triangles of matrices as vectors, to and fro.

use super::matrices::{Extent, extents, joined, square};
use rsym_graph::*;
use rsym_kernels::linalg::{extract_triangle, insert_triangle};
use rsym_tensor::{PartialShape, dispatch};

operator! {
    /// Packs a triangle of square matrices into vectors.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, n, n) | any |
    /// | output | (…, m · (m + 1) / 2), m = n - abs(offset) | that of A |
    ///
    /// Lower triangles are packed row by row, upper ones column by column.
    #[aliases("linalg_extracttrian")]
    pub struct ExtractTrian("_linalg_extracttrian") {
        inputs { A: "The matrices." }
        params {
            /// The diagonal at which the triangle begins: those above 0 bound upper triangles, those below lower ones.
            offset: i32 = 0,
            /// For offset 0: take the lower triangle, not the upper.
            lower: bool = true,
        }
    }
}

operator! {
    /// Unpacks vectors into a triangle of square matrices, with zeros elsewhere.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | A | (…, m · (m + 1) / 2) | any |
    /// | output | (…, m + abs(offset), m + abs(offset)) | that of A |
    ///
    /// The order is that of `_linalg_extracttrian`.
    #[aliases("linalg_maketrian")]
    pub struct MakeTrian("_linalg_maketrian") {
        inputs { A: "The packed triangles." }
        params {
            /// The diagonal at which the triangle begins: those above 0 bound upper triangles, those below lower ones.
            offset: i32 = 0,
            /// For offset 0: fill the lower triangle, not the upper.
            lower: bool = true,
        }
    }
}

/// Order of the triangle that packs into `size` elements.
fn order(size: usize) -> OpResult<usize> {
    let guess = ((8.0 * size as f64 + 1.0).sqrt() / 2.0 - 0.5).round() as usize;
    match guess.checked_mul(guess + 1) {
        Some(twice) if twice / 2 == size => Ok(guess),
        _ => Err(OpError::invalid(format!("{size} elements do not make a triangle; expected 1, 3, 6, 10, …"))),
    }
}

impl Operator for ExtractTrian {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some((batch, order)) = square(io)? else { return Ok(()) };
        let skipped = self.offset.unsigned_abs() as usize;
        let size = |n: usize| -> OpResult<usize> {
            match n.checked_sub(skipped) {
                Some(m) if m > 0 => Ok(m * (m + 1) / 2),
                _ => Err(OpError::invalid(format!("offset {} leaves nothing of {n} rows and columns", self.offset))),
            }
        };
        io.set_output(0, joined(&batch, &[order.map(size).transpose()?]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (a, out) = io.pair(0, 0);
        let n = extents(a.shape()).1;
        dispatch!(out.dtype(), T => {
            extract_triangle(n, self.offset as i64, self.lower, a.slice::<T>()?, out.slice_mut::<T>()?)
        });
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let gradient = g.apply(MakeTrian { offset: self.offset, lower: self.lower }, &[head]);
        g.set(0, gradient);
        Ok(())
    }
}

impl Operator for MakeTrian {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let Some((&size, batch)) = dims.split_last() else {
            return Err(OpError::invalid("A must have one dimension or more, got a scalar"));
        };
        let skipped = self.offset.unsigned_abs() as usize;
        let order: Extent = size.map(order).transpose()?.map(|m| m.saturating_add(skipped));
        io.set_output(0, PartialShape::partial(batch.iter().copied().chain([order, order])))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (a, out) = io.pair(0, 0);
        let n = extents(out.shape()).1;
        dispatch!(out.dtype(), T => {
            insert_triangle(n, self.offset as i64, self.lower, a.slice::<T>()?, out.slice_mut::<T>()?)
        });
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let gradient = g.apply(ExtractTrian { offset: self.offset, lower: self.lower }, &[head]);
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
    fn triangles_come_and_go() {
        let a = t32([3, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
        let upper = run(&ExtractTrian { offset: 0, lower: false }, &[a]).remove(0);
        assert_eq!(upper.to_f64_vec(), [1.0, 2.0, 5.0, 3.0, 6.0, 9.0]);
        let back = run(&MakeTrian { offset: 0, lower: false }, &[upper]).remove(0);
        assert_eq!(back.to_f64_vec(), [1.0, 2.0, 3.0, 0.0, 5.0, 6.0, 0.0, 0.0, 9.0]);
        assert_eq!(infer(&ExtractTrian { offset: -1, lower: true }, &[&[2, 4, 4]], &[]).unwrap()[1], [2, 6]);
        assert_eq!(infer(&MakeTrian { offset: 1, lower: true }, &[&[2, 6]], &[]).unwrap()[1], [2, 4, 4]);
        assert!(infer(&MakeTrian { offset: 0, lower: true }, &[&[4]], &[]).is_err());
        assert!(infer(&ExtractTrian { offset: 3, lower: true }, &[&[3, 3]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        for (offset, lower) in [(0, true), (0, false), (-1, true), (1, true)] {
            check_gradient(&ExtractTrian { offset, lower }, &[[2, 3, 3].into()], DType::Float64);
            check_gradient(&MakeTrian { offset, lower }, &[[2, 3].into()], DType::Float64);
        }
    }
}
