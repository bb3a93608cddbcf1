"""Trains LeNet or a small residual network, on handwritten digits or on an image record file.

    python examples/images.py [--network lenet|resnet] [--data digits|pictures] [--epochs 12] [--resume]

The pictures are photographs and textures that scikit-image and scikit-learn ship: a network learns to tell from which of them
a piece of 32 x 32 pixels is. Pieces for training and held-out pieces lie apart. They are written to a record file as JPEG and
read by `ImageRecordIter`, which mirrors them at random in training.
"""

import os

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import rsym as mx
from training import arguments, fit, require

BATCH = 64
SIDE = 32
PICTURES = ["astronaut", "brick", "chelsea", "coffee", "grass", "gravel", "hubble_deep_field", "retina"]


def lenet(classes):
    """Two convolutions and two dense layers (LeCun et al. 1998)."""
    net = mx.sym.Variable("data")
    for i, filters in enumerate((20, 50)):
        net = mx.sym.Convolution(net, kernel=(5, 5), pad=(2, 2), num_filter=filters, name="conv%d" % i)
        net = mx.sym.Activation(net, act_type="tanh", name="tanh%d" % i)
        net = mx.sym.Pooling(net, pool_type="max", kernel=(2, 2), stride=(2, 2), name="pool%d" % i)
    net = mx.sym.FullyConnected(mx.sym.Flatten(net), num_hidden=128, name="fc0")
    net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="tanh"), num_hidden=classes, name="fc1")
    return mx.sym.SoftmaxOutput(net, name="softmax")


def unit(data, filters, stride, name):
    """A residual unit with normalisation first (He et al. 2016)."""
    normal = mx.sym.Activation(mx.sym.BatchNorm(data, fix_gamma=False, name=name + "_bn0"), act_type="relu")
    shape = dict(num_filter=filters, no_bias=True)
    net = mx.sym.Convolution(normal, kernel=(3, 3), pad=(1, 1), stride=(stride, stride), name=name + "_conv0", **shape)
    net = mx.sym.Activation(mx.sym.BatchNorm(net, fix_gamma=False, name=name + "_bn1"), act_type="relu")
    net = mx.sym.Convolution(net, kernel=(3, 3), pad=(1, 1), name=name + "_conv1", **shape)
    if stride > 1:
        data = mx.sym.Convolution(normal, kernel=(1, 1), stride=(stride, stride), name=name + "_short", **shape)
    return net + data


def resnet(classes):
    """Three stages of two residual units."""
    net = mx.sym.Variable("data")
    net = mx.sym.Convolution(net, kernel=(3, 3), pad=(1, 1), num_filter=16, no_bias=True, name="conv")
    for stage, filters in enumerate((16, 32, 64)):
        for i in range(2):
            net = unit(net, filters, 2 if stage and not i else 1, "stage%d_unit%d" % (stage, i))
    net = mx.sym.Activation(mx.sym.BatchNorm(net, fix_gamma=False, name="bn"), act_type="relu")
    net = mx.sym.Pooling(net, global_pool=True, pool_type="avg", kernel=(1, 1), name="pool")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=classes, name="fc"), name="softmax")


def digits(folder):
    """Iterators over the digits of scikit-learn, 8 x 8 pixels each."""
    data, target = load_digits(return_X_y=True)
    split = train_test_split((data / 16.0 - 0.5).reshape(-1, 1, 8, 8), target, test_size=0.25, random_state=0)
    train_images, test_images, train_labels, test_labels = split
    train = mx.io.NDArrayIter(train_images, train_labels, BATCH, last_batch_handle="discard")
    return train, mx.io.NDArrayIter(test_images, test_labels, BATCH)


def picture(name):
    """A picture that scikit-image ships, in colours."""
    from skimage import color, data

    image = getattr(data, name)()
    return color.gray2rgb(image) if image.ndim == 2 else image[:, :, :3]


def write_pieces(path, chosen):
    """Writes the pieces of all pictures for which ``chosen(row, column)`` into a record file, in a fixed mixed order."""
    pieces = []
    for label, name in enumerate(PICTURES):
        image = picture(name)
        rows, columns = (n // SIDE for n in image.shape[:2])
        places = [(r, c) for r in range(rows) for c in range(columns) if chosen(r, c)]
        np.random.RandomState(label).shuffle(places)
        for r, c in places[:200]:
            pieces.append((label, image[r * SIDE : (r + 1) * SIDE, c * SIDE : (c + 1) * SIDE]))
    record = mx.recordio.MXIndexedRecordIO(path + ".idx", path + ".rec", "w")
    for number, at in enumerate(np.random.RandomState(0).permutation(len(pieces))):
        label, piece = pieces[at]
        header = mx.recordio.IRHeader(0, float(label), number, 0)
        # Colours in the order blue, green, red, as MXNet has them.
        record.write_idx(number, mx.recordio.pack_img(header, np.ascontiguousarray(piece[:, :, ::-1]), quality=95))
    record.close()
    print("%s.rec: %d pieces" % (path, len(pieces)))


def pictures(folder):
    """Iterators over record files, which are written if they are not there."""
    paths = {name: os.path.join(folder, "pieces-" + name) for name in ("train", "test")}
    if not os.path.exists(paths["test"] + ".rec"):
        write_pieces(paths["train"], lambda row, column: (row + 2 * column) % 4 != 0)
        write_pieces(paths["test"], lambda row, column: (row + 2 * column) % 4 == 0)
    scaling = dict(mean_r=128, mean_g=128, mean_b=128, scale=1 / 64)
    common = dict(data_shape=(3, SIDE, SIDE), batch_size=BATCH, preprocess_threads=2, **scaling)
    train = mx.io.ImageRecordIter(path_imgrec=paths["train"] + ".rec", shuffle=True, rand_mirror=True, seed=1, **common)
    return train, mx.io.ImageRecordIter(path_imgrec=paths["test"] + ".rec", **common)


# Network, data: the accuracy that must be exceeded after the default number of epochs.
LEAST = {("lenet", "digits"): 0.97, ("resnet", "digits"): 0.97, ("lenet", "pictures"): 0.8, ("resnet", "pictures"): 0.85}


def main():
    args = arguments(__doc__, 12, network=["lenet", "resnet"], data=["digits", "pictures"])
    train, held_out = {"digits": digits, "pictures": pictures}[args.data](args.folder)
    network = {"lenet": lenet, "resnet": resnet}[args.network](10 if args.data == "digits" else len(PICTURES))
    name = "%s-%s" % (args.network, args.data)
    sgd = dict(name="sgd", learning_rate=0.05 if args.data == "digits" else 0.02, momentum=0.9)
    if args.data == "pictures":
        sgd["lr_scheduler"] = mx.lr_scheduler.FactorScheduler(step=80, factor=0.4)
    _, accuracy = fit(args, name, network, train, held_out, "acc", sgd)
    require("accuracy on held-out images", accuracy, LEAST[args.network, args.data])


if __name__ == "__main__":
    main()
