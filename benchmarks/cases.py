"""The cases: each prepares the libraries that take part, has them measured and gives one row of the result."""

import pathlib
from typing import NamedTuple

import cases_graph
from cases_import import measure_import
from check import TOLERANCE, difference
from measure import Failed, Lane, compare, run_bursts, summary
from nets import NETS


class Setting(NamedTuple):
    """What holds for all cases of a run."""

    libraries: list
    probe: object
    threads: int
    seconds: float
    burst: float
    folder: pathlib.Path

    def named(self, *names):
        """The libraries among `names`; those with a remark are only for networks."""
        return [lib for lib in self.libraries if lib.name in names and not lib.remark]


class Import(NamedTuple):
    """How long an import takes, with what it imports itself or with NumPy there before."""

    name: str
    numpy_first: bool

    def run(self, setting, check_only):
        libraries = setting.named("rsym", "mxnet", "torch", "onnxruntime")
        if check_only:
            return row(self.name, {})
        bursts = measure_import(libraries, self.numpy_first, setting.probe, setting.threads)
        return row(self.name, bursts)


class Function(NamedTuple):
    """A function of `cases_graph.py`."""

    name: str

    def run(self, setting, check_only):
        takes_part = ["rsym", "mxnet"] + ["torch"] * self.name.startswith("tiny")
        lanes, errors = {}, {}
        try:
            for library in [] if check_only else setting.named(*takes_part):
                attempt(lanes, errors, library, setting, lambda lane: lane.do("function", name=self.name))
            measure(lanes, setting)
            return row(self.name, {title: lane.bursts for title, lane in lanes.items()}, errors)
        finally:
            close(lanes)


class TrainingLoop(NamedTuple):
    """What `Module.fit` does besides forward and backward, for a batch; see `loop.py`."""

    name: str = "training loop MLP b64"

    def run(self, setting, check_only):
        lanes, errors = {}, {}
        try:
            for library in [] if check_only else setting.named("rsym", "mxnet"):
                attempt(lanes, errors, library, setting, lambda lane: lane.do("loop"))
            measure(lanes, setting)
            return row(self.name, {title: lane.bursts for title, lane in lanes.items()}, errors)
        finally:
            close(lanes)


class Network(NamedTuple):
    """Inference or a training step of a network."""

    net: str
    mode: str

    @property
    def name(self):
        return "%s %s" % (self.net, self.mode)

    def run(self, setting, check_only):
        lanes, errors, told = {}, {}, {}
        path = self.written_values(setting)
        try:
            for library in self.libraries(setting):
                self.start(lanes, errors, told, library, setting, path)
            if not check_only:
                measure(lanes, setting)
            for title, lane in lanes.items():
                told[title].update(lane.do("peak"))
            return row(self.name, {title: lane.bursts for title, lane in lanes.items()}, errors, told)
        finally:
            close(lanes)

    def libraries(self, setting):
        """rsym first: the others are compared with it. A fused MXNet comes last, and stays if it is the faster one."""
        names = ("rsym", "mxnet", "torch") + (("onnxruntime",) if self.mode == "inference" else ())
        found = [lib for lib in setting.libraries if lib.name in names and (not lib.remark or self.mode == "inference")]
        return sorted(found, key=lambda lib: bool(lib.remark))

    def written_values(self, setting):
        """The file of first values, written by rsym once for a network."""
        path = setting.folder / (self.net + ".npz")
        if not path.exists():
            lane = Lane(setting.named("rsym")[0], setting.threads)
            try:
                lane.do("write_values", net=self.net, path=str(path))
            finally:
                lane.close()
        return path

    def start(self, lanes, errors, told, library, setting, path):
        """Adds a library's lane, if it computes what rsym computes."""
        results = setting.folder / ("%s%s.result.npz" % (library.title, library.remark))
        about = {}

        def prepare(lane):
            options = self.options(library, setting, path)
            found = lane.do("prepare", net=self.net, mode=self.mode, path=str(path), result=str(results), **options)
            about.update(found, variant=library.remark or found["variant"])
            if library.title != "rsym":
                about["difference"] = difference(self.mode, setting.folder / "rsym.result.npz", results, path)
                if not about["difference"] <= TOLERANCE[self.mode]:
                    raise Failed("computes something else than rsym: %.1e" % about["difference"])

        rival = lanes.pop(library.title, None)
        attempt(lanes, errors, library, setting, prepare)
        if library.name == "rsym" and library.title not in lanes:
            raise Failed("rsym cannot run %s: %s" % (self.name, errors[library.title]))
        if rival and faster(rival, lanes.get(library.title)):
            close({library.title: lanes.get(library.title)})
            lanes[library.title] = rival
        elif library.title in lanes:
            close({library.title: rival})
            told[library.title] = about

    def options(self, library, setting, path):
        """What the library is told besides the net and its values."""
        return {"files": self.exported(setting, path)} if library.name == "onnxruntime" else {}

    def exported(self, setting, path):
        """The network's files for ONNX Runtime by variant, written by PyTorch."""
        lane = Lane(setting.named("torch")[0], setting.threads)
        try:
            return lane.do("export", net=self.net, path=str(path), target=str(setting.folder / self.net))
        finally:
            lane.close()


class Grouped(Network):
    """A network whose groups of operators have a device each, beside the same network on one device."""

    def libraries(self, setting):
        both = setting.named("rsym") + [lib._replace(title="one device") for lib in setting.named("rsym")]
        return both + setting.named("mxnet")

    def options(self, library, setting, path):
        """Whether groups get their devices."""
        return {"grouped": library.title != "one device"}


def attempt(lanes, errors, library, setting, prepare):
    """Adds a prepared lane, or its error."""
    lane = Lane(library, setting.threads)
    try:
        prepare(lane)
        lanes[library.title] = lane
    except Failed as error:
        errors[library.title + (" " + library.remark if library.remark else "")] = str(error)
        lane.close()


def faster(a, b, trials=3):
    """Whether lane `a` is faster than `b`, by the best of short bursts in turn."""
    if b is None:
        return True
    pairs = [(a.burst(0.1)[0], b.burst(0.1)[0]) for _ in range(trials)]  # the fastest call of each
    return min(p[0] for p in pairs) < min(p[1] for p in pairs)


def measure(lanes, setting):
    if lanes:
        run_bursts(list(lanes.values()), setting.probe, setting.seconds, setting.burst)


def close(lanes):
    for lane in lanes.values():
        if lane is not None:
            lane.close()


def row(name, bursts, errors=None, told=None):
    """The result of a case: per library its seconds and memory; ratios to rsym, and the best peer's."""
    found = {title: {**summary(b), **(told or {}).get(title, {})} for title, b in bursts.items() if b}
    for title, about in (told or {}).items():
        found.setdefault(title, about)
    ratios, counted = {}, {}
    for title, b in bursts.items():
        if title != "rsym" and b and bursts.get("rsym"):
            ratios[title], pairs, alike = compare(bursts["rsym"], b)
            counted[title] = {"pairs": pairs, "alike": alike}
    best = min(ratios, key=ratios.get, default=None)
    per = next((n for tiny, n in cases_graph.COUNT.items() if name.startswith(tiny)), 1)
    return {
        "name": name,
        "operators": per,
        "libraries": found,
        "ratios": ratios,
        "counted": counted,
        "best_peer": best,
        "ratio": ratios.get(best),
        "errors": errors or {},
    }


def all_cases():
    """Every case, in the order of the table."""
    cases = [Import("import", False), Import("import after NumPy", True)]
    for graph in cases_graph.GRAPHS:
        cases += [Function("%s %s" % (what, graph)) for what in cases_graph.WORK]
    cases += [Function("%s %s" % (tiny, mode)) for tiny in cases_graph.COUNT for mode in ("forward", "training")]
    cases.append(TrainingLoop())
    for net, about in NETS.items():
        case = Grouped if about.groups else Network
        cases += [case(net, mode) for mode in ("inference", "training") if mode == "inference" or about.loss]
    return cases
