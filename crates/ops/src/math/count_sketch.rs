//! `_contrib_count_sketch`: a random projection that adds signed elements up in a few places (M. Charikar et al., "Finding
//! frequent items in data streams", 2002).
//!
//! MXNet runs it on GPUs only; here it follows its documentation and source.

use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::parallel::for_rows;
use rsym_tensor::{Element, Float, PartialShape, Tensor, dispatch_float};

operator! {
    /// Adds every element of a row, with its sign, to the place of the output that is drawn for it:
    /// `out[h[i]] += s[i] * data[i]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (…, d) | float |
    /// | h, s | (1, d) | that of data |
    /// | output | (…, out_dim) | that of data |
    ///
    /// Of further rows of h and s none is read. A place outside of the output is an error. The gradients of h and s are zero.
    /// MXNet takes two or four dimensions and computes on GPUs only.
    pub struct CountSketch("_contrib_count_sketch") {
        inputs { data: "The rows.", h: "The place of every element, from 0 on.", s: "The sign of every element: 1 or -1." }
        params {
            /// Extent of the output.
            #[range(1..)]
            out_dim: i32,
            /// Accepted and ignored: how many rows MXNet computes at a time.
            processing_batch_size: i32 = 32,
        }
    }
}

operator! {
    /// The gradient of `_contrib_count_sketch`.
    #[hidden(true)]
    pub struct CountSketchBackward("_backward_contrib_count_sketch") {
        inputs { ograd: "Gradient of the output.", h: "The places.", s: "The signs." }
        params {}
    }
}

/// The places of the elements of a row.
fn places<T: Element>(h: &Tensor, d: usize, out_dim: usize) -> OpResult<Vec<usize>> {
    let place = |v: &T| match usize::try_from(v.to_i64()) {
        Ok(place) if place < out_dim => Ok(place),
        _ => Err(OpError::invalid(format!("h holds places from 0 to {}, got {v}", out_dim - 1))),
    };
    h.slice::<T>()?.iter().take(d).map(place).collect()
}

impl CountSketch {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let [data, h, s] = io.inputs else { return Err(OpError::invalid("takes three inputs")) };
        let (d, out_dim) = (data.shape().last().copied().unwrap_or(1), self.out_dim as usize);
        let (places, signs) = (places::<T>(h, d, out_dim)?, s.slice::<T>()?);
        let data = data.slice::<T>()?;
        for_rows(io.outputs[0].slice_mut::<T>()?, out_dim, d + out_dim, |row, out| {
            let mut sums = vec![0f64; out_dim];
            for ((&place, s), v) in places.iter().zip(signs).zip(&data[row * d..]) {
                sums[place] += s.to_f64() * v.to_f64();
            }
            out.iter_mut().zip(sums).for_each(|(o, sum)| *o = T::from_f64(sum));
        });
        Ok(())
    }
}

impl Operator for CountSketch {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(mut dims) = io.inputs[0].dims() else { return Ok(()) };
        let Some(last) = dims.last_mut() else {
            return Err(OpError::invalid("data must have one dimension or more, got a scalar"));
        };
        let d = last.replace(self.out_dim as usize);
        io.set_output(0, PartialShape::partial(dims))?;
        for i in 1..3 {
            let rows = if io.inputs[i].rank().is_none() { Some(1) } else { None };
            io.set_input(i, PartialShape::partial([rows, d]))?;
        }
        let batch: Vec<_> = io.outputs[0].dims().unwrap_or_default().to_vec();
        io.set_input(0, PartialShape::partial(batch[..batch.len() - 1].iter().copied().chain([d])))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        if g.needs(0) {
            let inputs = [g.head(0)?, g.input(1), g.input(2)];
            let gradient = g.apply(CountSketchBackward {}, &inputs);
            g.set(0, gradient);
        }
        Ok(())
    }
}

impl CountSketchBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let [head, h, s] = io.inputs else { return Err(OpError::invalid("takes three inputs")) };
        let out_dim = head.shape().last().copied().unwrap_or(1);
        let d = io.outputs[0].shape().last().copied().unwrap_or(1);
        let (places, signs) = (places::<T>(h, d, out_dim)?, s.slice::<T>()?);
        let head = head.slice::<T>()?;
        for_rows(io.outputs[0].slice_mut::<T>()?, d, d, |row, out| {
            let head = &head[row * out_dim..];
            for ((o, &place), s) in out.iter_mut().zip(&places).zip(signs) {
                *o = T::from_f64(s.to_f64() * head[place].to_f64());
            }
        });
        Ok(())
    }
}

impl Operator for CountSketchBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let (Some(mut dims), Some(d)) = (io.inputs[0].dims(), io.inputs[1].dim(1)) else { return Ok(()) };
        if let Some(last) = dims.last_mut() {
            *last = Some(d);
        }
        io.set_output(0, PartialShape::partial(dims))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, infer, run, run_with, t32};

    fn sketch(out_dim: i32) -> CountSketch {
        CountSketch { out_dim, processing_batch_size: 32 }
    }

    fn inputs(h: [f32; 3]) -> [Tensor; 3] {
        let data = t32([2, 3], &[1.2, 2.5, 3.4, 3.2, 5.7, 6.6]);
        [data, t32([1, 3], &h), t32([1, 3], &[1.0, -1.0, 1.0])]
    }

    // The example of MXNet's documentation.
    #[test]
    fn elements_go_to_their_places() {
        let out = run(&sketch(5), &inputs([0.0, 3.0, 4.0])).remove(0);
        assert_close(&out, &[1.2, 0.0, 0.0, -2.5, 3.4, 3.2, 0.0, 0.0, -5.7, 6.6]);
        let out = run(&sketch(2), &inputs([1.0, 1.0, 0.0])).remove(0);
        assert_close(&out, &[3.4, -1.3, 6.6, -2.5]);
    }

    #[test]
    fn the_gradient_comes_back_from_there() {
        let head = t32([2, 2], &[1.0, 2.0, 3.0, 4.0]);
        let found = backward(&sketch(2), &inputs([1.0, 1.0, 0.0]), &[Some(head)]);
        assert_close(found[0].as_ref().unwrap(), &[2.0, -2.0, 1.0, 4.0, -4.0, 3.0]);
        assert!(found[1].is_none() && found[2].is_none());
    }

    #[test]
    fn shapes_and_refusals() {
        assert_eq!(infer(&sketch(5), &[&[2, 7, 3], &[], &[]], &[]).unwrap()[1..], [vec![1, 3], vec![1, 3], vec![2, 7, 5]]);
        assert!(infer(&sketch(5), &[&[2, 3], &[1, 4], &[]], &[]).is_err());
        let error = run_with(&sketch(4), &inputs([0.0, 3.0, 4.0]), &Ctx::default()).unwrap_err();
        assert!(error.to_string().contains("from 0 to 3, got 4"), "{error}");
    }
}
