"""Rows as lines and tables in a terminal."""

from lib.figures import figure


def line(row):
    """One row as it comes."""
    if "task" not in row:
        shown = (f"{name} {value}" for name, value in row.items() if name not in ("run", "step"))
        return "  " + "   ".join(shown)
    head = f"{row['peer']:17} {row['task']:5} {row['n']:3} servers, run {row['run'] + 1}"
    if row.get("not_offered"):
        return head + "   not offered"
    if "wall" not in row:
        return head + "   FAILED: " + row["error"]
    parts = [
        head,
        f"{row['wall']:7.2f} s",
        f"CPU {row['controller']:6.2f} + {row['servers']:6.2f} s",
        f"memory {row['largest_mb']:4.0f}, {row['together_mb']:5.0f} MB",
        f"others {100 * row['foreign']:2.0f} %",
        "FAILED: " + row["error"] if row.get("error") else "ok",
    ]
    return "   ".join(parts)


HEADS = ("peer", "wall s", "x", "controller", "servers", "both", "x", "largest", "all", "others", "runs")
FORM = "%-17s %20s %7s %11s %8s %8s %7s %9s %7s %7s %5s"


def tables(rows, against="aweigh"):
    """All rows side by side, one table per task and number of servers; ratios are to the peer `against`."""
    wholes = dict.fromkeys((row["task"], row["n"], row["repository"]) for row in rows)
    for task, count, repository in wholes:
        these = [
            row for row in rows if (row["task"], row["n"], row["repository"]) == (task, count, repository)
        ]
        names = [
            name for name in dict.fromkeys(row["peer"] for row in these) if figure(these, "wall", peer=name)
        ]
        names.sort(key=lambda name: figure(these, "wall", peer=name).median)
        if not names:
            continue
        first = against if against in names else names[0]
        print(f"\n{task} of {repository}, {count} servers; x: times {first}")
        print(FORM % ("", "", "", "CPU s", "", "", "", "peak MB", "", "", ""))
        print(FORM % HEADS)
        base = _columns(these, first)
        for name in names:
            print(_row(name, _columns(these, name), base))
    failed = [row for row in rows if row.get("error")]
    for row in failed:
        print("FAILED: {}, {}, {} servers: {}".format(row["peer"], row["task"], row["n"], row["error"]))
    return not failed


def _columns(rows, peer):
    names = ("wall", "controller", "servers", "largest_mb", "together_mb", "foreign")
    return {name: figure(rows, name, peer=peer) for name in names}


def _row(name, columns, base):
    wall = columns["wall"]
    both = columns["controller"].median + columns["servers"].median
    other = base["controller"].median + base["servers"].median
    return FORM % (
        name,
        f"{wall.median:.2f} ({wall.low:.2f}-{wall.high:.2f})",
        "%.2f" % (wall.median / base["wall"].median),
        "{:.2f}".format(columns["controller"].median),
        "{:.2f}".format(columns["servers"].median),
        f"{both:.2f}",
        "%.2f" % (both / other) if other else "-",
        "{:.0f}".format(columns["largest_mb"].median),
        "{:.0f}".format(columns["together_mb"].median),
        "%.0f %%" % (100 * columns["foreign"].median),
        wall.runs,
    )
