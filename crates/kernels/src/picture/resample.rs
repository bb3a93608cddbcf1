//! Resizing of pictures with the channels last, in the arithmetic of OpenCV 3.4: bytes are computed in fixed point.

use crate::parallel::for_rows;
use crate::real::{Real, real, wide};
use rsym_tensor::{Element, Float};

/// How a resized picture is read off the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// From the two nearest pixels in both directions.
    Linear,
    /// By the cubic convolution with a = -3/4 over four pixels in both directions.
    Cubic,
    /// By the mean over the covered area; where a side grows, from the two nearest pixels.
    Area,
    /// By the Lanczos kernel over eight pixels in both directions.
    Lanczos,
}

/// Extents of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureSize {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Values of a pixel.
    pub channels: usize,
}

impl PictureSize {
    fn row(self) -> usize {
        self.width * self.channels
    }
}

/// One position of the result: weights of the pixels from `first` on; positions outside mean the border.
struct Taps {
    first: isize,
    weights: Vec<f32>,
}

impl Taps {
    /// Positions within an axis of `extent` and their weights.
    fn pairs(&self, extent: usize) -> impl Iterator<Item = (usize, f32)> {
        let last = extent as isize - 1;
        let place = move |i: usize| (self.first + i as isize).clamp(0, last) as usize;
        self.weights.iter().enumerate().map(move |(i, &w)| (place(i), w))
    }

    /// Two pixels of which one lies outside of the axis become the one inside: fixed point rounds a sum of two shares.
    fn settled(self, extent: usize) -> Taps {
        let last = extent as isize - 1;
        if self.weights.len() == 2 && !(0..last).contains(&self.first) {
            return Taps { first: self.first.clamp(0, last), weights: vec![1.0, 0.0] };
        }
        self
    }
}

/// The pixel at `from` and the weights of it and its neighbours, for every position of the result.
fn taps(how: Interpolation, from: usize, to: usize) -> Vec<Taps> {
    let inverse = to as f64 / from as f64;
    let scale = 1.0 / inverse;
    let place = |i: usize| -> (isize, f32) {
        if how == Interpolation::Area {
            let at = (i as f64 * scale).floor();
            let share = ((i + 1) as f64 - (at + 1.0) * inverse) as f32;
            return (at as isize, if share <= 0.0 { 0.0 } else { share - share.floor() });
        }
        let at = ((i as f64 + 0.5) * scale - 0.5) as f32;
        (at.floor() as isize, at - at.floor())
    };
    let tap = |i: usize| {
        let (at, share) = place(i);
        match how {
            Interpolation::Cubic => Taps { first: at - 1, weights: cubic(share) },
            Interpolation::Lanczos => Taps { first: at - 3, weights: lanczos(share) },
            _ => Taps { first: at, weights: vec![1.0 - share, share] },
        }
    };
    (0..to).map(tap).collect()
}

pub(super) fn cubic(x: f32) -> Vec<f32> {
    const A: f32 = -0.75;
    let outer = |t: f32| ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A;
    let inner = |t: f32| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let weights = [outer(x + 1.0), inner(x), inner(1.0 - x)];
    vec![weights[0], weights[1], weights[2], 1.0 - weights.iter().sum::<f32>()]
}

/// Weights of the eight pixels around a position `x` behind the fourth, made to sum to one.
pub(super) fn lanczos(x: f32) -> Vec<f32> {
    if x < f32::EPSILON {
        return (0..8).map(|i| if i == 3 { 1.0 } else { 0.0 }).collect();
    }
    let weight = |i: usize| {
        let distance = x as f64 + 3.0 - i as f64;
        let sign = if i.is_multiple_of(2) { 1.0 } else { -1.0 };
        sign * (distance * std::f64::consts::FRAC_PI_4).sin() / (distance * distance)
    };
    let weights: Vec<f64> = (0..8).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| (w / sum) as f32).collect()
}

/// The pixels that every position of a shrunk axis covers, with their shares of it.
fn cells(from: usize, to: usize) -> Vec<Taps> {
    let scale = from as f64 / to as f64;
    let cell = |i: usize| {
        let (begin, end) = (i as f64 * scale, (i as f64 + 1.0) * scale);
        let width = scale.min(from as f64 - begin);
        let inner_end = (end.floor() as usize).min(from - 1);
        let inner = (begin.ceil() as usize).min(inner_end);
        let mut taps = Taps { first: inner as isize, weights: vec![(1.0 / width) as f32; inner_end - inner] };
        if inner as f64 - begin > 1e-3 {
            taps.first -= 1;
            taps.weights.insert(0, ((inner as f64 - begin) / width) as f32);
        }
        if end - inner_end as f64 > 1e-3 {
            taps.weights.push(((end - inner_end as f64).min(1.0).min(width) / width) as f32);
        }
        taps
    };
    (0..to).map(cell).collect()
}

/// The whole numbers by which both sides shrink, if they do.
fn whole_scale(from: PictureSize, to: PictureSize) -> Option<(usize, usize)> {
    let whole = |from: usize, to: usize| from.is_multiple_of(to).then(|| from / to);
    Some((whole(from.height, to.height)?, whole(from.width, to.width)?))
}

/// What is really computed: halving both sides is the mean of four pixels for linear interpolation too.
fn method(how: Interpolation, from: PictureSize, to: PictureSize) -> (Interpolation, bool) {
    let halved = how == Interpolation::Linear && whole_scale(from, to) == Some((2, 2));
    let how = if halved { Interpolation::Area } else { how };
    (how, how == Interpolation::Area && from.height >= to.height && from.width >= to.width)
}

fn is_empty(from: PictureSize, to: PictureSize) -> bool {
    from.height * from.row() == 0 || to.height * to.row() == 0
}

/// The picture resized by its nearest pixels.
///
/// # Panics
/// When the slices do not have the sizes given.
pub fn resample_nearest<T: Element>(x: &[T], from: PictureSize, to: PictureSize, out: &mut [T]) {
    if is_empty(from, to) {
        return out.fill(T::default());
    }
    let scale = |from: usize, to: usize| 1.0 / (to as f64 / from as f64);
    let (down, across, c) = (scale(from.height, to.height), scale(from.width, to.width), from.channels);
    let nearest = |i: usize, scale: f64, extent: usize| ((i as f64 * scale).floor() as usize).min(extent - 1);
    for_rows(out, to.row(), to.row(), |y, out| {
        let line = &x[nearest(y, down, from.height) * from.row()..][..from.row()];
        for (i, pixel) in out.chunks_exact_mut(c).enumerate() {
            pixel.copy_from_slice(&line[nearest(i, across, from.width) * c..][..c]);
        }
    });
}

/// The picture resized, in floating point.
///
/// # Panics
/// When the slices do not have the sizes given.
pub fn resample_floats<T: Float>(x: &[T], from: PictureSize, to: PictureSize, how: Interpolation, out: &mut [T]) {
    if is_empty(from, to) {
        return out.fill(T::default());
    }
    let (how, shrinks) = method(how, from, to);
    let axis = |from: usize, to: usize| if shrinks { cells(from, to) } else { taps(how, from, to) };
    let (rows, columns) = (axis(from.height, to.height), axis(from.width, to.width));
    let lines = across::<T::Compute, T::Compute>(&wide(x), from, to, &columns, |v| v);
    for_rows(out, to.row(), 4 * to.row(), |y, out| {
        let sums = down(&lines, from.height, to.row(), &rows[y]);
        out.iter_mut().zip(sums).for_each(|(o, s)| *o = T::narrow(s));
    });
}

/// The lines of the picture resized to the new width.
fn across<S: Element, C: Real>(
    x: &[S],
    from: PictureSize,
    to: PictureSize,
    columns: &[Taps],
    widen: impl Fn(S) -> C + Sync,
) -> Vec<C> {
    let mut lines = vec![C::zero(); from.height * to.row()];
    let c = from.channels;
    for_rows(&mut lines, to.row(), 8 * to.row(), |y, line| {
        let source = &x[y * from.row()..][..from.row()];
        for (pixel, taps) in line.chunks_exact_mut(c).zip(columns) {
            for (at, weight) in taps.pairs(from.width) {
                let weight = real::<C>(weight as f64);
                pixel.iter_mut().zip(&source[at * c..][..c]).for_each(|(p, &s)| *p += widen(s) * weight);
            }
        }
    });
    lines
}

/// The weighted sum of lines.
fn down<C: Real>(lines: &[C], height: usize, row: usize, taps: &Taps) -> Vec<C> {
    let mut sums = vec![C::zero(); row];
    for (at, weight) in taps.pairs(height) {
        let weight = real::<C>(weight as f64);
        sums.iter_mut().zip(&lines[at * row..][..row]).for_each(|(s, &v)| *s += v * weight);
    }
    sums
}

/// One in fixed point.
const ONE: f32 = 2048.0;

fn fixed(weight: f32) -> i32 {
    (weight * ONE).round_ties_even() as i32
}

/// The picture resized, in fixed point.
///
/// # Panics
/// When the slices do not have the sizes given.
pub fn resample_bytes(x: &[u8], from: PictureSize, to: PictureSize, how: Interpolation, out: &mut [u8]) {
    if is_empty(from, to) {
        return out.fill(0);
    }
    let (how, shrinks) = method(how, from, to);
    match (shrinks, whole_scale(from, to)) {
        (true, Some(scale)) => blocks(x, from, to, scale, out),
        (true, None) => areas(x, from, to, out),
        _ if matches!(how, Interpolation::Linear | Interpolation::Area) => paired(x, from, to, how, out),
        _ => weighted(x, from, to, how, out),
    }
}

/// Means of whole pixels, halves rounded up for blocks of two by two and to even otherwise.
fn blocks(x: &[u8], from: PictureSize, to: PictureSize, (high, wide): (usize, usize), out: &mut [u8]) {
    let share = 1.0 / (high * wide) as f32;
    for_rows(out, to.row(), 2 * to.row() * high * wide, |y, out| {
        let lines = &x[y * high * from.row()..][..high * from.row()];
        let mut sums = vec![0u32; to.row()];
        for line in lines.chunks_exact(from.row()) {
            match from.channels {
                1 => add_blocks::<1>(line, wide, &mut sums),
                3 => add_blocks::<3>(line, wide, &mut sums),
                4 => add_blocks::<4>(line, wide, &mut sums),
                c => (0..line.len()).for_each(|i| sums[i / (wide * c) * c + i % c] += u32::from(line[i])),
            }
        }
        if (high, wide) == (2, 2) {
            out.iter_mut().zip(sums).for_each(|(o, sum)| *o = ((sum + 2) >> 2) as u8);
        } else {
            out.iter_mut().zip(sums).for_each(|(o, sum)| *o = (sum as f32 * share).round_ties_even() as u8);
        }
    });
}

/// Adds `wide` pixels of a line to each sum.
fn add_blocks<const C: usize>(line: &[u8], wide: usize, sums: &mut [u32]) {
    for (sum, block) in sums.as_chunks_mut::<C>().0.iter_mut().zip(line.chunks_exact(wide * C)) {
        for pixel in block.as_chunks::<C>().0 {
            sum.iter_mut().zip(pixel).for_each(|(s, &v)| *s += u32::from(v));
        }
    }
}

fn areas(x: &[u8], from: PictureSize, to: PictureSize, out: &mut [u8]) {
    let (rows, columns) = (cells(from.height, to.height), cells(from.width, to.width));
    let lines = across::<u8, f32>(x, from, to, &columns, |v| v as f32);
    for_rows(out, to.row(), 4 * to.row(), |y, out| {
        let sums = down(&lines, from.height, to.row(), &rows[y]);
        out.iter_mut().zip(sums).for_each(|(o, s)| *o = s.round_ties_even() as u8);
    });
}

/// Two places and their weights in fixed point.
struct Pair {
    places: [usize; 2],
    weights: [i32; 2],
}

/// The two pixels of every position.
fn pairs(taps: Vec<Taps>, extent: usize) -> Vec<Pair> {
    let pair = |taps: Taps| {
        let mut pair = Pair { places: [0; 2], weights: [0; 2] };
        for (i, (place, weight)) in taps.pairs(extent).take(2).enumerate() {
            (pair.places[i], pair.weights[i]) = (place, fixed(weight));
        }
        pair
    };
    taps.into_iter().map(pair).collect()
}

/// Sums of two pixels in each direction.
fn paired(x: &[u8], from: PictureSize, to: PictureSize, how: Interpolation, out: &mut [u8]) {
    let columns = taps(how, from.width, to.width).into_iter().map(|t| t.settled(from.width)).collect();
    let (rows, columns) = (pairs(taps(how, from.height, to.height), from.height), pairs(columns, from.width));
    let mut used = vec![false; from.height];
    rows.iter().flat_map(|row| row.places).for_each(|y| used[y] = true);
    let mut lines = vec![0i16; from.height * to.row()];
    for_rows(&mut lines, to.row(), 4 * to.row(), |y, line| {
        let source = &x[y * from.row()..][..from.row()];
        match from.channels {
            _ if !used[y] => {}
            1 => pair_line::<1>(source, &columns, line),
            3 => pair_line::<3>(source, &columns, line),
            4 => pair_line::<4>(source, &columns, line),
            c => pair_line_any(source, c, &columns, line),
        }
    });
    for_rows(out, to.row(), 4 * to.row(), |y, out| {
        let Pair { places, weights } = &rows[y];
        let [a, b] = places.map(|y| &lines[y * to.row()..][..to.row()]);
        for ((o, &a), &b) in out.iter_mut().zip(a).zip(b) {
            let sum = ((weights[0] * i32::from(a)) >> 16) + ((weights[1] * i32::from(b)) >> 16);
            *o = ((sum + 2) >> 2).clamp(0, 255) as u8;
        }
    });
}

/// One line of [`paired`]; its last four bits are left out.
fn pair_line<const C: usize>(source: &[u8], columns: &[Pair], line: &mut [i16]) {
    let pixels = source.as_chunks::<C>().0;
    for (out, Pair { places, weights }) in line.as_chunks_mut::<C>().0.iter_mut().zip(columns) {
        let [a, b] = places.map(|x| &pixels[x]);
        for (o, (&a, &b)) in out.iter_mut().zip(a.iter().zip(b)) {
            *o = ((i32::from(a) * weights[0] + i32::from(b) * weights[1]) >> 4) as i16;
        }
    }
}

fn pair_line_any(source: &[u8], channels: usize, columns: &[Pair], line: &mut [i16]) {
    for (out, Pair { places, weights }) in line.chunks_exact_mut(channels).zip(columns) {
        for (c, o) in out.iter_mut().enumerate() {
            let [a, b] = places.map(|x| i32::from(source[x * channels + c]));
            *o = ((a * weights[0] + b * weights[1]) >> 4) as i16;
        }
    }
}

/// Sums of more than two pixels in each direction.
fn weighted(x: &[u8], from: PictureSize, to: PictureSize, how: Interpolation, out: &mut [u8]) {
    let fix = |taps: &Taps, extent: usize| taps.pairs(extent).map(|(at, w)| (at, fixed(w))).collect::<Vec<_>>();
    let columns: Vec<_> = taps(how, from.width, to.width).iter().map(|t| fix(t, from.width)).collect();
    let rows: Vec<_> = taps(how, from.height, to.height).iter().map(|t| fix(t, from.height)).collect();
    let (c, mut lines) = (from.channels, vec![0i32; from.height * to.row()]);
    for_rows(&mut lines, to.row(), 8 * to.row(), |y, line| {
        let source = &x[y * from.row()..][..from.row()];
        for (pixel, taps) in line.chunks_exact_mut(c).zip(&columns) {
            for &(at, weight) in taps {
                pixel.iter_mut().zip(&source[at * c..][..c]).for_each(|(p, &s)| *p += s as i32 * weight);
            }
        }
    });
    for_rows(out, to.row(), 8 * to.row(), |y, out| {
        let mut sums = vec![0i64; out.len()];
        for &(at, weight) in &rows[y] {
            let line = &lines[at * to.row()..][..to.row()];
            sums.iter_mut().zip(line).for_each(|(sum, &v)| *sum += i64::from(v) * i64::from(weight));
        }
        out.iter_mut().zip(sums).for_each(|(o, sum)| *o = ((sum + (1 << 21)) >> 22).clamp(0, 255) as u8);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use Interpolation::*;

    const FROM: PictureSize = PictureSize { height: 3, width: 4, channels: 1 };
    const PICTURE: [u8; 12] = [10, 200, 30, 90, 250, 0, 70, 20, 5, 60, 128, 255];

    fn to(height: usize, width: usize) -> PictureSize {
        PictureSize { height, width, channels: 1 }
    }

    fn bytes(how: Interpolation, size: PictureSize) -> Vec<u8> {
        let mut out = vec![0; size.height * size.width];
        resample_bytes(&PICTURE, FROM, size, how, &mut out);
        out
    }

    fn floats(how: Interpolation, size: PictureSize) -> Vec<f32> {
        let mut out = vec![0.0; size.height * size.width];
        resample_floats(&PICTURE.map(|v| v as f32), FROM, size, how, &mut out);
        out
    }

    #[test]
    fn the_same_size_changes_nothing() {
        for how in [Linear, Cubic, Area, Lanczos] {
            assert_eq!(bytes(how, FROM), PICTURE);
            assert_eq!(floats(how, FROM), PICTURE.map(|v| v as f32));
        }
    }

    #[test]
    fn fixed_point_stays_near_floating_point() {
        for how in [Linear, Cubic, Area, Lanczos] {
            for size in [to(2, 3), to(7, 9), to(3, 2), to(5, 4), to(1, 1)] {
                for (b, f) in bytes(how, size).iter().zip(floats(how, size)) {
                    assert!((*b as f32 - f.clamp(0.0, 255.0)).abs() <= 1.0, "{how:?} {size:?} {b} {f}");
                }
            }
        }
    }

    #[test]
    fn weights_sum_to_one() {
        for (from, to) in [(5, 3), (3, 5), (7, 2), (10, 9)] {
            let all = [Linear, Cubic, Lanczos].into_iter().flat_map(|how| taps(how, from, to));
            for taps in all.chain(cells(from.max(to), from.min(to))) {
                assert!((taps.weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn the_nearest_pixel_is_the_one_before() {
        let mut out = [0; 6];
        resample_nearest(&PICTURE, FROM, to(2, 3), &mut out);
        assert_eq!(out, [10, 200, 30, 250, 0, 70]);
    }

    #[test]
    fn large_pictures_are_the_same_for_every_thread_count() {
        let from = PictureSize { height: 97, width: 113, channels: 3 };
        let x: Vec<u8> = (0..97 * 113 * 3).map(|i| (i * 31 % 251) as u8).collect();
        for how in [Linear, Cubic, Area] {
            same_for_threads(|| {
                let mut out = vec![0; 60 * 70 * 3];
                resample_bytes(&x, from, PictureSize { height: 60, width: 70, channels: 3 }, how, &mut out);
                out
            });
        }
    }
}
