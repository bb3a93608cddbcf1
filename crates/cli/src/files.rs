use rsym_graph::json::{Loaded, from_bytes};
use rsym_tensor::write_atomic;
use std::path::Path;

/// Reads a symbol file; warnings go to standard error.
pub fn load(path: &Path) -> Result<Loaded, String> {
    let bytes = std::fs::read(path).map_err(|e| at(path, e))?;
    let loaded = from_bytes(rsym_ops::registry(), &bytes).map_err(|e| at(path, e))?;
    for warning in &loaded.warnings {
        eprintln!("rsym: {}", at(path, warning));
    }
    Ok(loaded)
}

/// Writes a file so that another process sees the old or the new content, never a part.
pub fn save(path: &Path, text: &str) -> Result<(), String> {
    write_atomic(path, text.as_bytes()).map_err(|e| e.to_string())
}

/// A message about a file.
pub fn at(path: &Path, message: impl std::fmt::Display) -> String {
    format!("{}: {message}", path.display())
}
