"""How long it takes to import a library, in interpreters started for it."""

import subprocess

from measure import Burst, environment

CODE = "import time; %sbegin = time.perf_counter(); import %s; print(time.perf_counter() - begin)"


def seconds(library, numpy_first, threads):
    code = CODE % ("import numpy; " if numpy_first else "", library.name)
    command = [library.python, "-W", "ignore", "-c", code]
    env = environment(threads, library.extra)
    if library.name != "rsym":
        env.pop("PYTHONPATH", None)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def measure_import(libraries, numpy_first, probe, threads, rounds=7):
    """Bursts of one import each, by library, after one that fills the file cache."""
    found = {library.title: [] for library in libraries}
    for library in libraries:
        seconds(library, numpy_first, threads)
    before = probe.seconds()
    for _ in range(rounds):
        for library in libraries:
            spent = seconds(library, numpy_first, threads)
            after = probe.seconds()
            found[library.title].append(Burst(spent, spent, before, after))
            before = after
    return found
