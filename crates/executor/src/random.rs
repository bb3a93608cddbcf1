//! The process-wide random stream: a seed, and a counter that gives every run of a random operator its own key.

use rsym_graph::Ctx;
use std::sync::Mutex;

struct Stream {
    seed: u64,
    next: u64,
}

static STREAM: Mutex<Stream> = Mutex::new(Stream { seed: 0, next: 0 });

/// Starts the stream anew: the same seed is followed by the same draws, for every number of threads.
pub fn seed(seed: u64) {
    *STREAM.lock().unwrap_or_else(|e| e.into_inner()) = Stream { seed, next: 0 };
}

/// The context of the next random operator.
pub fn next_stream(is_train: bool) -> Ctx<'static> {
    let mut stream = STREAM.lock().unwrap_or_else(|e| e.into_inner());
    stream.next += 1;
    Ctx { is_train, seed: stream.seed, stream: stream.next, cache: None }
}
