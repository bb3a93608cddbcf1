"""Completes a table of which a tenth is missing, by factorising it: the model behind recommenders.

    python examples/recommender.py [--epochs 10] [--resume]

The rows of the table are the 1797 pictures of scikit-learn's digits ("users"), its columns their 64 pixels ("items"), its values
the brightness from 0 to 16 ("ratings"), scaled to 0 to 1. A rating is the product of two vectors of 16 learned numbers, one of
the user and one of the item, plus a number for each (Koren et al. 2009). It has to do better than the mean of each item.
"""

import numpy as np
from sklearn.datasets import load_digits

import rsym as mx
from training import arguments, fit, require

BATCH = 512
FACTORS = 16


def network(users, items):
    sides = {"user": (mx.sym.Variable("user"), users), "item": (mx.sym.Variable("item"), items)}

    def vectors(side, size, **start):
        places, count = sides[side]
        weight = mx.sym.Variable("%s%d_weight" % (side, size), **start)
        return mx.sym.Embedding(places, weight, input_dim=count, output_dim=size)

    zero = mx.init.Zero()

    product = mx.sym.sum(vectors("user", FACTORS) * vectors("item", FACTORS), axis=1)
    alone = mx.sym.Reshape(vectors("user", 1, init=zero) + vectors("item", 1, init=zero), shape=(-1,))
    return mx.sym.LinearRegressionOutput(product + alone, mx.sym.Variable("rating"), name="out")


def iterator(users, items, ratings):
    data = {"user": users.astype(np.float32), "item": items.astype(np.float32)}
    return mx.io.NDArrayIter(data, {"rating": ratings}, BATCH, last_batch_handle="discard")


def main():
    args = arguments(__doc__, 10)
    table = load_digits().data / 16.0
    places = np.random.RandomState(0).permutation(table.size)
    users, items = np.divmod(places, table.shape[1])
    ratings = table[users, items].astype(np.float32)
    cut = table.size * 9 // 10
    train, held_out = (iterator(users[part], items[part], ratings[part]) for part in (slice(0, cut), slice(cut, None)))
    sums, counts = (np.bincount(items[:cut], w, table.shape[1]) for w in (ratings[:cut], None))
    plain = ((ratings[cut:] - (sums / counts)[items[cut:]]) ** 2).mean() ** 0.5
    module = dict(data_names=["item", "user"], label_names=["rating"])
    adam = dict(name="adam", learning_rate=0.01)
    _, error = fit(args, "recommender", network(*table.shape), train, held_out, "rmse", adam, module)
    print("the mean of each pixel: %.4f" % plain)
    require("root mean square error of held-out ratings", error, 0.75 * plain, more=False)


if __name__ == "__main__":
    main()
