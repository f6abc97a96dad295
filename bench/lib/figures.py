"""Figures over rows: which rows count, and the median of several."""

import statistics


def select(rows, **like):
    """Good rows with these values."""
    good = (row for row in rows if not row.get("error") and not row.get("not_offered"))
    return [row for row in good if all(row.get(name) == value for name, value in like.items())]


class Figure:
    """Several measurements of the same: median, lowest, highest."""

    def __init__(self, values):
        values = [value for value in values if value is not None]
        self.runs = len(values)
        self.median = statistics.median(values) if values else None
        self.low, self.high = (min(values), max(values)) if values else (None, None)

    def __bool__(self):
        return self.runs > 0


def figure(rows, name, **like):
    """The figure `name` over all good rows with these values."""
    return Figure([row.get(name) for row in select(rows, **like)])
