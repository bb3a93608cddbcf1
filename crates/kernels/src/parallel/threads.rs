//! How many threads kernels use.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// The environment variable that sets the number of threads.
pub const VARIABLE: &str = "RSYM_NUM_THREADS";

/// The greatest number of threads that can be asked for.
pub const MAX_THREADS: usize = 256;

/// Process number in the upper half, threads that [`set_num_threads`] asked for in the lower.
static CHOSEN: AtomicU64 = AtomicU64::new(0);
/// The process that is no fork of another, 0 before it is known.
static ORIGIN: AtomicU32 = AtomicU32::new(0);
static RUNNING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static FORCED: Cell<Option<usize>> = const { Cell::new(None) };
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// To be called when a library with kernels is loaded: whether this is one of several processes that share their work.
/// Such a process uses one thread unless it is told otherwise, and so does every fork of this one.
pub fn loaded(one_of_several: bool) {
    let origin = if one_of_several { u32::MAX } else { std::process::id() };
    ORIGIN.store(origin, Ordering::Relaxed);
}

/// Whether `me` is the process that loaded the library, or asked first, rather than one of several.
fn is_original(me: u32) -> bool {
    let before = ORIGIN.compare_exchange(0, me, Ordering::Relaxed, Ordering::Relaxed);
    before.is_ok() || before == Err(me)
}

/// The number that [`VARIABLE`] asks for, if it does.
pub fn requested() -> Result<Option<usize>, String> {
    std::env::var(VARIABLE).ok().filter(|text| !text.is_empty()).map(|text| parse(&text)).transpose()
}

fn parse(text: &str) -> Result<usize, String> {
    let number = text.trim().parse().ok().filter(|n| (1..=MAX_THREADS).contains(n));
    number.ok_or_else(|| {
        format!("{VARIABLE}='{text}' is no number of threads: use a whole number from 1 to {MAX_THREADS}")
    })
}

/// Sets the number of threads that kernels of this process may use, the calling one included.
pub fn set_num_threads(n: usize) -> Result<(), String> {
    if !(1..=MAX_THREADS).contains(&n) {
        return Err(format!("{n} is no number of threads: use a whole number from 1 to {MAX_THREADS}"));
    }
    CHOSEN.store((std::process::id() as u64) << 32 | n as u64, Ordering::Relaxed);
    Ok(())
}

/// The number of threads that kernels of this process may use: what [`set_num_threads`] said, else [`VARIABLE`], else the
/// cores that this process may run on, or one in a forked process.
pub fn num_threads() -> usize {
    static VARIABLE_SAYS: OnceLock<Option<usize>> = OnceLock::new();
    static CORES: OnceLock<usize> = OnceLock::new();
    let (me, chosen) = (std::process::id(), CHOSEN.load(Ordering::Relaxed));
    if chosen >> 32 == me as u64 {
        return chosen as u32 as usize;
    }
    let original = is_original(me);
    let default = || if original { *CORES.get_or_init(cores) } else { 1 };
    VARIABLE_SAYS.get_or_init(|| requested().ok().flatten()).unwrap_or_else(default)
}

/// The threads that a kernel started by this thread may use: a fair part when several threads are [`running`].
pub(super) fn share() -> usize {
    FORCED.get().unwrap_or_else(|| num_threads() / RUNNING.load(Ordering::Relaxed).max(1))
}

/// Held by a thread while it runs kernels one after the other; those that run at once share the threads.
#[derive(Debug)]
pub struct Running(PhantomData<*const ()>);

/// Counts the calling thread among those that run kernels until the result is dropped. Calls may nest.
pub fn running() -> Running {
    let depth = DEPTH.get();
    DEPTH.set(depth + 1);
    if depth == 0 {
        RUNNING.fetch_add(1, Ordering::Relaxed);
    }
    Running(PhantomData)
}

impl Drop for Running {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        if DEPTH.get() == 0 {
            RUNNING.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Runs `f` with `n` threads for the kernels that this thread starts.
pub fn with_threads<R>(n: usize, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<usize>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _restore = Restore(FORCED.replace(Some(n.clamp(1, MAX_THREADS))));
    f()
}

/// The cores that this process may use: processors by affinity and control group, counting those of one core once.
fn cores() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    processors.min(physical_cores().unwrap_or(processors)).clamp(1, MAX_THREADS)
}

/// The number of cores among the processors that this process may run on, where Linux tells.
fn physical_cores() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let siblings = |cpu: usize| {
        let file = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        std::fs::read_to_string(file).ok()
    };
    let cores = cpu_list(allowed)?.into_iter().map(siblings).collect::<Option<std::collections::HashSet<_>>>()?;
    Some(cores.len()).filter(|&n| n > 0)
}

/// The numbers of a list such as `0-3,8`.
fn cpu_list(text: &str) -> Option<Vec<usize>> {
    let mut cpus = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        cpus.extend(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_a_number_of_threads() {
        assert_eq!([parse("1"), parse(" 256 ")], [Ok(1), Ok(256)]);
        for text in ["0", "257", "-1", "two", "1.5"] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(text) && error.contains("from 1 to 256"), "{error}");
        }
    }

    #[test]
    fn impossible_numbers_are_refused() {
        assert!(set_num_threads(0).unwrap_err().contains("from 1 to 256"));
        assert!(set_num_threads(257).is_err());
    }

    #[test]
    fn forced_numbers_end_with_their_call() {
        let before = share();
        with_threads(3, || {
            assert_eq!(share(), 3);
            with_threads(1, || assert_eq!(share(), 1));
            assert_eq!(share(), 3);
        });
        assert_eq!(share(), before);
    }

    #[test]
    fn a_thread_counts_once_as_running() {
        let outer = running();
        let before = RUNNING.load(Ordering::Relaxed);
        drop(running());
        assert!(before >= 1 && DEPTH.get() == 1);
        drop(outer);
        assert_eq!(DEPTH.get(), 0);
    }

    #[test]
    fn lists_of_processors() {
        assert_eq!(cpu_list("0-2,5\n"), Some(vec![0, 1, 2, 5]));
        assert_eq!(cpu_list("x"), None);
        assert!((1..=MAX_THREADS).contains(&cores()));
    }
}
