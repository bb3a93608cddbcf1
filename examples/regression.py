"""Predicts how diabetes goes on from ten measurements, with the class that fits as scikit-learn's do.

    python examples/regression.py [--epochs 60] [--resume]

The 442 patients of scikit-learn's set (Efron et al. 2004); measurements and progress are scaled to mean 0 and deviation 1. The
network has to do better than the mean, whose error is 1, and is shown beside linear regression.
"""

import os

from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

import rsym as mx
from training import Curves, SameStart, arguments, last_checkpoint, plot, require

BATCH = 32


def network():
    net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc0")
    net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="tanh"), num_hidden=1, name="fc1")
    return mx.sym.LinearRegressionOutput(net, mx.sym.Variable("softmax_label"), name="out")


def main():
    args = arguments(__doc__, 60)
    data, target = load_diabetes(return_X_y=True)
    split = train_test_split(scale(data), scale(target), test_size=0.25, random_state=0)
    train_data, test_data, train_target, test_target = split
    prefix = os.path.join(args.folder, "regression")
    begin = last_checkpoint(prefix, args.epochs) if args.resume else 0
    curves = Curves(prefix + "-curves.json", begin)
    # FeedForward takes its keywords for those of the optimizer.
    start = dict(optimizer="sgd", learning_rate=0.02, wd=0.01, numpy_batch_size=BATCH, num_epoch=args.epochs)
    if begin:
        model = mx.model.FeedForward.load(prefix, begin, ctx=mx.cpu(), **start)
    else:
        model = mx.model.FeedForward(network(), ctx=mx.cpu(), initializer=SameStart(), **start)
    # In a fixed order, so that every run is the same.
    train = mx.io.NDArrayIter(train_data, train_target, BATCH, last_batch_handle="discard")
    held_out = mx.io.NDArrayIter(test_data, test_target, BATCH)
    model.fit(
        train,
        eval_data=held_out,
        eval_metric="rmse",
        batch_end_callback=curves.after_batch,
        eval_end_callback=curves.after_evaluation,
        epoch_end_callback=mx.callback.do_checkpoint(prefix),
    )
    plot(prefix + ".png", {mx.__name__: curves.values})
    linear = LinearRegression().fit(train_data, train_target)
    predicted = model.predict(test_data).reshape(-1)
    print("linear regression: %.4f" % ((linear.predict(test_data) - test_target) ** 2).mean() ** 0.5)
    require("root mean square error on held-out patients", ((predicted - test_target) ** 2).mean() ** 0.5, 0.85, more=False)


if __name__ == "__main__":
    main()
