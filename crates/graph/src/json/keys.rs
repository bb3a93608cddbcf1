//! User attributes of operator nodes under keys that MXNet 1.9.1 does not take for parameters.
//!
//! A file holds parameters and user attributes of a node in one map, and MXNet reads every key of an operator that is not
//! of the form `__x__` as a parameter, unless the operator has none. So the user attribute `mood` is filed as `__rsym_mood__`.

use crate::attrs::is_dunder;
use std::borrow::Cow;

const PREFIX: &str = "__rsym_";
const SUFFIX: &str = "__";

/// The key in the file for the user attribute `key` of an operator, which has no parameters if it `is_plain`.
pub fn encode(key: &str, is_plain: bool) -> Cow<'_, str> {
    if (is_plain || is_dunder(key)) && decode(key).is_none() {
        Cow::Borrowed(key)
    } else {
        Cow::Owned(format!("{PREFIX}{key}{SUFFIX}"))
    }
}

/// The user attribute that the key `key` of an operator in a file stands for, if it stands for one.
pub fn decode(key: &str) -> Option<&str> {
    key.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_comes_back_and_is_hidden_from_mxnet() {
        for key in ["mood", "", "_", "__", "__x", "num_hidden", "__rsym_x__", "__rsym___", "é \"", "__rsym_mood"] {
            let filed = encode(key, false);
            assert!(is_dunder(&filed), "{key} as {filed}");
            assert_eq!(decode(&filed), Some(key));
            let plain = encode(key, true);
            assert!(plain == key && decode(&plain).is_none() || decode(&plain) == Some(key));
        }
    }

    #[test]
    fn keys_that_mxnet_leaves_alone_stay_as_they_are() {
        for key in ["__lr_mult__", "__x__", "__rsym__", "_____"] {
            assert_eq!(encode(key, false), key);
            assert_eq!(decode(key), None);
        }
    }
}
