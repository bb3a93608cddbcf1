//! Running a program: tile after tile through all of its steps.

use super::feed::Feed;
use super::op::Op;
use super::program::{MAX_INPUTS, MAX_LIVE, MAX_OUTPUTS, Place, Program, Step, simplify};
use super::tile::{self, Source, WIDTH};
use crate::parallel::for_tasks;
use crate::scratch::with_scratch;
use crate::simd::{Tier, tier};

/// Elements of a tile: a few of them fit a first-level cache.
const TILE: usize = 1024;
/// Cost of a chunk of tiles in the units of [`crate::parallel`].
const CHUNK_COST: usize = 1 << 15;

/// An operand of a running program.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// Memory that is not written meanwhile.
    Slice(&'a [f32]),
    /// What an output, by number, holds before the run. Its feed must be [`Feed::Full`].
    Out(usize),
}

/// What all chunks of a run share.
struct Run<'a> {
    steps: &'a [Step],
    cost: usize,
    feeds: &'a [Feed],
    constants: &'a [[f32; WIDTH]],
    slots: usize,
    tier: Tier,
    len: usize,
    tile: usize,
    inputs: [*const f32; MAX_INPUTS],
    outputs: [*mut f32; MAX_OUTPUTS],
    count: usize,
    /// Outputs, as bits, that are written at the end of a tile, because an operand in the same memory is read after the
    /// step that computes them.
    late: u32,
}

// SAFETY: the pointers are to slices borrowed for the run; chunks write disjoint parts.
unsafe impl Sync for Run<'_> {}

impl Program {
    /// Computes `len` elements of every output.
    ///
    /// # Panics
    /// When the operands and outputs are not those of the program in number or size.
    pub fn run(&self, len: usize, inputs: &[Operand], outputs: &mut [&mut [f32]]) {
        assert_eq!((inputs.len(), outputs.len()), (self.feeds.len(), self.written.len()), "operands of a program");
        let mut run = Run::new((&self.steps, self.cost), &self.feeds, &self.constants, self.slots, len);
        for (place, out) in run.outputs.iter_mut().zip(outputs) {
            assert_eq!(out.len(), len, "output of a program");
            *place = out.as_mut_ptr();
        }
        run.count = self.written.len();
        for (i, operand) in inputs.iter().enumerate() {
            if let Operand::Out(k) = *operand {
                run.late |= ((self.last_read[i] > self.written[k]) as u32) << k;
            }
            run.bind(i, operand);
        }
        run.start();
    }
}

/// `out = op(args)`: a program of one instruction, without building it. Scalars and operands given with their shapes are
/// broadcast to the shape of the output; one that is the output is `Operand::Out(0)`.
///
/// # Panics
/// When the operands do not fit in number or size.
pub fn apply(op: Op, args: &[Given], (out, dims): (&mut [f32], &[usize])) {
    assert_eq!(args.len(), op.arity(), "operands of {op:?}");
    assert_eq!(out.len(), dims.iter().product::<usize>(), "output and its shape");
    let op = simplify(op, args.get(1).and_then(Given::scalar));
    let (mut constants, mut sources, mut whole) = ([[0.0; WIDTH]; 3], [Source::NONE; 3], true);
    for (i, arg) in args.iter().enumerate() {
        match arg {
            Given::Scalar(value) => {
                constants[i] = [*value; WIDTH];
                sources[i].at = constants[i].as_ptr();
            }
            Given::Tensor(Operand::Slice(data), _) if data.len() == out.len() => {
                sources[i] = Source { at: data.as_ptr(), step: WIDTH };
            }
            Given::Tensor(Operand::Out(0), own) if *own == dims => {
                sources[i] = Source { at: out.as_ptr(), step: WIDTH };
            }
            Given::Tensor(..) => whole = false,
        }
    }
    if whole {
        return Whole { op, tier: tier(), sources, out: out.as_mut_ptr(), len: out.len() }.start();
    }
    repeated(op, args, &constants, (out, dims));
}

/// One function of operands that are as large as the output, or numbers.
struct Whole {
    op: Op,
    tier: Tier,
    sources: [Source; 3],
    out: *mut f32,
    len: usize,
}

// SAFETY: the pointers are to slices borrowed for the run; chunks write disjoint parts.
unsafe impl Sync for Whole {}

impl Whole {
    fn start(&self) {
        let cost = self.op.cost() + 16 * (1 + self.sources.iter().filter(|s| s.step > 0).count());
        let each = (CHUNK_COST * WIDTH / cost).next_multiple_of(WIDTH);
        if self.len <= each {
            return self.part(0, self.len);
        }
        let n = |i: usize| each.min(self.len - i * each);
        for_tasks(self.len.div_ceil(each), CHUNK_COST, |i| self.part(i * each, n(i)));
    }

    fn part(&self, at: usize, n: usize) {
        let sources = self.sources.map(|s| Source { at: s.at.wrapping_add(if s.step > 0 { at } else { 0 }), ..s });
        // SAFETY: `apply` checked that the operands are as long as the output, of which this call owns the part.
        unsafe { tile::run(self.tier, self.op, n, sources, self.out.add(at)) }
    }
}

/// One function of operands of which some are repeated.
fn repeated(op: Op, args: &[Given], constants: &[[f32; WIDTH]; 3], (out, dims): (&mut [f32], &[usize])) {
    let mut feeds = [const { Feed::Full }; 3];
    let mut step = Step { op, args: [Place::None; 3], to: Place::Output(0) };
    for (i, arg) in args.iter().enumerate() {
        step.args[i] = match arg {
            Given::Scalar(_) => Place::Constant(i as u16),
            Given::Tensor(_, own) => {
                feeds[i] = Feed::broadcast(own, dims);
                Place::Input(i as u16)
            }
        };
    }
    let steps = [step];
    let mut run = Run::new((&steps, op.cost()), &feeds[..args.len()], constants, 0, out.len());
    (run.outputs[0], run.count) = (out.as_mut_ptr(), 1);
    for (i, arg) in args.iter().enumerate() {
        if let Given::Tensor(operand, _) = arg {
            run.bind(i, operand);
        }
    }
    run.start();
}

/// An operand of [`apply`].
#[derive(Clone, Copy, Debug)]
pub enum Given<'a> {
    /// A tensor with its shape.
    Tensor(Operand<'a>, &'a [usize]),
    /// A number.
    Scalar(f32),
}

impl Given<'_> {
    fn scalar(&self) -> Option<f32> {
        match self {
            Given::Scalar(value) => Some(*value),
            Given::Tensor(..) => None,
        }
    }
}

impl<'a> Run<'a> {
    fn new(
        (steps, cost): (&'a [Step], usize),
        feeds: &'a [Feed],
        constants: &'a [[f32; WIDTH]],
        slots: usize,
        len: usize,
    ) -> Run<'a> {
        let (inputs, outputs) = ([std::ptr::null(); MAX_INPUTS], [std::ptr::null_mut(); MAX_OUTPUTS]);
        let tile = tile_len(feeds);
        Run { steps, cost, feeds, constants, slots, tier: tier(), len, tile, inputs, outputs, count: 0, late: 0 }
    }

    /// Sets input `i`; the outputs are set.
    fn bind(&mut self, i: usize, operand: &Operand) {
        self.inputs[i] = match *operand {
            Operand::Slice(data) => {
                assert_eq!(data.len(), self.feeds[i].size(self.len), "size of operand {i}");
                data.as_ptr()
            }
            Operand::Out(k) => {
                assert!(k < self.count && self.feeds[i] == Feed::Full, "operand {i} in the place of output {k}");
                self.outputs[k]
            }
        };
    }

    fn start(&self) {
        if self.len <= self.tile {
            return (0..self.len.div_ceil(self.tile)).for_each(|_| self.tiles(0..1));
        }
        let memory = 16 * (self.count + self.feeds.iter().filter(|f| **f == Feed::Full).count());
        let tile_cost = (self.cost + memory) * self.tile / WIDTH;
        let (tiles, each) = (self.len.div_ceil(self.tile), (CHUNK_COST / tile_cost.max(1)).max(1));
        for_tasks(tiles.div_ceil(each), tile_cost * each, |i| self.tiles(i * each..((i + 1) * each).min(tiles)));
    }

    fn tiles(&self, tiles: std::ops::Range<usize>) {
        let repeated = self.feeds.iter().filter(|f| **f != Feed::Full).count();
        let buffers = self.slots + repeated + if self.late == 0 { 0 } else { self.count };
        let tile = if self.len < TILE { self.len.next_multiple_of(WIDTH) } else { TILE };
        with_scratch::<f32, _>(buffers * tile, |scratch| {
            // SAFETY: the operands reach over all tiles and the outputs are written by this chunk alone (`run` and
            // `apply` checked the sizes); the scratch memory has a tile for every buffer.
            unsafe { Worker::new(self, scratch.as_mut_ptr(), tile).tiles(tiles) }
        });
    }
}

/// The length of tiles: such that what repeats itself soon does so in step with them.
fn tile_len(feeds: &[Feed]) -> usize {
    let period = feeds.iter().find_map(|feed| match feed {
        Feed::Repeated(repeated) => Some(repeated.period()).filter(|p| (1..=TILE).contains(p)),
        _ => None,
    });
    period.map_or(TILE, |p| TILE / p * p)
}

/// One thread's view: where everything lies for the tile in work.
struct Worker<'a> {
    run: &'a Run<'a>,
    inputs: [Source; MAX_INPUTS],
    /// Where outputs are computed.
    outputs: [*mut f32; MAX_OUTPUTS],
    slots: *mut f32,
    buffers: *mut f32,
    late: *mut f32,
    /// Distance of tiles in the scratch memory.
    tile: usize,
}

impl<'a> Worker<'a> {
    /// # Safety
    /// `scratch` must have `tile` elements for every slot, every repeated operand and every output, if one is late.
    unsafe fn new(run: &'a Run<'a>, scratch: *mut f32, tile: usize) -> Worker<'a> {
        let repeated = run.feeds.iter().filter(|f| **f != Feed::Full).count();
        let (buffers, late) =
            (scratch.wrapping_add(run.slots * tile), scratch.wrapping_add((run.slots + repeated) * tile));
        let mut worker = Worker {
            run,
            inputs: [Source::NONE; MAX_INPUTS],
            outputs: run.outputs,
            slots: scratch,
            buffers,
            late,
            tile,
        };
        let mut at = buffers;
        for (i, feed) in run.feeds.iter().enumerate().filter(|(_, f)| **f != Feed::Full) {
            worker.inputs[i] = Source { at, step: 0 };
            if *feed == Feed::One {
                // SAFETY: the operand has one element, the buffer at least 16.
                unsafe { std::slice::from_raw_parts_mut(at, WIDTH).fill(*run.inputs[i]) };
            }
            at = at.wrapping_add(tile);
        }
        worker
    }

    /// # Safety
    /// The operands must reach over the tiles; nothing else may use these parts of the outputs.
    unsafe fn tiles(&mut self, tiles: std::ops::Range<usize>) {
        let first = tiles.start;
        for tile in tiles {
            let at = tile * self.run.tile;
            let n = self.run.tile.min(self.run.len - at);
            // SAFETY: the caller's contract.
            unsafe {
                self.feed(at, n, tile == first);
                for step in self.run.steps {
                    let [a, b, c] = step.args;
                    let args = [self.read(a), self.read(b), self.read(c)];
                    tile::run(self.run.tier, step.op, n, args, self.write(step.to));
                }
                self.deliver(at, n);
            }
        }
    }

    /// Prepares operands and outputs for the tile at `at`.
    ///
    /// # Safety
    /// As `tiles`.
    #[inline(always)]
    unsafe fn feed(&mut self, at: usize, n: usize, first: bool) {
        let mut buffer = self.buffers;
        for (i, feed) in self.run.feeds.iter().enumerate() {
            match feed {
                Feed::Full => self.inputs[i] = Source { at: self.run.inputs[i].wrapping_add(at), step: WIDTH },
                Feed::One => {}
                Feed::Repeated(repeated) => {
                    let period = repeated.period();
                    if first || period == 0 || !self.run.tile.is_multiple_of(period) {
                        // SAFETY: the caller's contract; the buffer is as long as a tile.
                        self.inputs[i] = unsafe { repeated.gather(self.run.inputs[i], at, n, buffer) };
                    }
                }
            }
            buffer = if *feed == Feed::Full { buffer } else { buffer.wrapping_add(self.tile) };
        }
        for k in 0..self.run.count {
            let late = self.run.late >> k & 1 == 1;
            let own = self.late.wrapping_add(k * self.tile);
            self.outputs[k] = if late { own } else { self.run.outputs[k].wrapping_add(at) };
        }
    }

    #[inline(always)]
    fn read(&self, place: Place) -> Source {
        match place {
            Place::Input(i) => self.inputs[i as usize],
            Place::Constant(i) => Source { at: self.run.constants[i as usize].as_ptr(), step: 0 },
            Place::Slot(_) | Place::Output(_) => Source { at: self.write(place), step: WIDTH },
            Place::None => Source::NONE,
        }
    }

    #[inline(always)]
    fn write(&self, place: Place) -> *mut f32 {
        match place {
            Place::Output(k) => self.outputs[k as usize],
            Place::Slot(i) => self.slots.wrapping_add(i as usize * self.tile),
            Place::Input(_) | Place::Constant(_) | Place::None => std::ptr::null_mut(),
        }
    }

    /// Brings late outputs to their place.
    ///
    /// # Safety
    /// As `tiles`.
    #[inline(always)]
    unsafe fn deliver(&self, at: usize, n: usize) {
        for k in (0..self.run.count).filter(|k| self.run.late >> k & 1 == 1) {
            // SAFETY: the caller's contract.
            unsafe { std::ptr::copy_nonoverlapping(self.outputs[k], self.run.outputs[k].wrapping_add(at), n) };
        }
    }
}

const _: () = assert!(MAX_OUTPUTS <= 32 && MAX_LIVE < u16::MAX as usize);
