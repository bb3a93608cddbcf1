//! Buffers that every thread keeps for its next call.

use crate::real::Real;
use std::cell::RefCell;

/// A cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [u64; 8]);

thread_local! {
    static BUFFER: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// Buffers above this many bytes are given back.
const KEPT_BYTES: usize = 16 << 20;

/// Calls `f` with `len` elements of arbitrary content, aligned to cache lines. Calls may nest.
pub(crate) fn with_scratch<C: Real, R>(len: usize, f: impl FnOnce(&mut [C]) -> R) -> R {
    let lines = (len * size_of::<C>()).div_ceil(size_of::<Line>());
    let mut buffer = BUFFER.with_borrow_mut(std::mem::take);
    if buffer.len() < lines {
        buffer = vec![Line([0; 8]); lines];
    }
    // SAFETY: the buffer has room for `len` elements, a line's alignment suffices for f32 and f64, all bits are values.
    let result = f(unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast(), len) });
    if size_of_val(&*buffer) <= KEPT_BYTES {
        BUFFER.set(buffer);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_buffers_are_distinct() {
        with_scratch::<f32, _>(5, |a| {
            a.fill(1.0);
            with_scratch::<f64, _>(7, |b| b.fill(2.0));
            assert_eq!(a, [1.0; 5]);
        });
    }
}
