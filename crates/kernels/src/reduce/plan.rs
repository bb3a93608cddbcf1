use crate::axes::{Axis, MAX_AXES};

/// The axes of a reduction, outermost first, without extents of 1, neighbours of the same kind merged.
pub(super) struct Plan {
    pub(super) kept: Vec<Axis>,
    pub(super) reduced: Vec<Axis>,
    /// Whether neighbouring outputs come from neighbouring elements.
    pub(super) inner_kept: bool,
    /// Number of outputs.
    pub(super) outputs: usize,
    /// Elements that each output is made of.
    pub(super) count: usize,
}

impl Plan {
    pub(super) fn new(dims: &[usize], axes: &[usize]) -> Plan {
        assert!(axes.iter().all(|&a| a < dims.len()) && dims.len() <= MAX_AXES, "reduce: axes {axes:?} of {dims:?}");
        let mut plan = Plan { kept: vec![], reduced: vec![], inner_kept: true, outputs: 1, count: 1 };
        let (mut stride, mut last) = (1, None);
        for (i, &extent) in dims.iter().enumerate().rev().filter(|(_, e)| **e != 1) {
            let kept = !axes.contains(&i);
            plan.inner_kept = if last.is_none() { kept } else { plan.inner_kept };
            plan.push(kept, last == Some(kept), Axis { extent, stride });
            stride *= extent;
            last = Some(kept);
        }
        plan.kept.reverse();
        plan.reduced.reverse();
        plan
    }

    fn push(&mut self, kept: bool, merge: bool, axis: Axis) {
        let (list, size) =
            if kept { (&mut self.kept, &mut self.outputs) } else { (&mut self.reduced, &mut self.count) };
        *size *= axis.extent;
        match list.last_mut() {
            Some(inner) if merge => inner.extent *= axis.extent,
            _ => list.push(axis),
        }
    }
}
