//! `sgd_update`, `sgd_mom_update` and their forms with a master copy: stochastic gradient descent.

use super::update::{Form, scaling, update_one};
use rsym_graph::*;
use rsym_kernels::update::{Sgd, SgdMomentum};

operator! {
    /// Gradient descent: `out = (1 - lr · wd) · weight - lr · g` with `g = clip(rescale_grad · grad)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad | any, all equal | any float type, all equal |
    /// | output | that of weight | that of weight |
    ///
    /// `out=weight` updates the weight in place.
    #[aliases("_sparse_sgd_update")]
    pub struct SgdUpdate("sgd_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Ignored: it is for sparse gradients.
            lazy_update: bool = true,
        }
    }
}

operator! {
    /// Gradient descent with a master copy of the weight: `weight32 = (1 - lr · wd) · weight32 - lr · g` with
    /// `g = clip(rescale_grad · grad)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad | any, all equal | any float type |
    /// | weight32 | that of weight | float32 |
    /// | output | that of weight | that of weight |
    ///
    /// The computation is in single precision on `weight32`, which is updated; the output takes its rounded values.
    pub struct MpSgdUpdate("mp_sgd_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            weight32: "The weight in single precision (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Ignored: it is for sparse gradients.
            lazy_update: bool = true,
        }
    }
}

operator! {
    /// Gradient descent with momentum: `mom = momentum · mom - lr · (wd · weight + g)`, `out = weight + mom` with
    /// `g = clip(rescale_grad · grad)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad, mom | any, all equal | any float type, all equal |
    /// | output | that of weight | that of weight |
    ///
    /// The states are updated in place; `out=weight` updates the weight in place as well.
    #[aliases("_sparse_sgd_mom_update")]
    pub struct SgdMomUpdate("sgd_mom_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            mom: "The momentum (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Share of the old momentum in the new one.
            momentum: f32 = 0.0,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Ignored: it is for sparse gradients.
            lazy_update: bool = true,
        }
    }
}

operator! {
    /// Gradient descent with momentum and a master copy of the weight: `mom = momentum · mom - lr · (wd · weight32 + g)`, `weight32 = weight32 + mom` with
    /// `g = clip(rescale_grad · grad)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | weight, grad | any, all equal | any float type |
    /// | mom, weight32 | that of weight | float32 |
    /// | output | that of weight | that of weight |
    ///
    /// The computation is in single precision on `weight32`, which is updated; the output takes its rounded values.
    pub struct MpSgdMomUpdate("mp_sgd_mom_update") {
        inputs {
            weight: "The weight.",
            grad: "Its gradient.",
            mom: "The momentum (auxiliary state).",
            weight32: "The weight in single precision (auxiliary state).",
        }
        params {
            /// Learning rate.
            lr: f32,
            /// Share of the old momentum in the new one.
            momentum: f32 = 0.0,
            /// Weight decay: the factor of a square penalty on large weights.
            wd: f32 = 0.0,
            /// Factor of the gradient.
            rescale_grad: f32 = 1.0,
            /// Bound of the rescaled gradient's elements; none if negative.
            clip_gradient: f32 = -1.0,
            /// Ignored: it is for sparse gradients.
            lazy_update: bool = true,
        }
    }
}

update_one!(SgdUpdate, 0, false, |op| Sgd {
    lr: op.lr as f64,
    wd: op.wd as f64,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

update_one!(MpSgdUpdate, 0, true, |op| Sgd {
    lr: op.lr as f64,
    wd: op.wd as f64,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

update_one!(SgdMomUpdate, 1, false, |op| SgdMomentum {
    lr: op.lr as f64,
    wd: op.wd as f64,
    momentum: op.momentum as f64,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

update_one!(MpSgdMomUpdate, 1, true, |op| SgdMomentum {
    lr: op.lr as f64,
    wd: op.wd as f64,
    momentum: op.momentum as f64,
    scaling: scaling(op.rescale_grad, op.clip_gradient),
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, run, t32};
    use rsym_tensor::{DType, Tensor};

    fn momentum(text: &str) -> SgdMomUpdate {
        let texts = [("lr", "0.5"), ("momentum", "0.9"), ("wd", "0.1"), ("clip_gradient", text)];
        SgdMomUpdate::from_texts(&ParamTexts(texts.map(|(k, v)| (k.into(), v.into())).into())).unwrap()
    }

    #[test]
    fn the_momentum_is_written_and_its_version_counts() {
        let inputs = [t32([2], &[1.0, -2.0]), t32([2], &[4.0, 0.5]), t32([2], &[1.0, 1.0])];
        let before = inputs[2].storage().version();
        let out = run(&momentum("2"), &inputs).remove(0);
        assert_close(&inputs[2], &[0.9 - 0.5 * (0.1 + 2.0), 0.9 - 0.5 * (-0.2 + 0.5)]);
        assert_close(&out, &[1.0 - 0.15, -2.0 + 0.75]);
        assert!(inputs[2].storage().version() > before && inputs[0].to_f64_vec() == [1.0, -2.0]);
    }

    #[test]
    fn the_weight_may_be_the_output() {
        let inputs = [t32([2], &[1.0, -2.0]), t32([2], &[4.0, 0.5]), t32([2], &[1.0, 1.0])];
        let mut outputs = [inputs[0].clone()];
        momentum("-1").forward(&mut Io { inputs: &inputs, outputs: &mut outputs }, &Ctx::default()).unwrap();
        assert_close(&inputs[0], &[1.0 + 0.9 - 2.05, -2.0 + 0.9 - 0.15]);
    }

    #[test]
    fn arrays_that_share_memory_are_refused() {
        let w = t32([4], &[1.0; 4]);
        let two = [w.rows(0, 2).unwrap(), w.rows(2, 4).unwrap()];
        let run = |inputs: [&Tensor; 3], out: &Tensor| {
            let (inputs, mut outputs) = (inputs.map(Tensor::clone), [out.clone()]);
            momentum("-1").forward(&mut Io { inputs: &inputs, outputs: &mut outputs }, &Ctx::default())
        };
        let other = t32([2], &[1.0; 2]);
        assert!(run([&two[0], &two[1], &other], &two[0]).is_ok());
        assert!(run([&two[0], &other, &two[0]], &t32([2], &[0.0; 2])).is_err());
        assert!(run([&other, &two[1], &two[0]], &w.rows(1, 3).unwrap()).is_err());
    }

    #[test]
    fn a_master_copy_is_of_single_precision() {
        let op = MpSgdUpdate { lr: 0.5, wd: 0.0, rescale_grad: 1.0, clip_gradient: -1.0, lazy_update: true };
        let mut types = [Some(DType::Float16), None, None];
        op.infer_type(&mut TypeIo { inputs: &mut types, outputs: &mut [None] }).unwrap();
        assert_eq!(types, [Some(DType::Float16), Some(DType::Float16), Some(DType::Float32)]);
        let half = |v: f64| Tensor::full([3], DType::Float16, v).unwrap();
        let inputs = [half(1.0), half(0.001), t32([3], &[1.0; 3])];
        let out = run(&op, &inputs).remove(0);
        assert_eq!((out.dtype(), out.to_f64_vec()), (DType::Float16, vec![0.99951171875; 3]));
        assert_close(&inputs[2], &[1.0 - 0.0005; 3]);
    }

    #[test]
    fn nothing_at_all_is_updated() {
        let empty = Tensor::zeros([0], DType::Float64).unwrap();
        assert_eq!(run(&momentum("1"), &[empty.clone(), empty.clone(), empty])[0].size(), 0);
    }
}
