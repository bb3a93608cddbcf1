"""Writes down what MXNet 1.9.1 answers to the questions of `survey.py`.

Run `python tests/oracle/record_survey.py [OPERATOR ...]` where `import mxnet` works; it writes `recorded/survey.json` and
`recorded/survey.npz`. Every operator is asked in a process of its own, and again from where MXNet took the process down.
"""

import json
import os
import pathlib
import pickle
import signal
import sys
import tempfile

os.environ["MXNET_SUBGRAPH_BACKEND"] = "NONE"
os.environ["MXNET_ENGINE_TYPE"] = "NaiveEngine"

import mxnet as mx  # noqa: E402
import numpy as np  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from oracle import survey  # noqa: E402
from oracle.record import HERE, Numbers, disturb  # noqa: E402
from oracle.rows import RANDOM, operator_of  # noqa: E402

CRASH = "crash"
SECONDS = 60
# MXNet does not write all of the output, which two runs do not always show.
UNWRITTEN = {"_image_flip_left_right", "_image_flip_top_bottom", "_image_resize"}


def computed(call, types):
    """The outputs, each without its values where MXNet may give others the next time; REFUSED if there are none."""
    try:
        first = call.run(types)
        disturb()
        again = call.run(types)
    except Exception:
        return survey.REFUSED
    fixed = operator_of(call.name) not in RANDOM | UNWRITTEN
    same = [fixed and np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(first, again)]
    return [(out.dtype.name, out.shape, out if stable else None) for out, stable in zip(first, same)]


def steps(name, skip):
    """Yields (what, answer) one by one; the first of each kind is enough to make the rest. Those in `skip` took MXNet down."""

    def ask(key, question):
        return CRASH if key in skip else question()

    call = survey.Call(mx, name)
    yield "lists", [call.arguments, call.auxiliary, call.outputs]
    known = {f"x{i}": tuple(survey.shape_of(g)) for i, g in enumerate(survey.row_of(name)[0])}
    full = call.infer("shape", {key: known[key] for key in call.arguments})
    heads = full[1] if full and all(full[1]) else []
    yield "heads", [list(shape) for shape in heads]
    for i, known in enumerate(survey.shape_questions(name, call.arguments, heads)):
        yield f"shape {i}", ask(f"shape {i}", lambda known=known: survey.told_shapes(call.infer("shape", known)))
    types = []
    for i, known in enumerate(survey.type_questions(call.arguments, call.outputs)):
        told = ask(f"type {i}", lambda known=known: survey.told_types(call.infer("type", known)))
        types.append((known, told if told != CRASH else survey.REFUSED))
        yield f"type {i}", told
    for key, kinds in survey.assignments(call, types).items():
        yield f"run {key}", ask(f"run {key}", lambda kinds=kinds: computed(call, kinds))


def child(name, skip, path):
    """Writes the answers to a file, one by one."""
    signal.alarm(SECONDS)
    with open(path, "wb") as file:
        for step in steps(name, skip):
            pickle.dump(step, file)
            file.flush()
    os._exit(0)


def read(path):
    found = []
    with open(path, "rb") as file:
        while True:
            try:
                found.append(pickle.load(file))
            except EOFError:
                return found


def asked(name):
    """All answers of one operator."""
    skip = set()
    while True:
        with tempfile.NamedTemporaryFile() as file:
            process = os.fork()
            if not process:
                try:
                    child(name, skip, file.name)
                finally:
                    os._exit(1)
            _, status = os.waitpid(process, 0)
            found = read(file.name)
        if status == 0:
            return found
        following = next_key(name, found)
        print(f"{name}: {following} ended the process ({status})", flush=True)
        if following is None or following in skip:
            return found
        skip.add(following)


def next_key(name, found):
    """The key of the question at which the process ended."""
    answers = dict(found)
    if "heads" not in answers:
        return None
    arguments, _, outputs = answers["lists"]
    keys = [f"shape {i}" for i in range(len(survey.shape_questions(name, arguments, answers["heads"])))]
    questions = survey.type_questions(arguments, outputs)
    keys += [f"type {i}" for i in range(len(questions))]
    if all(key in answers for key in keys):
        call = survey.Call(mx, name)
        told = [(q, answers[f"type {i}"].replace(CRASH, survey.REFUSED)) for i, q in enumerate(questions)]
        keys += [f"run {key}" for key in survey.assignments(call, told)]
    return next((key for key in keys if key not in answers), None)


def line(found, numbers):
    """The answers of one operator as data."""

    def run(answer):
        if isinstance(answer, str):
            return answer
        return [numbers.put(value) if value is not None else [dtype, None, list(shape)] for dtype, shape, value in answer]

    answers = dict(found)
    arguments, auxiliary, outputs = answers["lists"]
    made = {"arguments": arguments, "auxiliary": auxiliary, "outputs": outputs, "heads": answers["heads"]}
    for kind in ("shape", "type"):
        told = [answer for key, answer in found if key.startswith(f"{kind} ")]
        made[f"{kind} answers"] = distinct = list(dict.fromkeys(told))
        made[kind] = [distinct.index(answer) for answer in told]
    made["run"] = {key[4:]: run(answer) for key, answer in found if key.startswith("run ")}
    return made


def main(names):
    numbers = Numbers()
    lines = {name: line(found, numbers) for name in names for found in [asked(name)] if found}
    body = ",\n".join(f"{json.dumps(name)}: {json.dumps(made, separators=(',', ':'))}" for name, made in lines.items())
    (HERE / "survey.json").write_text("{\n" + body + "\n}\n")
    np.savez_compressed(HERE / "survey.npz", **numbers.arrays())
    print(len(lines), "operators; not made:", sorted(set(names) - set(lines)))


if __name__ == "__main__":
    main(sys.argv[1:] or survey.CALLS)
