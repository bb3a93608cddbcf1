//! `_zeros`, `_ones`, `_full` and `_eye`: constants.

// The parameters `N` and `M` of `_eye` are named as in MXNet.
#![allow(non_snake_case)]

use rsym_graph::*;
use rsym_kernels::arrange::{Diagonal, put_diagonal};
use rsym_tensor::{DType, Element, PartialShape, dispatch};

operator! {
    /// Makes zeros: `out = 0`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | output | `shape`; extents of 0 are decided by what the output is used for | `dtype` |
    pub struct Zeros("_zeros") {
        inputs {}
        params {
            /// Shape of the output.
            shape: Tuple = Tuple::new(),
            /// Ignored: the device is that of the executor.
            ctx: String = String::new(),
            /// Type of the output.
            dtype: DType = DType::Float32,
        }
    }
}

operator! {
    /// Makes ones: `out = 1`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | output | `shape`; extents of 0 are decided by what the output is used for | `dtype` |
    pub struct Ones("_ones") {
        inputs {}
        params {
            /// Shape of the output.
            shape: Tuple = Tuple::new(),
            /// Ignored: the device is that of the executor.
            ctx: String = String::new(),
            /// Type of the output.
            dtype: DType = DType::Float32,
        }
    }
}

operator! {
    /// Makes a tensor of one value: `out = value`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | output | `shape`; extents of 0 are decided by what the output is used for | `dtype` |
    #[aliases("_npi_full")]
    pub struct Full("_full") {
        inputs {}
        params {
            /// Shape of the output.
            shape: Option<Tuple> = None,
            /// Ignored: the device is that of the executor.
            ctx: String = String::new(),
            /// Type of the output.
            dtype: DType = DType::Float32,
            /// The value.
            value: f64,
        }
    }
}

operator! {
    /// Makes a matrix with ones on a diagonal and zeros elsewhere.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | output | (N, M) | `dtype` |
    pub struct Eye("_eye") {
        inputs {}
        params {
            /// Number of rows.
            #[range(0..)]
            N: i64,
            /// Number of columns; 0 means as many as rows.
            M: i64 = 0,
            /// The diagonal: 0 is the main one, positive numbers lie above it, negative below.
            k: i64 = 0,
            /// Ignored: the device is that of the executor.
            ctx: String = String::new(),
            /// Type of the output.
            dtype: DType = DType::Float32,
        }
    }
}

macro_rules! filled {
    ($op:ident, |$this:ident| $shape:expr, $value:expr) => {
        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                let $this = self;
                io.set_output(0, PartialShape::from_legacy($shape))
            }

            fn infer_type(&self, io: &mut TypeIo) -> OpResult {
                io.set_output(0, self.dtype)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let $this = self;
                io.outputs[0].fill($value);
                Ok(())
            }
        }
    };
}

filled!(Zeros, |this| &this.shape, {
    let _ = this;
    0.0
});
filled!(Ones, |this| &this.shape, {
    let _ = this;
    1.0
});
filled!(Full, |this| this.shape.as_ref().map_or(&[], |s| s.as_slice()), this.value);

impl Operator for Eye {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let side = |v: i64| usize::try_from(v).unwrap_or_default();
        let columns = if self.M > 0 { self.M } else { self.N };
        io.set_output(0, [side(self.N), side(columns)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_output(0, self.dtype)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let out = &mut io.outputs[0];
        out.fill(0.0);
        let k = isize::try_from(self.k).unwrap_or(isize::MAX);
        let Some(diagonal) = Diagonal::new(out.shape(), (0, 1), k) else { return Ok(()) };
        dispatch!(out.dtype(), T => {
            let ones = vec![T::from_i64(1); diagonal.shape().iter().product()];
            put_diagonal(&ones, &diagonal, out.slice_mut::<T>()?)
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run};

    fn make(name: &str, params: &[(&str, &str)]) -> OpRef {
        crate::registry().make(name, params).unwrap()
    }

    #[test]
    fn every_type_is_filled() {
        for dtype in DType::ALL {
            let out = run(make("_ones", &[("shape", "(2, 3)"), ("dtype", dtype.name())]).as_ref(), &[]).remove(0);
            assert_eq!((out.dtype(), out.to_f64_vec()), (dtype, vec![1.0; 6]));
        }
        assert_eq!(run(make("_zeros", &[("shape", "3")]).as_ref(), &[])[0].to_f64_vec(), [0.0; 3]);
        let full = make("_full", &[("shape", "(2,)"), ("value", "-2.5")]);
        assert_eq!(run(full.as_ref(), &[])[0].to_f64_vec(), [-2.5; 2]);
    }

    #[test]
    fn open_extents_come_from_the_use() {
        let op = make("_zeros", &[("shape", "(0, 3)")]);
        assert_eq!(infer(op.as_ref(), &[], &[&[2, 0]]).unwrap(), [[2, 3]]);
        assert_eq!(infer(make("_zeros", &[]).as_ref(), &[], &[&[4]]).unwrap(), [[4]]);
        assert!(infer(op.as_ref(), &[], &[&[2, 4]]).is_err());
    }

    #[test]
    fn unit_matrices() {
        let eye = |params: &[(&str, &str)]| run(make("_eye", params).as_ref(), &[]).remove(0).to_f64_vec();
        assert_eq!(eye(&[("N", "2")]), [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(eye(&[("N", "2"), ("M", "3"), ("k", "1")]), [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(eye(&[("N", "2"), ("k", "5")]), [0.0; 4]);
        assert_eq!(eye(&[("N", "2"), ("k", "-9223372036854775808")]), [0.0; 4]);
    }
}
