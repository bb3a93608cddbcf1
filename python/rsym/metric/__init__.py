"""Measures of how good predictions are, gathered over batches: `EvalMetric` is the base, `create` finds one by name."""

from ._base import EvalMetric, check_label_shapes, register
from ._classification import F1, MCC, PCC, Accuracy, TopKAccuracy
from ._composite import CompositeEvalMetric, create
from ._likelihood import CrossEntropy, NegativeLogLikelihood, Perplexity
from ._own import Caffe, CustomMetric, Loss, Torch, np
from ._regression import MAE, MSE, RMSE, PearsonCorrelation

__all__ = [
    "Accuracy",
    "Caffe",
    "CompositeEvalMetric",
    "CrossEntropy",
    "CustomMetric",
    "EvalMetric",
    "F1",
    "Loss",
    "MAE",
    "MCC",
    "MSE",
    "NegativeLogLikelihood",
    "PCC",
    "PearsonCorrelation",
    "Perplexity",
    "RMSE",
    "TopKAccuracy",
    "Torch",
    "check_label_shapes",
    "create",
    "np",
    "register",
]
