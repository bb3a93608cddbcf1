//! Composing an operator call into a node: what is an input, what a parameter, what an attribute.

use crate::attrs::{is_dunder, refuse_moved_keys, stored_key};
use crate::{AttrMap, Entry, GraphError, GraphResult, OpDef, OpRef, ParamTexts, Symbol, did_you_mean, parse_op};

/// The arguments of an operator call, sorted by kind.
#[derive(Debug, Default)]
pub struct ComposeArgs {
    /// Inputs by position; `None` leaves the place to an automatic variable.
    pub positional: Vec<Option<Symbol>>,
    /// Inputs by keyword.
    pub named: Vec<(String, Symbol)>,
    /// Other keywords with the text of their values: parameters and attributes.
    pub keywords: Vec<(String, String)>,
    /// User attributes from `attr=` and scopes.
    pub attrs: Vec<(String, String)>,
}

/// A symbol of the operator `def` named `name`.
pub fn compose(def: &'static OpDef, name: &str, args: ComposeArgs) -> GraphResult<Symbol> {
    let mut params = ParamTexts::default();
    let mut attrs = AttrMap::new();
    for (key, value) in args.attrs {
        refuse_moved_keys(def.name, name, &key)?;
        attrs.insert(stored_key(&key), value);
    }
    for (key, value) in args.keywords {
        let is_param = def.param(&key).is_some() || def.variadic == Some(&*key);
        let stored = stored_key(&key);
        refuse_moved_keys(def.name, name, &key)?;
        if !is_param && is_dunder(&stored) {
            attrs.insert(stored, value);
        } else {
            params.0.push((key, value));
        }
    }
    if let Some(count) = def.variadic.filter(|c| params.get(c).is_none()) {
        params.set(count, (args.positional.len() + args.named.len()).to_string());
    }
    let op = parse_op(def, name, &params, &[])?;
    let inputs = place_inputs(&op, name, args.positional, args.named)?;
    Symbol::apply(name, op, params, attrs, inputs)
}

/// Puts keyword inputs beside the positional ones.
fn place_inputs(
    op: &OpRef,
    node: &str,
    positional: Vec<Option<Symbol>>,
    named: Vec<(String, Symbol)>,
) -> GraphResult<Vec<Option<Entry>>> {
    let fail = |message: String| GraphError::Compose { op: op.name().to_string(), node: node.to_string(), message };
    let single = |s: &Symbol| s.single().cloned().map_err(|e| fail(e.to_string()));
    let given = positional.len();
    let mut inputs =
        positional.iter().map(|s| s.as_ref().map(single).transpose()).collect::<GraphResult<Vec<Option<Entry>>>>()?;
    if named.is_empty() {
        return Ok(inputs);
    }
    let names = op.inputs();
    inputs.resize(names.len().max(given), None);
    for (key, symbol) in named {
        let Some(i) = names.iter().position(|n| *n == key) else {
            let hint = did_you_mean(&key, names.iter().map(|n| &**n));
            return Err(fail(format!("there is no input named '{key}'{hint}; inputs: {}", names.join(", "))));
        };
        if inputs[i].is_some() {
            return Err(fail(format!("input '{key}' is given twice")));
        }
        inputs[i] = Some(single(&symbol)?);
    }
    Ok(inputs)
}
