//! `_contrib_quadratic`: a polynomial of degree two.

use crate::math::apply::{Arg, real_with};
use crate::math::elemwise::ElemwiseMul;
use rsym_graph::*;

operator! {
    /// A polynomial of degree two of every element: `out = a · data² + b · data + c`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any but bool |
    /// | output | that of data | that of data |
    ///
    /// Integers are computed in double precision and truncated.
    pub struct Quadratic("_contrib_quadratic") {
        inputs { data: "The input." }
        params {
            /// Factor of the square.
            a: f32 = 0.0,
            /// Factor of the value itself.
            b: f32 = 0.0,
            /// Added to all.
            c: f32 = 0.0,
        }
    }
}

impl Operator for Quadratic {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (a, b, c) = (self.a, self.b, self.c);
        let (wide_a, wide_b, wide_c) = (a as f64, b as f64, c as f64);
        let data = Arg::input(io, 0);
        real_with(data, &mut io.outputs[0], |x| (a * x + b) * x + c, |x| (wide_a * x + wide_b) * x + wide_c)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (head, data) = (g.head(0)?, g.input(0));
        let slope = g.apply(Quadratic { a: 0.0, b: 2.0 * self.a, c: self.b }, &[data]);
        let gradient = g.apply(ElemwiseMul {}, &[head, slope]);
        g.set(0, gradient);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run, t32};
    use rsym_tensor::{DType, Tensor};

    #[test]
    fn values_and_gradients() {
        let op = Quadratic { a: 1.5, b: 1.0, c: -2.0 };
        assert_eq!(run(&op, &[t32([2], &[1.0, 2.0])])[0].to_f64_vec(), [0.5, 6.0]);
        let whole = Tensor::from_slice([2], &[1i32, 2]).unwrap();
        assert_eq!(run(&Quadratic { c: 0.0, ..op.clone() }, &[whole])[0].to_f64_vec(), [2.0, 8.0]);
        check_gradient(&op, &[[2, 3].into()], DType::Float64);
    }
}
