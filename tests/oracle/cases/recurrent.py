"""RNN and CTCLoss."""

import dataclasses

from .table import but, case, f, unit, v

GATES = {"rnn_relu": 1, "rnn_tanh": 1, "lstm": 4, "gru": 3}
STEPS, BATCH, INPUTS = 4, 2, 3


def rnn(mode, hidden=2, layers=1, both=False, dtype="float32", **params):
    """A network on given states; the parameters are all different."""
    ways = 1 + both
    sums = GATES[mode] * hidden
    size = sum(ways * sums * ((ways * hidden if i else INPUTS) + hidden + 2) for i in range(layers))
    states = unit(ways * layers, BATCH, hidden, dtype=dtype)
    inputs = dict(data=unit(STEPS, BATCH, INPUTS, dtype=dtype), parameters=unit(size, dtype=dtype), state=states)
    if mode == "lstm":
        inputs["state_cell"] = states
    return case("RNN", inputs, mode=mode, state_size=hidden, num_layers=layers, bidirectional=both, **params)


def ctc(data, label, **params):
    lengths = {key: params.pop(key) for key in ("data_lengths", "label_lengths") if key in params}
    switches = {f"use_{key}": True for key in lengths}
    given = dict(data=data, label=label, **lengths)
    return but(case("CTCLoss", given, **switches, **params), no_grad=tuple(key for key in given if key != "data"))


def through_single(one):
    """The case with the tolerance of float32: MXNet's relu computes float64 through it."""
    is_it = one.params["mode"] == "rnn_relu" and one.inputs["data"].dtype == "float64"
    return but(one, loose=1e-6) if is_it else one


RNN = [
    through_single(rnn(mode, layers=layers, both=both, state_outputs=states, dtype=dtype))
    for mode in GATES
    for layers, both, states in ((1, False, True), (2, True, True), (2, False, False))
    for dtype in ("float32", "float64")
] + [
    rnn("lstm", hidden=3, p=0.0, state_outputs=True),
    but(rnn("gru", state_outputs=True), add=("parameters",)),
    rnn("lstm", bidirectional_="x"),  # refused: no such parameter
    rnn("lstm", p=1.5),
    case("RNN", dict(data=unit(4, 2, 3)), mode="lstm", state_size=2, num_layers=1),
    case("RNN", dict(data=unit(4, 2)), mode="gru", state_size=2, num_layers=1),
    case("RNN", dict(data=unit(4, 2, 3)), mode="elman", state_size=2, num_layers=1),
]

CTC = [
    ctc(unit(5, 2, 4), v([[1, 2, 0], [3, 3, 1]])),
    ctc(unit(5, 2, 4), v([[0, 2, -1], [1, -1, -1]]), blank_label="last"),
    ctc(unit(5, 2, 4), v([[1, 2, 3], [3, 1, 1]]), label_lengths=v([2, 3])),
    ctc(unit(5, 2, 4), v([[1, 2, 0], [3, 0, 0]]), data_lengths=v([3, 5])),
    ctc(unit(5, 2, 4), v([[1, 2, 1], [3, 1, 1]]), data_lengths=v([4, 5]), label_lengths=v([2, 1])),
    ctc(unit(3, 2, 4), v([[1, 2, 1, 1], [3, 1, 1, 2]])),  # refused: more labels than steps
    ctc(unit(3, 2, 4), v([[1, 2], [3, 1], [2, 1]])),
    but(ctc(unit(3, 1, 4), v([[1, 1, 2]])), undefined="the sequence is too short: MXNet leaves the gradient unwritten"),
]

PARAMS = [
    dataclasses.replace(case("_rnn_param_concat", dict(a=f(3), b=f(2)), dim=0, num_args=2), positional=True),
    dataclasses.replace(case("_rnn_param_concat", dict(a=f(3), b=f(2), c=f(1)), dim=0, num_args=3), positional=True),
]

CASES = PARAMS + RNN + CTC
