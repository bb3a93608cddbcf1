"""Measuring several libraries at the same moments: processes, bursts, and the comparison of bursts that are alike."""

import json
import os
import pathlib
import select
import statistics
import subprocess
import tempfile
import time
from typing import NamedTuple

HERE = pathlib.Path(__file__).parent

# Two moments are alike if the machine's speed, by the probe, differed by less than this factor.
ALIKE = 1.12

# Fewest rounds of bursts that make a comparison.
ROUNDS = 3


class Failed(Exception):
    """A library could not do what it was asked for."""


def environment(threads, extra=None):
    """The environment of a process that is to use so many threads."""
    names = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "RAYON", "RSYM")
    return {**os.environ, **{n + "_NUM_THREADS": str(threads) for n in names}, **(extra or {})}


class Process:
    """A process that answers lines with lines."""

    def __init__(self, command, env):
        self.errors = tempfile.TemporaryFile("w+")
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=self.errors, text=True, env=env, bufsize=1)

    def ask(self, line, patience=600):
        """The answer to a line; `Failed` if the process died or is silent for `patience` seconds."""
        try:
            self.process.stdin.write(line + "\n")
        except OSError:
            raise Failed("the process died: " + self.tail()) from None
        if not select.select([self.process.stdout], [], [], patience)[0]:
            raise Failed("no answer for %d s" % patience)
        found = self.process.stdout.readline()
        if not found:
            raise Failed("the process died: " + self.tail())
        return found

    def tail(self):
        """The last that the process said on standard error."""
        self.process.wait(10)
        self.errors.seek(0)
        return " ".join(self.errors.read()[-300:].split())

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()


class Probe(Process):
    """The machine's arithmetic speed."""

    def __init__(self, python, threads):
        super().__init__([python, str(HERE / "probe.py")], environment(threads, {"OPENBLAS_THREAD_TIMEOUT": "4"}))

    def seconds(self):
        return float(self.ask("now"))


class Library(NamedTuple):
    """How to start a library: `name` is the worker's, `title` the reader's."""

    name: str
    title: str
    python: str
    extra: dict = {}
    remark: str = ""


class Lane(Process):
    """A library at work on one case."""

    def __init__(self, library, threads):
        self.library = library
        env = environment(threads, library.extra)
        if library.name != "rsym":
            env.pop("PYTHONPATH", None)
        command = [library.python, "-W", "ignore", str(HERE / "worker.py"), library.name, str(threads)]
        super().__init__(command, env)
        self.bursts = []

    def do(self, what, **options):
        found = json.loads(self.ask(json.dumps({"do": what, **options})))
        if "error" in found:
            raise Failed(found["error"])
        return found

    def burst(self, seconds):
        """The seconds of each call while running for so long, in increasing order."""
        return sorted(self.do("burst", seconds=seconds)["seconds"])


class Burst(NamedTuple):
    """Seconds of a call: the lower quartile, which a short interruption does not touch, and the least; probes around them."""

    seconds: float
    least: float
    before: float
    after: float


def run_bursts(lanes, probe, seconds, burst):
    """Fills `bursts` of the lanes in turn, a probe between, until each has computed for so long, and thrice at least.

    Where the machine's speed varies too much to compare, it goes on for up to thrice the time.
    """
    spent, round_number, budget = 0.0, 0, seconds * len(lanes)
    before = probe.seconds()
    while round_number < ROUNDS or spent < budget or (spent < 3 * budget and not comparable(lanes)):
        shift = round_number % len(lanes)
        for lane in lanes[shift:] + lanes[:shift]:
            begin = time.perf_counter()
            calls = lane.burst(burst)
            spent += time.perf_counter() - begin
            after = probe.seconds()
            lane.bursts.append(Burst(calls[len(calls) // 4], calls[0], before, after))
            before = after
        round_number += 1


def comparable(lanes):
    """Whether enough moments of each lane are like those of the first."""
    first = lanes[0].bursts
    return all(sum(unlikeness(*pair) < ALIKE for pair in zip(first, lane.bursts)) >= ROUNDS for lane in lanes)


def unlikeness(own, other):
    """By which factor the machine's speed varied around two bursts."""
    probes = (own.before, own.after, other.before, other.after)
    return max(probes) / min(probes)


def compare(own, other):
    """How many times longer `other` takes than `own`: the median over the rounds whose moments were alike.

    Returns the ratio, how many rounds counted, and whether they were alike: if fewer than `ROUNDS` are, the ratio is that of the
    least seconds ever seen, and none counts.
    """
    alike = [b.seconds / a.seconds for a, b in zip(own, other) if unlikeness(a, b) < ALIKE]
    if len(alike) >= ROUNDS:
        return statistics.median(alike), len(alike), True
    return min(b.least for b in other) / min(a.least for a in own), 0, False


def summary(bursts):
    """Seconds of a call in the typical burst, and the least ever."""
    typical = statistics.median(b.seconds for b in bursts)
    return {"median": typical, "least": min(b.least for b in bursts), "bursts": len(bursts)}
