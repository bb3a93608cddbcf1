//! Tasks that wait for each other, run side by side.

use super::pool::{Guest, Pool, in_section, outside};
use super::threads::{share, with_threads};
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::*};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// Tasks `0..n` of which each waits for some with lower numbers.
#[derive(Debug, Clone)]
pub struct TaskGraph {
    /// For how many tasks each one waits.
    waits: Vec<u32>,
    /// Where the tasks that wait for each one begin in `later`, and where the last ones end.
    starts: Vec<u32>,
    later: Vec<u32>,
    /// How many tasks run at a time, where they use several threads each.
    wide: Option<usize>,
}

/// How often the calling thread asks whether to go on while it has nothing to do.
const WATCH: Duration = Duration::from_millis(5);

/// A ticket of the queue whose task is not ready yet.
const EMPTY: u32 = u32::MAX;

impl TaskGraph {
    /// `tasks` tasks; of each pair the second waits for the first, which must have the lower number. Pairs may repeat.
    ///
    /// ```
    /// use rsym_kernels::parallel::TaskGraph;
    ///
    /// let (done, graph) = (std::sync::Mutex::new(vec![]), TaskGraph::new(3, &[(0, 2), (1, 2)]));
    /// assert!(graph.run(|task| {
    ///     done.lock().unwrap().push(task);
    ///     true
    /// }));
    /// assert_eq!(done.into_inner().unwrap().last(), Some(&2));
    /// ```
    pub fn new(tasks: usize, pairs: &[(usize, usize)]) -> TaskGraph {
        assert!(
            tasks < EMPTY as usize && pairs.iter().all(|&(a, b)| a < b && b < tasks),
            "tasks wait for earlier ones"
        );
        let (mut waits, mut starts) = (vec![0; tasks], vec![0u32; tasks + 1]);
        for &(before, after) in pairs {
            waits[after] += 1;
            starts[before + 1] += 1;
        }
        for i in 0..tasks {
            starts[i + 1] += starts[i];
        }
        let (mut later, mut next) = (vec![0; pairs.len()], starts.clone());
        for &(before, after) in pairs {
            later[next[before] as usize] = after as u32;
            next[before] += 1;
        }
        TaskGraph { waits, starts, later, wide: None }
    }

    /// Makes the tasks large ones, of which at most `most` run at a time: those that run at the same time share the threads
    /// out between them, and who has nothing to do helps the others. Of the tasks that become ready by one, the worker goes
    /// on with that of the first pair.
    pub fn wide(self, most: usize) -> TaskGraph {
        TaskGraph { wide: Some(most), ..self }
    }

    /// Calls `f` for every task once those it waits for have returned, on as many threads as are free. After one call has
    /// given `false` no other begins. Whether all gave `true`.
    ///
    /// What a task starts runs on its own thread alone, unless tasks are [`TaskGraph::wide`]. One thread runs the tasks in
    /// the order of their numbers.
    pub fn run(&self, f: impl Fn(usize) -> bool + Sync) -> bool {
        self.run_watched(f, || true)
    }

    /// As [`TaskGraph::run`]. While the calling thread has nothing to do it asks `watch` now and then, and after `false` no
    /// other task begins.
    pub fn run_watched(&self, f: impl Fn(usize) -> bool + Sync, watch: impl Fn() -> bool + Sync) -> bool {
        let (tasks, total) = (self.waits.len(), share());
        let threads = total.min(tasks).min(self.wide.unwrap_or(tasks));
        if threads < 2 || in_section() {
            return (0..tasks).all(f);
        }
        let pool = Pool::current(total - 1);
        let wide = self.wide.map(|_| Wide { pool, total, caller: thread::current().id(), watch: &watch });
        let run = Run::new(self, wide);
        pool.run(threads, threads - 1, &|_| run.work(&f));
        !run.stopped.load(Acquire)
    }

    fn later(&self, task: usize) -> &[u32] {
        &self.later[self.starts[task] as usize..self.starts[task + 1] as usize]
    }
}

/// One run of a graph. Tasks that are ready stand in a queue, of which every worker takes ticket after ticket; but what has
/// become ready by a worker's own task it runs itself, since its values are near, and only what is more than one it leaves
/// to others.
struct Run<'a> {
    graph: &'a TaskGraph,
    wide: Option<Wide<'a>>,
    waits: Vec<AtomicU32>,
    queue: Vec<AtomicU32>,
    taken: Apart<AtomicUsize>,
    filled: Apart<AtomicUsize>,
    /// Tasks that have not returned, as far as the workers have said.
    left: Apart<AtomicUsize>,
    /// Tasks that run or are ready to.
    active: Apart<AtomicUsize>,
    stopped: AtomicBool,
}

/// What a run of tasks that use several threads needs to know.
struct Wide<'a> {
    pool: &'static Pool,
    /// Threads of all tasks together.
    total: usize,
    caller: ThreadId,
    watch: &'a (dyn Fn() -> bool + Sync),
}

/// On cache lines of its own.
#[repr(align(128))]
struct Apart<T>(T);

impl<'a> Run<'a> {
    fn new(graph: &'a TaskGraph, wide: Option<Wide<'a>>) -> Run<'a> {
        let tasks = graph.waits.len();
        let run = Run {
            graph,
            wide,
            waits: graph.waits.iter().map(|&n| AtomicU32::new(n)).collect(),
            queue: graph.waits.iter().map(|_| AtomicU32::new(EMPTY)).collect(),
            taken: Apart(0.into()),
            filled: Apart(0.into()),
            left: Apart(tasks.into()),
            active: Apart(0.into()),
            stopped: false.into(),
        };
        (0..tasks).filter(|&i| graph.waits[i] == 0).for_each(|i| run.ready(i as u32));
        run
    }

    fn ready(&self, task: u32) {
        self.active.0.fetch_add(1, Relaxed);
        self.queue[self.filled.0.fetch_add(1, Relaxed)].store(task, Release);
    }

    /// Runs tasks until none is left or one has failed.
    fn work(&self, f: &impl Fn(usize) -> bool) {
        let guard = StopOnUnwind(self);
        while let Some(mut task) = self.take() {
            let mut done = 1;
            loop {
                if !self.begin(task, f) {
                    self.stopped.store(true, Release);
                    break;
                }
                let Some(next) = self.release(task) else { break };
                (task, done) = (next, done + 1);
            }
            self.left.0.fetch_sub(done, Release);
        }
        std::mem::forget(guard);
    }

    /// Calls `f` for the task, with its part of the threads if that may use several.
    fn begin(&self, task: usize, f: &impl Fn(usize) -> bool) -> bool {
        let Some(wide) = &self.wide else { return f(task) };
        let part = wide.total / self.active.0.load(Relaxed).max(1);
        with_threads(part.max(1), || outside(|| f(task)))
    }

    /// Lets those go that waited for `task` alone: the first is given, the others go to the queue.
    fn release(&self, task: usize) -> Option<usize> {
        let mut own = None;
        for &next in self.graph.later(task) {
            if self.waits[next as usize].fetch_sub(1, AcqRel) == 1 {
                match own {
                    None => own = Some(next as usize),
                    Some(_) => self.ready(next),
                }
            }
        }
        if own.is_none() {
            self.active.0.fetch_sub(1, Relaxed);
        }
        own.filter(|_| !self.stopped.load(Relaxed))
    }

    /// The next task of the queue, once there is one.
    fn take(&self) -> Option<usize> {
        let place = self.queue.get(self.taken.0.fetch_add(1, Relaxed));
        if place.is_none() && self.wide.is_none() {
            return None;
        }
        let mut turns = 0u32;
        let mut waiting: Option<Waiting> = None;
        while !self.stopped.load(Acquire) && self.left.0.load(Acquire) > 0 {
            if let Some(task) = place.map(|p| p.load(Acquire)).filter(|&task| task != EMPTY) {
                return Some(task as usize);
            }
            if let Some(wide) = &self.wide
                && !waiting.get_or_insert_with(|| Waiting::new(wide)).turn(wide)
            {
                self.stopped.store(true, Release);
            }
            turns += 1;
            if turns.is_multiple_of(1024) { std::thread::yield_now() } else { spin_loop() }
        }
        None
    }
}

/// What a thread does that waits for a task with several threads.
struct Waiting {
    guest: Guest<'static>,
    /// When the calling thread asked last.
    asked: Option<Instant>,
    turns: u32,
}

impl Waiting {
    fn new(wide: &Wide) -> Waiting {
        let asked = (thread::current().id() == wide.caller).then(Instant::now);
        Waiting { guest: wide.pool.guest(), asked, turns: 0 }
    }

    /// Helps if there is something to help with, and asks if it is time to. Whether to go on.
    fn turn(&mut self, wide: &Wide) -> bool {
        self.turns += 1;
        if !self.guest.help() && !self.turns.is_multiple_of(1024) {
            return true;
        }
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.elapsed() > WATCH) else { return true };
        *asked = Instant::now();
        (wide.watch)()
    }
}

/// Lets the others go when a task panics: what waits for it would never be ready.
struct StopOnUnwind<'a>(&'a Run<'a>);

impl Drop for StopOnUnwind<'_> {
    fn drop(&mut self) {
        self.0.stopped.store(true, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::super::with_threads;
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Mutex;

    /// Pairs of a graph of `n` tasks, each waiting for up to three earlier ones.
    fn some_pairs(n: usize, seed: u64) -> Vec<(usize, usize)> {
        let mut state = seed;
        let mut next = |n: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % n
        };
        (1..n).flat_map(|i| (0..next(4)).map(|_| (next(i), i)).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn every_task_runs_once_and_after_those_it_waits_for() {
        for (n, threads) in [(0, 2), (1, 4), (7, 2), (100, 2), (400, 3), (400, 1)] {
            let pairs = some_pairs(n.max(1), n as u64);
            let graph = TaskGraph::new(n, &pairs);
            for _ in 0..20 {
                let order = Mutex::new(Vec::new());
                let done: Vec<AtomicBool> = (0..n).map(|_| AtomicBool::new(false)).collect();
                let all = with_threads(threads, || {
                    graph.run(|i| {
                        assert!(pairs.iter().filter(|p| p.1 == i).all(|p| done[p.0].load(Acquire)));
                        order.lock().unwrap().push(i);
                        done[i].store(true, Release);
                        true
                    })
                });
                let mut order = order.into_inner().unwrap();
                order.sort();
                assert!(all && order == (0..n).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn independent_tasks_run_at_the_same_time() {
        let graph = TaskGraph::new(2, &[]);
        let begun = AtomicU32::new(0);
        let met = |_| {
            begun.fetch_add(1, SeqCst);
            let start = std::time::Instant::now();
            while begun.load(SeqCst) < 2 && start.elapsed().as_secs() < 10 {
                std::thread::yield_now();
            }
            begun.load(SeqCst) == 2
        };
        assert!(with_threads(2, || graph.run(met)));
    }

    #[test]
    fn wide_tasks_share_the_threads() {
        // Two chains that meet: while both run each has half of the threads, and what comes after has all of them. The
        // helpers may be busy with other tests, so not every run has them.
        let graph = TaskGraph::new(6, &[(0, 2), (1, 3), (2, 4), (3, 4), (4, 5)]).wide(2);
        let shares = || {
            let seen = Mutex::new([0; 6]);
            let all = with_threads(4, || {
                graph.run(|i| {
                    thread::sleep(Duration::from_millis(1));
                    seen.lock().unwrap()[i] = share();
                    true
                })
            });
            assert!(all);
            seen.into_inner().unwrap()
        };
        assert!((0..200).any(|_| shares() == [2, 2, 2, 2, 4, 4]));
    }

    #[test]
    fn who_waits_helps_the_others() {
        use super::super::for_tasks;
        let graph = TaskGraph::new(3, &[(0, 1), (1, 2)]).wide(2);
        let helped = || {
            let threads = Mutex::new(std::collections::HashSet::new());
            let work = |_: usize| {
                thread::sleep(Duration::from_micros(200));
                threads.lock().unwrap().insert(thread::current().id());
            };
            let run = |_| {
                for_tasks(4, 1 << 20, work);
                true
            };
            assert!(with_threads(2, || graph.run(run)));
            threads.lock().unwrap().len() == 2
        };
        assert!((0..200).any(|_| helped()));
    }

    #[test]
    fn the_caller_asks_whether_to_go_on() {
        let graph = TaskGraph::new(2, &[]).wide(2);
        let caller = thread::current().id();
        let stopped = || {
            let watched = AtomicBool::new(false);
            let f = |_| {
                let start = Instant::now();
                let elsewhere = thread::current().id() != caller;
                // Leaves a helper the time to take the other task.
                thread::sleep(Duration::from_millis(2));
                while elsewhere && !watched.load(SeqCst) && start.elapsed().as_millis() < 100 {
                    thread::yield_now();
                }
                true
            };
            let watch = || {
                assert_eq!(thread::current().id(), caller);
                watched.store(true, SeqCst);
                false
            };
            let all = with_threads(2, || graph.run_watched(f, watch));
            assert_eq!(all, !watched.load(SeqCst));
            !all
        };
        assert!((0..50).any(|_| stopped()));
    }

    #[test]
    fn after_a_failure_nothing_that_waits_begins() {
        for threads in [1, 2, 4] {
            let graph = TaskGraph::new(5, &[(0, 1), (1, 2), (1, 3), (3, 4)]);
            let ran = AtomicU32::new(0);
            let all = with_threads(threads, || {
                graph.run(|i| {
                    ran.fetch_or(1 << i, SeqCst);
                    i != 1
                })
            });
            assert_eq!((all, ran.load(SeqCst)), (false, 0b11));
        }
    }

    #[test]
    fn a_panic_reaches_the_caller() {
        let graph = TaskGraph::new(40, &(1..40).map(|i| (i - 1, i)).collect::<Vec<_>>());
        let run = || with_threads(3, || graph.run(|i| if i == 20 { panic!("task {i}") } else { true }));
        let error = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
        assert_eq!(error.downcast_ref::<String>().map(String::as_str), Some("task 20"));
        assert!(graph.run(|_| true));
    }
}
