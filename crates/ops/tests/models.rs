//! Real models of every version of MXNet: they load, come back as they were saved, and list and infer what MXNet does.

use rsym_graph::json::{from_json, to_json};
use rsym_graph::{FlatGraph, Symbol, infer_shapes};
use rsym_tensor::PartialShape;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
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
    let expect = |f: &PathBuf| std::fs::read_to_string(f.join("expect.json")).ok();
    folders.into_iter().filter_map(|f| expect(&f).map(|e| (f, serde_json::from_str(&e).unwrap()))).collect()
}

fn load(file: &Path) -> Symbol {
    let text = std::fs::read_to_string(file).unwrap();
    from_json(rsym_ops::registry(), &text).unwrap_or_else(|e| panic!("{}: {e}", file.display())).symbol
}

fn symbol_file(folder: &Path, expect: &Value) -> PathBuf {
    folder.join(expect["symbol"].as_str().unwrap())
}

/// How often operators that rsym does not know occur.
fn unknown(symbol: &Symbol) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for op in symbol.nodes().iter().filter_map(|n| n.op()).filter(|op| op.is_opaque()) {
        *counts.entry(op.name().to_string()).or_default() += 1;
    }
    counts
}

/// A line for every list of which something differs from the recording.
fn differences(folder: &Path, lists: [(&str, Value, &Value); 3]) -> Vec<String> {
    let name = folder.file_name().unwrap().to_string_lossy();
    let differ = lists.into_iter().filter(|(_, got, expected)| got != *expected);
    differ.map(|(what, got, expected)| format!("{name} {what}: {}", first_difference(&got, expected))).collect()
}

fn first_difference(got: &Value, expected: &Value) -> String {
    let at = (0..).find(|&i| got.get(i) != expected.get(i) || got.get(i).is_none()).unwrap();
    format!("number {at} is {:?}, in MXNet {:?}", got.get(at), expected.get(at))
}

#[test]
fn every_file_loads_and_is_saved_the_same_again() {
    let Some(models) = models() else { return };
    let mut files: Vec<PathBuf> = recorded(&models).iter().map(|(f, e)| symbol_file(f, e)).collect();
    files.extend(std::fs::read_dir(models.join("_old_json")).unwrap().map(|e| e.unwrap().path()));
    assert_eq!(files.len(), 116);
    for file in files {
        let text = to_json(&load(&file)).unwrap();
        let again = from_json(rsym_ops::registry(), &text).unwrap();
        assert!(again.warnings.is_empty() && again.upgrades.is_empty());
        assert!(to_json(&again.symbol).unwrap() == text, "{}", file.display());
    }
}

#[test]
fn unknown_operators_are_saved_with_all_that_they_had() {
    let Some(models) = models() else { return };
    let mut compared = 0;
    for (folder, expect) in recorded(&models) {
        let file = symbol_file(&folder, &expect);
        let symbol = load(&file);
        let unknown = unknown(&symbol);
        let original: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let saved: Value = serde_json::from_str(&to_json(&symbol).unwrap()).unwrap();
        for node in
            saved["nodes"].as_array().unwrap().iter().filter(|n| unknown.contains_key(n["op"].as_str().unwrap()))
        {
            let is_same = |n: &&Value| n["op"] == node["op"] && n["name"] == node["name"];
            let before = original["nodes"].as_array().unwrap().iter().find(is_same).unwrap();
            let attrs = before.get("attrs").or(before.get("attr"));
            if before.get("param").is_none() {
                assert_eq!(node.get("attrs"), attrs, "{} {}", file.display(), node["name"]);
            }
            compare_subgraphs(node, before);
            compared += 1;
        }
    }
    assert!(compared > 0);
}

/// Graphs inside of unknown operators keep their nodes; the third number of an input, which nothing reads, may change.
fn compare_subgraphs(saved: &Value, original: &Value) {
    let graphs = |node: &Value| node["subgraphs"].as_array().cloned().unwrap_or_default();
    assert_eq!(graphs(saved).len(), graphs(original).len());
    for (mut saved, mut original) in graphs(saved).into_iter().zip(graphs(original)) {
        for graph in [&mut saved, &mut original] {
            let nodes = graph["nodes"].as_array_mut().unwrap().iter_mut();
            nodes.flat_map(|n| n["inputs"].as_array_mut().unwrap()).for_each(|entry| entry[2] = 0.into());
        }
        for key in ["nodes", "arg_nodes", "heads"] {
            assert_eq!(saved[key], original[key]);
        }
    }
}

#[test]
fn every_file_lists_what_mxnet_lists() {
    let Some(models) = models() else { return };
    let mut differ = Vec::new();
    let all = recorded(&models);
    let loadable: Vec<_> = all.iter().filter(|(_, e)| e["arguments"].is_array()).collect();
    assert_eq!((all.len(), loadable.len()), (113, 102));
    for (folder, expect) in loadable {
        let symbol = load(&symbol_file(folder, expect));
        let lists = [
            ("arguments", json!(symbol.list_arguments()), &expect["arguments"]),
            ("outputs", json!(symbol.list_outputs()), &expect["outputs"]),
            ("auxiliary states", json!(symbol.list_auxiliary_states()), &expect["aux"]),
        ];
        differ.extend(differences(folder, lists));
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// Names of the models that use only operators of the first stage.
fn first_stage(models: &Path) -> Vec<String> {
    let index = std::fs::read_to_string(models.join("INDEX.md")).unwrap();
    let rows = index.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    rows.filter(|row| row.len() > 5 && row[5] == "first").map(|row| row[1].to_string()).collect()
}

fn legacy<'a>(shapes: impl IntoIterator<Item = &'a PartialShape>) -> Value {
    shapes.into_iter().map(PartialShape::to_legacy).collect()
}

/// Lines on what is inferred otherwise than in the recording.
fn inferred_otherwise(folder: &Path, expect: &Value, symbol: &Symbol) -> Vec<String> {
    let given: HashMap<String, Vec<i64>> = serde_json::from_value(expect["input_shapes"].clone()).unwrap();
    let graph = FlatGraph::new(symbol);
    let entries = match infer_shapes(&graph, |_, name| given.get(name).map(|dims| PartialShape::from_legacy(dims))) {
        Ok(inferred) => inferred.entries,
        Err(error) => return vec![format!("{}: {error}", folder.display())],
    };
    let of = |nodes: &[usize]| legacy(nodes.iter().map(|&i| &entries[graph.nodes[i].first]));
    let lists = [
        ("argument shapes", of(&graph.arguments), &expect["arg_shapes"]),
        ("output shapes", legacy(graph.heads.iter().map(|&e| &entries[e])), &expect["out_shapes"]),
        ("auxiliary shapes", of(&graph.aux), &expect["aux_shapes"]),
    ];
    differences(folder, lists)
}

#[test]
fn models_infer_what_mxnet_infers() {
    let Some(models) = models() else { return };
    let (mut differ, mut compared) = (Vec::new(), 0);
    let first = first_stage(&models);
    assert_eq!(first.len(), 80);
    for (folder, expect) in recorded(&models).iter().filter(|(_, e)| e["arg_shapes"].is_array()) {
        let symbol = load(&symbol_file(folder, expect));
        let unknown = unknown(&symbol);
        if unknown.is_empty() {
            differ.extend(inferred_otherwise(folder, expect, &symbol));
            compared += 1;
        } else if first.iter().any(|name| folder.ends_with(name)) {
            differ.push(format!("{}: unknown operators {unknown:?}", folder.display()));
        }
    }
    assert!(compared >= 78, "{compared}");
    assert!(differ.is_empty(), "{} of {compared}\n{}", differ.len(), differ.join("\n"));
}
