"""Writes down what MXNet 1.9.1 answers to every case.

Run `python tests/oracle/record.py [FAMILY ...]` where `import mxnet` works. Each family becomes
`recorded/<family>.npz` (the numbers, one flat array per dtype) and `recorded/<family>.json` (one line per case).
"""

import json
import os
import pathlib
import sys

os.environ["MXNET_SUBGRAPH_BACKEND"] = "NONE"  # the default backend computes wrong numbers for some graphs

import mxnet as mx  # noqa: E402
import numpy as np  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from oracle import cases, observe  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent / "recorded"


class Numbers:
    """Arrays laid end to end, one run per dtype; equal arrays are stored once."""

    def __init__(self):
        self.flat, self.length, self.known = {}, {}, {}

    def put(self, value):
        dtype = value.dtype.name
        key = dtype, value.shape, value.tobytes()
        if key not in self.known:
            offset = self.length.get(dtype, 0)
            self.flat.setdefault(dtype, []).append(value.ravel())
            self.length[dtype] = offset + value.size
            self.known[key] = [dtype, offset, list(value.shape)]
        return self.known[key]

    def arrays(self):
        return {dtype: np.concatenate(parts) for dtype, parts in sorted(self.flat.items())}


def flatten(seen):
    """Every array of an observation with the place where it stands."""
    for key in ("out", "train"):
        yield from ((f"{key} {i}", value) for i, value in enumerate(seen[key]))
    for key in ("grad", "aux"):
        yield from ((f"{key} {name}", value) for name, value in seen.get(key, {}).items())


def disturb():
    """Leaves foreign numbers in the memory that MXNet hands out next."""
    held = [mx.nd.full((size,), 1e30 + size) for size in (1, 3, 16, 60, 250, 1000) for _ in range(8)]
    held += [mx.nd.full((size,), 37, dtype="int64") for size in (1, 3, 16, 60, 250) for _ in range(8)]
    mx.nd.waitall()


def trustworthy(one, seen):
    """Complains where MXNet left memory unwritten: such a case belongs to the undefined ones."""
    disturb()
    again = dict(flatten(observe.observe(mx, one)))
    for place, value in flatten(seen):
        if value.tobytes() != again[place].tobytes() and not np.array_equal(value, again[place], equal_nan=True):
            print(f"UNDEFINED {one.id}: {place} differs between two runs")
        if place.startswith("grad") and value.size and (value == observe.UNWRITTEN).all():
            print(f"UNWRITTEN {one.id}: {place}")


def record(one, numbers):
    """The line of one case."""
    if one.undefined:
        return {"undefined": one.undefined}
    try:
        seen = observe.observe(mx, one)
    except observe.Refused as refused:
        return {"refused": refused.told}
    if not one.drawn:
        trustworthy(one, seen)
    line = {key: seen[key] for key in ("arguments", "auxiliary", "outputs", "shapes", "types")}
    for key in ("out", "train"):
        line[key] = [[value.dtype.name, None, list(value.shape)] if one.drawn else numbers.put(value) for value in seen[key]]
    for key in ("grad", "aux"):
        line[key] = {name: numbers.put(value) for name, value in seen.get(key, {}).items()}
    return line


def write(family):
    """Records one family; tells how many cases there are and how many of them MXNet refuses."""
    numbers = Numbers()
    lines = {one.id: record(one, numbers) for one in cases.family(family)}
    HERE.mkdir(exist_ok=True)
    body = ",\n".join(f"{json.dumps(key)}: {json.dumps(line)}" for key, line in lines.items())
    (HERE / f"{family}.json").write_text("{\n" + body + "\n}\n")
    np.savez_compressed(HERE / f"{family}.npz", **numbers.arrays())
    refused = {key: line["refused"] for key, line in lines.items() if "refused" in line}
    print(family, len(lines), "cases,", len(refused), "refused")
    for key, told in refused.items():
        print("   ", key, told["stage"], told["class"], told["text"])


if __name__ == "__main__":
    for chosen in sys.argv[1:] or cases.FAMILIES:
        write(chosen)
