//! Passes over a bound program: each makes it cheaper to run and leaves what it computes as it was.
//!
//! A pass is a file of its own with one function from program to program. [`optimise`] runs them in order, and the
//! verifier after each of them where it is asked for (always in debug builds).

mod absorb;
mod cse;
mod dead;
mod fold;
mod fuse;
mod fused;
mod gather;
mod identity;
mod layout;
mod rewrite;
mod verify;

pub(crate) use rewrite::{Rewrite, is_head};

use crate::{ExecError, ExecResult, Program};
use std::sync::atomic::{AtomicU32, Ordering};

/// What a program is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Forward passes that are no training: moving statistics are constants, dropout does nothing.
    Inference,
    /// Forward and backward passes of either kind.
    Training,
}

type Run = fn(Program, Mode) -> ExecResult<Program>;

/// The passes in their order, by name.
const PASSES: [(&str, Run); 8] = [
    ("identity", identity::run),
    ("fold", fold::run),
    ("gather", gather::run),
    ("cse", cse::run),
    ("absorb", absorb::run),
    ("layout", layout::run),
    ("dead", dead::run),
    ("fuse", fuse::run),
];

/// What runs small independent operators side by side (`branches.rs`): no pass, but it can be left out like one.
pub(crate) const BRANCHES: &str = "branches";

/// A set of passes by their place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PassSet(u32);

/// The environment variable that names passes to leave out, separated by commas; `all` leaves out every one.
pub const VARIABLE: &str = "RSYM_PASSES_OFF";

/// The passes that this process leaves out besides those of [`VARIABLE`].
static OFF: AtomicU32 = AtomicU32::new(0);

/// Names of all that can be left out, in the order in which it happens.
pub fn names() -> impl Iterator<Item = &'static str> {
    PASSES.iter().map(|(name, _)| *name).chain([BRANCHES])
}

impl PassSet {
    /// The passes called `names`, `all` being every one.
    pub fn parse<'a>(given: impl IntoIterator<Item = &'a str>) -> ExecResult<PassSet> {
        let mut set = PassSet::default();
        for name in given.into_iter().map(str::trim).filter(|name| !name.is_empty()) {
            match names().position(|known| known == name) {
                Some(at) => set.0 |= 1 << at,
                None if name == "all" => set.0 = u32::MAX,
                None => {
                    let known: Vec<&str> = names().chain(["all"]).collect();
                    return Err(ExecError::State(format!("there is no pass '{name}': use {}", known.join(", "))));
                }
            }
        }
        Ok(set)
    }

    /// The passes that this process leaves out now. MXNet's own variable for the common subexpressions counts too.
    pub fn off() -> ExecResult<PassSet> {
        let variable = std::env::var(VARIABLE).unwrap_or_default();
        let kept_apart = std::env::var("MXNET_ELIMINATE_COMMON_EXPR").is_ok_and(|v| v == "0");
        let given = variable.split(',').chain(kept_apart.then_some("cse"));
        Ok(PassSet(PassSet::parse(given)?.0 | OFF.load(Ordering::Relaxed)))
    }

    /// Whether it has the pass called `name`.
    pub fn contains(self, name: &str) -> bool {
        self.names().any(|own| own == name)
    }

    /// Makes this the set that the process leaves out in what it binds from now on; returns the set before.
    pub fn switch_off(self) -> PassSet {
        PassSet(OFF.swap(self.0, Ordering::Relaxed))
    }

    /// Names of its passes.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        names().enumerate().filter(move |(at, _)| self.0 >> at & 1 == 1).map(|(_, name)| name)
    }
}

/// Joins equal subexpressions and does nothing else.
pub(crate) fn join_equal(program: Program, off: PassSet) -> ExecResult<Program> {
    if off.contains("cse") { Ok(program) } else { cse::run(program, Mode::Training) }
}

/// Runs all passes but those in `off`.
pub fn optimise(mut program: Program, mode: Mode, off: PassSet) -> ExecResult<Program> {
    for (at, (name, run)) in PASSES.iter().enumerate() {
        if off.0 >> at & 1 == 1 {
            continue;
        }
        program = run(program, mode)?;
        check(&program, name)?;
    }
    Ok(program)
}

/// Runs the verifier after the pass `name`, where it is asked for.
pub(crate) fn check(program: &Program, name: &str) -> ExecResult {
    if cfg!(debug_assertions) || verify::wanted() { verify::verify(program, name) } else { Ok(()) }
}
