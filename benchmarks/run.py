"""Speed of rsym beside a peer, as ratios from one run.

    python benchmarks/run.py [--mxnet PYTHON] [--rounds 7] [--out result.json] [CASE ...]

Each library runs in a process of its own that stays alive. Rounds are interleaved, and a short probe of arithmetic speed stands
around each measurement; pairs whose probes differ by more than a quarter are left out, since the machine changed meanwhile.
What is shown is the median of the ratios that remain.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent


class Worker:
    """A library in a process of its own."""

    def __init__(self, python, library):
        env = dict(os.environ, MXNET_SUBGRAPH_BACKEND="NONE")
        if library == "mxnet":
            env.pop("PYTHONPATH", None)
        command = [python, "-W", "ignore", str(HERE / "worker.py"), library]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.cases = json.loads(self.process.stdout.readline())

    def seconds(self, case):
        self.process.stdin.write(case + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def probe():
    """Seconds of a fixed piece of arithmetic: the speed of the machine right now."""
    begin = time.perf_counter()
    total = 0
    for k in range(20000):
        total += k * k
    return time.perf_counter() - begin


def measured(worker, case):
    """Seconds of a case and of the slower probe around it."""
    before = probe()
    seconds = worker.seconds(case)
    return seconds, max(before, probe())


def compare(own, peer, case, rounds):
    """Medians of rsym's and the peer's seconds, of their ratios, and the number of pairs that count."""
    pairs = []
    own.seconds(case)
    if peer:
        peer.seconds(case)
    for _ in range(rounds):
        ours, probe_ours = measured(own, case)
        theirs, probe_theirs = measured(peer, case) if peer else (float("nan"), probe_ours)
        pairs.append((ours, theirs, max(probe_ours, probe_theirs) / min(probe_ours, probe_theirs)))
    alike = [p for p in pairs if p[2] < 1.25] or pairs
    ratio = statistics.median(theirs / ours for ours, theirs, _ in alike)
    return statistics.median(p[0] for p in alike), statistics.median(p[1] for p in alike), ratio, len(alike)


def import_seconds(python, library):
    """Seconds to start an interpreter and import the library, less those to start it alone."""

    def best(code):
        found = []
        for _ in range(5):
            begin = time.perf_counter()
            subprocess.run([python, "-W", "ignore", "-c", code], check=True)
            found.append(time.perf_counter() - begin)
        return min(found)

    return best("import numpy, %s" % library) - best("import numpy")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mxnet", help="an interpreter that has MXNet 1.9.1")
    parser.add_argument("--torch", help="an interpreter that has PyTorch; it has no case of this kind yet")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    own = Worker(sys.executable, "rsym")
    peer = Worker(args.mxnet, "mxnet") if args.mxnet else None
    result = {}
    print("%-36s %12s %12s %9s %6s" % ("", "rsym ms", "MXNet ms", "ratio", "pairs"))
    for case in args.cases or own.cases:
        ours, theirs, ratio, count = compare(own, peer, case, args.rounds)
        result[case] = {"rsym": ours, "mxnet": theirs, "ratio": ratio, "pairs": count}
        print("%-36s %12.3f %12.3f %8.1fx %6d" % (case, 1e3 * ours, 1e3 * theirs, ratio, count), flush=True)
    ours = import_seconds(sys.executable, "rsym")
    theirs = import_seconds(args.mxnet, "mxnet") if args.mxnet else float("nan")
    result["import"] = {"rsym": ours, "mxnet": theirs, "ratio": theirs / ours}
    print("%-36s %12.3f %12.3f %8.1fx" % ("import, without NumPy", 1e3 * ours, 1e3 * theirs, theirs / ours))
    own.close()
    if peer:
        peer.close()
    if args.out:
        pathlib.Path(args.out).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
