//! What convolution and pooling share: window parameters and the place of the channel axis.

use rsym_graph::{OpError, OpResult, Tuple};
use rsym_kernels::window::Window;
use rsym_tensor::{Dims, PartialShape};

/// The most that a window parameter may be, so that products of two cannot overflow.
const LIMIT: i64 = 1 << 31;

/// Kernel, stride, dilation and padding, one of each for every spatial dimension.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Windows {
    pub(crate) kernel: Dims,
    pub(crate) stride: Dims,
    pub(crate) dilate: Dims,
    pub(crate) pad: Dims,
}

impl Windows {
    /// Empty strides and dilations are 1, empty padding is 0. Refuses lengths that differ and values out of range.
    pub(crate) fn new(kernel: &Tuple, stride: &Tuple, dilate: &Tuple, pad: &Tuple) -> Result<Windows, String> {
        let rank = kernel.len();
        if !(1..=3).contains(&rank) {
            return Err(format!("kernel must have 1 to 3 dimensions, got {rank}"));
        }
        Ok(Windows {
            kernel: per_dimension("kernel", kernel, rank, 1, 1)?,
            stride: per_dimension("stride", stride, rank, 1, 1)?,
            dilate: per_dimension("dilate", dilate, rank, 1, 1)?,
            pad: per_dimension("pad", pad, rank, 0, 0)?,
        })
    }

    /// Number of spatial dimensions.
    pub(crate) fn rank(&self) -> usize {
        self.kernel.len()
    }

    /// Positions that a window covers in dimension `d`, the gaps of dilation included.
    pub(crate) fn extent(&self, d: usize) -> usize {
        self.dilate[d] * (self.kernel[d] - 1) + 1
    }

    /// Whole windows along dimension `d` of a given size.
    pub(crate) fn count(&self, d: usize, size: usize) -> OpResult<usize> {
        let padded = size + 2 * self.pad[d];
        if self.extent(d) > padded {
            return Err(OpError::invalid(format!(
                "the kernel covers {} positions in spatial dimension {d}, the input with padding has only {padded}: \
                 give a smaller kernel or more padding",
                self.extent(d)
            )));
        }
        Ok((padded - self.extent(d)) / self.stride[d] + 1)
    }

    /// Whole windows over an input.
    pub(crate) fn over(&self, input: &[usize]) -> Window {
        Window::new(input, &self.kernel, &self.stride, &self.dilate, &self.pad)
    }
}

/// One value for every dimension, `fill` if none is given.
pub(crate) fn per_dimension(name: &str, values: &Tuple, rank: usize, fill: usize, least: i64) -> Result<Dims, String> {
    if values.is_empty() {
        return Ok(Dims::from_elem(fill, rank));
    }
    if values.len() != rank {
        return Err(format!("{name} must have {rank} dimensions as the kernel, got {}", values.len()));
    }
    match values.iter().find(|v| !(least..LIMIT).contains(v)) {
        Some(bad) => Err(format!("{name} must be at least {least} and below {LIMIT}, got {bad}")),
        None => Ok(values.iter().map(|&v| v as usize).collect()),
    }
}

/// Where batch, channels and spatial dimensions are in a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axes {
    /// Number of spatial dimensions.
    pub(crate) spatial: usize,
    /// Whether the channels come last instead of second.
    pub(crate) channels_last: bool,
}

impl Axes {
    /// The axes that a layout such as `NCHW` names; without one the channels come second.
    pub(crate) fn named(layout: Option<&str>, spatial: usize) -> Result<Axes, String> {
        match layout {
            Some(text) if text.len() != spatial + 2 => {
                Err(format!("layout {text} does not fit a kernel of {spatial} dimensions"))
            }
            _ => Ok(Axes { spatial, channels_last: layout.is_some_and(|t| t.ends_with('C')) }),
        }
    }

    /// The channel axis.
    pub(crate) fn channel(&self) -> usize {
        if self.channels_last { self.spatial + 1 } else { 1 }
    }

    /// The first spatial axis.
    pub(crate) fn first(&self) -> usize {
        if self.channels_last { 1 } else { 2 }
    }

    /// The spatial part of a shape.
    pub(crate) fn spatial_of<'a, T>(&self, dims: &'a [T]) -> &'a [T] {
        &dims[self.first()..self.first() + self.spatial]
    }

    /// The shape with these parts.
    pub(crate) fn shape(
        &self,
        batch: Option<usize>,
        channels: Option<usize>,
        spatial: impl IntoIterator<Item = Option<usize>>,
    ) -> PartialShape {
        let mut dims: Vec<Option<usize>> = std::iter::once(batch).chain(spatial).collect();
        dims.insert(self.channel(), channels);
        PartialShape::partial(dims)
    }

    /// Refuses a number of dimensions other than batch, channels and the spatial ones.
    pub(crate) fn check_rank(&self, rank: usize) -> OpResult {
        if rank == self.spatial + 2 {
            return Ok(());
        }
        Err(OpError::invalid(format!(
            "a kernel of {} dimensions needs data of {} (batch, channels, space), got {rank}",
            self.spatial,
            self.spatial + 2
        )))
    }
}
