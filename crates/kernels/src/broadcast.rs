//! Element by element over operands of different shapes, by NumPy's rules of broadcasting.

use crate::elementwise::{Operand, apply2, apply3};
use crate::feed::Feed;
use rsym_tensor::{Element, Shape};

/// The shape of the result of broadcasting two shapes against each other, the shorter padded with ones on the left;
/// nothing if they do not fit.
pub fn broadcast_shape(a: &[usize], b: &[usize]) -> Option<Shape> {
    let rank = a.len().max(b.len());
    let at = |dims: &[usize], i: usize| if i + dims.len() < rank { 1 } else { dims[i + dims.len() - rank] };
    let join = |i| match (at(a, i), at(b, i)) {
        (x, y) if x == y || y == 1 => Some(x),
        (1, y) => Some(y),
        _ => None,
    };
    (0..rank).map(join).collect::<Option<Shape>>()
}

/// `out = f(lhs, rhs)`, each operand given with its shape. An operand that is [`Operand::Out`] must have the shape of
/// the output.
pub fn broadcast<T: Element>(
    lhs: (Operand<T>, &[usize]),
    rhs: (Operand<T>, &[usize]),
    out: (&mut [T], &[usize]),
    f: impl Fn(T, T) -> T + Sync,
) {
    let (out, dims) = out;
    assert_eq!(out.len(), dims.iter().product::<usize>(), "output and its shape differ in size");
    apply2(&Feed::broadcast(lhs.0, lhs.1, dims), &Feed::broadcast(rhs.0, rhs.1, dims), out, f);
}

/// `out = f(a, b, c)` for operands given with their shapes, as in [`broadcast`].
pub fn broadcast3<T: Element>(
    operands: [(Operand<T>, &[usize]); 3],
    out: (&mut [T], &[usize]),
    f: impl Fn(T, T, T) -> T + Sync,
) {
    let (out, dims) = out;
    assert_eq!(out.len(), dims.iter().product::<usize>(), "output and its shape differ in size");
    let [a, b, c] = operands.map(|(operand, own)| Feed::broadcast(operand, own, dims));
    apply3([&a, &b, &c], out, f);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::same_for_threads;
    use Operand::{Out, Slice};

    fn ramp(dims: &[usize], from: f32) -> Vec<f32> {
        (0..dims.iter().product()).map(|i| (i % 1013) as f32 + from).collect()
    }

    /// Offset of the element of a broadcast operand that meets element `flat` of the output.
    fn naive_offset(dims: &[usize], out: &[usize], mut flat: usize) -> usize {
        let (mut offset, mut stride) = (0, 1);
        for i in (0..out.len()).rev() {
            let index = flat % out[i];
            flat /= out[i];
            if i + dims.len() >= out.len() {
                let own = dims[i + dims.len() - out.len()];
                offset += if own == 1 { 0 } else { index * stride };
                stride *= own;
            }
        }
        offset
    }

    fn check(a: &[usize], b: &[usize]) {
        let dims = broadcast_shape(a, b).unwrap();
        let (x, y) = (ramp(a, 0.5), ramp(b, 1000.0));
        let got = same_for_threads(|| {
            let mut out = vec![0f32; dims.size()];
            broadcast((Slice(&x), a), (Slice(&y), b), (&mut out, &dims), |p, q| p - 2.0 * q);
            out
        });
        for (i, got) in got.iter().enumerate() {
            assert_eq!(*got, x[naive_offset(a, &dims, i)] - 2.0 * y[naive_offset(b, &dims, i)], "{a:?} {b:?} at {i}");
        }
    }

    #[test]
    fn every_pattern_equals_the_naive_twin() {
        check(&[2, 3, 4, 5], &[1, 3, 1, 1]);
        check(&[2, 64, 33, 31], &[1, 64, 1, 1]);
        check(&[700, 3], &[700, 1]);
        check(&[3, 700], &[700]);
        check(&[5, 1], &[1, 1025]);
        check(&[1], &[513]);
        check(&[], &[2, 2]);
        check(&[3, 1, 5, 1, 7, 1, 2], &[1, 4, 1, 6, 1, 3, 1]);
        check(&[4, 1, 513], &[1, 3, 513]);
        check(&[0, 3], &[1, 3]);
        check(&[2, 3], &[2, 3]);
    }

    #[test]
    fn an_operand_may_be_the_output() {
        let row = ramp(&[7], 3.0);
        let start = ramp(&[100, 7], 0.0);
        let mut out = start.clone();
        broadcast((Slice(&row), &[7]), (Out, &[100, 7]), (&mut out, &[100, 7]), |a, b| a / (b + 1.0));
        assert!((0..700).all(|i| out[i] == row[i % 7] / (start[i] + 1.0)));
    }

    #[test]
    fn three_operands_are_broadcast() {
        let (a, b) = (ramp(&[3, 700], 1.0), ramp(&[3, 1], 9.0));
        let mut out = vec![0f32; 2100];
        let operands = [(Slice(&a[..]), &[3, 700][..]), (Slice(&[2.0]), &[]), (Slice(&b[..]), &[3, 1])];
        broadcast3(operands, (&mut out, &[3, 700]), |x, y, z| x * y - z);
        assert!((0..2100).all(|i| out[i] == 2.0 * a[i] - b[i / 700]));
    }

    #[test]
    fn shapes_join_or_refuse() {
        assert_eq!(broadcast_shape(&[2, 1, 3], &[4, 1]), Some(Shape::from([2, 4, 3])));
        assert_eq!(broadcast_shape(&[0, 1], &[1, 5]), Some(Shape::from([0, 5])));
        assert_eq!(broadcast_shape(&[2, 3], &[2]), None);
    }
}
