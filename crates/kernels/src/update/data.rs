//! Arrays of an update: numbers of the type of computation, or others that are converted block by block.

use half::slice::HalfFloatSliceExt;
use rsym_tensor::{Element, bf16, f16};

/// Elements that are converted at once.
pub(super) const BLOCK: usize = 512;

/// The types of computation.
pub trait Compute: Element {
    /// Room for a block.
    fn buffer() -> [Self; BLOCK] {
        [Self::default(); BLOCK]
    }
    /// Converts to this type.
    fn widen_half(from: &[f16], to: &mut [Self]) {
        convert(from, to);
    }
    /// Converts from this type.
    fn narrow_half(from: &[Self], to: &mut [f16]) {
        convert(from, to);
    }
}

impl Compute for f64 {}
impl Compute for f32 {
    fn widen_half(from: &[f16], to: &mut [f32]) {
        from.convert_to_f32_slice(to);
    }
    fn narrow_half(from: &[f32], to: &mut [f16]) {
        to.convert_from_f32_slice(from);
    }
}

#[inline]
fn convert<T: Element, C: Element>(from: &[T], to: &mut [C]) {
    to.iter_mut().zip(from).for_each(|(t, x)| *t = C::from_f64(x.to_f64()));
}

/// Numbers that are read.
#[derive(Clone, Copy)]
pub enum Source<'a, C> {
    /// Of the type of computation.
    Same(&'a [C]),
    /// Half precision.
    Half(&'a [f16]),
    /// The other half precision.
    Brain(&'a [bf16]),
    /// Double precision where single precision computes.
    Double(&'a [f64]),
}

impl<'a, C: Compute> Source<'a, C> {
    pub(super) fn is_direct(&self) -> bool {
        matches!(self, Source::Same(_))
    }

    pub(super) fn split(self, at: usize) -> (Self, Self) {
        match self {
            Source::Same(x) => (Source::Same(&x[..at]), Source::Same(&x[at..])),
            Source::Half(x) => (Source::Half(&x[..at]), Source::Half(&x[at..])),
            Source::Brain(x) => (Source::Brain(&x[..at]), Source::Brain(&x[at..])),
            Source::Double(x) => (Source::Double(&x[..at]), Source::Double(&x[at..])),
        }
    }

    /// The `n` elements from `at` on, converted into `buffer` if need be.
    pub(super) fn load<'b>(&'b self, at: usize, n: usize, buffer: &'b mut [C; BLOCK]) -> &'b [C] {
        match self {
            Source::Same(x) => return &x[at..at + n],
            Source::Half(x) => C::widen_half(&x[at..at + n], &mut buffer[..n]),
            Source::Brain(x) => convert(&x[at..at + n], &mut buffer[..n]),
            Source::Double(x) => convert(&x[at..at + n], &mut buffer[..n]),
        }
        &buffer[..n]
    }
}

/// Numbers that are written.
pub enum Target<'a, C> {
    /// Of the type of computation.
    Same(&'a mut [C]),
    /// Half precision, with room for a block.
    Half(&'a mut [f16], Vec<C>),
    /// The other half precision, with room for a block.
    Brain(&'a mut [bf16], Vec<C>),
    /// Double precision where single precision computes, with room for a block.
    Double(&'a mut [f64], Vec<C>),
}

impl<C> Default for Target<'_, C> {
    fn default() -> Self {
        Target::Same(&mut [])
    }
}

impl<'a, C: Compute> Target<'a, C> {
    pub(super) fn len(&self) -> usize {
        match self {
            Target::Same(x) => x.len(),
            Target::Half(x, _) => x.len(),
            Target::Brain(x, _) => x.len(),
            Target::Double(x, _) => x.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn is_direct(&self) -> bool {
        matches!(self, Target::Same(_))
    }

    pub(super) fn split(self, at: usize) -> (Self, Self) {
        match self {
            Target::Same(x) => {
                let (a, b) = x.split_at_mut(at);
                (Target::Same(a), Target::Same(b))
            }
            Target::Half(x, _) => {
                let (a, b) = x.split_at_mut(at);
                (Target::Half(a, Vec::new()), Target::Half(b, Vec::new()))
            }
            Target::Brain(x, _) => {
                let (a, b) = x.split_at_mut(at);
                (Target::Brain(a, Vec::new()), Target::Brain(b, Vec::new()))
            }
            Target::Double(x, _) => {
                let (a, b) = x.split_at_mut(at);
                (Target::Double(a, Vec::new()), Target::Double(b, Vec::new()))
            }
        }
    }

    /// The `n` elements from `at` on, to be read and written.
    pub(super) fn open(&mut self, at: usize, n: usize) -> &mut [C] {
        match self {
            Target::Same(x) => &mut x[at..at + n],
            Target::Half(x, room) => filled(n, room, |room| C::widen_half(&x[at..at + n], room)),
            Target::Brain(x, room) => filled(n, room, |room| convert(&x[at..at + n], room)),
            Target::Double(x, room) => filled(n, room, |room| convert(&x[at..at + n], room)),
        }
    }

    /// The `n` elements from `at` on, of arbitrary value, to be written.
    pub(super) fn open_unread(&mut self, at: usize, n: usize) -> &mut [C] {
        match self {
            Target::Same(x) => &mut x[at..at + n],
            Target::Half(_, room) | Target::Brain(_, room) | Target::Double(_, room) => {
                room.resize(n, C::default());
                room
            }
        }
    }

    /// Takes over what was written into the opened elements.
    pub(super) fn close(&mut self, at: usize, n: usize) {
        match self {
            Target::Same(_) => (),
            Target::Half(x, room) => C::narrow_half(room, &mut x[at..at + n]),
            Target::Brain(x, room) => convert(room, &mut x[at..at + n]),
            Target::Double(x, room) => convert(room, &mut x[at..at + n]),
        }
    }
}

fn filled<C: Compute>(n: usize, room: &mut Vec<C>, fill: impl FnOnce(&mut [C])) -> &mut [C] {
    room.resize(n, C::default());
    fill(room);
    room
}
