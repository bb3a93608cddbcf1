//! The operator trait: all that the rest of rsym knows of an operator.

use crate::site::elementwise_in_blocks;
use crate::{
    Blocked, Cache, Grad, GraphResult, JoinedSum, OpError, OpResult, ParamDef, ParamError, ParamTexts, Pointwise, Port,
    Site, Symbol,
};
use rsym_tensor::{DType, PartialShape, Shape, Tensor};
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
    /// Parameters in the order of their positions.
    pub params: &'static [ParamDef],
    /// Makes the operator from parameter texts.
    pub parse: fn(&ParamTexts, &[Symbol]) -> Result<OpRef, ParamError>,
    /// Whether the operator is internal to gradients and fusion, and so not offered to users.
    pub hidden: bool,
}

impl OpDef {
    /// The parameter with keyword `name`.
    pub fn param(&self, name: &str) -> Option<&'static ParamDef> {
        self.params.iter().find(|p| p.name == name)
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
        if self.def().variadic.is_some() { self.inputs().len() } else { self.def().inputs.len() }
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

    /// Completes shapes from what is known, in both directions. Called until nothing changes.
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult;

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

    /// The operator without some of its outputs; `None` if nothing is left.
    fn without_outputs(&self, _outputs: &[usize]) -> Option<OpRef> {
        None
    }

    /// Inputs that are labels: where inference is not training they need not be given.
    fn labels(&self) -> &'static [usize] {
        &[]
    }

    /// Graphs inside of the operator, as control flow has.
    fn subgraphs(&self) -> &[Symbol] {
        &[]
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

/// Shapes of an operator's inputs and outputs while they are being inferred.
pub struct ShapeIo<'a> {
    /// What is known of the inputs.
    pub inputs: &'a mut [PartialShape],
    /// What is known of the outputs.
    pub outputs: &'a mut [PartialShape],
}

impl ShapeIo<'_> {
    /// Takes in knowledge of an input.
    pub fn set_input(&mut self, i: usize, shape: impl Into<PartialShape>) -> OpResult {
        merge(&mut self.inputs[i], &shape.into(), Port::Input(i))
    }

    /// Takes in knowledge of an output.
    pub fn set_output(&mut self, i: usize, shape: impl Into<PartialShape>) -> OpResult {
        merge(&mut self.outputs[i], &shape.into(), Port::Output(i))
    }

    /// Makes all given ports agree, part by part: the rule of elementwise operators.
    pub fn unify(&mut self, ports: impl IntoIterator<Item = Port> + Clone) -> OpResult {
        let mut known = PartialShape::unknown();
        for port in ports.clone() {
            let here = self.port(port);
            known.unify(here).map_err(|_| mismatch(port, &known, here))?;
        }
        ports.into_iter().try_for_each(|port| merge(self.port(port), &known, port))
    }

    /// Makes every input and output agree.
    pub fn same(&mut self) -> OpResult {
        self.unify((0..self.inputs.len()).map(Port::Input).chain((0..self.outputs.len()).map(Port::Output)))
    }

    /// The complete shape of input `i`, if it is known.
    pub fn input(&self, i: usize) -> Option<Shape> {
        self.inputs[i].complete()
    }

    /// The complete shape of output `i`, if it is known.
    pub fn output(&self, i: usize) -> Option<Shape> {
        self.outputs[i].complete()
    }

    fn port(&mut self, port: Port) -> &mut PartialShape {
        match port {
            Port::Input(i) => &mut self.inputs[i],
            Port::Output(i) => &mut self.outputs[i],
        }
    }
}

fn mismatch(port: Port, expected: &PartialShape, got: &PartialShape) -> OpError {
    OpError::Mismatch { port, expected: format!("shape {expected}"), got: got.to_string() }
}

fn merge(slot: &mut PartialShape, shape: &PartialShape, port: Port) -> OpResult {
    slot.unify(shape).map(|_| ()).map_err(|_| mismatch(port, shape, slot))
}

/// Data types of an operator's inputs and outputs while they are being inferred.
pub struct TypeIo<'a> {
    /// What is known of the inputs.
    pub inputs: &'a mut [Option<DType>],
    /// What is known of the outputs.
    pub outputs: &'a mut [Option<DType>],
}

impl TypeIo<'_> {
    /// Takes in knowledge of an input.
    pub fn set_input(&mut self, i: usize, dtype: DType) -> OpResult {
        merge_type(&mut self.inputs[i], dtype, Port::Input(i))
    }

    /// Takes in knowledge of an output.
    pub fn set_output(&mut self, i: usize, dtype: DType) -> OpResult {
        merge_type(&mut self.outputs[i], dtype, Port::Output(i))
    }

    /// Makes the given inputs and outputs share one type, in both directions.
    pub fn unify(&mut self, inputs: &[usize], outputs: &[usize]) -> OpResult {
        let known =
            inputs.iter().find_map(|&i| self.inputs[i]).or_else(|| outputs.iter().find_map(|&o| self.outputs[o]));
        let Some(dtype) = known else { return Ok(()) };
        inputs.iter().try_for_each(|&i| self.set_input(i, dtype))?;
        outputs.iter().try_for_each(|&o| self.set_output(o, dtype))
    }

    /// Makes all inputs and outputs share one type.
    pub fn same(&mut self) -> OpResult {
        let Some(dtype) = self.inputs.iter().chain(&*self.outputs).copied().find_map(|d| d) else { return Ok(()) };
        (0..self.inputs.len()).try_for_each(|i| self.set_input(i, dtype))?;
        (0..self.outputs.len()).try_for_each(|o| self.set_output(o, dtype))
    }
}

fn merge_type(slot: &mut Option<DType>, dtype: DType, port: Port) -> OpResult {
    match *slot {
        Some(got) if got != dtype => {
            Err(OpError::Mismatch { port, expected: format!("type {dtype}"), got: got.to_string() })
        }
        _ => {
            *slot = Some(dtype);
            Ok(())
        }
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
/// inputs that parameter; `#[hidden(true)]` keeps the operator from users; `#[check(f)]` lets `f` refuse parameters
/// that contradict each other: it gets the struct and returns `Result<(), String>`.
#[macro_export]
macro_rules! operator {
    (
        $(#[doc = $doc:literal])*
        $(#[aliases($($alias:literal),* $(,)?)])?
        $(#[variadic($variadic:literal)])?
        $(#[hidden($hidden:literal)])?
        $(#[check($check:expr)])?
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
                inputs: &[$($crate::PortDef { name: stringify!($input), doc: $input_doc }),*],
                variadic: $crate::operator!(@option $($variadic)?),
                params: &[$($crate::ParamDef {
                    name: $crate::param_name(stringify!($param)),
                    doc: concat!($($pdoc, "\n"),*),
                    type_name: <$ptype as $crate::ParamType>::type_name,
                    values: <$ptype as $crate::ParamType>::values,
                    default: || $crate::operator!(@text $ptype $(, $default)?),
                    range: $crate::operator!(@range $($range)?),
                }),*],
                parse: |texts, subgraphs| {
                    let _ = subgraphs;
                    <$name>::from_texts(texts).map(|op| std::sync::Arc::new(op) as $crate::OpRef)
                },
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
