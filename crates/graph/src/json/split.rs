//! What is a parameter and what a user attribute, where files hold both in one map.

use super::raw::RawNode;
use super::{VERSION, keys};
use crate::attrs::is_dunder;
use crate::{AttrMap, OpDef, ParamTexts};
use std::borrow::Cow;

/// Whether `key` is a parameter of the operator.
pub fn is_param(def: &OpDef, key: &str) -> bool {
    def.takes(key)
}

/// The name of the parameter `key` of the operator.
pub fn param_key(def: &OpDef, key: &str) -> Option<&'static str> {
    def.param(key).map(|p| p.name).or_else(|| def.variadic.filter(|v| *v == key))
}

/// The key of a parameter text: the operator's own, without a copy, if it knows it.
fn text_key(def: Option<&OpDef>, key: Cow<str>) -> Cow<'static, str> {
    def.and_then(|def| param_key(def, &key)).map_or_else(|| Cow::Owned(key.into_owned()), Cow::Borrowed)
}

/// Sorts what the file holds for an operator into parameters and user attributes, and takes it out of `raw`.
///
/// A key that is neither is a user attribute where the operator has no parameters, where the version allowed that or may know a parameter that 1.9.1 does not;
/// elsewhere it goes to the parameters, and the operator refuses it. All of an unknown operator counts as parameters.
pub fn split(
    def: Option<&OpDef>,
    raw: &mut RawNode,
    version: u32,
    warnings: &mut Vec<String>,
) -> (ParamTexts, AttrMap) {
    let (mut params, mut attrs) = (ParamTexts::default(), AttrMap::new());
    let is_own_param = |key: &str| def.is_none_or(|def| is_param(def, key));
    let has_no_params = version <= VERSION && def.is_some_and(OpDef::is_plain);
    let has_params_apart = raw.param.is_some();
    for (key, value) in raw.param.take().into_iter().flatten() {
        if is_own_param(&key) {
            params.0.push((text_key(def, key), value.into_owned()));
        } else {
            attrs.insert(key.into_owned(), value.into_owned());
        }
    }
    for (key, value) in std::mem::take(&mut raw.attrs) {
        if let Some(user) = keys::decode(&key) {
            attrs.insert(user.to_string(), value.into_owned());
        } else if has_params_apart || has_no_params || is_dunder(&key) {
            attrs.insert(key.into_owned(), value.into_owned());
        } else if is_own_param(&key) || (10000..=VERSION).contains(&version) {
            params.0.push((text_key(def, key), value.into_owned()));
        } else {
            if version > VERSION {
                warnings
                    .push(format!("{} '{}': the parameter {key}={value} is not known and ignored", raw.op, raw.name));
            }
            attrs.insert(key.into_owned(), value.into_owned());
        }
    }
    if let Some(count) = def.and_then(|d| d.variadic).filter(|c| params.get(c).is_none()) {
        params.set(count, raw.inputs.len().to_string());
    }
    (params, attrs)
}
