use crate::{file, load, map, null, saved, user_attrs};

const WEIGHT: &str =
    r#"{"op": "null", "param": {}, "name": "w", "inputs": [], "backward_source_id": -1, "attr": {"wd_mult": "0.3"}}"#;

#[test]
fn plain_hidden_keys_become_hidden() {
    let fc = r#"{"op": "FullyConnected", "param": {"num_hidden": "4"}, "name": "f", "inputs": [[0, 0], [1, 0], [2, 0]],
        "attr": {"ctx_group": "dev1", "weight_lr_mult": "1.2", "data_lr_mult_x": "2", "mood": "fine"}}"#;
    let text =
        file(800, &[&null("d"), WEIGHT, &null("b"), fc]).replace(r#", "attrs": {"mxnet_version": ["int", 800]}"#, "");
    let loaded = load(&text);
    assert_eq!(user_attrs(&loaded.symbol, "w"), map(&[("__wd_mult__", "0.3"), ("__lr_mult__", "1.2")]));
    let own = [("__ctx_group__", "dev1"), ("data_lr_mult_x", "2"), ("mood", "fine")];
    assert_eq!(user_attrs(&loaded.symbol, "f"), map(&own));
    assert_eq!(loaded.upgrades.len(), 1);
    saved(&loaded.symbol);
}

#[test]
fn keys_that_speak_of_no_variable_stay_on_the_operator() {
    let fc = r#"{"op": "FullyConnected", "attr": {"num_hidden": "4", "no_bias": "1", "bias_lr_mult": "2", "__lr_mult__": "3"},
        "name": "f", "inputs": [[0, 0], [1, 0]]}"#;
    let symbol = load(&file(901, &[&null("d"), &null("w"), fc])).symbol;
    assert_eq!(user_attrs(&symbol, "f"), map(&[("bias_lr_mult", "2"), ("__lr_mult__", "3")]));
}

#[test]
fn files_of_this_version_mean_what_they_say() {
    let x = r#"{"op": "null", "name": "x", "attrs": {"lr_mult": "2"}, "inputs": []}"#;
    assert_eq!(user_attrs(&load(&file(10901, &[x])).symbol, "x"), map(&[("lr_mult", "2")]));
}

#[test]
fn auxiliary_states_that_old_files_leave_out_are_made() {
    let bn = r#"{"op": "BatchNorm", "param": {"eps": "0.001"}, "name": "bn", "inputs": [[0, 0], [1, 0], [2, 0]],
        "attr": {"ctx_group": "dev1"}}"#;
    let symbol = load(&file(800, &[&null("d"), &null("g"), &null("b"), bn])).symbol;
    assert_eq!(symbol.list_arguments(), ["d", "g", "b"]);
    assert_eq!(symbol.list_auxiliary_states(), ["bn_moving_mean", "bn_moving_var"]);
    let attrs = map(&[("__ctx_group__", "dev1"), ("__init__", "[\"zero\", {}]")]);
    assert_eq!(user_attrs(&symbol, "bn_moving_mean"), attrs);
    saved(&symbol);
}

#[test]
fn inputs_missing_from_newer_files_are_an_error() {
    let bn = r#"{"op": "BatchNorm", "name": "bn", "inputs": [[0, 0, 0]]}"#;
    let message = crate::refusal(&file(900, &[&null("d"), bn]));
    assert!(
        message.contains(
            "BatchNorm 'bn': takes 5 inputs (data, gamma, beta, moving_mean, moving_var), but the file gives 1"
        ),
        "{message}"
    );
}

#[test]
fn variables_learn_their_initializers_but_keep_their_own() {
    let mean = r#"{"op": "null", "name": "m", "attr": {"__init__": "mine"}, "inputs": []}"#;
    let bn = r#"{"op": "BatchNorm", "name": "bn", "inputs": [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0]]}"#;
    let nodes = [&null("d"), &null("g"), &null("b"), mean, &null("v"), bn];
    let symbol = load(&file(903, &nodes)).symbol;
    assert_eq!(user_attrs(&symbol, "m"), map(&[("__init__", "mine")]));
    assert_eq!(user_attrs(&symbol, "v"), map(&[("__init__", "[\"one\", {}]")]));
    assert!(user_attrs(&load(&file(904, &nodes)).symbol, "v").is_empty());
}

#[test]
fn argmax_over_the_last_axis_was_argmax_over_everything() {
    let argmax = r#"{"op": "argmax", "name": "m", "attr": {"axis": "-1"}, "inputs": [[0, 0]]}"#;
    let axis = |version| load(&file(version, &[&null("d"), argmax])).symbol.node().unwrap().param("axis");
    assert_eq!(axis(904), None);
    assert_eq!(axis(905).as_deref(), Some("-1"));
}

#[test]
fn keys_that_old_operators_do_not_know_are_user_attributes() {
    let node = r#"{"op": "argmax", "name": "m", "attr": {"mood": "fine"}, "inputs": [[0, 0]]}"#;
    assert_eq!(user_attrs(&load(&file(904, &[&null("d"), node])).symbol, "m"), map(&[("mood", "fine")]));
    let message = crate::refusal(&file(10000, &[&null("d"), node]));
    assert!(message.contains("argmax 'm': cannot find argument 'mood'"), "{message}");
}
