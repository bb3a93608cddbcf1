use crate::{Ctx, Io, Names, OpDef, OpError, OpInfo, OpResult, Operator, ParamError, ParamTexts, ShapeIo, TypeIo};
use std::any::Any;
use std::borrow::Cow;

/// An operator that rsym does not know, carried along from a file: it can be listed, drawn, sliced and saved, not run.
#[derive(Debug, Clone)]
pub struct Opaque {
    /// Its name in the file.
    pub name: String,
    /// Number of its inputs.
    pub inputs: usize,
    /// Number of its outputs, as far as the file shows.
    pub outputs: usize,
    /// The inputs that it writes, as far as the file shows.
    pub aux: Vec<usize>,
    /// The name under which a `Custom` operator was to be registered.
    pub op_type: Option<String>,
}

impl Opaque {
    /// What is not known, in words.
    pub fn describe(&self) -> String {
        match &self.op_type {
            Some(op_type) => format!(
                "{} with op_type='{op_type}', which was not registered when the graph was loaded: register it first",
                self.name
            ),
            None => self.name.clone(),
        }
    }
}

static DEF: OpDef = OpDef {
    name: "(unknown)",
    aliases: &[],
    doc: "An operator that rsym does not know.",
    inputs: &[],
    variadic: None,
    open: false,
    graphs: 0,
    list: false,
    unnamed: false,
    params: &[],
    parse: |_, _| Err(ParamError::Conflict("an unknown operator cannot be made".into())),
    hidden: true,
};

impl OpInfo for Opaque {
    fn def(&self) -> &'static OpDef {
        &DEF
    }
    fn param_texts(&self) -> ParamTexts {
        ParamTexts::default()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Operator for Opaque {
    fn name(&self) -> &str {
        &self.name
    }
    fn inputs(&self) -> Names {
        (0..self.inputs).map(|i| Cow::Owned(format!("arg{i}"))).collect()
    }
    fn num_inputs(&self) -> usize {
        self.inputs
    }
    fn aux(&self) -> &[usize] {
        &self.aux
    }
    fn num_outputs(&self) -> usize {
        self.outputs
    }
    fn infer_shape(&self, _: &mut ShapeIo) -> OpResult {
        Ok(())
    }
    fn infer_type(&self, _: &mut TypeIo) -> OpResult {
        Ok(())
    }
    fn forward(&self, _: &mut Io, _: &Ctx) -> OpResult {
        Err(OpError::invalid(format!("rsym does not know the operator {}", self.name)))
    }
    fn is_opaque(&self) -> bool {
        true
    }
}
