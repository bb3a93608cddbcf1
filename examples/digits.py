"""Trains a two-layer network on scikit-learn's handwritten digits, saves it, loads it and predicts again.

    python examples/digits.py [--epochs 40] [--folder DIR]

The network is the one of the documentation, its training loop written out: `simple_bind`, `forward`, `backward` and
plain stochastic gradient descent. It exits with an error if held-out accuracy stays at or below 95 % or if the loaded network
predicts anything else than the saved one.
"""

import argparse
import os
import tempfile

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import rsym as mx

BATCH = 64


def network():
    net = mx.symbol.Variable("data")
    net = mx.symbol.FullyConnected(data=net, name="fc1", num_hidden=128)
    net = mx.symbol.Activation(data=net, name="relu1", act_type="relu")
    net = mx.symbol.FullyConnected(data=net, name="fc2", num_hidden=10)
    return mx.symbol.SoftmaxOutput(data=net, name="out")


def initialise(executor, rng):
    """Weights from a normal distribution scaled by the number of inputs (He et al. 2015), biases zero."""
    for name, array in executor.arg_dict.items():
        if name.endswith("weight"):
            array[:] = rng.normal(0, np.sqrt(2 / array.shape[1]), array.shape)


def batches(images, labels, order):
    for begin in range(0, len(order) - BATCH + 1, BATCH):
        rows = order[begin : begin + BATCH]
        yield images[rows], labels[rows]


def train(net, images, labels, epochs, rng, rate=0.2):
    """A trained executor; one line of progress for every fifth epoch."""
    executor = net.simple_bind(mx.cpu(), data=(BATCH, images.shape[1]), out_label=(BATCH,))
    initialise(executor, rng)
    parameters = [n for n in executor.arg_dict if n not in ("data", "out_label")]
    for epoch in range(1, epochs + 1):
        right = seen = 0
        for data, label in batches(images, labels, rng.permutation(len(images))):
            (output,) = executor.forward(is_train=True, data=mx.nd.array(data), out_label=mx.nd.array(label))
            executor.backward()
            for name in parameters:
                executor.arg_dict[name][:] -= rate / BATCH * executor.grad_dict[name]
            right += (output.asnumpy().argmax(1) == label).sum()
            seen += len(label)
        if epoch == 1 or epoch % 5 == 0:
            print("epoch %3d   accuracy in training %.4f" % (epoch, right / seen), flush=True)
    return executor


def predict(net, arg_params, images):
    """The probabilities of each class, from all images at once; the label of the loss is not asked for."""
    executor = net.simple_bind(mx.cpu(), grad_req="null", data=images.shape)
    executor.copy_params_from(arg_params)
    return executor.forward(is_train=False, data=mx.nd.array(images))[0].asnumpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--folder", help="where to save; a temporary folder if left out")
    args = parser.parse_args()
    digits = load_digits()
    split = train_test_split(digits.data / 16.0, digits.target, test_size=0.25, random_state=0)
    train_images, test_images, train_labels, test_labels = split
    print("%d images to train with, %d held out" % (len(train_images), len(test_images)))
    net = network()
    executor = train(net, train_images, train_labels, args.epochs, np.random.default_rng(0))
    arg_params = {k: v for k, v in executor.arg_dict.items() if k not in ("data", "out_label")}
    before = predict(net, arg_params, test_images)
    accuracy = (before.argmax(1) == test_labels).mean()
    print("accuracy on held-out images: %.4f" % accuracy)
    with tempfile.TemporaryDirectory() as scratch:
        prefix = os.path.join(args.folder or scratch, "digits")
        mx.model.save_checkpoint(prefix, args.epochs, net, arg_params, {})
        loaded, loaded_args, _ = mx.model.load_checkpoint(prefix, args.epochs)
        print("saved and loaded %s-symbol.json and %s-%04d.params" % (prefix, prefix, args.epochs))
        after = predict(loaded, loaded_args, test_images)
    if not np.array_equal(before, after):
        raise SystemExit("the loaded network predicts something else")
    print("the loaded network predicts the same, bit for bit")
    if accuracy <= 0.95:
        raise SystemExit("accuracy is not above 0.95")


if __name__ == "__main__":
    main()
