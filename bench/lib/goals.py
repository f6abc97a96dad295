"""The goals, and how far the figures are from them."""

from dataclasses import dataclass

from lib import floor
from lib.crowd import FAST, slow_rate
from lib.figures import figure


@dataclass
class Goal:
    """One line: what, the goal and what was measured in words, and whether it is met; None: not measured."""

    what: str
    goal: str
    measured: str
    met: bool


class Measured:
    """All figures, by step."""

    def __init__(self, steps):
        self.rows = {step.name: step.results().rows for step in steps}

    def figure(self, step, name, **like):
        return figure(self.rows[step], name, **like)

    def wall(self, step, peer, task, count=50):
        return self.figure(step, "wall", peer=peer, task=task, n=count)

    def floor(self, task, count):
        """The floor in seconds, or nothing where its parts were not measured."""
        if not self.rows["floor"]:
            return None
        return floor.seconds(lambda part: figure(self.rows["floor"], part).median, task, count)


def span(found, form=".2f", unit=""):
    """Median and range in words."""
    if not found:
        return "not measured"
    words = f"{found.median:{form}}{unit}"
    return words if found.runs == 1 else words + f" ({found.low:{form}}–{found.high:{form}})"


def goals(measured):
    """All of them, in the order of the design."""
    lines = []
    lines += _against_floor(measured, "incremental release (v2) to 50 servers", "v2", "aweigh", 1.3)
    lines += _against_peers(measured)
    lines += _against_floor(
        measured, "the same on connections that are still open", "v2 warm", "aweigh-warm", 1.3
    )
    lines.append(
        _below(
            "the same to 10 servers, round trips of 50 ms",
            measured.wall("far", "aweigh", "v2", 10),
            0.75,
            "s",
        )
    )
    lines += _against_floor(measured, "first release (v1) to 50 servers", "v1", "aweigh", 1.15)
    lines += _against_floor(measured, "`true` on 50 servers, new connections", "exec", "aweigh", 1.3)
    lines += _against_floor(
        measured, "`true` on 50 servers, open connections", "exec warm", "aweigh-warm", 1.3
    )
    for words, task, peer in (("new", "exec", "aweigh-run"), ("open", "exec warm", "aweigh-run-warm")):
        lines += _against_floor(
            measured, f"… by `aweigh run`, {words} connections", task, peer, 1.3, step="run"
        )
    own = {"peer": "aweigh", "n": 50}
    spent = measured.figure("fifty", "controller", task="v2", **own)
    peak = measured.figure("fifty", "daemon_mb", task="v1", **own)
    lines.append(_below("CPU of the controller, v2 to 50", spent, 0.5, "s"))
    lines.append(_below("peak memory of `serve`, v1 to 50", peak, 60, "MB", ",.0f"))
    lines += _viewers(measured)
    for question in ("branches", "50 commits"):
        found = measured.figure("answers", "aweigh_ms", what="listing", question=question)
        lines.append(_below(f"{question} over the API", found, 1, "ms"))
    lines += [
        _below(
            "from the start to the first answer", measured.figure("answers", "known_ms"), 50, "ms", ",.0f"
        ),
        _below("memory when idle", measured.figure("answers", "idle_mb"), 30, "MB", ",.0f"),
        _below("size of the program", measured.figure("answers", "binary_mb"), 25, "MB", ".1f"),
    ]
    return lines


def _below(what, found, limit, unit, form=".2f"):
    met = found.median <= limit if found else None
    return Goal(what, f"≤ {limit:g} {unit}", span(found, form, " " + unit), met)


def _above(what, found, limit, unit, form=",.0f"):
    met = found.median >= limit if found else None
    return Goal(what, f"≥ {limit:,} {unit}", span(found, form, " " + unit), met)


def _against_floor(measured, what, task, peer, times, step="fifty"):
    least, found = measured.floor(task, 50), measured.wall(step, peer, task.split()[0])
    if not least or not found:
        return [Goal(what, f"≤ {times:g} × floor", span(found, ".2f", " s"), None)]
    goal = f"≤ {times:g} × floor ({least:.2f} s)"
    ratio = found.median / least
    return [Goal(what, goal, "{:.2f} ×: {}".format(ratio, span(found, ".2f", " s")), ratio <= times)]


def _against_peers(measured):
    """How many times as long others take for v2 to 50 servers, in the same run."""
    lines = []
    against = (
        ("shell-delta", 1, "fifty"),
        ("rsync", 6, "fifty"),
        ("capistrano", 9, "fifty"),
        ("ansible", 50, "fifty-slow"),
    )
    for peer, times, step in against:
        own, other = measured.wall(step, "aweigh", "v2"), measured.wall(step, peer, "v2")
        goal = "faster" if times == 1 else f"≥ {times} × as fast"
        if not own or not other:
            lines.append(Goal(f"… beside {peer}", goal, "not measured", None))
            continue
        ratio = other.median / own.median
        words = "{:.2f} ×: {}".format(ratio, span(other, ".2f", " s"))
        lines.append(Goal(f"… beside {peer}", goal, words, ratio > 1 if times == 1 else ratio >= times))
    return lines


def _viewers(measured):
    """Push. The rates are three quarters of what a server reached that only does one write per client."""
    lines = []
    for viewers, rate, late in ((1000, 224_000, 15), (5000, 172_000, 40)):
        often = slow_rate(viewers)
        like = {"what": "chat", "server": "aweigh", "viewers": viewers}
        arrived = measured.figure("viewers", "delivered_per_s", rate=FAST, **like)
        lines.append(_above(f"messages to {viewers:,} viewers", arrived, rate, "a second"))
        p99 = measured.figure("viewers", "p99_ms", rate=often, **like)
        lines.append(_below(f"… 99 of 100 arrive within, at {often} a second", p99, late, "ms", ".1f"))
    alone, crowd = (measured.figure("viewers", "wall", what="watched", viewers=many) for many in (0, 1000))
    if alone and crowd:
        ratio = crowd.median / alone.median
        lines.append(
            Goal(
                "a release with 1,000 viewers, beside one with none",
                "< 1.05 ×",
                f"{ratio:.3f} ×",
                ratio < 1.05,
            )
        )
    else:
        lines.append(
            Goal("a release with 1,000 viewers, beside one with none", "< 1.05 ×", "not measured", None)
        )
    return lines
