use crate::TensorError;
use smallvec::SmallVec;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// A short list of extents.
pub type Dims = SmallVec<[usize; 5]>;

/// The complete shape of a tensor. No extents at all is a scalar of one element.
#[derive(PartialEq, Eq, Hash, Default)]
pub struct Shape(pub Dims);

impl Clone for Shape {
    /// Copies the extents in one piece, which a derived clone would not.
    fn clone(&self) -> Shape {
        Shape(Dims::from_slice(&self.0))
    }
}

impl Shape {
    /// A shape with the given extents.
    pub fn new(dims: &[usize]) -> Shape {
        Shape(Dims::from_slice(dims))
    }

    /// Number of elements. Saturates instead of overflowing; allocation then fails with a clear error.
    pub fn size(&self) -> usize {
        self.0.iter().fold(1usize, |a, &b| a.saturating_mul(b))
    }

    /// Product of the extents in `range`.
    pub fn product(&self, range: impl std::slice::SliceIndex<[usize], Output = [usize]>) -> usize {
        self.0[range].iter().product()
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl DerefMut for Shape {
    fn deref_mut(&mut self) -> &mut [usize] {
        &mut self.0
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Shape {
        Shape::new(dims)
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Shape {
        Shape::new(&dims)
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Shape {
        Shape::new(&dims)
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(dims: I) -> Shape {
        Shape(dims.into_iter().collect())
    }
}

fn write_tuple<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    f.write_str("(")?;
    for (i, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
    }
    f.write_str(if items.len() == 1 { ",)" } else { ")" })
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_tuple(f, &self.0)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_tuple(f, &self.0)
    }
}

/// What inference knows of a shape so far: nothing, or a number of dimensions of which some may be unknown.
///
/// MXNet writes an unknown dimension as 0 and an unknown shape as `()`; [`PartialShape::from_legacy`] and
/// [`PartialShape::to_legacy`] translate, so that inside rsym a true 0 stays possible.
#[derive(PartialEq, Eq, Default)]
pub struct PartialShape(Option<SmallVec<[i64; 5]>>);

impl Clone for PartialShape {
    /// Copies the extents in one piece, which a derived clone would not.
    fn clone(&self) -> PartialShape {
        PartialShape(self.0.as_deref().map(SmallVec::from_slice))
    }
}

/// Stands for an unknown dimension.
const UNKNOWN: i64 = -1;

impl PartialShape {
    /// Nothing is known.
    pub const fn unknown() -> PartialShape {
        PartialShape(None)
    }

    /// A known number of dimensions, each known or not.
    pub fn partial(dims: impl IntoIterator<Item = Option<usize>>) -> PartialShape {
        PartialShape(Some(dims.into_iter().map(|d| d.map_or(UNKNOWN, |d| d as i64)).collect()))
    }

    /// `n` dimensions, all unknown.
    pub fn of_rank(n: usize) -> PartialShape {
        PartialShape(Some(SmallVec::from_elem(UNKNOWN, n)))
    }

    /// From MXNet's spelling: `()` is unknown, 0 and below an unknown dimension.
    pub fn from_legacy(dims: &[i64]) -> PartialShape {
        if dims.is_empty() {
            return PartialShape(None);
        }
        PartialShape(Some(dims.iter().map(|&d| if d <= 0 { UNKNOWN } else { d }).collect()))
    }

    /// Into MXNet's spelling.
    pub fn to_legacy(&self) -> Vec<i64> {
        self.0.as_ref().map_or_else(Vec::new, |d| d.iter().map(|&d| d.max(0)).collect())
    }

    /// From the spelling of MXNet's NumPy shapes: below 0 is an unknown dimension, and 0 a true one.
    pub fn from_signed(dims: &[i64]) -> PartialShape {
        PartialShape(Some(dims.iter().map(|&d| d.max(UNKNOWN)).collect()))
    }

    /// Into the spelling of MXNet's NumPy shapes; `None` if nothing is known.
    pub fn to_signed(&self) -> Option<Vec<i64>> {
        self.0.as_ref().map(|d| d.to_vec())
    }

    /// Number of dimensions, if known.
    pub fn rank(&self) -> Option<usize> {
        self.0.as_ref().map(|d| d.len())
    }

    /// Dimension `i`, if known.
    pub fn dim(&self, i: usize) -> Option<usize> {
        self.0.as_ref().and_then(|d| d.get(i)).and_then(|&d| usize::try_from(d).ok())
    }

    /// All dimensions as options, if the number of dimensions is known.
    pub fn dims(&self) -> Option<SmallVec<[Option<usize>; 5]>> {
        self.0.as_ref().map(|d| d.iter().map(|&d| usize::try_from(d).ok()).collect())
    }

    /// Whether every dimension is known.
    pub fn is_complete(&self) -> bool {
        self.0.as_ref().is_some_and(|d| d.iter().all(|&d| d >= 0))
    }

    /// The complete shape, once every dimension is known.
    pub fn complete(&self) -> Option<Shape> {
        let dims = self.0.as_deref().filter(|_| self.is_complete())?;
        Some(dims.iter().map(|&d| d as usize).collect())
    }

    /// Takes in what `other` knows. True if that told something new; an error, and no change, if it contradicts.
    pub fn unify(&mut self, other: &PartialShape) -> Result<bool, TensorError> {
        let Some(theirs) = &other.0 else { return Ok(false) };
        let Some(ours) = &mut self.0 else {
            self.0 = Some(theirs.clone());
            return Ok(true);
        };
        let agrees = ours.len() == theirs.len()
            && ours.iter().zip(theirs).all(|(&a, &b)| a == b || a == UNKNOWN || b == UNKNOWN);
        if !agrees {
            return Err(TensorError::Conflict { left: self.to_string(), right: other.to_string() });
        }
        let mut changed = false;
        for (a, &b) in ours.iter_mut().zip(theirs) {
            if *a == UNKNOWN && b != UNKNOWN {
                *a = b;
                changed = true;
            }
        }
        Ok(changed)
    }
}

impl From<&Shape> for PartialShape {
    fn from(shape: &Shape) -> PartialShape {
        PartialShape::partial(shape.iter().map(|&d| Some(d)))
    }
}

impl From<Shape> for PartialShape {
    fn from(shape: Shape) -> PartialShape {
        PartialShape::from(&shape)
    }
}

impl<const N: usize> From<[usize; N]> for PartialShape {
    fn from(dims: [usize; N]) -> PartialShape {
        PartialShape::partial(dims.map(Some))
    }
}

impl fmt::Display for PartialShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(dims) = &self.0 else { return f.write_str("unknown") };
        let text: Vec<String> = dims.iter().map(|&d| if d < 0 { "?".to_string() } else { d.to_string() }).collect();
        write_tuple(f, &text)
    }
}

impl fmt::Debug for PartialShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unify_fills_in_both_parts() {
        let mut a = PartialShape::from_legacy(&[2, 0]);
        assert!(a.unify(&PartialShape::from_legacy(&[0, 3])).unwrap());
        assert_eq!(a, PartialShape::from([2, 3]));
        assert!(!a.unify(&PartialShape::from_legacy(&[0, 3])).unwrap());
    }

    #[test]
    fn unify_refuses_contradictions_and_changes_nothing() {
        let mut a = PartialShape::from_legacy(&[0, 3]);
        let error = a.unify(&PartialShape::from([2, 4])).unwrap_err();
        assert_eq!(error.to_string(), "shapes (?, 3) and (2, 4) do not agree");
        assert_eq!(a, PartialShape::from_legacy(&[0, 3]));
        assert!(a.unify(&PartialShape::from([3])).is_err());
    }

    #[test]
    fn legacy_spelling_goes_both_ways() {
        assert_eq!(PartialShape::from_legacy(&[]), PartialShape::unknown());
        assert_eq!(PartialShape::from_legacy(&[0, 4]).to_legacy(), [0, 4]);
        assert_eq!(PartialShape::unknown().to_legacy(), [0i64; 0]);
    }

    #[test]
    fn shapes_print_as_python_tuples() {
        assert_eq!(Shape::from([3]).to_string(), "(3,)");
        assert_eq!(Shape::from([2, 3]).to_string(), "(2, 3)");
        assert_eq!(Shape::default().to_string(), "()");
    }
}
