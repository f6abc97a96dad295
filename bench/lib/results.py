"""Figures as JSON lines: one file per step, to which every figure is added as soon as it is known."""

import json
import time
from functools import cache

from lib import place, table
from lib.figures import select


@cache
def commit():
    """What is measured, as it stood when the measurement began."""
    return place.first_line("git", "-C", str(place.BENCH), "rev-parse", "--short", "HEAD")


class Results:
    """The rows of one file; without a file they are only kept."""

    def __init__(self, file=None):
        self.file = file
        self.rows = read(file) if file and file.exists() else []
        if self.rows and not file.read_text().endswith("\n"):
            self._write()

    def add(self, row):
        """Keeps a row, with what was measured and when, writes it down, and shows it."""
        stamped = dict(row, commit=commit(), date=time.strftime("%Y-%m-%d", time.gmtime()))
        self.rows.append(stamped)
        if self.file:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with open(self.file, "a") as file:
                file.write(json.dumps(stamped) + "\n")
        print(table.line(row), flush=True)

    def forget(self, peer, plan, turn):
        """Drops what a peer has done of a round: it is done anew, as a whole."""
        kept = [row for row in self.rows if not _is_of(row, peer, plan, turn)]
        if len(kept) < len(self.rows):
            self.rows = kept
            self._write()

    def _write(self):
        if self.file:
            self.file.write_text("".join(json.dumps(row) + "\n" for row in self.rows))

    def missing(self, peer, plan, turn):
        """Whether a peer has not done all tasks of a round yet, or not well."""
        done = {row["task"] for row in self.rows if _is_of(row, peer, plan, turn) and not row.get("error")}
        return not set(plan.tasks) <= done

    def count(self, **like):
        """How many good rows there are with these values."""
        return len(select(self.rows, **like))


def _is_of(row, peer, plan, turn):
    """Whether a row is of a peer in a round; `tiny` is a task of every repository."""
    same = (row.get("peer"), row.get("n"), row.get("run")) == (peer, plan.count, turn)
    return same and row["task"] in plan.tasks and row["repository"] in (plan.repository, "tiny")


def read(file):
    """The rows of a file; a last line that was cut off is left out."""
    rows = []
    for line in file.read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows
