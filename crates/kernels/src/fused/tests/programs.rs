//! Programs against the same functions one after the other.

use super::*;
use crate::parallel::tests::same_for_threads;
use Operand::{Out, Slice};

fn ramp(n: usize, from: f32) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919) % 1013) as f32 * 0.004 - 2.0 + from).collect()
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|v| v.to_bits()).collect()
}

fn alone(op: Op, args: &[&[f32]]) -> Vec<f32> {
    let dims = [args[0].len()];
    let given: Vec<Given> = args.iter().map(|x| Given::Tensor(Slice(x), &dims)).collect();
    let mut out = vec![0.0; dims[0]];
    apply(op, &given, (&mut out, &dims));
    out
}

/// y = tanh(a * 0.5 + b), z = relu(y - a), with both as outputs.
fn two_outputs() -> Program {
    let mut p = Builder::new();
    let (a, b) = (p.input(Feed::Full), p.input(Feed::Full));
    let t = p.push(Op::Mul, &[a, Arg::Scalar(0.5)]);
    let t = p.push(Op::Add, &[t, b]);
    let y = p.push(Op::Tanh, &[t]);
    let unused = p.push(Op::Exp, &[b]);
    let _ = p.push(Op::Log, &[unused]);
    let t = p.push(Op::Sub, &[y, a]);
    let z = p.push(Op::Relu, &[t]);
    p.output(y);
    p.output(z);
    p.finish().unwrap()
}

fn two_outputs_naive(a: &[f32], b: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let half: Vec<f32> = a.iter().map(|x| x * 0.5).collect();
    let y = alone(Op::Tanh, &[&alone(Op::Add, &[&half, b])]);
    let z = alone(Op::Relu, &[&alone(Op::Sub, &[&y, a])]);
    (y, z)
}

const SIZES: [usize; 14] = [0, 1, 3, 15, 16, 17, 31, 33, 1023, 1024, 1025, 2047, 2049, 70_001];

#[test]
fn fusing_changes_no_bit() {
    let program = two_outputs();
    assert_eq!((program.instructions(), program.inputs(), program.outputs(), program.slots), (5, 2, 2, 1));
    for tier in available() {
        for n in SIZES {
            let (a, b) = (ramp(n, 0.0), ramp(n, 0.3));
            let (y, z) = with_tier(tier, || two_outputs_naive(&a, &b));
            let (mut got_y, mut got_z) = (vec![7.0; n], vec![7.0; n]);
            with_tier(tier, || program.run(n, &[Slice(&a), Slice(&b)], &mut [&mut got_y, &mut got_z]));
            assert_eq!((bits(&got_y), bits(&got_z)), (bits(&y), bits(&z)), "{n} on {tier}");
        }
    }
}

#[test]
fn operands_in_the_place_of_outputs() {
    let program = two_outputs();
    for n in SIZES {
        let (a, b) = (ramp(n, 0.0), ramp(n, 0.3));
        let want = two_outputs_naive(&a, &b);
        for (first, second) in [(0, 1), (1, 0)] {
            let place = |k: usize| if k == first { a.clone() } else { b.clone() };
            let (mut y, mut z) = (place(0), place(1));
            program.run(n, &[Out(first), Out(second)], &mut [&mut y, &mut z]);
            assert_eq!((y, z), want.clone(), "{n}, a in output {first}");
        }
        let (mut y, mut z) = (a.clone(), vec![0.0; n]);
        program.run(n, &[Out(0), Slice(&b)], &mut [&mut y, &mut z]);
        assert_eq!((y, z), want);
    }
}

#[test]
fn results_are_the_same_for_every_number_of_threads() {
    let (program, n) = (two_outputs(), 300_000);
    let (a, b) = (ramp(n, 0.0), ramp(n, 0.3));
    let got = same_for_threads(|| {
        let (mut y, mut z) = (a.clone(), vec![0.0; n]);
        program.run(n, &[Out(0), Slice(&b)], &mut [&mut y, &mut z]);
        (y, z)
    });
    assert_eq!(got, two_outputs_naive(&a, &b));
}

#[test]
fn operands_are_broadcast() {
    let shapes: [(&[usize], &[&[usize]]); 8] = [
        (&[3, 700], &[&[700], &[3, 1], &[1]]),
        (&[70, 3], &[&[3], &[70, 1], &[1, 3]]),
        (&[2, 64, 33], &[&[64, 1], &[1, 64, 33], &[2, 1, 33], &[2, 1, 1]]),
        (&[4, 5, 1025], &[&[1025], &[5, 1], &[4, 1, 1025]]),
        (&[2, 3, 4, 5], &[&[3, 1, 5], &[2, 1, 4, 1], &[1, 3, 1, 1]]),
        (&[9, 1024], &[&[1024], &[9, 1]]),
        (&[5, 16], &[&[16], &[5, 1]]),
        (&[0, 3], &[&[3], &[1]]),
    ];
    for (dims, operands) in shapes {
        let n: usize = dims.iter().product();
        let x = ramp(n, 0.0);
        for own in operands {
            let size: usize = own.iter().product();
            let small = ramp(size, 0.25);
            let mut strides = vec![0; dims.len()];
            let mut stride = 1;
            for i in (0..own.len()).rev() {
                strides[i + dims.len() - own.len()] = if own[i] == 1 { 0 } else { stride };
                stride *= own[i];
            }
            let spread: Vec<f32> = (0..n)
                .map(|mut flat| {
                    let mut offset = 0;
                    for i in (0..dims.len()).rev() {
                        offset += flat % dims[i] * strides[i];
                        flat /= dims[i];
                    }
                    small[offset]
                })
                .collect();
            let want: Vec<f32> = x.iter().zip(&spread).map(|(x, s)| (x - s) * s).collect();
            let mut p = Builder::new();
            let (a, s) = (p.input(Feed::Full), p.input(Feed::broadcast(own, dims)));
            let t = p.push(Op::Sub, &[a, s]);
            let t = p.push(Op::Mul, &[t, s]);
            p.output(t);
            let program = p.finish().unwrap();
            let got = same_for_threads(|| {
                let mut out = x.clone();
                program.run(n, &[Out(0), Slice(&small)], &mut [&mut out]);
                out
            });
            assert_eq!(got, want, "{own:?} to {dims:?}");
            let mut out = vec![0.0; n];
            let given = [Given::Tensor(Slice(&small), own), Given::Tensor(Slice(&x), dims)];
            apply(Op::Sub, &given, (&mut out, dims));
            assert!(out.iter().zip(&x).zip(&spread).all(|((o, x), s)| *o == s - x), "{own:?} to {dims:?}");
        }
    }
}

#[test]
fn one_function_with_numbers_and_in_place() {
    for n in SIZES {
        let (x, dims) = (ramp(n, 0.0), [n]);
        let mut out = x.clone();
        let given = [Given::Scalar(3.0), Given::Tensor(Out(0), &dims), Given::Scalar(0.5)];
        apply(Op::MulAdd, &given, (&mut out, &dims));
        assert!(out.iter().zip(&x).all(|(o, x)| *o == 3.0 * x + 0.5));
        apply(Op::Power, &[Given::Tensor(Slice(&x), &dims), Given::Scalar(2.0)], (&mut out, &dims));
        assert!(out.iter().zip(&x).all(|(o, x)| *o == x * x));
    }
}

#[test]
fn an_operand_or_a_value_may_be_every_output() {
    let mut p = Builder::new();
    let a = p.input(Feed::Full);
    let t = p.push(Op::Negative, &[a]);
    p.output(t);
    p.output(t);
    p.output(a);
    p.output(Arg::Scalar(4.0));
    let (x, mut out) = (ramp(20, 0.0), vec![vec![0.0; 20]; 4]);
    let mut places: Vec<&mut [f32]> = out.iter_mut().map(|o| &mut o[..]).collect();
    p.finish().unwrap().run(20, &[Slice(&x)], &mut places);
    let negative: Vec<f32> = x.iter().map(|x| -x).collect();
    assert_eq!(out, [negative.clone(), negative, x, vec![4.0; 20]]);
}

#[test]
fn slots_are_used_again_and_limits_are_told() {
    let mut p = Builder::new();
    let mut v = p.input(Feed::Full);
    (0..200).for_each(|i| v = p.push(Op::Add, &[v, Arg::Scalar(i as f32)]));
    p.output(v);
    assert_eq!(p.clone().finish().unwrap().slots, 1);
    let many: Vec<Arg> = (0..MAX_LIVE + 1).map(|_| p.push(Op::Exp, &[v])).collect();
    let sum = many.iter().copied().reduce(|a, b| p.push(Op::Add, &[a, b])).unwrap();
    p.output(sum);
    assert_eq!(p.finish().err(), Some(TooLarge));
}
