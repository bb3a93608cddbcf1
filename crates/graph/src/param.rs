//! Operator parameters: typed fields read from the text that callers and files give.

use rsym_tensor::DType;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt::Display;

/// A short tuple of numbers, as in `kernel=(3, 3)`.
pub type Tuple<T = i64> = SmallVec<[T; 4]>;

/// A type that a parameter can have.
pub trait ParamType: Sized {
    /// MXNet's name of the type, for documentation and messages.
    fn type_name() -> String;
    /// The allowed texts, for an enumeration.
    fn values() -> &'static [&'static str] {
        &[]
    }
    /// The value that `text` stands for, or `None`.
    fn parse(text: &str) -> Option<Self>;
    /// The text that stands for the value.
    fn text(&self) -> String;
}

/// Documentation and default of one parameter.
#[derive(Debug)]
pub struct ParamDef {
    /// Keyword.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Type in words.
    pub type_name: fn() -> String,
    /// Allowed texts, for an enumeration.
    pub values: fn() -> &'static [&'static str],
    /// Text of the default; `None` if the parameter is required.
    pub default: fn() -> Option<String>,
    /// Range in words, or nothing.
    pub range: &'static str,
}

impl ParamDef {
    /// What a value must be, in words.
    pub fn expected(&self) -> String {
        let values = (self.values)();
        let base = if values.is_empty() { (self.type_name)() } else { format!("one of '{}'", values.join("', '")) };
        if self.range.is_empty() { base } else { format!("{base} in {}", self.range) }
    }
}

/// Why a set of parameter texts was refused; the caller adds operator and node.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamError {
    /// A keyword that does not exist.
    Unknown(String),
    /// A required keyword that was not given.
    Missing(&'static ParamDefRef),
    /// A text that is not of the type or not in the range.
    Bad(&'static ParamDefRef, String),
    /// The name of an operator in another language that nobody has registered.
    Unregistered(String),
    /// Parameters that contradict each other.
    Conflict(String),
}

/// `ParamDef` compared by name, so that errors can be compared.
pub type ParamDefRef = ParamDef;

impl PartialEq for ParamDef {
    fn eq(&self, other: &ParamDef) -> bool {
        self.name == other.name
    }
}

/// Parameter texts by keyword, in the order given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParamTexts(pub Vec<(Cow<'static, str>, String)>);

impl ParamTexts {
    /// The text of keyword `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Sets keyword `key`, replacing an earlier text.
    pub fn set(&mut self, key: impl Into<Cow<'static, str>>, value: String) {
        let key = key.into();
        match self.0.iter_mut().find(|(k, _)| *k == key) {
            Some(slot) => slot.1 = value,
            None => self.0.push((key, value)),
        }
    }
}

/// Reads one field: text, default or error. Used by [`operator!`](crate::operator).
pub fn read_field<T: ParamType>(
    texts: &ParamTexts,
    def: &'static ParamDef,
    default: Option<T>,
    in_range: impl Fn(&T) -> bool,
) -> Result<T, ParamError> {
    let Some(text) = texts.get(def.name) else { return default.ok_or(ParamError::Missing(def)) };
    T::parse(text).filter(in_range).ok_or_else(|| ParamError::Bad(def, text.to_string()))
}

macro_rules! integer {
    ($($t:ty, $name:literal;)*) => {$(
        impl ParamType for $t {
            fn type_name() -> String { $name.to_string() }
            fn parse(text: &str) -> Option<$t> { parse_integer(text).and_then(|v| <$t>::try_from(v).ok()) }
            fn text(&self) -> String { self.to_string() }
        }
    )*};
}

integer! {
    i32, "int";
    i64, "long";
    u32, "int (non-negative)";
    u64, "long (non-negative)";
    usize, "long (non-negative)";
}

/// A whole number; takes Python 2's `1L`, refuses `4.0` and `True`.
fn parse_integer(text: &str) -> Option<i128> {
    let text = text.trim();
    text.strip_suffix('L').unwrap_or(text).parse().ok()
}

fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.strip_suffix(['f', 'F']).filter(|t| t.ends_with(|c: char| c.is_ascii_digit() || c == '.'));
    digits.unwrap_or(text).parse().ok()
}

impl ParamType for f64 {
    fn type_name() -> String {
        "double".into()
    }
    fn parse(text: &str) -> Option<f64> {
        parse_float(text)
    }
    fn text(&self) -> String {
        number_text(self)
    }
}

impl ParamType for f32 {
    fn type_name() -> String {
        "float".into()
    }
    fn parse(text: &str) -> Option<f32> {
        parse_float(text).map(|v| v as f32)
    }
    fn text(&self) -> String {
        number_text(self)
    }
}

/// Whole numbers without a decimal point, others in full.
fn number_text(value: &impl Display) -> String {
    value.to_string()
}

impl ParamType for bool {
    fn type_name() -> String {
        "boolean".into()
    }
    fn parse(text: &str) -> Option<bool> {
        match text.trim() {
            "True" | "true" | "1" => Some(true),
            "False" | "false" | "0" => Some(false),
            _ => None,
        }
    }
    fn text(&self) -> String {
        if *self { "True" } else { "False" }.into()
    }
}

impl ParamType for String {
    fn type_name() -> String {
        "string".into()
    }
    fn parse(text: &str) -> Option<String> {
        Some(text.to_string())
    }
    fn text(&self) -> String {
        self.clone()
    }
}

impl ParamType for DType {
    fn type_name() -> String {
        "data type".into()
    }
    fn values() -> &'static [&'static str] {
        &["bfloat16", "bool", "float16", "float32", "float64", "int32", "int64", "int8", "uint8"]
    }
    fn parse(text: &str) -> Option<DType> {
        DType::from_name(text.trim())
    }
    fn text(&self) -> String {
        self.name().into()
    }
}

impl<T: ParamType> ParamType for Option<T> {
    fn type_name() -> String {
        format!("{} or None", T::type_name())
    }
    fn values() -> &'static [&'static str] {
        T::values()
    }
    fn parse(text: &str) -> Option<Option<T>> {
        if text.trim() == "None" { Some(None) } else { T::parse(text).map(Some) }
    }
    fn text(&self) -> String {
        self.as_ref().map_or_else(|| "None".into(), T::text)
    }
}

/// The items of `(1, 2)`, `[1,2]`, `(3,)` or a single bare item.
fn tuple_items(text: &str) -> Option<Vec<&str>> {
    let text = text.trim();
    let inner = match (text.chars().next(), text.chars().last()) {
        (Some('('), Some(')')) | (Some('['), Some(']')) if text.len() >= 2 => text[1..text.len() - 1].trim(),
        (Some('(' | '['), _) | (_, Some(')' | ']')) => return None,
        _ => text,
    };
    if inner.is_empty() {
        return text.starts_with(['(', '[']).then(Vec::new);
    }
    let inner = inner.strip_suffix(',').unwrap_or(inner);
    Some(inner.split(',').map(str::trim).collect())
}

impl<T: ParamType> ParamType for Tuple<T>
where
    [T; 4]: smallvec::Array<Item = T>,
{
    fn type_name() -> String {
        match T::type_name().as_str() {
            "long" => "Shape(tuple)".into(),
            item => format!("tuple of <{item}>"),
        }
    }
    fn parse(text: &str) -> Option<Tuple<T>> {
        tuple_items(text)?.into_iter().map(T::parse).collect()
    }
    fn text(&self) -> String {
        let items: Vec<String> = self.iter().map(T::text).collect();
        if items.len() == 1 { format!("({},)", items[0]) } else { format!("({})", items.join(", ")) }
    }
}

/// Declares an enumeration parameter: `enum_param! { /// doc  pub enum Act { Relu = "relu", … } }`.
#[macro_export]
macro_rules! enum_param {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        $vis enum $name { $($(#[$vmeta])* $variant),* }
        impl $crate::ParamType for $name {
            fn type_name() -> String { "string".into() }
            fn values() -> &'static [&'static str] { &[$($text),*] }
            fn parse(text: &str) -> Option<$name> {
                match text.trim() { $($text => Some($name::$variant),)* _ => None }
            }
            fn text(&self) -> String { match self { $($name::$variant => $text.to_string()),* } }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples_take_every_spelling() {
        for text in ["(2, 3)", "[2,3]", " ( 2 , 3 , ) ", "(2L, 3L)", "2,3"] {
            assert_eq!(Tuple::<i64>::parse(text).unwrap().as_slice(), [2, 3], "{text}");
        }
        assert_eq!(Tuple::<i64>::parse("4").unwrap().as_slice(), [4]);
        assert_eq!(Tuple::<i64>::parse("(4,)").unwrap().as_slice(), [4]);
        assert!(Tuple::<i64>::parse("()").unwrap().is_empty());
        for text in ["(2, 3", "2)", "(2.0, 3)", "(a)", "", "(,)"] {
            assert_eq!(Tuple::<i64>::parse(text), None, "{text}");
        }
        assert_eq!(Tuple::<Option<i64>>::parse("(None, 1)").unwrap().as_slice(), [None, Some(1)]);
    }

    #[test]
    fn scalars_are_strict_about_their_type() {
        assert_eq!(i32::parse("4.0"), None);
        assert_eq!(u32::parse("-1"), None);
        assert_eq!(i64::parse("True"), None);
        assert_eq!(f64::parse("True"), None);
        assert_eq!(f32::parse("1e-3"), Some(1e-3));
        assert_eq!(f32::parse("-inf"), Some(f32::NEG_INFINITY));
        assert_eq!(bool::parse("1"), Some(true));
        assert_eq!(bool::parse("yes"), None);
        assert_eq!(Option::<i32>::parse("None"), Some(None));
    }
}
