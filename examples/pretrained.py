"""Loads a published MXNet model and predicts.

    python examples/pretrained.py MODEL_PREFIX EPOCH INPUT

MODEL_PREFIX-symbol.json and MODEL_PREFIX-EPOCH.params are the model; --symbol and --params name other files. INPUT is a NumPy
`.npy` file for a model with one input, or an `.npz` file with an array for each input by name (`in_NAME` is taken for NAME).
Labels of loss layers are not asked for. The outputs are shown, and written to an `.npz` file with --out.
"""

import argparse

import numpy as np

import rsym as mx


def load(prefix, epoch, symbol_file=None, params_file=None):
    symbol = mx.sym.load(symbol_file or "%s-symbol.json" % prefix)
    loaded = mx.nd.load(params_file or "%s-%04d.params" % (prefix, epoch))
    return (symbol,) + mx.model.split_params(loaded, set(symbol.list_auxiliary_states()))


def read_inputs(path, symbol, known):
    """The input arrays by argument name."""
    values = np.load(path)
    if isinstance(values, np.ndarray):
        names = [n for n in symbol.list_arguments() if n not in known and not n.endswith("label")]
        if len(names) != 1:
            raise SystemExit("the model has %d inputs (%s): give an .npz file" % (len(names), ", ".join(names)))
        return {names[0]: values}
    arrays = {k[3:] if k.startswith("in_") else k: values[k] for k in values.files if not k.startswith("out_")}
    return {k: v for k, v in arrays.items() if k in symbol.list_arguments()}


def predict(symbol, arg_params, aux_params, inputs):
    """The outputs, as a list of NumPy arrays."""
    types = {k: v.dtype for k, v in {**arg_params, **inputs}.items() if k in symbol.list_arguments()}
    shapes = {k: v.shape for k, v in {**arg_params, **inputs}.items() if k in symbol.list_arguments()}
    executor = symbol.simple_bind(mx.cpu(), grad_req="null", type_dict=types, **shapes)
    executor.copy_params_from(arg_params, aux_params, allow_extra_params=True)
    executor.forward(is_train=False, **inputs)
    return [output.asnumpy() for output in executor.outputs]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prefix")
    parser.add_argument("epoch", type=int)
    parser.add_argument("input")
    parser.add_argument("--symbol")
    parser.add_argument("--params")
    parser.add_argument("--out")
    args = parser.parse_args()
    symbol, arg_params, aux_params = load(args.prefix, args.epoch, args.symbol, args.params)
    inputs = read_inputs(args.input, symbol, arg_params)
    outputs = predict(symbol, arg_params, aux_params, inputs)
    for name, value in zip(symbol.list_outputs(), outputs):
        print("%s %s" % (name, value.shape))
        if value.ndim == 2:
            for row in value[:3]:
                best = row.argsort()[::-1][:5]
                print("   best: " + ", ".join("%d (%.4f)" % (k, row[k]) for k in best))
    if args.out:
        np.savez(args.out, **{"out_%d" % i: v for i, v in enumerate(outputs)})


if __name__ == "__main__":
    main()
