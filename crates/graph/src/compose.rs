//! Composing an operator call into a node: what is an input, what a parameter, what an attribute.

use crate::attrs::{is_dunder, refuse_moved_keys, stored_key};
use crate::{AttrMap, Entry, GraphError, GraphResult, OpDef, OpRef, ParamTexts, Symbol, did_you_mean, parse_op};
use smallvec::SmallVec;
use std::borrow::Cow;

/// The arguments of an operator call, sorted by kind.
#[derive(Debug, Default)]
pub struct ComposeArgs {
    /// Inputs by position; `None` leaves the place to an automatic variable.
    pub positional: SmallVec<[Option<Symbol>; 2]>,
    /// Inputs by keyword.
    pub named: Vec<(String, Symbol)>,
    /// Other keywords with the text of their values: parameters and attributes.
    pub keywords: Vec<(Cow<'static, str>, String)>,
    /// User attributes from `attr=` and scopes.
    pub attrs: Vec<(String, String)>,
}

/// A symbol of the operator `def` named `name`.
pub fn compose(def: &'static OpDef, name: &str, args: ComposeArgs) -> GraphResult<Symbol> {
    let mut attrs = AttrMap::new();
    for (key, value) in args.attrs {
        refuse_moved_keys(def.name, name, &key)?;
        attrs.insert(stored_key(&key).into_owned(), value);
    }
    let mut params = ParamTexts(args.keywords);
    let is_param = |key: &str| def.takes(key);
    if !params.0.iter().all(|(key, _)| is_param(key)) {
        for (key, _) in &params.0 {
            refuse_moved_keys(def.name, name, key)?;
        }
        let is_attr = |(key, _): &mut (Cow<str>, String)| !is_param(key) && is_dunder(&stored_key(key));
        attrs.extend(params.0.extract_if(.., is_attr).map(|(key, value)| (stored_key(&key).into_owned(), value)));
    }
    if let Some(count) = def.variadic.filter(|c| params.get(c).is_none()) {
        params.set(count, (args.positional.len() + args.named.len()).to_string());
    }
    let mut positional = args.positional;
    let graphs: Vec<Symbol> = positional.drain(..def.graphs.min(positional.len())).flatten().collect();
    let op = parse_op(def, name, &params, &graphs)?;
    let inputs = place_inputs(&op, name, seated(def, &op, positional), args.named)?;
    Symbol::apply(name, op, params, attrs, inputs)
}

/// The places among the inputs of `op` of what is given at the places of `def.inputs`, of which `op` may lack some. `None`
/// where they are the same, or where something is given that `op` does not take.
pub fn input_places(def: &OpDef, op: &OpRef, given: &[bool]) -> Option<Vec<usize>> {
    if def.variadic.is_some() || def.inputs.len() == op.num_inputs() {
        return None;
    }
    let names = op.inputs();
    let place = |i: usize| names.iter().position(|n| def.inputs.get(i).is_some_and(|port| *n == port.name));
    let all = given.iter().enumerate();
    let places: Vec<usize> = all.map(|(i, given)| if *given { place(i) } else { Some(i) }).collect::<Option<_>>()?;
    places.iter().enumerate().any(|(i, place)| i != *place).then_some(places)
}

/// Positional inputs at their places among the inputs of `op`.
fn seated(def: &OpDef, op: &OpRef, given: SmallVec<[Option<Symbol>; 2]>) -> SmallVec<[Option<Symbol>; 2]> {
    let flags: SmallVec<[bool; 8]> = given.iter().map(Option::is_some).collect();
    let Some(places) = input_places(def, op, &flags) else { return given };
    let mut seats: SmallVec<[Option<Symbol>; 2]> = std::iter::repeat_n(None, op.num_inputs()).collect();
    for (place, symbol) in places.into_iter().zip(given).filter(|(_, symbol)| symbol.is_some()) {
        seats[place] = symbol;
    }
    seats
}

/// Puts keyword inputs beside the positional ones.
fn place_inputs(
    op: &OpRef,
    node: &str,
    positional: SmallVec<[Option<Symbol>; 2]>,
    named: Vec<(String, Symbol)>,
) -> GraphResult<SmallVec<[Option<Entry>; 4]>> {
    let fail = |message: String| GraphError::Compose { op: op.name().to_string(), node: node.to_string(), message };
    let single = |s: Symbol| s.into_single().map_err(|e| fail(e.to_string()));
    let given = positional.len();
    let mut inputs: SmallVec<[Option<Entry>; 4]> = SmallVec::new();
    for symbol in positional {
        inputs.push(symbol.map(single).transpose()?);
    }
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
        inputs[i] = Some(single(symbol)?);
    }
    Ok(inputs)
}
