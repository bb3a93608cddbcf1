//! The order in which steps run.

use crate::steps::Step;
use crate::{ExecResult, Program, branches, lanes};
use rsym_kernels::parallel::TaskGraph;
use std::ops::Range;

/// Steps in order, and which of them run side by side.
pub(crate) struct Schedule {
    steps: Vec<Step>,
    groups: Vec<Group>,
}

/// Neighbouring steps, and which of them wait for which.
struct Group {
    steps: Range<usize>,
    tasks: TaskGraph,
}

impl Schedule {
    /// A schedule of `steps`; those of the nodes of each of the `stretches` run side by side.
    pub fn new(steps: Vec<Step>, stretches: &[Range<usize>], arena: *const u8) -> Schedule {
        let place = |node: usize| steps.partition_point(|s| s.node < node);
        let ranges = stretches.iter().map(|nodes| place(nodes.start)..place(nodes.end));
        let groups = ranges
            .filter(|range| !range.is_empty())
            .map(|range| Group { tasks: branches::tasks(&steps[range.clone()], arena), steps: range })
            .collect();
        Schedule { steps, groups }
    }

    /// A schedule of `steps` of which those of each device of `program` run one after the other, beside those of the others.
    pub fn on_devices(steps: Vec<Step>, program: &Program) -> Schedule {
        let groups = vec![Group { tasks: lanes::tasks(&steps, program), steps: 0..steps.len() }];
        Schedule { steps, groups }
    }

    /// The steps in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Number of steps.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Number of steps that run beside others.
    pub fn together(&self) -> usize {
        self.groups.iter().map(|g| g.steps.len()).sum()
    }

    /// Calls `f` for steps that run one after the other, and for groups together with what waits for what, in order.
    /// Unless `grouped`, all run one after the other.
    pub fn each(
        &mut self,
        grouped: bool,
        mut f: impl FnMut(&mut [Step], Option<&TaskGraph>) -> ExecResult,
    ) -> ExecResult {
        let mut at = 0;
        for group in self.groups.iter().filter(|_| grouped) {
            f(&mut self.steps[at..group.steps.start], None)?;
            f(&mut self.steps[group.steps.clone()], Some(&group.tasks))?;
            at = group.steps.end;
        }
        f(&mut self.steps[at..], None)
    }
}
