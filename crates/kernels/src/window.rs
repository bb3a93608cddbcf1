//! Sliding windows over one to three spatial dimensions.

use std::ops::Range;

/// Where windows lie on an input; dimensions in front are filled up with ones to three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Extents of the input.
    pub input: [usize; 3],
    /// Taps of a window.
    pub kernel: [usize; 3],
    /// Distance of two windows.
    pub stride: [usize; 3],
    /// Distance of two taps.
    pub dilate: [usize; 3],
    /// Padding in front of the input; whatever hangs over behind it is padding too.
    pub pad: [usize; 3],
    /// Number of windows.
    pub output: [usize; 3],
}

impl Window {
    /// Windows that lie entirely inside of the input with `pad` on both sides. All slices have the length of `input`
    /// (one to three), or are empty for strides and dilations of 1 and padding of 0.
    ///
    /// # Panics
    /// When there are more than three dimensions.
    pub fn new(input: &[usize], kernel: &[usize], stride: &[usize], dilate: &[usize], pad: &[usize]) -> Self {
        let [input, kernel, stride, dilate] = [input, kernel, stride, dilate].map(|v| three(v, 1));
        let pad = three(pad, 0);
        let count = |d: usize| {
            let extent = dilate[d] * (kernel[d] - 1) + 1;
            (input[d] + 2 * pad[d]).checked_sub(extent).map_or(0, |room| room / stride[d] + 1)
        };
        Window { input, kernel, stride, dilate, pad, output: [0, 1, 2].map(count) }
    }

    /// The same windows in another number, as pooling conventions give it.
    pub fn with_output(self, output: &[usize]) -> Self {
        Window { output: three(output, 1), ..self }
    }

    /// One window that covers the whole input.
    pub fn global(input: &[usize]) -> Self {
        Window::new(input, input, &[], &[], &[])
    }

    /// Elements of one input plane.
    pub fn input_size(&self) -> usize {
        self.input.iter().product()
    }

    /// Elements of one output plane.
    pub fn output_size(&self) -> usize {
        self.output.iter().product()
    }

    /// Taps of one window.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Whether every window is one element and output position equals input position.
    pub fn is_pointwise(&self) -> bool {
        self.kernel == [1; 3] && self.stride == [1; 3] && self.pad == [0; 3] && self.input == self.output
    }

    /// Input position under `tap` of window `at` in dimension `d`; `None` in the padding.
    #[inline]
    pub(crate) fn source(&self, d: usize, at: usize, tap: usize) -> Option<usize> {
        (at * self.stride[d] + tap * self.dilate[d]).checked_sub(self.pad[d]).filter(|&i| i < self.input[d])
    }

    /// The windows whose `tap` lies inside of the input in dimension `d`.
    pub(crate) fn inside(&self, d: usize, tap: usize) -> Range<usize> {
        let (offset, stride) = (tap * self.dilate[d], self.stride[d]);
        let begin = self.pad[d].saturating_sub(offset).div_ceil(stride);
        let end = (self.input[d] + self.pad[d]).saturating_sub(offset).div_ceil(stride).min(self.output[d]);
        begin.min(end)..end
    }

    /// The tap numbered `index` in C order.
    pub(crate) fn tap(&self, index: usize) -> [usize; 3] {
        let [_, h, w] = self.kernel;
        [index / (h * w), index / w % h, index % w]
    }
}

/// The values filled up in front to three.
fn three(values: &[usize], fill: usize) -> [usize; 3] {
    assert!(values.len() <= 3, "at most three spatial dimensions");
    let mut out = [fill; 3];
    out[3 - values.len()..].copy_from_slice(values);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_counts_whole_windows() {
        let w = Window::new(&[7, 8], &[3, 2], &[2, 3], &[1, 2], &[1, 0]);
        assert_eq!((w.input, w.output), ([1, 7, 8], [1, 4, 2]));
        assert_eq!(Window::new(&[2], &[5], &[], &[], &[1]).output, [1, 1, 0]);
    }

    #[test]
    fn ranges_agree_with_single_positions() {
        for (stride, dilate, pad) in [(1, 1, 0), (2, 1, 1), (3, 2, 2), (1, 3, 4)] {
            let w = Window::new(&[9], &[3], &[stride], &[dilate], &[pad]).with_output(&[8]);
            for at in 0..8 {
                for tap in 0..3 {
                    let inside = w.source(2, at, tap).is_some();
                    assert_eq!(w.inside(2, tap).contains(&at), inside);
                }
            }
        }
    }

    #[test]
    fn taps_are_numbered_in_c_order() {
        let w = Window::new(&[9, 9, 9], &[2, 3, 4], &[], &[], &[]);
        assert_eq!(w.tap(12 + 2 * 4 + 3), [1, 2, 3]);
    }
}
