//! `SequenceMask`, `SequenceLast` and `SequenceReverse`: batches of sequences of unequal length.

use rsym_graph::*;
use rsym_kernels::sequence::{
    Sequences, last_steps, sequence_mask, sequence_reverse, sequence_step, sequence_step_backward,
};
use rsym_tensor::{Element, PartialShape, Shape, Tensor, dispatch};

operator! {
    /// Overwrites what lies behind the end of every sequence with `value`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (time, batch, …), or (batch, time, …) with `axis=1` | any |
    /// | sequence_length, with `use_sequence_length` | (batch,) | any |
    /// | output | that of data | that of data |
    ///
    /// Without lengths the data passes unchanged.
    #[aliases("_npx_sequence_mask")]
    pub struct SequenceMask("SequenceMask") {
        inputs { data: "The sequences.", sequence_length: "The length of every sequence." }
        params {
            /// Take the lengths as second input.
            use_sequence_length: bool = false,
            /// What the overwritten elements become.
            value: f32 = 0.0,
            /// The time axis: 0 or 1.
            axis: i32 = 0,
        }
    }
}

operator! {
    /// Takes the last step of every sequence.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (time, batch, …), or (batch, time, …) with `axis=1` | any |
    /// | sequence_length, with `use_sequence_length` | (batch,) | any |
    /// | output | (batch, …) | that of data |
    ///
    /// Without lengths every sequence lasts until the end. A length of 0 is refused when the operator runs.
    pub struct SequenceLast("SequenceLast") {
        inputs { data: "The sequences.", sequence_length: "The length of every sequence." }
        params {
            /// Take the lengths as second input.
            use_sequence_length: bool = false,
            /// The time axis: 0 or 1.
            axis: i32 = 0,
        }
    }
}

operator! {
    /// Reverses every sequence in time and leaves what lies behind its end in place.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (time, batch, …), or (batch, time, …) with `axis=1` | any |
    /// | sequence_length, with `use_sequence_length` | (batch,) | any |
    /// | output | that of data | that of data |
    ///
    /// Without lengths every sequence lasts until the end. MXNet takes `axis=0` alone.
    pub struct SequenceReverse("SequenceReverse") {
        inputs { data: "The sequences.", sequence_length: "The length of every sequence." }
        params {
            /// Take the lengths as second input.
            use_sequence_length: bool = false,
            /// The time axis: 0 or 1.
            axis: i32 = 0,
        }
    }
}

operator! {
    /// Gradient of `SequenceLast`.
    #[hidden(true)]
    pub struct SequenceLastBackward("_backward_SequenceLast") {
        inputs {
            ograd: "Gradient of the output.",
            data: "The sequences, for their shape.",
            sequence_length: "The length of every sequence.",
        }
        params {
            /// As in `SequenceLast`.
            use_sequence_length: bool,
            /// As in `SequenceLast`.
            axis: i32,
        }
    }
}

/// The layout of data of shape `dims`.
fn layout(dims: &Shape, axis: i32) -> Sequences {
    let batch_first = axis == 1;
    let (time, batch) = if batch_first { (dims[1], dims[0]) } else { (dims[0], dims[1]) };
    Sequences { time, batch, inner: dims.product(2..), batch_first }
}

/// The lengths, the whole time without an input for them.
fn lengths(input: Option<&Tensor>, layout: Sequences) -> OpResult<Vec<i64>> {
    match input {
        None => Ok(vec![layout.time as i64; layout.batch]),
        Some(input) => Ok(dispatch!(input.dtype(), T => input.slice::<T>()?.iter().map(|l| l.to_i64()).collect())),
    }
}

/// Checks the axes of data and completes the lengths. Returns the batch and the dimensions behind it, if known.
fn infer_lengths(io: &mut ShapeIo, axis: i32, length: Option<usize>) -> OpResult<Option<Vec<Option<usize>>>> {
    if !(0..2).contains(&axis) {
        return Err(OpError::invalid(format!("axis must be 0 or 1, got {axis}")));
    }
    let Some(dims) = io.inputs[0].dims() else { return Ok(None) };
    if dims.len() < 2 {
        return Err(OpError::invalid(format!("data must have a time and a batch axis, got {} dimensions", dims.len())));
    }
    let batch = dims[1 - axis as usize];
    if let Some(input) = length {
        io.set_input(input, PartialShape::partial([batch]))?;
    }
    Ok(Some(std::iter::once(batch).chain(dims[2..].iter().copied()).collect()))
}

/// Data and output have one type; the lengths take it over only if they have none.
fn infer_types(io: &mut TypeIo) -> OpResult {
    io.unify(&[0], &[0])?;
    let data = io.inputs[0];
    if let Some(length) = io.inputs.get_mut(1) {
        *length = length.or(data);
    }
    Ok(())
}

macro_rules! sequence {
    ($op:ident, $infer:expr, $run:ident, $self:ident, $g:ident => $gradient:expr) => {
        impl Operator for $op {
            fn inputs(&self) -> Names {
                if self.use_sequence_length { names!["data", "sequence_length"] } else { names!["data"] }
            }

            fn num_inputs(&self) -> usize {
                if self.use_sequence_length { 2 } else { 1 }
            }

            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                let step = infer_lengths(io, self.axis, self.use_sequence_length.then_some(1))?;
                $infer(io, step)
            }

            fn infer_type(&self, io: &mut TypeIo) -> OpResult {
                infer_types(io)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let layout = layout(io.inputs[0].shape(), self.axis);
                let lengths = lengths(io.inputs.get(1), layout)?;
                let (data, out) = io.pair(0, 0);
                dispatch!(out.dtype(), T => self.$run::<T>(data, layout, &lengths, out))
            }

            fn gradient(&$self, $g: &mut Grad) -> GraphResult {
                $gradient
            }
        }
    };
}

fn like_data(io: &mut ShapeIo, _: Option<Vec<Option<usize>>>) -> OpResult {
    io.unify([Port::Input(0), Port::Output(0)])
}

fn one_step(io: &mut ShapeIo, step: Option<Vec<Option<usize>>>) -> OpResult {
    step.map_or(Ok(()), |dims| io.set_output(0, PartialShape::partial(dims)))
}

/// The gradient at output 0, and the lengths if there are some.
fn head_and_lengths(g: &mut Grad) -> GraphResult<Vec<Entry>> {
    let mut inputs = vec![g.head(0)?];
    inputs.extend((1..g.num_inputs()).map(|i| g.input(i)));
    Ok(inputs)
}

sequence!(SequenceMask, like_data, mask, self, g => {
    let inputs = head_and_lengths(g)?;
    let gradient = g.apply(SequenceMask { value: 0.0, ..self.clone() }, &inputs);
    g.set(0, gradient);
    Ok(())
});

sequence!(SequenceReverse, like_data, reverse, self, g => {
    let inputs = head_and_lengths(g)?;
    let gradient = g.apply(self.clone(), &inputs);
    g.set(0, gradient);
    Ok(())
});

sequence!(SequenceLast, one_step, last, self, g => {
    let mut inputs = head_and_lengths(g)?;
    inputs.insert(1, g.input(0));
    let op = SequenceLastBackward { use_sequence_length: self.use_sequence_length, axis: self.axis };
    let gradient = g.apply(op, &inputs);
    g.set(0, gradient);
    Ok(())
});

impl SequenceMask {
    fn mask<T: Element>(&self, data: &Tensor, layout: Sequences, lengths: &[i64], out: &mut Tensor) -> OpResult {
        sequence_mask(data.slice::<T>()?, layout, lengths, T::from_f64(self.value as f64), out.slice_mut()?);
        Ok(())
    }
}

impl SequenceReverse {
    fn reverse<T: Element>(&self, data: &Tensor, layout: Sequences, lengths: &[i64], out: &mut Tensor) -> OpResult {
        sequence_reverse(data.slice::<T>()?, layout, lengths, out.slice_mut()?);
        Ok(())
    }
}

fn steps(lengths: &[i64], layout: Sequences) -> OpResult<Vec<usize>> {
    last_steps(lengths, layout.time).map_err(|e| {
        let text = format!("sequence {} has length {}: expected 1 to {}", e.position, e.value + 1, layout.time);
        OpError::invalid(text)
    })
}

impl SequenceLast {
    fn last<T: Element>(&self, data: &Tensor, layout: Sequences, lengths: &[i64], out: &mut Tensor) -> OpResult {
        sequence_step(data.slice::<T>()?, layout, &steps(lengths, layout)?, out.slice_mut()?);
        Ok(())
    }
}

impl Operator for SequenceLastBackward {
    fn inputs(&self) -> Names {
        if self.use_sequence_length { names!["ograd", "data", "sequence_length"] } else { names!["ograd", "data"] }
    }

    fn num_inputs(&self) -> usize {
        if self.use_sequence_length { 3 } else { 2 }
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0, 1], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let layout = layout(io.outputs[0].shape(), self.axis);
        let steps = steps(&lengths(io.inputs.get(2), layout)?, layout)?;
        let (ograd, out) = io.pair(0, 0);
        dispatch!(out.dtype(), T => {
            sequence_step_backward(ograd.slice::<T>()?, layout, &steps, out.slice_mut()?);
            Ok(())
        })
    }

    fn reads(&self, input: usize) -> bool {
        input != 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient_at, infer, run, run_with, sample, t32};
    use rsym_tensor::DType;

    fn data() -> Tensor {
        t32([3, 2, 2], &(0..12).map(|i| i as f32).collect::<Vec<_>>())
    }

    fn lens() -> Tensor {
        Tensor::from_slice([2], &[1i32, 2]).unwrap()
    }

    fn mask(axis: i32) -> SequenceMask {
        SequenceMask { use_sequence_length: true, value: -1.0, axis }
    }

    #[test]
    fn values_are_those_of_mxnet() {
        let masked = run(&mask(0), &[data(), lens()]).remove(0).to_f64_vec();
        assert_eq!(masked, [0.0, 1.0, 2.0, 3.0, -1.0, -1.0, 6.0, 7.0, -1.0, -1.0, -1.0, -1.0]);
        let last = SequenceLast { use_sequence_length: true, axis: 0 };
        assert_eq!(run(&last, &[data(), lens()])[0].to_f64_vec(), [0.0, 1.0, 6.0, 7.0]);
        let reverse = SequenceReverse { use_sequence_length: true, axis: 0 };
        let reversed = run(&reverse, &[data(), lens()]).remove(0).to_f64_vec();
        assert_eq!(reversed, [0.0, 1.0, 6.0, 7.0, 4.0, 5.0, 2.0, 3.0, 8.0, 9.0, 10.0, 11.0]);
        let rows = t32([2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(run(&mask(1), &[rows, lens()])[0].to_f64_vec(), [0.0, -1.0, -1.0, 3.0, 4.0, -1.0]);
    }

    #[test]
    fn without_lengths_sequences_last_until_the_end() {
        let last = SequenceLast { use_sequence_length: false, axis: 0 };
        assert_eq!(run(&last, &[data()])[0].to_f64_vec(), [8.0, 9.0, 10.0, 11.0]);
        let reverse = SequenceReverse { use_sequence_length: false, axis: 0 };
        assert_eq!(run(&reverse, &[data()])[0].to_f64_vec()[..4], [8.0, 9.0, 10.0, 11.0]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        for axis in [0, 1] {
            let shape = if axis == 0 { [3, 2, 2] } else { [2, 3, 2] };
            let inputs = [sample(&shape.into(), DType::Float64, 1), lens()];
            check_gradient_at(&mask(axis), &inputs);
            check_gradient_at(&SequenceLast { use_sequence_length: true, axis }, &inputs);
            check_gradient_at(&SequenceReverse { use_sequence_length: true, axis }, &inputs);
        }
    }

    #[test]
    fn shapes_are_those_of_mxnet() {
        let last = SequenceLast { use_sequence_length: true, axis: 0 };
        assert_eq!(infer(&last, &[&[2, 3], &[]], &[]).unwrap()[1..], [[3], [3]]);
        assert!(infer(&mask(2), &[&[2, 3, 4], &[]], &[]).is_err());
        assert!(infer(&mask(0), &[&[2], &[]], &[]).is_err());
        let zero = Tensor::from_slice([2], &[0i32, 2]).unwrap();
        assert!(run_with(&last, &[data(), zero], &Ctx::default()).is_err());
    }
}
