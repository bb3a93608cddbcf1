//! How the operands of a program cover the output.

use super::tile::{Source, WIDTH};
use crate::axes::{Axis, for_runs};

/// How the elements of an operand are spread over the output.
#[derive(Clone, Debug, PartialEq)]
pub enum Feed {
    /// One for each element of the output.
    Full,
    /// One for all.
    One,
    /// Repeated along some axes.
    Repeated(Repeated),
}

/// Axes of the output with the distances of an operand's elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeated {
    /// Outermost first, none of extent 1, neighbours merged.
    axes: Vec<Axis>,
    /// Elements of the operand.
    size: usize,
}

impl Feed {
    /// The feed of an operand of shape `own` that is broadcast to `out` by NumPy's rules.
    pub fn broadcast(own: &[usize], out: &[usize]) -> Feed {
        let size = own.iter().product();
        match size {
            _ if size == out.iter().product() => Feed::Full,
            1 => Feed::One,
            _ => Feed::Repeated(Repeated { axes: crate::feed::merged_axes(own, out), size }),
        }
    }

    /// The elements that the operand must have for an output of `len` elements.
    pub(super) fn size(&self, len: usize) -> usize {
        match self {
            Feed::Full => len,
            Feed::One => 1,
            Feed::Repeated(feed) => feed.size,
        }
    }
}

impl Repeated {
    /// After how many elements of the output everything is read again; 0 if it never is.
    pub(super) fn period(&self) -> usize {
        match self.axes.split_first() {
            Some((outer, inner)) if outer.stride == 0 => inner.iter().map(|a| a.extent).product(),
            _ => 0,
        }
    }

    /// The elements for the part `at..at + n` of the output, in place or brought together in `buffer`.
    ///
    /// # Safety
    /// `data` must be good for reads of the operand, `buffer` for writes of `n` and at least 16 elements.
    pub(super) unsafe fn gather(&self, data: *const f32, at: usize, n: usize, buffer: *mut f32) -> Source {
        let (mut done, mut direct) = (0, None);
        for_runs(&self.axes, at..at + n, |offset, run, stride| {
            // SAFETY: the walk stays inside of the operand; the runs are `n` elements together.
            unsafe {
                let (from, to) = (data.add(offset), buffer.add(done));
                done += run;
                match stride {
                    1 if run == n => direct = Some(from),
                    1 => std::ptr::copy_nonoverlapping(from, to, run),
                    0 if run == n => std::slice::from_raw_parts_mut(to, WIDTH).fill(*from),
                    0 => std::slice::from_raw_parts_mut(to, run).fill(*from),
                    _ => (0..run).for_each(|i| *to.add(i) = *from.add(i * stride)),
                }
                if stride == 0 && run == n {
                    direct = Some(std::ptr::null());
                }
            }
        });
        match direct {
            Some(at) if at.is_null() => Source { at: buffer, step: 0 },
            Some(at) => Source { at, step: WIDTH },
            None => Source { at: buffer, step: WIDTH },
        }
    }
}
