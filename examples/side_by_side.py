"""Runs an example with rsym and then, from the same start, with MXNet, and draws the curves of both.

    python examples/side_by_side.py MXNET_PYTHON EXAMPLE.py [arguments of the example]

MXNET_PYTHON is the interpreter of an environment with MXNet 1.9.1 and whatever else the example imports.
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import time

from training import plot

AS_RSYM = "import sys, runpy, mxnet; sys.modules['rsym'] = mxnet; sys.argv = sys.argv[1:]; sys.path.insert(0, %r); "
AS_RSYM += "runpy.run_path(sys.argv[0], run_name='__main__')"


RECORDS = "target/examples/records"


def run(command, folder):
    """Runs a command that writes into a folder of its own; the curves that it wrote, by name."""
    os.makedirs(folder, exist_ok=True)
    share(RECORDS, folder)
    begin = time.time()
    environment = dict(os.environ, MXNET_SUBGRAPH_BACKEND="NONE")
    if subprocess.run(command + ["--folder", folder], env=environment).returncode:
        print("the run failed", flush=True)
    share(folder, RECORDS)
    found = {}
    for path in glob.glob(os.path.join(folder, "*-curves.json")):
        if os.path.getmtime(path) >= begin:
            with open(path) as file:
                found[os.path.basename(path)[: -len("-curves.json")]] = json.load(file)
    return found


def share(source, target):
    """Copies record files: both frameworks read the same."""
    os.makedirs(target, exist_ok=True)
    for path in glob.glob(os.path.join(source, "*.rec")) + glob.glob(os.path.join(source, "*.idx")):
        shutil.copy(path, target)


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    mxnet, example, *arguments = sys.argv[1:]
    here = os.path.dirname(os.path.abspath(__file__))
    ours = run([sys.executable, example, *arguments], "target/examples/rsym")
    theirs = run([mxnet, "-c", AS_RSYM % here, example, *arguments], "target/examples/mxnet")
    for name in sorted(set(ours) & set(theirs)):
        plot("target/examples/%s.png" % name, {"rsym": ours[name], "MXNet": theirs[name]})
        metric = ours[name]["metric"][0]
        print(
            "%s: %s held out %.4f with rsym, %.4f with MXNet"
            % (name, metric, ours[name]["held out"][-1], theirs[name]["held out"][-1])
        )


if __name__ == "__main__":
    main()
