//! What operators make of their weights, kept from one run to the next.

use rsym_tensor::Tensor;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

type Value = Arc<dyn Any + Send + Sync>;
/// Address and version of every tensor that the value was made of.
type Stamp = SmallVec<[(usize, u64); 6]>;

/// Values derived from tensors, such as weights in packed form, each kept until a tensor that it was made of is written.
///
/// One executor has one cache; nodes that use the same weight in the same form share its value.
#[derive(Default)]
pub struct Cache(Mutex<FxHashMap<(usize, u64), Kept>>);

struct Kept {
    stamp: Option<Stamp>,
    value: Value,
    /// Bytes of the first tensor that it was made of.
    bytes: usize,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Cache")
    }
}

impl Cache {
    /// The value of form `form` made of `sources`: the kept one if no source was written since, else what `make` gives. It
    /// gets the value of before, if there is one that nobody uses.
    ///
    /// Sources whose memory others may write unannounced are made anew each time. `form` must tell apart everything that
    /// the value depends on besides the sources.
    pub fn get<T: Send + Sync + 'static>(
        &self,
        form: u64,
        sources: &[&Tensor],
        make: impl FnOnce(Option<T>) -> T,
    ) -> Arc<T> {
        let key = (sources.first().map_or(0, |t| t.as_ptr() as usize), form);
        let stamp = stamp(sources);
        let fresh = |kept: &&Kept| kept.stamp == stamp && stamp.is_some();
        let kept = self.lock().get(&key).filter(fresh).map(|kept| kept.value.clone());
        if let Some(Ok(value)) = kept.map(|value| value.downcast::<T>()) {
            return value;
        }
        let old = self.lock().remove(&key).and_then(|kept| kept.value.downcast::<T>().ok()).and_then(Arc::into_inner);
        let value = Arc::new(make(old));
        let bytes = sources.first().map_or(0, |t| t.bytes());
        self.lock().insert(key, Kept { stamp, value: value.clone(), bytes });
        value
    }

    /// About how many bytes the values take: those of the weights that they were made of, each form counting.
    pub fn bytes(&self) -> usize {
        self.lock().values().map(|kept| kept.bytes).sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, FxHashMap<(usize, u64), Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamp(sources: &[&Tensor]) -> Option<Stamp> {
    sources.iter().map(|t| Some((t.as_ptr() as usize, t.storage().version()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsym_tensor::DType;

    #[test]
    fn a_value_lives_until_a_source_is_written() {
        let (cache, mut made) = (Cache::default(), 0);
        let (mut a, b) =
            (Tensor::full([2], DType::Float32, 1.0).unwrap(), Tensor::full([2], DType::Float32, 2.0).unwrap());
        let mut sum = |a: &Tensor, b: &Tensor| {
            *cache.get(7, &[a, b], |_| {
                made += 1;
                (a.slice::<f32>().unwrap()[0] + b.slice::<f32>().unwrap()[0], made)
            })
        };
        assert_eq!((sum(&a, &b), sum(&a, &b)), ((3.0, 1), (3.0, 1)));
        a.fill(5.0);
        assert_eq!((sum(&a, &b), sum(&a, &b)), ((7.0, 2), (7.0, 2)));
        assert_eq!(cache.bytes(), 8);
    }

    #[test]
    fn forms_and_memory_of_others_are_told_apart() {
        let cache = Cache::default();
        let a = Tensor::full([2], DType::Float32, 1.0).unwrap();
        assert_eq!((*cache.get(1, &[&a], |_| 1), *cache.get(2, &[&a], |_| 2)), (1, 2));
        a.storage().expose();
        assert_eq!((*cache.get(1, &[&a], |old| old.map_or(3, |o| o + 10)), *cache.get(1, &[&a], |_| 4)), (11, 4));
    }
}
