//! Batches of sequences of unequal length.

use crate::index::IndexError;
use crate::parallel::for_rows;
use rsym_tensor::Element;

/// The layout of a batch of sequences: (time, batch, inner), or (batch, time, inner) with `batch_first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequences {
    /// Steps of the longest sequence.
    pub time: usize,
    /// Number of sequences.
    pub batch: usize,
    /// Elements of one step of one sequence.
    pub inner: usize,
    /// Whether the batch is the outermost axis.
    pub batch_first: bool,
}

impl Sequences {
    /// The step and the sequence of row number `row`.
    fn locate(&self, row: usize) -> (usize, usize) {
        if self.batch_first { (row % self.time, row / self.time) } else { (row / self.batch, row % self.batch) }
    }

    fn row(&self, step: usize, sequence: usize) -> usize {
        if self.batch_first { sequence * self.time + step } else { step * self.batch + sequence }
    }

    fn check(&self, data: usize, lengths: usize) {
        assert_eq!((data, lengths), (self.time * self.batch * self.inner, self.batch), "sequences: lengths");
    }
}

/// Copies `src`, with `value` for every step from `lengths[sequence]` on.
pub fn sequence_mask<T: Element>(src: &[T], layout: Sequences, lengths: &[i64], value: T, out: &mut [T]) {
    layout.check(src.len(), lengths.len());
    for_rows(out, layout.inner, layout.inner, |row, out| {
        let (step, sequence) = layout.locate(row);
        match (step as i64) < lengths[sequence] {
            true => out.copy_from_slice(&src[row * layout.inner..][..layout.inner]),
            false => out.fill(value),
        }
    });
}

/// Reverses the first `lengths[sequence]` steps of every sequence and copies the others. It is its own inverse and its own
/// gradient.
pub fn sequence_reverse<T: Element>(src: &[T], layout: Sequences, lengths: &[i64], out: &mut [T]) {
    layout.check(src.len(), lengths.len());
    for_rows(out, layout.inner, layout.inner, |row, out| {
        let (step, sequence) = layout.locate(row);
        let length = lengths[sequence].clamp(0, layout.time as i64) as usize;
        let from = layout.row(if step < length { length - 1 - step } else { step }, sequence);
        out.copy_from_slice(&src[from * layout.inner..][..layout.inner]);
    });
}

/// The last step of every sequence; a length outside of 1..=time is an error.
pub fn last_steps(lengths: &[i64], time: usize) -> Result<Vec<usize>, IndexError> {
    let step = |(position, &length): (usize, &i64)| {
        let inside = (1..=time as i64).contains(&length);
        if inside { Ok(length as usize - 1) } else { Err(IndexError { value: length - 1, position, bound: time }) }
    };
    lengths.iter().enumerate().map(step).collect()
}

/// The step `steps[sequence]` of every sequence: `out` has shape (batch, inner).
pub fn sequence_step<T: Element>(src: &[T], layout: Sequences, steps: &[usize], out: &mut [T]) {
    layout.check(src.len(), steps.len());
    for_rows(out, layout.inner, layout.inner, |sequence, out| {
        let from = layout.row(steps[sequence], sequence);
        out.copy_from_slice(&src[from * layout.inner..][..layout.inner]);
    });
}

/// Gradient of [`sequence_step`].
pub fn sequence_step_backward<T: Element>(grad: &[T], layout: Sequences, steps: &[usize], out: &mut [T]) {
    layout.check(out.len(), steps.len());
    for_rows(out, layout.inner, layout.inner, |row, out| {
        let (step, sequence) = layout.locate(row);
        match step == steps[sequence] {
            true => out.copy_from_slice(&grad[sequence * layout.inner..][..layout.inner]),
            false => out.fill(T::default()),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Sequences = Sequences { time: 3, batch: 2, inner: 2, batch_first: false };
    const BATCH: Sequences = Sequences { batch_first: true, ..TIME };
    const DATA: [i32; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

    fn run(f: impl Fn(&mut [i32])) -> Vec<i32> {
        let mut out = vec![99; 12];
        f(&mut out);
        out
    }

    // MXNet 1.9.1: SequenceMask, SequenceReverse and SequenceLast of arange(12).
    #[test]
    fn values_of_mxnet() {
        let masked = run(|out| sequence_mask(&DATA, BATCH, &[1, 0], -1, out));
        assert_eq!(masked, [0, 1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]);
        let reversed = run(|out| sequence_reverse(&DATA, TIME, &[2, 3], out));
        assert_eq!(reversed, [4, 5, 10, 11, 0, 1, 6, 7, 8, 9, 2, 3]);
        let mut last = [0; 4];
        sequence_step(&DATA, TIME, &last_steps(&[2, 3], 3).unwrap(), &mut last);
        assert_eq!(last, [4, 5, 10, 11]);
        sequence_step(&DATA, BATCH, &last_steps(&[2, 3], 3).unwrap(), &mut last);
        assert_eq!(last, [2, 3, 10, 11]);
    }

    #[test]
    fn lengths_beyond_the_end_mean_all() {
        assert_eq!(run(|out| sequence_mask(&DATA, TIME, &[5, 3], -1, out)), DATA);
        let all = run(|out| sequence_reverse(&DATA, TIME, &[9, 3], out));
        assert_eq!(all, [8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3]);
        assert_eq!(run(|out| sequence_reverse(&DATA, TIME, &[0, -1], out)), DATA);
    }

    #[test]
    fn an_empty_sequence_has_no_last_step() {
        assert_eq!(last_steps(&[1, 0], 3).unwrap_err(), IndexError { value: -1, position: 1, bound: 3 });
        assert!(last_steps(&[4], 3).is_err());
    }

    #[test]
    fn gradients_return_to_their_step() {
        let back = run(|out| sequence_step_backward(&[7, 8, 9, 6], TIME, &[1, 2], out));
        assert_eq!(back, [0, 0, 0, 0, 7, 8, 0, 0, 0, 0, 9, 6]);
        let back = run(|out| sequence_step_backward(&[7, 8, 9, 6], BATCH, &[1, 2], out));
        assert_eq!(back, [0, 0, 7, 8, 0, 0, 0, 0, 0, 0, 9, 6]);
    }
}
