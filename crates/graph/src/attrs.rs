//! The rules of user attributes: hidden keys, what an operator takes from keywords and scopes, what it hands on.

use crate::{AttrMap, GraphError, GraphResult};
use std::borrow::Cow;

/// Keys that are stored as `__key__` and shown under both names.
pub const HIDDEN_KEYS: [&str; 5] = ["ctx_group", "force_mirroring", "lr_mult", "mirror_stage", "wd_mult"];

/// The stored form of a key: `lr_mult` becomes `__lr_mult__`.
pub fn stored_key(key: &str) -> Cow<'_, str> {
    if HIDDEN_KEYS.contains(&key) { Cow::Owned(format!("__{key}__")) } else { Cow::Borrowed(key) }
}

/// An automatic name: a stem and a number.
pub fn numbered(stem: &str, number: usize) -> String {
    let mut name = String::with_capacity(stem.len() + 8);
    name.push_str(stem);
    crate::json::push_number(&mut name, number);
    name
}

/// Whether a key is of the form `__x__`.
pub fn is_dunder(key: &str) -> bool {
    key.len() > 4 && key.starts_with("__") && key.ends_with("__")
}

/// The plain name under which a stored hidden key is shown as well.
pub fn shown_as(key: &str) -> Option<&str> {
    let plain = key.strip_prefix("__")?.strip_suffix("__")?;
    HIDDEN_KEYS.contains(&plain).then_some(plain)
}

/// `attrs` with hidden keys under both names, as `list_attr` and `attr_dict` show them.
pub fn shown(attrs: &AttrMap) -> AttrMap {
    let mut out = attrs.clone();
    for (key, value) in attrs {
        if let Some(plain) = shown_as(key) {
            out.insert(plain.to_string(), value.clone());
        }
    }
    out
}

/// The attribute `key` among stored ones: itself, or its `__key__` form.
pub fn lookup<'a>(attrs: &'a AttrMap, key: &str) -> Option<&'a String> {
    attrs.get(key).or_else(|| attrs.get(&format!("__{key}__")))
}

/// Attributes in their stored form.
pub fn stored(attrs: impl IntoIterator<Item = (String, String)>) -> AttrMap {
    attrs.into_iter().map(|(k, v)| (stored_key(&k).into_owned(), v)).collect()
}

/// The attributes of a scope inside another: the inner one wins key by key, and the outer keys stay.
pub fn overlay(outer: AttrMap, inner: Option<&AttrMap>) -> AttrMap {
    let mut all = outer;
    all.extend(inner.cloned().unwrap_or_default());
    all
}

/// Refuses `weight_lr_mult` and the like, which older MXNet read from operators, and names the replacement.
pub fn refuse_moved_keys(op: &str, node: &str, key: &str) -> GraphResult {
    for hidden in HIDDEN_KEYS {
        if let Some(input) =
            key.strip_suffix(hidden).and_then(|k| k.strip_suffix('_')).filter(|k| !k.is_empty() && !k.starts_with("__"))
        {
            return Err(GraphError::Compose {
                op: op.to_string(),
                node: node.to_string(),
                message: format!(
                    "attribute {key} on an operator is no longer read; give it to the input instead: {input}=Variable(…, {hidden}=…)"
                ),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_keys_are_stored_with_underscores_and_shown_twice() {
        let attrs = stored([("lr_mult".to_string(), "2".to_string()), ("mood".to_string(), "fine".to_string())]);
        assert_eq!(attrs.keys().collect::<Vec<_>>(), ["__lr_mult__", "mood"]);
        assert_eq!(shown(&attrs).keys().collect::<Vec<_>>(), ["__lr_mult__", "lr_mult", "mood"]);
        assert_eq!(lookup(&attrs, "lr_mult").unwrap(), "2");
    }

    #[test]
    fn moved_keys_name_their_replacement() {
        let error = refuse_moved_keys("Convolution", "conv", "weight_lr_mult").unwrap_err();
        assert!(error.to_string().contains("weight=Variable(…, lr_mult=…)"), "{error}");
        assert!(refuse_moved_keys("Convolution", "conv", "__weight_lr_mult__").is_ok());
        assert!(refuse_moved_keys("Convolution", "conv", "lr_mult").is_ok());
    }
}
