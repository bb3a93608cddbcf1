//! Small independent steps that run side by side compute what they compute one after the other, bit by bit.

mod common;

use common::{apply, noise, var};
use rsym_executor::{Executor, GradReq, Hooks, SimpleBind};
use rsym_graph::{FlatGraph, Symbol};
use rsym_kernels::parallel::with_threads;
use rsym_tensor::{DType, PartialShape, Shape, Tensor};

/// Four towers of small dense layers over one input, with a residual connection in each, joined at the end.
fn towers(depth: usize) -> Symbol {
    let x = var("x");
    let tower = |k: usize| {
        let mut y = x.clone();
        for i in 0..depth {
            let fc = apply("FullyConnected", &format!("fc{k}_{i}"), &[("num_hidden", "48")], &[&y]);
            let act = apply("Activation", &format!("act{k}_{i}"), &[("act_type", "tanh")], &[&fc]);
            y = if i == 0 {
                act
            } else {
                apply("softmax", &format!("s{k}_{i}"), &[], &[&apply("_plus", &format!("p{k}_{i}"), &[], &[&act, &y])])
            };
        }
        y
    };
    let all: Vec<Symbol> = (0..4).map(tower).collect();
    apply("Concat", "joined", &[("dim", "1")], &all.iter().collect::<Vec<_>>())
}

fn bound(symbol: &Symbol, shape: &[usize], train: bool) -> Executor {
    let req = if train { GradReq::Write } else { GradReq::Null };
    let bind = SimpleBind {
        shapes: [("x".to_string(), PartialShape::from(&Shape::from(shape)))].into(),
        reqs: vec![req; symbol.list_arguments().len()].into(),
        ..SimpleBind::default()
    };
    let executor = bind.bind(rsym_ops::registry(), symbol).unwrap();
    executor.bindings().args.iter().enumerate().for_each(|(k, arg)| noise(arg, k as u64 + 1, false));
    executor
}

/// Outputs and gradients of one run.
fn values(executor: &mut Executor, train: bool, hooks: &mut Hooks) -> Vec<Vec<f32>> {
    executor.forward(train, hooks).unwrap();
    let mut found = executor.outputs().to_vec();
    if train {
        let head = executor.outputs()[0].deep_copy().unwrap();
        noise(&head, 900, false);
        executor.backward(&[Some(head)], hooks).unwrap();
        found.extend(executor.bindings().grads.iter().flatten().cloned());
    }
    found.iter().map(|t| t.slice::<f32>().unwrap().to_vec()).collect()
}

#[test]
fn small_towers_run_side_by_side_with_the_same_bits() {
    let symbol = towers(6);
    for train in [false, true] {
        let mut executor = bound(&symbol, &[8, 48], train);
        let report = executor.memory_report().unwrap();
        assert!(report.together * 2 > report.steps, "{} of {} steps", report.together, report.steps);
        let alone = with_threads(1, || values(&mut executor, train, &mut Hooks::none()));
        for threads in [2, 4] {
            for _ in 0..50 {
                let beside = with_threads(threads, || values(&mut executor, train, &mut Hooks::none()));
                assert!(alone == beside, "{threads} threads, training {train}");
            }
        }
    }
}

#[test]
fn chains_and_large_steps_run_one_after_the_other() {
    let mut chain = var("x");
    for i in 0..200 {
        chain = apply("softmax", &format!("s{i}"), &[], &[&chain]);
    }
    let together = |symbol: &Symbol, shape: &[usize]| bound(symbol, shape, false).memory_report().unwrap().together;
    assert_eq!(together(&chain, &[4, 40]), 0);
    assert_eq!(together(&towers(3), &[4096, 48]), 0);
    assert!(together(&towers(3), &[32, 48]) > 0);
}

#[test]
fn arrays_that_are_bound_twice_keep_their_order() {
    // Both gradients go to one array: the later one stays, whatever runs beside it.
    let symbol = towers(4);
    let first = bound(&symbol, &[8, 48], true);
    let mut bindings = first.bindings().clone();
    let names = symbol.list_arguments();
    let same: Vec<usize> =
        (0..names.len()).filter(|&i| bindings.args[i].shape()[..] == [48, 48] && names[i].starts_with("fc")).collect();
    let array = bindings.grads[same[0]].clone();
    same.iter().for_each(|&i| bindings.grads[i] = array.clone());
    let mut executor = Executor::bind(rsym_ops::registry(), &symbol, bindings).unwrap();
    let alone = with_threads(1, || values(&mut executor, true, &mut Hooks::none()));
    for _ in 0..50 {
        assert!(alone == with_threads(3, || values(&mut executor, true, &mut Hooks::none())));
    }
}

#[test]
fn what_fails_beside_others_is_named() {
    // The fourth tower asks for an element outside of its data.
    let towers: Vec<Symbol> = (0..4)
        .map(|k| {
            let params = [("num_hidden", "40")];
            let fc = apply("FullyConnected", &format!("fc{k}"), &params, &[&var("x")]);
            let fc = apply("FullyConnected", &format!("gc{k}"), &params, &[&fc]);
            let at = apply(
                "_plus_scalar",
                &format!("at{k}"),
                &[("scalar", if k == 3 { "1e6" } else { "0" })],
                &[&apply("_mul_scalar", &format!("zero{k}"), &[("scalar", "0")], &[&fc])],
            );
            apply("take", &format!("take{k}"), &[("mode", "raise")], &[&fc, &at])
        })
        .collect();
    let symbol = apply("add_n", "sum", &[], &towers.iter().collect::<Vec<_>>());
    let mut executor = bound(&symbol, &[8, 48], false);
    for threads in [1, 2] {
        let error = with_threads(threads, || executor.forward(false, &mut Hooks::none())).unwrap_err().to_string();
        assert!(error.contains("take3"), "{error}");
    }
}

#[test]
fn monitors_see_every_step_in_order() {
    let symbol = towers(2);
    let mut executor = bound(&symbol, &[8, 48], false);
    let plain = values(&mut executor, false, &mut Hooks::none());
    let mut seen = Vec::new();
    let mut see = |name: &str, _: &Tensor| {
        seen.push(name.to_string());
        Ok(())
    };
    let watched = values(&mut executor, false, &mut Hooks { monitor: Some(&mut see), ..Hooks::none() });
    let nodes = FlatGraph::new(&symbol).nodes;
    let expected: Vec<String> = nodes.iter().filter(|n| n.op.is_some()).map(|n| n.node.output_name(0)).collect();
    assert_eq!(seen, expected);
    for (a, b) in plain[0].iter().zip(&watched[0]) {
        assert!((a - b).abs() < 1e-6);
    }
    assert_eq!(executor.outputs()[0].dtype(), DType::Float32);
}
