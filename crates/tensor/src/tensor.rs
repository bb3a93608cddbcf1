use crate::{DType, Element, Shape, Storage, TensorError, dispatch};
use ndarray::{ArrayView, ArrayViewMut, IxDyn};
use std::fmt;
use std::sync::Arc;

/// A C-contiguous array of one data type: a window into a shared [`Storage`].
///
/// Cloning shares the memory. See [`Storage`] for the contract on concurrent access.
#[derive(Clone)]
pub struct Tensor {
    storage: Arc<Storage>,
    offset: usize,
    shape: Shape,
    dtype: DType,
}

impl Tensor {
    /// A new tensor of zeros.
    pub fn zeros(shape: impl Into<Shape>, dtype: DType) -> Result<Tensor, TensorError> {
        let shape = shape.into();
        let bytes = byte_count(&shape, dtype);
        let storage = Storage::zeroed(bytes, &shape)?;
        Ok(Tensor { storage: Arc::new(storage), offset: 0, shape, dtype })
    }

    /// New tensors of zeros that are made, and most often dropped, together: large memory is not touched.
    pub fn zeros_together(wanted: Vec<(Shape, DType)>) -> Result<Vec<Tensor>, TensorError> {
        let sizes: Vec<(u128, &Shape)> =
            wanted.iter().map(|(shape, dtype)| (byte_count(shape, *dtype), shape)).collect();
        let storages = Storage::zeroed_together(&sizes)?;
        let made = wanted.into_iter().zip(storages);
        Ok(made.map(|((shape, dtype), s)| Tensor { storage: Arc::new(s), offset: 0, shape, dtype }).collect())
    }

    /// A new tensor with every element `value`.
    pub fn full(shape: impl Into<Shape>, dtype: DType, value: f64) -> Result<Tensor, TensorError> {
        let mut out = Tensor::zeros(shape, dtype)?;
        out.fill(value);
        Ok(out)
    }

    /// A new tensor with a copy of `data` in C order.
    pub fn from_slice<T: Element>(shape: impl Into<Shape>, data: &[T]) -> Result<Tensor, TensorError> {
        let shape = shape.into();
        if shape.size() != data.len() {
            return Err(TensorError::Count { expected: shape.size(), got: data.len(), shape });
        }
        let mut out = Tensor::zeros(shape, T::DTYPE)?;
        out.slice_mut::<T>()?.copy_from_slice(data);
        Ok(out)
    }

    /// The window of `storage` that starts at byte `offset`. Fails if it does not fit or is not aligned.
    pub fn window(storage: Arc<Storage>, offset: usize, shape: Shape, dtype: DType) -> Result<Tensor, TensorError> {
        let bytes = byte_count(&shape, dtype);
        let aligned = (storage.as_ptr() as usize + offset).is_multiple_of(dtype.size());
        if !aligned || offset as u128 + bytes > storage.len() as u128 {
            return Err(TensorError::Memory { bytes, shape });
        }
        Ok(Tensor { storage, offset, shape, dtype })
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The data type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Number of elements.
    pub fn size(&self) -> usize {
        self.shape.size()
    }

    /// Number of bytes.
    pub fn bytes(&self) -> usize {
        self.size() * self.dtype.size()
    }

    /// The block this looks into.
    pub fn storage(&self) -> &Arc<Storage> {
        &self.storage
    }

    /// Byte at which this window starts in its storage.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Start of the elements. Reading and writing through it is `unsafe` for the caller.
    pub fn as_ptr(&self) -> *mut u8 {
        self.storage.as_ptr().wrapping_add(self.offset)
    }

    /// Whether both look at exactly the same bytes, as for in-place operation.
    pub fn same_memory(&self, other: &Tensor) -> bool {
        self.as_ptr() == other.as_ptr() && self.bytes() == other.bytes()
    }

    /// Whether both look at some common byte.
    fn overlaps(&self, other: &Tensor) -> bool {
        let (a, b) = (self.as_ptr() as usize, other.as_ptr() as usize);
        a < b + other.bytes() && b < a + self.bytes()
    }

    /// The elements in C order.
    pub fn slice<T: Element>(&self) -> Result<&[T], TensorError> {
        self.expect(T::DTYPE)?;
        // SAFETY: the window lies in the storage and is aligned (checked when made); every byte is initialised; the type
        // was just checked; who may write meanwhile is ruled by the contract of `Storage`.
        Ok(unsafe { std::slice::from_raw_parts(self.as_ptr().cast::<T>(), self.size()) })
    }

    /// The elements in C order, to be written. Announces a write to the storage.
    pub fn slice_mut<T: Element>(&mut self) -> Result<&mut [T], TensorError> {
        self.expect(T::DTYPE)?;
        self.storage.touch();
        // SAFETY: as in `slice`; the contract of `Storage` makes this the only access while it lasts.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.as_ptr().cast::<T>(), self.size()) })
    }

    /// The elements as an `ndarray` view.
    pub fn view<T: Element>(&self) -> Result<ArrayView<'_, T, IxDyn>, TensorError> {
        let data = self.slice::<T>()?;
        ArrayView::from_shape(IxDyn(&self.shape), data).map_err(|_| self.count_error(data.len()))
    }

    /// The elements as a mutable `ndarray` view. Announces a write to the storage.
    pub fn view_mut<T: Element>(&mut self) -> Result<ArrayViewMut<'_, T, IxDyn>, TensorError> {
        let shape = self.shape.clone();
        let data = self.slice_mut::<T>()?;
        let got = data.len();
        ArrayViewMut::from_shape(IxDyn(&shape), data).map_err(|_| TensorError::Count {
            expected: shape.size(),
            got,
            shape: shape.clone(),
        })
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: as in `slice`; any byte is a valid `u8`.
        unsafe { std::slice::from_raw_parts(self.as_ptr(), self.bytes()) }
    }

    /// Overwrites the raw bytes. `bool` elements become 0 or 1.
    pub fn copy_from_bytes(&mut self, bytes: &[u8]) -> Result<(), TensorError> {
        if bytes.len() != self.bytes() {
            let got = bytes.len() / self.dtype.size();
            return Err(self.count_error(got));
        }
        self.storage.touch();
        // SAFETY: as in `slice_mut`; both blocks have the same length and cannot overlap, `bytes` being borrowed.
        let target = unsafe { std::slice::from_raw_parts_mut(self.as_ptr(), bytes.len()) };
        if self.dtype == DType::Bool {
            target.iter_mut().zip(bytes).for_each(|(t, &b)| *t = (b != 0) as u8);
        } else {
            target.copy_from_slice(bytes);
        }
        Ok(())
    }

    /// The same memory under another shape of the same size.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Result<Tensor, TensorError> {
        let shape = shape.into();
        if shape.size() != self.size() {
            return Err(TensorError::Count { expected: shape.size(), got: self.size(), shape });
        }
        Ok(Tensor { shape, ..self.clone() })
    }

    /// The rows `begin..end` of the first dimension, sharing the memory.
    pub fn rows(&self, begin: usize, end: usize) -> Result<Tensor, TensorError> {
        if self.shape.is_empty() || begin > end || end > self.shape[0] {
            return Err(TensorError::Rows { begin, end, shape: self.shape.clone() });
        }
        let row = self.shape.product(1..) * self.dtype.size();
        let mut shape = self.shape.clone();
        shape[0] = end - begin;
        Ok(Tensor { offset: self.offset + begin * row, shape, ..self.clone() })
    }

    /// A copy in memory of its own.
    pub fn deep_copy(&self) -> Result<Tensor, TensorError> {
        let mut out = Tensor::zeros(self.shape.clone(), self.dtype)?;
        out.copy_from_bytes(self.as_bytes())?;
        Ok(out)
    }

    /// Sets every element, converted as [`Element::from_f64`] does.
    pub fn fill(&mut self, value: f64) {
        dispatch!(self.dtype, T => {
            if let Ok(data) = self.slice_mut::<T>() {
                data.fill(T::from_f64(value));
            }
        })
    }

    /// Copies the elements of `source`, converting the type if it differs. The shapes must have the same size.
    pub fn assign(&mut self, source: &Tensor) -> Result<(), TensorError> {
        if source.size() != self.size() {
            return Err(TensorError::Shape { expected: self.shape.clone(), got: source.shape.clone() });
        }
        if source.same_memory(self) && source.dtype == self.dtype {
            return Ok(());
        }
        if source.dtype == self.dtype {
            self.storage.touch();
            // SAFETY: both windows hold `bytes` bytes; `copy` allows them to overlap.
            unsafe { std::ptr::copy(source.as_ptr(), self.as_ptr(), source.bytes()) };
            return Ok(());
        }
        let overlap = self.overlaps(source);
        let source = if overlap { source.deep_copy()? } else { source.clone() };
        dispatch!(source.dtype, S => dispatch!(self.dtype, D => convert::<S, D>(source.slice()?, self.slice_mut()?)));
        Ok(())
    }

    /// A copy with another data type.
    pub fn cast(&self, dtype: DType) -> Result<Tensor, TensorError> {
        let mut out = Tensor::zeros(self.shape.clone(), dtype)?;
        out.assign(self)?;
        Ok(out)
    }

    /// Element number `index` in C order, as a double.
    pub fn get_f64(&self, index: usize) -> Option<f64> {
        dispatch!(self.dtype, T => self.slice::<T>().ok()?.get(index).map(|v| v.to_f64()))
    }

    /// Every element in C order, as doubles.
    pub fn to_f64_vec(&self) -> Vec<f64> {
        dispatch!(self.dtype, T => self.slice::<T>().map(|d| d.iter().map(|v| v.to_f64()).collect()).unwrap_or_default())
    }

    fn expect(&self, expected: DType) -> Result<(), TensorError> {
        if self.dtype == expected { Ok(()) } else { Err(TensorError::DType { expected, got: self.dtype }) }
    }

    fn count_error(&self, got: usize) -> TensorError {
        TensorError::Count { shape: self.shape.clone(), expected: self.size(), got }
    }
}

/// Bytes of an array, beyond what memory can hold where the extents say so.
fn byte_count(shape: &Shape, dtype: DType) -> u128 {
    shape.iter().fold(dtype.size() as u128, |a, &b| a.saturating_mul(b as u128))
}

/// Element-wise C-style conversion between two types.
fn convert<S: Element, D: Element>(source: &[S], target: &mut [D]) {
    if !S::DTYPE.is_float() && !D::DTYPE.is_float() && D::DTYPE != DType::Bool {
        target.iter_mut().zip(source).for_each(|(d, s)| *d = D::from_i64(s.to_i64()));
    } else {
        target.iter_mut().zip(source).for_each(|(d, s)| *d = D::from_f64(s.to_f64()));
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor {} {}", self.shape, self.dtype)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_share_their_memory() {
        let mut a = Tensor::from_slice([2, 2], &[1f32, 2.0, 3.0, 4.0]).unwrap();
        let mut row = a.rows(1, 2).unwrap();
        row.fill(9.0);
        assert_eq!(a.slice::<f32>().unwrap(), [1.0, 2.0, 9.0, 9.0]);
        a.fill(0.0);
        assert_eq!(row.to_f64_vec(), [0.0, 0.0]);
        assert!(a.rows(1, 3).is_err());
    }

    #[test]
    fn casts_wrap_and_truncate_as_c_does() {
        let a = Tensor::from_slice([3], &[-2.5f32, 300.0, 0.5]).unwrap();
        assert_eq!(a.cast(DType::UInt8).unwrap().to_f64_vec(), [254.0, 44.0, 0.0]);
        assert_eq!(a.cast(DType::Int32).unwrap().to_f64_vec(), [-2.0, 300.0, 0.0]);
        assert_eq!(a.cast(DType::Bool).unwrap().to_f64_vec(), [1.0, 1.0, 1.0]);
    }

    #[test]
    fn impossible_sizes_are_errors() {
        let huge = Shape::from([usize::MAX, 16]);
        assert!(matches!(Tensor::zeros(huge, DType::Float64), Err(TensorError::Memory { .. })));
    }

    #[test]
    fn arrays_made_together_are_apart_aligned_and_zero() {
        let sizes = [3, 5_000, 40_001, 1_000_000, 70_001, 0, 3_000_000, 9_000, 500_000];
        let wanted = sizes.iter().cycle().take(40).map(|&n| (Shape::from([n]), DType::Float32)).collect();
        let mut made = Tensor::zeros_together(wanted).unwrap();
        for (k, tensor) in made.iter_mut().enumerate() {
            assert_eq!(tensor.as_ptr() as usize % 64, 0);
            assert!(tensor.slice::<f32>().unwrap().iter().all(|&v| v == 0.0), "array {k}");
            tensor.fill(k as f64 + 1.0);
        }
        let alone = made.remove(12);
        for (k, tensor) in (0..12).chain(13..40).zip(&made) {
            assert!(tensor.slice::<f32>().unwrap().iter().all(|&v| v == k as f32 + 1.0), "array {k}");
        }
        drop(made);
        assert!(alone.slice::<f32>().unwrap().iter().all(|&v| v == 13.0));
    }

    #[test]
    fn arrays_made_together_have_their_own_version() {
        let mut made = Tensor::zeros_together(vec![([1 << 20].into(), DType::Float32); 4]).unwrap();
        made[1].fill(1.0);
        assert_eq!(made[0].storage().version(), Some(0));
        assert!(!Arc::ptr_eq(made[0].storage(), made[1].storage()));
    }

    #[test]
    fn writes_are_counted() {
        let mut a = Tensor::zeros([4], DType::Float32).unwrap();
        let before = a.storage().version();
        a.fill(1.0);
        assert!(a.storage().version() > before);
    }

    #[test]
    fn typed_views_check_the_type() {
        let a = Tensor::zeros([2, 3], DType::Int8).unwrap();
        assert_eq!(a.view::<i8>().unwrap().shape(), [2, 3]);
        assert!(matches!(a.slice::<f32>(), Err(TensorError::DType { .. })));
    }
}
