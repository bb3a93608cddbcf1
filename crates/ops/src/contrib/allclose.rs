//! `_contrib_allclose`: whether two tensors are equal within a tolerance.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_tensor::{DType, Element, PartialShape, dispatch};

operator! {
    /// Whether all elements are close: 1 if `|a - b| <= atol + rtol · |b|` everywhere, otherwise 0.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | a, b | any, both equal | any, both equal |
    /// | output | () | uint8 |
    ///
    /// Infinite values are close to themselves. There is no gradient.
    pub struct Allclose("_contrib_allclose") {
        inputs { a: "The first tensor.", b: "The second tensor." }
        params {
            /// Relative tolerance.
            rtol: f32 = 1e-5,
            /// Absolute tolerance.
            atol: f32 = 1e-8,
            /// Whether NaN is close to NaN.
            equal_nan: bool = true,
        }
    }
}

impl Allclose {
    fn close(&self, a: f64, b: f64) -> bool {
        if a.is_nan() || b.is_nan() {
            return self.equal_nan && a.is_nan() == b.is_nan();
        }
        a == b || (a - b).abs() <= self.atol as f64 + self.rtol as f64 * b.abs()
    }

    fn all<T: Element>(&self, io: &Io) -> OpResult<bool> {
        let mut pairs = io.inputs[0].slice::<T>()?.iter().zip(io.inputs[1].slice::<T>()?);
        Ok(pairs.all(|(a, b)| self.close(a.to_f64(), b.to_f64())))
    }
}

impl Operator for Allclose {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Input(1)])?;
        io.set_output(0, PartialShape::partial(std::iter::empty()))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0, 1], &[])?;
        io.set_output(0, DType::UInt8)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.inputs[0].dtype();
        if io.inputs[1].dtype() != dtype {
            return unsupported(io.inputs[1].dtype(), &format!("{dtype} as for the first tensor"));
        }
        let all = dispatch!(dtype, T => self.all::<T>(io)?);
        io.outputs[0].slice_mut::<u8>()?.fill(all as u8);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run, t32};

    fn close(a: &[f32], b: &[f32], equal_nan: bool) -> f64 {
        let op = Allclose { rtol: 1e-3, atol: 1e-2, equal_nan };
        run(&op, &[t32([a.len()], a), t32([b.len()], b)])[0].to_f64_vec()[0]
    }

    #[test]
    fn tolerances_add_up() {
        assert_eq!(close(&[100.1, 0.009], &[100.0, 0.0], true), 1.0);
        assert_eq!(close(&[100.2, 0.0], &[100.0, 0.0], true), 0.0);
        assert_eq!(close(&[f32::INFINITY, -1.0], &[f32::INFINITY, -1.0], true), 1.0);
        // The tolerance of an infinity is infinite, here as in MXNet.
        assert_eq!(close(&[f32::INFINITY, 1.0], &[f32::NEG_INFINITY, f32::INFINITY], true), 1.0);
        assert_eq!(close(&[f32::INFINITY], &[1.0], true), 0.0);
        assert_eq!((close(&[f32::NAN], &[f32::NAN], true), close(&[f32::NAN], &[f32::NAN], false)), (1.0, 0.0));
        assert_eq!((close(&[f32::NAN], &[1.0], true), close(&[], &[], true)), (0.0, 1.0));
    }

    #[test]
    fn shapes_must_agree() {
        let op = Allclose { rtol: 0.0, atol: 0.0, equal_nan: true };
        assert_eq!(infer(&op, &[&[2, 0], &[0, 3]], &[]).unwrap()[..2], [[2, 3], [2, 3]]);
        assert!(infer(&op, &[&[2], &[3]], &[]).is_err());
    }
}
