//! Losses: operators whose gradient is their own, whatever arrives.

family! {
    ctc_loss { CtcLoss, CtcLossBackward }
    kl_sparse_reg { KlSparseReg, KlSparseRegBackward }
    make_loss { MakeLoss, MakeLossBackward }
    regression {
        LinearRegressionOutput, LogisticRegressionOutput, MaeRegressionOutput, RegressionBackward
    }
    softmax_cross_entropy { SoftmaxCrossEntropy, SoftmaxCrossEntropyBackward }
    softmax_output { SoftmaxOutput, SoftmaxOutputBackward }
    svm_output { SvmOutput, SvmOutputBackward }
}
