//! Buffers that every thread keeps for its next call.

use crate::real::Real;
use std::cell::RefCell;

thread_local! {
    static BUFFER: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Buffers above this many bytes are given back.
const KEPT_BYTES: usize = 16 << 20;

/// Calls `f` with `len` elements of arbitrary content. Calls may nest.
pub(crate) fn with_scratch<C: Real, R>(len: usize, f: impl FnOnce(&mut [C]) -> R) -> R {
    let words = (len * size_of::<C>()).div_ceil(8);
    let mut buffer = BUFFER.with_borrow_mut(std::mem::take);
    if buffer.len() < words {
        buffer = vec![0; words];
    }
    // SAFETY: the buffer has room for `len` elements, 8-byte alignment suffices for f32 and f64, all bits are values.
    let result = f(unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast(), len) });
    if buffer.len() * 8 <= KEPT_BYTES {
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
