//! Walking over some axes of a C-contiguous array.

/// One axis of a walk: its extent, and the distance of neighbours in memory (0 where an element is repeated).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) extent: usize,
    pub(crate) stride: usize,
}

/// The most axes of a walk, after neighbours that continue each other are merged.
pub(crate) const MAX_AXES: usize = 32;

/// Splits the flat position `at` into one index per axis; returns the offset in memory.
pub(crate) fn locate(axes: &[Axis], mut at: usize, index: &mut [usize; MAX_AXES]) -> usize {
    let mut offset = 0;
    for (i, axis) in axes.iter().enumerate().rev() {
        index[i] = at % axis.extent;
        at /= axis.extent;
        offset += index[i] * axis.stride;
    }
    offset
}

/// Moves to the next position.
pub(crate) fn advance(axes: &[Axis], index: &mut [usize; MAX_AXES], offset: &mut usize) {
    for (i, axis) in axes.iter().enumerate().rev() {
        index[i] += 1;
        *offset += axis.stride;
        if index[i] < axis.extent {
            return;
        }
        *offset -= axis.extent * axis.stride;
        index[i] = 0;
    }
}

/// Calls `f(offset, count, stride)` for the runs along the innermost axis that make up the positions `range`.
pub(crate) fn for_runs(axes: &[Axis], range: std::ops::Range<usize>, mut f: impl FnMut(usize, usize, usize)) {
    let inner = match axes {
        _ if range.is_empty() => return,
        [] => return f(0, 1, 0),
        [axis] => return f(range.start * axis.stride, range.len(), axis.stride),
        [.., inner] => inner,
    };
    let (mut at, mut index) = (range.start, [0; MAX_AXES]);
    while at < range.end {
        let offset = locate(axes, at, &mut index);
        let run = (inner.extent - index[axes.len() - 1]).min(range.end - at);
        f(offset, run, inner.stride);
        at += run;
    }
}
