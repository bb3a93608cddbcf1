//! `_arange`, `_linspace` and `_contrib_arange_like`: numbers at equal distances.

use crate::support::axis_of;
use rsym_graph::*;
use rsym_kernels::number::c_cast;
use rsym_tensor::{DType, PartialShape, Tensor, dispatch};

operator! {
    /// Counts from `start` up to but not including `stop`: `out[i] = start + step * (i / repeat)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | output | (ceil((stop - start) / step) · repeat,) | `dtype` |
    ///
    /// Whole-number types count with start and step cut to whole numbers.
    pub struct Arange("_arange") {
        inputs {}
        params {
            /// The first number; the end, counted from 0, if `stop` is not given.
            start: f64,
            /// The end, which is not reached.
            stop: Option<f64> = None,
            /// Distance of neighbours; negative to count down.
            step: f64 = 1.0,
            /// How often every number occurs.
            repeat: i32 = 1,
            /// Without `stop`: begin at `start` and let the use of the output decide how long to count.
            infer_range: bool = false,
            /// Ignored: the device is that of the executor.
            ctx: String = String::new(),
            /// Type of the output.
            dtype: DType = DType::Float32,
        }
    }
}

operator! {
    /// Divides an interval evenly: `out[i] = start + i * (stop - start) / (num - 1)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | output | (num,) | `dtype` |
    ///
    /// Without `endpoint` the divisor is `num`, and `stop` is not reached.
    #[aliases("_npi_linspace")]
    pub struct Linspace("_linspace") {
        inputs {}
        params {
            /// The first number.
            start: f64,
            /// The last number, or the end that is not reached.
            stop: f64,
            /// How many numbers.
            #[range(0..)]
            num: i32,
            /// Whether `stop` is the last number.
            endpoint: bool = true,
            /// Ignored: the device is that of the executor.
            ctx: String = String::new(),
            /// Type of the output.
            dtype: DType = DType::Float32,
        }
    }
}

operator! {
    /// Counts as many numbers as its input has: `out[i] = start + step * (i / repeat)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float or integer |
    /// | output | that of data, or (n,) with the extent n of `axis` | that of data |
    ///
    /// The gradient of data is zero.
    #[aliases("_npx_arange_like")]
    #[unnamed(true)]
    pub struct ArangeLike("_contrib_arange_like") {
        inputs { data: "Has the shape; its values are not read." }
        params {
            /// The first number.
            start: f64 = 0.0,
            /// Distance of neighbours.
            step: f64 = 1.0,
            /// How often every number occurs.
            #[range(1..)]
            repeat: i32 = 1,
            /// Ignored: the device is that of the executor.
            ctx: String = String::new(),
            /// Count along this axis only; negative numbers count from the end.
            axis: Option<i32> = None,
        }
    }
}

impl Arange {
    /// Start and, if it is known, the end.
    fn interval(&self) -> (f64, Option<f64>) {
        match self.stop {
            None if !self.infer_range => (0.0, Some(self.start)),
            stop => (self.start, stop),
        }
    }

    fn count(&self, start: f64, stop: f64) -> OpResult<usize> {
        let steps = ((stop - start) / self.step).ceil();
        if self.step == 0.0 || self.repeat < 1 || steps.is_nan() || steps < 1.0 {
            let message = format!(
                "there is nothing from {start} to {stop} with step {} and repeat {}: the step must lead to the end",
                self.step, self.repeat
            );
            return Err(OpError::invalid(message));
        }
        Ok((steps as usize).saturating_mul(self.repeat as usize))
    }
}

/// `out[i] = start + step * (i / repeat)`
fn count_up(out: &mut Tensor, start: f64, step: f64, repeat: i32) -> OpResult {
    let repeat = repeat.max(1) as usize;
    let whole = !out.dtype().is_float();
    let (start, step) = if whole { (start.trunc(), step.trunc()) } else { (start, step) };
    dispatch!(out.dtype(), T => {
        let numbers = out.slice_mut::<T>()?.iter_mut().enumerate();
        numbers.for_each(|(i, o)| *o = c_cast(start + step * (i / repeat) as f64))
    });
    Ok(())
}

impl Operator for Arange {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let (start, stop) = self.interval();
        match stop {
            None => io.set_output(0, PartialShape::of_rank(1)),
            Some(stop) => io.set_output(0, [self.count(start, stop)?]),
        }
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_output(0, self.dtype)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        count_up(&mut io.outputs[0], self.interval().0, self.step, self.repeat)
    }
}

impl Operator for Linspace {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.set_output(0, [self.num as usize])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.set_output(0, self.dtype)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let steps = if self.endpoint { self.num - 1 } else { self.num }.max(1);
        let step = (self.stop - self.start) / steps as f64;
        let number = |i: usize| {
            if self.endpoint && i > 0 && i == steps as usize { self.stop } else { self.start + step * i as f64 }
        };
        let out = &mut io.outputs[0];
        dispatch!(out.dtype(), T => {
            out.slice_mut::<T>()?.iter_mut().enumerate().for_each(|(i, o)| *o = c_cast(number(i)))
        });
        Ok(())
    }
}

impl Operator for ArangeLike {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let Some(axis) = self.axis else { return io.same() };
        let Some(rank) = io.inputs[0].rank() else { return Ok(()) };
        let axis = axis_of(axis as i64, rank)?;
        let extent = io.inputs[0].dim(axis);
        io.set_output(0, PartialShape::partial([extent]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        count_up(&mut io.outputs[0], self.start, self.step, self.repeat)
    }

    fn gradient(&self, _: &mut Grad) -> GraphResult {
        Ok(())
    }

    fn reads(&self, _: usize) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{infer, run, t32};

    fn make(name: &str, params: &[(&str, &str)]) -> OpRef {
        crate::registry().make(name, params).unwrap()
    }

    fn values(name: &str, params: &[(&str, &str)]) -> Vec<f64> {
        run(make(name, params).as_ref(), &[]).remove(0).to_f64_vec()
    }

    // MXNet 1.9.1: the same calls.
    #[test]
    fn ranges_of_mxnet() {
        assert_eq!(values("_arange", &[("start", "3")]), [0.0, 1.0, 2.0]);
        assert_eq!(values("_arange", &[("start", "5"), ("stop", "0"), ("step", "-2")]), [5.0, 3.0, 1.0]);
        assert_eq!(values("_arange", &[("start", "1"), ("stop", "3"), ("repeat", "2")]), [1.0, 1.0, 2.0, 2.0]);
        assert_eq!(
            values("_arange", &[("start", "0"), ("stop", "2"), ("step", "0.5"), ("dtype", "float64")]),
            [0.0, 0.5, 1.0, 1.5]
        );
        for (stop, step, repeat) in [("5", "-1", "1"), ("5", "0", "1"), ("3", "1", "0"), ("0", "1", "1")] {
            let op = make("_arange", &[("start", "0"), ("stop", stop), ("step", step), ("repeat", repeat)]);
            assert!(infer(op.as_ref(), &[], &[]).is_err(), "{stop} {step} {repeat}");
        }
        let open = make("_arange", &[("start", "1"), ("infer_range", "True")]);
        assert_eq!(infer(open.as_ref(), &[], &[&[4]]).unwrap(), [[4]]);
    }

    #[test]
    fn intervals_are_divided() {
        let line =
            |num, endpoint| values("_linspace", &[("start", "0"), ("stop", "1"), ("num", num), ("endpoint", endpoint)]);
        assert_eq!(line("5", "True"), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(line("4", "False"), [0.0, 0.25, 0.5, 0.75]);
        assert_eq!(line("1", "True"), [0.0]);
    }

    #[test]
    fn the_input_tells_how_many() {
        let x = t32([2, 3], &[9.0; 6]);
        let all = make("_contrib_arange_like", &[("repeat", "2"), ("start", "1")]);
        assert_eq!(run(all.as_ref(), std::slice::from_ref(&x))[0].to_f64_vec(), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
        let axis = make("_contrib_arange_like", &[("axis", "-1")]);
        assert_eq!(run(axis.as_ref(), &[x])[0].to_f64_vec(), [0.0, 1.0, 2.0]);
    }
}
