"""Trains a long short-term memory of two layers, each on a device of its own, which work at the same time.

    python examples/model_parallel.py [--epochs 4] [--devices two|one] [--resume]

The text is that of `text.py`, cut into pieces of 48 letters. Each layer is composed under an attribute `ctx_group`, and
`group2ctxs` says which device each group goes to: while the second layer is at one letter, the first is at the next.
"""

import numpy as np

import rsym as mx
from text import lines
from training import arguments, fit, require

BATCH = 32
LENGTH = 48
HIDDEN = 128


def network(size):
    with mx.AttrScope(ctx_group="first"):
        data = mx.sym.Variable("data")
        net = mx.sym.Embedding(data, input_dim=size, output_dim=32, name="embed")
        letters = mx.sym.SliceChannel(net, num_outputs=LENGTH, axis=1, squeeze_axis=True, name="letters")
    layers, states = {}, {}
    for group in ("first", "second"):
        with mx.AttrScope(ctx_group=group):
            layers[group] = mx.rnn.LSTMCell(HIDDEN, prefix=group + "_")
            states[group] = layers[group].begin_state()
    outputs = []
    for i in range(LENGTH):
        net = letters[i]
        for group, cell in layers.items():
            with mx.AttrScope(ctx_group=group):
                net, states[group] = cell(net, states[group])
        outputs.append(net)
    with mx.AttrScope(ctx_group="second"):
        net = mx.sym.Concat(*[mx.sym.expand_dims(output, axis=1) for output in outputs], dim=1)
        net = mx.sym.FullyConnected(mx.sym.Reshape(net, shape=(-1, HIDDEN)), num_hidden=size, name="next")
        label = mx.sym.Reshape(mx.sym.Variable("softmax_label"), shape=(-1,))
        return mx.sym.SoftmaxOutput(net, label, name="softmax")


def pieces(parts):
    """Iterators over pieces of text, the labels one letter ahead, and the number of letters."""
    texts = [" ".join(part) for part in parts]
    letters = sorted(set("".join(texts)))
    made = []
    for text in texts:
        numbers = np.array([letters.index(letter) for letter in text], dtype=np.float32)
        count = (len(numbers) - 1) // LENGTH
        data, label = (numbers[begin : begin + count * LENGTH].reshape(count, LENGTH) for begin in (0, 1))
        made.append(mx.io.NDArrayIter(data, label, BATCH, last_batch_handle="discard"))
    return made, len(letters)


def main():
    args = arguments(__doc__, 4, devices=["two", "one"])
    (train, held_out), size = pieces(lines(120_000))
    groups = {"first": mx.cpu(0), "second": mx.cpu(1)} if args.devices == "two" else None
    module = dict(context=mx.cpu(0), group2ctxs=groups)
    adam = dict(name="adam", learning_rate=0.005)
    name = "model-parallel-" + args.devices
    _, perplexity = fit(args, name, network(size), train, held_out, mx.metric.Perplexity(None), adam, module)
    require("perplexity of held-out text", perplexity, 8, more=False)


if __name__ == "__main__":
    main()
