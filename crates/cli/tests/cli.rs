//! The program from outside: what it prints, writes and refuses.

use std::path::PathBuf;
use std::process::{Command, Output};

const OLD: &str = r#"{"nodes": [
    {"op": "null", "param": {}, "name": "data", "inputs": [], "backward_source_id": -1},
    {"op": "null", "param": {}, "name": "w", "inputs": [], "backward_source_id": -1, "attr": {"lr_mult": "2"}},
    {"op": "FullyConnected", "param": {"num_hidden": "8", "no_bias": "True"}, "name": "fc", "inputs": [[0, 0], [1, 0]],
     "backward_source_id": -1},
    {"op": "Mystery", "param": {}, "name": "m", "inputs": [[2, 0]], "backward_source_id": -1}
  ], "arg_nodes": [0, 1], "heads": [[2, 0], [3, 0]]}"#;

fn rsym(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rsym")).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A file of its own for each test.
fn file(name: &str, content: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("rsym-cli-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn show_lists_what_is_in_a_file() {
    let path = file("show.json", OLD);
    let text = stdout(&rsym(&["show", path.to_str().unwrap()]));
    std::fs::remove_file(&path).unwrap();
    assert!(text.contains("MXNet 0.8.0\narguments (2): data, w\n"), "{text}");
    assert!(text.contains("outputs (2): fc_output, m_output\noperators (1):\n     1  FullyConnected\n"), "{text}");
    assert!(text.ends_with("unknown operators (1):\n     1  Mystery\n"), "{text}");
}

#[test]
fn infer_completes_shapes() {
    let path = file("infer.json", OLD);
    let name = path.to_str().unwrap();
    let text = stdout(&rsym(&["infer", name, "data=4,3"]));
    let wrong = rsym(&["infer", name, "dta=4,3"]);
    let bad = rsym(&["infer", name, "data=4,x"]);
    std::fs::remove_file(&path).unwrap();
    assert!(text.starts_with("argument data: (4, 3)\nargument w: (8, 3)\noutput fc_output: (4, 8)\n"), "{text}");
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("there is no input 'dta'; inputs: data, w"));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("dimension 'x'"));
    assert!(!wrong.status.success() && !bad.status.success());
}

#[test]
fn convert_writes_the_dialect_of_1_9_1() {
    let (old, new) = (file("convert.json", OLD), file("converted.json", ""));
    let said = stdout(&rsym(&["convert", old.to_str().unwrap(), new.to_str().unwrap()]));
    let text = std::fs::read_to_string(&new).unwrap();
    let printed = stdout(&rsym(&["convert", old.to_str().unwrap(), "-"]));
    std::fs::remove_file(&old).unwrap();
    std::fs::remove_file(&new).unwrap();
    assert!(said.contains("plain keys such as lr_mult became __lr_mult__"), "{said}");
    assert!(text.contains("\"attrs\": {\"__lr_mult__\": \"2\"}") && text.contains("[\"int\", 10901]"), "{text}");
    assert_eq!(text, printed);
}

#[test]
fn a_file_that_is_none_is_a_failure_with_its_name() {
    let path = file("page.json", "<html>");
    let output = rsym(&["show", path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(message.contains("page.json: the text is an HTML or XML page"), "{message}");
}
