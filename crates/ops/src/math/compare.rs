//! Comparisons and logic of two tensors of one shape, and of a tensor and a number. All gradients are zero.

use super::apply::{self, Arg, binary};
use super::elemwise::elemwise;
use super::scalar::scalar;
use rsym_graph::*;

elemwise! {
    /// Is 1 where both inputs are equal, otherwise 0: `out = lhs == rhs`.
    Equal("_equal", ["_Equal"]) = apply::Equal, _g => Ok(())
}

elemwise! {
    /// Is 1 where the inputs differ, otherwise 0: `out = lhs != rhs`.
    NotEqual("_not_equal", ["_Not_Equal"]) = apply::NotEqual, _g => Ok(())
}

elemwise! {
    /// Is 1 where the left input is greater, otherwise 0: `out = lhs > rhs`.
    Greater("_greater", ["_Greater"]) = apply::Greater, _g => Ok(())
}

elemwise! {
    /// Is 1 where the left input is greater or equal, otherwise 0: `out = lhs >= rhs`.
    GreaterEqual("_greater_equal", ["_Greater_Equal"]) = apply::GreaterEqual, _g => Ok(())
}

elemwise! {
    /// Is 1 where the left input is smaller, otherwise 0: `out = lhs < rhs`.
    Lesser("_lesser", ["_Lesser"]) = apply::Lesser, _g => Ok(())
}

elemwise! {
    /// Is 1 where the left input is smaller or equal, otherwise 0: `out = lhs <= rhs`.
    LesserEqual("_lesser_equal", ["_Lesser_Equal"]) = apply::LesserEqual, _g => Ok(())
}

elemwise! {
    /// Is 1 where neither input is 0, otherwise 0: `out = lhs and rhs`.
    LogicalAnd("_logical_and", ["_Logical_And"]) = apply::And, _g => Ok(())
}

elemwise! {
    /// Is 1 where one of the inputs is not 0, otherwise 0: `out = lhs or rhs`.
    LogicalOr("_logical_or", ["_Logical_Or"]) = apply::Or, _g => Ok(())
}

elemwise! {
    /// Is 1 where exactly one of the inputs is 0, otherwise 0: `out = lhs xor rhs`.
    LogicalXor("_logical_xor", ["_Logical_Xor"]) = apply::Xor, _g => Ok(())
}

scalar! {
    /// Is 1 where data equals a number, otherwise 0: `out = data == scalar`.
    EqualScalar("_equal_scalar", ["_EqualScalar"]) = apply::Equal, Right, |_op, _g| Ok(())
}

scalar! {
    /// Is 1 where data differs from a number, otherwise 0: `out = data != scalar`.
    NotEqualScalar("_not_equal_scalar", ["_NotEqualScalar"]) = apply::NotEqual, Right, |_op, _g| Ok(())
}

scalar! {
    /// Is 1 where data is greater than a number, otherwise 0: `out = data > scalar`.
    GreaterScalar("_greater_scalar", ["_GreaterScalar"]) = apply::Greater, Right, |_op, _g| Ok(())
}

scalar! {
    /// Is 1 where data is at least a number, otherwise 0: `out = data >= scalar`.
    GreaterEqualScalar("_greater_equal_scalar", ["_GreaterEqualScalar"]) = apply::GreaterEqual, Right, |_op, _g| Ok(())
}

scalar! {
    /// Is 1 where data is smaller than a number, otherwise 0: `out = data < scalar`.
    LesserScalar("_lesser_scalar", ["_LesserScalar"]) = apply::Lesser, Right, |_op, _g| Ok(())
}

scalar! {
    /// Is 1 where data is at most a number, otherwise 0: `out = data <= scalar`.
    LesserEqualScalar("_lesser_equal_scalar", ["_LesserEqualScalar"]) = apply::LesserEqual, Right, |_op, _g| Ok(())
}

scalar! {
    /// Is 1 where neither data nor the number is 0, otherwise 0: `out = data and scalar`.
    LogicalAndScalar("_logical_and_scalar", ["_LogicalAndScalar"]) = apply::And, Right, |_op, _g| Ok(())
}

scalar! {
    /// Is 1 where data or the number is not 0, otherwise 0: `out = data or scalar`.
    LogicalOrScalar("_logical_or_scalar", ["_LogicalOrScalar"]) = apply::Or, Right, |_op, _g| Ok(())
}

scalar! {
    /// Is 1 where exactly one of data and the number is 0, otherwise 0: `out = data xor scalar`.
    LogicalXorScalar("_logical_xor_scalar", ["_LogicalXorScalar"]) = apply::Xor, Right, |_op, _g| Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run};
    use rsym_tensor::{DType, Tensor};

    #[test]
    fn results_have_the_type_of_the_inputs() {
        let (a, b) = ([3i32, 0, 5], [2i32, 2, 5]);
        let inputs = [a, b].map(|x| Tensor::from_slice([3], &x).unwrap());
        let value = |op: &dyn Operator| {
            let out = run(op, &inputs).remove(0);
            assert_eq!(out.dtype(), DType::Int32);
            out.to_f64_vec()
        };
        assert_eq!(value(&Equal {}), [0.0, 0.0, 1.0]);
        assert_eq!(value(&NotEqual {}), [1.0, 1.0, 0.0]);
        assert_eq!(value(&Greater {}), [1.0, 0.0, 0.0]);
        assert_eq!(value(&GreaterEqual {}), [1.0, 0.0, 1.0]);
        assert_eq!(value(&Lesser {}), [0.0, 1.0, 0.0]);
        assert_eq!(value(&LesserEqual {}), [0.0, 1.0, 1.0]);
        assert_eq!(value(&LogicalAnd {}), [1.0, 0.0, 1.0]);
        assert_eq!(value(&LogicalOr {}), [1.0, 1.0, 1.0]);
        assert_eq!(value(&LogicalXor {}), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn numbers_are_compared_as_in_mxnet() {
        let x = [Tensor::from_slice([3], &[2i64, 0, 3]).unwrap()];
        let value = |op: &dyn Operator| run(op, &x).remove(0).to_f64_vec();
        assert_eq!(value(&EqualScalar::by(2.7)), [1.0, 0.0, 0.0]);
        assert_eq!(value(&EqualScalar { scalar: 2.7, is_int: false }), [0.0, 0.0, 0.0]);
        assert_eq!(value(&GreaterScalar::by(2.0)), [0.0, 0.0, 1.0]);
        assert_eq!(value(&LesserEqualScalar::by(2.0)), [1.0, 1.0, 0.0]);
        assert_eq!(value(&LogicalXorScalar::by(1.0)), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn gradients_are_zero() {
        check_gradient(&Greater {}, &[[3].into(), [3].into()], DType::Float64);
        check_gradient(&LogicalOrScalar::by(0.0), &[[3].into()], DType::Float64);
    }
}
