"""Whether two libraries computed the same: nobody is timed on wrong results."""

import numpy as np

# The most that results may differ: outputs by their largest element, updates of parameters by their length. In a training step
# of ResNet-50 with one image, single precision alone is 3 % away from double precision, for inputs of ReLU near zero.
TOLERANCE = {"inference": 1e-3, "training": 1e-1}


def difference(mode, own, other, start):
    """By how much two files of results differ; `start` has the parameters before the step of training."""
    with np.load(own) as a, np.load(other) as b:
        if mode == "inference":
            a, b = a["output"], b["output"]
            return float(np.abs(a - b).max() / np.abs(a).max()) if a.shape == b.shape else float("inf")
        with np.load(start) as s:
            return _update_difference(a, b, s)


def _update_difference(own, other, start):
    """The worst distance of two updates of one parameter, in units of the update.

    Updates that are zero but for rounding count in units of a hundredth of a typical one, or of the parameter's precision.
    """
    if set(own.files) != set(other.files):
        return float("inf")
    rows = []
    for name in own.files:
        a, b = own[name].astype("float64"), other[name].astype("float64")
        s = start[name].ravel().astype("float64")
        s = s[:: max(1, s.size // 4096)][:4096]
        rms = [float(np.sqrt(np.mean(np.square(x)))) for x in (a - b, a - s, s)]
        rows.append(rms if np.isfinite(b).all() else [float("inf"), 1.0, 1.0])
    typical = float(np.median([update for _, update, _ in rows]))
    return max(wrong / max(update, 1e-2 * typical, 1e-5 * size) for wrong, update, size in rows)
