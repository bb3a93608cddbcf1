use super::build::Builder;
use super::raw::RawGraph;
use super::{VERSION, sniff, upgrade};
use crate::{GraphError, GraphResult, Registry, Symbol};

/// A symbol from a file.
#[derive(Debug)]
pub struct Loaded {
    /// The symbol.
    pub symbol: Symbol,
    /// What the user should know, if anything.
    pub warnings: Vec<String>,
    /// The version of MXNet that wrote the file, as in 10901; 800 for every version that did not say.
    pub version: u32,
    /// What was rewritten because the version is old.
    pub upgrades: Vec<&'static str>,
}

/// Reads a symbol from the bytes of a file.
pub fn from_bytes(registry: &Registry, bytes: &[u8]) -> GraphResult<Loaded> {
    match std::str::from_utf8(bytes) {
        Ok(text) => from_json(registry, text),
        Err(e) => {
            let not_text = || format!("the text is not UTF-8 at byte {}", e.valid_up_to());
            Err(GraphError::Json(sniff::describe(bytes).unwrap_or_else(not_text)))
        }
    }
}

/// Reads a symbol from JSON of any version of MXNet since 0.7.
///
/// Operators that `registry` does not have become [`Opaque`](crate::Opaque).
///
/// # Errors
/// [`GraphError::Json`] if the text is no symbol file; what [`parse_op`](crate::parse_op) says if an operator refuses its
/// parameters.
pub fn from_json(registry: &Registry, text: &str) -> GraphResult<Loaded> {
    let text = text.trim_start_matches('\u{feff}');
    if let Some(what) = sniff::describe(text.as_bytes()) {
        return Err(GraphError::Json(what));
    }
    let mut raw: RawGraph = match serde_json::from_str(text) {
        Ok(raw) => raw,
        Err(error) => match escape_controls(text) {
            Some(escaped) => return from_json(registry, &escaped),
            None => return Err(GraphError::Json(explain(text, error))),
        },
    };
    raw.check().map_err(GraphError::Json)?;
    let version = raw.version();
    let upgrades = upgrade::apply(&mut raw, version, registry);
    let mut builder = Builder::new(registry, version);
    if version > VERSION {
        builder.warnings.push(format!(
            "the symbol was saved by MXNet {}, which is newer than 1.9.1: it may mean something else there",
            version_text(version)
        ));
    }
    let symbol = builder.graph(raw)?;
    Ok(Loaded { symbol, warnings: builder.warnings, version, upgrades })
}

fn version_text(version: u32) -> String {
    format!("{}.{}.{}", version / 10000, version / 100 % 100, version % 100)
}

/// The text with control characters inside of strings escaped: MXNet writes them raw, which JSON forbids.
fn escape_controls(text: &str) -> Option<String> {
    let is_raw = |c: char| c < ' ' && !matches!(c, '\n' | '\r' | '\t');
    let escape = |c| if is_raw(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    text.contains(is_raw).then(|| text.chars().map(escape).collect())
}

/// The error with the place in the graph, which only a second, slower reading finds.
fn explain(text: &str, error: serde_json::Error) -> String {
    if error.is_eof() {
        return format!("the JSON is truncated at byte {}: {error}", text.len());
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, RawGraph>(&mut deserializer) {
        Err(at) if error.is_data() && at.path().iter().next().is_some() => format!("{}: {error}", at.path()),
        _ => error.to_string(),
    }
}
