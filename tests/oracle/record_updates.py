"""Writes down what MXNet 1.9.1 answers to the calls in `updates.py`.

Run `python tests/oracle/record_updates.py` where `import mxnet` works; it writes `updates.json`.
"""

import json
import pathlib
import sys

import mxnet as mx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from oracle import updates  # noqa: E402


def numbers(value):
    return {"dtype": value.dtype.name, "shape": list(value.shape), "data": value.astype("float64").ravel().tolist()}


def main():
    lines = []
    for case in updates.CASES:
        seen = {name: numbers(value) for name, value in updates.observe(mx, case).items()}
        lines.append("%s: %s" % (json.dumps(updates.label(case)), json.dumps(seen)))
    path = pathlib.Path(__file__).resolve().parent / "updates.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
