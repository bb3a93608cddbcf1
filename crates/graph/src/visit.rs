use crate::{Entry, Node};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Values by node. Addresses need no defence against chosen collisions, so the hash is a quick one.
pub(crate) type NodeMap<T> = FxHashMap<*const Node, T>;

/// A set of nodes.
pub(crate) type NodeSet = FxHashSet<*const Node>;

/// Every node that `heads` depend on, each once, inputs before users, in depth-first order: the order of files.
pub fn post_order(heads: &[Entry]) -> Vec<Arc<Node>> {
    let mut order = Vec::new();
    let mut seen = NodeSet::default();
    let mut stack: Vec<(&Arc<Node>, usize)> = Vec::new();
    for head in heads {
        if seen.insert(Arc::as_ptr(&head.node)) {
            stack.push((&head.node, 0));
        }
        while let Some((node, next)) = stack.pop() {
            match node.inputs().get(next) {
                None => order.push(node.clone()),
                Some(input) => {
                    stack.push((node, next + 1));
                    if seen.insert(Arc::as_ptr(&input.node)) {
                        stack.push((&input.node, 0));
                    }
                }
            }
        }
    }
    order
}
