"""Loops and branches: `_foreach`, `_while_loop` and `_cond`, alone, nested, and beside other operators."""

from .table import Case, f, unit, v

GRAPHS = {}


def control(**inputs):
    """Registers a function of `mx` and variables that builds a symbol; `inputs` are the values of those variables."""

    def register(build):
        GRAPHS[build.__name__] = Case("control", build.__name__, inputs, {}, graph=build)
        return build

    return register


def group(mx, *parts):
    flat = []
    for part in parts:
        flat += part if isinstance(part, list) else [part]
    return mx.sym.Group(flat)


@control(x=f(4, 3), s=f(3))
def running_sum(mx, x, s):
    return group(mx, *mx.sym.contrib.foreach(lambda row, total: (row + total, row + total), x, s))


@control(x=f(5, 2), s=f(2), w=f(2), b=f(2))
def captured_values(mx, x, s, w, b):
    inner = w * b

    def body(row, states):
        out = mx.sym.tanh(row * w + states[0] * inner)
        return out, [out * 2]

    out, states = mx.sym.contrib.foreach(body, x, [s])
    return group(mx, out * 2, states)


@control(x=f(3, 2), y=f(3, 2), p=f(2), q=f(2))
def two_arrays_and_swapped_states(mx, x, y, p, q):
    def body(rows, states):
        return [rows[1] * states[0], rows[0]], [states[1], states[0] + rows[1]]

    return group(mx, *mx.sym.contrib.foreach(body, [x, y], [p, q]))


@control(x=f(6), s=f(1))
def rows_of_a_vector(mx, x, s):
    return group(mx, *mx.sym.contrib.foreach(lambda row, total: ([], row * total), x, s))


@control(x=f(3, 4))
def no_states(mx, x):
    return mx.sym.contrib.foreach(lambda row, states: (mx.sym.square(row), []), x, [])[0]


@control(x=f(1, 3), s=f(3))
def a_single_row(mx, x, s):
    return group(mx, *mx.sym.contrib.foreach(lambda row, states: (row, states), x, s))


@control(x=f(3, 2, 4), h=f(2, 3), c=f(2, 3), wx=unit(12, 4), wh=unit(12, 3), bx=unit(12), bh=unit(12))
def lstm(mx, x, h, c, wx, wh, bx, bh):
    def body(row, states):
        gates = mx.sym.FullyConnected(row, wx, bx, num_hidden=12) + mx.sym.FullyConnected(states[0], wh, bh, num_hidden=12)
        i, g, forget, o = mx.sym.SliceChannel(gates, num_outputs=4)
        cell = mx.sym.sigmoid(forget) * states[1] + mx.sym.sigmoid(i) * mx.sym.tanh(g)
        hidden = mx.sym.sigmoid(o) * mx.sym.tanh(cell)
        return hidden, [hidden, cell]

    return group(mx, *mx.sym.contrib.foreach(body, x, [h, c]))


@control(x=f(2, 3, 2), s=f(2), w=f(2))
def nested_loops(mx, x, s, w):
    def inner(row, total):
        return row * w + total, row + total

    def outer(rows, states):
        out, last = mx.sym.contrib.foreach(inner, rows, states)
        return out, last * w

    return group(mx, *mx.sym.contrib.foreach(outer, x, s))


@control(i=v([1.0]), s=v([0.5]), w=f(1))
def counted(mx, i, s, w):
    out, (i, s) = mx.sym.contrib.while_loop(
        lambda i, s: i <= 4, lambda i, s: (i * w + s, (i + 1, s * w + i)), (i, s), max_iterations=4
    )
    return group(mx, out, i, s)


@control(i=v([1.0]), s=f(3, 2))
def stops_before_the_end(mx, i, s):
    out, (i, s) = mx.sym.contrib.while_loop(
        lambda i, s: i < 3, lambda i, s: (mx.sym.sin(s), (i + 1, s * 0.5)), (i, s), max_iterations=9
    )
    return group(mx, mx.sym.slice_axis(out, axis=0, begin=0, end=2), i, s)


@control(i=v([5.0]), s=f(3))
def never_runs(mx, i, s):
    _, (i, s) = mx.sym.contrib.while_loop(lambda i, s: i < 3, lambda i, s: ([], (i + 1, s * 2)), (i, s), max_iterations=3)
    return group(mx, i, s)


@control(a=f(2, 3), b=f(2, 3), p=v([1.0]))
def then_branch(mx, a, b, p):
    return mx.sym.contrib.cond(p > 0, lambda: a * b, lambda: a + b)


@control(a=f(2, 3), b=f(2, 3), p=v([-1.0]))
def else_branch(mx, a, b, p):
    out = mx.sym.contrib.cond(p > 0, lambda: [a * b, a], lambda: [mx.sym.exp(b), b * a])
    return group(mx, [x * 3 for x in out])


CASES = list(GRAPHS.values())
