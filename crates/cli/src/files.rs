use rsym_graph::json::{Loaded, from_bytes};
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
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = Path::new(&name);
    let written = std::fs::write(part, text).and_then(|()| std::fs::rename(part, path));
    written.map_err(|e| {
        let _ = std::fs::remove_file(part);
        at(path, e)
    })
}

/// A message about a file.
pub fn at(path: &Path, message: impl std::fmt::Display) -> String {
    format!("{}: {message}", path.display())
}
