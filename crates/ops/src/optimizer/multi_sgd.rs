//! `multi_sgd_update` and its kin, also with rates from arrays: gradient descent for several weights at once.

use super::update::{Form, numbers, one_each, scaling, update_many};
use rsym_graph::*;
use rsym_kernels::update::{Sgd, SgdMomentum};
use rsym_tensor::DType;

operator! {
    /// `sgd_update` of several weights at once.
    ///
    /// The inputs are weight, grad of the first weight, then those of the second and so on. There is one
    /// output for each weight. Shapes and types are those of `sgd_update`.
    #[list(true)]
    #[check(MultiSgdUpdate::rates)]
    pub struct MultiSgdUpdate("multi_sgd_update") {
        inputs {
            data: "The arrays of the weights in turn.",
        }
        params {
            /// Learning rate of every weight.
            lrs: Tuple<f32>,
            /// Weight decay of every weight.
            wds: Tuple<f32>,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Number of weights.
            #[range(1..)]
            num_weights: i32 = 1,
        }
    }
}

operator! {
    /// `mp_sgd_update` of several weights at once.
    ///
    /// The inputs are weight, grad, weight32 of the first weight, then those of the second and so on. There is one
    /// output for each weight. Shapes and types are those of `mp_sgd_update`.
    #[list(true)]
    #[check(MultiMpSgdUpdate::rates)]
    pub struct MultiMpSgdUpdate("multi_mp_sgd_update") {
        inputs {
            data: "The arrays of the weights in turn.",
        }
        params {
            /// Learning rate of every weight.
            lrs: Tuple<f32>,
            /// Weight decay of every weight.
            wds: Tuple<f32>,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Number of weights.
            #[range(1..)]
            num_weights: i32 = 1,
        }
    }
}

operator! {
    /// `sgd_mom_update` of several weights at once.
    ///
    /// The inputs are weight, grad, mom of the first weight, then those of the second and so on. There is one
    /// output for each weight. Shapes and types are those of `sgd_mom_update`.
    #[list(true)]
    #[check(MultiSgdMomUpdate::rates)]
    pub struct MultiSgdMomUpdate("multi_sgd_mom_update") {
        inputs {
            data: "The arrays of the weights in turn.",
        }
        params {
            /// Learning rate of every weight.
            lrs: Tuple<f32>,
            /// Weight decay of every weight.
            wds: Tuple<f32>,
            /// Share of the old momentum in the new one.
            momentum: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Number of weights.
            #[range(1..)]
            num_weights: i32 = 1,
        }
    }
}

operator! {
    /// `mp_sgd_mom_update` of several weights at once.
    ///
    /// The inputs are weight, grad, mom, weight32 of the first weight, then those of the second and so on. There is one
    /// output for each weight. Shapes and types are those of `mp_sgd_mom_update`.
    #[list(true)]
    #[check(MultiMpSgdMomUpdate::rates)]
    pub struct MultiMpSgdMomUpdate("multi_mp_sgd_mom_update") {
        inputs {
            data: "The arrays of the weights in turn.",
        }
        params {
            /// Learning rate of every weight.
            lrs: Tuple<f32>,
            /// Weight decay of every weight.
            wds: Tuple<f32>,
            /// Share of the old momentum in the new one.
            momentum: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Number of weights.
            #[range(1..)]
            num_weights: i32 = 1,
        }
    }
}

operator! {
    /// `sgd_update` of several weights at once, with learning rates and weight decays from arrays.
    ///
    /// The inputs are weight, grad of the first weight, then those of the second and so on; last lrs and wds. There is one
    /// output for each weight. Shapes and types are those of `sgd_update`.
    #[list(true)]
    pub struct PreloadedMultiSgdUpdate("preloaded_multi_sgd_update") {
        inputs {
            data: "The arrays of the weights in turn.",
        }
        params {
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Number of weights.
            #[range(1..)]
            num_weights: i32 = 1,
        }
    }
}

operator! {
    /// `mp_sgd_update` of several weights at once, with learning rates and weight decays from arrays.
    ///
    /// The inputs are weight, grad, weight32 of the first weight, then those of the second and so on; last lrs and wds. There is one
    /// output for each weight. Shapes and types are those of `mp_sgd_update`.
    #[list(true)]
    pub struct PreloadedMultiMpSgdUpdate("preloaded_multi_mp_sgd_update") {
        inputs {
            data: "The arrays of the weights in turn.",
        }
        params {
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Number of weights.
            #[range(1..)]
            num_weights: i32 = 1,
        }
    }
}

operator! {
    /// `sgd_mom_update` of several weights at once, with learning rates and weight decays from arrays.
    ///
    /// The inputs are weight, grad, mom of the first weight, then those of the second and so on; last lrs and wds. There is one
    /// output for each weight. Shapes and types are those of `sgd_mom_update`.
    #[list(true)]
    pub struct PreloadedMultiSgdMomUpdate("preloaded_multi_sgd_mom_update") {
        inputs {
            data: "The arrays of the weights in turn.",
        }
        params {
            /// Share of the old momentum in the new one.
            momentum: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Number of weights.
            #[range(1..)]
            num_weights: i32 = 1,
        }
    }
}

operator! {
    /// `mp_sgd_mom_update` of several weights at once, with learning rates and weight decays from arrays.
    ///
    /// The inputs are weight, grad, mom, weight32 of the first weight, then those of the second and so on; last lrs and wds. There is one
    /// output for each weight. Shapes and types are those of `mp_sgd_mom_update`.
    #[list(true)]
    pub struct PreloadedMultiMpSgdMomUpdate("preloaded_multi_mp_sgd_mom_update") {
        inputs {
            data: "The arrays of the weights in turn.",
        }
        params {
            /// Share of the old momentum in the new one.
            momentum: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Number of weights.
            #[range(1..)]
            num_weights: i32 = 1,
        }
    }
}

fn rates(lrs: &[f32], wds: &[f32]) -> Vec<(f64, f64)> {
    lrs.iter().zip(wds).map(|(&lr, &wd)| (lr as f64, wd as f64)).collect()
}

/// The rates in the last two inputs.
fn preloaded(io: &Io, count: i32) -> OpResult<Vec<(f64, f64)>> {
    let (last, count) = (io.inputs.len() - 1, count as usize);
    let (lrs, wds) = (numbers(&io.inputs[last - 1], count, "lrs")?, numbers(&io.inputs[last], count, "wds")?);
    Ok(lrs.into_iter().zip(wds).collect())
}

update_many!(MultiSgdUpdate, ["weight", "grad"], [], false, |op, io| {
    let scaling = scaling(op.rescale_grad, op.clip_gradient);
    rates(&op.lrs, &op.wds).into_iter().map(|(lr, wd)| Sgd { lr, wd, scaling }).collect()
});

impl MultiSgdUpdate {
    fn rates(&self) -> Result<(), String> {
        one_each(&[("lrs", self.lrs.len()), ("wds", self.wds.len())], self.num_weights)
    }
}

update_many!(MultiMpSgdUpdate, ["weight", "grad", "weight32"], [], true, |op, io| {
    let scaling = scaling(op.rescale_grad, op.clip_gradient);
    rates(&op.lrs, &op.wds).into_iter().map(|(lr, wd)| Sgd { lr, wd, scaling }).collect()
});

impl MultiMpSgdUpdate {
    fn rates(&self) -> Result<(), String> {
        one_each(&[("lrs", self.lrs.len()), ("wds", self.wds.len())], self.num_weights)
    }
}

update_many!(MultiSgdMomUpdate, ["weight", "grad", "mom"], [], false, |op, io| {
    let scaling = scaling(op.rescale_grad, op.clip_gradient);
    rates(&op.lrs, &op.wds).into_iter().map(|(lr, wd)| SgdMomentum { lr, wd, momentum: op.momentum as f64, scaling }).collect()
});

impl MultiSgdMomUpdate {
    fn rates(&self) -> Result<(), String> {
        one_each(&[("lrs", self.lrs.len()), ("wds", self.wds.len())], self.num_weights)
    }
}

update_many!(MultiMpSgdMomUpdate, ["weight", "grad", "mom", "weight32"], [], true, |op, io| {
    let scaling = scaling(op.rescale_grad, op.clip_gradient);
    rates(&op.lrs, &op.wds).into_iter().map(|(lr, wd)| SgdMomentum { lr, wd, momentum: op.momentum as f64, scaling }).collect()
});

impl MultiMpSgdMomUpdate {
    fn rates(&self) -> Result<(), String> {
        one_each(&[("lrs", self.lrs.len()), ("wds", self.wds.len())], self.num_weights)
    }
}

update_many!(PreloadedMultiSgdUpdate, ["weight", "grad"], ["lrs", "wds"], false, |op, io| {
    let scaling = scaling(op.rescale_grad, op.clip_gradient);
    preloaded(io, op.num_weights)?.into_iter().map(|(lr, wd)| Sgd { lr, wd, scaling }).collect()
});

update_many!(PreloadedMultiMpSgdUpdate, ["weight", "grad", "weight32"], ["lrs", "wds"], true, |op, io| {
    let scaling = scaling(op.rescale_grad, op.clip_gradient);
    preloaded(io, op.num_weights)?.into_iter().map(|(lr, wd)| Sgd { lr, wd, scaling }).collect()
});

update_many!(PreloadedMultiSgdMomUpdate, ["weight", "grad", "mom"], ["lrs", "wds"], false, |op, io| {
    let scaling = scaling(op.rescale_grad, op.clip_gradient);
    preloaded(io, op.num_weights)?.into_iter().map(|(lr, wd)| SgdMomentum { lr, wd, momentum: op.momentum as f64, scaling }).collect()
});

update_many!(PreloadedMultiMpSgdMomUpdate, ["weight", "grad", "mom", "weight32"], ["lrs", "wds"], true, |op, io| {
    let scaling = scaling(op.rescale_grad, op.clip_gradient);
    preloaded(io, op.num_weights)?.into_iter().map(|(lr, wd)| SgdMomentum { lr, wd, momentum: op.momentum as f64, scaling }).collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::sgd::SgdMomUpdate;
    use crate::support::tests::{infer, run, sample, t32};
    use rsym_tensor::Tensor;

    fn texts(list: &[(&'static str, &str)]) -> ParamTexts {
        ParamTexts(list.iter().map(|&(k, v)| (k.into(), v.into())).collect())
    }

    fn arrays(dtype: DType) -> Vec<Tensor> {
        let sizes = [3usize, 5];
        (0..6).map(|i| sample(&[sizes[i / 3]].into(), dtype, i as u64)).collect()
    }

    #[test]
    fn several_weights_are_updated_as_each_alone() {
        let list = [("lrs", "(0.1, 0.2)"), ("wds", "(0.01, 0)"), ("momentum", "0.9"), ("num_weights", "2")];
        let op = MultiSgdMomUpdate::from_texts(&texts(&list)).unwrap();
        assert_eq!((op.aux(), op.inplace()), (&[2, 5][..], &[(0, 0), (3, 1)][..]));
        for dtype in [DType::Float32, DType::Float64, DType::Float16] {
            let all = arrays(dtype);
            let got = run(&op, &all);
            for (k, (lr, wd)) in [("0.1", "0.01"), ("0.2", "0")].into_iter().enumerate() {
                let one = SgdMomUpdate::from_texts(&texts(&[("lr", lr), ("wd", wd), ("momentum", "0.9")])).unwrap();
                let alone = arrays(dtype)[3 * k..3 * k + 3].to_vec();
                assert_eq!(run(&one, &alone)[0].to_f64_vec(), got[k].to_f64_vec());
                assert_eq!(alone[2].to_f64_vec(), all[3 * k + 2].to_f64_vec());
            }
        }
    }

    #[test]
    fn rates_may_come_from_arrays() {
        let given = MultiSgdUpdate::from_texts(&texts(&[("lrs", "(0.5, 2)"), ("wds", "(0, 1)"), ("num_weights", "2")]));
        let loaded = PreloadedMultiSgdUpdate::from_texts(&texts(&[("num_weights", "2")])).unwrap();
        let mut all: Vec<Tensor> = [0, 1, 3, 4].map(|i| arrays(DType::Float32)[i].clone()).into();
        let want = run(&given.unwrap(), &all);
        all.extend([t32([2], &[0.5, 2.0]), t32([2], &[0.0, 1.0])]);
        let got = run(&loaded, &all);
        assert!((0..2).all(|k| got[k].to_f64_vec() == want[k].to_f64_vec()));
        all[5] = t32([1], &[0.0]);
        assert!(crate::support::tests::run_with(&loaded, &all, &Ctx::default()).is_err());
    }

    #[test]
    fn names_and_shapes_of_the_lists() {
        let list = [("lrs", "(1, 1)"), ("wds", "(1, 1)"), ("num_weights", "2")];
        let op = MultiMpSgdMomUpdate::from_texts(&texts(&list)).unwrap();
        assert_eq!(op.inputs()[3..6], ["weight32_0", "weight_1", "grad_1"]);
        let shapes = infer(&op, &[&[2], &[], &[], &[], &[], &[3], &[], &[]], &[]).unwrap();
        assert_eq!(shapes[4..], [vec![3], vec![3], vec![3], vec![3], vec![2], vec![3]]);
        let mut types = [None; 8];
        types[5] = Some(DType::Float16);
        op.infer_type(&mut TypeIo { inputs: &mut types, outputs: &mut [None; 2] }).unwrap();
        assert_eq!(types[..4], [DType::Float16, DType::Float16, DType::Float32, DType::Float32].map(Some));
    }

    #[test]
    fn rates_must_be_as_many_as_weights() {
        let error = MultiSgdUpdate::from_texts(&texts(&[("lrs", "(1, 1)"), ("wds", "1")])).unwrap_err();
        assert!(matches!(error, ParamError::Conflict(text) if text.contains("lrs") && text.contains("got 2")));
    }
}
