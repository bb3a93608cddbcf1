use crate::{Entry, Node};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::hash_map::Entry::Vacant;
use std::sync::Arc;

/// Values by node. Addresses need no defence against chosen collisions, so the hash is a quick one.
pub(crate) type NodeMap<T> = FxHashMap<*const Node, T>;

/// A set of nodes.
pub(crate) type NodeSet = FxHashSet<*const Node>;

/// Every node that `heads` depend on, each once, inputs before users, in depth-first order: the order of files.
pub fn post_order(heads: &[Entry]) -> Vec<Arc<Node>> {
    Order::new(heads).nodes.into_iter().cloned().collect()
}

/// Nodes in the order of [`post_order`], with their numbers in it.
pub(crate) struct Order<'a> {
    pub nodes: Vec<&'a Arc<Node>>,
    numbers: NodeMap<u32>,
}

/// Stands for a node that was seen but has no number yet.
const PENDING: u32 = u32::MAX;

impl<'a> Order<'a> {
    pub fn new(heads: &'a [Entry]) -> Order<'a> {
        let mut order = Order { nodes: Vec::new(), numbers: NodeMap::default() };
        let mut stack: Vec<(&Arc<Node>, &[Entry])> = Vec::new();
        for head in heads {
            order.discover(&head.node, &mut stack);
            while let Some((node, inputs)) = stack.last_mut() {
                match inputs.split_first() {
                    Some((input, rest)) => {
                        *inputs = rest;
                        order.discover(&input.node, &mut stack);
                    }
                    None => {
                        order.numbers.insert(Arc::as_ptr(node), order.nodes.len() as u32);
                        order.nodes.push(node);
                        stack.pop();
                    }
                }
            }
        }
        order
    }

    /// Puts `node` on the stack if it was not seen yet; a variable gets its number at once.
    fn discover(&mut self, node: &'a Arc<Node>, stack: &mut Vec<(&'a Arc<Node>, &'a [Entry])>) {
        let Vacant(slot) = self.numbers.entry(Arc::as_ptr(node)) else { return };
        if node.inputs().is_empty() {
            slot.insert(self.nodes.len() as u32);
            self.nodes.push(node);
        } else {
            slot.insert(PENDING);
            stack.push((node, node.inputs()));
        }
    }

    /// The number of a node of the graph.
    pub fn number(&self, node: &Arc<Node>) -> usize {
        self.numbers[&Arc::as_ptr(node)] as usize
    }
}
