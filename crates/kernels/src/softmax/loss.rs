//! The gradient of the cross entropy of a softmax, taken with respect to the data in front of the softmax.

use crate::cores::cores;
use crate::layout::{AxisDims, as_rows, write_rows};
use crate::parallel::{for_elements, for_rows};
use crate::real::{Real, real, wide, with_wide_out};
use rsym_tensor::Float;

/// By what the gradient of a loss is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalization {
    /// By the number of positions of a sample.
    Null,
    /// By the number of samples times that of positions.
    Batch,
    /// By the number of labels that are not the ignored one, at least 1.
    Valid,
}

/// How labels become a gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftmaxLoss {
    /// Factor of the gradient.
    pub grad_scale: f64,
    /// The label to ignore.
    pub ignore_label: f64,
    /// Whether samples with that label have no gradient.
    pub use_ignore: bool,
    /// The divisor.
    pub normalization: Normalization,
    /// Share of the label's probability that goes to the other classes in equal parts.
    pub smooth_alpha: f64,
}

impl SoftmaxLoss {
    fn scale(&self, dims: AxisDims, label: &[i64]) -> f64 {
        let ignored = || label.iter().filter(|&&l| l == self.ignore_label as i64).count();
        let divisor = match self.normalization {
            Normalization::Null => dims.inner,
            Normalization::Batch => dims.inner * dims.outer,
            Normalization::Valid => label.len() - ignored(),
        };
        self.grad_scale / divisor.max(1) as f64
    }

    fn ignores(&self, label: i64) -> bool {
        self.use_ignore && label == self.ignore_label as i64
    }
}

/// The gradient for labels that name classes: `[outer, inner]` for probabilities `[outer, classes, inner]`. Labels are
/// truncated to whole numbers; one that names no class gives the bare probabilities. `head` is multiplied in.
///
/// # Panics
/// When a slice has another size than `dims` says.
pub fn softmax_loss_backward<T: Float>(
    dims: AxisDims,
    loss: &SoftmaxLoss,
    (prob, label): (&[T], &[T]),
    head: Option<&[T]>,
    dx: &mut [T],
) {
    assert_eq!((prob.len(), dx.len(), label.len()), (dims.size(), dims.size(), dims.lines()), "sizes of a loss");
    let (prob, label) = (wide(prob), label.iter().map(|l| l.to_i64()).collect::<Vec<_>>());
    with_wide_out(dx, |dx| (cores().loss_gradient)(dims, loss, &prob, &label, dx));
    multiply(dx, head);
}

pub(crate) fn loss_core<C: Real>(dims: AxisDims, loss: &SoftmaxLoss, prob: &[C], label: &[i64], dx: &mut [C]) {
    let rows = as_rows(dims, prob);
    let scale = real::<C>(loss.scale(dims, label));
    let rest = real::<C>(loss.smooth_alpha / (dims.axis as f64 - 1.0).max(1.0));
    let hit = real::<C>(1.0 - loss.smooth_alpha);
    write_rows(dims, dx, |dx| {
        for_rows(dx, dims.axis, dims.axis, |r, dx| {
            if loss.ignores(label[r]) {
                return dx.fill(C::zero());
            }
            let prob = &rows[r * dims.axis..][..dims.axis];
            dx.iter_mut().zip(prob).for_each(|(d, &p)| *d = (p - rest) * scale);
            if let Some(class) = usize::try_from(label[r]).ok().filter(|&l| l < dims.axis) {
                dx[class] = (prob[class] - hit) * scale;
            }
        });
    });
}

/// The gradient for labels that are probabilities themselves.
///
/// # Panics
/// When the slices have different sizes.
pub fn probability_loss_backward<T: Float>(
    grad_scale: f64,
    (prob, label): (&[T], &[T]),
    head: Option<&[T]>,
    dx: &mut [T],
) {
    assert_eq!((prob.len(), label.len()), (dx.len(), dx.len()), "sizes of a loss");
    let scale = real::<T::Compute>(grad_scale);
    for_elements(dx, 1, |at, dx| {
        let terms = prob[at..].iter().zip(&label[at..]);
        dx.iter_mut().zip(terms).for_each(|(d, (p, l))| *d = T::narrow((p.widen() - l.widen()) * scale));
    });
    multiply(dx, head);
}

fn multiply<T: Float>(dx: &mut [T], head: Option<&[T]>) {
    let Some(head) = head else { return };
    for_elements(dx, 1, |at, dx| {
        dx.iter_mut().zip(&head[at..]).for_each(|(d, h)| *d = T::narrow(d.widen() * h.widen()));
    });
}
