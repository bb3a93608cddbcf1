//! A handful of real operators, as far as files care: names, parameters, numbers of inputs and outputs.

use rsym_graph::*;

macro_rules! computes_nothing {
    () => {
        fn infer_shape(&self, _: &mut ShapeIo) -> OpResult {
            Ok(())
        }
        fn forward(&self, _: &mut Io, _: &Ctx) -> OpResult {
            Ok(())
        }
    };
}

operator! {
    /// Fully connected layer.
    pub struct FullyConnected("FullyConnected") {
        inputs { data: "Data.", weight: "Weight.", bias: "Bias." }
        params {
            /// Outputs.
            num_hidden: i32,
            /// Without bias.
            no_bias: bool = false,
        }
    }
}

impl Operator for FullyConnected {
    fn inputs(&self) -> Names {
        if self.no_bias { names!["data", "weight"] } else { names!["data", "weight", "bias"] }
    }
    fn num_inputs(&self) -> usize {
        self.inputs().len()
    }
    computes_nothing!();
}

operator! {
    /// Batch normalisation.
    pub struct BatchNorm("BatchNorm") {
        inputs { data: "Data.", gamma: "Scale.", beta: "Shift.", moving_mean: "Mean.", moving_var: "Variance." }
        params {
            /// Added to the variance.
            eps: f64 = 1e-3,
        }
    }
}

impl Operator for BatchNorm {
    fn aux(&self) -> &[usize] {
        &[3, 4]
    }
    fn initializer(&self, input: usize) -> Option<&'static str> {
        match input {
            3 => Some("[\"zero\", {}]"),
            4 => Some("[\"one\", {}]"),
            _ => None,
        }
    }
    fn num_outputs(&self) -> usize {
        3
    }
    fn num_visible(&self) -> usize {
        1
    }
    computes_nothing!();
}

operator! {
    /// Sum of two.
    #[aliases("_Plus", "_plus")]
    pub struct Add("elemwise_add") {
        inputs { lhs: "Left.", rhs: "Right." }
        params {}
    }
}

impl Operator for Add {
    computes_nothing!();
}

operator! {
    /// Rectifier.
    pub struct Relu("relu") {
        inputs { data: "Data." }
        params {}
    }
}

impl Operator for Relu {
    computes_nothing!();
}

operator! {
    /// Joins along an axis.
    #[aliases("concat")]
    #[variadic("num_args")]
    pub struct Concat("Concat") {
        inputs {}
        params {
            /// Inputs.
            num_args: i32,
            /// Axis.
            dim: i32 = 1,
        }
    }
}

impl Operator for Concat {
    fn inputs(&self) -> Names {
        (0..self.num_args).map(|i| format!("arg{i}").into()).collect()
    }
    computes_nothing!();
}

operator! {
    /// Splits along an axis.
    #[aliases("split")]
    pub struct SliceChannel("SliceChannel") {
        inputs { data: "Data." }
        params {
            /// Outputs.
            num_outputs: usize,
        }
    }
}

impl Operator for SliceChannel {
    fn num_outputs(&self) -> usize {
        self.num_outputs
    }
    computes_nothing!();
}

operator! {
    /// Position of the largest.
    pub struct Argmax("argmax") {
        inputs { data: "Data." }
        params {
            /// Axis.
            axis: Option<i32> = None,
        }
    }
}

impl Operator for Argmax {
    computes_nothing!();
}

/// All of the above.
pub fn registry() -> Registry {
    Registry::new([
        FullyConnected::DEF,
        BatchNorm::DEF,
        Add::DEF,
        Relu::DEF,
        Concat::DEF,
        SliceChannel::DEF,
        Argmax::DEF,
    ])
}

/// The operator `op` named `name` on `inputs`, the rest being made, with `keywords` and `attrs`.
pub fn apply(op: &str, name: &str, inputs: &[&Symbol], keywords: &[(&str, &str)], attrs: &[(&str, &str)]) -> Symbol {
    let args = ComposeArgs {
        positional: inputs.iter().map(|s| Some((*s).clone())).collect(),
        named: Vec::new(),
        keywords: keywords.iter().map(|(k, v)| (k.to_string().into(), v.to_string())).collect(),
        attrs: attrs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
    };
    compose(registry().find(op).unwrap(), name, args).unwrap()
}

/// A variable with attributes.
pub fn var(name: &str, attrs: &[(&str, &str)]) -> Symbol {
    Symbol::variable(name, attrs::stored(attrs.iter().map(|(k, v)| (k.to_string(), v.to_string()))))
}
