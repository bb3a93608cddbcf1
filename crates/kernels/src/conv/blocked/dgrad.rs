//! The gradient of a convolution with respect to its data, on blocked tensors.
//!
//! It is a convolution of the output's gradient. Where windows are `s` apart it is `s` of them in every dimension, one for
//! the positions of each remainder by `s`, with the taps that reach these positions; their results are interleaved.

mod depthwise;
mod phase;
#[cfg(test)]
mod tests;

use super::{ConvPlan, Epilogue, Packed};
use crate::conv::ConvGeometry;
use crate::parallel::for_rows;
use crate::scratch::with_scratch;
use depthwise::Depthwise;
use phase::Phase;

/// Channels of a block.
const BLOCK: usize = 16;
/// Elements of the data that are computed before they are interleaved.
const CHUNK: usize = 1 << 18;

/// How the gradient with respect to the data is computed.
#[derive(Clone, Debug)]
pub struct DataGradient {
    geometry: ConvGeometry,
    algorithm: Algorithm,
}

#[derive(Clone, Debug)]
enum Algorithm {
    Whole(ConvPlan),
    Phases(Phases),
    Depthwise(Depthwise),
}

/// Weights in the order of the [`DataGradient`] that packed them.
pub struct PackedGradient(Weights);

enum Weights {
    Plans(Vec<Packed>),
    Lines(Vec<f32>),
}

/// Computes some images at a time.
#[derive(Clone, Debug)]
struct Phases {
    images: usize,
    /// Those of rows and of columns.
    phases: [Vec<Phase>; 2],
    /// One for every phase of rows and every one of columns; none where no tap reaches the positions.
    plans: Vec<Option<ConvPlan>>,
}

impl DataGradient {
    /// The plan for the convolution `g`.
    ///
    /// `None` where there is no such kernel: for channels or filters that are no multiples of 16, groups other than one
    /// for every channel, three spatial dimensions with more than one group or strides, and windows that lie in the padding.
    pub fn new(g: &ConvGeometry) -> Option<DataGradient> {
        if g.channels_last || !g.channels.is_multiple_of(BLOCK) || !g.filters.is_multiple_of(BLOCK) {
            return None;
        }
        let algorithm = if g.is_depthwise() {
            Algorithm::Depthwise(Depthwise::new(g)?)
        } else if g.window.stride == [1; 3] {
            Algorithm::Whole(ConvPlan::data_gradient(g)?)
        } else {
            Algorithm::Phases(Phases::new(g)?)
        };
        Some(DataGradient { geometry: g.clone(), algorithm })
    }

    /// Packs the weight of the convolution (`[filters, channels / groups, taps]`).
    ///
    /// # Panics
    /// When `weight` has another size than the geometry says.
    pub fn pack(&self, weight: &[f32]) -> PackedGradient {
        self.repack(None, weight)
    }

    /// [`DataGradient::pack`] into the memory of `old`, where that has the right size.
    pub fn repack(&self, old: Option<PackedGradient>, weight: &[f32]) -> PackedGradient {
        assert_eq!(weight.len(), self.geometry.weight_size(), "size of a weight to pack");
        let old = match old {
            Some(PackedGradient(Weights::Plans(old))) => old,
            _ => Vec::new(),
        };
        let mut old = old.into_iter();
        PackedGradient(match &self.algorithm {
            Algorithm::Whole(plan) => Weights::Plans(vec![plan.pack_data_gradient(old.next(), weight)]),
            Algorithm::Phases(phases) => Weights::Plans(phases.pack(&self.geometry, old, weight)),
            Algorithm::Depthwise(depthwise) => Weights::Lines(depthwise.pack(weight)),
        })
    }

    /// Writes the gradient with respect to the data, given that of the output, both blocked.
    ///
    /// # Panics
    /// When a slice has another size than the geometry says, or another plan packed the weight.
    pub fn run(&self, dout: &[f32], packed: &PackedGradient, ddata: &mut [f32]) {
        let g = &self.geometry;
        assert_eq!((ddata.len(), dout.len()), (g.data_size(), g.output_size()), "sizes of a data gradient");
        match (&self.algorithm, &packed.0) {
            (Algorithm::Whole(plan), Weights::Plans(packed)) => plan.run(dout, &packed[0], &Epilogue::NONE, ddata),
            (Algorithm::Phases(phases), Weights::Plans(packed)) => phases.run(g, dout, packed, ddata),
            (Algorithm::Depthwise(depthwise), Weights::Lines(packed)) => depthwise.run(dout, packed, ddata),
            _ => unreachable!("another plan packed the weight"),
        }
    }
}

/// Writes the gradient with respect to the data, given the weight and the gradient of the output; data and output are
/// blocked. False, and nothing written, where [`DataGradient::new`] gives no plan.
///
/// # Panics
/// When a slice has another size than the geometry says.
pub fn data_gradient(g: &ConvGeometry, weight: &[f32], dout: &[f32], ddata: &mut [f32]) -> bool {
    let Some(plan) = DataGradient::new(g) else { return false };
    plan.run(dout, &plan.pack(weight), ddata);
    true
}

impl Phases {
    fn new(g: &ConvGeometry) -> Option<Phases> {
        let w = &g.window;
        let flat = w.input[0] == 1 && w.kernel[0] == 1 && w.output[0] == 1 && w.pad[0] == 0;
        if !flat || g.groups != 1 || g.batch == 0 {
            return None;
        }
        let most = (CHUNK / (g.channels * w.input_size()).max(1)).max(1);
        let images = (1..=g.batch.min(most)).rev().find(|n| g.batch.is_multiple_of(*n)).unwrap_or(1);
        let phases = [Phase::all(w, 1)?, Phase::all(w, 2)?];
        let pairs = phases[0].iter().flat_map(|y| phases[1].iter().map(move |x| (y, x)));
        let plan = |(y, x): (&Phase, &Phase)| {
            if y.taps.is_empty() || x.taps.is_empty() || y.count * x.count == 0 {
                return Some(None);
            }
            let g = ConvGeometry { batch: images, channels: g.filters, filters: g.channels, ..g.clone() };
            let g = ConvGeometry { window: Phase::window(w, y, x), ..g };
            ConvPlan::new(&g, super::Layout::Blocked).map(Some)
        };
        let plans = pairs.map(plan).collect::<Option<Vec<_>>>()?;
        Some(Phases { images, phases, plans })
    }

    /// The phases of rows and columns of the plan `index`.
    fn pair(&self, index: usize) -> (&Phase, &Phase) {
        let columns = self.phases[1].len();
        (&self.phases[0][index / columns], &self.phases[1][index % columns])
    }

    fn pack(&self, g: &ConvGeometry, mut old: impl Iterator<Item = Packed>, weight: &[f32]) -> Vec<Packed> {
        let (taps, width) = (g.window.taps(), g.window.kernel[2]);
        let plans = self.plans.iter().enumerate().filter_map(|(i, plan)| Some((i, plan.as_ref()?)));
        let pack = |(i, plan): (usize, &ConvPlan)| {
            let (y, x) = self.pair(i);
            plan.pack_with(old.next(), |channel, filter, tap| {
                let tap = y.taps[tap / x.taps.len()] * width + x.taps[tap % x.taps.len()];
                weight[(filter * g.channels + channel) * taps + tap]
            })
        };
        plans.map(pack).collect()
    }

    fn run(&self, g: &ConvGeometry, dout: &[f32], packed: &[Packed], ddata: &mut [f32]) {
        let images = g.batch / self.images;
        let (size, out_size) = (ddata.len() / images, dout.len() / images);
        with_scratch(size, |parts: &mut [f32]| {
            for (dout, ddata) in dout.chunks_exact(out_size).zip(ddata.chunks_exact_mut(size)) {
                let (mut rest, mut packed) = (&mut *parts, packed.iter());
                for (i, plan) in self.plans.iter().enumerate() {
                    let (y, x) = self.pair(i);
                    let (part, others) = rest.split_at_mut(self.images * g.channels * y.count * x.count);
                    rest = others;
                    if let Some((plan, packed)) = plan.as_ref().and_then(|plan| Some((plan, packed.next()?))) {
                        plan.run(dout, packed, &Epilogue::NONE, part);
                    }
                }
                self.interleave(g, parts, ddata);
            }
        });
    }

    /// Brings the results of the plans to their positions; zeros where there is no plan.
    fn interleave(&self, g: &ConvGeometry, parts: &[f32], ddata: &mut [f32]) {
        let ([_, height, width], [_, down, across]) = (g.window.input, g.window.stride);
        let blocks = self.images * g.channels / BLOCK;
        for_rows(ddata, width * BLOCK, 2 * width * BLOCK, |row, to| {
            let (plane, y) = (row / height, row % height);
            let (phase, line) = (y % down, y / down);
            let above: usize = self.phases[0][..phase].iter().map(|p| p.count).sum();
            let (rows, mut start) = (self.phases[0][phase].count, above * width * blocks);
            for (x, columns) in self.phases[1].iter().enumerate() {
                let from = &parts[(start + (plane * rows + line) * columns.count) * BLOCK..][..columns.count * BLOCK];
                let places = to.chunks_mut(BLOCK).skip(x).step_by(across);
                if self.plans[phase * self.phases[1].len() + x].is_some() {
                    places.zip(from.chunks_exact(BLOCK)).for_each(|(to, from)| to.copy_from_slice(from));
                } else {
                    places.for_each(|to| to.fill(0.0));
                }
                start += blocks * rows * columns.count;
            }
        });
    }
}
