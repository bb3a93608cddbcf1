"""What ONNX Runtime does in the benchmark: inference of the networks that PyTorch exported."""

import time

import numpy as np
import onnxruntime


class Library:
    def __init__(self, name, threads):
        self.threads = threads
        self.version = onnxruntime.__version__

    def inference(self, net, path, files):
        """The faster of the exported variants: a dict of file by variant."""
        found = [Inference(net, path, self.session(file), variant) for variant, file in files.items()]
        chosen = min(found, key=seconds)
        if len(found) == 1:
            chosen.variant = None
        return chosen

    def session(self, file):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def seconds(bound, trials=4):
    """The best of several calls after a first."""
    best = float("inf")
    for trial in range(trials + 1):
        begin = time.perf_counter()
        bound.step()
        best = min(best, time.perf_counter() - begin) if trial else best
    return best


class Inference:
    def __init__(self, net, path, session, variant):
        self.session, self.variant = session, variant
        with np.load(path) as stored:
            self.inputs = {name: stored[name] for name in net.data}

    def step(self):
        self.output = self.session.run(None, self.inputs)[0]

    def result(self):
        return {"output": self.output}

    def planned_bytes(self):
        return None
