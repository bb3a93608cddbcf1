//! Losses: operators whose gradient is their own, whatever arrives.

family! {
    make_loss { MakeLoss, MakeLossBackward }
    regression {
        LinearRegressionOutput, LogisticRegressionOutput, MaeRegressionOutput, RegressionBackward
    }
    svm_output { SvmOutput, SvmOutputBackward }
}
