//! `_histogram`: how many elements fall into which bin.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_tensor::{DType, Element, PartialShape, Tensor, dispatch_num};

operator! {
    /// Counts how many elements fall into each bin. A bin holds its lower edge; the last one holds its upper edge as well.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float or integer |
    /// | bins | (n + 1,): the edges, ascending; absent with `bin_cnt` | that of data |
    /// | counts | (n,) | int64 |
    /// | edges | (n + 1,) | that of data |
    ///
    /// There is no gradient.
    #[aliases("_npi_histogram")]
    #[check(has_range)]
    pub struct Histogram("_histogram") {
        inputs { data: "What is counted.", bins: "The edges of the bins." }
        params {
            /// Number of bins of equal width; then `bins` is no input.
            bin_cnt: Option<i32> = None,
            /// Lower edge of the first and upper edge of the last bin.
            range: Option<Tuple<f64>> = None,
        }
    }
}

fn has_range(op: &Histogram) -> Result<(), String> {
    match (op.bin_cnt, &op.range) {
        (None, _) => Ok(()),
        (Some(1..), Some(range)) if range.len() == 2 && range[0] < range[1] => Ok(()),
        _ => Err("bin_cnt must be positive and comes with range=(low, high), low < high".into()),
    }
}

impl Histogram {
    fn edges(&self) -> Option<Vec<f64>> {
        let (count, range) = (self.bin_cnt?, self.range.as_ref()?);
        let step = (range[1] - range[0]) / count as f64;
        let inner = (0..count).map(|i| range[0] + i as f64 * step);
        Some(inner.chain([range[1]]).collect())
    }
}

/// The counts of the elements between ascending `edges`.
fn count(data: &[f64], edges: &[f64]) -> Vec<i64> {
    let mut counts = vec![0; edges.len().saturating_sub(1)];
    let (Some(&first), Some(&last)) = (edges.first(), edges.last()) else { return counts };
    for &x in data.iter().filter(|&&x| first <= x && x <= last) {
        let bin = edges.partition_point(|&e| e <= x).clamp(1, counts.len().max(1)) - 1;
        if let Some(slot) = counts.get_mut(bin) {
            *slot += 1;
        }
    }
    counts
}

impl Operator for Histogram {
    fn inputs(&self) -> Names {
        if self.bin_cnt.is_some() { names!["data"] } else { names!["data", "bins"] }
    }

    fn num_inputs(&self) -> usize {
        if self.bin_cnt.is_some() { 1 } else { 2 }
    }

    fn num_outputs(&self) -> usize {
        2
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        if let Some(count) = self.bin_cnt {
            io.set_output(0, [count as usize])?;
            return io.set_output(1, [count as usize + 1]);
        }
        io.set_input(1, PartialShape::of_rank(1))?;
        io.unify([Port::Input(1), Port::Output(1)])?;
        match io.inputs[1].dim(0) {
            Some(0 | 1) => Err(OpError::invalid("bins must have at least two edges")),
            edges => io.set_output(0, PartialShape::partial([edges.map(|e| e - 1)])),
        }
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_output(0, DType::Int64)?;
        let inputs: Vec<usize> = (0..io.inputs.len()).collect();
        io.unify(&inputs, &[1])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let values = |t: &Tensor| -> OpResult<Vec<f64>> {
            let dtype = t.dtype();
            dispatch_num!(dtype, T => Ok(t.slice::<T>()?.iter().map(|v| v.to_f64()).collect()),
                else unsupported(dtype, "a float or integer type"))
        };
        let edges = self.edges().map_or_else(|| values(&io.inputs[1]), Ok)?;
        let counts = count(&values(&io.inputs[0])?, &edges);
        io.outputs[0].slice_mut::<i64>()?.copy_from_slice(&counts);
        let edges = Tensor::from_slice([edges.len()], &edges)?;
        Ok(io.outputs[1].assign(&edges)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run, t32};

    // MXNet 1.9.1: the same calls.
    #[test]
    fn counts_of_mxnet() {
        let x = t32([7], &[0.0, 1.0, 2.0, 2.5, 3.0, 4.0, -1.0]);
        let given = Histogram { bin_cnt: None, range: None };
        let out = run(&given, &[x.clone(), t32([4], &[0.0, 1.0, 2.0, 3.0])]);
        assert_eq!((out[0].to_f64_vec(), out[1].to_f64_vec()), (vec![1.0, 1.0, 3.0], vec![0.0, 1.0, 2.0, 3.0]));
        let equal = Histogram { bin_cnt: Some(3), range: Some([0.0, 3.0].into_iter().collect()) };
        assert_eq!(run(&equal, &[x])[0].slice::<i64>().unwrap(), [1, 1, 3]);
        assert_eq!(infer(&given, &[&[2, 3], &[]], &[&[10], &[]]).unwrap()[3], [0]);
        assert!(crate::registry().make("_histogram", &[("bin_cnt", "3")]).is_err());
    }
}
