"""What a run found: a table of text, a JSON file and a plot."""

import datetime
import json
import math
import platform
import sys

PEERS = ("MXNet", "PyTorch", "ONNX Runtime")
COLOURS = {"MXNet": "#c0504d", "PyTorch": "#e0912f", "ONNX Runtime": "#4f81bd"}


def head(threads, versions):
    """The result before any case has run."""
    return {
        "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": " ".join(["python"] + sys.argv),
        "machine": processor(),
        "threads": threads,
        "versions": versions,
        "cases": [],
    }


def processor():
    """The processor's name, with the widest vectors it has."""
    try:
        with open("/proc/cpuinfo") as info:
            lines = dict(line.split(":", 1) for line in info if ":" in line)
    except OSError:
        return platform.processor() or platform.machine()
    about = {key.strip(): value.strip() for key, value in lines.items()}
    flags = about.get("flags", "").split()
    widest = next((f for f in ("avx512f", "avx2", "avx") if f in flags), "")
    return " ".join(filter(None, [about.get("model name", platform.machine()), widest]))


def shown_peers(result):
    return [p for p in PEERS if p in result["versions"]]


def table_head(result):
    about = "%s, %d threads; %s" % (
        result["machine"],
        result["threads"],
        ", ".join("%s %s" % item for item in result["versions"].items()),
    )
    names = ["%-36s" % "", "%11s" % "rsym"] + ["%13s" % p for p in shown_peers(result)]
    names += ["%22s" % "best peer", "%15s" % "peak MiB", "%15s" % "planned MiB"]
    return about + "\n" + "".join(names)


def table_row(result, case):
    """A line: rsym's time, how many times longer each peer takes, the best peer, memory of rsym and of the best there."""
    own = case["libraries"].get("rsym", {})
    cells = ["%-36s" % case["name"], "%11s" % duration(own.get("median"), case["operators"])]
    for peer in shown_peers(result):
        mark = "" if case["counted"].get(peer, {}).get("alike", True) else "~"
        cells.append("%13s" % (ratio_text(case["ratios"][peer]) + mark if peer in case["ratios"] else missing(case, peer)))
    best = "%s %s" % (case["best_peer"], ratio_text(case["ratio"])) if case["best_peer"] else ""
    return "".join(cells + ["%22s" % best, "%15s" % sizes(case, "peak_bytes"), "%15s" % sizes(case, "planned_bytes")]).rstrip()


def missing(case, peer):
    """Why there is no ratio: an error, agreement without timing, or no such case."""
    if any(name.startswith(peer) for name in case["errors"]):
        return "failed"
    return "same" if "difference" in case["libraries"].get(peer, {}) else ""


def duration(seconds, operators):
    if seconds is None:
        return ""
    if operators > 1:
        return "%.0f ns/op" % (1e9 * seconds / operators)
    if seconds < 1e-3:
        return "%.3g us" % (1e6 * seconds)
    return "%.3g ms" % (1e3 * seconds) if seconds < 1 else "%.3g s" % seconds


def ratio_text(ratio):
    return "%.2fx" % ratio if ratio < 10 else "%.0fx" % ratio


def sizes(case, what):
    """MiB of rsym, and of the peer that needs least."""
    own = case["libraries"].get("rsym", {}).get(what)
    others = [about[what] for title, about in case["libraries"].items() if title != "rsym" and about.get(what) is not None]
    if own is None:
        return ""
    return "%.1f" % (own / 2**20) + (" / %.1f" % (min(others) / 2**20) if others else "")


def table_foot(result):
    """How to read the table, and what went wrong."""
    lines = [
        "",
        "Ratios tell how many times longer a peer takes than rsym; ~ marks rough ones, since the machine's speed varied.",
        "Memory: rsym / the peer that needs least. results.json tells the variants that peers were fastest in.",
    ]
    for case in result["cases"]:
        lines += ["%s, %s: %s" % (case["name"], who, error) for who, error in case["errors"].items()]
    return "\n".join(lines)


def write(result, folder):
    """results.json, table.txt and ratios.svg."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    lines = [table_head(result)] + [table_row(result, case) for case in result["cases"]] + [table_foot(result)]
    (folder / "results.json").write_text(json.dumps(result, indent=1))
    (folder / "table.txt").write_text("\n".join(lines) + "\n")
    (folder / "ratios.svg").write_text(plot(result))


def plot(result):
    """A bar for every ratio, on a logarithmic axis that starts at 1: to the right rsym is faster."""
    cases = [(case["name"], case["ratios"]) for case in result["cases"] if case["ratios"]]
    bars = [(name, [(peer, found[peer]) for peer in PEERS if peer in found]) for name, found in cases]
    ratios = [ratio for _, found in bars for _, ratio in found] or [1.0]
    low, high = (math.floor(math.log10(min(ratios + [0.9]))), math.ceil(math.log10(max(ratios + [1.1]))))
    left, width, thick = 260, 640, 9

    def x(ratio):
        return left + width * (math.log10(ratio) - low) / (high - low)

    parts, y = [], 50
    for name, found in bars:
        middle = y + thick * len(found) / 2 + 4
        parts.append('<text x="%d" y="%.1f" text-anchor="end">%s</text>' % (left - 8, middle, name))
        for peer, ratio in found:
            parts.append(bar(x(1.0), x(ratio), y, thick - 1, COLOURS[peer], "%s, %s: %s" % (name, peer, ratio_text(ratio))))
            y += thick
        y += 6
    for tick in range(low, high + 1):
        parts.append(line(x(10.0**tick), 40, y, "#999" if tick else "#000"))
        parts.append('<text x="%.1f" y="34" text-anchor="middle">%g</text>' % (x(10.0**tick), 10.0**tick))
    for k, peer in enumerate(shown_peers(result)):
        parts.append('<rect x="%d" y="8" width="12" height="12" fill="%s"/>' % (left + 130 * k, COLOURS[peer]))
        parts.append('<text x="%d" y="18">%s</text>' % (left + 130 * k + 18, peer))
    style = 'font-family="sans-serif" font-size="12"'
    size = 'width="%d" height="%d"' % (left + width + 30, y + 10)
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    title = "<title>How many times longer each peer takes than rsym</title>"
    return '<svg xmlns="http://www.w3.org/2000/svg" %s %s>%s%s%s</svg>\n' % (size, style, title, ground, "".join(parts))


def bar(start, end, y, height, colour, title):
    left, width = min(start, end), max(abs(end - start), 0.5)
    shape = '<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s"><title>%s</title></rect>'
    return shape % (left, y, width, height, colour, title)


def line(x, top, bottom, colour):
    return '<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s" stroke-width="0.7"/>' % (x, top, x, bottom, colour)
