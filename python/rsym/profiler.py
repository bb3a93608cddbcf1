"""Where time and memory go, operator by operator.

    mx.profiler.set_config(filename="trace.json")
    mx.profiler.set_state("run")
    ...                                  # bind, forward, backward, nd calls
    mx.profiler.set_state("stop")
    print(mx.profiler.dumps())           # a table
    mx.profiler.dump()                   # a file for chrome://tracing or ui.perfetto.dev

What is not profiled costs nothing: a run of an executor asks once whether it is.
"""

import contextvars
import json
import os
import threading
import warnings

from . import _rsym
from ._files import write_bytes
from .base import MXNetError

__all__ = [
    "Counter",
    "Domain",
    "Event",
    "Frame",
    "Marker",
    "Task",
    "dump",
    "dump_profile",
    "dumps",
    "pause",
    "profiler_set_config",
    "profiler_set_state",
    "resume",
    "scope",
    "set_config",
    "set_state",
]

# Every option with its default and what it does.
_OPTIONS = {
    "profile_all": (False, "Profile everything, whatever the other options say."),
    "profile_symbolic": (True, "Profile the operators of executors."),
    "profile_imperative": (True, "Profile `nd` functions."),
    "profile_memory": (True, "Count the bytes of the outputs of operators."),
    "profile_api": (True, "Taken for compatibility."),
    "filename": ("profile.json", "The file that `dump` writes."),
    "continuous_dump": (True, "Taken for compatibility: events stay in memory until `dump`."),
    "dump_period": (1.0, "Taken for compatibility."),
    "aggregate_stats": (False, "Taken for compatibility: statistics for `dumps` are always kept."),
    "profile_process": ("worker", "'worker'; rsym has no servers."),
}

_MARK_SCOPES = {"global": "g", "process": "p", "thread": "t", "task": "t", "marker": "t"}
_STATES = ("stop", "run")


class _Profiler:
    """What is set for the process."""

    def __init__(self):
        self.lock = threading.Lock()
        self.options = {name: default for name, (default, _) in _OPTIONS.items()}
        self.running = False
        self.paused = False

    def change(self, **changes):
        """Sets attributes, and tells the core what is to be recorded now."""
        with self.lock:
            for name, value in changes.items():
                setattr(self, name, value)
            self.apply()

    def apply(self):
        on = self.running and not self.paused
        kinds = [
            on and (self.options["profile_all"] or self.options["profile_" + k]) for k in ("symbolic", "imperative", "memory")
        ]
        _rsym.profile_switch(kinds[0], kinds[1], on, kinds[2])


_profiler = _Profiler()


def _listing():
    rows = ("%s : default %r\n    %s" % (name, default, doc) for name, (default, doc) in _OPTIONS.items())
    return "Possible Arguments:\n----------------\n" + "\n".join(rows)


def _option(name, value):
    """`value` in the type of option `name`."""
    if name not in _OPTIONS:
        raise MXNetError("Cannot find argument '%s', %s" % (name, _listing()))
    default = _OPTIONS[name][0]
    if isinstance(default, bool):
        known = {"true": True, "1": True, "false": False, "0": False}
        if str(value).lower() not in known:
            raise MXNetError("Invalid Parameter format for %s expect boolean but value='%s'" % (name, value))
        return known[str(value).lower()]
    if isinstance(default, float):
        try:
            return float(value)
        except (TypeError, ValueError):
            raise MXNetError("Invalid Parameter format for %s expect float but value='%s'" % (name, value)) from None
    if name == "profile_process":
        _worker(value)
    return os.fspath(value) if name == "filename" else value


def _worker(process):
    if process not in ("worker", "server"):
        raise KeyError(process)
    if process == "server":
        raise MXNetError("profile_process='server': rsym has no servers; profile the 'worker'")


def set_config(**kwargs):
    """Sets options of the profiler; those that are not named stay.

    Parameters
    ----------
    filename : str, default 'profile.json'
        The file that `dump` writes: a path, or a URL that fsspec knows.
    profile_all : bool, default False
        Profile everything, whatever the next three say.
    profile_symbolic, profile_imperative : bool, default True
        Profile the operators of executors; `nd` functions.
    profile_memory : bool, default True
        Count the bytes of the outputs of operators.
    profile_api, continuous_dump, dump_period, aggregate_stats, profile_process
        Taken for compatibility. Statistics are always kept, events until `dump`.

    Raises
    ------
    MXNetError
        For an unknown option, listing the known ones, or a value of a wrong kind; nothing is set then.

    Examples
    --------
    >>> import rsym as mx
    >>> mx.profiler.set_config(filename="profile.json", profile_memory=False)
    >>> mx.profiler.set_config(profile_memory=True)
    """
    given = {name: _option(name, value) for name, value in kwargs.items()}
    _profiler.change(options={**_profiler.options, **given})


def profiler_set_config(mode="symbolic", filename="profile.json"):
    """Sets options of the profiler. Deprecated: use `set_config`.

    Parameters
    ----------
    mode : {'symbolic', 'imperative', 'memory', 'api', 'all'}
        What to profile besides what is on.
    filename : str
        The file that `dump` writes.
    """
    warnings.warn("profiler.profiler_set_config() is deprecated. Please use profiler.set_config() instead", stacklevel=2)
    set_config(**{"profile_" + mode: True, "filename": filename})


def set_state(state="stop", profile_process="worker"):
    """Starts or stops profiling.

    Parameters
    ----------
    state : {'stop', 'run'}
    profile_process : str
        'worker'; rsym has no servers.

    Raises
    ------
    KeyError
        For another state.
    """
    if state not in _STATES:
        raise KeyError(state)
    _worker(profile_process)
    _profiler.change(running=state == "run", paused=False)


def profiler_set_state(state="stop"):
    """Starts or stops profiling. Deprecated: use `set_state`."""
    warnings.warn("profiler.profiler_set_state() is deprecated. Please use profiler.set_state() instead", stacklevel=2)
    set_state(state)


def pause(profile_process="worker"):
    """Records nothing until `resume`."""
    _worker(profile_process)
    _profiler.change(paused=True)


def resume(profile_process="worker"):
    """Goes on after `pause`."""
    _worker(profile_process)
    _profiler.change(paused=False)


def dump(finished=True, profile_process="worker"):
    """Writes all events to the file of `set_config`, in the trace format of Chrome.

    The file is replaced as a whole. Operators are named by their kind; their arguments say the node and the bytes of its
    outputs. Open it with chrome://tracing or https://ui.perfetto.dev.

    Parameters
    ----------
    finished : bool, default True
        Whether to stop profiling and forget the events. If not, a later dump holds them as well.

    Raises
    ------
    FileError
        The file cannot be written; no event is forgotten then.
    """
    _worker(profile_process)
    rows, dropped = _rsym.profile_events(False)
    write_bytes(_profiler.options["filename"], json.dumps(_trace(rows, dropped), separators=(",", ":")).encode())
    if finished:
        set_state("stop")
        _rsym.profile_events(True)


def dump_profile():
    """Writes all events and stops profiling. Deprecated: use `dump`."""
    warnings.warn("profiler.dump_profile() is deprecated. Please use profiler.dump() instead", stacklevel=2)
    dump(True)


def _trace(rows, dropped):
    pid = os.getpid()
    events = [{"ph": "M", "name": "process_name", "pid": pid, "args": {"name": "rsym"}}]
    for thread in sorted({row[3] for row in rows}):
        events.append({"ph": "M", "name": "thread_name", "pid": pid, "tid": thread, "args": {"name": "thread %d" % thread}})
    for category, name, node, thread, start, kind, value, size in rows:
        event = {"name": name, "cat": category, "pid": pid, "tid": thread, "ts": start}
        if kind == "span":
            args = {k: v for k, v in (("node", node or None), ("bytes", size)) if v is not None}
            event.update(ph="X", dur=value, args=args)
        elif kind == "counter":
            event.update(ph="C", args={name: value})
        else:
            event.update(ph="i", s=_MARK_SCOPES[value])
        events.append(event)
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"events_not_kept": dropped}}


def dumps(reset=False, format="table", sort_by="total", ascending=False, by="operator"):
    """Statistics of all events: how often each operator ran, and how long.

    Times are milliseconds, memory is in kB of 1000 bytes: for each operator the bytes of its outputs.

    Parameters
    ----------
    reset : bool, default False
        Whether to forget the statistics afterwards.
    format : {'table', 'json'}
    sort_by : {'total', 'avg', 'min', 'max', 'count'}
    ascending : bool, default False
    by : {'operator', 'node'}
        What gets a row: a kind of operator, or a node of a graph.

    Returns
    -------
    str

    Examples
    --------
    >>> import json
    >>> import rsym as mx
    >>> mx.profiler.set_state("run")
    >>> _ = mx.nd.exp(mx.nd.ones((2, 3)))
    >>> mx.profiler.set_state("stop")
    >>> stats = json.loads(mx.profiler.dumps(reset=True, format="json"))
    >>> stats["Time"]["operator"]["exp"]["Count"], stats["Memory"]["operator"]["exp"]["Max"]
    (1, 0.024)
    """
    for name, value, known in (
        ("format", format, ("table", "json")),
        ("sort_by", sort_by, ("total", "avg", "min", "max", "count")),
        ("ascending", ascending, (False, True)),
        ("reset", reset, (False, True)),
        ("by", by, ("operator", "node")),
    ):
        assert value in known, "Invalid value provided for %s: %s. Support: %s" % (name, value, ", ".join(map(repr, known)))
    times, memory = _statistics(_rsym.profile_summaries(bool(reset)), by)
    order = _Order(sort_by, ascending)
    if format == "json":
        units = {"Time": "ms", "Memory": "kB"}
        return json.dumps({"Time": order.sections(times), "Memory": order.sections(memory), "Unit": units}, indent=4)
    text = ["\nProfile Statistics:\n\tNote the difference in units for different entries.\n"]
    text += [
        _table(title, rows, ("Time (ms)", "Min Time (ms)", "Max Time (ms)", "Avg Time (ms)"))
        for title, rows in order.sections(times).items()
    ]
    text += [
        _table(title + " memory", rows, ("Min Use  (kB)", "Max Use  (kB)", "Avg Use  (kB)"))
        for title, rows in order.sections(memory).items()
    ]
    return "".join(text)


def _statistics(rows, by):
    """Count, total, minimum, maximum and unit by category and name: of times in ms (and counters), and of memory in kB."""
    times, memory = {}, {}
    for category, name, node, counter, values, sizes in rows:
        shown = node or name if by == "node" else name
        _merge(times, category, shown, values, 1e3 if counter else 1e6)
        _merge(memory, category, shown, sizes, 1e3)
    return times, memory


def _merge(sections, category, name, stat, unit):
    count, total, low, high = stat
    if not count:
        return
    if low > high:
        total = low = high = 0
    rows = sections.setdefault(category, {})
    before = rows.get(name, (0, 0, low, high, unit))
    rows[name] = (before[0] + count, before[1] + total, min(before[2], low), max(before[3], high), unit)


class _Order:
    """How rows are sorted."""

    def __init__(self, sort_by, ascending):
        self.key = ("count", "total", "min", "max", "avg").index(sort_by)
        self.ascending = ascending

    def sections(self, sections):
        return {title: self.rows(rows) for title, rows in sorted(sections.items())}

    def rows(self, rows):
        full = (
            (name, (count, total / unit, low / unit, high / unit, total / (count * unit)))
            for name, (count, total, low, high, unit) in rows.items()
        )
        ordered = sorted(full, key=lambda row: row[1][self.key], reverse=not self.ascending)
        return {name: dict(zip(("Count", "Total", "Min", "Max", "Avg"), stat)) for name, stat in ordered}


def _table(title, rows, columns):
    """A section in MXNet's columns; the total is left out where there are no four."""
    width = max([25] + [len(name) + 1 for name in rows])
    keys = ("Total", "Min", "Max", "Avg")[-len(columns) :]
    lines = [title, "=" * 17, "%-*s%16s" % (width, "Name", "Total Count") + "".join("%17s" % c for c in columns)]
    lines.append("%-*s%16s" % (width, "----", "-" * 11) + "".join("%17s" % ("-" * len(c)) for c in columns))
    for name, stat in rows.items():
        lines.append("%-*s%16d" % (width, name, stat["Count"]) + "".join("%17.4f" % stat[k] for k in keys))
    return "\n".join(lines) + "\n\n"


class Domain:
    """A category of what a program marks itself.

    Parameters
    ----------
    name : str

    Examples
    --------
    >>> import rsym as mx
    >>> domain = mx.profiler.Domain("training")
    >>> with domain.new_task("load"):
    ...     pass
    >>> str(domain)
    'training'
    """

    def __init__(self, name):
        self.name = name

    def __str__(self):
        return self.name

    def new_task(self, name):
        """A `Task` of this domain."""
        return Task(self, name)

    def new_frame(self, name):
        """A `Frame` of this domain."""
        return Frame(self, name)

    def new_counter(self, name, value=None):
        """A `Counter` of this domain."""
        return Counter(self, name, value)

    def new_marker(self, name):
        """A `Marker` of this domain."""
        return Marker(self, name)


class _Span:
    """Something with a beginning and an end, also as a context."""

    def __init__(self, category, name):
        self._category = category
        self.name = name
        self._start = None

    def __str__(self):
        return self.name

    def start(self):
        """Begins."""
        self._start = _rsym.profile_clock()

    def stop(self):
        """Ends what `start` began; without that it does nothing."""
        start, self._start = self._start, None
        if start is not None:
            _rsym.profile_span(self._category, self.name, start)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.stop()


class Task(_Span):
    """Work that is timed from `start` to `stop`, or as a context.

    Parameters
    ----------
    domain : Domain
    name : str
    """

    def __init__(self, domain, name):
        super().__init__(domain.name, name)


class Frame(_Span):
    """One of many like passes, such as an image or an epoch; from `start` to `stop`, or as a context.

    Parameters
    ----------
    domain : Domain
    name : str
    """

    def __init__(self, domain, name):
        super().__init__(domain.name + ",frame", name)


class Event(_Span):
    """Work outside of any domain, from `start` to `stop`, or as a context.

    Parameters
    ----------
    name : str
    """

    def __init__(self, name):
        super().__init__("event", name)


class Counter:
    """A whole number that changes in time.

    Parameters
    ----------
    domain : Domain
    name : str
    value : int, optional
        The first value; 0 if none is set before it is changed.

    Examples
    --------
    >>> import rsym as mx
    >>> counter = mx.profiler.Domain("training").new_counter("images", 0)
    >>> counter += 32
    """

    def __init__(self, domain, name, value=None):
        self._category = domain.name
        self.name = name
        self._value = 0
        self._lock = threading.Lock()
        if value is not None:
            self.set_value(value)

    def __str__(self):
        return self.name

    def set_value(self, value):
        """Sets the value."""
        with self._lock:
            self._value = int(value)
            _rsym.profile_counter(self._category, self.name, self._value)

    def increment(self, delta=1):
        """Adds to the value."""
        with self._lock:
            self._value += int(delta)
            _rsym.profile_counter(self._category, self.name, self._value)

    def decrement(self, delta=1):
        """Takes from the value."""
        self.increment(-int(delta))

    def __iadd__(self, delta):
        self.increment(delta)
        return self

    def __isub__(self, delta):
        self.decrement(delta)
        return self


class Marker:
    """A moment.

    Parameters
    ----------
    domain : Domain
    name : str
    """

    def __init__(self, domain, name):
        self.name = name
        self.domain = domain

    def __str__(self):
        return self.name

    def mark(self, scope="process"):
        """Marks now.

        Parameters
        ----------
        scope : {'global', 'process', 'thread', 'task', 'marker'}
            What it concerns.
        """
        if scope not in _MARK_SCOPES:
            raise ValueError("mark: expected a scope of %s, got %r" % (", ".join(map(repr, _MARK_SCOPES)), scope))
        _rsym.profile_mark(self.domain.name + ",instant_marker", self.name, scope)


_scopes = contextvars.ContextVar("rsym_profiler_scope", default="")


class scope:  # noqa: N801, MXNet's name
    """A part of a program, shown around what runs in it; scopes nest.

    Parameters
    ----------
    name : str, default '<unk>:'
        A colon is added if it does not end in one.
    append_mode : bool, default True
        Whether the names of the scopes around it come first.

    Examples
    --------
    >>> import rsym as mx
    >>> with mx.profiler.scope("encoder"), mx.profiler.scope("layer1") as inner:
    ...     str(inner)
    'encoder:layer1:'
    """

    def __init__(self, name="<unk>:", append_mode=True):
        self._own = name if name.endswith(":") else name + ":"
        self._append = append_mode
        self._open = []

    def __str__(self):
        return self._open[-1][1].name if self._open else self._own

    def __enter__(self):
        span = _Span("scope", (_scopes.get() if self._append else "") + self._own)
        self._open.append((_scopes.set(span.name), span))
        span.start()
        return self

    def __exit__(self, *error):
        token, span = self._open.pop()
        span.stop()
        _scopes.reset(token)
