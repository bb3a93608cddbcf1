//! Direct convolution of blocked data: every output is summed tap by tap in registers.
//!
//! A task computes some panels of filters for some rows (or whole images). Where windows hang over the edge, the rows
//! that a range of input channels needs are first copied between zeros into memory of the thread's own.

use super::pack::{Fill, Lines, Panels};
use super::tile::{self, Shape, Tile, TileFn};
use super::{Activation, Epilogue, Layout};
use crate::conv::ConvGeometry;
use crate::parallel::{Shared, for_tasks};
use crate::scratch::with_scratch;
use crate::simd::Tier;
use std::ops::Range;

/// Bytes of the weights that one pass over the rows of a task uses.
const WEIGHT_CHUNK: usize = 40 << 10;
/// Bytes of the input that one pass over the panels of a task uses.
const DATA_CHUNK: usize = 320 << 10;
/// Pixels of a task at most.
const TASK_PIXELS: usize = 1024;
/// Channels of planes at most, whose taps are listed one by one.
const MOST_PLANES: usize = 32;
/// Number of tasks to aim at.
const TASKS: usize = 8;

/// Extents in rows and columns of pixels.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    pub input: [usize; 2],
    pub output: [usize; 2],
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilate: [usize; 2],
    pub pad: [usize; 2],
}

impl Plane {
    /// The two last dimensions of a window, whose first one must be trivial.
    pub(super) fn new(g: &ConvGeometry) -> Option<Plane> {
        let w = &g.window;
        let flat = w.input[0] == 1 && w.kernel[0] == 1 && w.output[0] == 1 && w.pad[0] == 0;
        let last = |a: [usize; 3]| [a[1], a[2]];
        let plane = Plane {
            input: last(w.input),
            output: last(w.output),
            kernel: last(w.kernel),
            stride: last(w.stride),
            dilate: last(w.dilate),
            pad: last(w.pad),
        };
        (flat && w.input_size() > 0 && w.output_size() > 0 && w.taps() > 0).then_some(plane)
    }

    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    pub(super) fn input_size(&self) -> usize {
        self.input[0] * self.input[1]
    }

    pub(super) fn output_size(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Input positions along dimension `d` that `n` windows in a row see.
    pub(super) fn seen(&self, d: usize, n: usize) -> usize {
        (n - 1) * self.stride[d] + (self.kernel[d] - 1) * self.dilate[d] + 1
    }

    /// Taps of window `at` along dimension `d` that lie in the input.
    pub(super) fn taps_inside(&self, d: usize, at: usize) -> Range<usize> {
        let start = at * self.stride[d];
        let until = |end: usize| end.saturating_sub(start).div_ceil(self.dilate[d]).min(self.kernel[d]);
        until(self.pad[d])..until(self.pad[d] + self.input[d])
    }

    /// The windows of a row that lie between the left and the right edge of the input.
    pub(super) fn inside_columns(&self) -> Range<usize> {
        let reach = (self.kernel[1] - 1) * self.dilate[1] + 1;
        let room = (self.input[1] + self.pad[1]).checked_sub(reach);
        let end = room.map_or(0, |room| room / self.stride[1] + 1).min(self.output[1]);
        self.pad[1].div_ceil(self.stride[1]).min(end)..end
    }

    /// Whether every window lies in the input.
    pub(super) fn inside(&self) -> bool {
        self.pad == [0, 0] && (0..2).all(|d| self.seen(d, self.output[d]) <= self.input[d])
    }

    /// The same with all pixels in one row where the windows are single pixels and rows fill tiles badly.
    fn flattened(self, most: usize) -> Plane {
        let size = self.output_size();
        let single = self.taps() == 1 && self.input == self.output && self.pad == [0, 0];
        let filled = |width: usize| width as f64 / (width.div_ceil(most) * most) as f64;
        if single && size <= TASK_PIXELS && filled(size) > filled(self.output[1]) + 0.05 {
            return Plane { input: [1, size], output: [1, size], ..self };
        }
        self
    }
}

/// What one task computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    /// Images, more than one only if all rows belong to the task.
    pub images: usize,
    pub rows: usize,
    pub panels: usize,
}

/// Halves of `n`, from `n` to 1.
pub(super) fn halves(n: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(n), |&n| (n > 1).then(|| n.div_ceil(2)))
}

impl Split {
    /// The split with the least traffic that gives tasks enough.
    pub(super) fn new(batch: usize, p: &Plane, (channels, panels): (usize, usize), width: usize) -> Split {
        let spans = halves(batch).map(|m| (m, p.output[0])).chain(halves(p.output[0]).map(|r| (1, r)));
        let fits = |&(m, r): &(usize, usize)| m * r * p.output[1] <= TASK_PIXELS || (m, r) == (1, 1);
        let all = spans
            .filter(fits)
            .flat_map(|(images, rows)| halves(panels).map(move |panels| Split { images, rows, panels }));
        let cost = |s: &Split| {
            let (spans, groups) = (s.spans(batch, p), panels.div_ceil(s.panels));
            let weights = channels * p.taps() * panels * width * 16;
            let data = s.images * p.seen(0, s.rows).min(p.input[0]) * p.input[1] * channels;
            ((spans * groups).min(TASKS), std::cmp::Reverse(spans * (weights + data * groups) + spans * groups))
        };
        all.max_by_key(cost).unwrap_or(Split { images: 1, rows: 1, panels: 1 })
    }

    /// Ranges of rows that the images fall into.
    pub(super) fn spans(&self, batch: usize, p: &Plane) -> usize {
        batch.div_ceil(self.images) * p.output[0].div_ceil(self.rows)
    }
}

/// Images and rows of the output.
pub(super) struct Span {
    pub images: Range<usize>,
    pub rows: Range<usize>,
}

impl Span {
    pub(super) fn new(s: &Split, batch: usize, p: &Plane, index: usize) -> Span {
        let parts = p.output[0].div_ceil(s.rows);
        let (image, row) = (index / parts * s.images, index % parts * s.rows);
        Span { images: image..batch.min(image + s.images), rows: row..p.output[0].min(row + s.rows) }
    }
}

/// The pixels `0..width` in nearly equal runs of at most `most`.
pub(super) fn runs(width: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let n = width.div_ceil(most);
    (0..n).map(move |i| i * width / n..(i + 1) * width / n)
}

/// A direct convolution.
#[derive(Clone, Debug)]
pub(super) struct Direct {
    tier: Tier,
    batch: usize,
    /// Channels that lie side by side: 16 in blocked data, 1 in planes.
    unit: usize,
    /// Blocks of `unit` channels.
    blocks: usize,
    plane: Plane,
    panels: Panels,
    split: Split,
    /// Blocks of channels that one pass sums.
    chunk: usize,
}

/// Where a pass over some blocks of channels finds its input: distances in floats.
struct Source {
    start: *const f32,
    image: usize,
    block: usize,
    row: usize,
}

impl Direct {
    pub(super) fn new(tier: Tier, g: &ConvGeometry, input: Layout) -> Option<Direct> {
        let unit = match input {
            Layout::Blocked if g.channels.is_multiple_of(16) => 16,
            Layout::Planes if g.channels <= MOST_PLANES => 1,
            _ => return None,
        };
        if g.groups != 1 || !g.filters.is_multiple_of(16) || g.batch * g.channels * g.filters == 0 {
            return None;
        }
        let plane = Plane::new(g)?.flattened(tile::most_pixels(tier, 1));
        let panels = Panels { blocks: g.filters / 16, width: tile::panel_blocks(tier) };
        let blocks = g.channels / unit;
        let split = Split::new(g.batch, &plane, (g.channels, panels.count()), panels.width);
        let chunk = if unit == 1 { blocks } else { chunk(blocks, &plane, &split, panels.width) };
        Some(Direct { tier, batch: g.batch, unit, blocks, plane, panels, split, chunk })
    }

    pub(super) fn describe(&self) -> String {
        let Split { images, rows, panels } = self.split;
        format!(
            "direct: {images} images, {rows} rows, {panels} panels, {} of {} blocks at once",
            self.chunk, self.blocks
        )
    }

    /// Weights of a filter.
    fn steps(&self) -> usize {
        self.blocks * self.unit * self.plane.taps()
    }

    pub(super) fn pack(&self, old: Option<Lines>, fill: (usize, impl Fill)) -> Lines {
        let sizes = (self.blocks * self.unit, self.unit, self.plane.taps());
        self.panels.pack(old, sizes, fill)
    }

    pub(super) fn run(&self, data: &[f32], packed: &Lines, epilogue: &Epilogue<'_>, out: &mut [f32]) {
        let groups = self.panels.count().div_ceil(self.split.panels);
        let tasks = self.split.spans(self.batch, &self.plane) * groups;
        let products = self.batch * self.plane.output_size() * self.steps() * self.panels.blocks;
        let out = Shared::new(out);
        for_tasks(tasks, products / tasks, |task| {
            let span = Span::new(&self.split, self.batch, &self.plane, task / groups);
            let first = task % groups * self.split.panels;
            let panels = first..self.panels.count().min(first + self.split.panels);
            for start in (0..self.blocks).step_by(self.chunk) {
                let blocks = start..self.blocks.min(start + self.chunk);
                self.with_source(data, &span, blocks.clone(), |source| {
                    for panel in panels.clone() {
                        // SAFETY: the caller checked the sizes; tasks write different filters or rows.
                        unsafe { self.panel(&source, &span, blocks.clone(), panel, packed, epilogue, out) };
                    }
                });
            }
        });
    }

    /// Calls `f` with the input of the windows of `span` in some blocks of channels.
    fn with_source(&self, data: &[f32], span: &Span, blocks: Range<usize>, f: impl FnOnce(Source)) {
        let (p, unit) = (&self.plane, self.unit);
        let (block, image) = (p.input_size() * unit, p.input_size() * unit * self.blocks);
        let first = span.rows.start * p.stride[0];
        if p.inside() {
            let at = span.images.start * image + blocks.start * block + first * p.input[1] * unit;
            return f(Source { start: data[at..].as_ptr(), image, block, row: p.input[1] * unit });
        }
        let (rows, row) = (p.seen(0, span.rows.len()), p.seen(1, p.output[1]) * unit);
        let copied = rows * row;
        with_scratch(copied * blocks.len() * span.images.len(), |scratch: &mut [f32]| {
            for (i, to) in scratch.chunks_exact_mut(copied).enumerate() {
                let (n, b) = (span.images.start + i / blocks.len(), blocks.start + i % blocks.len());
                copy_rows(
                    p,
                    &data[n * image + b * block..][..block],
                    first as isize - p.pad[0] as isize,
                    row,
                    to,
                    unit,
                );
            }
            f(Source { start: scratch.as_ptr(), image: copied * blocks.len(), block: copied, row });
        });
    }

    /// Distances of the taps of a window; those of all channels if these are planes.
    fn taps(&self, source: &Source) -> Vec<usize> {
        let p = &self.plane;
        let tap = |k| k / p.kernel[1] * p.dilate[0] * source.row + k % p.kernel[1] * p.dilate[1] * self.unit;
        let planes = if self.unit == 1 { self.blocks } else { 1 };
        (0..planes).flat_map(|c| (0..p.taps()).map(move |k| c * source.block + tap(k))).collect()
    }

    /// Adds what some blocks of channels give to the filters of a panel.
    ///
    /// # Safety
    /// The slices must have the sizes of the plan, and nobody else may use the filters' rows in `out`.
    unsafe fn panel(
        &self,
        source: &Source,
        span: &Span,
        blocks: Range<usize>,
        panel: usize,
        packed: &Lines,
        epilogue: &Epilogue<'_>,
        out: Shared<'_, f32>,
    ) {
        let (p, first, width) = (&self.plane, self.panels.first(panel), self.panels.width_of(panel));
        let taps = self.taps(source);
        let line = |block| first * self.steps() + block * self.unit * p.taps() * width;
        let (begin, end) = (blocks.start == 0, blocks.end == self.blocks);
        let out_plane = p.output_size() * 16;
        let mut tile = Tile {
            src: source.start,
            pixel: p.stride[1] * self.unit,
            row: p.stride[0] * source.row,
            weight: packed.at(line(blocks.start)),
            prefetch: std::ptr::null(),
            prefetch_step: 0,
            taps: taps.as_ptr(),
            tap_count: taps.len(),
            depth: self.unit,
            blocks: blocks.len(),
            block_step: source.block,
            from: std::ptr::null(),
            bias: epilogue.bias_of(first, begin),
            out: std::ptr::null_mut(),
            out_block: out_plane,
            out_row: p.output[1] * 16,
            activation: if end { epilogue.activation } else { Activation::None },
        };
        let residual = epilogue.residual.filter(|_| begin);
        let used = line(blocks.end) - line(blocks.start);
        let mut ahead = Ahead::new(packed, line(blocks.start) + self.steps() * width, used, width);
        for (i, image) in span.images.clone().enumerate() {
            let plane = (image * self.panels.blocks + first) * out_plane;
            self.for_tiles(span.rows.clone(), width, |run, y, x| {
                let place = plane + (y * p.output[1] + x) * 16;
                let row = (y - span.rows.start) * tile.row;
                // SAFETY: the caller's contract.
                tile.out = unsafe { out.at(place, (width - 1) * out_plane + 16) };
                tile.from = match residual {
                    _ if !begin => tile.out,
                    Some(residual) => residual[place..].as_ptr(),
                    None => std::ptr::null(),
                };
                tile.src = source.start.wrapping_add(i * source.image + row + x * tile.pixel);
                (tile.prefetch, tile.prefetch_step) = ahead.next();
                // SAFETY: the tile reads and writes what the plan says, the slices' sizes were checked.
                unsafe { run(&tile) };
            });
        }
    }

    /// Calls `f(tile, row, column)` for tiles that cover some rows.
    fn for_tiles(&self, rows: Range<usize>, blocks: usize, mut f: impl FnMut(TileFn, usize, usize)) {
        let (p, most) = (&self.plane, tile::most_pixels(self.tier, self.plane.stride[1]));
        let choose = if self.unit == 1 { tile::planes } else { tile::blocked };
        let tile = |rows, pixels| choose(self.tier, Shape { rows, pixels, blocks, stride: p.stride[1] });
        let mut y = rows.start;
        if let Some(pair) = tile(2, p.output[1]) {
            while y + 1 < rows.end {
                f(pair, y, 0);
                y += 2;
            }
        }
        for y in y..rows.end {
            for run in runs(p.output[1], most) {
                let Some(tile) = tile(1, run.len()) else { unreachable!("every tier has tiles of one row") };
                f(tile, y, run.start);
            }
        }
    }
}

/// Blocks of channels that one pass sums, so that their weights of a panel and the data of a task stay near.
fn chunk(blocks: usize, p: &Plane, split: &Split, width: usize) -> usize {
    let pixels = split.images * p.seen(0, split.rows) * p.seen(1, p.output[1]);
    let by_weight = WEIGHT_CHUNK / (p.taps() * width * 1024);
    let most = by_weight.min(DATA_CHUNK / (pixels * 64)).clamp(1, blocks);
    blocks.div_ceil(blocks.div_ceil(most))
}

/// Copies the rows of `from` from `first` on into rows of `row` floats, with zeros where windows hang over.
pub(super) fn copy_rows(p: &Plane, from: &[f32], first: isize, row: usize, to: &mut [f32], pixel: usize) {
    let (left, width) = ((p.pad[1] * pixel).min(row), p.input[1] * pixel);
    let inner = width.min(row - left);
    for (i, to) in to.chunks_exact_mut(row).enumerate() {
        let y = first + i as isize;
        if y < 0 || y >= p.input[0] as isize {
            to.fill(0.0);
            continue;
        }
        to[..left].fill(0.0);
        to[left..left + inner].copy_from_slice(&from[y as usize * width..][..inner]);
        to[left + inner..].fill(0.0);
    }
}

/// Brings the weights of the next panel near while those of one are in use.
pub(super) struct Ahead {
    at: *const f32,
    end: *const f32,
    step: usize,
}

impl Ahead {
    /// `used` lines from line `next` on, by tiles that sum over `used / width` values each.
    pub(super) fn new(packed: &Lines, next: usize, used: usize, width: usize) -> Ahead {
        let at = packed.end().wrapping_sub(16).min(packed.at(0).wrapping_add(next * 16));
        Ahead { at, end: packed.end().min(at.wrapping_add(used * 16)), step: used / width / 2 * 16 }
    }

    /// The next place and how far to go with every step.
    pub(super) fn next(&mut self) -> (*const f32, usize) {
        if self.at >= self.end {
            return (self.end.wrapping_sub(16), 0);
        }
        let at = self.at;
        self.at = at.wrapping_add(self.step);
        (at, 16)
    }
}
