//! `RNN`: recurrent layers over whole sequences.
//!
//! The parameters are one vector: for every layer and each of its directions the input weight, the recurrent weight and the
//! projection, each gate after gate; then for every layer and direction the biases of the input and of the recurrent part.

use crate::index::positions::whole_numbers;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::random::Key;
use rsym_kernels::rnn::{
    Cell, Clip, Dropout, Gradients, Heads, Outputs, PackedRnn, RnnGeometry, RnnMode, rnn, rnn_backward,
};
use rsym_tensor::{DType, PartialShape, Shape, Tensor};
use std::borrow::Cow;

enum_param! {
    /// Kind of recurrent layer.
    pub enum Mode {
        Gru = "gru",
        Lstm = "lstm",
        RnnRelu = "rnn_relu",
        RnnTanh = "rnn_tanh",
    }
}

operator! {
    /// Recurrent layers over whole sequences: plain, LSTM or GRU.
    ///
    /// At each step `x` is the input, `h` the state of the step before:
    ///
    /// - `rnn_relu`, `rnn_tanh`: `h' = f(W x + b + R h + c)`;
    /// - `lstm`: `i, f, o = sigmoid(…)`, `g = tanh(…)` of four such sums in the order i, f, g, o;
    ///   `cell' = f cell + i g`, `h' = o tanh(cell')`;
    /// - `gru`: `r, z = sigmoid(…)` of two such sums; `n = tanh(W x + b + r (R h + c))`, `h' = (1 - z) n + z h`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (steps, batch, inputs) | float32 or float64 |
    /// | parameters | one vector, see below | that of data |
    /// | state | (layers · directions, batch, width) | that of data |
    /// | state_cell | (layers · directions, batch, state_size), only for `lstm` | that of data |
    /// | sequence_length | (batch,), only with `use_sequence_length` | any |
    /// | output | (steps, batch, directions · width) | that of data |
    /// | state_output, statecell_output | as state and state_cell, with `state_outputs` | that of data |
    ///
    /// `width` is `projection_size` if given, else `state_size`. `parameters` holds, for every layer and each of its
    /// directions, `W` (gates · state_size, inputs), `R` (gates · state_size, width) and the projection
    /// (projection_size, state_size), and after all of these, for every layer and direction, the biases `b` and `c`. Further
    /// layers have directions · width inputs.
    ///
    /// Behind the end of a sequence the output is 0, and the last state is that at its end; the backward direction starts
    /// there. Sequence lengths, clipping and the gradient of projections work here, while MXNet has them on GPUs alone.
    ///
    /// Source: Elman, Finding Structure in Time (1990); Hochreiter and Schmidhuber, Long Short-Term Memory (1997); Sak et
    /// al., Long Short-Term Memory Based Recurrent Neural Network Architectures (2014); Cho et al., Learning Phrase
    /// Representations using RNN Encoder-Decoder (2014).
    #[aliases("_npx_rnn")]
    #[check(Rnn::check)]
    pub struct Rnn("RNN") {
        inputs {
            data: "The sequences.",
            parameters: "All weights and biases.",
            state: "The first states.",
            state_cell: "The first cells of LSTM.",
            sequence_length: "Steps of each sequence.",
        }
        params {
            /// Units of a layer in one direction.
            #[range(1..)]
            state_size: u32,
            /// Number of layers.
            #[range(1..)]
            num_layers: u32,
            /// Whether every layer also runs backwards in time.
            bidirectional: bool = false,
            /// Kind of the layers.
            mode: Mode,
            /// Probability that an element between two layers becomes zero in training.
            #[range(0.0..=1.0)]
            p: f32 = 0.0,
            /// Whether the last states are outputs.
            state_outputs: bool = false,
            /// Size to which the states of LSTM are projected.
            projection_size: Option<i32> = None,
            /// Least value of the cells of LSTM; only together with `lstm_state_clip_max`.
            lstm_state_clip_min: Option<f64> = None,
            /// Greatest value of the cells of LSTM.
            lstm_state_clip_max: Option<f64> = None,
            /// Whether NaN in a cell becomes the least value; ignored without bounds.
            lstm_state_clip_nan: bool = false,
            /// Whether the sequences have lengths of their own.
            use_sequence_length: bool = false,
        }
    }
}

operator! {
    /// Gradients of `RNN` for data, parameters, state and state_cell, those that are asked for.
    #[hidden(true)]
    pub struct RnnBackward("_backward_RNN") {
        inputs {}
        params {
            /// As in `RNN`.
            state_size: u32,
            /// As in `RNN`.
            num_layers: u32,
            /// As in `RNN`.
            bidirectional: bool,
            /// As in `RNN`.
            mode: Mode,
            /// As in `RNN`.
            p: f32,
            /// As in `RNN`.
            projection_size: Option<i32>,
            /// As in `RNN`.
            lstm_state_clip_min: Option<f64>,
            /// As in `RNN`.
            lstm_state_clip_max: Option<f64>,
            /// As in `RNN`.
            lstm_state_clip_nan: bool,
            /// As in `RNN`.
            use_sequence_length: bool,
            /// Outputs whose gradients arrive.
            heads: Tuple,
            /// Inputs whose gradients are wanted.
            wanted: Tuple,
        }
    }
}

/// The form of packed parameters in a cache.
const PACKED: u64 = 0x2e2e;

impl Rnn {
    fn check(&self) -> Result<(), String> {
        let bounds = (self.lstm_state_clip_min, self.lstm_state_clip_max);
        let lstm = self.mode == Mode::Lstm;
        match bounds {
            (None, None) => {}
            _ if !lstm => return Err("lstm_state_clip_min and lstm_state_clip_max are only for mode='lstm'".into()),
            (Some(low), Some(high)) if low <= high => {}
            (Some(low), Some(high)) => {
                return Err(format!("lstm_state_clip_min must be at most lstm_state_clip_max, got {low} and {high}"));
            }
            _ => return Err("lstm_state_clip_min and lstm_state_clip_max go together".into()),
        }
        match self.projection_size {
            Some(_) if !lstm => Err("projection_size is only for mode='lstm'".into()),
            Some(size) if size < 1 => Err(format!("projection_size must be positive, got {size}")),
            _ => Ok(()),
        }
    }

    /// Sizes that do not depend on the data.
    fn geometry(&self) -> RnnGeometry {
        let mode = match self.mode {
            Mode::Gru => RnnMode::Gru,
            Mode::Lstm => RnnMode::Lstm,
            Mode::RnnRelu => RnnMode::Relu,
            Mode::RnnTanh => RnnMode::Tanh,
        };
        let clip = self.lstm_state_clip_min.zip(self.lstm_state_clip_max);
        RnnGeometry {
            mode,
            layers: self.num_layers as usize,
            directions: 1 + self.bidirectional as usize,
            steps: 0,
            batch: 0,
            inputs: 0,
            hidden: self.state_size as usize,
            projection: self.projection_size.unwrap_or(0) as usize,
            dropout: self.p > 0.0,
            clip: clip.map(|(low, high)| Clip { low, high, nan: self.lstm_state_clip_nan }),
            lengths: self.use_sequence_length.then(Vec::new),
        }
    }

    fn sized(&self, data: &Shape) -> RnnGeometry {
        RnnGeometry { steps: data[0], batch: data[1], inputs: data[2], ..self.geometry() }
    }

    /// Sizes and lengths of running sequences.
    fn running(&self, inputs: &[Tensor]) -> OpResult<RnnGeometry> {
        let mut g = self.sized(inputs[0].shape());
        if self.use_sequence_length {
            let lengths = whole_numbers(&inputs[3 + self.has_cells() as usize])?;
            g.lengths = Some(lengths.into_iter().map(|n| length(n, g.steps)).collect::<OpResult<_>>()?);
        }
        Ok(g)
    }

    fn has_cells(&self) -> bool {
        self.mode == Mode::Lstm
    }

    fn cells<'a, C: Cell>(&self, inputs: &'a [Tensor]) -> OpResult<Option<&'a [C]>> {
        Ok(if self.has_cells() { Some(inputs[3].slice()?) } else { None })
    }
}

fn length(value: i64, steps: usize) -> OpResult<usize> {
    usize::try_from(value)
        .ok()
        .filter(|v| *v <= steps)
        .ok_or_else(|| OpError::invalid(format!("sequence_length must be between 0 and {steps}, got {value}")))
}

/// A number for everything that packed parameters depend on besides their values.
fn form(g: &RnnGeometry) -> u64 {
    let sizes = [g.mode as usize, g.layers, g.directions, g.inputs, g.hidden, g.projection];
    sizes.into_iter().fold(PACKED, |form, size| form.wrapping_mul(0x100_0000_01b3) ^ size as u64)
}

impl Operator for Rnn {
    fn inputs(&self) -> Names {
        let has = [true, true, true, self.has_cells(), self.use_sequence_length];
        let names = Self::DEF.inputs.iter().zip(has).filter(|(_, has)| *has);
        names.map(|(input, _)| Cow::Borrowed(input.name)).collect()
    }

    fn num_inputs(&self) -> usize {
        3 + self.has_cells() as usize + self.use_sequence_length as usize
    }

    fn output_names(&self) -> Names {
        match (self.state_outputs, self.has_cells()) {
            (false, _) => names!["output", "reserve"],
            (true, false) => names!["output", "state_output", "reserve"],
            (true, true) => names!["output", "state_output", "statecell_output", "reserve"],
        }
    }

    fn num_outputs(&self) -> usize {
        self.num_visible() + 1
    }

    fn num_visible(&self) -> usize {
        if self.state_outputs { 2 + self.has_cells() as usize } else { 1 }
    }

    fn num_written(&self) -> usize {
        self.num_visible()
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        if io.inputs[0].rank().is_none() {
            return Ok(());
        }
        io.set_input(0, PartialShape::of_rank(3))?;
        let g = self.geometry();
        let (layers, width) = (Some(g.layers * g.directions), Some(g.width()));
        let [steps, batch, inputs] = [0, 1, 2].map(|i| io.inputs[0].dim(i));
        let steps = steps.or(io.outputs[0].dim(0));
        let batch = batch.or(io.outputs[0].dim(1)).or(io.inputs[2].dim(1));
        io.set_input(0, PartialShape::partial([steps, batch, inputs]))?;
        io.set_input(1, PartialShape::partial([inputs.map(|inputs| RnnGeometry { inputs, ..g.clone() }.params())]))?;
        let state = PartialShape::partial([layers, batch, width]);
        let cell = PartialShape::partial([layers, batch, Some(g.hidden)]);
        io.set_input(2, state.clone())?;
        if self.has_cells() {
            io.set_input(3, cell.clone())?;
        }
        if self.use_sequence_length {
            io.set_input(self.num_inputs() - 1, PartialShape::partial([batch]))?;
        }
        io.set_output(0, PartialShape::partial([steps, batch, Some(g.features())]))?;
        if self.state_outputs {
            io.set_output(1, state)?;
        }
        if self.num_visible() == 3 {
            io.set_output(2, cell)?;
        }
        let reserve = io.input(0).map(|data| self.sized(&data).reserve());
        io.set_output(self.num_visible(), PartialShape::partial([reserve]))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        let main = 3 + self.has_cells() as usize;
        let (inputs, outputs): (Vec<_>, Vec<_>) = ((0..main).collect(), (0..io.outputs.len()).collect());
        io.unify(&inputs, &outputs)?;
        match (io.inputs.get(main), io.inputs[0]) {
            (Some(None), Some(dtype)) => io.set_input(main, dtype),
            _ => Ok(()),
        }
    }

    fn is_random(&self) -> bool {
        self.p > 0.0
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        match io.outputs[0].dtype() {
            DType::Float32 => self.run::<f32>(io, ctx),
            DType::Float64 => self.run::<f64>(io, ctx),
            other => unsupported(other, "float32 or float64"),
        }
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let heads: Vec<usize> = (0..self.num_visible()).filter(|&o| g.head_opt(o).is_some()).collect();
        let wanted: Vec<usize> = (0..3 + self.has_cells() as usize).filter(|&i| g.needs(i)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let tuple = |of: &[usize]| of.iter().map(|&i| i as i64).collect();
        let op = RnnBackward {
            state_size: self.state_size,
            num_layers: self.num_layers,
            bidirectional: self.bidirectional,
            mode: self.mode,
            p: self.p,
            projection_size: self.projection_size,
            lstm_state_clip_min: self.lstm_state_clip_min,
            lstm_state_clip_max: self.lstm_state_clip_max,
            lstm_state_clip_nan: self.lstm_state_clip_nan,
            use_sequence_length: self.use_sequence_length,
            heads: tuple(&heads),
            wanted: tuple(&wanted),
        };
        let mut inputs: Vec<Entry> = (0..g.num_inputs()).map(|i| g.input(i)).collect();
        inputs.extend([g.output(0), g.output(self.num_visible())]);
        inputs.extend(heads.iter().filter_map(|&o| g.head_opt(o)));
        for (i, gradient) in wanted.into_iter().zip(g.apply_multi(op, &inputs)) {
            g.set(i, gradient);
        }
        Ok(())
    }
}

impl Rnn {
    fn run<C: Cell>(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let g = self.running(io.inputs)?;
        let [data, parameters, state] = [0, 1, 2].map(|i| io.inputs[i].slice::<C>());
        let (data, parameters, state, cells) = (data?, parameters?, state?, self.cells(io.inputs)?);
        let key = Key { seed: ctx.seed, stream: ctx.stream };
        let dropout = (g.dropout && ctx.is_train).then_some(Dropout { key, keep: 1.0 - self.p as f64 });
        let mut outputs = io.outputs.iter_mut().map(|o| o.slice_mut::<C>());
        let mut next = |wanted: bool| if wanted { outputs.next().transpose() } else { Ok(None) };
        let (y, hy) = (next(true)?, next(self.state_outputs)?);
        let cy = next(self.state_outputs && self.has_cells())?;
        let (Some(y), Some(reserve)) = (y, next(true)?) else { return Err(OpError::invalid("an output is missing")) };
        let out = Outputs { y, hy, cy, reserve };
        let pack = |old| PackedRnn::<C>::pack(old, &g, parameters);
        let given = |packed: &PackedRnn<C>| rnn(&g, (packed, parameters), data, (state, cells), dropout, out);
        match ctx.cache {
            Some(cache) => given(&cache.get(form(&g), &[&io.inputs[1]], pack)),
            None => given(&pack(None)),
        }
        Ok(())
    }
}

impl RnnBackward {
    /// The operator whose gradient this is.
    fn of(&self) -> Rnn {
        Rnn {
            state_size: self.state_size,
            num_layers: self.num_layers,
            bidirectional: self.bidirectional,
            mode: self.mode,
            p: self.p,
            state_outputs: false,
            projection_size: self.projection_size,
            lstm_state_clip_min: self.lstm_state_clip_min,
            lstm_state_clip_max: self.lstm_state_clip_max,
            lstm_state_clip_nan: self.lstm_state_clip_nan,
            use_sequence_length: self.use_sequence_length,
        }
    }

    fn run<C: Cell>(&self, io: &mut Io) -> OpResult {
        let of = self.of();
        let (g, own) = (of.running(io.inputs)?, of.num_inputs());
        let slice = |i: usize| io.inputs[i].slice::<C>();
        let head = |output: i64| {
            let at = self.heads.iter().position(|&head| head == output);
            at.map(|at| io.inputs[own + 2 + at].slice::<C>()).transpose()
        };
        let heads = Heads { y: head(0)?, hy: head(1)?, cy: head(2)? };
        let mut outputs = io.outputs.iter_mut().map(|o| o.slice_mut::<C>());
        let mut next = |input: i64| if self.wanted.contains(&input) { outputs.next().transpose() } else { Ok(None) };
        let out = Gradients { x: next(0)?, params: next(1)?, hx: next(2)?, cx: next(3)? };
        let states = (slice(2)?, of.cells(io.inputs)?);
        rnn_backward(&g, slice(1)?, slice(0)?, states, (slice(own)?, slice(own + 1)?), heads, out);
        Ok(())
    }
}

impl Operator for RnnBackward {
    fn inputs(&self) -> Names {
        let heads = self.heads.iter().map(|head| Cow::Owned(format!("ograd{head}")));
        let kept = [Cow::Borrowed("output"), Cow::Borrowed("reserve")];
        self.of().inputs().iter().cloned().chain(kept).chain(heads).collect()
    }

    fn num_inputs(&self) -> usize {
        self.of().num_inputs() + 2 + self.heads.len()
    }

    fn num_outputs(&self) -> usize {
        self.wanted.len()
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let wanted = self.wanted.iter().enumerate();
        wanted.map(|(o, &i)| (o, i as usize)).try_for_each(|(o, i)| io.set_output(o, io.inputs[i].clone()))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &(0..io.outputs.len()).collect::<Vec<_>>())
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn reads(&self, input: usize) -> bool {
        input != self.of().num_inputs() || !self.use_sequence_length
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        match io.outputs[0].dtype() {
            DType::Float32 => self.run::<f32>(io),
            DType::Float64 => self.run::<f64>(io),
            other => unsupported(other, "float32 or float64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, check_gradient_at, infer, run, run_with, sample, t32};

    fn op(mode: Mode) -> Rnn {
        Rnn {
            state_size: 3,
            num_layers: 2,
            bidirectional: true,
            mode,
            p: 0.0,
            state_outputs: true,
            projection_size: None,
            lstm_state_clip_min: None,
            lstm_state_clip_max: None,
            lstm_state_clip_nan: false,
            use_sequence_length: false,
        }
    }

    const MODES: [Mode; 4] = [Mode::RnnRelu, Mode::RnnTanh, Mode::Lstm, Mode::Gru];

    /// Inputs for two sequences of four steps with two features.
    fn inputs(op: &Rnn) -> Vec<Tensor> {
        let none: &[i64] = &[];
        let mut given = vec![none; op.num_inputs()];
        given[0] = &[4, 2, 2];
        let shapes = infer(op, &given, &[]).unwrap();
        let shape = |i: usize| shapes[i].iter().map(|&d| d as usize).collect::<Shape>();
        let main = 3 + op.has_cells() as usize;
        let mut all: Vec<Tensor> = (0..main).map(|i| sample(&shape(i), DType::Float64, i as u64 + 1)).collect();
        if op.use_sequence_length {
            all.push(Tensor::from_slice([2], &[3.0, 4.0]).unwrap());
        }
        all
    }

    #[test]
    fn one_unit_computes_the_formula() {
        let one = |mode| Rnn { state_size: 1, num_layers: 1, bidirectional: false, state_outputs: false, ..op(mode) };
        let values = |mode, params: &[f32]| {
            let mut inputs = vec![t32([1, 1, 1], &[0.5]), t32([params.len()], params), t32([1, 1, 1], &[0.25])];
            inputs.extend((mode == Mode::Lstm).then(|| t32([1, 1, 1], &[2.0])));
            run(&one(mode), &inputs).remove(0)
        };
        assert_close(&values(Mode::RnnTanh, &[2.0, 4.0, 0.5, -0.5]), &[2f64.tanh()]);
        assert_close(&values(Mode::RnnRelu, &[-2.0, -4.0, 0.5, -0.5]), &[0.0]);
        let half = |x: f64| 1.0 / (1.0 + (-x).exp());
        let gates = [1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.2, 0.3, 0.4, 0.0, 0.0, 0.0, 0.0];
        let cell = half(1.2) * 2.0 + half(0.6) * 1.8f64.tanh();
        assert_close(&values(Mode::Lstm, &gates), &[half(2.4) * cell.tanh()]);
        let gates = [1.0, 2.0, 3.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        let new = (1.5 + half(0.5) * 2.0).tanh();
        assert_close(&values(Mode::Gru, &gates), &[(1.0 - half(1.0)) * new + half(1.0) * 0.25]);
    }

    #[test]
    fn the_data_tells_the_other_shapes() {
        let op = Rnn { projection_size: Some(2), use_sequence_length: true, ..op(Mode::Lstm) };
        let found = infer(&op, &[&[7, 0, 5], &[], &[], &[], &[]], &[&[0, 4, 0]]).unwrap();
        let params = 2 * 12 * (5 + 2 + 2) + 2 * 12 * (4 + 2 + 2) + 4 * 6;
        assert_eq!(found[..5], [vec![7, 4, 5], vec![params], vec![4, 4, 2], vec![4, 4, 3], vec![4]]);
        assert_eq!(found[5..8], [vec![7, 4, 4], vec![4, 4, 2], vec![4, 4, 3]]);
        assert!(infer(&op, &[&[7, 5], &[], &[], &[], &[]], &[]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        for mode in MODES {
            check_gradient_at(&op(mode), &inputs(&op(mode)));
        }
        let clip = Rnn { lstm_state_clip_min: Some(-0.1), lstm_state_clip_max: Some(0.2), ..op(Mode::Lstm) };
        check_gradient_at(&clip, &inputs(&clip));
        let dropping = Rnn { p: 0.5, projection_size: Some(2), ..op(Mode::Lstm) };
        check_gradient_at(&dropping, &inputs(&dropping));
    }

    #[test]
    fn absent_heads_are_zero() {
        for mode in MODES {
            let (op, inputs) = (op(mode), inputs(&op(mode)));
            let outputs = run(&op, &inputs);
            let zeros = |i: usize| Tensor::full(outputs[i].shape().clone(), DType::Float64, 0.0).unwrap();
            let head = sample(outputs[1].shape(), DType::Float64, 5);
            let mut some = vec![None, Some(head.clone())];
            let mut all = vec![Some(zeros(0)), Some(head)];
            if op.has_cells() {
                some.push(None);
                all.push(Some(zeros(2)));
            }
            for (a, b) in backward(&op, &inputs, &some).iter().zip(backward(&op, &inputs, &all)) {
                assert_eq!(a.as_ref().unwrap().to_f64_vec(), b.unwrap().to_f64_vec());
            }
        }
    }

    #[test]
    fn steps_behind_the_end_of_a_sequence_do_not_count() {
        for mode in MODES {
            let with = Rnn { use_sequence_length: true, ..op(mode) };
            let all = inputs(&with);
            let found = run(&with, &all);
            let three = |i: usize| if i == 0 { all[0].rows(0, 3).unwrap() } else { all[i].clone() };
            let short = run(&op(mode), &(0..3 + with.has_cells() as usize).map(three).collect::<Vec<_>>());
            let (found, short) = (found[0].to_f64_vec(), short[0].to_f64_vec());
            for step in 0..4 {
                let row = &found[step * 12..][..6];
                let want = short.get(step * 12..).map_or(&[0.0; 6][..], |rest| &rest[..6.min(rest.len())]);
                assert!(row.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12), "{row:?} {want:?}");
            }
        }
    }

    #[test]
    fn dropout_is_for_training() {
        let op = Rnn { p: 0.9, ..op(Mode::Gru) };
        let inputs = inputs(&op);
        let infer = run_with(&op, &inputs, &Ctx::default()).unwrap().remove(0);
        let plain = run(&Rnn { p: 0.0, ..op.clone() }, &inputs).remove(0);
        assert_eq!(infer.to_f64_vec(), plain.to_f64_vec());
        assert_ne!(run(&op, &inputs)[0].to_f64_vec(), plain.to_f64_vec());
    }

    #[test]
    fn contradictions_are_refused() {
        let parse = |params: &[(&str, &str)]| {
            let mut texts = ParamTexts::default();
            let base = [("state_size", "2"), ("num_layers", "1"), ("mode", "lstm")];
            base.iter().chain(params).for_each(|(k, v)| texts.set(k.to_string(), v.to_string()));
            Rnn::from_texts(&texts)
        };
        assert!(parse(&[("lstm_state_clip_min", "-1"), ("lstm_state_clip_max", "1")]).is_ok());
        assert!(parse(&[("lstm_state_clip_min", "-1")]).is_err());
        assert!(parse(&[("lstm_state_clip_min", "1"), ("lstm_state_clip_max", "-1")]).is_err());
        assert!(parse(&[("projection_size", "1"), ("mode", "gru")]).is_err());
        assert!(parse(&[("projection_size", "0")]).is_err());
        let long = Rnn { use_sequence_length: true, ..op(Mode::Gru) };
        let mut given = inputs(&long);
        given[3] = Tensor::from_slice([2], &[5.0, 1.0]).unwrap();
        assert!(run_with(&long, &given, &Ctx::default()).is_err());
    }
}
