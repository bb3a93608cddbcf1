use crate::{DType, Shape, Tensor, TensorError};
use memmap2::MmapMut;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Alignment of every storage: a cache line and the widest vector register.
const ALIGN: usize = 64;

/// From this many bytes on a block is mapped: its pages are zero without being written, and large where the system has
/// large pages. Below, the memory of an earlier block is there at once, while every fresh page costs an interrupt.
const MAPPED: usize = 8 << 20;

/// Arrays that are made together share mapped blocks of about this many bytes, so that one that outlives the others does
/// not keep much.
const SHARED_BLOCK: usize = 64 << 20;

/// Arrays smaller than this are not worth a place in a shared block.
const SMALL: usize = 16 << 10;

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
    /// A part of memory mapped by this value.
    Mapped {
        _keep: Arc<MmapMut>,
    },
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
        if size >= MAPPED {
            return Ok(Storage::part(&map(size).ok_or_else(fail)?, 0, size));
        }
        let layout = Layout::from_size_align(size.max(1), ALIGN).map_err(|_| fail())?;
        // SAFETY: the layout has a size of at least one byte.
        let data = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or_else(fail)?;
        Ok(Storage::new(data, size, Owner::Heap))
    }

    fn new(data: NonNull<u8>, bytes: usize, owner: Owner) -> Storage {
        Storage { data, bytes, owner, version: AtomicU64::new(0), exposed: AtomicBool::new(false) }
    }

    /// Blocks of zero bytes for arrays that are made, and most often dropped, together.
    ///
    /// If they are large on the whole they are cut from mapped memory, of which no byte is touched.
    pub fn zeroed_together(arrays: &[(u128, &Shape)]) -> Result<Vec<Storage>, TensorError> {
        let shares = |bytes: u128| (SMALL as u128..MAPPED as u128).contains(&bytes);
        let mut left = arrays.iter().filter(|a| shares(a.0)).map(|a| a.0 as usize + ALIGN).sum::<usize>();
        let large = left >= MAPPED;
        let mut block: Option<(Arc<MmapMut>, usize)> = None;
        let mut out = Vec::with_capacity(arrays.len());
        for &(bytes, shape) in arrays {
            if !large || !shares(bytes) {
                out.push(Storage::zeroed(bytes, shape)?);
                continue;
            }
            let len = (bytes as usize).next_multiple_of(ALIGN);
            let (map, used) = match block.take().filter(|(map, used)| used + len <= map.len()) {
                Some(block) => block,
                None => (
                    map(left.clamp(MAPPED, SHARED_BLOCK)).ok_or(TensorError::Memory { bytes, shape: shape.clone() })?,
                    0,
                ),
            };
            out.push(Storage::part(&map, used, bytes as usize));
            left -= bytes as usize + ALIGN;
            block = Some((map, used + len));
        }
        Ok(out)
    }

    /// The `bytes` bytes of `map` from `at` on.
    fn part(map: &Arc<MmapMut>, at: usize, bytes: usize) -> Storage {
        assert!(at + bytes <= map.len(), "a part lies within its block");
        // SAFETY: within the block, as just checked; a mapping does not begin at address zero.
        let data = unsafe { NonNull::new_unchecked(map.as_ptr().cast_mut().add(at)) };
        Storage::new(data, bytes, Owner::Mapped { _keep: map.clone() })
    }

    /// Wraps memory that `keep` keeps alive.
    ///
    /// # Safety
    /// `data` must point to `bytes` readable and writable bytes for as long as `keep` lives.
    unsafe fn foreign(data: NonNull<u8>, bytes: usize, keep: Box<dyn Send + Sync>) -> Storage {
        let storage = Storage::new(data, bytes, Owner::Foreign { _keep: keep });
        storage.exposed.store(true, Ordering::Release);
        storage
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

/// Fresh memory of zeros, in large pages where the system has them.
fn map(bytes: usize) -> Option<Arc<MmapMut>> {
    let map = MmapMut::map_anon(bytes).ok()?;
    // Without large pages the memory is the same, only slower.
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::HugePage);
    Some(Arc::new(map))
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
    Tensor::window(Arc::new(storage), 0, shape, dtype)
}
