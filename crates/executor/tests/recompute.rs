//! Computing values again in the backward pass saves memory and changes no bit.

use rsym_executor::{ExecResult, Executor, GradReq, Hooks, MemoryReport, SimpleBind, seed};
use rsym_graph::{ComposeArgs, Node, Symbol, compose};
use rsym_tensor::{PartialShape, Tensor};
use std::sync::{Mutex, PoisonError};

fn var(name: &str) -> Symbol {
    let node = Node::variable(name, Default::default());
    Symbol::from_entries([rsym_graph::Entry::new(&node, 0)])
}

fn apply(op: &str, name: &str, params: &[(&str, &str)], inputs: &[&Symbol]) -> Symbol {
    let def = rsym_ops::registry().get(op).unwrap();
    let keywords = params.iter().map(|(k, v)| (k.to_string().into(), v.to_string())).collect();
    let positional = inputs.iter().map(|s| Some((*s).clone())).collect();
    compose(def, name, ComposeArgs { positional, keywords, ..ComposeArgs::default() }).unwrap()
}

/// Dense layers, each followed by a normalisation, an activation and, in every fourth, a dropout.
fn dense_chain(layers: usize) -> Symbol {
    let mut x = var("x");
    for i in 0..layers {
        let name = |what: &str| format!("{what}{i}");
        x = apply("FullyConnected", &name("fc"), &[("num_hidden", "32")], &[&x]);
        x = apply("BatchNorm", &name("bn"), &[("fix_gamma", "False")], &[&x]);
        x = apply("tanh", &name("act"), &[], &[&x]);
        if i % 4 == 3 {
            x = apply("Dropout", &name("drop"), &[("p", "0.25")], &[&x]);
        }
    }
    x
}

/// Residual units of convolutions on channels in blocks.
fn residual_chain(units: usize) -> Symbol {
    let mut x = var("x");
    for i in 0..units {
        let name = |what: &str| format!("{what}{i}");
        let params = [("num_filter", "16"), ("kernel", "(3, 3)"), ("pad", "(1, 1)"), ("no_bias", "True")];
        let y = apply("Convolution", &name("conv"), &params, &[&x]);
        let y = apply("BatchNorm", &name("bn"), &[("fix_gamma", "True")], &[&y]);
        let y = apply("Activation", &name("relu"), &[("act_type", "relu")], &[&y]);
        x = apply("elemwise_add", &name("add"), &[], &[&x, &y]);
    }
    x
}

fn bind(symbol: &Symbol, shape: &[usize], budget: Option<usize>) -> ExecResult<Executor> {
    let count = symbol.list_arguments().len();
    let bind = SimpleBind {
        shapes: [("x".to_string(), PartialShape::from(&rsym_tensor::Shape::from(shape)))].into(),
        reqs: vec![GradReq::Write; count].into(),
        budget,
        ..SimpleBind::default()
    };
    bind.bind(rsym_ops::registry(), symbol)
}

fn noise(tensor: &Tensor, seed: u64) {
    let mut state = seed.wrapping_mul(0x9e3779b97f4a7c15) | 1;
    for x in tensor.clone().slice_mut::<f32>().unwrap() {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *x = (state >> 40) as f32 / (1u64 << 24) as f32 - 0.4;
    }
}

/// The random stream belongs to the process: one test at a time draws from it.
static STREAM: Mutex<()> = Mutex::new(());

/// Two training passes on fixed noise: the bits of outputs, gradients and states.
fn train(executor: &mut Executor, is_train: bool) -> Vec<Vec<u32>> {
    let _one = STREAM.lock().unwrap_or_else(PoisonError::into_inner);
    seed(3);
    let bindings = executor.bindings().clone();
    bindings.args.iter().chain(&bindings.aux).enumerate().for_each(|(k, t)| noise(t, k as u64 + 1));
    bindings.aux.iter().for_each(|t| t.clone().slice_mut::<f32>().unwrap().iter_mut().for_each(|x| *x = x.abs() + 0.1));
    let head = executor.outputs()[0].deep_copy().unwrap();
    noise(&head, 99);
    for _ in 0..2 {
        executor.forward(is_train, &mut Hooks::none()).unwrap();
        executor.backward(&[Some(head.clone())], &mut Hooks::none()).unwrap();
    }
    let found = executor.outputs().iter().chain(bindings.grads.iter().flatten()).chain(&bindings.aux);
    found.map(|t| t.slice::<f32>().unwrap().iter().map(|x| x.to_bits()).collect()).collect()
}

fn report(executor: &Executor) -> MemoryReport {
    executor.memory_report().unwrap()
}

/// The least budget that can be kept, from the error for none.
fn least(symbol: &Symbol, shape: &[usize]) -> usize {
    let error = bind(symbol, shape, Some(0)).err().unwrap().to_string();
    let words: Vec<&str> = error.split_whitespace().collect();
    let at = words.iter().position(|w| *w == "least").unwrap();
    words[at + 1].parse().unwrap()
}

fn check_budgets(symbol: &Symbol, shape: &[usize], gain: usize) {
    let mut plain = bind(symbol, shape, None).unwrap();
    let kept = report(&plain).planned;
    let least = least(symbol, shape);
    assert!(least * gain <= kept * 10, "{least} of {kept} bytes");
    for is_train in [true, false] {
        let want = train(&mut plain, is_train);
        for budget in [kept, (3 * kept + least) / 4, (kept + least) / 2, least] {
            let mut executor = bind(symbol, shape, Some(budget)).unwrap();
            let found = report(&executor);
            assert!(found.planned <= budget, "{} bytes, {budget} allowed", found.planned);
            assert_eq!(found.recomputed > 0, budget < kept);
            assert_eq!(found.planned_without, kept);
            assert!(train(&mut executor, is_train) == want, "budget {budget} of {kept}, training {is_train}");
        }
    }
    assert!(bind(symbol, shape, Some(least - 1)).is_err());
}

#[test]
fn a_chain_of_dense_layers_keeps_every_budget_that_can_be_kept() {
    check_budgets(&dense_chain(16), &[64, 32], 20);
}

#[test]
fn residual_units_in_blocks_keep_every_budget_that_can_be_kept() {
    check_budgets(&residual_chain(12), &[2, 16, 10, 10], 15);
}

#[test]
fn a_smaller_budget_computes_more_again() {
    let symbol = dense_chain(16);
    let kept = report(&bind(&symbol, &[64, 32], None).unwrap()).planned;
    let least = least(&symbol, &[64, 32]);
    let counts: Vec<usize> = [kept - 1, (kept + least) / 2, least]
        .map(|budget| report(&bind(&symbol, &[64, 32], Some(budget)).unwrap()).recomputed)
        .into();
    assert!(counts[0] < counts[1] && counts[1] < counts[2], "{counts:?}");
}

#[test]
fn marked_nodes_are_computed_again() {
    let symbol = residual_chain(6);
    let mut plain = bind(&symbol, &[2, 16, 10, 10], None).unwrap();
    let want = train(&mut plain, true);
    for node in symbol.nodes() {
        if node.op_name() == "Activation" || node.op_name() == "BatchNorm" {
            node.set_attr("__force_mirroring__", "True".into()).unwrap();
        }
    }
    let mut executor = bind(&symbol, &[2, 16, 10, 10], None).unwrap();
    let (before, after) = (report(&plain), report(&executor));
    assert!(after.recomputed > 0 && after.planned < before.planned, "{} of {}", after.planned, before.planned);
    assert!(train(&mut executor, true) == want);
    let again: Vec<&str> = after.values.iter().filter(|v| v.again).map(|v| &*v.name).collect();
    assert!(again.iter().all(|name| !name.starts_with("conv")), "{again:?}");
}

#[test]
fn what_is_random_is_never_computed_again() {
    let symbol = dense_chain(8);
    let executor = bind(&symbol, &[64, 32], Some(least(&symbol, &[64, 32]))).unwrap();
    let found = report(&executor);
    assert!(found.recomputed > 0 && found.values.iter().all(|v| !(v.again && v.op == "Dropout")));
}

#[test]
fn inference_that_does_not_fit_is_refused() {
    let symbol = apply("dot", "b", &[], &[&apply("dot", "a", &[], &[&var("x"), &var("x")]), &var("x")]);
    let bind = SimpleBind {
        shapes: [("x".to_string(), PartialShape::from(&[32, 32].into()))].into(),
        reqs: vec![GradReq::Null; symbol.list_arguments().len()].into(),
        budget: Some(4095),
        ..SimpleBind::default()
    };
    let error = bind.bind(rsym_ops::registry(), &symbol).err().unwrap().to_string();
    assert!(error.contains("4096") && error.contains("4095"), "{error}");
}
