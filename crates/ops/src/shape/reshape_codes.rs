//! The small language of `Reshape`: 0 copies an axis, -1 takes what is left, -2 copies the rest, -3 joins two axes,
//! -4 splits one into the two numbers that follow.

use rsym_graph::{OpError, OpResult};

/// An extent, if known.
type Dim = Option<usize>;

/// The shape that `codes` make of `dims`; with `reverse` they are matched from the last axis on.
pub(crate) fn reshaped(dims: &[Dim], codes: &[i64], reverse: bool) -> OpResult<Vec<Dim>> {
    let (mut dims, mut codes) = (dims.to_vec(), codes.to_vec());
    if reverse {
        dims.reverse();
        codes.reverse();
    }
    let reading = Reading { dims: &dims, next: 0, out: Vec::new(), rest: None, copied: vec![false; dims.len()] };
    let mut out = reading.run(&codes)?;
    if reverse {
        out.reverse();
    }
    Ok(out)
}

/// The shape that the old parameter `target_shape` makes of `dims`: a 0 takes what is left.
pub(crate) fn legacy_target(dims: &[Dim], target: &[i64], keep_highest: bool) -> OpResult<Vec<Dim>> {
    let mut codes: Vec<i64> = target.iter().map(|&t| if t == 0 { -1 } else { t }).collect();
    if keep_highest && !codes.is_empty() {
        codes[0] = 0;
    }
    reshaped(dims, &codes, false)
}

struct Reading<'a> {
    dims: &'a [Dim],
    /// The axis that the next code looks at.
    next: usize,
    out: Vec<Dim>,
    /// The place of -1 in `out`.
    rest: Option<usize>,
    /// Axes that are handed on whole; an unknown one does not hinder -1.
    copied: Vec<bool>,
}

impl Reading<'_> {
    fn run(mut self, codes: &[i64]) -> OpResult<Vec<Dim>> {
        let mut at = 0;
        while at < codes.len() {
            match codes[at] {
                0 => self.copy()?,
                -1 => self.open()?,
                -2 => (self.next..self.dims.len()).try_for_each(|_| self.copy())?,
                -3 => self.join()?,
                -4 => {
                    let parts = codes.get(at + 1..at + 3).ok_or_else(|| bad("-4 needs two numbers after it"))?;
                    self.split(parts[0], parts[1])?;
                    at += 2;
                }
                extent @ 1.. => {
                    self.next += 1;
                    self.out.push(Some(extent as usize));
                }
                code => return Err(bad(&format!("the codes are 0, -1, -2, -3, -4 and extents, got {code}"))),
            }
            at += 1;
        }
        self.fill_rest()
    }

    fn take(&mut self, code: &str) -> OpResult<usize> {
        let axis = self.next;
        self.next += 1;
        let beyond = || bad(&format!("code {code} asks for axis {axis}, but there are {}", self.dims.len()));
        if axis < self.dims.len() { Ok(axis) } else { Err(beyond()) }
    }

    fn copy(&mut self) -> OpResult {
        let axis = self.take("0")?;
        self.copied[axis] = true;
        self.out.push(self.dims[axis]);
        Ok(())
    }

    fn open(&mut self) -> OpResult {
        if self.rest.is_some() {
            return Err(bad("only one extent can be -1"));
        }
        self.rest = Some(self.out.len());
        self.next += 1;
        self.out.push(None);
        Ok(())
    }

    fn join(&mut self) -> OpResult {
        let (a, b) = (self.take("-3")?, self.take("-3")?);
        self.out.push(self.dims[a].zip(self.dims[b]).map(|(a, b)| a.saturating_mul(b)));
        Ok(())
    }

    fn split(&mut self, first: i64, second: i64) -> OpResult {
        let axis = self.take("-4")?;
        let (first, second) = match (usize::try_from(first), usize::try_from(second)) {
            (Ok(f), Ok(s)) => (Some(f), Some(s)),
            (Ok(f), Err(_)) if second == -1 => (Some(f), self.quotient(axis, f)?),
            (Err(_), Ok(s)) if first == -1 => (self.quotient(axis, s)?, Some(s)),
            _ => return Err(bad(&format!("-4 takes two extents, one of them maybe -1; got {first} and {second}"))),
        };
        if let (Some(f), Some(s), Some(whole)) = (first, second, self.dims[axis])
            && f.checked_mul(s) != Some(whole)
        {
            return Err(bad(&format!("axis {axis} of {whole} cannot be split into {f} times {s}")));
        }
        self.out.extend([first, second]);
        Ok(())
    }

    fn quotient(&self, axis: usize, part: usize) -> OpResult<Dim> {
        match self.dims[axis] {
            Some(whole) if part == 0 || whole % part != 0 => {
                Err(bad(&format!("axis {axis} of {whole} cannot be split by {part}")))
            }
            whole => Ok(whole.map(|w| w / part)),
        }
    }

    /// Computes -1 from the number of elements, rounded down as in MXNet: the computation refuses what does not divide.
    /// Unknown axes that are handed on cancel out.
    fn fill_rest(mut self) -> OpResult<Vec<Dim>> {
        let open = |out: &[Dim]| out.iter().filter(|d| d.is_none()).count();
        let hindered = self.dims.iter().zip(&self.copied).any(|(d, copied)| d.is_none() && !copied);
        let cancelled = self.dims.iter().zip(&self.copied).filter(|(d, copied)| d.is_none() && **copied).count();
        let rest = usize::from(self.rest.is_some());
        if hindered || open(&self.out) != cancelled + rest {
            return Ok(self.out);
        }
        let product = |dims: &[Dim]| dims.iter().flatten().fold(1usize, |a, &b| a.saturating_mul(b));
        let (have, used) = (product(self.dims), product(&self.out));
        let Some(place) = self.rest else {
            let fits = have == used;
            return if fits { Ok(self.out) } else { Err(self.mismatch(have, used)) };
        };
        if used == 0 || have < used {
            return Err(self.mismatch(have, used));
        }
        self.out[place] = Some(have / used);
        Ok(self.out)
    }

    fn mismatch(&self, have: usize, used: usize) -> OpError {
        bad(&format!("the input has {have} elements, which do not make up extents of {used}"))
    }
}

fn bad(message: &str) -> OpError {
    OpError::invalid(format!("shape: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(dims: &[usize], codes: &[i64], reverse: bool) -> Vec<usize> {
        let dims: Vec<Dim> = dims.iter().map(|&d| Some(d)).collect();
        reshaped(&dims, codes, reverse).unwrap().into_iter().map(Option::unwrap).collect()
    }

    // MXNet 1.9.1: infer_shape of Reshape.
    #[test]
    fn codes_of_mxnet() {
        let cases: [(&[i64], &[usize]); 10] = [
            (&[0, -1], &[2, 12]),
            (&[-2, 1, 1], &[2, 3, 4, 1, 1]),
            (&[-3, 4], &[6, 4]),
            (&[-4, 1, 2, -2], &[1, 2, 3, 4]),
            (&[0, -4, -1, 3, 4], &[2, 1, 3, 4]),
            (&[0, 0, 0, -1], &[2, 3, 4, 1]),
            (&[-3, -4, 2, -1], &[6, 2, 2]),
            (&[-1, 0], &[8, 3]),
            (&[24], &[24]),
            (&[-1, 7], &[3, 7]),
        ];
        for (codes, want) in cases {
            assert_eq!(known(&[2, 3, 4], codes, false), want, "{codes:?}");
        }
        assert_eq!(known(&[10, 5, 4], &[-1, 0], true), [50, 4]);
        assert_eq!(known(&[2, 3, 4], &[0, 0, 2, 2, -4], true), [2, 3, 2, 2]);
        assert_eq!(known(&[2, 3, 4], &[-2, 4, -1, -4], true), [2, 3, 4, 1]);
    }

    #[test]
    fn an_unknown_axis_that_is_handed_on_does_not_hinder() {
        assert_eq!(reshaped(&[None, Some(3), Some(4)], &[0, -1], false).unwrap(), [None, Some(12)]);
        assert_eq!(reshaped(&[None, Some(3), Some(4)], &[-1, 12], false).unwrap(), [None, Some(12)]);
        assert_eq!(reshaped(&[Some(2), Some(3), None], &[-3, 0], false).unwrap(), [Some(6), None]);
    }

    #[test]
    fn nonsense_is_refused() {
        let dims = [Some(2), Some(3)];
        let cases: [&[i64]; 9] =
            [&[-1, -1], &[-5], &[7], &[-1, 7], &[-4, 2, 2], &[-4, -1, -1, -2], &[-4, 2], &[0, 0, 0], &[0, -3]];
        for codes in cases {
            assert!(reshaped(&dims, codes, false).is_err(), "{codes:?}");
        }
    }

    #[test]
    fn the_old_parameter() {
        let dims = [Some(2), Some(3), Some(4)];
        assert_eq!(legacy_target(&dims, &[2, 0], false).unwrap(), [Some(2), Some(12)]);
        assert_eq!(legacy_target(&dims, &[5, 0], true).unwrap(), [Some(2), Some(12)]);
    }
}
