//! The tape: what it gives, what it keeps, and when it goes.

use rsym_executor::autograd::{Head, Recorded, Slot, TapeNode, Taped, Way, backward, record};
use rsym_executor::{ExecResult, GradReq, run};
use rsym_graph::{OpRef, Source, Vjp};
use rsym_tensor::{DType, Tensor};
use std::sync::{Arc, Weak};

const WAY: Way = Way { retain: false, create: false, is_train: true };

struct Array {
    tensor: Tensor,
    slot: Slot,
}

fn constant(values: &[f64]) -> Array {
    Array { tensor: Tensor::from_slice([values.len()], values).unwrap(), slot: Slot::default() }
}

fn marked(values: &[f64]) -> Array {
    let array = constant(values);
    let grad = Tensor::zeros([values.len()], DType::Float64).unwrap();
    array.slot.set(Some(Taped { node: TapeNode::variable(grad, GradReq::Write), index: 0 }));
    array
}

fn make(name: &str, params: &[(&str, &str)]) -> OpRef {
    rsym_ops::registry().make(name, params).unwrap()
}

fn apply(name: &str, params: &[(&str, &str)], inputs: &[&Array]) -> Array {
    let op = make(name, params);
    let tensors: Vec<Tensor> = inputs.iter().map(|a| a.tensor.clone()).collect();
    let outputs = run(&op, &tensors, None, true).unwrap();
    let pairs: Vec<(&Tensor, &Slot)> = inputs.iter().map(|a| (&a.tensor, &a.slot)).collect();
    let node = record(rsym_ops::registry(), &op, &pairs, &outputs);
    let slot = Slot::new(node.map(|node| Taped { node, index: 0 }));
    Array { tensor: outputs[0].clone(), slot }
}

fn head(array: &Array) -> Head {
    Head { array: Recorded { tensor: array.tensor.clone(), from: array.slot.taped() }, grad: None }
}

fn go(array: &Array, way: Way) -> ExecResult<Vec<Recorded>> {
    backward(rsym_ops::registry(), &[head(array)], None, way)
}

fn grad(array: &Array) -> Vec<f64> {
    array.slot.variable().unwrap().as_variable().unwrap().grad.to_f64_vec()
}

fn weak(array: &Array) -> Weak<TapeNode> {
    Arc::downgrade(&array.slot.taped().unwrap().node)
}

#[test]
fn gradients_of_several_uses_are_added() {
    let (x, y) = (marked(&[1.0, 2.0]), marked(&[3.0, 4.0]));
    let product = apply("elemwise_mul", &[], &[&x, &y]);
    let sum = apply("elemwise_add", &[], &[&product, &x]);
    go(&sum, WAY).unwrap();
    assert_eq!((grad(&x), grad(&y)), (vec![4.0, 5.0], vec![1.0, 2.0]));
}

#[test]
fn second_derivatives_come_from_recorded_rules() {
    let x = marked(&[0.5, 2.0]);
    let y = apply("_power_scalar", &[("scalar", "3")], &[&x]);
    let wanted = [Taped { node: x.slot.variable().unwrap(), index: 0 }];
    let way = Way { retain: true, create: true, ..WAY };
    let first = backward(rsym_ops::registry(), &[head(&y)], Some(&wanted), way).unwrap().remove(0);
    assert_eq!(first.tensor.to_f64_vec(), [0.75, 12.0]);
    go(&Array { tensor: first.tensor, slot: Slot::new(first.from) }, WAY).unwrap();
    assert_eq!(grad(&x), [3.0, 12.0]);
}

#[test]
fn what_depends_on_no_marked_array_is_not_recorded() {
    let y = apply("exp", &[], &[&constant(&[1.0])]);
    assert!(!y.slot.is_used() && go(&y, WAY).is_err());
}

#[test]
fn a_tape_goes_with_its_last_array() {
    let x = marked(&[1.0]);
    let middle = apply("exp", &[], &[&x]);
    let node = weak(&middle);
    let last = apply("exp", &[], &[&middle]);
    drop(middle);
    assert!(node.upgrade().is_some());
    drop(last);
    assert!(node.upgrade().is_none());
}

#[test]
fn a_backward_pass_gives_the_tape_free_unless_told_otherwise() {
    let x = marked(&[1.0]);
    let middle = apply("exp", &[], &[&x]);
    let last = apply("exp", &[], &[&middle]);
    go(&last, Way { retain: true, ..WAY }).unwrap();
    assert!(middle.slot.is_used());
    go(&last, WAY).unwrap();
    assert!(!middle.slot.is_used() && !last.slot.is_used());
    assert!(go(&last, WAY).is_err());
    let other = apply("exp", &[], &[&middle]);
    assert!(!other.slot.is_used());
}

#[test]
fn constants_are_in_use_as_long_as_their_users() {
    let (x, c) = (marked(&[1.0]), constant(&[2.0]));
    let y = apply("elemwise_mul", &[], &[&x, &c]);
    assert!(c.slot.is_used() && c.slot.taped().is_none());
    drop(y);
    assert!(!c.slot.is_used());
}

#[test]
fn long_chains_are_taken_apart() {
    let x = marked(&[1.0]);
    let mut y = apply("exp", &[], &[&x]);
    for _ in 0..100_000 {
        y = apply("_plus_scalar", &[("scalar", "1")], &[&y]);
    }
    drop(y);
}

#[test]
fn rules_compute_what_is_wanted_and_say_what_they_read() {
    let op = make("FullyConnected", &[("num_hidden", "2"), ("no_bias", "True")]);
    let vjp = Vjp::new(rsym_ops::registry(), &op, &[true], &[false, true]).unwrap();
    assert_eq!(vjp.steps.len(), 1);
    assert_eq!(vjp.steps[0].op.num_outputs(), 1);
    assert_eq!(vjp.found, [None, Some(Source::Step(0, 0))]);
    let read: Vec<Source> = vjp.reads().filter(|s| matches!(s, Source::Input(_) | Source::Output(_))).collect();
    assert_eq!(read, [Source::Input(0)]);
}
