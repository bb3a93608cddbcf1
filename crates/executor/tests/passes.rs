//! Every pass leaves what a program computes as it was: nets with all passes on beside the same nets without.

mod common;

use common::{apply, noise, var};
use rsym_executor::passes::{self, PassSet};
use rsym_executor::{Executor, GradReq, Hooks, SimpleBind};
use rsym_graph::Symbol;
use rsym_tensor::{DType, PartialShape, Tensor};
use std::sync::{Mutex, PoisonError};

/// The switched-off passes belong to the process, so binding is one test at a time.
static BINDING: Mutex<()> = Mutex::new(());

/// What a net gave.
struct Run {
    values: Vec<Vec<f32>>,
    nodes: usize,
}

/// Binds `symbol` without the passes in `off`, runs it on fixed noise: outputs, then gradients, then auxiliary states.
fn run(symbol: &Symbol, shapes: &[(&str, &[usize])], train: bool, off: &str) -> Run {
    let _one = BINDING.lock().unwrap_or_else(PoisonError::into_inner);
    let before = PassSet::parse([off]).unwrap().switch_off();
    let args = symbol.list_arguments();
    let req = if train { GradReq::Write } else { GradReq::Null };
    let bind = SimpleBind {
        shapes: shapes
            .iter()
            .map(|(n, s)| (n.to_string(), PartialShape::from(&rsym_tensor::Shape::from(*s))))
            .collect(),
        reqs: vec![req; args.len()].into(),
        ..SimpleBind::default()
    };
    let mut executor = bind.bind(rsym_ops::registry(), symbol).unwrap();
    before.switch_off();
    fill(&executor, symbol);
    executor.forward(train, &mut Hooks::none()).unwrap();
    let mut found: Vec<Tensor> = executor.outputs().to_vec();
    if train {
        let heads: Vec<_> = executor.outputs().iter().map(|t| t.deep_copy().unwrap()).collect();
        heads.iter().enumerate().for_each(|(k, h)| noise(h, 900 + k as u64, false));
        executor.backward(&heads.into_iter().map(Some).collect::<Vec<_>>(), &mut Hooks::none()).unwrap();
        found.extend(executor.bindings().grads.iter().flatten().cloned());
    }
    found.extend(executor.bindings().aux.iter().cloned());
    let nodes = executor.compiled().unwrap().0.graph.nodes.iter().filter(|n| n.op.is_some()).count();
    Run { values: found.iter().map(|t| t.slice::<f32>().unwrap().to_vec()).collect(), nodes }
}

fn fill(executor: &Executor, symbol: &Symbol) {
    for (k, (arg, name)) in executor.bindings().args.iter().zip(symbol.list_arguments()).enumerate() {
        noise(arg, k as u64 + 1, name.contains("gamma") || name.contains("var"));
    }
    for (k, aux) in executor.bindings().aux.iter().enumerate() {
        noise(aux, k as u64 + 77, k % 2 == 1);
    }
}

/// Runs with and without all passes and compares; returns the numbers of operators that ran without and with them.
fn same(symbol: &Symbol, shapes: &[(&str, &[usize])], train: bool, tolerance: f32) -> (usize, usize) {
    let (plain, fast) = (run(symbol, shapes, train, "all"), run(symbol, shapes, train, ""));
    assert_eq!(plain.values.len(), fast.values.len());
    for (k, (want, got)) in plain.values.iter().zip(&fast.values).enumerate() {
        let scale = want.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
        for (i, (w, g)) in want.iter().zip(got).enumerate() {
            assert!((w - g).abs() <= tolerance * scale, "value {k}, element {i}: {g} instead of {w}");
        }
    }
    for name in passes::names() {
        let without = run(symbol, shapes, train, name);
        for (want, got) in plain.values.iter().zip(&without.values) {
            let scale = want.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
            assert!(want.iter().zip(got).all(|(w, g)| (w - g).abs() <= tolerance * scale), "without {name}");
        }
    }
    (plain.nodes, fast.nodes)
}

#[test]
fn equal_subexpressions_are_computed_once() {
    let x = var("x");
    let (a, b) = (apply("dot", "a", &[], &[&x, &x]), apply("dot", "b", &[], &[&x, &x]));
    let sum = apply("dot", "sum", &[], &[&a, &b]);
    let (plain, fast) = same(&sum, &[("x", &[3, 3])], false, 1e-6);
    assert_eq!((plain, fast), (3, 2));
    same(&sum, &[("x", &[3, 3])], true, 1e-6);
}

#[test]
fn equal_outputs_stay_two_arrays() {
    let x = var("x");
    let (a, b) = (apply("exp", "a", &[], &[&x]), apply("exp", "b", &[], &[&x]));
    let both = Symbol::from_entries(a.entries().iter().chain(b.entries()).cloned());
    let found = run(&both, &[("x", &[2])], false, "");
    assert_eq!(found.values[0], found.values[1]);
    same(&both, &[("x", &[2])], true, 1e-6);
}

#[test]
fn what_hands_its_input_on_is_left_out() {
    let x = var("x");
    let y = apply("Dropout", "drop", &[("p", "0.5")], &[&apply("BlockGrad", "block", &[], &[&x])]);
    let y = apply("dot", "y", &[], &[&apply("identity", "i", &[], &[&y]), &x]);
    assert_eq!(same(&y, &[("x", &[4, 4])], false, 1e-6), (4, 1));
    let end = apply("BlockGrad", "end", &[], &[&x]);
    assert_eq!(same(&end, &[("x", &[4])], false, 0.0), (1, 1));
}

#[test]
fn constants_are_computed_when_binding() {
    let x = var("x");
    let ones = apply("_ones", "ones", &[("shape", "(3,)")], &[]);
    let two = apply("_plus_scalar", "two", &[("scalar", "1")], &[&ones]);
    let y = apply("broadcast_mul", "y", &[], &[&x, &two]);
    let (plain, fast) = same(&y, &[("x", &[2, 3])], false, 1e-6);
    assert_eq!((plain, fast), (3, 1));
    same(&y, &[("x", &[2, 3])], true, 1e-6);
}

#[test]
fn what_nothing_depends_on_is_left_out() {
    let x = var("x");
    let (a, b) = (apply("dot", "a", &[], &[&x, &x]), apply("dot", "b", &[], &[&x, &x]));
    let first = apply("Dropout", "d", &[("p", "0.3")], &[&a]);
    let y = apply("dot", "y", &[], &[&first, &b]);
    assert_eq!(same(&y, &[("x", &[3, 3])], false, 1e-6), (4, 2));
}

#[test]
fn an_unknown_pass_is_an_error_that_lists_the_known_ones() {
    let error = PassSet::parse(["cse", "speed"]).unwrap_err().to_string();
    assert!(error.contains("speed") && error.contains("cse, ") && error.contains("all"), "{error}");
}

#[test]
fn inference_between_training_passes_changes_nothing() {
    let y = apply("FullyConnected", "fc", &[("num_hidden", "3")], &[&var("x")]);
    let bind = || SimpleBind {
        shapes: [("x".to_string(), PartialShape::from(&[2, 4].into()))].into(),
        reqs: vec![GradReq::Write; 3].into(),
        ..SimpleBind::default()
    };
    let gradients = |between: bool| {
        let mut executor = bind().bind(rsym_ops::registry(), &y).unwrap();
        fill(&executor, &y);
        let head = Tensor::full([2, 3], DType::Float32, 0.5).unwrap();
        if between {
            executor.forward(true, &mut Hooks::none()).unwrap();
            executor.forward(false, &mut Hooks::none()).unwrap();
        } else {
            executor.forward(true, &mut Hooks::none()).unwrap();
        }
        executor.backward(&[Some(head)], &mut Hooks::none()).unwrap();
        executor.bindings().grads.iter().flatten().map(|t| t.slice::<f32>().unwrap().to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(gradients(true), gradients(false));
}

/// A residual unit: convolution, normalisation, activation, addition, pooling, on channels in blocks.
fn residual_unit() -> Symbol {
    let conv = |x: &Symbol, name: &str, filters: &str, kernel: &str, pad: &str, stride: &str| {
        let params =
            [("num_filter", filters), ("kernel", kernel), ("pad", pad), ("stride", stride), ("no_bias", "True")];
        apply("Convolution", name, &params, &[x])
    };
    let norm = |x: &Symbol, name: &str| apply("BatchNorm", name, &[("fix_gamma", "False"), ("eps", "0.001")], &[x]);
    let relu = |x: &Symbol, name: &str| apply("Activation", name, &[("act_type", "relu")], &[x]);
    let x = relu(&norm(&conv(&var("x"), "c0", "32", "(3, 3)", "(1, 1)", "(2, 2)"), "n0"), "r0");
    let pool = [("kernel", "(3, 3)"), ("stride", "(2, 2)"), ("pad", "(1, 1)"), ("pool_type", "max")];
    let x = apply("Pooling", "p0", &pool, &[&x]);
    let body = relu(&norm(&conv(&x, "c1", "16", "(1, 1)", "(0, 0)", "(1, 1)"), "n1"), "r1");
    let body = relu(&norm(&conv(&body, "c2", "16", "(3, 3)", "(1, 1)", "(1, 1)"), "n2"), "r2");
    let body = norm(&conv(&body, "c3", "32", "(1, 1)", "(0, 0)", "(1, 1)"), "n3");
    let x = relu(&apply("elemwise_add", "add", &[], &[&body, &x]), "r3");
    let x = relu(&norm(&x, "n4"), "r4");
    let x = apply("Concat", "cat", &[("dim", "1")], &[&x, &conv(&x, "c4", "16", "(3, 3)", "(1, 1)", "(1, 1)")]);
    let x = apply("Pooling", "p1", &[("global_pool", "True"), ("pool_type", "avg")], &[&x]);
    apply("FullyConnected", "fc", &[("num_hidden", "5")], &[&x])
}

#[test]
fn a_residual_unit_is_the_same_in_blocks() {
    let unit = residual_unit();
    let (plain, fast) = same(&unit, &[("x", &[2, 3, 29, 30])], false, 2e-5);
    assert!(fast < plain - 6, "{fast} of {plain} operators");
    same(&unit, &[("x", &[2, 3, 29, 30])], true, 2e-4);
}

#[test]
fn convolutions_take_over_what_follows() {
    let params = [("num_filter", "8"), ("kernel", "(3, 3)"), ("pad", "(1, 1)")];
    for (name, act) in
        [("Activation", ("act_type", "relu")), ("LeakyReLU", ("slope", "0.1")), ("clip", ("a_max", "0.5"))]
    {
        let c = apply("Convolution", "c", &params, &[&var("x")]);
        let n = apply("BatchNorm", "n", &[], &[&c]);
        let s = apply("broadcast_add", "s", &[], &[&var("r"), &n]);
        let act = if name == "clip" { vec![("a_min", "0"), act] } else { vec![act] };
        let y = apply(name, "y", &act, &[&s]);
        let shapes: [(&str, &[usize]); 2] = [("x", &[1, 5, 6, 7]), ("r", &[1, 8, 6, 7])];
        assert_eq!(same(&y, &shapes, false, 1e-5), (4, 1), "{name}");
        // Both outputs must be there, so the convolution keeps what it gives.
        let both = Symbol::from_entries(c.entries().iter().chain(y.entries()).cloned());
        same(&both, &shapes, false, 1e-5);
        same(&y, &shapes, true, 1e-4);
    }
}

#[test]
fn convolutions_of_any_rank_and_layout_take_over_what_follows() {
    // A last extent of 16 must not be taken for a block of channels.
    let cases: [(&[(&str, &str)], &[usize]); 4] = [
        (&[("kernel", "(3,)"), ("num_filter", "16")], &[2, 16, 16]),
        (&[("kernel", "(1, 2, 3)"), ("num_filter", "16"), ("pad", "(0, 0, 1)")], &[1, 16, 2, 3, 16]),
        (&[("kernel", "(3, 3)"), ("num_filter", "16"), ("layout", "NHWC")], &[1, 5, 6, 16]),
        (&[("kernel", "(1, 3)"), ("num_filter", "32"), ("num_group", "2")], &[2, 32, 3, 16]),
    ];
    for (params, shape) in cases {
        let c = apply("Convolution", "c", params, &[&var("x")]);
        let y = apply("relu", "y", &[], &[&apply("BatchNorm", "n", &[("fix_gamma", "False")], &[&c])]);
        let z = apply("relu", "z", &[], &[&apply("BatchNorm", "m", &[("fix_gamma", "False")], &[&y])]);
        same(&z, &[("x", shape)], false, 1e-5);
        same(&z, &[("x", shape)], true, 1e-3);
    }
}

#[test]
fn dense_layers_take_over_an_addition_and_what_follows() {
    let after: [(&str, &[(&str, &str)]); 4] = [
        ("relu", &[]),
        ("LeakyReLU", &[("act_type", "leaky"), ("slope", "0.1")]),
        ("clip", &[("a_min", "-0.2"), ("a_max", "0.3")]),
        ("identity", &[]),
    ];
    for ((op, params), (no_bias, rows)) in
        after.into_iter().flat_map(|a| [("True", 1), ("False", 1), ("True", 9), ("False", 9)].map(move |b| (a, b)))
    {
        let layer =
            |x: &Symbol, name: &str| apply("FullyConnected", name, &[("num_hidden", "24"), ("no_bias", no_bias)], &[x]);
        // The other term comes first, is a variable, or is needed again.
        let x = layer(&var("x"), "a");
        let y = apply(op, "y", params, &[&apply("_plus", "p", &[], &[&x, &layer(&x, "b")])]);
        let z = apply(op, "z", params, &[&apply("broadcast_add", "q", &[], &[&layer(&y, "c"), &var("r")])]);
        let both = apply("_mul", "both", &[], &[&z, &y]);
        let nodes = same(&both, &[("x", &[rows, 20]), ("r", &[rows, 24])], false, 1e-5);
        assert!(nodes.1 <= 4, "{nodes:?}: three layers and a product");
        same(&both, &[("x", &[rows, 20]), ("r", &[rows, 24])], true, 1e-4);
    }
}

#[test]
fn channels_are_joined_in_blocks() {
    let conv = |x: &Symbol, name: &str| {
        apply("Convolution", name, &[("kernel", "(3, 3)"), ("pad", "(1, 1)"), ("num_filter", "16")], &[x])
    };
    let x = conv(&var("x"), "a");
    let both = apply("Concat", "cat", &[("dim", "1")], &[&x, &conv(&x, "b")]);
    let y = conv(&apply("Activation", "act", &[("act_type", "tanh")], &[&both]), "c");
    // Three convolutions, the joining, the function, and the way back from blocks.
    assert_eq!(same(&y, &[("x", &[2, 16, 6, 7])], false, 1e-5), (5, 7));
    same(&y, &[("x", &[2, 16, 6, 7])], true, 1e-4);
}

#[test]
fn a_monitor_that_comes_late_sees_nothing_that_is_not_in_the_graph() {
    let y = apply("tanh", "y", &[], &[&apply("exp", "e", &[], &[&var("x")])]);
    let bind = SimpleBind {
        shapes: [("x".to_string(), PartialShape::from(&[2].into()))].into(),
        reqs: vec![GradReq::Write].into(),
        ..SimpleBind::default()
    };
    let mut executor = bind.bind(rsym_ops::registry(), &y).unwrap();
    let head = || [Some(Tensor::full([2], DType::Float32, 1.0).unwrap())];
    let seen = |executor: &mut Executor, forward: bool| {
        let mut names = Vec::new();
        let mut see = |name: &str, _: &Tensor| {
            names.push(name.to_string());
            Ok(())
        };
        let mut hooks = Hooks { monitor: Some(&mut see), monitor_inputs: false, interrupted: None };
        if forward {
            executor.forward(true, &mut hooks).unwrap();
        }
        executor.backward(&head(), &mut hooks).unwrap();
        names
    };
    executor.forward(true, &mut Hooks::none()).unwrap();
    assert!(seen(&mut executor, false).is_empty());
    assert_eq!(seen(&mut executor, true)[..2], ["e_output", "y_output"]);
    executor.forward(false, &mut Hooks::none()).unwrap();
    assert_eq!(seen(&mut executor, false)[..2], ["e_output", "y_output"]);
}

#[test]
fn folded_weights_follow_their_arrays() {
    let c = apply("Convolution", "c", &[("num_filter", "16"), ("kernel", "(3, 3)")], &[&var("x")]);
    let y = apply("BatchNorm", "n", &[("fix_gamma", "False")], &[&c]);
    let bind = SimpleBind {
        shapes: [("x".to_string(), PartialShape::from(&[1, 16, 6, 6].into()))].into(),
        reqs: vec![GradReq::Null; 5].into(),
        ..SimpleBind::default()
    };
    let mut executor = bind.bind(rsym_ops::registry(), &y).unwrap();
    fill(&executor, &y);
    let mut outputs = Vec::new();
    for part in [1, 3, 4] {
        executor.forward(false, &mut Hooks::none()).unwrap();
        outputs.push(executor.outputs()[0].slice::<f32>().unwrap().to_vec());
        let mut arg = executor.bindings().args[part].clone();
        arg.slice_mut::<f32>().unwrap().iter_mut().for_each(|x| *x *= 1.5);
    }
    executor.forward(false, &mut Hooks::none()).unwrap();
    outputs.push(executor.outputs()[0].slice::<f32>().unwrap().to_vec());
    assert!(outputs.windows(2).all(|w| w[0] != w[1]), "a written parameter has no effect");
}

#[test]
fn elementwise_neighbours_become_one_program() {
    let (x, y, z) = (var("x"), var("y"), var("z"));
    let a = apply("elemwise_mul", "a", &[], &[&x, &y]);
    let b = apply("_plus_scalar", "b", &[("scalar", "1.5")], &[&a]);
    let c = apply("broadcast_mul", "c", &[], &[&b, &z]);
    let d = apply("tanh", "d", &[], &[&c]);
    let e = apply("add_n", "e", &[], &[&d, &b, &a, &x]);
    let f = apply("Activation", "f", &[("act_type", "sigmoid")], &[&e]);
    let g = apply("_rdiv_scalar", "g", &[("scalar", "2")], &[&apply("_maximum", "h", &[], &[&f, &b])]);
    let shapes: [(&str, &[usize]); 3] = [("x", &[3, 1025]), ("y", &[3, 1025]), ("z", &[3, 1])];
    assert_eq!(same(&g, &shapes, false, 1e-6), (8, 1));
    let (plain, fast) = same(&g, &shapes, true, 1e-6);
    assert!(fast <= plain / 2, "{fast} of {plain} operators");
    // A value in the middle that is an output, and one that another operator reads.
    let sum = apply("sum", "s", &[], &[&c]);
    let all = Symbol::from_entries(g.entries().iter().chain(d.entries()).chain(sum.entries()).cloned());
    same(&all, &shapes, false, 1e-6);
    same(&all, &shapes, true, 1e-5);
}

#[test]
fn a_group_waits_for_nobody_who_waits_for_it() {
    // y needs x's group through dot, so that both ends cannot be one program.
    let x = var("x");
    let a = apply("exp", "a", &[], &[&apply("_mul_scalar", "m", &[("scalar", "0.1")], &[&x])]);
    let d = apply("dot", "d", &[], &[&a, &a]);
    let e = apply("elemwise_add", "e", &[], &[&apply("negative", "n", &[], &[&d]), &a]);
    let (plain, fast) = same(&e, &[("x", &[5, 5])], false, 1e-6);
    assert_eq!((plain, fast), (5, 3));
    same(&e, &[("x", &[5, 5])], true, 1e-5);
}

#[test]
fn a_long_chain_is_cut_into_programs() {
    let mut x = var("x");
    for k in 0..1000 {
        x = apply("_plus_scalar", &format!("p{k}"), &[("scalar", "0.25")], &[&x]);
    }
    let (plain, fast) = same(&x, &[("x", &[7])], false, 1e-6);
    assert_eq!((plain, fast), (1000, 4));
}

#[test]
fn an_unrolled_lstm_is_the_same() {
    let fc = |name: &str, x: &Symbol, w: &Symbol, b: &Symbol| {
        apply("FullyConnected", name, &[("num_hidden", "16")], &[x, w, b])
    };
    let [wi, wh, bi, bh] = ["wi", "wh", "bi", "bh"].map(var);
    let (mut h, mut c) = (var("h0"), var("c0"));
    let data = var("x");
    let slices =
        apply("SliceChannel", "xs", &[("num_outputs", "5"), ("axis", "1"), ("squeeze_axis", "True")], &[&data]);
    for (t, entry) in slices.entries().iter().enumerate() {
        let x = Symbol::from_entries([entry.clone()]);
        let sum = [fc(&format!("i{t}"), &x, &wi, &bi), fc(&format!("h{t}"), &h, &wh, &bh)];
        let gates = apply("elemwise_add", &format!("g{t}"), &[], &[&sum[0], &sum[1]]);
        let parts = apply("SliceChannel", &format!("s{t}"), &[("num_outputs", "4")], &[&gates]);
        let act = |k: usize, kind: &str| {
            let part = Symbol::from_entries([parts.entries()[k].clone()]);
            apply("Activation", &format!("a{t}_{k}"), &[("act_type", kind)], &[&part])
        };
        let kept = apply("elemwise_mul", &format!("k{t}"), &[], &[&act(1, "sigmoid"), &c]);
        let new = apply("elemwise_mul", &format!("n{t}"), &[], &[&act(0, "sigmoid"), &act(2, "tanh")]);
        c = apply("elemwise_add", &format!("c{t}"), &[], &[&kept, &new]);
        let shown = apply("Activation", &format!("t{t}"), &[("act_type", "tanh")], &[&c]);
        h = apply("elemwise_mul", &format!("o{t}"), &[], &[&act(3, "sigmoid"), &shown]);
    }
    let shapes: [(&str, &[usize]); 3] = [("x", &[2, 5, 5]), ("h0", &[2, 4]), ("c0", &[2, 4])];
    same(&h, &shapes, false, 1e-5);
    // One product for each weight gradient instead of five, and no sums.
    let (plain, fast) = same(&h, &shapes, true, 1e-5);
    assert!(fast < plain / 2, "{fast} of {plain} operators");
}
