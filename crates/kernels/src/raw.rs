//! Elements as bare bits: moving data is compiled once per width, not once per type.

use rsym_tensor::Element;

/// A source and a target of one element type, as unsigned integers of its width.
pub(crate) enum Pair<'a> {
    W1(&'a [u8], &'a mut [u8]),
    W2(&'a [u16], &'a mut [u16]),
    W4(&'a [u32], &'a mut [u32]),
    W8(&'a [u64], &'a mut [u64]),
}

/// Views both slices as bits. Code that moves whole elements between them keeps every element valid.
pub(crate) fn pair<'a, T: Element>(src: &'a [T], out: &'a mut [T]) -> Pair<'a> {
    match size_of::<T>() {
        1 => Pair::W1(bits(src), bits_mut(out)),
        2 => Pair::W2(bits(src), bits_mut(out)),
        4 => Pair::W4(bits(src), bits_mut(out)),
        _ => Pair::W8(bits(src), bits_mut(out)),
    }
}

fn bits<T: Element, U>(x: &[T]) -> &[U] {
    assert!(size_of::<T>() == size_of::<U>() && align_of::<T>() == align_of::<U>(), "element width");
    // SAFETY: same size and alignment; `Element` is plain data without padding, and every bit pattern is an unsigned
    // integer.
    unsafe { std::slice::from_raw_parts(x.as_ptr().cast(), x.len()) }
}

fn bits_mut<T: Element, U>(x: &mut [T]) -> &mut [U] {
    assert!(size_of::<T>() == size_of::<U>() && align_of::<T>() == align_of::<U>(), "element width");
    // SAFETY: as in `bits`; only whole elements of a slice of `T` are written (contract of `pair`), so that what comes
    // to lie here is a `T`.
    unsafe { std::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), x.len()) }
}

/// Runs `$body` with the two slices of a [`Pair`], once per width.
macro_rules! each_width {
    ($pair:expr, ($src:ident, $out:ident) => $body:expr) => {
        match $pair {
            $crate::raw::Pair::W1($src, $out) => $body,
            $crate::raw::Pair::W2($src, $out) => $body,
            $crate::raw::Pair::W4($src, $out) => $body,
            $crate::raw::Pair::W8($src, $out) => $body,
        }
    };
}

pub(crate) use each_width;
