//! The update that has one state for each row.

use super::rules::Scaling;
use crate::parallel::for_row_chunks2;
use rsym_tensor::Float;

/// Adaptive gradients with one learning rate for each row: `h = h + mean(g²); w = w - lr g / sqrt(h + epsilon)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupAdagrad {
    /// Learning rate.
    pub lr: f64,
    /// Added under the root.
    pub epsilon: f64,
    /// Of the gradient.
    pub scaling: Scaling,
}

/// Updates the rows of `weight`, of which `history` has one element each.
pub fn update_rows<T: Float>(rule: &GroupAdagrad, grad: &[T], history: &mut [T], weight: &mut [T]) {
    let row = weight.len() / history.len().max(1);
    if row == 0 {
        return;
    }
    let scaled = |g: T| {
        let g = g.to_f64() * rule.scaling.rescale;
        if rule.scaling.clip >= 0.0 { g.clamp(-rule.scaling.clip, rule.scaling.clip) } else { g }
    };
    for_row_chunks2((weight, history), (row, 1), 8 * row, |first, weights, history| {
        for (k, (w, h)) in weights.chunks_mut(row).zip(history).enumerate() {
            let g = &grad[(first + k) * row..][..row];
            let squares: f64 = g.iter().map(|&g| scaled(g) * scaled(g)).sum();
            *h = T::from_f64(h.to_f64() + squares / row as f64);
            let root = (h.to_f64() + rule.epsilon).sqrt();
            w.iter_mut().zip(g).for_each(|(w, &g)| *w = T::from_f64(w.to_f64() - rule.lr * scaled(g) / root));
        }
    });
}
