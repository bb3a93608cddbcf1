//! `_ravel_multi_index` and `_unravel_index`: coordinates and flat positions.

use super::positions::whole_numbers;
use rsym_graph::*;
use rsym_tensor::{Element, PartialShape, dispatch};

operator! {
    /// Turns coordinates into flat positions: `out[i] = sum over k of data[k, i] * stride[k]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (m, n): one row of coordinates for each axis | any; fractions are cut off |
    /// | output | (n,) | that of data |
    ///
    /// The gradient is zero.
    #[aliases("ravel_multi_index")]
    #[check(ravel_shape)]
    pub struct RavelMultiIndex("_ravel_multi_index") {
        inputs { data: "The coordinates." }
        params {
            /// Shape of the array that the coordinates are of; the first extent may be -1.
            shape: Option<Tuple> = None,
        }
    }
}

operator! {
    /// Turns flat positions into coordinates, the inverse of `ravel_multi_index`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, …) | any; fractions are cut off |
    /// | output | (m, n, …): one row of coordinates for each axis | that of data |
    ///
    /// The first coordinate takes what exceeds the array. The gradient is zero.
    #[aliases("unravel_index")]
    #[check(unravel_shape)]
    pub struct UnravelIndex("_unravel_index") {
        inputs { data: "The flat positions." }
        params {
            /// Shape of the array that the positions are of; the first extent may be -1.
            shape: Option<Tuple> = None,
        }
    }
}

fn check_shape(shape: &Option<Tuple>) -> Result<(), String> {
    match shape {
        Some(shape) if !shape.is_empty() && shape[1..].iter().all(|&d| d > 0) => Ok(()),
        _ => Err("shape must list the extents of the array; only the first may be -1".into()),
    }
}

fn ravel_shape(op: &RavelMultiIndex) -> Result<(), String> {
    check_shape(&op.shape)
}

fn unravel_shape(op: &UnravelIndex) -> Result<(), String> {
    check_shape(&op.shape)
}

fn extents(shape: &Option<Tuple>) -> &[i64] {
    shape.as_ref().map_or(&[], |s| s.as_slice())
}

impl Operator for RavelMultiIndex {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let columns = io.inputs[0].dim(1).or(io.outputs[0].dim(0));
        io.set_input(0, PartialShape::partial([Some(extents(&self.shape).len()), columns]))?;
        io.set_output(0, PartialShape::partial([columns]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (at, count) = (whole_numbers(&io.inputs[0])?, io.outputs[0].size());
        let mut flat = vec![0i64; count];
        for (row, &extent) in at.chunks(count.max(1)).zip(extents(&self.shape)) {
            flat.iter_mut().zip(row).for_each(|(f, &v)| *f = f.wrapping_mul(extent).wrapping_add(v));
        }
        store(io, &flat)
    }

    fn gradient(&self, _: &mut Grad) -> GraphResult {
        Ok(())
    }
}

fn store(io: &mut Io, values: &[i64]) -> OpResult {
    let out = &mut io.outputs[0];
    dispatch!(out.dtype(), T => out.slice_mut::<T>()?.iter_mut().zip(values).for_each(|(o, &v)| *o = T::from_i64(v)));
    Ok(())
}

impl Operator for UnravelIndex {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let rows = Some(extents(&self.shape).len());
        if let Some(dims) = io.inputs[0].dims() {
            return io.set_output(0, PartialShape::partial(std::iter::once(rows).chain(dims)));
        }
        match io.outputs[0].dims() {
            Some(dims) if !dims.is_empty() => io.set_input(0, PartialShape::partial(dims[1..].iter().copied())),
            _ => Ok(()),
        }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let mut flat = whole_numbers(&io.inputs[0])?;
        let (shape, count) = (extents(&self.shape), flat.len());
        let mut out = vec![0i64; shape.len() * count];
        for (axis, &extent) in shape.iter().enumerate().rev() {
            let row = &mut out[axis * count..][..count];
            for (o, f) in row.iter_mut().zip(&mut flat) {
                *o = if axis == 0 { *f } else { *f % extent };
                *f = if axis == 0 { 0 } else { *f / extent };
            }
        }
        store(io, &out)
    }

    fn gradient(&self, _: &mut Grad) -> GraphResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run, t32};

    fn shape(dims: &[i64]) -> Option<Tuple> {
        Some(dims.iter().copied().collect())
    }

    // MXNet 1.9.1: the same calls.
    #[test]
    fn coordinates_to_and_fro() {
        let ravel = RavelMultiIndex { shape: shape(&[3, 4]) };
        assert_eq!(run(&ravel, &[t32([2, 2], &[1.0, 5.0, 2.0, 9.0])])[0].to_f64_vec(), [6.0, 29.0]);
        let unravel = UnravelIndex { shape: shape(&[-1, 4]) };
        let out = run(&unravel, &[t32([3], &[7.0, 100.0, -1.0])]).remove(0);
        assert_eq!(out.to_f64_vec(), [1.0, 25.0, 0.0, 3.0, 0.0, -1.0]);
        assert_eq!(infer(&ravel, &[&[0, 5]], &[]).unwrap(), [vec![2, 5], vec![5]]);
        assert_eq!(infer(&unravel, &[&[2, 2]], &[]).unwrap()[1], [2, 2, 2]);
        assert!(infer(&ravel, &[&[3, 5]], &[]).is_err());
        assert!(crate::registry().make("_unravel_index", &[]).is_err());
    }
}
