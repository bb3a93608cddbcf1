"""One library in a process of its own, which does what the lines of its standard input say.

    python benchmarks/worker.py rsym|mxnet|torch|onnxruntime THREADS

Each line is a JSON object `{"do": name, ...}`; each answer is one line: a JSON object, with "error" if it failed.
The methods of `Worker` are the names that can be done.
"""

import ctypes
import gc
import importlib
import json
import os
import resource
import sys
import time

import numpy as np

from nets import NETS

MODULES = {"rsym": "with_mx", "mxnet": "with_mx", "torch": "with_torch", "onnxruntime": "with_onnx"}

# Idle threads of OpenMP and OpenBLAS go on spinning for some milliseconds; the next to be measured shall not share with them.
SETTLE = 0.02


class Worker:
    def __init__(self, library, threads):
        self.library = importlib.import_module(MODULES[library]).Library(library, threads)
        gc.collect()
        self.base = memory("VmRSS")
        self.bound = self.step = None

    def hello(self):
        return {"version": self.library.version}

    def function(self, name):
        """Prepares a case that is one function."""
        self.step = self.library.function(name)
        self.step()
        return {}

    def loop(self):
        """Prepares the training loop."""
        self.step = self.library.loop()
        return {}

    def write_values(self, net, path):
        self.library.write_values(NETS[net], path)
        return {}

    def export(self, net, path, target):
        return self.library.export(NETS[net], path, target)

    def prepare(self, net, mode, path, result, **options):
        """Binds a net and runs it once; what came out lies in the file `result`."""
        self.bound = getattr(self.library, mode)(NETS[net], path, **options)
        gc.collect()
        trim()
        reset_peak()
        self.step = self.bound.step
        self.step()
        np.savez(result, **digest(self.bound.result()))
        return {"variant": self.bound.variant, "planned_bytes": self.bound.planned_bytes()}

    def burst(self, seconds):
        """Seconds of single calls, for at least `seconds` in all."""
        if hasattr(self.step, "burst"):
            return {"seconds": self.step.burst(seconds)}
        found, end = [], time.perf_counter() + seconds
        enabled = gc.isenabled()
        gc.disable()
        while True:
            begin = time.perf_counter()
            kept = self.step()
            now = time.perf_counter()
            del kept
            found.append(now - begin)
            if now >= end:
                break
        if enabled:
            gc.enable()
        time.sleep(SETTLE)
        return {"seconds": found}

    def peak(self):
        """Most bytes that the case has needed at once, beyond the library itself."""
        return {"peak_bytes": max(0, memory("VmHWM") - self.base)}


def digest(arrays, most=4096):
    """At most `most` elements of each array, evenly spread."""
    return {name: a.ravel()[:: max(1, a.size // most)][:most].copy() for name, a in arrays.items()}


def memory(what):
    """A line of /proc/self/status in bytes; the largest resident size ever where there is no such file."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith(what + ":"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def reset_peak():
    """Has VmHWM count from now, where Linux allows it."""
    try:
        with open("/proc/self/clear_refs", "w") as clear:
            clear.write("5")
    except OSError:
        pass


def trim():
    """Gives freed memory back to the system, where the C library can."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        pass


def answer(worker, line):
    request = json.loads(line)
    try:
        return getattr(worker, request.pop("do"))(**request)
    except Exception as error:
        return {"error": "%s: %s" % (type(error).__name__, str(error)[:500])}


def main():
    # Libraries print to standard output; answers go to what it was at the start.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(sys.argv[1], int(sys.argv[2]))
    for line in sys.stdin:
        print(json.dumps(answer(worker, line)), file=answers, flush=True)


if __name__ == "__main__":
    main()
