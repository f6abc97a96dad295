"""The curves: what is drawn from which step."""

from lib.crowd import slow_rate
from lib.plot import Plot, Series
from lib.steps import CURVES, FILES, HOSTS, MEGABYTES, SERVERS, VIEWERS

NAMES = {"aweigh": "Aweigh"}


def all_curves(measured):
    """Those that were measured: name of the file, the plot."""
    made = {
        "servers": _releases(measured, "servers", "servers", [(n, {"n": n}) for n in SERVERS]),
        "hosts": _releases(
            measured, "hosts", "hosts inside one process", [(n, {"n": n}) for n in HOSTS], ["aweigh"]
        ),
        "files": _releases(measured, "files", "files", [(n, {"repository": f"files-{n}"}) for n in FILES]),
        "bytes": _releases(
            measured,
            "bytes",
            "MB in 1,000 files",
            [(float(m), {"repository": "bytes-" + m}) for m in MEGABYTES],
        ),
        "viewers": _viewers(measured),
    }
    return {
        name: plot for name, plot in made.items() if any(len(series.points) > 1 for series in plot.series)
    }


def _releases(measured, step, across, places, peers=CURVES):
    """Seconds of first and incremental releases."""
    plot = Plot(f"Time of a release by {across}", across, "seconds")
    for colour, peer in enumerate(peers):
        for dashes, task in ((0, "v2"), (1, "v1")):
            points = []
            for x, like in places:
                found = measured.figure(step, "wall", peer=peer, task=task, **like)
                if found:
                    points.append((x, found.median, found.low, found.high))
            if points:
                plot.series.append(Series(f"{NAMES.get(peer, peer)} {task}", points, colour, dashes))
    return plot


def _viewers(measured):
    """How long 99 of 100 messages take at most, at a few messages a second."""
    plot = Plot("Time of a message on its way by viewers", "viewers", "milliseconds, 99 of 100 within")
    for colour, server in enumerate(("aweigh", "npm ws")):
        points = []
        for viewers in VIEWERS:
            like = {"what": "chat", "server": server, "viewers": viewers, "rate": slow_rate(viewers)}
            found = measured.figure("viewers", "p99_ms", **like)
            if found:
                points.append((viewers, found.median, found.low, found.high))
        if points:
            plot.series.append(Series(NAMES.get(server, server), points, colour, colour))
    return plot
