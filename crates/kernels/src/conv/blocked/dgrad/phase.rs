//! The positions of one remainder by the stride, along one dimension.

use crate::window::Window;

/// Positions `first + stride * q` of the data, and the taps that reach them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phase {
    /// Number of positions.
    pub count: usize,
    /// Taps in the order in which they go over the output's gradient.
    pub taps: Vec<usize>,
    /// Distance of two taps on the output's gradient.
    pub dilate: usize,
    /// Zeros in front of the output's gradient.
    pub pad: usize,
}

impl Phase {
    /// The phases of dimension `d`; `None` if one of them starts inside of the output's gradient.
    pub fn all(w: &Window, d: usize) -> Option<Vec<Phase>> {
        (0..w.stride[d]).map(|first| Phase::new(w, d, first)).collect()
    }

    fn new(w: &Window, d: usize, first: usize) -> Option<Phase> {
        let (stride, dilate, at) = (w.stride[d], w.dilate[d], first + w.pad[d]);
        let reaches = |tap: &usize| (tap * dilate) % stride == at % stride;
        let taps: Vec<usize> = (0..w.kernel[d]).rev().filter(reaches).collect();
        let count = w.input[d].saturating_sub(first).div_ceil(stride);
        let step = match taps[..] {
            [last, before, ..] => (last - before) * dilate / stride,
            _ => 1,
        };
        // Position 0 sees the last tap at the output (at - tap * dilate) / stride.
        let pad = match taps.first() {
            Some(tap) => (tap * dilate).checked_sub(at)? / stride,
            None => 0,
        };
        Some(Phase { count, taps, dilate: step, pad })
    }

    /// The windows on the output's gradient that give the positions of two phases.
    pub fn window(w: &Window, y: &Phase, x: &Phase) -> Window {
        Window {
            input: w.output,
            kernel: [1, y.taps.len(), x.taps.len()],
            stride: [1; 3],
            dilate: [1, y.dilate, x.dilate],
            pad: [0, y.pad, x.pad],
            output: [1, y.count, x.count],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_of_a_phase_reach_its_positions() {
        for (n, kernel, stride, dilate, pad) in
            [(9, 3, 2, 1, 1), (20, 7, 2, 1, 3), (20, 4, 3, 2, 2), (15, 3, 2, 2, 2), (9, 1, 2, 1, 0)]
        {
            let w = Window::new(&[n], &[kernel], &[stride], &[dilate], &[pad]);
            let phases = Phase::all(&w, 2).unwrap();
            assert_eq!(phases.iter().map(|p| p.count).sum::<usize>(), n);
            let mut pairs = vec![];
            for (first, p) in phases.iter().enumerate() {
                for (q, (i, &tap)) in (0..p.count).flat_map(|q| p.taps.iter().enumerate().map(move |tap| (q, tap))) {
                    if let Some(at) = (q + i * p.dilate).checked_sub(p.pad).filter(|&at| at < w.output[2]) {
                        assert_eq!(w.source(2, at, tap), Some(first + stride * q));
                        pairs.push((at, tap));
                    }
                }
            }
            let mut want: Vec<_> = (0..w.output[2]).flat_map(|at| (0..kernel).map(move |tap| (at, tap))).collect();
            want.retain(|&(at, tap)| w.source(2, at, tap).is_some());
            pairs.sort();
            assert_eq!(pairs, want);
        }
    }
}
