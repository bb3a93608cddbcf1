//! The steps of several devices: those of one device run one after the other, in the order of the program, and a step waits
//! for those of other devices whose memory it reads, or writes while they read or write it.
//!
//! One after the other in the order of the program is always a way to run them; so nothing can wait for ever, and whatever
//! runs beside what, every bit is the same.

use crate::Program;
use crate::steps::Step;
use rsym_kernels::parallel::TaskGraph;
use rsym_tensor::Tensor;
use std::ops::Range;

/// Which of the steps wait for which.
pub(crate) fn tasks(steps: &[Step], program: &Program) -> TaskGraph {
    let lane = |i: usize| program.lane(steps[i].node);
    let count = program.devices.len();
    let mut pairs = Vec::new();
    let mut last: Vec<Option<usize>> = vec![None; count];
    // The next step of its own device comes first: who has finished a step goes on with that.
    for i in 0..steps.len() {
        pairs.extend(last[lane(i)].replace(i).map(|before| (before, i)));
    }
    let mut uses = Uses::new(steps, count);
    let mut before: Vec<Option<usize>> = vec![None; count];
    last.fill(None);
    let mut alone = None;
    // Up to which step of each device each device has waited already.
    let mut waited: Vec<Option<usize>> = vec![None; count * count];
    for (i, step) in steps.iter().enumerate() {
        before.fill(None);
        if let Some(alone) = alone {
            before[lane(alone)] = Some(alone);
        }
        if runs_alone(step) {
            before.copy_from_slice(&last);
            alone = Some(i);
        }
        uses.of_step(step, i, lane(i), &mut before);
        for (other, &b) in before.iter().enumerate().filter(|(other, _)| *other != lane(i)) {
            let waited = &mut waited[lane(i) * count + other];
            if b > *waited {
                *waited = b;
                pairs.extend(b.map(|b| (b, i)));
            }
        }
        last[lane(i)] = Some(i);
    }
    TaskGraph::new(steps.len(), &pairs).wide(count)
}

/// Whether the step may change more than its outputs and states: all before have run, and none after has begun.
fn runs_alone(step: &Step) -> bool {
    step.op.has_effects() && step.op.aux().is_empty()
}

/// Who uses which piece of memory. Pieces lie between the addresses where tensors begin or end.
struct Uses {
    ends: Vec<usize>,
    lanes: usize,
    /// For each piece the last step that wrote it, and its device.
    written: Vec<Option<(usize, usize)>>,
    /// For each piece the last step of each device that read it since it was written.
    read: Vec<Option<usize>>,
}

impl Uses {
    fn new(steps: &[Step], lanes: usize) -> Uses {
        let all = steps.iter().flat_map(|s| s.inputs.iter().chain(&s.outputs));
        let mut ends: Vec<usize> = all.map(addresses).flat_map(|a| [a.start, a.end]).collect();
        ends.sort_unstable();
        ends.dedup();
        Uses { read: vec![None; ends.len() * lanes], written: vec![None; ends.len()], ends, lanes }
    }

    /// Adds the uses of step `i`, which runs on `lane`, and leaves in `before` the last step of each device for which it has
    /// to wait.
    fn of_step(&mut self, step: &Step, i: usize, lane: usize, before: &mut [Option<usize>]) {
        let aux = step.op.aux();
        for (k, tensor) in step.inputs.iter().enumerate() {
            if step.op.reads(k) || aux.contains(&k) {
                self.read(tensor, i, lane, before);
            }
        }
        aux.iter().filter_map(|&k| step.inputs.get(k)).for_each(|t| self.write(t, i, lane, before));
        step.outputs.iter().for_each(|t| self.write(t, i, lane, before));
    }

    fn read(&mut self, tensor: &Tensor, i: usize, lane: usize, before: &mut [Option<usize>]) {
        for p in self.pieces_of(tensor) {
            wait(before, self.written[p]);
            self.read[p * self.lanes + lane] = Some(i);
        }
    }

    fn write(&mut self, tensor: &Tensor, i: usize, lane: usize, before: &mut [Option<usize>]) {
        for p in self.pieces_of(tensor) {
            wait(before, self.written[p]);
            let read = &mut self.read[p * self.lanes..][..self.lanes];
            read.iter_mut().enumerate().for_each(|(l, step)| wait(before, step.take().map(|s| (s, l))));
            self.written[p] = Some((i, lane));
        }
    }

    fn pieces_of(&self, tensor: &Tensor) -> Range<usize> {
        let own = addresses(tensor);
        let place = |at: usize| self.ends.partition_point(|&end| end < at);
        place(own.start)..place(own.end)
    }
}

fn wait(before: &mut [Option<usize>], step: Option<(usize, usize)>) {
    if let Some((step, lane)) = step {
        before[lane] = before[lane].max(Some(step));
    }
}

/// Where the tensor lies. All that others may hold as well counts as one piece: it can overlap.
fn addresses(tensor: &Tensor) -> Range<usize> {
    let start = tensor.as_ptr() as usize;
    if tensor.storage().version().is_none() { 0..1 } else { start..start + tensor.bytes() }
}
