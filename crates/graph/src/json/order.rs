//! Files whose nodes do not follow their inputs, as tools that append nodes write them.

use super::raw::{RawEntry, RawGraph, RawNode};

/// Brings the nodes into an order in which each follows its inputs. Nothing changes where they have one, or where a loop or an
/// input that does not exist leaves none.
pub fn sort(graph: &mut RawGraph) {
    let is_late = |(i, node): (usize, &RawNode)| node.inputs.iter().any(|e| e.0 as usize >= i);
    if !graph.nodes.iter().enumerate().any(is_late) {
        return;
    }
    let Some(order) = order(&graph.nodes) else { return };
    let mut places = vec![0; order.len()];
    for (place, &node) in order.iter().enumerate() {
        places[node] = place as u32;
    }
    let mut nodes: Vec<Option<RawNode>> = std::mem::take(&mut graph.nodes).into_iter().map(Some).collect();
    graph.nodes = order.iter().filter_map(|&node| nodes[node].take()).collect();
    let moved = |id: &mut u32| {
        if let Some(&place) = places.get(*id as usize) {
            *id = place;
        }
    };
    graph.nodes.iter_mut().flat_map(|n| &mut n.inputs).chain(&mut graph.heads).for_each(|RawEntry(id, ..)| moved(id));
    graph.nodes.iter_mut().flat_map(|n| &mut n.control_deps).chain(&mut graph.arg_nodes).for_each(moved);
}

/// The numbers of the nodes, each after those of its inputs.
fn order(nodes: &[RawNode]) -> Option<Vec<usize>> {
    let mut users = vec![Vec::new(); nodes.len()];
    let mut waiting: Vec<usize> = nodes.iter().map(|n| n.inputs.len()).collect();
    for (i, node) in nodes.iter().enumerate() {
        for entry in &node.inputs {
            users.get_mut(entry.0 as usize)?.push(i);
        }
    }
    let mut order: Vec<usize> = (0..nodes.len()).filter(|&i| waiting[i] == 0).collect();
    let mut next = 0;
    while let Some(&node) = order.get(next) {
        next += 1;
        for &user in &users[node] {
            waiting[user] -= 1;
            if waiting[user] == 0 {
                order.push(user);
            }
        }
    }
    (order.len() == nodes.len()).then_some(order)
}
