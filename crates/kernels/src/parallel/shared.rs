//! Output that several tasks write.

use std::marker::PhantomData;

/// Output that several tasks write in disjoint parts which are not whole rows.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    _borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: access goes through unsafe functions whose callers keep the parts of different threads disjoint.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(out: &'a mut [T]) -> Self {
        Shared { start: out.as_mut_ptr(), len: out.len(), _borrow: PhantomData }
    }

    /// The place of element `offset`, from which `len` elements must be inside of the output.
    ///
    /// # Safety
    /// What is written through it must be written by no other thread.
    pub(crate) unsafe fn at(&self, offset: usize, len: usize) -> *mut T {
        assert!(offset + len <= self.len, "part outside of the output");
        self.start.wrapping_add(offset)
    }

    /// The part of `len` elements at `offset`.
    ///
    /// # Safety
    /// No other reference to an element of the part may exist.
    pub(crate) unsafe fn slice(&self, offset: usize, len: usize) -> &'a mut [T] {
        // SAFETY: `at` checks the bounds, the caller vouches for exclusive access.
        unsafe { std::slice::from_raw_parts_mut(self.at(offset, len), len) }
    }
}
