use std::cell::Cell;

/// Whether a thread records, and whether it trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// Whether operators are put on the tape.
    pub recording: bool,
    /// Whether operators run as in training.
    pub training: bool,
}

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode { recording: false, training: false }) };
}

/// The mode of this thread; at first it neither records nor trains.
pub fn mode() -> Mode {
    MODE.get()
}

/// Switches recording in this thread, and says what it was.
pub fn set_recording(recording: bool) -> bool {
    let before = MODE.get();
    MODE.set(Mode { recording, ..before });
    before.recording
}

/// Switches training in this thread, and says what it was.
pub fn set_training(training: bool) -> bool {
    let before = MODE.get();
    MODE.set(Mode { training, ..before });
    before.training
}
