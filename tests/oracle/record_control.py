"""Writes `control.json`: the files that MXNet 1.9.1 writes for the graphs of `cases/control.py`.

Run `python tests/oracle/record_control.py` where `import mxnet` works.
"""

import json
import os
import pathlib
import sys

os.environ["MXNET_SUBGRAPH_BACKEND"] = "NONE"

import mxnet as mx  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from oracle import cases, observe  # noqa: E402

if __name__ == "__main__":
    files = {}
    for one in cases.family("control"):
        mx.AttrScope._subgraph_names.clear()
        files[one.id] = json.loads(observe.build(mx, one).tojson())
    lines = [f"{json.dumps(key)}: {json.dumps(graph, separators=(',', ':'))}" for key, graph in files.items()]
    pathlib.Path(__file__).with_name("control.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(len(lines), "files")
