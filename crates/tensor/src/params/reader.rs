use super::{ArrayId, MAX_RANK, NamedTensors, ParamsError, Place, V1, V2, V3, sniff};
use crate::{DType, Shape, Tensor};

/// Reads a parameter file of any version.
///
/// The bytes may come from anywhere: whatever they are, the answer is a value or an error, and memory is taken only for
/// data that is there. Bytes after the names are ignored, as MXNet does; so are devices.
///
/// # Errors
/// [`ParamsError`] says what the bytes are instead, or where they are damaged. Sparse arrays are refused by name.
pub fn read(bytes: &[u8]) -> Result<NamedTensors, ParamsError> {
    if bytes.is_empty() {
        return Err(ParamsError::Empty);
    }
    if !sniff::is_params(bytes) {
        return Err(sniff::identify(bytes));
    }
    let mut cursor = Cursor { bytes, at: 0, place: Place::Header };
    cursor.take(16)?;
    let count = cursor.u64()?;
    let arrays = arrays(&mut cursor, count)?;
    let names = names(&mut cursor, arrays.len())?;
    Ok(NamedTensors { tensors: dense(arrays, &names)?, names })
}

/// A position in the bytes, and what is being read there.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    place: Place,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, n: u128) -> Result<&'a [u8], ParamsError> {
        let rest = &self.bytes[self.at..];
        if n > rest.len() as u128 {
            let needed = (self.at as u128).saturating_add(n);
            return Err(ParamsError::Truncated { length: self.bytes.len(), needed, place: self.place });
        }
        self.at += n as usize;
        Ok(&rest[..n as usize])
    }

    fn word<const N: usize>(&mut self) -> Result<[u8; N], ParamsError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N as u128)?);
        Ok(out)
    }

    fn u32(&mut self) -> Result<u32, ParamsError> {
        self.word().map(u32::from_le_bytes)
    }

    fn i32(&mut self) -> Result<i32, ParamsError> {
        self.word().map(i32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, ParamsError> {
        self.word().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64, ParamsError> {
        self.word().map(i64::from_le_bytes)
    }
}

enum Array {
    Dense(Tensor),
    /// Skipped, so that the error can give its name.
    Sparse(&'static str),
}

fn arrays(cursor: &mut Cursor, count: u64) -> Result<Vec<Array>, ParamsError> {
    let unfilled = Tensor::zeros([0], DType::Float32)?;
    let mut out = Vec::new();
    while (out.len() as u64) < count {
        let index = out.len();
        cursor.place = Place::Array { index, count };
        let array = ArrayReader { cursor, id: ArrayId { index, name: None } }.read()?;
        out.push(array.unwrap_or_else(|| Array::Dense(unfilled.clone())));
    }
    Ok(out)
}

fn names(cursor: &mut Cursor, arrays: usize) -> Result<Vec<String>, ParamsError> {
    cursor.place = Place::NameCount;
    let count = cursor.u64()?;
    if count != 0 && count != arrays as u64 {
        return Err(ParamsError::NameCount { names: count, arrays });
    }
    (0..count as usize).map(|index| name(cursor, index, count)).collect()
}

fn name(cursor: &mut Cursor, index: usize, count: u64) -> Result<String, ParamsError> {
    cursor.place = Place::Name { index, count };
    let length = cursor.u64()?;
    let bytes = cursor.take(length.into())?;
    let text = std::str::from_utf8(bytes);
    text.map(str::to_owned).map_err(|_| ParamsError::Name { index, bytes: bytes[..bytes.len().min(32)].to_vec() })
}

fn dense(arrays: Vec<Array>, names: &[String]) -> Result<Vec<Tensor>, ParamsError> {
    let tensor = |(index, array)| match array {
        Array::Dense(tensor) => Ok(tensor),
        Array::Sparse(storage) => {
            Err(ParamsError::Sparse { array: ArrayId { index, name: names.get(index).cloned() }, storage })
        }
    };
    arrays.into_iter().enumerate().map(tensor).collect()
}

/// Reads one array.
struct ArrayReader<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    id: ArrayId,
}

impl ArrayReader<'_, '_> {
    /// The array, or `None` if it was never filled.
    fn read(mut self) -> Result<Option<Array>, ParamsError> {
        match self.cursor.u32()? {
            version @ (V2 | V3) => self.read_stored(version == V3),
            V1 => {
                let shape = self.shape(false)?;
                self.read_dense(shape)
            }
            rank if rank <= MAX_RANK => {
                let dims = (0..rank).map(|_| self.cursor.u32().map(i64::from)).collect::<Result<Vec<_>, _>>()?;
                let shape = if rank == 0 { None } else { Some(self.checked(&dims)?) };
                self.read_dense(shape)
            }
            value => Err(ParamsError::Version { array: self.id, value }),
        }
    }

    /// Versions 2 and 3, from the storage type on.
    fn read_stored(mut self, np_shape: bool) -> Result<Option<Array>, ParamsError> {
        let (name, parts) = match self.cursor.i32()? {
            0 => {
                let shape = self.shape(np_shape)?;
                return self.read_dense(shape);
            }
            1 => ("row_sparse", 1),
            2 => ("csr", 2),
            number => return Err(ParamsError::Storage { array: self.id, number }),
        };
        self.skip_sparse(parts, np_shape)?;
        Ok(Some(Array::Sparse(name)))
    }

    /// The device, the type and the elements.
    fn read_dense(mut self, shape: Option<Shape>) -> Result<Option<Array>, ParamsError> {
        let Some(shape) = shape else { return Ok(None) };
        self.cursor.take(8)?;
        let dtype = self.dtype()?;
        let bytes = self.cursor.take(bytes(&shape, dtype))?;
        let mut tensor = Tensor::zeros(shape, dtype)?;
        tensor.copy_from_bytes(bytes)?;
        Ok(Some(Array::Dense(tensor)))
    }

    /// A sparse array with `parts` index arrays.
    fn skip_sparse(&mut self, parts: usize, np_shape: bool) -> Result<(), ParamsError> {
        let stored = self.shape(np_shape)?;
        if self.shape(np_shape)?.is_none() {
            return Ok(());
        }
        self.cursor.take(8)?;
        let mut blocks = vec![(self.dtype()?, stored)];
        for _ in 0..parts {
            blocks.push((self.dtype()?, self.shape(np_shape)?));
        }
        for (dtype, shape) in blocks {
            self.cursor.take(shape.map_or(0, |shape| bytes(&shape, dtype)))?;
        }
        Ok(())
    }

    /// A rank and 64-bit extents; `None` for an array that was never filled.
    fn shape(&mut self, np_shape: bool) -> Result<Option<Shape>, ParamsError> {
        let rank = self.cursor.i32()?;
        if rank > MAX_RANK as i32 || rank < -1 || (rank == -1 && !np_shape) {
            return Err(ParamsError::Rank { array: self.id.clone(), rank });
        }
        let dims = (0..rank).map(|_| self.cursor.i64()).collect::<Result<Vec<_>, _>>()?;
        let unknown = if np_shape { rank == -1 || dims.contains(&-1) } else { rank == 0 };
        if unknown { Ok(None) } else { self.checked(&dims).map(Some) }
    }

    /// The shape, unless an extent is negative or even without its zeros it is larger than the address space.
    fn checked(&self, dims: &[i64]) -> Result<Shape, ParamsError> {
        let size = dims.iter().try_fold(1i64, |size, &d| size.checked_mul(d.max(1)));
        if size.is_none_or(|size| size > i64::MAX / 8) || dims.iter().any(|&d| d < 0) {
            return Err(ParamsError::Extents { array: self.id.clone(), dims: dims.to_vec() });
        }
        Ok(dims.iter().map(|&d| d as usize).collect())
    }

    fn dtype(&mut self) -> Result<DType, ParamsError> {
        let number = self.cursor.i32()?;
        DType::from_number(number).ok_or_else(|| ParamsError::DType { array: self.id.clone(), number })
    }
}

fn bytes(shape: &Shape, dtype: DType) -> u128 {
    shape.size() as u128 * dtype.size() as u128
}
