//! Programs: built by [`Builder`], run by [`Program::run`].

use super::feed::Feed;
use super::op::Op;
use super::tile::WIDTH;

/// The most operands of a program.
pub const MAX_INPUTS: usize = 24;
/// The most results of a program.
pub const MAX_OUTPUTS: usize = 12;
/// The most intermediate values that are alive at one time.
pub const MAX_LIVE: usize = 24;

/// An operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arg {
    /// Operand of the program, by number.
    Input(u16),
    /// The value of an earlier instruction.
    Temp(u16),
    /// A number.
    Scalar(f32),
}

/// Where a value lies while a tile is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// Nowhere: the function has fewer operands.
    None,
    Input(u16),
    Output(u16),
    Slot(u16),
    Constant(u16),
}

/// One function with its operands.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) op: Op,
    pub(super) args: [Place; 3],
    pub(super) to: Place,
}

/// A sequence of elementwise functions, ready to run.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) feeds: Vec<Feed>,
    pub(super) constants: Vec<[f32; WIDTH]>,
    /// Estimated cost of 16 elements.
    pub(super) cost: usize,
    /// Tiles for intermediate values.
    pub(super) slots: usize,
    /// The step that computes each output.
    pub(super) written: Vec<u16>,
    /// The last step that reads each input.
    pub(super) last_read: Vec<u16>,
}

/// Collects the instructions of a [`Program`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    feeds: Vec<Feed>,
    instructions: Vec<(Op, [Arg; 3])>,
    outputs: Vec<u16>,
}

/// A program has more inputs, outputs or values alive at one time than fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fused program may have {MAX_INPUTS} inputs, {MAX_OUTPUTS} outputs and {MAX_LIVE} live values")]
pub struct TooLarge;

impl Builder {
    /// A program without instructions.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// One more operand.
    pub fn input(&mut self, feed: Feed) -> Arg {
        self.feeds.push(feed);
        Arg::Input(self.feeds.len() as u16 - 1)
    }

    /// The value of a function.
    ///
    /// # Panics
    /// When the number of operands is not the arity of the function, or an operand does not exist yet.
    pub fn push(&mut self, op: Op, args: &[Arg]) -> Arg {
        assert_eq!(args.len(), op.arity(), "operands of {op:?}");
        for &arg in args {
            match arg {
                Arg::Input(i) => assert!((i as usize) < self.feeds.len(), "input {i} is missing"),
                Arg::Temp(i) => assert!((i as usize) < self.instructions.len(), "value {i} is missing"),
                Arg::Scalar(_) => {}
            }
        }
        let mut all = [Arg::Scalar(0.0); 3];
        all[..args.len()].copy_from_slice(args);
        let second = match all[1] {
            Arg::Scalar(value) => Some(value),
            _ => None,
        };
        self.instructions.push((simplify(op, second), all));
        Arg::Temp(self.instructions.len() as u16 - 1)
    }

    /// One more result.
    pub fn output(&mut self, value: Arg) {
        let own = match value {
            Arg::Temp(i) if !self.outputs.contains(&i) => value,
            _ => self.push(Op::Copy, &[value]),
        };
        if let Arg::Temp(i) = own {
            self.outputs.push(i);
        }
    }

    /// The number of instructions so far.
    pub fn len(&self) -> usize {
        self.instructions.len()
    }

    /// Whether there are no instructions yet.
    pub fn is_empty(&self) -> bool {
        self.instructions.is_empty()
    }

    /// The program, without the instructions that no output needs.
    pub fn finish(self) -> Result<Program, TooLarge> {
        let uses = self.last_uses();
        let mut made = Program { feeds: self.feeds, written: vec![0; self.outputs.len()], ..Program::default() };
        made.last_read = vec![0; made.feeds.len()];
        let mut places = vec![Place::None; self.instructions.len()];
        let mut free = Vec::new();
        for (i, &(op, args)) in self.instructions.iter().enumerate().filter(|(i, _)| uses[*i] > 0) {
            let at = made.steps.len() as u16;
            let mut own = [Place::None; 3];
            for (place, &arg) in own.iter_mut().zip(&args[..op.arity()]) {
                *place = match arg {
                    Arg::Input(k) => Place::Input(k),
                    Arg::Temp(k) => places[k as usize],
                    Arg::Scalar(value) => made.constant(value),
                };
                if let Arg::Input(k) = arg {
                    made.last_read[k as usize] = at;
                }
            }
            for k in temps(op, &args).filter(|&k| uses[k as usize] == i + 1) {
                release(places[k as usize], &mut free);
            }
            places[i] = match self.outputs.iter().position(|&o| o as usize == i) {
                Some(k) => {
                    made.written[k] = at;
                    Place::Output(k as u16)
                }
                None => Place::Slot(free.pop().unwrap_or_else(|| made.slot())),
            };
            made.cost += op.cost();
            made.steps.push(Step { op, args: own, to: places[i] });
        }
        let fits = made.feeds.len() <= MAX_INPUTS && made.written.len() <= MAX_OUTPUTS && made.slots <= MAX_LIVE;
        fits.then_some(made).ok_or(TooLarge)
    }

    /// For every instruction 1 more than the last one that needs it, the number of them for outputs; 0 if none does.
    fn last_uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.instructions.len()];
        self.outputs.iter().for_each(|&o| uses[o as usize] = self.instructions.len() + 1);
        for (i, (op, args)) in self.instructions.iter().enumerate().rev() {
            if uses[i] > 0 {
                temps(*op, args).for_each(|k| uses[k as usize] = uses[k as usize].max(i + 1));
            }
        }
        uses
    }
}

fn temps(op: Op, args: &[Arg; 3]) -> impl Iterator<Item = u16> {
    let of = |arg: &Arg| match arg {
        Arg::Temp(k) => Some(*k),
        _ => None,
    };
    args[..op.arity()].iter().filter_map(of)
}

fn release(place: Place, free: &mut Vec<u16>) {
    if let Place::Slot(slot) = place
        && !free.contains(&slot)
    {
        free.push(slot);
    }
}

/// The same function in a cheaper form, given its second operand if that is a number. Results are those of this form
/// wherever a function is run.
pub(super) fn simplify(op: Op, second: Option<f32>) -> Op {
    match (op, second) {
        (Op::Power, Some(2.0)) => Op::Square,
        (Op::Power, Some(1.0)) => Op::Copy,
        (Op::Power, Some(-1.0)) => Op::Reciprocal,
        _ => op,
    }
}

impl Program {
    /// The number of operands.
    pub fn inputs(&self) -> usize {
        self.feeds.len()
    }

    /// The number of results.
    pub fn outputs(&self) -> usize {
        self.written.len()
    }

    /// The number of instructions that are run.
    pub fn instructions(&self) -> usize {
        self.steps.len()
    }

    fn slot(&mut self) -> u16 {
        self.slots += 1;
        self.slots as u16 - 1
    }

    fn constant(&mut self, value: f32) -> Place {
        let known = self.constants.iter().position(|c| c[0].to_bits() == value.to_bits());
        let at = known.unwrap_or_else(|| {
            self.constants.push([value; WIDTH]);
            self.constants.len() - 1
        });
        Place::Constant(at as u16)
    }
}
