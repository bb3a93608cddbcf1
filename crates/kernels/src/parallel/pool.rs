//! Sections of work on rayon's threads.
//!
//! A section offers its work to helpers that are free and takes part itself. A helper that has finished waits a moment for
//! the next section, spinning, before it goes back to rayon and sleeps: sections that follow each other start within a
//! microsecond. Whoever finds all helpers taken by others, or is a helper itself, works alone; a helper that wakes too
//! late finds the offer withdrawn. So a section never waits for a thread that has not begun.
//!
//! A thread that has to wait for another inside of a section helps meanwhile as a [`Guest`].

use std::any::Any;
use std::cell::Cell;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::null_mut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::*};
use std::time::{Duration, Instant};

/// How long a helper spins before it sleeps. Waking it costs about as much.
const PATIENCE: Duration = Duration::from_micros(60);

/// Parts into which the blocks of a section are divided at most; every thread begins with a part of its own.
const MAX_PARTS: usize = 32;

thread_local! {
    static IN_SECTION: Cell<bool> = const { Cell::new(false) };
}

/// Whether the calling thread takes part in a section already.
pub(super) fn in_section() -> bool {
    IN_SECTION.get()
}

/// Runs `f` as if the calling thread took part in no section: it may start some of its own.
pub(super) fn outside<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            IN_SECTION.set(self.0);
        }
    }
    let _restore = Restore(IN_SECTION.replace(false));
    f()
}

/// A run of blocks of which each is taken once.
#[repr(align(128))]
struct Part {
    next: AtomicUsize,
    end: usize,
}

/// Blocks of work that several threads share.
struct Section<'a> {
    work: &'a (dyn Fn(usize) + Sync),
    parts: [Part; MAX_PARTS],
    used: usize,
    /// Helpers that were offered the section and have not left it.
    helpers: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl<'a> Section<'a> {
    fn new(blocks: usize, threads: usize, work: &'a (dyn Fn(usize) + Sync)) -> Self {
        let used = threads.min(MAX_PARTS);
        let start = |part: usize| blocks * part.min(used) / used;
        let part = |i| Part { next: AtomicUsize::new(start(i)), end: start(i + 1) };
        let parts = std::array::from_fn(part);
        Section { work, parts, used, helpers: AtomicUsize::new(0), panic: Mutex::new(None) }
    }

    /// Takes blocks until there are none, beginning with the part of thread `me`.
    fn take_part(&self, me: usize) {
        let outer = IN_SECTION.replace(true);
        let work = || (0..self.used).for_each(|i| self.run(&self.parts[(me + i) % self.used]));
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            self.parts.iter().for_each(|part| part.next.store(part.end, Relaxed));
            self.panic.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(panic);
        }
        IN_SECTION.set(outer);
    }

    fn run(&self, part: &Part) {
        loop {
            let block = part.next.fetch_add(1, Relaxed);
            if block >= part.end {
                return;
            }
            (self.work)(block);
        }
    }

    /// Waits until all helpers have left.
    fn wait(&self) {
        let mut turns = 0u32;
        while self.helpers.load(Acquire) > 0 {
            turns += 1;
            if turns.is_multiple_of(1024) { std::thread::yield_now() } else { spin_loop() }
        }
    }
}

/// The place of one helper.
#[repr(align(128))]
struct Slot {
    /// Null while the helper is free, [`TAKEN`] while it works, else the section that it is offered.
    offer: AtomicPtr<Section<'static>>,
    /// Whether a thread looks at the slot.
    awake: AtomicBool,
}

/// The offer of a slot whose helper has begun; never read through.
const TAKEN: *mut Section<'static> = std::ptr::without_provenance_mut(1);

/// The offer of a slot that no guest has; never read through.
const VACANT: *mut Section<'static> = std::ptr::without_provenance_mut(2);

/// Guests of a pool at most.
const MAX_GUESTS: usize = 16;

impl Slot {
    fn new() -> Self {
        Slot { offer: AtomicPtr::new(null_mut()), awake: AtomicBool::new(false) }
    }

    /// The place of a guest, who is awake as long as there is one.
    fn vacant() -> Self {
        Slot { offer: AtomicPtr::new(VACANT), awake: AtomicBool::new(true) }
    }

    /// Takes part in sections as thread `me` until none has come for a while.
    fn help(&self, me: usize) {
        loop {
            let mut since = Instant::now();
            let mut turns = 0u32;
            while !turns.is_multiple_of(64) || since.elapsed() < PATIENCE {
                turns += 1;
                if self.help_once(me) {
                    (since, turns) = (Instant::now(), 0);
                }
                spin_loop();
            }
            self.awake.store(false, SeqCst);
            if self.offer.load(SeqCst).is_null() || self.awake.swap(true, SeqCst) {
                return;
            }
        }
    }

    fn help_once(&self, me: usize) -> bool {
        let section = self.offer.load(Relaxed);
        if section.is_null()
            || section == VACANT
            || self.offer.compare_exchange(section, TAKEN, Acquire, Relaxed).is_err()
        {
            return false;
        }
        // SAFETY: a section lives until its helpers have left, and this one leaves with its last access below.
        let section = unsafe { &*section };
        section.take_part(me);
        self.offer.store(null_mut(), Release);
        section.helpers.fetch_sub(1, Release);
        true
    }
}

/// Helpers of one process.
pub(super) struct Pool {
    process: u32,
    slots: Box<[Slot]>,
    guests: [Slot; MAX_GUESTS],
    threads: Option<rayon::ThreadPool>,
}

/// The pool of the latest process that needed one. A pool is never freed: its threads may look at it at any time.
static CURRENT: AtomicPtr<Pool> = AtomicPtr::new(null_mut());

impl Pool {
    /// A pool of as many helpers; of none where the machine refuses the threads.
    pub(super) fn new(helpers: usize) -> &'static Pool {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(helpers).thread_name(|i| format!("rsym-{i}"));
        let threads = threads.build().ok();
        let slots = (0..helpers).map(|_| Slot::new()).collect();
        let guests = std::array::from_fn(|_| Slot::vacant());
        Box::leak(Box::new(Pool { process: std::process::id(), slots, guests, threads }))
    }

    /// The pool of this process with `helpers` at least. Threads do not survive a fork: a child gets a pool of its own.
    pub(super) fn current(helpers: usize) -> &'static Pool {
        let held = CURRENT.load(Acquire);
        // SAFETY: pools are never freed.
        let pool = unsafe { held.as_ref() }.filter(|pool| pool.process == std::process::id());
        if let Some(pool) = pool.filter(|pool| pool.slots.len() >= helpers) {
            return pool;
        }
        let grown = pool.map_or(helpers, |pool| helpers.max(2 * pool.slots.len()));
        let new = Pool::new(grown);
        match CURRENT.compare_exchange(held, (&raw const *new).cast_mut(), AcqRel, Acquire) {
            Ok(_) => new,
            Err(_) => Pool::current(helpers),
        }
    }

    /// Calls `work` for the blocks `0..blocks` on the calling thread and up to `helpers` others.
    pub(super) fn run(&'static self, blocks: usize, helpers: usize, work: &(dyn Fn(usize) + Sync)) {
        let section = Section::new(blocks, helpers + 1, work);
        let place = (&raw const section).cast_mut().cast::<Section<'static>>();
        let offered = self.offer(place, helpers, &section.helpers);
        section.take_part(0);
        self.withdraw(place, offered, &section.helpers);
        section.wait();
        let panic = section.panic.lock().unwrap_or_else(|e| e.into_inner()).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Offers the section to free helpers and gives the number of slots that were looked at.
    fn offer(&'static self, section: *mut Section<'static>, helpers: usize, count: &AtomicUsize) -> usize {
        let Some(threads) = &self.threads else { return 0 };
        let mut left = helpers;
        for (i, slot) in self.places().enumerate() {
            if left == 0 {
                return i;
            }
            count.fetch_add(1, Relaxed);
            if slot.offer.compare_exchange(null_mut(), section, SeqCst, Relaxed).is_err() {
                count.fetch_sub(1, Relaxed);
                continue;
            }
            left -= 1;
            if !slot.awake.swap(true, SeqCst) {
                threads.spawn(move || slot.help(i + 1));
            }
        }
        self.slots.len() + MAX_GUESTS
    }

    /// The slots of helpers, then those of guests.
    fn places(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().chain(&self.guests)
    }

    /// A place for the calling thread to help others from while it waits, if one is vacant.
    pub(super) fn guest(&self) -> Guest<'_> {
        let free = |slot: &&Slot| slot.offer.compare_exchange(VACANT, null_mut(), SeqCst, Relaxed).is_ok();
        Guest(self.guests.iter().find(free))
    }

    /// Takes back the offers that no helper has taken.
    fn withdraw(&self, section: *mut Section<'static>, offered: usize, count: &AtomicUsize) {
        for slot in self.places().take(offered) {
            if slot.offer.load(Relaxed) == section
                && slot.offer.compare_exchange(section, null_mut(), Relaxed, Relaxed).is_ok()
            {
                count.fetch_sub(1, Relaxed);
            }
        }
    }
}

/// A thread that waits and helps others meanwhile; it leaves when dropped, after what it has begun.
pub(super) struct Guest<'a>(Option<&'a Slot>);

impl Guest<'_> {
    /// Takes part in a section if it is offered one.
    pub(super) fn help(&self) -> bool {
        self.0.is_some_and(|slot| slot.help_once(MAX_PARTS - 1))
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        let Some(slot) = self.0 else { return };
        while slot.offer.compare_exchange(null_mut(), VACANT, SeqCst, Relaxed).is_err() {
            slot.help_once(MAX_PARTS - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    /// Waits until the condition holds; gives up after ten seconds.
    fn soon(condition: impl Fn() -> bool) -> bool {
        let start = Instant::now();
        while !condition() {
            if start.elapsed() > Duration::from_secs(10) {
                return false;
            }
            std::thread::yield_now();
        }
        true
    }

    #[test]
    fn every_block_runs_once() {
        let pool = Pool::new(3);
        for blocks in [1, 2, 3, 4, 7, 100, 1000] {
            let seen: Vec<AtomicU32> = (0..blocks).map(|_| AtomicU32::new(0)).collect();
            pool.run(blocks, 3, &|i| {
                seen[i].fetch_add(1, Relaxed);
            });
            assert!(seen.iter().all(|n| n.load(Relaxed) == 1));
        }
    }

    #[test]
    fn blocks_run_at_the_same_time() {
        let pool = Pool::new(2);
        for _ in 0..50 {
            let begun = AtomicU32::new(0);
            let met = AtomicU32::new(0);
            pool.run(3, 2, &|_| {
                begun.fetch_add(1, SeqCst);
                met.fetch_add(soon(|| begun.load(SeqCst) == 3) as u32, SeqCst);
            });
            assert_eq!(met.load(SeqCst), 3);
        }
    }

    #[test]
    fn helpers_come_back_from_their_sleep() {
        let pool = Pool::new(1);
        for round in 0..6 {
            let begun = AtomicU32::new(0);
            pool.run(2, 1, &|_| {
                begun.fetch_add(1, SeqCst);
                assert!(soon(|| begun.load(SeqCst) == 2));
            });
            if round % 2 == 0 {
                assert!(soon(|| !pool.slots[0].awake.load(SeqCst)), "the helper spins for ever");
            }
        }
    }

    #[test]
    fn sections_at_the_same_time_share_the_helpers() {
        let pool = Pool::new(2);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..2000usize {
                        let sum = AtomicUsize::new(0);
                        pool.run(round % 17, 2, &|i| {
                            sum.fetch_add(i + 1, Relaxed);
                        });
                        assert_eq!(sum.load(Relaxed), (round % 17) * (round % 17 + 1) / 2);
                    }
                });
            }
        });
        assert!(pool.slots.iter().all(|slot| slot.offer.load(SeqCst).is_null()));
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let pool = Pool::new(2);
        for bad in [0, 5, 99] {
            let run = || {
                pool.run(100, 2, &|i| {
                    if i == bad {
                        panic!("block {i}");
                    }
                })
            };
            let error = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            assert_eq!(error.downcast_ref::<String>(), Some(&format!("block {bad}")));
            assert!(!in_section());
        }
        let count = AtomicUsize::new(0);
        pool.run(10, 2, &|_| {
            count.fetch_add(1, Relaxed);
        });
        assert_eq!(count.load(Relaxed), 10);
    }

    #[test]
    fn guests_take_part_and_leave() {
        let pool = Pool::new(1);
        for _ in 0..50 {
            let begun = AtomicU32::new(0);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let guest = pool.guest();
                    assert!(soon(|| guest.help() || begun.load(SeqCst) == 3));
                });
                assert!(soon(|| pool.guests[0].offer.load(SeqCst).is_null()));
                pool.run(3, 2, &|_| {
                    begun.fetch_add(1, SeqCst);
                    assert!(soon(|| begun.load(SeqCst) == 3));
                });
            });
            assert!(pool.guests.iter().all(|slot| slot.offer.load(SeqCst) == VACANT));
        }
    }

    #[test]
    fn pools_grow_when_more_is_asked() {
        assert!(!Pool::current(1).slots.is_empty());
        let larger = Pool::current(5);
        assert!(larger.slots.len() >= 5 && std::ptr::eq(larger, Pool::current(2)));
    }
}
