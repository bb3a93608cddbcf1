//! `_sample_unique_zipfian`: different numbers, small ones more often, as sampled losses over large vocabularies need them.

use super::draw::key;
use rsym_graph::*;
use rsym_kernels::random::unique_zipfian;
use rsym_tensor::{DType, PartialShape};

operator! {
    /// Draws different whole numbers of [0, range_max) from an approximately log-uniform (Zipfian) distribution.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | output 0: the numbers | `shape`: (batch, numbers) | int64 |
    /// | output 1: how many draws each row took | (batch,) | int64 |
    ///
    /// A draw gives number `c` with probability `log((c + 1.5) / (c + 0.5)) / log(range_max)`, as in MXNet; the documentation of
    /// MXNet approximates it by `(log(c + 2) - log(c + 1)) / log(range_max + 1)`. Numbers that a row has already are drawn again.
    #[check(|op: &SampleUniqueZipfian| op.checked())]
    pub struct SampleUniqueZipfian("_sample_unique_zipfian") {
        inputs {}
        params {
            /// Number of the possible classes.
            #[range(1..)]
            range_max: i32,
            /// Rows, and different numbers in each.
            shape: Option<Tuple> = None,
        }
    }
}

impl SampleUniqueZipfian {
    fn checked(&self) -> Result<(), String> {
        let Some(shape) = &self.shape else { return Ok(()) };
        match shape[..] {
            [batch, count] if batch >= 0 && (0..=self.range_max as i64).contains(&count) => Ok(()),
            [_, count] if count > self.range_max as i64 => {
                Err(format!("shape asks for {count} different numbers, range_max has {}", self.range_max))
            }
            _ => Err(format!("shape must be (batch, numbers), got {}", shape.text())),
        }
    }
}

impl Operator for SampleUniqueZipfian {
    fn num_outputs(&self) -> usize {
        2
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        match &self.shape {
            Some(shape) => io.set_output(0, PartialShape::from_legacy(shape))?,
            None => io.set_output(0, PartialShape::of_rank(2))?,
        }
        io.set_output(1, PartialShape::partial([io.outputs[0].dim(0)]))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_output(0, DType::Int64)?;
        io.set_output(1, DType::Int64)
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let [out, tries] = io.outputs else { return Err(OpError::invalid("makes two outputs")) };
        let (range, count) = (self.range_max as usize, out.shape().last().copied().unwrap_or(0));
        if count > range {
            return Err(OpError::invalid(format!("the output has {count} different numbers, range_max only {range}")));
        }
        unique_zipfian(key(ctx), range, count, out.slice_mut()?, tries.slice_mut()?);
        Ok(())
    }

    fn gradient(&self, _: &mut Grad) -> GraphResult {
        Ok(())
    }

    fn is_random(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run};
    use std::collections::HashSet;

    fn op(range_max: i32, shape: [i64; 2]) -> SampleUniqueZipfian {
        SampleUniqueZipfian { range_max, shape: Some(Tuple::from_slice(&shape)) }
    }

    #[test]
    fn numbers_of_a_row_are_different() {
        let out = run(&op(40, [3, 40]), &[]);
        for (row, tries) in out[0].to_f64_vec().chunks(40).zip(out[1].to_f64_vec()) {
            let found: HashSet<i64> = row.iter().map(|&v| v as i64).collect();
            assert_eq!(found, (0..40).collect());
            assert!(tries >= 40.0);
        }
        assert_eq!(run(&op(1, [2, 1]), &[])[1].to_f64_vec(), [1.0, 1.0]);
    }

    #[test]
    fn single_draws_have_their_distribution() {
        let (range, rows) = (6, 6000);
        let out = run(&op(range, [rows, 1]), &[]).remove(0).to_f64_vec();
        let log = (range as f64).ln();
        // The border of the draw at either end of the range is the end itself.
        let border = |c: i32| (c as f64 + 0.5).clamp(1.0, range as f64).ln() / log;
        let chi: f64 = (0..range)
            .map(|c| {
                let expected = (border(c + 1) - border(c)) * rows as f64;
                let count = out.iter().filter(|&&v| v == c as f64).count() as f64;
                (count - expected).powi(2) / expected
            })
            .sum();
        assert!(chi < 20.5, "chi square of {chi} with 5 degrees of freedom");
    }

    #[test]
    fn shapes_and_refusals() {
        assert_eq!(infer(&op(9, [2, 3]), &[], &[]).unwrap(), [vec![2, 3], vec![2]]);
        let open = SampleUniqueZipfian { range_max: 9, shape: None };
        assert_eq!(infer(&open, &[], &[&[4, 5]]).unwrap()[1], [4]);
        let refused = |shape| crate::registry().make("_sample_unique_zipfian", &[("range_max", "2"), ("shape", shape)]);
        assert!(refused("(2, 3)").is_err() && refused("(2,)").is_err());
    }
}
