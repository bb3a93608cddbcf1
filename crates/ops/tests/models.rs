//! Real models of every version of MXNet: they load, come back as they were saved.

use rsym_graph::json::{Loaded, from_json, to_json};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The folder of the models, or `None` with a note that the test tests nothing.
fn models() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let models = std::env::var_os("RSYM_SHARED").map_or(default, PathBuf::from).join("models");
    if !models.is_dir() {
        eprintln!("SKIPPED: no models at {}; set RSYM_SHARED", models.display());
        return None;
    }
    Some(models)
}

/// Folders with a recording of MXNet.
fn recorded(models: &Path) -> Vec<(PathBuf, Value)> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(models).unwrap().map(|e| e.unwrap().path()).collect();
    folders.sort();
    let expect =
        |f: &PathBuf| Some(serde_json::from_str(&std::fs::read_to_string(f.join("expect.json")).ok()?).unwrap());
    folders.into_iter().filter_map(|f| expect(&f).map(|e| (f, e))).collect()
}

fn load(path: &Path) -> Loaded {
    let text = std::fs::read_to_string(path).unwrap();
    from_json(rsym_ops::registry(), &text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn symbol_file(folder: &Path, expect: &Value) -> PathBuf {
    folder.join(expect["symbol"].as_str().unwrap())
}

#[test]
fn every_file_loads_and_is_saved_the_same_again() {
    let Some(models) = models() else { return };
    let mut files: Vec<PathBuf> = recorded(&models).iter().map(|(f, e)| symbol_file(f, e)).collect();
    files.extend(std::fs::read_dir(models.join("_old_json")).unwrap().map(|e| e.unwrap().path()));
    assert_eq!(files.len(), 116);
    for file in files {
        let text = to_json(&load(&file).symbol).unwrap();
        let again = from_json(rsym_ops::registry(), &text).unwrap();
        assert!(again.warnings.is_empty() && again.upgrades.is_empty());
        assert!(to_json(&again.symbol).unwrap() == text, "{}", file.display());
    }
}
