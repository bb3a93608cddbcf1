//! `reshape_like`: some axes in the shape of those of another tensor.

use super::moves::hand_on;
use super::restore::restore;
use rsym_graph::*;
use rsym_tensor::PartialShape;
use std::ops::Range;

operator! {
    /// Gives the axes `lhs_begin..lhs_end` of lhs the extents of the axes `rhs_begin..rhs_end` of rhs.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | lhs | any | any |
    /// | rhs | any | that of lhs |
    /// | output | that of lhs with the chosen axes replaced | that of lhs |
    #[aliases("_npx_reshape_like")]
    pub struct ReshapeLike("reshape_like") {
        inputs { lhs: "The input.", rhs: "Has the shape; its values are not read." }
        params {
            /// First axis of lhs that is replaced; 0 by default. Negative numbers count from the end.
            lhs_begin: Option<i32> = None,
            /// Axis of lhs after the last that is replaced; by default all.
            lhs_end: Option<i32> = None,
            /// First axis of rhs to take.
            rhs_begin: Option<i32> = None,
            /// Axis of rhs after the last to take; by default all.
            rhs_end: Option<i32> = None,
        }
    }
}

fn range(side: &str, rank: usize, begin: Option<i32>, end: Option<i32>) -> OpResult<Range<usize>> {
    let shift = |v: i32| if v < 0 { v as i64 + rank as i64 } else { v as i64 };
    let (begin, end) = (begin.map_or(0, shift), end.map_or(rank as i64, shift));
    if 0 <= begin && begin < end && end <= rank as i64 {
        return Ok(begin as usize..end as usize);
    }
    Err(OpError::invalid(format!("{side}: axes {begin}..{end} are no range of {rank} axes")))
}

impl Operator for ReshapeLike {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let (Some(lhs), Some(rhs)) = (io.inputs[0].dims(), io.inputs[1].dims()) else { return Ok(()) };
        let old = range("lhs", lhs.len(), self.lhs_begin, self.lhs_end)?;
        let new = range("rhs", rhs.len(), self.rhs_begin, self.rhs_end)?;
        let out = lhs[..old.start].iter().chain(&rhs[new]).chain(&lhs[old.end..]);
        io.set_output(0, PartialShape::partial(out.copied()))?;
        match (io.input(0), io.output(0)) {
            (Some(lhs), Some(out)) if lhs.size() != out.size() => {
                Err(OpError::invalid(format!("cannot give lhs of shape {lhs} the shape {out}: the sizes differ")))
            }
            _ => Ok(()),
        }
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        hand_on(io)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        restore(g)
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, infer};
    use rsym_tensor::DType;

    fn op(list: [Option<i32>; 4]) -> ReshapeLike {
        let [lhs_begin, lhs_end, rhs_begin, rhs_end] = list;
        ReshapeLike { lhs_begin, lhs_end, rhs_begin, rhs_end }
    }

    // MXNet 1.9.1: infer_shape of the same calls.
    #[test]
    fn ranges_of_axes() {
        let all = op([None; 4]);
        assert_eq!(infer(&all, &[&[2, 6], &[3, 4]], &[]).unwrap()[2], [3, 4]);
        let some = op([Some(0), Some(1), Some(0), Some(2)]);
        assert_eq!(infer(&some, &[&[30, 7], &[15, 2, 4]], &[]).unwrap()[2], [15, 2, 7]);
        assert_eq!(infer(&op([Some(-1), None, None, None]), &[&[2, 12], &[3, 4]], &[]).unwrap()[2], [2, 3, 4]);
        assert!(infer(&all, &[&[2, 6], &[3, 5]], &[]).is_err());
        assert!(infer(&op([Some(3), None, None, None]), &[&[2, 6], &[3, 4]], &[]).is_err());
    }

    #[test]
    fn gradient_agrees_with_differences() {
        check_gradient(&op([None; 4]), &[[2, 6].into(), [3, 4].into()], DType::Float64);
    }
}
