//! Attributes of a node in a file: a map of texts, most often of a few.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// Texts by key, in the order of keys. Of a key that occurs twice the last text counts.
#[derive(Debug, Default, Clone)]
pub struct RawAttrs<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> RawAttrs<'a> {
    /// The text of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.place(key).ok().map(|i| &*self.0[i].1)
    }

    /// Whether there is a text of `key`.
    pub fn contains(&self, key: &str) -> bool {
        self.place(key).is_ok()
    }

    /// Takes out the text of `key`.
    pub fn remove(&mut self, key: &str) -> Option<Cow<'a, str>> {
        self.place(key).ok().map(|i| self.0.remove(i).1)
    }

    /// Sets the text of `key`, replacing an earlier one.
    pub fn set(&mut self, key: Cow<'a, str>, value: Cow<'a, str>) {
        match self.place(&key) {
            Ok(i) => self.0[i].1 = value,
            Err(i) => self.0.insert(i, (key, value)),
        }
    }

    /// Sets the text of `key` if there is none.
    pub fn set_default(&mut self, key: Cow<'a, str>, value: Cow<'a, str>) {
        if let Err(i) = self.place(&key) {
            self.0.insert(i, (key, value));
        }
    }

    /// Keys and texts.
    pub fn iter(&self) -> impl Iterator<Item = &(Cow<'a, str>, Cow<'a, str>)> {
        self.0.iter()
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(k, _)| (**k).cmp(key))
    }
}

impl<'a> IntoIterator for RawAttrs<'a> {
    type Item = (Cow<'a, str>, Cow<'a, str>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Cow<'a, str>)> for RawAttrs<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Cow<'a, str>)>>(items: I) -> RawAttrs<'a> {
        let mut items: Vec<_> = items.into_iter().collect();
        if !items.is_sorted_by(|a, b| a.0 < b.0) {
            items.sort_by(|a, b| a.0.cmp(&b.0));
            items.dedup_by(|later, kept| {
                let same = later.0 == kept.0;
                if same {
                    std::mem::swap(&mut later.1, &mut kept.1);
                }
                same
            });
        }
        RawAttrs(items)
    }
}

/// A text that is not copied where the file has it without escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for RawAttrs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawAttrs<'a>, D::Error> {
        deserializer.deserialize_map(Texts)
    }
}

struct Texts;

impl<'de> Visitor<'de> for Texts {
    type Value = RawAttrs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<RawAttrs<'de>, M::Error> {
        let Some((Text(key), Text(value))) = map.next_entry()? else { return Ok(RawAttrs::default()) };
        let mut items = Vec::with_capacity(1);
        items.push((key, value));
        while let Some((Text(key), Text(value))) = map.next_entry()? {
            items.push((key, value));
        }
        Ok(items.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> RawAttrs<'_> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn keys_are_sorted_and_the_last_of_equal_keys_counts() {
        let attrs = read(r#"{"b": "1", "a": "2", "b": "3", "a": "4", "c": "5", "a": "6"}"#);
        let shown: Vec<_> = attrs.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(shown, ["a=6", "b=3", "c=5"]);
    }

    #[test]
    fn texts_are_found_set_and_removed_by_key() {
        let mut attrs = read(r#"{"b": "1\n", "d": "2"}"#);
        assert_eq!((attrs.get("b"), attrs.get("c"), attrs.contains("d")), (Some("1\n"), None, true));
        attrs.set("c".into(), "3".into());
        attrs.set("b".into(), "4".into());
        attrs.set_default("b".into(), "5".into());
        attrs.set_default("a".into(), "6".into());
        assert_eq!(attrs.remove("d").as_deref(), Some("2"));
        assert_eq!(attrs.remove("d"), None);
        let shown: Vec<_> = attrs.into_iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(shown, ["a=6", "b=4", "c=3"]);
    }

    #[test]
    fn only_texts_are_attributes() {
        for text in [r#"{"a": 1}"#, r#"["a"]"#, r#"{"a": null}"#] {
            assert!(serde_json::from_str::<RawAttrs>(text).is_err(), "{text}");
        }
    }
}
