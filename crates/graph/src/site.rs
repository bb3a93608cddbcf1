//! What operators and the passes over a bound graph tell each other.

use crate::{OpRef, Operator};
use rsym_tensor::{DType, Shape};
use smallvec::SmallVec;

/// Shape and type of a value.
pub type Fact = (Shape, DType);

/// Where an operator stands in a bound graph.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// The operator.
    pub op: &'a dyn Operator,
    /// Its inputs.
    pub inputs: &'a [Fact],
    /// Its outputs, hidden ones included.
    pub outputs: &'a [Fact],
    /// Whether parameters change between runs, as in training: what is made of them is made for one run.
    pub is_train: bool,
}

/// An operator as a function of single elements, for programs that compute many of them in one go.
#[derive(Debug, Clone)]
pub struct Pointwise {
    /// The number of the function among those of the kernels.
    pub function: u8,
    /// What it is applied to. More arguments than a function of two numbers takes are joined from the left.
    pub args: SmallVec<[PointArg; 3]>,
}

/// An argument of a [`Pointwise`] function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PointArg {
    /// The element of this input, broadcast to the shape of the output.
    Input(usize),
    /// A number.
    Scalar(f64),
}

impl Pointwise {
    /// `function` of the first `inputs` inputs.
    pub fn of(function: u8, inputs: usize) -> Pointwise {
        Pointwise { function, args: (0..inputs).map(PointArg::Input).collect() }
    }

    /// `function` of `args`.
    pub fn with(function: u8, args: &[PointArg]) -> Pointwise {
        Pointwise { function, args: args.iter().copied().collect() }
    }
}

/// An operator on images in blocks of channels: `[batch, channels / 16, height, width, 16]` instead of `[batch, channels,
/// height, width]`.
#[derive(Debug, Clone)]
pub struct Blocked {
    /// What computes it; `None` if the operator itself does, given the other shapes.
    pub op: Option<OpRef>,
    /// Which inputs are to come in blocks.
    pub inputs: SmallVec<[bool; 8]>,
    /// Which outputs come in blocks.
    pub outputs: SmallVec<[bool; 4]>,
}

/// The sum of an output over several operators, as one operator with one output.
#[derive(Debug, Clone)]
pub struct JoinedSum {
    /// What computes it.
    pub op: OpRef,
    /// How many inputs, the first ones, are joined along axis 0.
    pub joined: usize,
}

/// Channels of a block.
pub const BLOCK: usize = 16;

/// The shape of an image in blocks; `None` if it has no such form.
pub fn blocked_shape(shape: &Shape) -> Option<Shape> {
    match shape[..] {
        [n, c, h, w] if c > 0 && c.is_multiple_of(BLOCK) => Some([n, c / BLOCK, h, w, BLOCK].into()),
        _ => None,
    }
}

/// The rule for functions of single elements: all in blocks, if one input is and every shape allows it.
pub(crate) fn elementwise_in_blocks(here: &Site, have: &[bool]) -> Option<Blocked> {
    let point = here.op.pointwise()?;
    let output = &here.outputs.first()?.0;
    let (n, c) = (*output.first()?, *output.get(1)?);
    blocked_shape(output)?;
    // Broadcasting stays what it is if every operand has the batch and the channels of the output.
    let fits = |(shape, dtype): &Fact| {
        *dtype == DType::Float32 && shape.len() == 4 && shape[1] == c && (shape[0] == n || shape[0] == 1)
    };
    let inputs = point.args.iter().filter(|a| matches!(a, PointArg::Input(_))).count();
    let usable = have.contains(&true) && inputs == here.inputs.len() && here.inputs.iter().all(fits);
    let all = |n: usize, x: bool| std::iter::repeat_n(x, n);
    (usable && here.outputs.len() == 1).then(|| Blocked {
        op: None,
        inputs: all(here.inputs.len(), true).collect(),
        outputs: all(1, true).collect(),
    })
}
