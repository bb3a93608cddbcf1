"""What the training examples share: arguments, the same start everywhere, curves, checkpoints that resume.

Every example runs under MXNet 1.9.1 as well (`side_by_side.py` does that), so it uses what both have.
"""

import argparse
import json
import logging
import os
import zlib

import numpy as np

import rsym as mx


def arguments(description, epochs, **more):
    """Parsed arguments: those of every example and `more`, names with choices, of which the first is the default."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--folder", default="target/examples", help="where checkpoints, curves and the plot go")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in the folder")
    for name, choices in more.items():
        parser.add_argument("--" + name, choices=choices, default=choices[0])
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return args


@mx.init.register
class SameStart(mx.init.Initializer):
    """Uniform weights with the variance 1 / (number of inputs), from NumPy's generator seeded by the name of the weight.

    The same in every framework, whatever order the weights are made in.
    """

    def _init_weight(self, name, array):
        limit = np.sqrt(3.0 / max(1, int(np.prod(array.shape[1:]))))
        rng = np.random.RandomState(zlib.crc32(name.encode()))
        array[:] = rng.uniform(-limit, limit, array.shape)

    def _init_default(self, name, array):
        self._init_weight(name, array)


class Curves:
    """The values of a metric after every epoch, in training and on held-out data, kept in a JSON file.

    Parameters
    ----------
    path : str
        The file.
    begin : int
        The number of epochs that are done; what the file tells of later ones is forgotten.
    """

    def __init__(self, path, begin=0):
        self.path = path
        self.values = {"training": [], "held out": [], "updates": []}
        self.updates = 0
        self._training = float("nan")
        if begin and os.path.exists(path):
            with open(path) as file:
                self.values = {name: values[:begin] for name, values in json.load(file).items()}
            self.updates = self.values["updates"][-1]

    def after_batch(self, param):
        """A callback of batches in training."""
        self.updates += 1
        self._training = param.eval_metric.get_name_value()[0][1]

    def after_evaluation(self, param):
        """A callback of evaluations: adds a point to both curves and writes the file."""
        name, value = param.eval_metric.get_name_value()[0]
        self.values["training"].append(float(self._training))
        self.values["held out"].append(float(value))
        self.values["updates"].append(self.updates)
        self.values["metric"] = [name]
        with open(self.path, "w") as file:
            json.dump(self.values, file)
        print("epoch %3d   %s in training %.4f   held out %.4f" % (param.epoch + 1, name, self._training, value), flush=True)

    @property
    def last(self):
        """The last value on held-out data."""
        return self.values["held out"][-1]


def plot(path, curves):
    """Draws curves into a PNG file, if matplotlib is installed.

    Parameters
    ----------
    path : str
    curves : dict of str to dict
        By framework: the `values` of `Curves`.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("no plot: matplotlib is not installed")
        return
    axes = (figure := Figure(figsize=(6, 4), layout="constrained")).add_subplot()
    for colour, (framework, values) in enumerate(curves.items()):
        for name, style in (("training", ":"), ("held out", "-")):
            epochs = range(1, len(values[name]) + 1)
            look = dict(color="C%d" % colour, linewidth=4 / (1 + 2 * colour), label="%s, %s" % (framework, name))
            axes.plot(epochs, values[name], style, **look)
    axes.set(xlabel="epoch", ylabel=values["metric"][0])
    axes.legend()
    figure.savefig(path, dpi=100)
    print("curves: %s" % path)


def last_checkpoint(prefix, most):
    """The number of the newest epoch up to `most` that was saved, or 0."""
    return next((n for n in range(most, 0, -1) if os.path.exists("%s-%04d.params" % (prefix, n))), 0)


def fit(args, name, network, train, held_out, metric, optimizer, module=None):
    """Trains a network as `Module.fit` does, with checkpoints, progress and curves.

    Parameters
    ----------
    args : argparse.Namespace
        What `arguments` gave.
    name : str
        Of the files.
    network : Symbol
    train, held_out : DataIter
    metric : EvalMetric or str
    optimizer : dict
        Its name, as ``name``, and its parameters.
    module : dict, optional
        Keywords of `Module`.

    Returns
    -------
    Module
        The trained one.
    float
        The last value of the metric on held-out data.
    """
    prefix = os.path.join(args.folder, name)
    begin = last_checkpoint(prefix, args.epochs) if args.resume else 0
    curves = Curves(prefix + "-curves.json", begin)
    if begin:
        print("going on after epoch %d" % begin)
        model = mx.mod.Module.load(prefix, begin, load_optimizer_states=True, **module or {})
    else:
        model = mx.mod.Module(network, **module or {})
    # Optimizers that count their updates go on where they were.
    parameters = {**optimizer, "begin_num_update": curves.updates}
    model.fit(
        train,
        eval_data=held_out,
        eval_metric=metric,
        initializer=SameStart(),
        optimizer=parameters.pop("name"),
        optimizer_params=parameters,
        begin_epoch=begin,
        num_epoch=args.epochs,
        batch_end_callback=curves.after_batch,
        eval_end_callback=curves.after_evaluation,
        epoch_end_callback=mx.callback.module_checkpoint(model, prefix, save_optimizer_states=True),
    )
    plot(prefix + ".png", {mx.__name__: curves.values})
    return model, curves.last


def require(name, value, bound, more=True):
    """Ends with an error unless `value` is above `bound`, or below it."""
    if (value <= bound) if more else (value >= bound):
        raise SystemExit("%s is %.4f; expected %s %g" % (name, value, "more than" if more else "less than", bound))
    print("%s: %.4f" % (name, value))
