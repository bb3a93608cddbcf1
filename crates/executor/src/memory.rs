//! Where every value lives: in an array of the caller, or at an offset of one arena shared by all values whose lives do not
//! overlap.

use crate::Program;
use crate::branches::lives_until;
use crate::placement::is_copy;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::ops::Range;

/// Values start at multiples of this many bytes.
const ALIGN: usize = 64;

/// Where a value lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In an array that exists already: an argument, an auxiliary state, an output, a gradient.
    External,
    /// At this byte of the arena.
    Arena(usize),
}

/// The places of all values of a program.
pub struct MemoryPlan {
    /// One for each entry.
    pub places: Vec<Place>,
    /// Bytes of the arena.
    pub arena_bytes: usize,
    /// Bytes of it for each device, one after the other; of one where there are not several.
    pub device_bytes: Vec<usize>,
    /// Bytes that the values in the arena would take without sharing.
    pub unshared_bytes: usize,
    /// Number of values that took over the memory of an input.
    pub inplace: usize,
}

/// Free blocks of the arena: `(offset, length)`, never touching each other.
#[derive(Default)]
struct Arena {
    free: BTreeSet<(usize, usize)>,
    top: usize,
}

impl Arena {
    /// The smallest free block that is large enough, else new memory at the top.
    fn take(&mut self, bytes: usize) -> usize {
        let best = self.free.iter().filter(|(_, len)| *len >= bytes).min_by_key(|(at, len)| (*len, *at)).copied();
        if let Some((at, len)) = best {
            self.free.remove(&(at, len));
            if len > bytes {
                self.free.insert((at + bytes, len - bytes));
            }
            return at;
        }
        let at = match self.free.last().copied().filter(|(at, len)| at + len == self.top) {
            Some(last) => {
                self.free.remove(&last);
                last.0
            }
            None => self.top,
        };
        self.top = at + bytes;
        at
    }

    /// Gives a block back, joined with its free neighbours.
    fn give(&mut self, mut at: usize, mut len: usize) {
        if let Some(&(prev, prev_len)) = self.free.range(..(at, 0)).next_back().filter(|(p, l)| p + l == at) {
            self.free.remove(&(prev, prev_len));
            (at, len) = (prev, len + prev_len);
        }
        if let Some(&(next, next_len)) = self.free.range((at + len, 0)..).next().filter(|(n, _)| *n == at + len) {
            self.free.remove(&(next, next_len));
            len += next_len;
        }
        self.free.insert((at, len));
    }
}

/// Memory of values that take it over from each other: from the node that writes the first of them to the last that
/// reads one.
#[derive(Clone)]
struct Block {
    len: usize,
    users: usize,
    from: usize,
    to: usize,
    /// The device whose memory it is.
    lane: usize,
}

/// With more blocks than this, comparing all with all would take longer than the memory is worth.
const MOST_COMPARED: usize = 2000;

/// An offset for every block, and the bytes that they take together.
fn offsets(blocks: &[Block]) -> (Vec<usize>, usize) {
    let in_time = by_time(blocks);
    if blocks.len() > MOST_COMPARED {
        return in_time;
    }
    let in_size = by_size(blocks);
    if in_size.1 < in_time.1 { in_size } else { in_time }
}

/// Places blocks as they come to life, each in the smallest gap that is large enough.
fn by_time(blocks: &[Block]) -> (Vec<usize>, usize) {
    let mut arena = Arena::default();
    let mut ends: Vec<usize> = (0..blocks.len()).collect();
    ends.sort_by_key(|&b| blocks[b].to);
    let (mut places, mut dead) = (vec![0; blocks.len()], ends.into_iter().peekable());
    for (b, block) in blocks.iter().enumerate() {
        while let Some(old) = dead.next_if(|&old| blocks[old].to < block.from) {
            arena.give(places[old], blocks[old].len);
        }
        places[b] = arena.take(block.len);
    }
    (places, arena.top)
}

/// Places the largest blocks first, each at the lowest offset that no block of its time has.
fn by_size(blocks: &[Block]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|&b| (std::cmp::Reverse(blocks[b].len), b));
    let (mut places, mut top) = (vec![0; blocks.len()], 0);
    // Blocks that have their place, by offset.
    let mut placed: Vec<usize> = Vec::with_capacity(blocks.len());
    for b in order {
        let block = &blocks[b];
        let mut at = 0;
        for &other in placed.iter().filter(|&&o| blocks[o].from <= block.to && block.from <= blocks[o].to) {
            if places[other] >= at + block.len {
                break;
            }
            at = at.max(places[other] + blocks[other].len);
        }
        places[b] = at;
        top = top.max(at + block.len);
        placed.insert(placed.partition_point(|&o| places[o] <= at), b);
    }
    (places, top)
}

/// The values that nobody reads any more after each node.
struct Dying {
    starts: Vec<usize>,
    entries: Vec<usize>,
}

impl Dying {
    fn new(nodes: usize, last_use: &[usize]) -> Dying {
        let mut starts = vec![0; nodes + 1];
        last_use.iter().for_each(|&at| starts[at + 1] += 1);
        for i in 0..nodes {
            starts[i + 1] += starts[i];
        }
        let (mut entries, mut next) = (vec![0; last_use.len()], starts.clone());
        for (e, &at) in last_use.iter().enumerate() {
            entries[next[at]] = e;
            next[at] += 1;
        }
        Dying { starts, entries }
    }

    fn at(&self, node: usize) -> &[usize] {
        &self.entries[self.starts[node]..self.starts[node + 1]]
    }
}

impl MemoryPlan {
    /// Plans `program`; the values marked in `external` have their place already. The nodes of each of the `stretches` run
    /// in any order: what one of them reads last keeps its memory until all have run.
    pub fn new(program: &Program, external: &[bool], stretches: &[Range<usize>]) -> MemoryPlan {
        let graph = &program.graph;
        let last_use = last_uses(program);
        let mut blocks: Vec<Block> = Vec::new();
        let mut block_of: Vec<Option<usize>> = vec![None; graph.num_entries];
        let (mut unshared, mut inplace) = (0, 0);
        let crossing = crossing(program);
        let dying = Dying::new(graph.nodes.len(), &last_use);
        let until = lives_until(graph.nodes.len(), stretches);
        for (i, node) in graph.nodes.iter().enumerate() {
            let Some(op) = &node.op else { continue };
            let mut reused: SmallVec<[usize; 4]> = SmallVec::new();
            for o in 0..node.outputs {
                let e = node.first + o;
                if external[e] {
                    continue;
                }
                let len = program.bytes(e).next_multiple_of(ALIGN).max(ALIGN);
                unshared += len;
                let candidate = op.inplace().iter().filter(|(_, out)| *out == o).find_map(|&(input, _)| {
                    let source = *node.inputs.get(input)?;
                    let block = block_of[source]?;
                    let alone = node.inputs.iter().filter(|&&x| block_of[x] == Some(block)).count() == 1;
                    let fits = program.bytes(source) == program.bytes(e)
                        && last_use[source] == i
                        && !crossing.contains(&source);
                    (alone && fits && blocks[block].users == 1 && !reused.contains(&block)).then_some(block)
                });
                match candidate {
                    Some(block) => {
                        blocks[block].users += 1;
                        block_of[e] = Some(block);
                        reused.push(block);
                        inplace += 1;
                    }
                    None => {
                        block_of[e] = Some(blocks.len());
                        blocks.push(Block { len, users: 1, from: i, to: i, lane: program.lane(i) });
                    }
                }
            }
            for &e in dying.at(i) {
                let Some(block) = block_of[e].map(|b| &mut blocks[b]) else { continue };
                block.users -= 1;
                block.to = until[i];
            }
        }
        for &e in &crossing {
            let Some(block) = block_of[e].map(|b| &mut blocks[b]) else { continue };
            let forward = block.to < program.forward_nodes;
            block.to = if forward { program.forward_nodes } else { graph.nodes.len() } - 1;
        }
        let (offsets, device_bytes) = by_device(&blocks, program.devices.len().max(1));
        let places = block_of.iter().map(|b| b.map_or(Place::External, |b| Place::Arena(offsets[b]))).collect();
        let arena_bytes = device_bytes.iter().sum();
        MemoryPlan { places, arena_bytes, device_bytes, unshared_bytes: unshared, inplace }
    }
}

/// Values that other devices copy. They keep their memory until their pass ends, so that no device waits until another has
/// read.
fn crossing(program: &Program) -> FxHashSet<usize> {
    let nodes = program.graph.nodes.iter().filter(|_| program.devices.len() > 1);
    nodes.filter(|n| n.op.as_ref().is_some_and(is_copy)).map(|n| n.inputs[0]).collect()
}

/// An offset for every block, those of one device next to each other, and the bytes of each device.
fn by_device(blocks: &[Block], devices: usize) -> (Vec<usize>, Vec<usize>) {
    if devices == 1 {
        let (places, bytes) = offsets(blocks);
        return (places, vec![bytes]);
    }
    let (mut places, mut bytes, mut base) = (vec![0; blocks.len()], Vec::new(), 0);
    for lane in 0..devices {
        let mine: Vec<usize> = (0..blocks.len()).filter(|&b| blocks[b].lane == lane).collect();
        let (own, top) = offsets(&mine.iter().map(|&b| blocks[b].clone()).collect::<Vec<_>>());
        mine.iter().zip(own).for_each(|(&b, at)| places[b] = base + at);
        base += top;
        bytes.push(top);
    }
    (places, bytes)
}

/// For every entry, the node after which nobody reads it any more.
///
/// Gradients that are copied out after the last operator live to the end; so do values only if a node reads their content.
pub(crate) fn last_uses(program: &Program) -> Vec<usize> {
    let graph = &program.graph;
    let mut last: Vec<usize> = graph.producers();
    for (i, node) in graph.nodes.iter().enumerate() {
        let Some(op) = &node.op else { continue };
        for (k, &e) in node.inputs.iter().enumerate() {
            if op.reads(k) {
                last[e] = i;
            }
        }
    }
    // A variable may come last: the gradient of an output that is that of an argument as well.
    let end = graph.nodes.iter().rposition(|n| n.op.is_some()).unwrap_or(0);
    for &e in program.outputs.iter().chain(program.gradients.iter().flatten()) {
        last[e] = end;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_one_time_never_overlap_and_large_ones_find_room() {
        let mut state = 1u64;
        let mut next = |n: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % n
        };
        for _ in 0..50 {
            let block = |from: usize, life: usize, size: usize| Block {
                len: 64 * size,
                users: 0,
                from,
                to: from + life,
                lane: 0,
            };
            let blocks: Vec<Block> = (0..60).map(|i| block(i, next(8), 1 + next(9))).collect();
            for (places, top) in [by_time(&blocks), by_size(&blocks), offsets(&blocks)] {
                for (a, x) in blocks.iter().enumerate() {
                    assert!(places[a] + x.len <= top);
                    for (b, y) in blocks.iter().enumerate().skip(a + 1).filter(|(_, y)| y.from <= x.to) {
                        assert!(places[a] + x.len <= places[b] || places[b] + y.len <= places[a], "{a} and {b}");
                    }
                }
            }
        }
        let chain =
            [(0, 1, 1), (1, 2, 1), (2, 3, 2)].map(|(from, to, n)| Block { len: 64 * n, users: 0, from, to, lane: 0 });
        assert_eq!((by_time(&chain).1, offsets(&chain).1), (256, 192));
    }

    #[test]
    fn the_arena_reuses_and_joins_blocks() {
        let mut arena = Arena::default();
        let (a, b, c) = (arena.take(64), arena.take(128), arena.take(64));
        assert_eq!((a, b, c), (0, 64, 192));
        arena.give(a, 64);
        arena.give(b, 128);
        assert_eq!(arena.take(192), 0);
        arena.give(c, 64);
        assert_eq!(arena.take(256), 192);
        assert_eq!(arena.top, 448);
    }
}
