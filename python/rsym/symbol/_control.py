"""Control flow: loops and branches as nodes of the graph.

The Python function that says what a step does is called once, on variables; what it makes becomes a graph inside of the
node. Everything that it uses from outside is cut off there and becomes an input of the node.
"""

import contextlib
import copy

from .._nested import flatten, regroup
from ..attribute import SUBGRAPH, AttrScope, subgraph_name
from ._ops import internal, op
from .symbol import Group, Symbol, var

__all__ = ["foreach", "while_loop", "cond"]


def foreach(body, data, init_states, name="foreach"):
    """Runs a step for every row of some arrays, and hands states from step to step.

    ::

        states = init_states
        for t in range(len(data)):
            out[t], states = body(data[t], states)

    The step becomes a graph of its own, once: it does not grow with the number of rows. Gradients go through all steps, to
    the data, the first states, and whatever the step uses from outside.

    Parameters
    ----------
    body : function
        `out, states = body(row, states)`, all of them symbols or nested lists of symbols; `states` has the form of
        `init_states`.
    data : Symbol or nested list of Symbol
        Shapes (n, ...); rows of an array of shape (n,) have shape (1,).
    init_states : Symbol or nested list of Symbol
    name : str, default 'foreach'
        The scope of the nodes inside; it gets a number.

    Returns
    -------
    out : Symbol or nested list of Symbol
        Shapes (n, ...), in the form in which `body` gives them.
    states : Symbol or nested list of Symbol
        The last ones.

    Raises
    ------
    AssertionError
        If the states change their form, or data or a state is not used.

    Examples
    --------
    >>> import rsym as mx
    >>> step = lambda row, total: (row + total, row + total)
    >>> out, total = mx.sym.contrib.foreach(step, mx.sym.Variable("x"), mx.sym.Variable("s"))
    >>> out.eval(x=mx.nd.array([[1], [2], [3]]), s=mx.nd.array([10]))[0].asnumpy().ravel().tolist()
    [11.0, 13.0, 16.0]
    """
    data, data_form = flatten(data, Symbol, "the data of foreach")
    states, state_form = flatten(init_states, Symbol, "the states of foreach")
    row_names, state_names = _inner_names(data), _inner_names(states)
    with _inside(name) as scope:
        rows, inner = _variables(row_names, data_form), _variables(state_names, state_form)
        out, new = body(rows, inner)
        out, out_form = flatten(out, Symbol, "the output of the body")
        new, new_form = flatten(new, Symbol, "the states of the body")
        if new_form != state_form:
            raise AssertionError("the states that the body takes and gives have different forms")
        taken = [o.name for o in out]
        given = _distinct(out, [*out, *new], scope) + _distinct(new, [*out, *new], scope, taken)
    graph = _Graph(given, scope)
    for what, wanted in (("data arrays", row_names), ("states", state_names)):
        if not set(wanted) <= set(graph.names):
            raise AssertionError("the %s have to be used in the body of the loop" % what)
    others = [n for n in graph.names if n not in row_names and n not in state_names]
    result = internal._foreach(
        graph.symbol,
        *data,
        *states,
        *map(graph.source, others),
        num_outputs=len(out) + len(new),
        num_out_data=len(out),
        in_state_locs=[graph.names.index(n) for n in state_names],
        in_data_locs=[graph.names.index(n) for n in row_names],
        remain_locs=[graph.names.index(n) for n in others],
    )
    results = list(result)
    return regroup(results[: len(out)], out_form), regroup(results[len(out) :], state_form)


def while_loop(cond, func, loop_vars, max_iterations=None, name="while_loop"):
    """Runs a step as long as a condition holds.

    ::

        t = 0
        while cond(*loop_vars) and t < max_iterations:
            out[t], loop_vars = func(*loop_vars)
            t += 1

    Parameters
    ----------
    cond : function
        `cond(*loop_vars)` is a symbol of a single number.
    func : function
        `out, loop_vars = func(*loop_vars)`, symbols or nested lists of symbols, `out` may be None. The loop variables keep
        their shapes and types.
    loop_vars : Symbol or nested list of Symbol
        The first loop variables, at least one.
    max_iterations : int
        The most steps; required.
    name : str, default 'while_loop'
        The scope of the nodes inside; it gets a number.

    Returns
    -------
    out : Symbol or nested list of Symbol
        Shapes (max_iterations, ...); rows behind the last step are zero.
    loop_vars : Symbol or nested list of Symbol
        The last ones.

    Raises
    ------
    ValueError
        Without `max_iterations` or loop variables, if their number changes, and if one is not used.

    Examples
    --------
    >>> import rsym as mx
    >>> i, s = mx.sym.Variable("i"), mx.sym.Variable("s")
    >>> out, (i, s) = mx.sym.contrib.while_loop(
    ...     lambda i, s: i <= 3, lambda i, s: (s, (i + 1, s + i)), (i, s), max_iterations=5
    ... )
    >>> float(s.eval(i=mx.nd.array([1]), s=mx.nd.array([0]))[0].asscalar())
    6.0
    """
    max_iterations = checked_iterations(max_iterations, loop_vars)
    variables, form = flatten(loop_vars, Symbol, "loop_vars")
    names = _inner_names(variables)

    def asked(*inner):
        return [], flatten(cond(*inner), Symbol, "what cond gives")[0]

    def step(*inner):
        out, new = func(*inner)
        out, step.form = flatten([] if out is None else out, Symbol, "the output of func")
        new = flatten([] if new is None else new, Symbol, "the loop_vars that func gives")[0]
        if len(new) != len(variables):
            raise ValueError("the number of loop_vars must not change: %d, then %d" % (len(variables), len(new)))
        return out, new

    def graph(function, what):
        with _inside(name + what) as scope:
            inner = _variables(names, form)
            out, new = function(*inner)
            return _Graph(_distinct([*out, *new], [*out, *new], scope), scope), len(out)

    asked_graph, _ = graph(asked, "_cond")
    if len(asked_graph.symbol) != 1:
        raise ValueError("cond must give a single symbol, got %d" % len(asked_graph.symbol))
    step_graph, rows = graph(step, "_func")
    unused = [k for k, n in enumerate(names, 1) if n not in step_graph.names]
    if unused:
        raise ValueError("loop variable number %d has no part in what func computes" % unused[0])
    inputs, places = [], dict.fromkeys(names)
    locs = []
    for part in (asked_graph, step_graph):
        locs.append([])
        for inner in part.names:
            place = places.get(inner)
            if place is None:
                place = len(inputs)
                inputs.append(variables[names.index(inner)] if inner in places else part.source(inner))
            if inner in places:
                places[inner] = place
            locs[-1].append(place)
    result = internal._while_loop(
        asked_graph.symbol,
        step_graph.symbol,
        *inputs,
        max_iterations=max_iterations,
        cond_input_locs=locs[0],
        func_input_locs=locs[1],
        func_var_locs=[step_graph.names.index(n) for n in names],
        num_out_data=rows,
        num_outputs=rows + len(variables),
    )
    results = list(result)
    return regroup(results[:rows], step.form), regroup(results[rows:], form)


def checked_iterations(max_iterations, loop_vars):
    """The most steps of a loop as a whole number. ValueError if there is none, or are no loop variables."""
    if max_iterations is None:
        raise ValueError("max_iterations should be specified")
    try:
        count = int(max_iterations.asscalar() if hasattr(max_iterations, "asscalar") else max_iterations)
    except (TypeError, ValueError):
        raise ValueError("max_iterations must be a whole number, got %r" % (max_iterations,)) from None
    if len(loop_vars) == 0:
        raise ValueError("loop_vars should contain at least one element")
    return count


def cond(pred, then_func, else_func, name="cond"):
    """Computes one of two things: `then_func()` if `pred` is not zero, else `else_func()`.

    Parameters
    ----------
    pred : Symbol
        A single number.
    then_func, else_func : function
        Give a symbol or nested lists of symbols without any argument; both the same number of outputs of the same shapes
        and types.
    name : str, default 'cond'
        The scope of the nodes inside; it gets a number.

    Returns
    -------
    Symbol or nested list of Symbol
        In the form in which `then_func` gives it.

    Raises
    ------
    ValueError
        If the numbers of outputs differ, or `pred` has several outputs.

    Examples
    --------
    >>> import rsym as mx
    >>> a = mx.sym.Variable("a")
    >>> out = mx.sym.contrib.cond(a > 0, lambda: a * 2, lambda: a * 3)
    >>> [float(out.eval(a=mx.nd.array([x]))[0].asscalar()) for x in (5, -5)]
    [10.0, -15.0]
    """

    def graph(function, what):
        with _inside(name + what) as scope:
            out, form = flatten(function(), Symbol, "what a branch gives")
            return _Graph(_distinct(out, out, scope), scope), form

    asked, _ = graph(lambda: pred, "_pred")
    if len(asked.symbol) != 1:
        raise ValueError("pred should always be a single output")
    then, form = graph(then_func, "_then")
    otherwise, _ = graph(else_func, "_else")
    if len(then.symbol) != len(otherwise.symbol):
        raise ValueError("Number of outputs differs between then-branch and else-branch")
    inputs, places, locs = [], {}, []
    for part in (asked, then, otherwise):
        locs.append([])
        for inner in part.names:
            source = part.source(inner)
            # A variable that several graphs use is one input; other values are one for each graph, as in MXNet.
            place = places.get(inner) if source.name == inner else None
            if place is None:
                place = len(inputs)
                inputs.append(source)
                if source.name == inner:
                    places[inner] = place
            locs[-1].append(place)
    result = internal._cond(
        asked.symbol,
        then.symbol,
        otherwise.symbol,
        *inputs,
        cond_input_locs=locs[0],
        then_input_locs=locs[1],
        else_input_locs=locs[2],
        num_outputs=len(then.symbol),
    )
    return regroup(list(result), form)


@contextlib.contextmanager
def _inside(name):
    """Marks what is composed in the block as part of a graph inside of a node; gives the mark."""
    scope = subgraph_name(name)
    with AttrScope(**{SUBGRAPH: scope}):
        yield scope


def _inner_names(symbols):
    """The names of the variables that stand for symbols: unlike those of anything that is cut off."""
    return ["%s-%s" % (s.name, s.attr("_value_index")) for s in symbols]


def _variables(names, form):
    return regroup([var(n) for n in names], form)


def _distinct(outputs, all_outputs, scope, taken=()):
    """The outputs, copied where they are inputs, come from outside, or have a name in `taken`."""
    inputs = set(Group(all_outputs).list_inputs()) if all_outputs else set()

    def is_own(s):
        return s.name not in inputs and s.name not in taken and s.list_attr().get(SUBGRAPH, "") == scope

    return [s if is_own(s) else op.identity(s) for s in outputs]


class _Graph:
    """A graph inside of a node, cut off from what is outside."""

    def __init__(self, outputs, scope):
        if not outputs:
            raise ValueError("control flow without any output: give at least one output or state")
        self.symbol, self._outside = Group(outputs)._cut(SUBGRAPH, scope)
        self.names = self.symbol.list_inputs()
        self._inner = dict(zip(self.names, self.symbol._variables()))
        if len(self._inner) != len(self.names):
            raise AssertionError("the inputs of the graph inside must have different names: %s" % self.names)

    def source(self, name):
        """What is handed to the variable `name` from outside: the value that was cut off, or a variable like it."""
        return self._outside[name] if name in self._outside else copy.deepcopy(self._inner[name])
