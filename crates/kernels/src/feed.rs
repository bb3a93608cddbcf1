//! Operands cut into blocks: each is handed over in place where its memory allows, else through a small buffer.

use crate::axes::{Axis, MAX_AXES, advance, locate};
use crate::elementwise::Operand;
use rsym_tensor::Element;

/// Elements in a block. Three buffers of eight-byte elements fit a first-level cache.
pub(crate) const BLOCK: usize = 512;

/// Where a block of an operand is assembled if it cannot be used in place.
pub(crate) struct Buffer<T>(Option<[T; BLOCK]>);

impl<T> Default for Buffer<T> {
    fn default() -> Self {
        Buffer(None)
    }
}

/// An operand as a function of the flat index into the output.
pub(crate) enum Feed<'a, T> {
    Out,
    Whole(&'a [T]),
    Scalar(T),
    /// Broadcast along some axes; outermost first, none of extent 1, neighbours merged.
    Strided(&'a [T], Vec<Axis>),
}

impl<'a, T: Element> Feed<'a, T> {
    /// An operand with as many elements as the output.
    pub(crate) fn whole(operand: Operand<'a, T>, size: usize) -> Self {
        match operand {
            Operand::Out => Feed::Out,
            Operand::Slice(data) => {
                assert_eq!(data.len(), size, "operand and output differ in size");
                Feed::Whole(data)
            }
        }
    }

    /// An operand of shape `dims`, broadcast to the shape `out`.
    pub(crate) fn broadcast(operand: Operand<'a, T>, dims: &[usize], out: &[usize]) -> Self {
        let size = out.iter().product();
        let Operand::Slice(data) = operand else { return Feed::Out };
        let axes = merged_axes(dims, out);
        assert_eq!(data.len(), dims.iter().product::<usize>(), "operand and its shape differ in size");
        match axes.as_slice() {
            _ if data.len() == size => Feed::Whole(data),
            [Axis { stride: 0, .. }] => Feed::Scalar(data[0]),
            _ => Feed::Strided(data, axes),
        }
    }

    /// The elements `at..at + block.len()`; `block` is what the output holds there.
    pub(crate) fn take<'b>(&'b self, at: usize, block: &[T], buffer: &'b mut Buffer<T>) -> &'b [T] {
        let len = block.len();
        match self {
            Feed::Whole(data) => &data[at..at + len],
            Feed::Out => {
                let data = buffer.0.get_or_insert_with(|| [T::default(); BLOCK]);
                data[..len].copy_from_slice(block);
                &data[..len]
            }
            Feed::Scalar(value) => &buffer.0.get_or_insert([*value; BLOCK])[..len],
            Feed::Strided(data, axes) => strided(data, axes, at, len, buffer),
        }
    }
}

/// The axes of an operand of shape `dims` within `out`, aligned at the end, merged where they continue each other.
pub(crate) fn merged_axes(dims: &[usize], out: &[usize]) -> Vec<Axis> {
    assert!(dims.len() <= out.len(), "operand of more dimensions than the output");
    let mut axes: Vec<Axis> = Vec::new();
    let mut stride = 1;
    for (back, &extent) in out.iter().rev().enumerate() {
        let own = if back < dims.len() { dims[dims.len() - 1 - back] } else { 1 };
        assert!(own == extent || own == 1, "cannot broadcast {dims:?} to {out:?}");
        let axis = Axis { extent, stride: if own == 1 { 0 } else { stride } };
        stride *= own;
        match axes.last_mut() {
            _ if extent == 1 => {}
            Some(last) if axis.stride == last.stride * last.extent => last.extent *= extent,
            _ => axes.push(axis),
        }
    }
    assert!(axes.len() <= MAX_AXES, "broadcast along too many axes");
    axes.reverse();
    axes
}

fn strided<'b, T: Element>(data: &'b [T], axes: &[Axis], at: usize, len: usize, buffer: &'b mut Buffer<T>) -> &'b [T] {
    let mut index = [0; MAX_AXES];
    let mut offset = locate(axes, at, &mut index);
    let inner = axes[axes.len() - 1];
    let first = (inner.extent - index[axes.len() - 1]).min(len);
    if first == len && inner.stride == 1 {
        return &data[offset..offset + len];
    }
    let block = &mut buffer.0.get_or_insert_with(|| [T::default(); BLOCK])[..len];
    let mut done = 0;
    while done < len {
        let run = (inner.extent - index[axes.len() - 1]).min(len - done);
        copy_run(&data[offset..], inner.stride, &mut block[done..done + run]);
        done += run;
        index[axes.len() - 1] += run - 1;
        offset += (run - 1) * inner.stride;
        advance(axes, &mut index, &mut offset);
    }
    block
}

fn copy_run<T: Copy>(from: &[T], stride: usize, run: &mut [T]) {
    match stride {
        0 => run.fill(from[0]),
        1 => run.copy_from_slice(&from[..run.len()]),
        _ => run.iter_mut().zip(from.iter().step_by(stride)).for_each(|(r, f)| *r = *f),
    }
}
