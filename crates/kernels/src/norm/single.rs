//! Batch normalisation in single precision, for every layout whose channels are lanes of vectors or lines of them.

use super::batch::BatchStats;
use super::strips::{LANES, Line, Slope, Strip, Values, descend, moments, normalise, products};
use crate::layout::AxisDims;
use crate::parallel::{Shared, for_tasks, map_indices};
use crate::simd::{Tier, tier};
use std::array::from_fn;

/// Groups that do not make tasks enough.
const FEW: usize = 8;

/// How the channels lie in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    dims: AxisDims,
    blocked: bool,
}

/// Channels with their elements: one channel in all lanes of the strip, or one channel in each lane.
struct Group {
    first: usize,
    channels: usize,
    joint: bool,
    strip: Strip,
}

impl Layout {
    /// `[outer, channels, inner]`.
    pub fn plain(dims: AxisDims) -> Self {
        Layout { dims, blocked: false }
    }

    /// `[outer, channels / 16, inner, 16]`.
    ///
    /// # Panics
    /// When channels are no multiple of 16.
    pub fn blocked(dims: AxisDims) -> Self {
        assert!(dims.axis.is_multiple_of(LANES), "blocked tensors have whole blocks of channels");
        Layout { dims, blocked: true }
    }

    fn groups(&self) -> usize {
        if self.blocked || self.dims.inner == 1 { self.dims.axis.div_ceil(LANES) } else { self.dims.axis }
    }

    fn group(&self, index: usize) -> Group {
        let AxisDims { outer, axis, inner } = self.dims;
        if self.blocked {
            let start = index * LANES * inner;
            let strip = Strip { start, lines: outer, line_step: axis * inner, full: inner, step: LANES, tail: 0 };
            return Group { first: index * LANES, channels: LANES, joint: false, strip };
        }
        if inner != 1 {
            let (full, tail) = (inner / LANES, inner % LANES);
            let strip = Strip { start: index * inner, lines: outer, line_step: axis * inner, full, step: LANES, tail };
            return Group { first: index, channels: 1, joint: true, strip };
        }
        let first = index * LANES;
        let channels = LANES.min(axis - first);
        let strip = if channels == LANES {
            Strip { start: first, lines: 1, line_step: 0, full: outer, step: axis, tail: 0 }
        } else {
            Strip { start: first, lines: outer, line_step: axis, full: 0, step: 0, tail: channels }
        };
        Group { first, channels, joint: false, strip }
    }

    /// Calls `f` for every group; `cost` is that of one element. Few long groups come one after the other, so that each
    /// may use all threads, many in parallel.
    fn for_groups(&self, cost: usize, f: impl Fn(Group) + Sync) {
        let groups = self.groups();
        let each = self.dims.size() / groups.max(1) / LANES * cost;
        if groups < FEW && groups > 0 && self.group(0).strip.parts().len() > 1 {
            return (0..groups).for_each(|index| f(self.group(index)));
        }
        for_tasks(groups, each.max(LANES), |index| f(self.group(index)));
    }
}

impl Group {
    /// Elements of one channel.
    fn count(&self, strip: &Strip) -> f64 {
        (if self.joint { strip.elements() } else { strip.elements() / self.channels }) as f64
    }

    /// The values of the channels in the lanes that hold them; 0 elsewhere.
    fn lanes(&self, f: impl Fn(usize) -> f32) -> Values {
        if self.joint {
            return [f(self.first); LANES];
        }
        from_fn(|lane| if lane < self.channels { f(self.first + lane) } else { 0.0 })
    }

    /// Sums for every lane as sums for every channel.
    fn by_channel(&self, lanes: [f64; LANES]) -> [f64; LANES] {
        if self.joint { [lanes.iter().sum(); LANES] } else { lanes }
    }

    /// # Safety
    /// No other thread may touch these channels of `out`.
    unsafe fn store(&self, out: &Shared<f32>, value: impl Fn(usize) -> f64) {
        // SAFETY: the caller vouches for exclusive access.
        let out = unsafe { out.slice(self.first, self.channels) };
        out.iter_mut().enumerate().for_each(|(lane, o)| *o = value(lane) as f32);
    }
}

/// Mean and sum of squared deviations of `count` elements of every channel.
#[derive(Clone, Copy)]
struct Moments {
    count: f64,
    mean: [f64; LANES],
    squares: [f64; LANES],
}

impl Moments {
    fn of(tier: Tier, x: *const f32, group: &Group, part: &Strip) -> Self {
        let head = part.head();
        let seen = group.count(&head);
        // SAFETY: the head lies inside of the part, which lies inside of `x`.
        let guess = group.by_channel(unsafe { moments(tier, x, &head, &[0.0; LANES]) }[0]);
        let shift: Values = from_fn(|lane| (guess[lane] / seen) as f32);
        // SAFETY: the part lies inside of `x`.
        let [sums, squares] = unsafe { moments(tier, x, part, &shift) };
        let (sums, squares) = (group.by_channel(sums), group.by_channel(squares));
        let count = group.count(part);
        Moments {
            count,
            mean: from_fn(|lane| shift[lane] as f64 + sums[lane] / count),
            squares: from_fn(|lane| (squares[lane] - sums[lane] * sums[lane] / count).max(0.0)),
        }
    }

    /// Of the elements of both.
    fn join(self, other: Moments) -> Moments {
        let count = self.count + other.count;
        let gap: [f64; LANES] = from_fn(|lane| other.mean[lane] - self.mean[lane]);
        let share = other.count / count;
        Moments {
            count,
            mean: from_fn(|lane| self.mean[lane] + gap[lane] * share),
            squares: from_fn(|lane| self.squares[lane] + other.squares[lane] + gap[lane].powi(2) * self.count * share),
        }
    }
}

/// `1 / sqrt(var + eps)` as it is handed out and used.
fn inverse(var: f64, eps: f64) -> f32 {
    (1.0 / (var + eps).sqrt()) as f32
}

fn gamma_of(gamma: Option<&[f32]>, channel: usize) -> f32 {
    gamma.map_or(1.0, |g| g[channel])
}

fn cost(part: &Strip) -> usize {
    part.elements() / 4
}

/// Writes the output of one group.
///
/// # Safety
/// The group's elements must lie inside of `x` and of `out`, where no other thread may touch them.
unsafe fn write(tier: Tier, group: &Group, x: &[f32], line: &Line, out: &Shared<f32>) {
    let parts = group.strip.parts();
    for_tasks(parts.len(), parts.first().map_or(0, cost), |i| {
        // SAFETY: the caller's contract; parts are disjoint.
        unsafe { normalise(tier, x.as_ptr(), out.at(0, x.len()), &parts[i], line) };
    });
}

/// As [`super::batch_norm_train`]; with `relu` negative outputs become 0.
pub(super) fn train(
    layout: Layout,
    x: &[f32],
    (gamma, beta): (Option<&[f32]>, &[f32]),
    eps: f64,
    relu: bool,
    out: &mut [f32],
    stats: BatchStats<f32>,
) {
    assert_eq!((x.len(), out.len()), (layout.dims.size(), layout.dims.size()), "sizes of a batch normalisation");
    let (tier, out, mean) = (tier(), Shared::new(out), Shared::new(stats.mean));
    let (var, inv_std) = (Shared::new(stats.var), Shared::new(stats.inv_std));
    layout.for_groups(4, |group| {
        let parts = group.strip.parts();
        let of_part = |i: usize| Moments::of(tier, x.as_ptr(), &group, &parts[i]);
        let all = map_indices(parts.len(), parts.first().map_or(0, cost), of_part);
        let nothing = Moments { count: 1.0, mean: [0.0; LANES], squares: [0.0; LANES] };
        let all = all.into_iter().reduce(Moments::join).unwrap_or(nothing);
        let at = |channel: usize| channel - group.first;
        let vars: [f64; LANES] = all.squares.map(|s| s / all.count);
        let line = Line {
            mean: group.lanes(|c| all.mean[at(c)] as f32),
            scale: group.lanes(|c| gamma_of(gamma, c) * inverse(vars[at(c)], eps)),
            shift: group.lanes(|c| beta[c]),
            relu,
        };
        // SAFETY: groups are disjoint, in data and in channels, and lie inside of the data.
        unsafe {
            write(tier, &group, x, &line, &out);
            group.store(&mean, |lane| all.mean[lane]);
            group.store(&var, |lane| vars[lane]);
            group.store(&inv_std, |lane| inverse(vars[lane], eps) as f64);
        }
    });
}

/// As [`super::batch_norm_inference`]; with `relu` negative outputs become 0.
pub(super) fn infer(
    layout: Layout,
    x: &[f32],
    (gamma, beta): (Option<&[f32]>, &[f32]),
    (mean, var): (&[f32], &[f32]),
    eps: f64,
    relu: bool,
    out: &mut [f32],
) {
    assert_eq!((x.len(), out.len()), (layout.dims.size(), layout.dims.size()), "sizes of a batch normalisation");
    let (tier, out) = (tier(), Shared::new(out));
    layout.for_groups(2, |group| {
        let line = Line {
            mean: group.lanes(|c| mean[c]),
            scale: group.lanes(|c| gamma_of(gamma, c) * inverse(var[c] as f64, eps)),
            shift: group.lanes(|c| beta[c]),
            relu,
        };
        // SAFETY: groups are disjoint and lie inside of the data.
        unsafe { write(tier, &group, x, &line, &out) };
    });
}

/// As [`super::batch_norm_backward`]; with the `beta` of a forward pass that set negative outputs to 0, whose gradient
/// does not count.
pub(super) fn gradient(
    layout: Layout,
    (x, dout): (&[f32], &[f32]),
    (gamma, relu): (Option<&[f32]>, Option<&[f32]>),
    (mean, inv_std): (&[f32], &[f32]),
    batch_stats: bool,
    dx: &mut [f32],
    (dgamma, dbeta): (&mut [f32], &mut [f32]),
) {
    let size = layout.dims.size();
    assert_eq!((x.len(), dout.len(), dx.len()), (size, size, size), "sizes of a gradient");
    let (tier, dx, dgamma, dbeta) = (tier(), Shared::new(dx), Shared::new(dgamma), Shared::new(dbeta));
    layout.for_groups(6, |group| {
        let line = Line {
            mean: group.lanes(|c| mean[c]),
            scale: group.lanes(|c| gamma_of(gamma, c) * inv_std[c]),
            shift: group.lanes(|c| relu.map_or(0.0, |beta| beta[c])),
            relu: relu.is_some(),
        };
        let parts = group.strip.parts();
        let each = 2 * parts.first().map_or(0, cost);
        // SAFETY: the groups lie inside of the data.
        let of_part = |i: usize| unsafe { products(tier, x.as_ptr(), dout.as_ptr(), &parts[i], &line) };
        let mut sums = [[0.0; LANES]; 2];
        for part in map_indices(parts.len(), each, of_part) {
            sums = [0, 1].map(|k| from_fn(|lane| sums[k][lane] + part[k][lane]));
        }
        let [sums, products] = sums.map(|lanes| group.by_channel(lanes));
        let inverse = |c: usize| inv_std[c] as f64;
        let at = |c: usize| c - group.first;
        let share = if batch_stats { 1.0 / group.count(&group.strip).max(1.0) } else { 0.0 };
        let part = |c: usize| gamma_of(gamma, c) as f64 * inverse(c) * share;
        let slope = Slope {
            scale: line.scale,
            shift: group.lanes(|c| (-part(c) * sums[at(c)]) as f32),
            tilt: group.lanes(|c| (-part(c) * products[at(c)] * inverse(c).powi(2)) as f32),
        };
        for_tasks(parts.len(), each, |i| {
            // SAFETY: groups and parts are disjoint and lie inside of the data.
            unsafe { descend(tier, x.as_ptr(), dout.as_ptr(), dx.at(0, size), &parts[i], &line, &slope) };
        });
        // SAFETY: the groups' channels are disjoint.
        unsafe {
            group.store(&dgamma, |lane| products[lane] * inverse(group.first + lane));
            group.store(&dbeta, |lane| sums[lane]);
        }
    });
}
