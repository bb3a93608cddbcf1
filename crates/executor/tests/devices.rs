//! Groups of operators on devices of their own: where nodes go, copies, the same bits, errors.

mod common;

use common::{apply_with, noise, var};
use rsym_executor::{Device, Executor, GradReq, Hooks, Placement, SimpleBind, backward_all, forward_all};
use rsym_graph::Symbol;
use rsym_kernels::parallel::with_threads;
use rsym_tensor::{PartialShape, Shape, Tensor};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Held by tests that draw numbers: the random stream belongs to the process.
static DRAWS: Mutex<()> = Mutex::new(());

fn cpu(id: i32) -> Device {
    Device { kind: 1, id }
}

/// `op` called `name` in `group`, its variables as well.
fn apply(group: &str, op: &str, name: &str, params: &[(&str, &str)], inputs: &[&Symbol]) -> Symbol {
    let group = (!group.is_empty()).then(|| ("__ctx_group__".into(), group.into()));
    apply_with(op, name, params, inputs, group.into_iter().collect())
}

fn placement(groups: &[(&str, i32)]) -> Option<Placement> {
    let groups = groups.iter().map(|(name, id)| (name.to_string(), cpu(*id))).collect();
    Some(Placement { default: cpu(0), groups, args: Vec::new(), aux: Vec::new() })
}

fn request(placement: Option<Placement>, symbol: &Symbol, shape: &[usize], req: GradReq) -> SimpleBind {
    SimpleBind {
        shapes: [("x".to_string(), PartialShape::from(&Shape::from(shape)))].into(),
        reqs: vec![req; symbol.list_arguments().len()].into(),
        placement,
        ..SimpleBind::default()
    }
}

fn bound(placement: Option<Placement>, symbol: &Symbol, shape: &[usize], req: GradReq) -> Executor {
    let executor = request(placement, symbol, shape, req).bind(rsym_ops::registry(), symbol).unwrap();
    executor.bindings().args.iter().enumerate().for_each(|(k, arg)| noise(arg, k as u64 + 1, false));
    executor
}

/// Outputs and gradients of one run.
fn values(executor: &mut Executor, train: bool) -> Vec<Vec<f32>> {
    executor.forward(train, &mut Hooks::none()).unwrap();
    let mut found = executor.outputs().to_vec();
    if train {
        let heads: Vec<Option<Tensor>> = executor.outputs().iter().map(|o| Some(o.deep_copy().unwrap())).collect();
        heads.iter().flatten().for_each(|head| noise(head, 900, false));
        executor.backward(&heads, &mut Hooks::none()).unwrap();
        found.extend(executor.bindings().grads.iter().flatten().cloned());
        found.extend(executor.bindings().aux.iter().cloned());
    }
    found.iter().map(|t| t.slice::<f32>().unwrap().to_vec()).collect()
}

fn dense(group: &str, name: &str, hidden: &str, x: &Symbol) -> Symbol {
    let fc = apply(group, "FullyConnected", name, &[("num_hidden", hidden)], &[x]);
    apply(group, "Activation", &format!("{name}_act"), &[("act_type", "tanh")], &[&fc])
}

/// Layers of three groups over several moments, as an unrolled network has them, with dropout, states and what no group has.
fn unrolled(moments: usize) -> Symbol {
    let mut states: Vec<Option<Symbol>> = vec![None; 3];
    let mut outputs = Vec::new();
    for t in 0..moments {
        let mut x = apply("", "_plus_scalar", &format!("x{t}"), &[("scalar", &t.to_string())], &[&var("x")]);
        for (k, state) in states.iter_mut().enumerate() {
            let group = ["a", "b", "c"][k];
            let own = dense(group, &format!("l{k}_{t}"), "24", &x);
            let joined = match state {
                Some(old) => apply(group, "_plus", &format!("p{k}_{t}"), &[], &[&own, &*old]),
                None => own,
            };
            let dropped = apply(group, "Dropout", &format!("d{k}_{t}"), &[("p", "0.3")], &[&joined]);
            *state = Some(dropped.clone());
            x = dropped;
        }
        outputs.push(apply("", "BatchNorm", &format!("bn{t}"), &[], &[&x]));
    }
    apply("a", "Concat", "joined", &[("dim", "1")], &outputs.iter().collect::<Vec<_>>())
}

#[test]
fn several_devices_give_the_bits_of_one() {
    let _draws = DRAWS.lock().unwrap_or_else(PoisonError::into_inner);
    let symbol = unrolled(5);
    for req in [GradReq::Null, GradReq::Write, GradReq::Add] {
        let train = req != GradReq::Null;
        let run = |placement| {
            rsym_executor::seed(7);
            let mut executor = bound(placement, &symbol, &[12, 24], req);
            (values(&mut executor, train), values(&mut executor, train))
        };
        let alone = with_threads(1, || run(None));
        for threads in [1, 2, 3, 4] {
            for _ in 0..10 {
                let beside = with_threads(threads, || run(placement(&[("a", 1), ("b", 2), ("c", 3)])));
                assert!(alone == beside, "{threads} threads, {req:?}");
            }
        }
    }
}

#[test]
fn groups_say_where_nodes_arrays_and_outputs_are() {
    let x = apply("a", "_plus_scalar", "first", &[], &[&var("x")]);
    let first = dense("a", "fa", "6", &x);
    let free = apply("", "sin", "free", &[], &[&first]);
    let symbol = Symbol::group(&[dense("b", "fb", "5", &free), free.clone()]);
    let executor = bound(placement(&[("a", 2), ("b", 1), ("unused", 9)]), &symbol, &[3, 4], GradReq::Write);
    let found = executor.bindings().placement.as_ref().unwrap();
    let expected: Vec<Device> = symbol
        .list_arguments()
        .iter()
        .map(|n| {
            if n.starts_with("fa") {
                cpu(2)
            } else if n.starts_with("fb") {
                cpu(1)
            } else {
                cpu(0)
            }
        })
        .collect();
    assert_eq!(found.args, expected);
    // What has no group is where its first input is, and its gradient with it.
    assert_eq!(executor.output_devices(), [cpu(1), cpu(2)]);
    let (program, plan) = executor.compiled().unwrap();
    assert_eq!(program.devices, [cpu(1), cpu(2)]);
    let device = |name: &str| {
        let i = program.graph.nodes.iter().position(|n| *n.node.name() == *name).unwrap();
        program.devices[program.lane(i)]
    };
    assert_eq!([device("fa"), device("fb"), device("free_0_copy")], [cpu(2), cpu(1), cpu(1)]);
    assert_eq!([device("fb_backward"), device("free_backward"), device("fa_backward")], [cpu(1), cpu(2), cpu(2)]);
    assert_eq!(plan.arena_bytes, plan.device_bytes.iter().sum::<usize>());
    let report = executor.memory_report().unwrap();
    // The value forward, its gradient backward.
    assert_eq!(report.devices.iter().map(|d| d.copies).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(report.devices[0].copied, 3 * 6 * 4);
    assert_eq!(report.devices.iter().map(|d| d.planned).sum::<usize>(), report.planned);
    assert_eq!(report.devices.iter().map(|d| d.steps).sum::<usize>(), report.steps);
    assert!(report.values.iter().all(|v| v.device.is_some()));
}

#[test]
fn one_device_needs_no_copies() {
    let symbol = dense("b", "fb", "5", &dense("a", "fa", "6", &var("x")));
    let executor = bound(placement(&[("a", 1), ("b", 1)]), &symbol, &[3, 4], GradReq::Write);
    assert!(executor.memory_report().unwrap().devices.is_empty());
    assert_eq!(executor.output_devices(), [cpu(1)]);
}

#[test]
fn a_group_without_device_is_refused() {
    let symbol = dense("b", "fb", "5", &var("x"));
    let request = request(placement(&[("a", 1)]), &symbol, &[3, 4], GradReq::Null);
    let error = request.bind(rsym_ops::registry(), &symbol).err().unwrap().to_string();
    assert!(error.contains("'fb_weight'") && error.contains("'b'") && error.contains("group2ctx"), "{error}");
}

/// Two towers on two devices that meet in a sum; that on the second takes elements at `x`.
fn towers(depth: usize) -> Symbol {
    let x = var("x");
    let tower = |group: &str| (0..depth).fold(x.clone(), |y, i| dense(group, &format!("{group}{i}"), "16", &y));
    let at = apply("b", "_mul_scalar", "at", &[("scalar", "1e6")], &[&x]);
    let taken = apply("b", "take", "taken", &[("mode", "raise")], &[&tower("b"), &at]);
    let taken = apply("b", "sum", "taken_sum", &[], &[&taken]);
    let sum = apply("a", "sum", "tower_sum", &[], &[&tower("a")]);
    apply("a", "_plus", "both", &[], &[&sum, &taken])
}

#[test]
fn an_error_on_one_device_ends_the_run_and_names_the_node() {
    let symbol = towers(6);
    let mut executor = bound(placement(&[("a", 0), ("b", 1)]), &symbol, &[16, 16], GradReq::Null);
    for threads in [1, 2, 4] {
        for _ in 0..20 {
            let error = with_threads(threads, || executor.forward(false, &mut Hooks::none())).unwrap_err().to_string();
            assert!(error.contains("taken"), "{error}");
        }
    }
    let mut zeros = executor.bindings().args[0].clone();
    zeros.fill(0.0);
    executor.forward(false, &mut Hooks::none()).unwrap();
}

#[test]
fn interrupts_end_the_run_on_all_devices() {
    let _draws = DRAWS.lock().unwrap_or_else(PoisonError::into_inner);
    let symbol = unrolled(4);
    let mut executor = bound(placement(&[("a", 0), ("b", 1), ("c", 2)]), &symbol, &[4000, 24], GradReq::Null);
    for threads in [1, 2, 4] {
        let asked = AtomicU32::new(0);
        let interrupted = || asked.fetch_add(1, Ordering::SeqCst) == 1;
        let mut hooks = Hooks { monitor: None, monitor_inputs: false, interrupted: Some(&interrupted) };
        let error = with_threads(threads, || executor.forward(true, &mut hooks)).unwrap_err().to_string();
        assert_eq!(error, "interrupted");
    }
}

#[test]
fn monitors_see_the_graph_as_it_was_written() {
    let symbol = dense("b", "fb", "5", &dense("a", "fa", "6", &var("x")));
    let mut executor = bound(placement(&[("a", 0), ("b", 1)]), &symbol, &[3, 4], GradReq::Null);
    let mut seen = Vec::new();
    let mut see = |name: &str, _: &Tensor| {
        seen.push(name.to_string());
        Ok(())
    };
    executor.forward(false, &mut Hooks { monitor: Some(&mut see), ..Hooks::none() }).unwrap();
    assert_eq!(seen, ["fa_output", "fa_act_output", "fb_output", "fb_act_output"]);
}

#[test]
fn budgets_hold_on_several_devices() {
    let symbol =
        dense("b", "fd", "32", &dense("b", "fc", "32", &dense("a", "fb", "32", &dense("a", "fa", "32", &var("x")))));
    let planned = |executor: &Executor| executor.memory_report().unwrap().planned;
    let groups = || placement(&[("a", 0), ("b", 1)]);
    let mut free = bound(groups(), &symbol, &[64, 32], GradReq::Write);
    let budget = planned(&free) * 9 / 10;
    let mut request = request(groups(), &symbol, &[64, 32], GradReq::Write);
    request.budget = Some(budget);
    let mut tight = request.bind(rsym_ops::registry(), &symbol).unwrap();
    tight.bindings().args.iter().enumerate().for_each(|(k, arg)| noise(arg, k as u64 + 1, false));
    assert!(planned(&tight) <= budget && tight.memory_report().unwrap().devices.len() == 2);
    assert!(values(&mut free, true) == values(&mut tight, true));
}

#[test]
fn executors_run_together_with_the_bits_of_one_after_the_other() {
    let symbol = dense("", "fb", "40", &dense("", "fa", "40", &var("x")));
    let make = || (0..3).map(|_| bound(None, &symbol, &[300, 40], GradReq::Write)).collect::<Vec<_>>();
    let mut alone = make();
    let expected: Vec<Vec<Vec<f32>>> = alone.iter_mut().map(|e| values(e, true)).collect();
    for threads in [1, 2, 4] {
        let mut executors = make();
        let heads: Vec<Vec<Option<Tensor>>> = executors
            .iter()
            .map(|e| {
                let head = e.outputs()[0].deep_copy().unwrap();
                noise(&head, 900, false);
                vec![Some(head)]
            })
            .collect();
        let mut all: Vec<&mut Executor> = executors.iter_mut().collect();
        with_threads(threads, || {
            for _ in 0..5 {
                forward_all(&mut all, true, &|| false).unwrap();
                backward_all(&mut all, &heads, &|| false).unwrap();
            }
        });
        for (executor, expected) in executors.iter().zip(&expected) {
            let found = executor.outputs().iter().chain(executor.bindings().grads.iter().flatten());
            assert!(found.zip(expected).all(|(t, e)| t.slice::<f32>().unwrap() == e));
        }
    }
}

#[test]
fn errors_and_interrupts_end_a_run_of_several_executors() {
    let symbol = towers(3);
    let mut bad = bound(None, &symbol, &[16, 16], GradReq::Null);
    let mut good = bound(None, &symbol, &[16, 16], GradReq::Null);
    good.bindings().args[0].clone().fill(0.0);
    let error = forward_all(&mut [&mut good, &mut bad], false, &|| false).unwrap_err().to_string();
    assert!(error.contains("taken"), "{error}");
    let error = backward_all(&mut [&mut good], &[], &|| false).unwrap_err().to_string();
    assert!(error.contains("0 lists"), "{error}");
    let mut large = bound(None, &symbol, &[4000, 16], GradReq::Null);
    large.bindings().args[0].clone().fill(0.0);
    let error = forward_all(&mut [&mut good, &mut large], false, &|| true).unwrap_err().to_string();
    assert_eq!(error, "interrupted");
}
