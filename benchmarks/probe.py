"""How fast the machine computes right now: answers each line with the seconds of a fixed matrix product on all threads."""

import sys
import time

import numpy as np


def main():
    a = np.random.RandomState(0).uniform(-1, 1, (512, 512)).astype("float32")
    out = np.empty_like(a)

    def seconds():
        begin = time.perf_counter()
        np.dot(a, a, out)
        return time.perf_counter() - begin

    for _ in range(20):
        seconds()
    for _ in sys.stdin:
        print(sorted(seconds() for _ in range(7))[2], flush=True)


if __name__ == "__main__":
    main()
