"""docs/performance.md: the text of performance.md beside this file, with tables of figures in it."""

from lib import machine, place
from lib.crowd import FAST, slow_rate
from lib.figures import figure
from lib.goals import goals, span
from lib.steps import ALL, FILES, HOSTS, MAIN, MEGABYTES, OTHERS, SERVERS, VIEWERS

NOTHING = "Not measured yet."
PARTS = {
    "session_ms": "CPU of `sshd` for `true`, a new connection (curve25519, AES-GCM), ms",
    "channel_ms": "… over an open connection, ms",
    "megabyte_ms": "CPU of both ends for 1 MB over a connection, ms",
    "pack_ms": "`git archive`, `zstd -3` of everything, ms",
    "pack_few_ms": "… of the 40 paths that v2 changes, ms",
    "packed_mb": "everything, packed, MB",
    "unpack_ms": "CPU to unpack everything, ms",
    "unpack_few_ms": "CPU to unpack the 40 paths and to switch, ms",
    "link_ms": "CPU to link 5,005 files (`cp -al`), ms",
}


def document(measured, plots):
    """The whole page."""
    noted = machine.noted()
    noted["versions"] = ", ".join(f"{name} {number}" for name, number in noted["versions"].items() if number)
    three = ("v1", "v2", "exec")
    tables = {
        "goals": _goals(measured),
        "fifty": _peers(measured, "fifty", three),
        "fifty_slow": _peers(measured, "fifty-slow", ("v1", "v2")),
        "ten": _peers(measured, "ten", ("v1", "v2", "tiny", "exec")),
        "others": _peers(measured, "ten-others", three, OTHERS),
        "far": _peers(measured, "far", three),
        "narrow": _peers(measured, "narrow", ("v1", "v2")),
        "run": _peers(measured, "run", ("exec",), ["aweigh", "aweigh-run", "aweigh-warm", "aweigh-run-warm"]),
        "put": _put(measured),
        "servers": _releases(measured, "servers", "servers", [(f"{n:,}", {"n": n}) for n in SERVERS]),
        "hosts": _releases(measured, "hosts", "hosts", [(f"{n:,}", {"n": n}) for n in HOSTS]),
        "files": _releases(
            measured, "files", "files", [(f"{n:,}", {"repository": f"files-{n}"}) for n in FILES]
        ),
        "bytes": _releases(measured, "bytes", "MB", [(n, {"repository": "bytes-" + n}) for n in MEGABYTES]),
        "viewers": _chat(measured),
        "listings": _listings(measured),
        "page": _page(measured),
        "floor": _floor(measured),
        "steps": _steps(measured),
    }
    for name, plot in plots.items():
        tables[name] = f"![{plot.what}](images/curve-{name}.svg)\n\n{tables[name]}"
    text = (place.BENCH / "lib" / "performance.md").read_text()
    return text.format(**noted, **{name: (words or NOTHING).rstrip() for name, words in tables.items()})


def table(heads, rows):
    """A table in Markdown, or nothing."""
    lines = [heads, ["---"] * len(heads)] + list(rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n" if rows else ""


def words_of(found, form=".2f"):
    return span(found, form) if found else "–"


def _goals(measured):
    verdict = {True: "met", False: "**missed**", None: "–"}
    rows = [(goal.what, goal.goal, goal.measured, verdict[goal.met]) for goal in goals(measured)]
    return table(("work", "goal", "measured", ""), rows)


def _peers(measured, step, tasks, order=MAIN):
    """One table per task, the fastest first, and what failed."""
    rows, parts = measured.rows[step], []
    for task in tasks:
        these = [row for row in rows if row["task"] == task]
        names = dict.fromkeys(order + [row["peer"] for row in these])
        found = {name: figure(these, "wall", peer=name) for name in names}
        names = sorted((name for name in names if found[name]), key=lambda name: found[name].median)
        heads = ("wall s", "× Aweigh", "CPU s: controller + servers", "memory MB: largest / all", "runs")
        parts.append(table((task, *heads), [_peer(these, name) for name in names]))
        for row in these:
            if row.get("error"):
                parts.append(f"- {row['peer']} failed: {row['error']}\n")
    return "\n".join(part for part in parts if part)


def _peer(rows, name):
    def median(part):
        return figure(rows, part, peer=name).median

    wall, own = figure(rows, "wall", peer=name), figure(rows, "wall", peer="aweigh")
    return (
        f"**{name}**" if name == "aweigh" else name,
        span(wall),
        f"{wall.median / own.median:.2f}" if own else "–",
        f"{median('controller'):.2f} + {median('servers'):.2f}",
        f"{median('largest_mb'):.0f} / {median('together_mb'):.0f}",
        str(wall.runs),
    )


def _releases(measured, step, label, places):
    """Seconds of first and incremental releases, for each place on a curve."""
    peers = list(dict.fromkeys(row["peer"] for row in measured.rows[step]))
    columns = [(peer, task) for peer in peers for task in ("v1", "v2")]
    rows = []
    for words, like in places:
        walls = [measured.figure(step, "wall", peer=peer, task=task, **like) for peer, task in columns]
        peak = measured.figure(step, "daemon_mb", peer="aweigh", task="v1", **like)
        if any(walls):
            rows.append([words, *map(words_of, walls), words_of(peak, ",.0f")])
    return table([label, *(f"{peer} {task}, s" for peer, task in columns), "memory of `serve`, v1, MB"], rows)


def _put(measured):
    """How long a large file takes, beside the least that its line needs."""
    heads = ("1 GB, 50 MB/s, round trips of 50 ms", "wall s", "least s", "× least", "runs")
    ways = (
        ("**aweigh put**", "aweigh", False),
        ("… cut in the middle, and resumed", "aweigh", True),
        ("scp", "scp", False),
        ("rsync", "rsync", False),
    )
    rows = []
    for words, peer, cut in ways:
        found = measured.figure("put", "wall", peer=peer, cut=cut)
        if found:
            least = measured.figure("put", "least", peer=peer, cut=cut).median
            rows.append((words, span(found), f"{least:.1f}", f"{found.median / least:.2f}", str(found.runs)))
    return table(heads, rows)


def _chat(measured):
    heads = (
        "viewers",
        "server",
        "half within, ms",
        "99 of 100 within, ms",
        "arrive a second",
        "CPU µs each",
        "memory MB",
    )
    rows = []
    for viewers in VIEWERS:
        for server in ("aweigh", "npm ws"):

            def words(name, rate, form, like=(viewers, server)):
                return words_of(
                    measured.figure("viewers", name, what="chat", viewers=like[0], server=like[1], rate=rate),
                    form,
                )

            slow, fast = slow_rate(viewers), FAST
            late = [words("p50_ms", slow, ".1f"), words("p99_ms", slow, ".1f")]
            many = [words("delivered_per_s", fast, ",.0f"), words("micros_each", fast, ".1f")]
            rows.append([f"{viewers:,}", server, *late, *many, words("largest_mb", fast, ",.0f")])
    return table(heads, rows) if measured.rows["viewers"] else ""


def _listings(measured):
    names = ("aweigh_ms", "aweigh_p99_ms", "git_ms", "gitpython_ms", "gitpython_cold_ms")
    heads = (
        "ms",
        "Aweigh, half within",
        "99 of 100 within",
        "git",
        "GitPython, warm",
        "GitPython, a new process",
    )
    rows = []
    for question in dict.fromkeys(
        row["question"] for row in measured.rows["answers"] if row["what"] == "listing"
    ):
        found = [measured.figure("answers", name, question=question) for name in names]
        rows.append([question, *map(words_of, found)])
    return table(heads, rows)


def _page(measured):
    rows = []
    for name in dict.fromkeys(row["name"] for row in measured.rows["page"]):
        found = [row for row in measured.rows["page"] if row["name"] == name]
        numbers = figure([{"value": float(row["measured"].split()[0])} for row in found], "value")
        unit = found[0]["measured"].partition(" ")[2]
        rows.append((name, span(numbers, "g", " " + unit if unit else ""), found[0]["goal"]))
    return table(("", "measured", "goal"), rows)


def _floor(measured):
    if not measured.rows["floor"]:
        return ""
    parts = [(words, span(measured.figure("floor", name), ".1f")) for name, words in PARTS.items()]
    heads = ["floor, s"] + ["1 server" if count == 1 else f"{count} servers" for count in SERVERS]
    least = []
    for task in ("v1", "v2", "v2 warm", "exec", "exec warm"):
        least.append([task] + [f"{measured.floor(task, count):.2f}" for count in SERVERS])
    return table(("part", "median (range)"), parts) + "\n" + table(heads, least)


def _steps(measured):
    rows = []
    for step in ALL:
        figures = measured.rows[step.name]
        if figures:
            of = dict.fromkeys(f"{row['date']}, {row['commit']}" for row in figures)
            rows.append((f"`bench/steps {step.name}`", step.what, str(len(figures)), "; ".join(of)))
    return table(("command", "what", "figures", "measured"), rows)
