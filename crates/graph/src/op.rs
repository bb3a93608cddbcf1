//! The operator trait: all that the rest of rsym knows of an operator.

use crate::attrs::is_dunder;
use crate::site::elementwise_in_blocks;
use crate::{
    Binder, Blocked, BoundOp, Cache, Grad, GraphResult, JoinedSum, OpResult, ParamDef, ParamError, ParamTexts,
    Pointwise, ShapeIo, Site, Symbol, TypeIo,
};
use rsym_tensor::Tensor;
use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

/// A shared operator with its parameters.
pub type OpRef = Arc<dyn Operator>;

/// Name and meaning of an input or output.
#[derive(Debug)]
pub struct PortDef {
    /// Name, as in the keyword `weight=`.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
}

/// The static description of an operator: everything that does not depend on parameter values.
#[derive(Debug)]
pub struct OpDef {
    /// Canonical name, as files hold it.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Documentation in Markdown: first line a summary; then formula, shapes, differences from MXNet, source, example.
    pub doc: &'static str,
    /// Every input that any parameter setting has, auxiliary states last.
    pub inputs: &'static [PortDef],
    /// The parameter that counts the inputs of a variadic operator (`arg0`, `arg1`, …).
    pub variadic: Option<&'static str>,
    /// Whether keywords that are not among `params` are parameters as well, unless they have the form `__x__`.
    pub open: bool,
    /// How many of the first inputs, as callers give them, are graphs that the operator holds.
    pub graphs: usize,
    /// Whether the inputs are a list by position whose length follows from the parameters.
    pub list: bool,
    /// Whether MXNet has no names for its inputs, so that monitors show them as `input0`, `input1`, ….
    pub unnamed: bool,
    /// Parameters in the order of their positions.
    pub params: &'static [ParamDef],
    /// Makes the operator from parameter texts.
    pub parse: fn(&ParamTexts, &[Symbol]) -> Result<OpRef, ParamError>,
    /// Whether the operator is internal to gradients and fusion, and so not offered to users.
    pub hidden: bool,
}

impl OpDef {
    /// The description of an operator that only bound programs use.
    pub const fn internal(name: &'static str) -> OpDef {
        OpDef {
            name,
            aliases: &[],
            doc: "A form of an operator that only bound programs use.",
            inputs: &[],
            variadic: None,
            open: false,
            graphs: 0,
            list: false,
            unnamed: false,
            params: &[],
            parse: |_, _| Err(ParamError::Conflict("this operator is made by the executor alone".into())),
            hidden: true,
        }
    }

    /// The parameter with keyword `name`.
    pub fn param(&self, name: &str) -> Option<&'static ParamDef> {
        self.params.iter().find(|p| p.name == name)
    }

    /// Whether there are no parameters at all: MXNet then lets any key of a file pass as a user attribute.
    pub fn is_plain(&self) -> bool {
        self.params.is_empty() && self.variadic.is_none() && !self.open && !self.hidden
    }

    /// Whether `keyword` is a parameter.
    pub fn takes(&self, keyword: &str) -> bool {
        let fits = |variadic: &str| variadic == keyword;
        self.param(keyword).is_some() || self.variadic.is_some_and(fits) || self.open && !is_dunder(keyword)
    }
}

impl PartialEq for OpDef {
    fn eq(&self, other: &OpDef) -> bool {
        self.name == other.name
    }
}

/// The part of an operator that the [`operator!`](crate::operator) declaration writes.
pub trait OpInfo {
    /// The static description.
    fn def(&self) -> &'static OpDef;
    /// Parameters as text, defaults included.
    fn param_texts(&self) -> ParamTexts;
    /// For downcasts in graph passes.
    fn as_any(&self) -> &dyn Any;
}

/// Names of inputs or outputs.
pub type Names = Cow<'static, [Cow<'static, str>]>;

/// Names known at compile time.
#[macro_export]
macro_rules! names {
    ($($name:literal),* $(,)?) => {
        std::borrow::Cow::Borrowed(const { &[$(std::borrow::Cow::Borrowed($name)),*] })
    };
}

/// An operator together with its parameters: how many inputs and outputs it has, what it computes, and its gradient.
///
/// Inputs are numbered with the auxiliary states among them, as in the graph.
pub trait Operator: OpInfo + Any + Send + Sync + Debug {
    /// Canonical name.
    fn name(&self) -> &str {
        self.def().name
    }

    /// Names of the inputs for these parameters.
    fn inputs(&self) -> Names {
        Cow::Owned(self.def().inputs.iter().map(|i| Cow::Borrowed(i.name)).collect())
    }

    /// Number of inputs for these parameters.
    fn num_inputs(&self) -> usize {
        if self.def().variadic.is_some() || self.def().list { self.inputs().len() } else { self.def().inputs.len() }
    }

    /// Inputs that are auxiliary states: written by the operator, never differentiated.
    fn aux(&self) -> &[usize] {
        &[]
    }

    /// How the variable at this input is initialised unless it says so itself: the text of its `__init__` attribute.
    fn initializer(&self, _input: usize) -> Option<&'static str> {
        None
    }

    /// Suffixes of the output names. `["output"]` is shown as `<node>_output`; empty: `<node>_output0`, `…1`.
    fn output_names(&self) -> Names {
        if self.num_outputs() == 1 { names!["output"] } else { names![] }
    }

    /// Number of outputs, hidden ones included.
    fn num_outputs(&self) -> usize {
        1
    }

    /// Number of outputs that a user sees; the rest serve the gradient.
    fn num_visible(&self) -> usize {
        self.num_outputs()
    }

    /// Number of outputs that files count: those that MXNet's operator has, hidden ones included.
    fn num_written(&self) -> usize {
        if self.subgraphs().is_empty() { self.num_outputs() } else { self.num_visible() }
    }

    /// Completes shapes from what is known, in both directions. Called until nothing changes.
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult;

    /// Whether the shape of an output depends on values of inputs. `infer_shape` then leaves it open.
    fn shape_needs_values(&self) -> bool {
        false
    }

    /// Completes what `infer_shape` left open from the values of the inputs. Asked where operators run one by one: no memory
    /// can be planned for a graph with such an operator.
    fn shape_from_values(&self, _inputs: &[Tensor], _io: &mut ShapeIo) -> OpResult {
        Ok(())
    }

    /// Completes data types, in both directions. By default all inputs and outputs share one type.
    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.same()
    }

    /// Computes the outputs. Tensors have the inferred shapes and types; outputs hold arbitrary values before.
    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult;

    /// Builds the gradient with respect to the inputs as a graph. An input left unset has a gradient of zero.
    fn gradient(&self, grad: &mut Grad) -> GraphResult {
        grad.not_differentiable()
    }

    /// Pairs (input, output) that may share memory: `forward` must then be right when the two tensors are the same.
    fn inplace(&self) -> &[(usize, usize)] {
        &[]
    }

    /// Whether the values of this input are read, not only its shape.
    fn reads(&self, _input: usize) -> bool {
        true
    }

    /// Whether this is a loss: its gradient ignores the gradient of its outputs.
    fn is_loss(&self) -> bool {
        false
    }

    /// Whether results differ from call to call; such operators get a fresh random key for every run.
    fn is_random(&self) -> bool {
        false
    }

    /// Whether output 0 has the value of input 0, in training passes or in others.
    fn is_identity(&self, _is_train: bool) -> bool {
        false
    }

    /// Whether running it changes more than its outputs: it is never left out, doubled or moved.
    fn has_effects(&self) -> bool {
        !self.aux().is_empty()
    }

    /// Whether `forward` may run once more on the same inputs, with the same outputs and the same effects as if it had run
    /// once.
    fn is_repeatable(&self) -> bool {
        !self.is_random() && !self.has_effects() && !self.is_opaque() && self.subgraphs().is_empty()
    }

    /// Whether it does more than a few operations for each element that it reads or writes, as matrix products do.
    fn is_costly(&self) -> bool {
        false
    }

    /// Whether training passes compute something else than others.
    fn depends_on_mode(&self) -> bool {
        self.is_random()
    }

    /// The operator as a function of single elements in single precision, with the same bits.
    fn pointwise(&self) -> Option<Pointwise> {
        None
    }

    /// Whether it ever takes over what follows it ([`Operator::absorb`]).
    fn absorbs(&self) -> bool {
        false
    }

    /// One operator for this one and for the operator at `next`, whose input `at` is the only use of output 0 of this one:
    /// on the inputs of this one followed by the others of `next`, with output 0 of `next` as its only output. Asked when
    /// binding for inference.
    fn absorb(&self, _here: &Site, _next: &Site, _at: usize) -> Option<OpRef> {
        None
    }

    /// How the operator works on images in blocks of channels; `have` says which inputs exist in that form.
    fn blocked(&self, here: &Site, have: &[bool]) -> Option<Blocked> {
        elementwise_in_blocks(here, have)
    }

    /// One operator for the sum of output `output` over several operators like this one, with the first inputs joined along
    /// axis 0 and the others common to all.
    fn joined_sum(&self, _output: usize) -> Option<JoinedSum> {
        None
    }

    /// One operator that does the work of all `ops`, of which this is the first: its inputs and outputs are theirs, one
    /// operator's after the other's.
    fn together(&self, _ops: &[OpRef]) -> Option<OpRef> {
        None
    }

    /// The operator without some of its outputs; `None` if nothing is left.
    fn without_outputs(&self, _outputs: &[usize]) -> Option<OpRef> {
        None
    }

    /// Inputs that are labels: where inference is not training they need not be given.
    fn labels(&self) -> &'static [usize] {
        &[]
    }

    /// The same operator for another node, where operators keep a state that nodes do not share.
    fn separate(&self) -> Option<OpRef> {
        None
    }

    /// Graphs inside of the operator, as control flow has.
    fn subgraphs(&self) -> &[Symbol] {
        &[]
    }

    /// The operator on its tensors, once for many runs, if it has graphs inside: `binder` binds them. What it gives runs in
    /// place of `forward`.
    fn bind(
        &self,
        _inputs: &[Tensor],
        _outputs: &[Tensor],
        _binder: &dyn Binder,
    ) -> OpResult<Option<Box<dyn BoundOp>>> {
        Ok(None)
    }

    /// Whether rsym does not know the operator and only carries it along.
    fn is_opaque(&self) -> bool {
        false
    }
}

/// What a running operator is told besides its tensors.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ctx<'a> {
    /// Whether this is a training pass.
    pub is_train: bool,
    /// Seed of the random stream; meaningful for operators with `is_random`.
    pub seed: u64,
    /// Number of this run in the random stream: with `seed` the key of a counter-based generator.
    pub stream: u64,
    /// Where to keep what was made of weights from one run to the next.
    pub cache: Option<&'a Cache>,
}

impl Ctx<'_> {
    /// As this one, with the random key number `n` of those that follow from its own.
    pub fn derived(&self, n: u64) -> Self {
        let seed = scrambled(self.seed ^ scrambled(self.stream));
        Ctx { seed, stream: n + 1, ..*self }
    }
}

/// A number in which every bit depends on every bit of `x` (splitmix64).
fn scrambled(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// The tensors of a running operator. Auxiliary states are among the inputs and may be written through a clone.
pub struct Io<'a> {
    /// Inputs, auxiliary states included.
    pub inputs: &'a [Tensor],
    /// Outputs.
    pub outputs: &'a mut [Tensor],
}

impl<'a> Io<'a> {
    /// Input `i` and output `o` at once.
    pub fn pair(&mut self, i: usize, o: usize) -> (&'a Tensor, &mut Tensor) {
        (&self.inputs[i], &mut self.outputs[o])
    }

    /// Whether output `o` has the very memory of input `i`.
    pub fn is_inplace(&self, i: usize, o: usize) -> bool {
        self.inputs[i].same_memory(&self.outputs[o])
    }
}

/// Declares an operator: its struct of parameters, its documentation and its [`OpDef`] (`Self::DEF`).
///
/// ```
/// use rsym_graph::*;
///
/// operator! {
///     /// Multiplies by a constant: `out = scalar * data`.
///     #[aliases("_MulScalar")]
///     pub struct MulScalar("_mul_scalar") {
///         inputs { data: "The input." }
///         params {
///             /// The factor.
///             scalar: f64 = 1.0,
///             /// Ignored; between 1 and 9.
///             #[range(1..=9)]
///             level: i32 = 1,
///         }
///     }
/// }
///
/// assert_eq!(MulScalar::DEF.params[0].doc.trim(), "The factor.");
/// # impl Operator for MulScalar {
/// #     fn infer_shape(&self, io: &mut ShapeIo) -> OpResult { io.same() }
/// #     fn forward(&self, _: &mut Io, _: &Ctx) -> OpResult { Ok(()) }
/// # }
/// ```
///
/// A parameter without `= default` is required. `#[variadic("num_args")]` after the aliases makes the number of
/// inputs that parameter, counted where it is not given; `#[list(true)]` takes inputs by position, as many as the method
/// `inputs` of the operator names; `#[graphs(n, f)]` makes the first `n` inputs graphs, from which and from the texts `f` makes
/// the operator; `#[hidden(true)]` keeps the operator from users; `#[check(f)]` lets `f` refuse parameters
/// that contradict each other: it gets the struct and returns `Result<(), String>`; `#[unnamed(true)]` shows the inputs to
/// monitors by number.
#[macro_export]
macro_rules! operator {
    (
        $(#[doc = $doc:literal])*
        $(#[aliases($($alias:literal),* $(,)?)])?
        $(#[variadic($variadic:literal)])?
        $(#[graphs($graphs:literal, $parse:expr)])?
        $(#[list($list:literal)])?
        $(#[hidden($hidden:literal)])?
        $(#[check($check:expr)])?
        $(#[unnamed($unnamed:literal)])?
        $vis:vis struct $name:ident($text:expr) {
            inputs { $($input:ident : $input_doc:expr),* $(,)? }
            params { $(
                $(#[doc = $pdoc:literal])*
                $(#[range($range:expr)])?
                $param:ident : $ptype:ty $(= $default:expr)?
            ),* $(,)? }
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name { $($(#[doc = $pdoc])* pub $param: $ptype),* }

        impl $name {
            /// The static description.
            pub const DEF: &'static $crate::OpDef = &$crate::OpDef {
                name: $text,
                aliases: &[$($($alias),*)?],
                doc: concat!($($doc, "\n"),*),
                inputs: &[$($crate::PortDef { name: $crate::param_name(stringify!($input)), doc: $input_doc }),*],
                variadic: $crate::operator!(@option $($variadic)?),
                open: false,
                graphs: $crate::operator!(@count $($graphs)?),
                list: $crate::operator!(@flag $($list)?),
                unnamed: $crate::operator!(@flag $($unnamed)?),
                params: &[$($crate::ParamDef {
                    name: $crate::param_name(stringify!($param)),
                    doc: concat!($($pdoc, "\n"),*),
                    type_name: <$ptype as $crate::ParamType>::type_name,
                    values: <$ptype as $crate::ParamType>::values,
                    default: || $crate::operator!(@text $ptype $(, $default)?),
                    range: $crate::operator!(@range $($range)?),
                }),*],
                parse: $crate::operator!(@parse $name $(, $parse)?),
                hidden: $crate::operator!(@flag $($hidden)?),
            };

            /// The operator with the parameters that `texts` give.
            #[allow(unused_variables, unused_mut, unused_assignments)]
            pub fn from_texts(texts: &$crate::ParamTexts) -> Result<$name, $crate::ParamError> {
                let mut index = 0usize;
                $(
                    let $param = $crate::read_field::<$ptype>(
                        texts,
                        &Self::DEF.params[index],
                        $crate::operator!(@default $ptype $(, $default)?),
                        |value| $crate::operator!(@check value $(, $range)?),
                    )?;
                    index += 1;
                )*
                let op = $name { $($param),* };
                $($crate::checked($check, &op)?;)?
                Ok(op)
            }
        }

        impl $crate::OpInfo for $name {
            fn def(&self) -> &'static $crate::OpDef { Self::DEF }
            fn param_texts(&self) -> $crate::ParamTexts {
                $crate::ParamTexts(vec![$((
                    std::borrow::Cow::Borrowed($crate::param_name(stringify!($param))),
                    <$ptype as $crate::ParamType>::text(&self.$param),
                )),*])
            }
            fn as_any(&self) -> &dyn std::any::Any { self }
        }
    };
    (@option) => { None };
    (@option $text:literal) => { Some($text) };
    (@count) => { 0 };
    (@count $count:literal) => { $count };
    (@parse $name:ident) => {
        |texts, _| <$name>::from_texts(texts).map(|op| std::sync::Arc::new(op) as $crate::OpRef)
    };
    (@parse $name:ident, $parse:expr) => { $parse };
    (@flag) => { false };
    (@flag $flag:literal) => { $flag };
    (@text $ptype:ty) => { None };
    (@text $ptype:ty, $default:expr) => {{
        let value: $ptype = $default;
        Some($crate::ParamType::text(&value))
    }};
    (@default $ptype:ty) => { None };
    (@default $ptype:ty, $default:expr) => {{
        let value: $ptype = $default;
        Some(value)
    }};
    (@range) => { "" };
    (@range $range:expr) => { stringify!($range) };
    (@check $value:ident) => {{
        let _ = $value;
        true
    }};
    (@check $value:ident, $range:expr) => { std::ops::RangeBounds::contains(&($range), $value) };
}

/// Runs the check of an operator's parameters. Used by [`operator!`](crate::operator).
pub fn checked<T>(check: impl FnOnce(&T) -> Result<(), String>, op: &T) -> Result<(), ParamError> {
    check(op).map_err(ParamError::Conflict)
}

/// The keyword of a parameter: its identifier without a raw marker.
pub const fn param_name(ident: &'static str) -> &'static str {
    let bytes = ident.as_bytes();
    if bytes.len() > 2 && bytes[0] == b'r' && bytes[1] == b'#' { ident.split_at(2).1 } else { ident }
}

/// Makes a struct an operator that only bound programs use and no name leads to: its parameters are what `Debug` prints.
///
/// ```
/// use rsym_graph::*;
///
/// #[derive(Debug)]
/// struct Joined(usize);
///
/// internal_operator!(Joined, "_joined");
///
/// assert_eq!((Joined(3).def().name, Joined(3).param_texts().get("form")), ("_joined", Some("Joined(3)")));
/// ```
#[macro_export]
macro_rules! internal_operator {
    ($op:ident, $name:literal) => {
        impl $crate::OpInfo for $op {
            fn def(&self) -> &'static $crate::OpDef {
                static DEF: $crate::OpDef = $crate::OpDef::internal($name);
                &DEF
            }
            fn param_texts(&self) -> $crate::ParamTexts {
                $crate::ParamTexts(vec![("form".into(), format!("{self:?}"))])
            }
            fn as_any(&self) -> &dyn std::any::Any {
                self
            }
        }
    };
}
