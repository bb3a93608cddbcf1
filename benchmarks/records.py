"""Pictures per second of `ImageRecordIter`, of rsym and of MXNet beside it.

    python benchmarks/records.py --mxnet /path/to/python --threads 2

Writes a record file of JPEG pictures with 256 rows and columns (parts of the photographs that scikit-learn ships, otherwise
waves), and reads epochs of it in turn: decoded only, and as networks are trained. Both libraries read the same file with
equally many threads, each in a process of its own; the best of the epochs counts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

CASES = {
    "decode, crop 224": {"data_shape": (3, 224, 224)},
    "random crop, mirror, normalise": {
        "data_shape": (3, 224, 224),
        "rand_crop": True,
        "rand_mirror": True,
        "mean_r": 123.68,
        "mean_g": 116.78,
        "mean_b": 103.94,
        "std_r": 58.4,
        "std_g": 57.1,
        "std_b": 57.4,
        "shuffle": True,
    },
    "resize 128, crop 112": {"data_shape": (3, 112, 112), "resize": 128},
    "random resized crop, colours": {
        "data_shape": (3, 224, 224),
        "random_resized_crop": True,
        "min_random_area": 0.2,
        "max_random_area": 1.0,
        "max_aspect_ratio": 1.33,
        "min_aspect_ratio": 0.75,
        "brightness": 0.4,
        "contrast": 0.4,
        "saturation": 0.4,
        "rand_mirror": True,
    },
}


def photographs():
    """Large pictures to cut parts from."""
    import numpy as np

    try:
        from sklearn.datasets import load_sample_images

        return load_sample_images().images
    except ImportError:
        y, x, c = np.mgrid[0:427, 0:640, 0:3]
        waves = 127 + 60 * np.sin(x / 17 + c) + 60 * np.cos(y / 11 + x / 90)
        return [(waves + np.random.RandomState(0).normal(0, 6, waves.shape)).clip(0, 255).astype("uint8")]


def write(path, count):
    """A record file of `count` pictures."""
    import numpy as np

    import rsym as mx

    sources, random = photographs(), np.random.RandomState(1)
    with mx.recordio.MXIndexedRecordIO(path + ".idx", path, "w") as record:
        for i in range(count):
            source = sources[i % len(sources)]
            y, x = random.randint(0, source.shape[0] - 256), random.randint(0, source.shape[1] - 256)
            part = np.ascontiguousarray(source[y : y + 256, x : x + 256, ::-1])
            record.write_idx(i, mx.recordio.pack_img((0, i % 10, i, 0), part, quality=95))


def epoch(it):
    """Pictures and seconds of an epoch."""
    start, count = time.perf_counter(), 0
    for batch in it:
        batch.data[0].wait_to_read()
        count += batch.data[0].shape[0] - batch.pad
    seconds = time.perf_counter() - start
    it.reset()
    return count, seconds


def measure(library, path, threads, epochs):
    """The best rate of each case."""
    mx = __import__(library)
    rates = {}
    for name, given in CASES.items():
        it = mx.io.ImageRecordIter(
            path_imgrec=path,
            path_imgidx=path + ".idx",
            batch_size=64,
            preprocess_threads=threads,
            ctx="cpu",
            verbose=False,
            **given,
        )
        epoch(it)
        rates[name] = max(count / seconds for count, seconds in (epoch(it) for _ in range(epochs)))
    return rates


def child(python, library, path, args):
    """The rates that a process of its own measures."""
    command = [python, os.path.abspath(__file__), "--worker", library, "--file", path]
    command += ["--threads", str(args.threads), "--epochs", str(args.epochs)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(args.threads)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mxnet", help="a Python that has MXNet")
    parser.add_argument("--count", type=int, default=2000, help="pictures")
    parser.add_argument("--threads", type=int, default=2, help="threads that decode")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        print(json.dumps(measure(args.worker, args.file, args.threads, args.epochs)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pictures.rec")
        write(path, args.count)
        columns = {"rsym": child(sys.executable, "rsym", path, args)}
        if args.mxnet:
            columns["MXNet"] = child(args.mxnet, "mxnet", path, args)
    print("%-34s" % "pictures per second" + "".join("%10s" % name for name in columns))
    for case in CASES:
        print("%-34s" % case + "".join("%10.0f" % rates[case] for rates in columns.values()))


if __name__ == "__main__":
    main()
