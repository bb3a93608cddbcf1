//! `_sample_multinomial` and `_shuffle`: random choice and order.

use super::draw::key;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::{index, random};
use rsym_tensor::{DType, Element, Float, PartialShape, Tensor, dispatch, dispatch_float};

operator! {
    /// Draws categories: number `i` with the probability `data[…, i]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…, categories): weights of each, usually summing up to 1 | float |
    /// | output | (…), then `shape`; (1,) for data of one axis without `shape` | `dtype` |
    /// | log probability | that of output; only with `get_prob` | that of data |
    ///
    /// The gradient of the log probabilities flows to data.
    #[aliases("sample_multinomial")]
    #[unnamed(true)]
    pub struct SampleMultinomial("_sample_multinomial") {
        inputs { data: "The probabilities." }
        params {
            /// Shape of the numbers that are drawn for each distribution.
            shape: Tuple = Tuple::new(),
            /// Also return the logarithm of the probability of what was drawn.
            get_prob: bool = false,
            /// Type of the numbers.
            dtype: DType = DType::Int32,
        }
    }
}

operator! {
    /// The gradient of the log probabilities of `_sample_multinomial`.
    #[hidden(true)]
    pub struct SampleMultinomialBackward("_backward_sample_multinomial") {
        inputs {
            ograd: "Gradient of the log probabilities.",
            data: "The probabilities.",
            drawn: "The numbers that were drawn.",
        }
        params {}
    }
}

operator! {
    /// Puts the slices of the first axis into a random order.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, …) | any |
    /// | output | that of data | that of data |
    ///
    /// There is no gradient.
    #[aliases("_npi_shuffle", "shuffle")]
    #[unnamed(true)]
    pub struct Shuffle("_shuffle") {
        inputs { data: "The input." }
        params {}
    }
}

impl Operator for SampleMultinomial {
    fn output_names(&self) -> Names {
        if self.get_prob { names![] } else { names!["output"] }
    }

    fn num_outputs(&self) -> usize {
        if self.get_prob { 2 } else { 1 }
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let Some((categories, rows)) = dims.split_last() else {
            return Err(OpError::invalid("data must have at least one dimension, got a scalar"));
        };
        let most = categories_in(self.dtype);
        if let Some(count) = categories.filter(|&count| count as u64 > most) {
            let dtype = self.dtype;
            return Err(OpError::invalid(format!("dtype {dtype} can name at most {most} categories, data has {count}")));
        }
        if self.shape.iter().any(|&d| d < 1) {
            return Err(OpError::invalid(format!("shape must have positive extents, got {}", self.shape.text())));
        }
        let own = self.shape.iter().map(|&d| Some(d as usize));
        let mut out: Vec<Option<usize>> = rows.iter().copied().chain(own).collect();
        if out.is_empty() {
            out.push(Some(1));
        }
        (0..self.num_outputs()).try_for_each(|o| io.set_output(o, PartialShape::partial(out.clone())))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_output(0, self.dtype)?;
        if self.get_prob { io.unify(&[0], &[1]) } else { Ok(()) }
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let data = &io.inputs[0];
        let dtype = data.dtype();
        dispatch_float!(dtype, T => draw::<T>(data.slice()?, data, io.outputs, ctx), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if !self.get_prob || g.head_opt(1).is_none() {
            return Ok(());
        }
        let inputs = [g.head(1)?, g.input(0), g.output(0)];
        let gradient = g.apply(SampleMultinomialBackward {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn is_random(&self) -> bool {
        true
    }
}

/// How many categories have numbers that `dtype` holds exactly.
fn categories_in(dtype: DType) -> u64 {
    match dtype {
        DType::Bool => 2,
        DType::Int8 => 1 << 7,
        DType::UInt8 => 1 << 8,
        DType::BFloat16 => (1 << 8) + 1,
        DType::Float16 => (1 << 11) + 1,
        DType::Float32 => (1 << 24) + 1,
        DType::Int32 => 1 << 31,
        DType::Float64 => (1 << 53) + 1,
        DType::Int64 => 1 << 63,
    }
}

fn draw<T: Float>(weights: &[T], data: &Tensor, outputs: &mut [Tensor], ctx: &Ctx) -> OpResult {
    let categories = data.shape().last().copied().unwrap_or(1);
    let rows = weights.len() / categories.max(1);
    let draws = outputs[0].size() / rows.max(1);
    if categories == 0 {
        return Err(OpError::invalid("data must have at least one category"));
    }
    let mut drawn = vec![0i64; outputs[0].size()];
    random::categorical(key(ctx), weights, categories, draws, &mut drawn);
    let out = &mut outputs[0];
    dispatch!(out.dtype(), I => {
        out.slice_mut::<I>()?.iter_mut().zip(&drawn).for_each(|(o, &d)| *o = I::from_i64(d))
    });
    if let Some(logs) = outputs.get_mut(1) {
        let log = |(i, &d): (usize, &i64)| T::from_f64(weights[i / draws * categories + d as usize].to_f64().ln());
        let logs = logs.slice_mut::<T>()?.iter_mut().zip(drawn.iter().enumerate());
        logs.for_each(|(o, drawn)| *o = log(drawn));
    }
    Ok(())
}

impl Operator for SampleMultinomialBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0, 1], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let drawn = crate::index::positions::whole_numbers(&io.inputs[2])?;
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => log_gradient::<T>(io, &drawn), else unsupported(dtype, "a float type"))
    }
}

/// The gradient of `ln(p)` is `1 / p`, summed over the draws of each category.
fn log_gradient<T: Float>(io: &mut Io, drawn: &[i64]) -> OpResult {
    let (head, weights) = (io.inputs[0].slice::<T>()?, io.inputs[1].slice::<T>()?);
    let categories = io.inputs[1].shape().last().copied().unwrap_or(1).max(1);
    let draws = drawn.len() / (weights.len() / categories).max(1);
    let mut sums = vec![0f64; weights.len()];
    for (i, (&d, h)) in drawn.iter().zip(head).enumerate() {
        let at = i / draws.max(1) * categories + d.clamp(0, categories as i64 - 1) as usize;
        sums[at] += h.to_f64() / weights[at].to_f64();
    }
    io.outputs[0].slice_mut::<T>()?.iter_mut().zip(sums).for_each(|(o, s)| *o = T::from_f64(s));
    Ok(())
}

impl Operator for Shuffle {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let dims = io.inputs[0].shape();
        let (rows, inner) = (dims.first().copied().unwrap_or(1), dims.iter().skip(1).product());
        let order = random::permutation(key(ctx), rows);
        let (data, out) = io.pair(0, 0);
        dispatch!(out.dtype(), T => index::take(data.slice::<T>()?, (1, rows, inner), &order, out.slice_mut::<T>()?));
        Ok(())
    }

    fn is_random(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{backward, infer, run, t32};

    #[test]
    fn categories_that_the_type_cannot_name_are_refused() {
        let op = |dtype| SampleMultinomial { shape: Tuple::new(), get_prob: false, dtype };
        assert!(infer(&op(DType::UInt8), &[&[256]], &[]).is_ok() && infer(&op(DType::UInt8), &[&[257]], &[]).is_err());
        assert!(infer(&op(DType::Float32), &[&[1 << 25]], &[]).is_err());
        assert!(infer(&op(DType::Int32), &[&[1 << 25]], &[]).is_ok());
    }

    #[test]
    fn categories_follow_their_probabilities() {
        let op = SampleMultinomial { shape: [4000].into_iter().collect(), get_prob: true, dtype: DType::Int32 };
        let out = run(&op, &[t32([2, 3], &[0.0, 0.25, 0.75, 1.0, 0.0, 0.0])]);
        let share = |v: f64| out[0].to_f64_vec()[..4000].iter().filter(|&&d| d == v).count() as f64 / 4000.0;
        assert!(share(0.0) == 0.0 && (share(1.0) - 0.25).abs() < 0.03, "{}", share(1.0));
        assert!(out[0].to_f64_vec()[4000..].iter().all(|&d| d == 0.0));
        let logs = out[1].to_f64_vec();
        let want = |d: f64| if d == 1.0 { 0.25f64.ln() } else { 0.75f64.ln() };
        assert!(out[0].to_f64_vec()[..4000].iter().zip(&logs).all(|(&d, l)| (l - want(d)).abs() < 1e-6));
        assert!(logs[4000..].iter().all(|&l| l == 0.0));
    }

    // MXNet 1.9.1: infer_shape of the same calls.
    #[test]
    fn shapes_of_mxnet() {
        let shape = |dims: &[i64]| SampleMultinomial {
            shape: dims.iter().copied().collect(),
            get_prob: false,
            dtype: DType::Int32,
        };
        assert_eq!(infer(&shape(&[]), &[&[4, 5]], &[]).unwrap()[1], [4]);
        assert_eq!(infer(&shape(&[]), &[&[5]], &[]).unwrap()[1], [1]);
        assert_eq!(infer(&shape(&[3, 2]), &[&[4, 5]], &[]).unwrap()[1], [4, 3, 2]);
    }

    #[test]
    fn the_log_probability_has_a_gradient() {
        let op = SampleMultinomial { shape: [2].into_iter().collect(), get_prob: true, dtype: DType::Int32 };
        let heads = [None, Some(t32([1, 2], &[3.0, 5.0]))];
        let found = backward(&op, &[t32([1, 2], &[0.0, 0.5])], &heads);
        assert_eq!(found[0].as_ref().unwrap().to_f64_vec(), [0.0, 16.0]);
    }

    #[test]
    fn rows_are_put_into_another_order() {
        let x = t32([50, 2], &(0..100).map(|v| v as f32).collect::<Vec<_>>());
        let out = run(&Shuffle {}, std::slice::from_ref(&x)).remove(0).to_f64_vec();
        assert!(out.chunks(2).all(|row| row[1] == row[0] + 1.0 && row[0] % 2.0 == 0.0));
        let mut sorted = out.clone();
        sorted.sort_by(f64::total_cmp);
        assert_eq!(sorted, x.to_f64_vec());
        assert_ne!(out, x.to_f64_vec());
    }
}
