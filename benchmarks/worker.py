"""Times cases in one interpreter: reads a case's name from standard input, writes its seconds to standard output.

python benchmarks/worker.py rsym|mxnet
"""

import importlib
import json
import sys
import time

from cases import cases


def main():
    mx = importlib.import_module(sys.argv[1])
    found = cases(mx)
    print(json.dumps(list(found)), flush=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        found[line.rstrip("\n")]()
        print(time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    main()
