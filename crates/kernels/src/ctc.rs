//! Connectionist temporal classification: the likelihood of labels, summed over all ways to spread them over the steps.

use crate::layout::AxisDims;
use crate::parallel::map_indices;
use crate::softmax::{Softmax, softmax};
use rsym_tensor::Float;

/// Sizes of the data, (steps, batch, classes), and the class that stands for no label.
#[derive(Clone, Copy, Debug)]
pub struct CtcGeometry {
    /// Steps of the longest sequence.
    pub steps: usize,
    /// Number of sequences.
    pub batch: usize,
    /// Number of classes, that of no label included.
    pub classes: usize,
    /// The class of no label.
    pub blank: usize,
}

/// The labels of one sequence.
#[derive(Clone, Debug)]
pub struct Labels {
    /// Number of valid steps of the sequence.
    pub steps: usize,
    /// The classes to be found, in their order.
    pub classes: Vec<usize>,
}

impl Labels {
    /// The classes with `blank` around each of them.
    fn spread(&self, blank: usize) -> Vec<usize> {
        self.classes.iter().flat_map(|&c| [blank, c]).chain([blank]).collect()
    }

    /// Whether the steps suffice: equal neighbours need a step in between.
    fn fits(&self) -> bool {
        let repeats = self.classes.windows(2).filter(|pair| pair[0] == pair[1]).count();
        self.classes.len() + repeats <= self.steps
    }
}

/// Writes the negative log-likelihood of every sequence's labels, given unnormalised log-probabilities `x`, and its gradient
/// with respect to `x`. A sequence that is too short for its labels costs 0, with a gradient of 0.
///
/// # Panics
/// When a slice is not of the length that the geometry says, or a class or a number of steps is too great.
pub fn ctc<T: Float>(g: CtcGeometry, x: &[T], labels: &[Labels], cost: &mut [T], gradient: &mut [T]) {
    let CtcGeometry { steps, batch, classes, blank } = g;
    assert_eq!((labels.len(), cost.len()), (batch, batch), "sequences of a classification");
    assert!(x.len() == steps * batch * classes && gradient.len() == x.len(), "data of a classification");
    let dims = AxisDims { outer: steps * batch, axis: classes, inner: 1 };
    let mut logs = vec![T::default(); x.len()];
    softmax::<T>(dims, Softmax { log: true, ..Default::default() }, x, None, &mut logs);
    softmax::<T>(dims, Softmax::default(), x, None, gradient);
    let row = |step: usize, b: usize| (step * batch + b) * classes;
    let states = labels.iter().map(|l| 2 * l.classes.len() + 1).max().unwrap_or(0);
    let solved = map_indices(batch, steps * states * 100, |b| {
        let log = |step: usize, class: usize| logs[row(step, b) + class].to_f64();
        (classes > blank && labels[b].steps > 0 && labels[b].fits()).then(|| solve(&labels[b], blank, log))
    });
    for (b, solved) in solved.into_iter().enumerate() {
        let (likelihood, posteriors) = solved.unwrap_or_default();
        cost[b] = T::from_f64(-likelihood + 0.0);
        let valid = if posteriors.is_empty() { 0 } else { labels[b].steps };
        let spread = labels[b].spread(blank);
        for step in 0..steps {
            let slopes = &mut gradient[row(step, b)..][..classes];
            if step >= valid {
                slopes.fill(T::default());
                continue;
            }
            for (&class, p) in spread.iter().zip(&posteriors[step * spread.len()..]) {
                slopes[class] = T::from_f64(slopes[class].to_f64() - p);
            }
        }
    }
}

fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// The log-likelihood, and for every step the probability of each place of the spread labels; none if nothing is possible.
fn solve(labels: &Labels, blank: usize, log: impl Fn(usize, usize) -> f64) -> (f64, Vec<f64>) {
    let (spread, steps) = (labels.spread(blank), labels.steps);
    let (states, none) = (spread.len(), f64::NEG_INFINITY);
    if steps == 0 {
        return (0.0, Vec::new());
    }
    // A label may follow the one before without anything in between, unless they are equal.
    let skips = |s: usize| s >= 2 && spread[s] != blank && spread[s] != spread[s - 2];
    let mut alpha = vec![none; steps * states];
    for s in 0..states.min(2) {
        alpha[s] = log(0, spread[s]);
    }
    for step in 1..steps {
        let (before, now) = alpha.split_at_mut(step * states);
        let before = &before[(step - 1) * states..];
        for s in 0..states {
            let mut sum = before[s];
            sum = if s >= 1 { log_add(sum, before[s - 1]) } else { sum };
            sum = if skips(s) { log_add(sum, before[s - 2]) } else { sum };
            now[s] = sum + log(step, spread[s]);
        }
    }
    let last = &alpha[(steps - 1) * states..];
    let likelihood = last[states.saturating_sub(2)..].iter().copied().fold(none, log_add);
    if likelihood == none || likelihood.is_nan() {
        return (likelihood, Vec::new());
    }
    let mut beta = vec![none; states];
    beta[states.saturating_sub(2)..].fill(0.0);
    for step in (0..steps).rev() {
        for (a, b) in alpha[step * states..][..states].iter_mut().zip(&beta) {
            *a = (*a + b - likelihood).exp();
        }
        let behind: Vec<f64> = beta.iter().zip(&spread).map(|(b, &class)| b + log(step, class)).collect();
        for s in 0..states {
            beta[s] = behind[s];
            beta[s] = if s + 1 < states { log_add(beta[s], behind[s + 1]) } else { beta[s] };
            beta[s] = if s + 2 < states && skips(s + 2) { log_add(beta[s], behind[s + 2]) } else { beta[s] };
        }
    }
    (likelihood, alpha)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use crate::real::tests::noise;

    fn labels(steps: usize, classes: &[usize]) -> Labels {
        Labels { steps, classes: classes.to_vec() }
    }

    fn run(g: CtcGeometry, x: &[f64], labels: &[Labels]) -> (Vec<f64>, Vec<f64>) {
        let (mut cost, mut gradient) = (vec![f64::NAN; g.batch], vec![f64::NAN; x.len()]);
        ctc(g, x, labels, &mut cost, &mut gradient);
        (cost, gradient)
    }

    /// Sums over all paths.
    fn twin(g: CtcGeometry, x: &[f64], b: usize, labels: &Labels) -> f64 {
        let row = |step: usize| &x[(step * g.batch + b) * g.classes..][..g.classes];
        let log = |step: usize, c: usize| row(step)[c] - row(step).iter().map(|v| v.exp()).sum::<f64>().ln();
        let mut total = 0.0;
        for path in 0..g.classes.pow(labels.steps as u32) {
            let at = |step: usize| path / g.classes.pow(step as u32) % g.classes;
            let mut found: Vec<usize> = (0..labels.steps).map(at).collect();
            found.dedup();
            found.retain(|&c| c != g.blank);
            if found == labels.classes {
                total += (0..labels.steps).map(|step| log(step, at(step))).sum::<f64>().exp();
            }
        }
        -total.ln()
    }

    #[test]
    fn the_cost_sums_over_all_paths() {
        for blank in [0, 3] {
            let g = CtcGeometry { steps: 5, batch: 4, classes: 4, blank };
            let x = noise::<f64>(80, 1);
            let all = [labels(5, &[1, 2, 2]), labels(4, &[1]), labels(3, &[]), labels(3, &[2, 1, 2])];
            let (cost, gradient) = run(g, &x, &all);
            for (b, labels) in all.iter().enumerate() {
                let want = twin(g, &x, b, labels);
                assert!((cost[b] - want).abs() < 1e-12, "{} {want}", cost[b]);
            }
            for (i, slope) in gradient.iter().enumerate() {
                let at = |delta: f64| {
                    let mut moved = x.clone();
                    moved[i] += delta;
                    run(g, &moved, &all).0.iter().sum::<f64>()
                };
                let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!((slope - difference).abs() < 1e-8, "{slope} {difference}");
            }
        }
    }

    #[test]
    fn what_cannot_be_costs_nothing_and_what_is_invalid_is_not_read() {
        let g = CtcGeometry { steps: 3, batch: 3, classes: 3, blank: 0 };
        let mut x = noise::<f64>(27, 1);
        x[2 * 9 + 3..][..3].fill(f64::NAN);
        let (cost, gradient) = run(g, &x, &[labels(3, &[1, 1, 2]), labels(2, &[1]), labels(0, &[])]);
        assert_eq!((cost[0], cost[2]), (0.0, 0.0));
        assert!(cost[1] > 0.0 && gradient.iter().all(|v| v.is_finite()));
        assert!([0, 9, 18].iter().all(|at| gradient[*at..][..3] == [0.0; 3]));
        assert_eq!(gradient[2 * 9 + 3..][..3], [0.0; 3]);
    }

    #[test]
    fn numbers_of_threads_do_not_matter() {
        let g = CtcGeometry { steps: 40, batch: 9, classes: 30, blank: 29 };
        let x = noise::<f32>(40 * 9 * 30, 1);
        let all: Vec<Labels> = (0..9).map(|b| labels(40 - b, &[b, b, 2 * b, 7])).collect();
        same_for_threads(|| {
            let (mut cost, mut gradient) = (vec![0f32; 9], vec![0f32; x.len()]);
            ctc(g, &x, &all, &mut cost, &mut gradient);
            (cost, gradient)
        });
    }
}
