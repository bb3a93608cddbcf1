"""Writes `symbols.json`: what MXNet 1.9.1 (or the seed, where it wins) answers to every snippet.

Run `python tests/oracle/record_symbols.py` where `import mxnet` works.
"""

import json
import os
import pathlib
import sys

os.environ["MXNET_SUBGRAPH_BACKEND"] = "NONE"

import mxnet as mx  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from oracle import snippets  # noqa: E402
from oracle.snippets.support import plain  # noqa: E402


def nearest(answer):
    """The answer with the first class alone of every error."""
    if isinstance(answer, str) and answer.startswith("raises "):
        return " ".join(answer.split()[:2])
    if isinstance(answer, dict):
        return {key: nearest(value) for key, value in answer.items()}
    return [nearest(value) for value in answer] if isinstance(answer, list) else answer


if __name__ == "__main__":
    lines = []
    for key, one in snippets.snippets().items():
        answer = one.decided[0] if one.decided else nearest(plain(snippets.run(mx, one)))
        lines.append(f"{json.dumps(key)}: {json.dumps(answer)}")
    pathlib.Path(__file__).with_name("symbols.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(len(lines), "snippets")
