//! Convolution of single-precision images in blocks of 16 channels.
//!
//! Blocked data is `[batch, channels / 16, height, width, 16]`: what one vector instruction works on lies side by side, and
//! neighbouring pixels follow. A [`ConvPlan`] is made once for a geometry, packs weights into the order in which its
//! algorithm reads them, and runs. One spatial dimension is a height of 1.
//!
//! 3 by 3 windows of stride 1 are computed by Winograd's algorithm where that pays. Its errors stay below 2e-5 of the greatest
//! output for thousands of products of numbers of like size, those of plain sums below 2e-6; they are greater where some
//! inputs are far greater than the rest. [`WINOGRAD_VARIABLE`] forbids it.
//!
//! The data gradient of a convolution of stride 1 is a convolution itself: [`ConvPlan::data_gradient`] makes its plan, and
//! [`ConvPlan::pack_data_gradient`] its weights from those of the convolution.

mod depthwise;
mod dgrad;
mod direct;
mod layout;
mod pack;
mod plain;
#[cfg(test)]
mod tests;
mod tile;
mod transform;
mod wgrad;
mod winograd;

use super::ConvGeometry;
use crate::simd::{Lanes, Tier, tier};
use crate::window::Window;
use depthwise::Depthwise;
pub use dgrad::{DataGradient, PackedGradient, data_gradient};
use direct::Direct;
pub use layout::{from_blocked, to_blocked};
use pack::{Fill, Lines, Weights};
pub(super) use plain::forward;
use std::sync::OnceLock;
pub use wgrad::{supports_weight_gradient, weight_gradient};
use winograd::Winograd;

/// How the input of a convolution lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `[batch, channels, height, width]`
    Planes,
    /// `[batch, channels / 16, height, width, 16]`
    Blocked,
}

/// What becomes of a sum at last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// Nothing.
    None,
    /// `max(x, 0)`
    Relu,
    /// `x` between the bounds.
    Clip(f32, f32),
    /// `x` where positive, `slope * x` elsewhere.
    Leaky(f32),
}

impl Activation {
    /// The function of 16 sums.
    #[inline(always)]
    fn of<V: Lanes>(self, x: V) -> V {
        match self {
            Activation::None => x,
            Activation::Leaky(slope) => x.if_less(V::zero(), x.mul(V::splat(slope)), x),
            // The bounds are the first operands, for the comparison gives the second one where one is NaN.
            Activation::Relu => V::zero().max(x),
            Activation::Clip(low, high) => V::splat(high).min(V::splat(low).max(x)),
        }
    }

    /// The bounds of a result that has some.
    fn limits(self) -> Option<(f32, f32)> {
        match self {
            Activation::Relu => Some((0.0, f32::INFINITY)),
            Activation::Clip(low, high) => Some((low, high)),
            Activation::None | Activation::Leaky(_) => None,
        }
    }
}

/// What is added to a convolution, and the function of the sum.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a> {
    /// One number for every filter.
    pub bias: Option<&'a [f32]>,
    /// Blocked data of the output's size.
    pub residual: Option<&'a [f32]>,
    /// Applied to the sum.
    pub activation: Activation,
}

impl Epilogue<'_> {
    /// Nothing is added or applied.
    pub const NONE: Epilogue<'static> = Epilogue { bias: None, residual: None, activation: Activation::None };

    /// The bias of the blocks of filters from `block` on; zeros if there is none, or it was added before.
    fn bias_of(&self, block: usize, begin: bool) -> *const f32 {
        static ZEROS: [f32; 16 * pack::MAX_WIDTH] = [0.0; 16 * pack::MAX_WIDTH];
        self.bias.filter(|_| begin).map_or(ZEROS.as_ptr(), |bias| bias[block * 16..].as_ptr())
    }
}

/// Weights in the order of the plan that packed them.
pub struct Packed {
    lines: Lines,
}

impl Packed {
    /// Bytes that the weights take.
    pub fn bytes(&self) -> usize {
        self.lines.floats().len() * 4
    }
}

#[derive(Clone, Debug)]
enum Algorithm {
    Depthwise(Depthwise),
    Direct(Direct),
    Winograd(Winograd),
}

/// The environment variable that forbids Winograd's algorithm if it is `0`.
pub const WINOGRAD_VARIABLE: &str = "RSYM_WINOGRAD";

fn winograd_allowed() -> bool {
    static ALLOWED: OnceLock<bool> = OnceLock::new();
    *ALLOWED.get_or_init(|| std::env::var(WINOGRAD_VARIABLE).map_or(true, |v| v != "0"))
}

/// How a convolution is computed.
#[derive(Clone, Debug)]
pub struct ConvPlan {
    geometry: ConvGeometry,
    tier: Tier,
    algorithm: Algorithm,
}

impl ConvPlan {
    /// The plan for a convolution with `input` in the given layout and blocked output.
    ///
    /// `None` where there is no such kernel: for three spatial dimensions, groups (but those of one channel and filter each in
    /// blocked data), a number of filters that is not a multiple of 16, or one of channels that is not a multiple of 16
    /// (blocked) or above 32 (planes).
    pub fn new(g: &ConvGeometry, input: Layout) -> Option<ConvPlan> {
        ConvPlan::choose(g, input, winograd_allowed(), false)
    }

    /// The plan for a weight that is packed anew for every run, which must cost little then.
    pub fn for_one_run(g: &ConvGeometry, input: Layout) -> Option<ConvPlan> {
        ConvPlan::choose(g, input, winograd_allowed(), true)
    }

    /// [`ConvPlan::new`] with Winograd's algorithm, where it pays, allowed or not whatever the environment says.
    pub fn with_winograd(g: &ConvGeometry, input: Layout, allowed: bool) -> Option<ConvPlan> {
        ConvPlan::choose(g, input, allowed, false)
    }

    fn choose(g: &ConvGeometry, input: Layout, winograd: bool, packs: bool) -> Option<ConvPlan> {
        let tier = tier();
        let blocked = input == Layout::Blocked;
        let fast = || {
            (winograd && Winograd::pays(g, packs)).then(|| Winograd::new(tier, g)).flatten().map(Algorithm::Winograd)
        };
        let special = || fast().or_else(|| Depthwise::new(tier, g).map(Algorithm::Depthwise));
        let plain = || Direct::new(tier, g, input).map(Algorithm::Direct);
        let algorithm = blocked.then(special).flatten().or_else(plain)?;
        Some(ConvPlan { geometry: g.clone(), tier, algorithm })
    }

    /// The plan for the data gradient of the convolution `g`, from the blocked gradient of its output to that of its data.
    ///
    /// It is one for weights that change with every run. `None` for strides other than 1 and where [`ConvPlan::new`] gives none.
    pub fn data_gradient(g: &ConvGeometry) -> Option<ConvPlan> {
        let w = &g.window;
        let reach = |d: usize| ((w.kernel[d] - 1) * w.dilate[d]).checked_sub(w.pad[d]);
        let pad = [reach(0)?, reach(1)?, reach(2)?];
        let window = Window { input: w.output, output: w.input, pad, ..w.clone() };
        let g = ConvGeometry { channels: g.filters, filters: g.channels, window, ..g.clone() };
        (g.window.stride == [1; 3]).then(|| ConvPlan::for_one_run(&g, Layout::Blocked)).flatten()
    }

    /// The shapes of the convolution that the plan computes.
    pub fn geometry(&self) -> &ConvGeometry {
        &self.geometry
    }

    /// The instructions that the plan was made for.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// The algorithm and its blocking, to be read by people.
    pub fn describe(&self) -> String {
        match &self.algorithm {
            Algorithm::Depthwise(depthwise) => depthwise.describe(),
            Algorithm::Direct(direct) => direct.describe(),
            Algorithm::Winograd(winograd) => winograd.describe(),
        }
    }

    /// Packs `weight` (`[filters, channels / groups, taps]`), each filter times its `scale` if there is one.
    ///
    /// # Panics
    /// When `weight` or `scale` has another size than the geometry says.
    pub fn pack(&self, weight: &[f32], scale: Option<&[f32]>) -> Packed {
        self.repack(None, weight, scale)
    }

    /// [`ConvPlan::pack`] into the memory of `old`, where that has the right size.
    pub fn repack(&self, old: Option<Packed>, weight: &[f32], scale: Option<&[f32]>) -> Packed {
        let g = &self.geometry;
        let (channels, taps) = (g.group_channels(), g.window.taps());
        assert_eq!(weight.len(), g.weight_size(), "size of a weight to pack");
        assert!(scale.is_none_or(|s| s.len() == g.filters), "one scale for every filter");
        self.pack_lines(
            old,
            Weights { data: weight, filter: channels * taps, channel: taps, taps, reversed: false, scale },
        )
    }

    /// Packs, for a plan made by [`ConvPlan::data_gradient`], the weight of the convolution whose gradient it computes
    /// (`[filters, channels, taps]`, which is `[channels, filters, taps]` in terms of this plan), into the memory of `old`
    /// where that has the right size.
    ///
    /// # Panics
    /// When `weight` has another size than the geometry says.
    pub fn pack_data_gradient(&self, old: Option<Packed>, weight: &[f32]) -> Packed {
        let (filters, taps) = (self.geometry.filters, self.geometry.window.taps());
        assert_eq!(weight.len(), self.geometry.weight_size(), "size of a weight to pack");
        let weights =
            Weights { data: weight, filter: taps, channel: filters * taps, taps, reversed: true, scale: None };
        self.pack_lines(old, weights)
    }

    fn pack_lines(&self, old: Option<Packed>, weights: Weights) -> Packed {
        let tier = self.tier;
        self.pack_filled(old, weights.at_once(), |block, channel, lines| weights.fill(tier, block, channel, lines))
    }

    /// Packs the weight of which `value(filter, channel of the group, tap)` is one element, into the memory of `old` where
    /// that has the right size.
    pub fn pack_with(&self, old: Option<Packed>, value: impl Fn(usize, usize, usize) -> f32 + Sync) -> Packed {
        self.pack_filled(old, 1, |block, channel, lines| {
            for lane in 0..16 {
                lines
                    .iter_mut()
                    .enumerate()
                    .for_each(|(tap, line)| line[lane] = value(block * 16 + lane, channel, tap));
            }
        })
    }

    fn pack_filled(&self, old: Option<Packed>, at_once: usize, fill: impl Fill) -> Packed {
        let old = old.map(|old| old.lines);
        let lines = match &self.algorithm {
            Algorithm::Depthwise(depthwise) => depthwise.pack(old, fill),
            Algorithm::Direct(direct) => direct.pack(old, (at_once, fill)),
            Algorithm::Winograd(winograd) => winograd.pack(old, fill),
        };
        Packed { lines }
    }

    /// Writes the activation of the convolution of `data` with the packed weight, plus what the epilogue adds.
    ///
    /// # Panics
    /// When a slice has another size than the geometry says, or another plan packed the weight.
    pub fn run(&self, data: &[f32], packed: &Packed, epilogue: &Epilogue<'_>, out: &mut [f32]) {
        let g = &self.geometry;
        assert_eq!((data.len(), out.len()), (g.data_size(), g.output_size()), "sizes of a convolution");
        assert!(epilogue.bias.is_none_or(|b| b.len() == g.filters), "one bias for every filter");
        assert!(epilogue.residual.is_none_or(|r| r.len() == out.len()), "size of a residual");
        match &self.algorithm {
            Algorithm::Depthwise(depthwise) => depthwise.run(data, &packed.lines, epilogue, out),
            Algorithm::Direct(direct) => direct.run(data, &packed.lines, epilogue, out),
            Algorithm::Winograd(winograd) => winograd.run(data, &packed.lines, epilogue, out),
        }
    }
}
