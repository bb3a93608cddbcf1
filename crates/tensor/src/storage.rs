use crate::{DType, Shape, Tensor, TensorError};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Alignment of every storage: a cache line and the widest vector register.
const ALIGN: usize = 64;

/// A block of zero-initialised bytes, shared by the tensors that look into it.
///
/// The memory is interior-mutable, as NumPy's is: tensors of one storage may read and write it. Whoever runs
/// kernels (the executor's plan, a single imperative call) sees to it that no two threads touch the same bytes at once,
/// one of them writing. `version` counts the announced writes, so that values derived from the bytes can be cached.
pub struct Storage {
    data: NonNull<u8>,
    bytes: usize,
    owner: Owner,
    version: AtomicU64,
    exposed: AtomicBool,
}

enum Owner {
    Heap,
    /// Memory of somebody else (a DLPack producer), kept alive by this value.
    Foreign {
        _keep: Box<dyn Send + Sync>,
    },
}

// SAFETY: the block is owned or kept alive by `owner`; concurrent access is ruled by the contract above.
unsafe impl Send for Storage {}
// SAFETY: as for `Send`.
unsafe impl Sync for Storage {}

impl Storage {
    /// A block of `bytes` zero bytes; `shape` is what the error names when there is no memory.
    pub fn zeroed(bytes: u128, shape: &Shape) -> Result<Storage, TensorError> {
        let fail = || TensorError::Memory { bytes, shape: shape.clone() };
        let size = usize::try_from(bytes).map_err(|_| fail())?;
        let layout = Layout::from_size_align(size.max(1), ALIGN).map_err(|_| fail())?;
        // SAFETY: the layout has a size of at least one byte.
        let data = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or_else(fail)?;
        Ok(Storage {
            data,
            bytes: size,
            owner: Owner::Heap,
            version: AtomicU64::new(0),
            exposed: AtomicBool::new(false),
        })
    }

    /// Wraps memory that `keep` keeps alive.
    ///
    /// # Safety
    /// `data` must point to `bytes` readable and writable bytes for as long as `keep` lives.
    unsafe fn foreign(data: NonNull<u8>, bytes: usize, keep: Box<dyn Send + Sync>) -> Storage {
        Storage {
            data,
            bytes,
            owner: Owner::Foreign { _keep: keep },
            version: AtomicU64::new(0),
            exposed: AtomicBool::new(true),
        }
    }

    /// Start of the block.
    pub fn as_ptr(&self) -> *mut u8 {
        self.data.as_ptr()
    }

    /// Length of the block in bytes.
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Whether the block is empty.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// How many writes were announced so far; `None` if others may write without announcing it.
    pub fn version(&self) -> Option<u64> {
        (!self.exposed.load(Ordering::Acquire)).then(|| self.version.load(Ordering::Acquire))
    }

    /// Says that the memory is lent to others, who may write it at any time from now on.
    pub fn expose(&self) {
        self.exposed.store(true, Ordering::Release);
    }

    /// Announces a write.
    pub fn touch(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }
}

impl Default for Storage {
    /// An empty block.
    fn default() -> Storage {
        let none = Owner::Foreign { _keep: Box::new(()) };
        let exposed = AtomicBool::new(false);
        Storage { data: NonNull::dangling(), bytes: 0, owner: none, version: AtomicU64::new(0), exposed }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        if let Owner::Heap = self.owner {
            // SAFETY: allocated in `zeroed` with this very layout.
            unsafe {
                let layout = Layout::from_size_align_unchecked(self.bytes.max(1), ALIGN);
                dealloc(self.data.as_ptr(), layout);
            }
        }
    }
}

/// A tensor over memory that another library lends, as by DLPack or NumPy's array interface.
///
/// This is a boundary of trust: that `address` is good for `shape` elements of `dtype`, readable, writable and initialised, for as
/// long as `keep` lives, is the lender's word.
pub fn borrow_memory(
    address: usize,
    shape: Shape,
    dtype: DType,
    keep: Box<dyn Send + Sync>,
) -> Result<Tensor, TensorError> {
    let bytes = shape.size().saturating_mul(dtype.size());
    let Some(data) = NonNull::new(address as *mut u8) else { return Tensor::zeros(shape, dtype) };
    // SAFETY: the lender's word, see above.
    let storage = unsafe { Storage::foreign(data, bytes, keep) };
    Tensor::window(std::sync::Arc::new(storage), 0, shape, dtype)
}
