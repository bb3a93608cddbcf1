//! Convolution of single-precision images in blocks of 16 channels.
//!
//! Blocked data is `[batch, channels / 16, height, width, 16]`: what one vector instruction works on lies side by side, and
//! neighbouring pixels follow. A [`ConvPlan`] is made once for a geometry, packs weights into the order in which its
//! algorithm reads them, and runs. One spatial dimension is a height of 1.
//!
//! The data gradient of a convolution of stride 1 is a convolution itself: [`ConvPlan::data_gradient`] makes its plan, and
//! [`ConvPlan::pack_data_gradient`] its weights from those of the convolution.

mod dgrad;
mod direct;
mod layout;
mod pack;
#[cfg(test)]
mod tests;
mod tile;
mod wgrad;

use super::ConvGeometry;
use crate::simd::{Tier, tier};
use crate::window::Window;
pub use dgrad::{DataGradient, PackedGradient, data_gradient};
use direct::Direct;
pub use layout::{from_blocked, to_blocked};
use pack::Lines;
pub use wgrad::{supports_weight_gradient, weight_gradient};

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
    Direct(Direct),
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
    /// `None` where there is no such kernel: for three spatial dimensions, groups, a number of filters that is not a
    /// multiple of 16, or one of channels that is not a multiple of 16 (blocked) or above 32 (planes).
    pub fn new(g: &ConvGeometry, input: Layout) -> Option<ConvPlan> {
        let tier = tier();
        let algorithm = Algorithm::Direct(Direct::new(tier, g, input)?);
        Some(ConvPlan { geometry: g.clone(), tier, algorithm })
    }

    /// The plan for the data gradient of the convolution `g`, from the blocked gradient of its output to that of its data.
    ///
    /// `None` for strides other than 1 and where [`ConvPlan::new`] gives none.
    pub fn data_gradient(g: &ConvGeometry) -> Option<ConvPlan> {
        let w = &g.window;
        let reach = |d: usize| ((w.kernel[d] - 1) * w.dilate[d]).checked_sub(w.pad[d]);
        let pad = [reach(0)?, reach(1)?, reach(2)?];
        let window = Window { input: w.output, output: w.input, pad, ..w.clone() };
        let g = ConvGeometry { channels: g.filters, filters: g.channels, window, ..g.clone() };
        (g.window.stride == [1; 3]).then(|| ConvPlan::new(&g, Layout::Blocked)).flatten()
    }

    /// The shapes of the convolution that the plan computes.
    pub fn geometry(&self) -> &ConvGeometry {
        &self.geometry
    }

    /// The instructions that the plan was made for.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Packs `weight` (`[filters, channels / groups, taps]`), each filter times its `scale` if there is one.
    ///
    /// # Panics
    /// When `weight` or `scale` has another size than the geometry says.
    pub fn pack(&self, weight: &[f32], scale: Option<&[f32]>) -> Packed {
        let g = &self.geometry;
        let (channels, taps) = (g.group_channels(), g.window.taps());
        assert_eq!(weight.len(), g.weight_size(), "size of a weight to pack");
        assert!(scale.is_none_or(|s| s.len() == g.filters), "one scale for every filter");
        let at = |f: usize, c: usize, tap: usize| weight[(f * channels + c) * taps + tap];
        match scale {
            None => self.pack_with(at),
            Some(scale) => self.pack_with(|f, c, tap| at(f, c, tap) * scale[f]),
        }
    }

    /// Packs, for a plan made by [`ConvPlan::data_gradient`], the weight of the convolution whose gradient it computes
    /// (`[filters, channels, taps]`, which is `[channels, filters, taps]` in terms of this plan).
    ///
    /// # Panics
    /// When `weight` has another size than the geometry says.
    pub fn pack_data_gradient(&self, weight: &[f32]) -> Packed {
        let (filters, taps) = (self.geometry.filters, self.geometry.window.taps());
        assert_eq!(weight.len(), self.geometry.weight_size(), "size of a weight to pack");
        self.pack_with(|f, c, tap| weight[(c * filters + f) * taps + taps - 1 - tap])
    }

    /// Packs the weight of which `value(filter, channel of the group, tap)` is one element.
    pub fn pack_with(&self, value: impl Fn(usize, usize, usize) -> f32 + Sync) -> Packed {
        match &self.algorithm {
            Algorithm::Direct(direct) => Packed { lines: direct.pack(value) },
        }
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
            Algorithm::Direct(direct) => direct.run(data, &packed.lines, epilogue, out),
        }
    }
}
