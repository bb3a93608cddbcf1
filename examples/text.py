"""Trains a network that reads a text letter by letter and says what comes next, on lines of different lengths ("buckets").

    python examples/text.py [--epochs 4] [--resume]   (after --resume the optimizer begins anew)

The text is Python's own documentation, as `pydoc` ships it. A line goes into the smallest bucket that holds it; for every bucket
the long short-term memory (Hochreiter and Schmidhuber 1997) is unrolled as often as the bucket is long, and all share their
weights. The measure is perplexity: among how many letters, as it were, the network hesitates.
"""

import os
import pydoc_data.topics
import random

import numpy as np

import rsym as mx
from training import Curves, SameStart, arguments, last_checkpoint, plot, require

BATCH = 32
BUCKETS = [16, 32, 48, 64, 80]
HIDDEN = 128


def lines(letters):
    """Lines of the text, for training and held out."""
    text = "\n".join(pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics))[:letters]
    found = [line.strip() for line in text.split("\n")]
    found = [line for line in found if 8 < len(line) < BUCKETS[-1]]
    random.Random(0).shuffle(found)
    return found[: len(found) * 9 // 10], found[len(found) * 9 // 10 :]


def iterators():
    """Iterators over lines as numbers of letters, and the number of letters."""
    train, held_out = lines(200_000)
    letters = sorted(set("".join(train + held_out)))
    vocabulary = {letter: i + 1 for i, letter in enumerate(letters)}
    parts = [
        mx.rnn.encode_sentences([list(line) for line in part], vocabulary, 0, start_label=1)[0] for part in (train, held_out)
    ]
    # The iterators mix the lines with these generators.
    random.seed(1)
    np.random.seed(1)
    made = [mx.rnn.BucketSentenceIter(part, BATCH, BUCKETS, invalid_label=0) for part in parts]
    return made, len(letters) + 1


def unrolled(size):
    """A function from the length of a bucket to network and names of its inputs."""
    cell = mx.rnn.SequentialRNNCell()
    cell.add(mx.rnn.LSTMCell(HIDDEN, prefix="lstm_"))

    def network(length):
        data, label = mx.sym.Variable("data"), mx.sym.Variable("softmax_label")
        net = mx.sym.Embedding(data, input_dim=size, output_dim=32, name="embed")
        cell.reset()
        outputs, _ = cell.unroll(length, net, merge_outputs=True)
        net = mx.sym.FullyConnected(mx.sym.Reshape(outputs, shape=(-1, HIDDEN)), num_hidden=size, name="letters")
        net = mx.sym.SoftmaxOutput(net, mx.sym.Reshape(label, shape=(-1,)), use_ignore=True, ignore_label=0, name="softmax")
        return net, ("data",), ("softmax_label",)

    return network


def main():
    args = arguments(__doc__, 4)
    (train, held_out), size = iterators()
    prefix = os.path.join(args.folder, "text")
    begin = last_checkpoint(prefix, args.epochs) if args.resume else 0
    curves = Curves(prefix + "-curves.json", begin)
    model = mx.mod.BucketingModule(unrolled(size), default_bucket_key=train.default_bucket_key, context=mx.cpu())
    start = dict(zip(("arg_params", "aux_params"), mx.model.load_checkpoint(prefix, begin)[1:])) if begin else {}
    model.fit(
        train,
        eval_data=held_out,
        eval_metric=mx.metric.Perplexity(0),
        initializer=SameStart(),
        optimizer="adam",
        optimizer_params={"learning_rate": 0.005, "rescale_grad": 1 / BATCH / 40},
        begin_epoch=begin,
        num_epoch=args.epochs,
        batch_end_callback=[curves.after_batch, mx.callback.Speedometer(BATCH, 50, auto_reset=False)],
        eval_end_callback=curves.after_evaluation,
        epoch_end_callback=mx.callback.do_checkpoint(prefix),
        **start,
    )
    plot(prefix + ".png", {mx.__name__: curves.values})
    require("perplexity of held-out lines", curves.last, 6, more=False)


if __name__ == "__main__":
    main()
