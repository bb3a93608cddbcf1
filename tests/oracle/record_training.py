"""Writes down what MXNet 1.9.1 shows of the trainings in `training.py`.

Run `python tests/oracle/record_training.py` where `import mxnet` works; it writes `training.json`.
"""

import json
import pathlib
import sys

import mxnet as mx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from oracle import training  # noqa: E402


def main():
    lines = []
    for case in training.CASES:
        seen = training.observe(mx, case)
        seen["arrays"] = {name: [round(x, 7) for x in array.ravel()] for name, array in seen["arrays"].items()}
        lines.append("%s: %s" % (json.dumps(training.label(case)), json.dumps(seen)))
    path = pathlib.Path(__file__).resolve().parent / "training.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
