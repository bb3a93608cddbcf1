//! `SliceChannel` and `_split_v2`: cutting along an axis.

use super::concat::Concat;
use super::moves::around;
use super::stack::Stack;
use crate::support::axis_of;
use rsym_graph::*;
use rsym_kernels::arrange;
use rsym_tensor::{Element, PartialShape, dispatch};

operator! {
    /// Cuts its input along an axis into equal parts.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…, n, …) | any |
    /// | each output | (…, n / num_outputs, …), without the axis with `squeeze_axis` | that of data |
    #[aliases("split")]
    pub struct SliceChannel("SliceChannel") {
        inputs { data: "The input." }
        params {
            /// Number of parts.
            #[range(1..)]
            num_outputs: i32,
            /// The axis to cut; negative numbers count from the end.
            axis: i32 = 1,
            /// Drop the axis, of which every part must have a single slice.
            squeeze_axis: bool = false,
        }
    }
}

operator! {
    /// Cuts its input along an axis, into parts of about equal size or at given positions.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…, n, …) | any |
    /// | each output | (…, extent of the part, …), without the axis with `squeeze_axis` | that of data |
    #[aliases("_npi_split")]
    pub struct SplitV2("_split_v2") {
        inputs { data: "The input." }
        params {
            /// Where each part begins, if `sections` is 0.
            indices: Tuple,
            /// The axis to cut; negative numbers count from the end.
            axis: i32 = 1,
            /// Drop the axis, of which every part must have a single slice.
            squeeze_axis: bool = false,
            /// Number of parts; the first ones are longer by one where they cannot be equal.
            #[range(0..)]
            sections: i32 = 0,
        }
    }
}

/// Infers data of `rank` axes and parts of the extents `parts` along `axis`.
fn infer_parts(io: &mut ShapeIo, axis: usize, squeeze: bool, parts: &[Option<usize>]) -> OpResult {
    let Some(mut dims) = io.inputs[0].dims() else { return Ok(()) };
    if squeeze && let Some(part) = parts.iter().flatten().find(|&&p| p != 1) {
        let message = format!("squeeze_axis needs parts of a single slice, got one of {part} along axis {axis}");
        return Err(OpError::invalid(message));
    }
    for (k, &extent) in parts.iter().enumerate() {
        let mut part = dims.clone();
        part[axis] = extent;
        if squeeze {
            part.remove(axis);
        }
        io.set_output(k, PartialShape::partial(part))?;
        let mut seen = io.outputs[k].dims().unwrap_or_default();
        if squeeze {
            seen.insert(axis, None);
        }
        seen[axis] = None;
        dims.iter_mut().zip(seen).for_each(|(d, s)| *d = d.or(s));
    }
    io.set_input(0, PartialShape::partial(dims))
}

/// The number of axes of data, from data itself or from the parts.
fn rank_of(io: &ShapeIo, squeeze: bool) -> Option<usize> {
    let part = || io.outputs.iter().find_map(PartialShape::rank);
    io.inputs[0].rank().or_else(|| part().map(|r| r + usize::from(squeeze)))
}

fn cut(io: &mut Io, axis: usize, extent: impl Fn(&[usize]) -> usize) -> OpResult {
    dispatch!(io.inputs[0].dtype(), T => cut_as::<T>(io, axis, &extent))
}

fn cut_as<T: Element>(io: &mut Io, axis: usize, extent: &dyn Fn(&[usize]) -> usize) -> OpResult {
    let (outer, _, inner) = around(io.inputs[0].shape(), axis);
    let parts = io.outputs.iter_mut().map(|t| {
        let n = extent(t.shape());
        Ok((t.slice_mut::<T>()?, n))
    });
    let mut parts = parts.collect::<OpResult<Vec<_>>>()?;
    arrange::split(io.inputs[0].slice::<T>()?, outer, inner, &mut parts);
    Ok(())
}

/// Joins the arriving gradients as the parts were cut.
fn join_heads(g: &mut Grad, count: usize, axis: i32, squeeze: bool) -> GraphResult {
    let heads = (0..count).map(|i| g.head(i)).collect::<GraphResult<Vec<_>>>()?;
    let num_args = count as i32;
    let gradient = match squeeze {
        true => g.apply(Stack { axis, num_args }, &heads),
        false => g.apply(Concat { num_args, dim: axis }, &heads),
    };
    g.set(0, gradient);
    Ok(())
}

impl Operator for SliceChannel {
    fn output_names(&self) -> Names {
        names![]
    }

    fn num_outputs(&self) -> usize {
        self.num_outputs as usize
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(rank) = rank_of(io, self.squeeze_axis) else { return Ok(()) };
        let axis = axis_of(self.axis as i64, rank)?;
        io.set_input(0, PartialShape::of_rank(rank))?;
        let count = self.num_outputs as usize;
        let part = match io.inputs[0].dim(axis) {
            Some(whole) if whole % count != 0 => {
                let message = format!("axis {axis} of {whole} cannot be cut into {count} equal parts");
                return Err(OpError::invalid(message));
            }
            Some(whole) => Some(whole / count),
            None if self.squeeze_axis => Some(1),
            None => io.outputs.iter().find_map(|o| o.dim(axis)),
        };
        infer_parts(io, axis, self.squeeze_axis, &vec![part; count])?;
        let whole = (0..rank).map(|i| part.filter(|_| i == axis).map(|p| p * count));
        io.set_input(0, PartialShape::partial(whole))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = io.inputs[0].shape();
        let axis = axis_of(self.axis as i64, dims.len())?;
        let part = dims[axis] / self.num_outputs as usize;
        cut(io, axis, |_| part)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        join_heads(g, self.num_outputs as usize, self.axis, self.squeeze_axis)
    }
}

impl SplitV2 {
    /// The extents of the parts of an axis of `whole`.
    fn parts(&self, whole: usize) -> OpResult<Vec<Option<usize>>> {
        if self.sections > 0 {
            let (count, axis) = (self.sections as usize, whole);
            return Ok((0..count).map(|i| Some(axis / count + usize::from(i < axis % count))).collect());
        }
        let ends = self.indices.iter().skip(1).copied().chain([whole as i64]);
        let part = |(&begin, end): (&i64, i64)| {
            let inside = 0 <= begin && begin < end && end <= whole as i64;
            let wrong = || OpError::invalid(format!("indices: no part {begin}..{end} of an axis of {whole}"));
            if inside { Ok(Some((end - begin) as usize)) } else { Err(wrong()) }
        };
        let parts = self.indices.iter().zip(ends).map(part).collect::<OpResult<Vec<_>>>()?;
        match self.indices.first() {
            Some(0) => Ok(parts),
            _ => Err(OpError::invalid("indices must begin with 0")),
        }
    }
}

impl Operator for SplitV2 {
    fn num_outputs(&self) -> usize {
        if self.sections > 0 { self.sections as usize } else { self.indices.len() }
    }

    fn output_names(&self) -> Names {
        if self.num_outputs() == 1 { names!["output"] } else { names![] }
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(rank) = rank_of(io, self.squeeze_axis) else { return Ok(()) };
        let axis = axis_of(self.axis as i64, rank)?;
        let Some(whole) = io.inputs[0].dim(axis) else { return Ok(()) };
        let parts = self.parts(whole)?;
        infer_parts(io, axis, self.squeeze_axis, &parts)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let axis = axis_of(self.axis as i64, io.inputs[0].shape().len())?;
        let squeeze = self.squeeze_axis;
        cut(io, axis, |dims| if squeeze { 1 } else { dims[axis] })
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        join_heads(g, self.num_outputs(), self.axis, self.squeeze_axis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{backward, check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    fn slices(num_outputs: i32, axis: i32, squeeze_axis: bool) -> SliceChannel {
        SliceChannel { num_outputs, axis, squeeze_axis }
    }

    fn split(indices: &[i64], sections: i32) -> SplitV2 {
        SplitV2 { indices: indices.iter().copied().collect(), axis: 1, squeeze_axis: false, sections }
    }

    #[test]
    fn parts_are_cut_in_order() {
        let x = t32([2, 4], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        let out = run(&slices(2, 1, false), std::slice::from_ref(&x));
        assert_eq!((out[0].to_f64_vec(), out[1].to_f64_vec()), (vec![1.0, 2.0, 5.0, 6.0], vec![3.0, 4.0, 7.0, 8.0]));
        let out = run(&slices(2, 0, true), std::slice::from_ref(&x));
        assert_eq!((out[1].shape().as_ref(), out[1].to_f64_vec()), (&[4usize][..], vec![5.0, 6.0, 7.0, 8.0]));
        let out = run(&split(&[0, 1, 3], 0), &[x]);
        assert_eq!((out[1].to_f64_vec(), out[2].to_f64_vec()), (vec![2.0, 3.0, 6.0, 7.0], vec![4.0, 8.0]));
    }

    #[test]
    fn shapes_flow_in_both_directions() {
        assert_eq!(infer(&slices(2, 1, false), &[&[0, 4]], &[]).unwrap(), [vec![0, 4], vec![0, 2], vec![0, 2]]);
        assert_eq!(infer(&slices(2, 1, false), &[&[]], &[&[2, 3]]).unwrap(), [vec![2, 6], vec![2, 3], vec![2, 3]]);
        assert_eq!(infer(&slices(3, 1, true), &[&[]], &[&[2, 4]]).unwrap()[0], [2, 3, 4]);
        // numpy.array_split: the first parts take the remainder.
        assert_eq!(infer(&split(&[0], 4), &[&[1, 10]], &[]).unwrap()[1..], [[1, 3], [1, 3], [1, 2], [1, 2]]);
        assert!(infer(&slices(3, 1, false), &[&[2, 4]], &[]).is_err());
        assert!(infer(&slices(2, 1, true), &[&[2, 4]], &[]).is_err());
        assert!(infer(&slices(2, 2, false), &[&[2, 4]], &[]).is_err());
        assert!(infer(&split(&[0, 3, 2], 0), &[&[2, 4]], &[]).is_err());
        assert!(infer(&split(&[0, 9], 0), &[&[2, 4]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&slices(2, 1, false), &[[2, 4].into()], DType::Float64);
        check_gradient(&slices(3, 0, true), &[[3, 2].into()], DType::Float64);
        check_gradient(&split(&[0, 1, 3], 0), &[[2, 4].into()], DType::Float64);
    }

    #[test]
    fn a_part_without_gradient_counts_as_zero() {
        let x = t32([1, 4], &[1.0; 4]);
        let found = backward(&slices(2, 1, false), &[x], &[None, Some(t32([1, 2], &[5.0, 6.0]))]);
        assert_eq!(found[0].as_ref().unwrap().to_f64_vec(), [0.0, 0.0, 5.0, 6.0]);
    }
}
