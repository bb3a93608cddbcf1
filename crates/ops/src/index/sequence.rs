//! `SequenceMask`, `SequenceLast` and `SequenceReverse`: batches of sequences of unequal length.

use super::positions::{outside, whole_numbers};
use rsym_graph::*;
use rsym_kernels::sequence::{self, Sequences};
use rsym_tensor::{Element, PartialShape, Shape, dispatch};

operator! {
    /// Replaces everything after the end of each sequence by a value.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (time, batch, …), or (batch, time, …) with `axis` 1 | any |
    /// | sequence_length | (batch,); absent without `use_sequence_length` | any; fractions are cut off |
    /// | output | that of data | that of data |
    ///
    /// Without `use_sequence_length` the input is handed on. The gradient of the lengths is zero.
    #[aliases("_npx_sequence_mask")]
    pub struct SequenceMask("SequenceMask") {
        inputs { data: "The sequences.", sequence_length: "Steps of each sequence." }
        params {
            /// Whether the sequences have lengths of their own.
            use_sequence_length: bool = false,
            /// What comes after the end.
            value: f32 = 0.0,
            /// The axis of time: 0 or 1.
            axis: i32 = 0,
        }
    }
}

operator! {
    /// Takes the last step of each sequence.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (time, batch, …), or (batch, time, …) with `axis` 1 | any |
    /// | sequence_length | (batch,); absent without `use_sequence_length` | any; fractions are cut off |
    /// | output | (batch, …) | that of data |
    ///
    /// A length outside of 1..=time is an error. The gradient of the lengths is zero.
    pub struct SequenceLast("SequenceLast") {
        inputs { data: "The sequences.", sequence_length: "Steps of each sequence." }
        params {
            /// Whether the sequences have lengths of their own; else all have the full length.
            use_sequence_length: bool = false,
            /// The axis of time: 0 or 1.
            axis: i32 = 0,
        }
    }
}

operator! {
    /// The gradient of `SequenceLast`.
    #[hidden(true)]
    pub struct SequenceLastBackward("_backward_SequenceLast") {
        inputs {
            ograd: "Gradient of the output.",
            data: "Has the shape; its values are not read.",
            sequence_length: "Steps of each sequence.",
        }
        params {
            /// As in `SequenceLast`.
            use_sequence_length: bool = false,
            /// As in `SequenceLast`.
            axis: i32 = 0,
        }
    }
}

operator! {
    /// Reverses the order of the steps of each sequence; what lies after its end stays.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (time, batch, …) | any |
    /// | sequence_length | (batch,); absent without `use_sequence_length` | any; fractions are cut off |
    /// | output | that of data | that of data |
    ///
    /// The gradient of the lengths is zero.
    pub struct SequenceReverse("SequenceReverse") {
        inputs { data: "The sequences.", sequence_length: "Steps of each sequence." }
        params {
            /// Whether the sequences have lengths of their own; else all have the full length.
            use_sequence_length: bool = false,
            /// The axis of time: only 0.
            axis: i32 = 0,
        }
    }
}

/// Checks the axis, and lets data tell the number of lengths.
fn infer_batch(io: &mut ShapeIo, data: usize, axis: i32, axes: i32) -> OpResult {
    if !(0..axes).contains(&axis) {
        return Err(OpError::invalid(format!("axis must be below {axes} and not negative, got {axis}")));
    }
    if let Some(rank @ 0..2) = io.inputs[data].rank() {
        return Err(OpError::invalid(format!("data must have at least two dimensions, got {rank}")));
    }
    let batch = io.inputs[data].dim(1 - axis as usize);
    if io.inputs.len() > data + 1 { io.set_input(data + 1, PartialShape::partial([batch])) } else { Ok(()) }
}

fn layout(dims: &Shape, axis: i32) -> Sequences {
    let (time, batch) = if axis == 0 { (dims[0], dims[1]) } else { (dims[1], dims[0]) };
    Sequences { time, batch, inner: dims[2..].iter().product(), batch_first: axis == 1 }
}

/// The lengths in input `at`, or the full length for all.
fn lengths(io: &Io, at: usize, layout: Sequences) -> OpResult<Vec<i64>> {
    io.inputs.get(at).map_or_else(|| Ok(vec![layout.time as i64; layout.batch]), whole_numbers)
}

macro_rules! sequence_inputs {
    () => {
        fn inputs(&self) -> Names {
            if self.use_sequence_length { names!["data", "sequence_length"] } else { names!["data"] }
        }

        fn num_inputs(&self) -> usize {
            if self.use_sequence_length { 2 } else { 1 }
        }

        fn infer_type(&self, io: &mut TypeIo) -> OpResult {
            io.unify(&[0], &[0])?;
            // Lengths may be of any type; that of the data, if nobody says which.
            if let Some(length) = io.inputs.get(1).copied() {
                io.inputs[1] = length.or(io.inputs[0]);
            }
            Ok(())
        }
    };
}

/// The gradient by the operator itself, from the head and the lengths.
fn by_itself(g: &mut Grad, op: impl Operator, lengths: bool) -> GraphResult {
    let mut inputs = vec![g.head(0)?];
    inputs.extend(lengths.then(|| g.input(1)));
    let gradient = g.apply(op, &inputs);
    g.set(0, gradient);
    Ok(())
}

impl Operator for SequenceMask {
    sequence_inputs!();

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        infer_batch(io, 0, self.axis, 2)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let layout = layout(io.inputs[0].shape(), self.axis);
        let lengths = lengths(io, 1, layout)?;
        let (data, out) = io.pair(0, 0);
        dispatch!(out.dtype(), T => {
            let value = T::from_f64(self.value as f64);
            sequence::sequence_mask(data.slice::<T>()?, layout, &lengths, value, out.slice_mut::<T>()?)
        });
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        by_itself(g, SequenceMask { value: 0.0, ..self.clone() }, self.use_sequence_length)
    }
}

impl Operator for SequenceReverse {
    sequence_inputs!();

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        infer_batch(io, 0, self.axis, 1)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let layout = layout(io.inputs[0].shape(), self.axis);
        let lengths = lengths(io, 1, layout)?;
        let (data, out) = io.pair(0, 0);
        dispatch!(out.dtype(), T => {
            sequence::sequence_reverse(data.slice::<T>()?, layout, &lengths, out.slice_mut::<T>()?)
        });
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        by_itself(g, self.clone(), self.use_sequence_length)
    }
}

impl Operator for SequenceLast {
    sequence_inputs!();

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        infer_batch(io, 0, self.axis, 2)?;
        let Some(mut dims) = io.inputs[0].dims() else { return Ok(()) };
        dims.remove(self.axis as usize);
        io.set_output(0, PartialShape::partial(dims))?;
        let Some(mut dims) = io.outputs[0].dims() else { return Ok(()) };
        dims.insert(self.axis as usize, None);
        io.set_input(0, PartialShape::partial(dims))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let layout = layout(io.inputs[0].shape(), self.axis);
        let steps = sequence::last_steps(&lengths(io, 1, layout)?, layout.time).map_err(outside)?;
        let (data, out) = io.pair(0, 0);
        dispatch!(out.dtype(), T => {
            sequence::sequence_step(data.slice::<T>()?, layout, &steps, out.slice_mut::<T>()?)
        });
        Ok(())
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let mut inputs = vec![g.head(0)?, g.input(0)];
        inputs.extend(self.use_sequence_length.then(|| g.input(1)));
        let op = SequenceLastBackward { use_sequence_length: self.use_sequence_length, axis: self.axis };
        let gradient = g.apply(op, &inputs);
        g.set(0, gradient);
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
        let steps = sequence::last_steps(&lengths(io, 2, layout)?, layout.time).map_err(outside)?;
        let (head, out) = io.pair(0, 0);
        dispatch!(out.dtype(), T => {
            sequence::sequence_step_backward(head.slice::<T>()?, layout, &steps, out.slice_mut::<T>()?)
        });
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        input != 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient_at, infer, run, run_with, sample, t32};
    use rsym_tensor::{DType, Tensor};

    fn mask(value: f32, axis: i32) -> SequenceMask {
        SequenceMask { use_sequence_length: true, value, axis }
    }

    fn last(axis: i32) -> SequenceLast {
        SequenceLast { use_sequence_length: true, axis }
    }

    #[test]
    fn steps_after_the_end_are_told_apart() {
        let x = t32([3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let lengths = Tensor::from_slice([2], &[1i64, 3]).unwrap();
        let both = [x.clone(), lengths.clone()];
        assert_eq!(run(&mask(-1.0, 0), &both)[0].to_f64_vec(), [1.0, 2.0, -1.0, 4.0, -1.0, 6.0]);
        assert_eq!(run(&last(0), &both)[0].to_f64_vec(), [1.0, 6.0]);
        let reverse = SequenceReverse { use_sequence_length: true, axis: 0 };
        assert_eq!(run(&reverse, &both)[0].to_f64_vec(), [1.0, 6.0, 3.0, 4.0, 5.0, 2.0]);
        let plain = SequenceLast { use_sequence_length: false, axis: 1 };
        assert_eq!(run(&plain, &both[..1])[0].to_f64_vec(), [2.0, 4.0, 6.0]);
        let zero = Tensor::from_slice([2], &[0i64, 3]).unwrap();
        assert!(run_with(&last(0), &[x, zero], &Ctx::default()).is_err());
    }

    #[test]
    fn data_tells_the_number_of_lengths() {
        assert_eq!(infer(&mask(0.0, 1), &[&[3, 4], &[]], &[]).unwrap()[1], [3]);
        assert_eq!(infer(&last(0), &[&[0, 0, 5], &[]], &[&[2, 5]]).unwrap(), [vec![0, 2, 5], vec![2], vec![2, 5]]);
        assert!(infer(&mask(0.0, 2), &[&[3, 4], &[]], &[]).is_err());
        assert!(infer(&mask(0.0, 0), &[&[4, 3], &[2]], &[]).is_err());
        assert!(infer(&last(0), &[&[4], &[]], &[]).is_err());
        let reverse = SequenceReverse { use_sequence_length: false, axis: 1 };
        assert!(infer(&reverse, &[&[4, 3]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        let x = sample(&[3, 2, 2].into(), DType::Float64, 3);
        let lengths = Tensor::from_slice([2], &[1i32, 3]).unwrap();
        check_gradient_at(&mask(5.0, 0), &[x.clone(), lengths.clone()]);
        check_gradient_at(&last(0), &[x.clone(), lengths.clone()]);
        check_gradient_at(&SequenceReverse { use_sequence_length: true, axis: 0 }, &[x.clone(), lengths]);
        check_gradient_at(&SequenceLast { use_sequence_length: false, axis: 1 }, &[x]);
    }
}
