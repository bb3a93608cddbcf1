//! `_contrib_bipartite_matching`: greedy pairs of rows and columns.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::matching::{Matching, bipartite_match};
use rsym_tensor::{Float, PartialShape, dispatch_float};

operator! {
    /// Pairs the rows of score matrices with their columns, the best score first.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…, rows, columns) | float |
    /// | output 0 | (…, rows): the column of each row, -1 for none | that of data |
    /// | output 1 | (…, columns): the row of each column, -1 for none | that of data |
    ///
    /// As in MXNet, `topk` admits one pair more than it says. The gradient is zero.
    #[unnamed(true)]
    pub struct BipartiteMatching("_contrib_bipartite_matching") {
        inputs { data: "The scores." }
        params {
            /// Take small scores for the better ones.
            is_ascend: bool = false,
            /// Scores must be better than this.
            threshold: f32,
            /// The most pairs of a matrix, less one; -1 for any number.
            topk: i32 = -1,
        }
    }
}

impl BipartiteMatching {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let data = &io.inputs[0];
        let [.., rows, columns] = data.shape()[..] else { return Err(OpError::invalid("data must be a matrix")) };
        let most = usize::try_from(self.topk).ok().filter(|&k| k > 0).map_or(usize::MAX, |k| k + 1);
        let m = Matching { rows, columns, ascending: self.is_ascend, threshold: f64::from(self.threshold), most };
        let [of_rows, of_columns] = &mut *io.outputs else { return Err(OpError::invalid("has two outputs")) };
        bipartite_match::<T>(m, data.slice()?, of_rows.slice_mut()?, of_columns.slice_mut()?);
        Ok(())
    }
}

impl Operator for BipartiteMatching {
    fn num_outputs(&self) -> usize {
        2
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let [lead @ .., rows, columns] = &dims[..] else {
            return Err(OpError::invalid(format!("data must have shape (…, rows, columns), got {}", io.inputs[0])));
        };
        let with = |last: &Option<usize>| PartialShape::partial(lead.iter().chain([last]).copied());
        io.set_output(0, with(rows))?;
        io.set_output(1, with(columns))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, _: &mut Grad) -> GraphResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run, t32};

    #[test]
    fn pairs_of_mxnet() {
        let op = BipartiteMatching { is_ascend: false, threshold: 1e-12, topk: -1 };
        let out = run(&op, &[t32([3, 2], &[0.5, 0.6, 0.1, 0.2, 0.3, 0.4])]);
        assert_eq!((out[0].to_f64_vec(), out[1].to_f64_vec()), (vec![1.0, -1.0, 0.0], vec![2.0, 0.0]));
        assert_eq!(infer(&op, &[&[4, 3, 2]], &[]).unwrap()[1..], [[4, 3], [4, 2]]);
        assert!(infer(&op, &[&[3]], &[]).is_err());
    }
}
