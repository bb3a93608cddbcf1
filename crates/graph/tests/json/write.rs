use crate::ops::{apply, var};
use rsym_graph::json::to_json;
use rsym_graph::{Entry, Node, Opaque, ParamTexts, Symbol};
use std::sync::Arc;

/// The graph of `group.json`, which MXNet 1.9.1 wrote.
fn group() -> Symbol {
    let x = var("x", &[("mood", "a\"b\\c\n\t\ré/\u{7f}"), ("__k__", "v"), ("lr_mult", "2.0")]);
    let m = var("m", &[]);
    let (g, b, w) = (var("g", &[]), var("b", &[]), var("w", &[("__init__", "ones")]));
    let b1 = apply("BatchNorm", "b1", &[&x, &g, &b, &m, &w], &[("eps", "1e-05")], &[]);
    let b2_inputs = [var("b2_gamma", &SHARED), var("b2_beta", &SHARED)];
    let b2 = apply("BatchNorm", "b2", &[&b1, &b2_inputs[0], &b2_inputs[1], &m], &[], &SHARED);
    let s = apply("split", "s", &[&b2], &[("num_outputs", "3")], &[]);
    let c = apply("concat", "c", &[&s.get(1).unwrap(), &m, &x], &[("dim", "0")], &[]);
    let d = apply("concat", "d", &[&c; 11], &[], &[]);
    let f = apply("FullyConnected", "f", &[&d, &var("fw", &[])], &[("num_hidden", "4"), ("no_bias", "True")], &[]);
    let last = s.get(2).unwrap();
    Symbol::group([&f, &x].into_iter().chain([&last; 9]))
}

const SHARED: [(&str, &str); 2] = [("__mood__", "fine"), ("ctx_group", "dev")];

#[test]
fn text_is_that_of_mxnet() {
    assert_eq!(to_json(&group()).unwrap(), include_str!("group.json"));
}

#[test]
fn a_variable_alone_has_its_own_head() {
    let text = to_json(&var("a", &[])).unwrap();
    let expected = "{\n  \"nodes\": [\n    {\n      \"op\": \"null\", \n      \"name\": \"a\", \n      \"inputs\": []\n    }\n  ], \
                    \n  \"arg_nodes\": [0], \n  \"node_row_ptr\": [0, 1], \n  \"heads\": [[0, 0, 0]], \
                    \n  \"attrs\": {\"mxnet_version\": [\"int\", 10901]}\n}";
    assert_eq!(text, expected);
}

#[test]
fn plain_user_attributes_of_operators_are_hidden_from_mxnet() {
    let x = var("x", &[("mood", "m")]);
    let user = [("mood", "1"), ("__rsym_a__", "2"), ("", "3")];
    let plain = to_json(&apply("relu", "r", &[&x], &[], &user)).unwrap();
    assert!(plain.contains("\"mood\": \"1\"") && plain.contains("\"__rsym___rsym_a____\": \"2\""), "{plain}");
    let y = apply("split", "s", &[&x], &[("num_outputs", "2")], &user);
    let text = to_json(&y).unwrap();
    assert!(text.contains("\"attrs\": {\"mood\": \"m\"}"), "{text}");
    for line in ["\"__rsym___\": \"3\"", "\"__rsym___rsym_a____\": \"2\"", "\"__rsym_mood__\": \"1\""] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn of_a_repeated_parameter_the_last_text_counts() {
    let split = apply("split", "s", &[], &[("num_outputs", "3"), ("num_outputs", "2")], &[]);
    assert_eq!(split.len(), 2);
    assert!(to_json(&split).unwrap().contains("\"attrs\": {\"num_outputs\": \"2\"}, "));
}

#[test]
fn control_characters_become_valid_json() {
    let text = to_json(&var("a\u{1}\u{8}\0", &[])).unwrap();
    assert!(text.contains(r#""name": "a\u0001\u0008\u0000""#), "{text}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["nodes"][0]["name"], "a\u{1}\u{8}\0");
}

#[test]
fn subgraphs_are_written_inside_of_their_node_without_a_version() {
    let op = Arc::new(Opaque { name: "_foreach".into(), inputs: 0, outputs: 1, aux: vec![], op_type: None });
    let node = Node::with_subgraphs(
        "loop",
        op,
        ParamTexts(vec![("num_args".into(), "1".into())]),
        Default::default(),
        vec![],
        vec![var("inner", &[])],
    );
    let text = to_json(&Symbol::from_node(&node)).unwrap();
    let expected = r#"
      "attrs": {"num_args": "1"}, 
      "inputs": [], 
      "subgraphs": [
        {
          "nodes": [
            {
              "op": "null", 
              "name": "inner", 
              "inputs": []
            }
          ], 
          "arg_nodes": [0], 
          "node_row_ptr": [0, 1], 
          "heads": [[0, 0, 0]]
        }
      ]
    }
  ], "#;
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_long_chain_neither_overflows_the_stack_nor_takes_quadratic_time() {
    let mut node = Node::variable("x", Default::default());
    let op = crate::ops::registry().make("relu", &[]).unwrap();
    for i in 0..100_000 {
        let input = Entry::new(&node, 0);
        node = Node::operator(&format!("r{i}"), op.clone(), Default::default(), Default::default(), vec![input]);
    }
    let text = to_json(&Symbol::from_node(&node)).unwrap();
    assert!(text.ends_with("\"heads\": [[100000, 0, 0]], \n  \"attrs\": {\"mxnet_version\": [\"int\", 10901]}\n}"));
}
