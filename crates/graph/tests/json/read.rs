use crate::ops::{apply, registry, var};
use crate::{file, load, map, null, op_name, refusal, saved, user_attrs};
use rsym_graph::json::from_bytes;
use rsym_graph::{Entry, Node, Symbol};

#[test]
fn what_mxnet_wrote_comes_back_byte_by_byte() {
    let text = include_str!("group.json");
    let loaded = load(text);
    assert_eq!(saved(&loaded.symbol), text);
    assert_eq!(loaded.symbol.list_outputs()[..3], ["f_output", "x", "s_output2"]);
    assert_eq!(loaded.symbol.list_auxiliary_states(), ["m", "w", "b2_moving_var"]);
    assert_eq!((loaded.version, loaded.warnings.len(), loaded.upgrades.len()), (10901, 0, 0));
}

#[test]
fn every_user_attribute_of_an_operator_comes_back() {
    let attrs =
        [("mood", "fine"), ("", "empty"), ("__x__", "1"), ("__rsym_a__", "2"), ("no_bias", "not me"), ("é", "\u{1}\"")];
    let x = var("x", &attrs);
    let inputs = [&x, &var("w", &[]), &var("b", &[])];
    let f = apply("FullyConnected", "f", &inputs, &[("num_hidden", "4"), ("no_bias", "False")], &attrs);
    let back = load(&saved(&f)).symbol;
    assert_eq!(user_attrs(&back, "f"), map(&attrs));
    assert_eq!(user_attrs(&back, "x"), map(&attrs));
    assert_eq!(back.node().unwrap().param("no_bias").as_deref(), Some("False"));
}

#[test]
fn aliases_become_canonical_names() {
    let text = file(903, &[&null("a"), r#"{"op": "_Plus", "name": "p", "inputs": [[0, 0], [0, 0]]}"#]);
    assert_eq!(&*op_name(&load(&text).symbol), "elemwise_add");
}

#[test]
fn nodes_may_come_before_their_inputs() {
    let node = |name: &str, input| format!(r#"{{"op": "relu", "name": "{name}", "inputs": [[{input}, 0, 0]]}}"#);
    let symbol = load(&file(10901, &[&node("second", 2), &null("a"), &node("first", 1), &node("third", 0)])).symbol;
    assert_eq!(symbol.list_arguments(), ["a"]);
    assert_eq!(symbol.internals().list_outputs(), ["a", "first_output", "second_output", "third_output"]);
    let looped = file(10901, &[&node("x", 1), &node("y", 0)]);
    assert!(refusal(&looped).contains("does not come before"), "{}", refusal(&looped));
}

#[test]
fn operators_without_parameters_take_any_key() {
    let node = r#"{"op": "relu", "name": "r", "attrs": {"mood": "fine"}, "inputs": [[0, 0, 0]]}"#;
    let symbol = load(&file(10901, &[&null("a"), node])).symbol;
    assert_eq!(user_attrs(&symbol, "r"), map(&[("mood", "fine")]));
    assert!(saved(&symbol).contains(r#""mood": "fine""#));
}

#[test]
fn attrs_attr_and_param_may_all_occur() {
    for keys in [
        r#""attrs": {"num_hidden": "4", "__x__": "y"}"#,
        r#""attr": {"num_hidden": "4", "__x__": "y"}"#,
        r#""param": {"num_hidden": "4"}, "attr": {"__x__": "y"}, "backward_source_id": -1"#,
        r#""attrs": {"num_hidden": "4"}, "attr": {"__x__": "y"}"#,
    ] {
        let node = format!(r#"{{"op": "FullyConnected", {keys}, "name": "f", "inputs": [[0, 0], [1, 0, 0], [2, 0]]}}"#);
        let symbol = load(&file(800, &[&null("d"), &null("w"), &null("b"), &node])).symbol;
        assert_eq!(symbol.node().unwrap().param("num_hidden").as_deref(), Some("4"), "{keys}");
        assert_eq!(user_attrs(&symbol, "f"), map(&[("__x__", "y")]), "{keys}");
    }
}

#[test]
fn values_are_kept_as_they_were_written() {
    let node = |text| {
        format!(
            r#"{{"op": "FullyConnected", "name": "f", "attrs": {{"num_hidden": "{text}", "no_bias": "true"}}, "inputs": [[0, 0, 0], [1, 0, 0]]}}"#
        )
    };
    let symbol = load(&file(10901, &[&null("d"), &null("w"), &node("4L")])).symbol;
    assert!(saved(&symbol).contains(r#""num_hidden": "4L""#));
    assert_eq!(symbol.list_arguments(), ["d", "w"]);
}

#[test]
fn parameters_copied_onto_variables_stay_there() {
    let w = r#"{"op": "null", "name": "w", "attrs": {"num_hidden": "4", "kernel": "(3L, 3L)"}, "inputs": []}"#;
    let symbol = load(&file(10901, &[w])).symbol;
    assert_eq!(user_attrs(&symbol, "w"), map(&[("num_hidden", "4"), ("kernel", "(3L, 3L)")]));
    assert!(saved(&symbol).contains(r#""kernel": "(3L, 3L)""#));
}

#[test]
fn duplicate_names_are_two_variables() {
    let text = file(
        10901,
        &[&null("a"), &null("a"), r#"{"op": "elemwise_add", "name": "p", "inputs": [[0, 0, 0], [1, 0, 0]]}"#],
    );
    assert_eq!(load(&text).symbol.list_arguments(), ["a", "a"]);
}

#[test]
fn variadic_operators_without_a_count_count_their_inputs() {
    let text = file(800, &[&null("a"), r#"{"op": "Concat", "name": "c", "inputs": [[0, 0], [0, 0]]}"#]);
    assert_eq!(load(&text).symbol.node().unwrap().param("num_args").as_deref(), Some("2"));
}

#[test]
fn unknown_operators_are_carried_along() {
    let unknown = r#"{"op": "QConv", "name": "q", "attrs": {"kernel": "(3, 3)", "__x__": "1"},
        "inputs": [[0, 0, 0], [1, 0, 1]], "subgraphs": [{"nodes": [{"op": "null", "name": "s", "inputs": []}],
        "arg_nodes": [0], "node_row_ptr": [0, 1], "heads": [[0, 0, 0]]}]}"#;
    let user = r#"{"op": "elemwise_add", "name": "p", "inputs": [[2, 0, 0], [2, 3, 0]]}"#;
    let symbol = load(&file(10901, &[&null("a"), &null("mean"), unknown, user])).symbol;
    assert_eq!((symbol.list_arguments(), symbol.list_auxiliary_states()), (vec!["a".into()], vec!["mean".into()]));
    let internals = symbol.internals().list_outputs();
    assert_eq!(internals, ["a", "mean", "q_output0", "q_output1", "q_output2", "q_output3", "p_output"]);
    assert_eq!(symbol.attr_dict()["q"], map(&[("kernel", "(3, 3)"), ("__x__", "1")]));
    let text: serde_json::Value = serde_json::from_str(&saved(&symbol)).unwrap();
    let original: serde_json::Value = serde_json::from_str(unknown).unwrap();
    assert_eq!(text["nodes"][2], original);
}

#[test]
fn a_newer_version_is_loaded_with_warnings() {
    let node = r#"{"op": "relu", "name": "r", "attrs": {"axis": "1"}, "inputs": [[0, 0, 0]]}"#;
    let loaded = load(&file(20000, &[&null("a"), node]));
    assert!(loaded.warnings[0].contains("MXNet 2.0.0"), "{:?}", loaded.warnings);
    assert!(loaded.warnings[1].contains("relu 'r': the parameter axis=1"), "{:?}", loaded.warnings);
    assert_eq!(user_attrs(&loaded.symbol, "r"), map(&[("axis", "1")]));
}

#[test]
fn control_characters_that_mxnet_left_raw_are_read() {
    let text = file(10901, &[&null("a\u{1}\u{8}\u{7f}")]);
    assert_eq!(load(&text).symbol.list_arguments(), ["a\u{1}\u{8}\u{7f}"]);
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert_eq!(load(&format!("\u{feff}{}", file(10901, &[&null("a")]))).symbol.list_arguments(), ["a"]);
}

#[test]
fn parameters_that_do_not_parse_name_node_operator_and_value() {
    let node = |attrs| {
        file(
            10901,
            &[
                &null("a"),
                &format!(r#"{{"op": "SliceChannel", "name": "s", "attrs": {{{attrs}}}, "inputs": [[0, 0, 0]]}}"#),
            ],
        )
    };
    let bad = refusal(&node(r#""num_outputs": "2.5""#));
    assert!(bad.contains("SliceChannel 's': invalid value '2.5' for parameter num_outputs"), "{bad}");
    let unknown = refusal(&node(r#""num_outputs": "2", "axes": "1""#));
    assert!(unknown.contains("SliceChannel 's': cannot find argument 'axes'"), "{unknown}");
    assert!(refusal(&node("")).contains("required parameter num_outputs"));
    assert!(refusal(&node(r#""num_outputs": "100000""#)).contains("has 100000 outputs"));
}

#[test]
fn what_is_missing_or_wrong_is_named_with_its_place() {
    for (text, words) in [
        (r#"{"nodes": [], "arg_nodes": []}"#, "missing field `heads`"),
        (r#"{"nodes": [], "heads": []}"#, "missing field `arg_nodes`"),
        (
            r#"{"nodes": [{"op": "null", "inputs": []}], "arg_nodes": [], "heads": []}"#,
            "nodes[0]: missing field `name`",
        ),
        (
            r#"{"nodes": [{"op": "null", "name": 3, "inputs": []}], "arg_nodes": [], "heads": []}"#,
            "nodes[0].name: invalid type: integer `3`",
        ),
        (
            r#"{"nodes": [{"op": "null", "name": "a", "note": "", "inputs": []}], "arg_nodes": [], "heads": []}"#,
            "nodes[0].note: unknown field `note`",
        ),
        (
            r#"{"nodes": [{"op": "null", "name": "a", "attrs": {"x": 1}, "inputs": []}], "arg_nodes": [], "heads": []}"#,
            "nodes[0].attrs.x: invalid type: integer `1`",
        ),
        (
            r#"{"nodes": [{"op": "relu", "name": "a", "inputs": [[0]]}], "arg_nodes": [], "heads": []}"#,
            "nodes[0].inputs[0]: invalid length 1",
        ),
        (r#"{"nodes": [], "arg_nodes": [], "heads": [[-1, 0, 0]]}"#, "heads[0][0]: invalid value: integer `-1`"),
        (r#"{"nodes": [], "arg_nodes": [], "heads": [[0, 0, 0]]}"#, "heads: there is no node 0"),
        (r#"{"nodes": [], "arg_nodes": [1], "heads": []}"#, "arg_nodes: node 1 is not a variable"),
        (
            r#"{"nodes": [{"op": "relu", "name": "a", "inputs": [[0, 0, 0]]}], "arg_nodes": [], "heads": []}"#,
            "nodes[0] ('a'): an input is node 0",
        ),
        (
            r#"{"nodes": [{"op": "null", "name": "a", "inputs": []}, {"op": "relu", "name": "b", "inputs": [[0, 1, 0]]}], "arg_nodes": [], "heads": []}"#,
            "'b' uses output 1 of 'a'",
        ),
        (
            r#"{"nodes": [{"op": "relu", "name": "a", "inputs": []}], "arg_nodes": [], "heads": [], "attrs": {"mxnet_version": ["int", 10901]}}"#,
            "relu 'a': takes 1 inputs (data), but the file gives 0",
        ),
        (
            r#"{"nodes": [{"op": "null", "name": "a", "inputs": []}], "arg_nodes": [], "heads": [[0, 4, 0]]}"#,
            "'heads' uses output 4 of 'a'",
        ),
        (
            r#"{"nodes": [{"op": "Q", "name": "a", "inputs": []}], "arg_nodes": [], "heads": [[0, 4294967295, 0]]}"#,
            "output 4294967295 of node 'a' (Q)",
        ),
        (
            r#"{"nodes": [{"op": "Concat", "name": "a", "attrs": {"num_args": "999999999"}, "inputs": []}], "arg_nodes": [], "heads": []}"#,
            "Concat 'a': is to take 999999999 inputs",
        ),
        (
            r#"{"nodes": [{"op": "null", "name": "a", "inputs": [], "backward_source_id": 3}], "arg_nodes": [], "heads": []}"#,
            "gradient saved by MXNet 0.8",
        ),
        (r#"{"nodes": [{"op": "nu"#, "truncated at byte 21"),
        (r#"{"nodes": x}"#, "expected value at line 1 column 11"),
        ("<html>", "HTML"),
        ("net-symbol.json", "symbol.load reads files"),
    ] {
        let message = refusal(text);
        assert!(message.contains(words), "{message}\n{words}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let message = |bytes: &[u8]| from_bytes(&registry(), bytes).unwrap_err().to_string();
    assert!(message(b"\x12\x01\0\0\0\0\0\0\xff\xff").contains(".params"));
    assert!(message(b"{\"nodes\": \"\xff\"}").contains("not UTF-8 at byte 11"));
    assert_eq!(from_bytes(&registry(), file(10901, &[&null("a")]).as_bytes()).unwrap().symbol.list_inputs(), ["a"]);
}

#[test]
fn a_long_chain_comes_back() {
    let mut node = Node::variable("x", Default::default());
    let op = registry().make("relu", &[]).unwrap();
    for i in 0..100_000 {
        let input = Entry::new(&node, 0);
        node = Node::operator(&format!("r{i}"), op.clone(), Default::default(), Default::default(), vec![input]);
    }
    saved(&Symbol::from_node(&node));
}
