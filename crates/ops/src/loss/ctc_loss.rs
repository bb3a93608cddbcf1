//! `CTCLoss`: connectionist temporal classification (A. Graves et al., 2006).
//!
//! The loss is -log of the sum, over all sequences of one class per step that become the label when repetitions are joined
//! and blanks left out, of the product of their softmax probabilities.

use crate::index::positions::whole_numbers;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::broadcast::broadcast;
use rsym_kernels::ctc::{CtcGeometry, Labels, ctc};
use rsym_kernels::elementwise::Operand;
use rsym_tensor::{Float, PartialShape, dispatch_float};
use std::borrow::Cow;

enum_param! {
    /// Which class is the blank.
    pub enum BlankLabel {
        First = "first",
        Last = "last",
    }
}

operator! {
    /// Connectionist temporal classification: the negative log-likelihood of label sequences that are not aligned with the
    /// data.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (steps, batch, classes): scores before a softmax | float |
    /// | label | (batch, most labels), at most `steps` | any; fractions are cut off |
    /// | data_lengths | (batch,), only with `use_data_lengths` | any |
    /// | label_lengths | (batch,), only with `use_label_lengths` | any |
    /// | output | (batch,) | that of data |
    ///
    /// One class is the *blank*: 0 with `blank_label='first'`, else the last one. Labels are numbers of classes. Without
    /// `use_label_lengths` they end at the first 0 (`'first'`) or -1 (`'last'`).
    ///
    /// The gradient is the softmax of the data minus the probability, given the label, of each class at each step; behind the
    /// end of a sequence it is 0, and the data there is not read. A sequence that is too short for its label costs 0 with a
    /// gradient of 0, which MXNet leaves undefined. Labels that are no class are an error.
    ///
    /// Source: Graves et al., Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with Recurrent
    /// Neural Networks (2006).
    #[aliases("_contrib_CTCLoss", "_contrib_ctc_loss", "ctc_loss")]
    pub struct CtcLoss("CTCLoss") {
        inputs {
            data: "Scores of the classes at every step.",
            label: "The classes to be found.",
            data_lengths: "Steps of each sequence.",
            label_lengths: "Labels of each sequence.",
        }
        params {
            /// Whether `data_lengths` says where sequences end; else all have the full length.
            use_data_lengths: bool = false,
            /// Whether `label_lengths` says where labels end; else a padding value does.
            use_label_lengths: bool = false,
            /// Which class stands for no label.
            blank_label: BlankLabel = BlankLabel::First,
        }
    }
}

operator! {
    /// Gradient of `CTCLoss` for data.
    #[hidden(true)]
    pub struct CtcLossBackward("_backward_ctc_loss") {
        inputs { ograd: "Gradient of the output.", slope: "Second output of the forward operator." }
        params {}
    }
}

impl Operator for CtcLoss {
    fn inputs(&self) -> Names {
        let all = [true, true, self.use_data_lengths, self.use_label_lengths];
        let names = ["data", "label", "data_lengths", "label_lengths"];
        names.into_iter().zip(all).filter(|(_, has)| *has).map(|(name, _)| Cow::Borrowed(name)).collect()
    }

    fn num_inputs(&self) -> usize {
        2 + self.use_data_lengths as usize + self.use_label_lengths as usize
    }

    fn num_outputs(&self) -> usize {
        2
    }

    fn num_visible(&self) -> usize {
        1
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.set_input(0, PartialShape::of_rank(3))?;
        io.set_input(1, PartialShape::of_rank(2))?;
        let batch = io.inputs[0].dim(1).or(io.inputs[1].dim(0)).or(io.outputs[0].dim(0));
        io.set_input(0, PartialShape::partial([None, batch, None]))?;
        io.set_input(1, PartialShape::partial([batch, None]))?;
        (2..io.inputs.len()).try_for_each(|i| io.set_input(i, PartialShape::partial([batch])))?;
        if let (Some(steps), Some(most)) = (io.inputs[0].dim(0), io.inputs[1].dim(1))
            && most > steps
        {
            return Err(OpError::invalid(format!("label has {most} columns, more than the {steps} steps of data")));
        }
        io.set_output(0, PartialShape::partial([batch]))?;
        io.unify([Port::Input(0), Port::Output(1)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0, 1])?;
        let Some(dtype) = io.inputs[0] else { return Ok(()) };
        (1..io.inputs.len()).filter(|&i| io.inputs[i].is_none()).collect::<Vec<_>>().into_iter().try_for_each(|i| io.set_input(i, dtype))
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.output(1)];
        let gradient = g.apply(CtcLossBackward {}, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn labels(&self) -> &'static [usize] {
        &[1]
    }
}

impl CtcLoss {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let dims = io.inputs[0].shape();
        let blank = if self.blank_label == BlankLabel::First { 0 } else { dims[2].saturating_sub(1) };
        let g = CtcGeometry { steps: dims[0], batch: dims[1], classes: dims[2], blank };
        let labels = self.read_labels(io, g)?;
        let [cost, gradient] = io.outputs else { return Err(OpError::invalid("there must be two outputs")) };
        ctc::<T>(g, io.inputs[0].slice()?, &labels, cost.slice_mut()?, gradient.slice_mut()?);
        Ok(())
    }

    fn read_labels(&self, io: &Io, g: CtcGeometry) -> OpResult<Vec<Labels>> {
        let most = io.inputs[1].shape()[1];
        let given = whole_numbers(&io.inputs[1])?;
        let lengths = |used: bool, at: usize| used.then(|| whole_numbers(&io.inputs[at])).transpose();
        let steps = lengths(self.use_data_lengths, 2)?;
        let counts = lengths(self.use_label_lengths, 2 + self.use_data_lengths as usize)?;
        let padding = if self.blank_label == BlankLabel::First { 0 } else { -1 };
        (0..g.batch)
            .map(|b| {
                let row = &given[b * most..][..most];
                let end = row.iter().position(|&label| label == padding).unwrap_or(most);
                let count = counts.as_ref().map_or(Ok(end), |c| length("label_lengths", c[b], most))?;
                let steps = steps.as_ref().map_or(Ok(g.steps), |s| length("data_lengths", s[b], g.steps))?;
                let classes = row[..count].iter().map(|&label| class(label, g.classes)).collect::<OpResult<_>>()?;
                Ok(Labels { steps, classes })
            })
            .collect()
    }
}

fn length(what: &str, value: i64, most: usize) -> OpResult<usize> {
    usize::try_from(value)
        .ok()
        .filter(|v| *v <= most)
        .ok_or_else(|| OpError::invalid(format!("{what} must be between 0 and {most}, got {value}")))
}

fn class(label: i64, classes: usize) -> OpResult<usize> {
    usize::try_from(label)
        .ok()
        .filter(|v| *v < classes)
        .ok_or_else(|| OpError::invalid(format!("label {label} is none of the {classes} classes")))
}

impl Operator for CtcLossBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        fn run<T: Float>(io: &mut Io) -> OpResult {
            let (head, dims) = (io.inputs[0].slice::<T>()?, io.inputs[1].shape());
            let slope = (Operand::Slice(io.inputs[1].slice::<T>()?), &dims[..]);
            let times = |x: T, h: T| T::narrow(x.widen() * h.widen());
            let across = [1, dims[1], 1];
            broadcast(slope, (Operand::Slice(head), &across[..]), (io.outputs[0].slice_mut()?, dims), times);
            Ok(())
        }
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, infer, run, run_with, sample, t32};
    use rsym_tensor::{DType, Tensor};

    fn op(data: bool, label: bool, blank_label: BlankLabel) -> CtcLoss {
        CtcLoss { use_data_lengths: data, use_label_lengths: label, blank_label }
    }

    fn data() -> Tensor {
        sample(&[6, 2, 4].into(), DType::Float32, 3)
    }

    #[test]
    fn the_blank_may_be_first_or_last() {
        let first = run(&op(false, false, BlankLabel::First), &[data(), t32([2, 3], &[1.0, 3.0, 0.0, 2.0, 0.0, 1.0])]);
        let mut turned = vec![0f32; 48];
        for (row, from) in turned.chunks_mut(4).zip(data().slice::<f32>().unwrap().chunks(4)) {
            row.copy_from_slice(&[from[1], from[2], from[3], from[0]]);
        }
        let labels = t32([2, 3], &[0.0, 2.0, -1.0, 1.0, -1.0, 0.0]);
        let last = run(&op(false, false, BlankLabel::Last), &[t32([6, 2, 4], &turned), labels]);
        assert_close(&last[0], &first[0].to_f64_vec());
    }

    #[test]
    fn lengths_replace_the_padding() {
        let labels = t32([2, 3], &[1.0, 3.0, 2.0, 2.0, 1.0, 1.0]);
        let (steps, counts) = (t32([2], &[6.0, 4.0]), t32([2], &[2.0, 1.0]));
        let lengths = op(true, true, BlankLabel::First);
        let inputs = [data(), labels, steps, counts];
        let found = run(&lengths, &inputs);
        let padded = t32([2, 3], &[1.0, 3.0, 0.0, 2.0, 0.0, 0.0]);
        let all = run(&op(false, false, BlankLabel::First), &[data(), padded.clone()]);
        assert_eq!(found[0].to_f64_vec()[0], all[0].to_f64_vec()[0]);
        let short = run(&op(false, false, BlankLabel::First), &[data().rows(0, 4).unwrap(), padded]);
        assert_eq!(found[0].to_f64_vec()[1], short[0].to_f64_vec()[1]);
        let head = t32([2], &[2.0, -1.0]);
        let gradient = backward(&lengths, &inputs, &[Some(head)]).remove(0).unwrap();
        let want: Vec<f64> = found[1].to_f64_vec().iter().enumerate().map(|(i, v)| v * [2.0, -1.0][i / 4 % 2]).collect();
        assert_close(&gradient, &want);
    }

    #[test]
    fn bad_labels_and_lengths_are_refused() {
        let refused = |inputs: &[Tensor], op: CtcLoss| run_with(&op, inputs, &Ctx::default()).unwrap_err().to_string();
        let plain = op(false, false, BlankLabel::First);
        assert!(refused(&[data(), t32([2, 1], &[4.0, 1.0])], plain).contains("label 4 is none of the 4 classes"));
        let inputs = [data(), t32([2, 1], &[1.0, 1.0]), t32([2], &[7.0, 1.0])];
        assert!(refused(&inputs, op(true, false, BlankLabel::First)).contains("data_lengths must be between 0 and 6"));
    }

    #[test]
    fn shapes_are_inferred_from_the_batch() {
        let op = op(true, true, BlankLabel::First);
        let found = infer(&op, &[&[5, 2, 3], &[0, 4], &[], &[]], &[]).unwrap();
        assert_eq!(found, [vec![5, 2, 3], vec![2, 4], vec![2], vec![2], vec![2], vec![5, 2, 3]]);
        assert!(infer(&op, &[&[3, 2, 3], &[2, 4], &[], &[]], &[]).is_err());
    }
}
