"""Curves as SVG, readable in light and dark, without anything but the standard library."""

import math
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 74, 170, 24, 58
# How far apart the labels at the ends of the lines are.
LABEL = 17

STYLE = """
  .paper { fill: #ffffff } .ink { fill: #1f2328 } .soft { fill: #59636e }
  .grid { stroke: #d1d9e0; stroke-width: 1 } .fine { stroke: #eaeef2; stroke-width: 1 }
  .line { fill: none; stroke-width: 2.2; stroke-linejoin: round } .range { stroke-width: 1.4 }
  .s0 { --c: #0757c2 } .s1 { --c: #b4480b } .s2 { --c: #17733a } .s3 { --c: #7a3fb0 } .s4 { --c: #59636e }
  .line, .range { stroke: var(--c) } .dot, .name { fill: var(--c) } .name { font-weight: 600 }
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } .ink { fill: #e6edf3 } .soft { fill: #9da7b3 }
    .grid { stroke: #3d444d } .fine { stroke: #21262d }
    .s0 { --c: #6cb6ff } .s1 { --c: #f0883e } .s2 { --c: #57c47a } .s3 { --c: #c297ff } .s4 { --c: #9da7b3 }
  }
"""
# So that lines can be told apart without their colours.
DASHES = ("", "7 4", "2 4", "9 3 2 3", "5 3")


@dataclass
class Series:
    """One line: points (x, median, lowest, highest), its colour, and its dashes."""

    name: str
    points: list
    colour: int = 0
    dashes: int = 0


@dataclass
class Plot:
    """One picture; both scales are logarithmic where the values span more than a factor of 20."""

    what: str
    across: str
    up: str
    series: list = field(default_factory=list)

    def svg(self):
        """The whole file."""
        across = Scale([p[0] for s in self.series for p in s.points], LEFT, WIDTH - RIGHT)
        up = Scale([v for s in self.series for p in s.points for v in p[1:]], HEIGHT - BOTTOM, TOP)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>{escape(self.what)}</title><style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        ]
        parts += _grid(across, up)
        parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, self.across, "ink", "middle"))
        middle = (TOP + HEIGHT - BOTTOM) / 2
        turned = '<text class="ink" text-anchor="middle" transform="translate(18 %.1f) rotate(-90)">%s</text>'
        parts.append(turned % (middle, escape(self.up)))
        for series in self.series:
            parts += _line(series, across, up)
        parts += _names(self.series, across, up)
        return "\n".join(parts) + "\n</svg>\n"


class Scale:
    """From values to places on the paper."""

    def __init__(self, values, start, end):
        positive = [value for value in values if value > 0] or [1]
        self.start, self.end = start, end
        self.is_log = max(positive) / min(positive) > 20
        if self.is_log:
            self.low, self.high = math.log10(min(positive)), math.log10(max(positive))
            room = 0.04 * (self.high - self.low)
            self.low, self.high = self.low - room, self.high + room
        else:
            self.low, self.high = 0, 1.06 * max(positive)

    def place(self, value):
        if self.is_log:
            value = math.log10(max(value, 10**self.low))
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self):
        """Values with a label, and values with a fine line only."""
        if not self.is_log:
            step = _round_step(self.high / 5)
            return [step * i for i in range(int(self.high / step) + 1)], []
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        inside = [
            10**p * m for p in powers for m in range(1, 10) if self.low <= math.log10(10**p * m) <= self.high
        ]
        tens = [value for value in inside if math.isclose(math.log10(value) % 1, 0, abs_tol=1e-9)]
        if len(tens) < 3:
            tens = [value for value in inside if _leading(value) in (1, 2, 5)]
        return tens, [value for value in inside if value not in tens]


def _leading(value):
    return round(value / 10 ** math.floor(math.log10(value) + 1e-9))


def _round_step(step):
    power = 10 ** math.floor(math.log10(step))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= step)


def number(value):
    """A number as a label: 0.05, 2, 1,000."""
    return f"{value:,.0f}" if value >= 1 and math.isclose(value, round(value)) else f"{value:.3g}"


def _grid(across, up):
    parts = []
    for values, css in zip(across.ticks()[::-1], ("fine", "grid")):
        for value in values:
            x = across.place(value)
            parts.append(f'<path class="{css}" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
            if css == "grid":
                parts.append(_text(x, HEIGHT - BOTTOM + 19, number(value), "soft", "middle"))
    for values, css in zip(up.ticks()[::-1], ("fine", "grid")):
        for value in values:
            y = up.place(value)
            parts.append(f'<path class="{css}" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
            if css == "grid":
                parts.append(_text(LEFT - 8, y + 4.5, number(value), "soft", "end"))
    return parts


def _line(series, across, up):
    """A line through the medians, a dot on each, and how far the runs lay apart."""
    places = [(across.place(x), *map(up.place, values)) for x, *values in series.points]
    parts = [f'<g class="s{series.colour}">']
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y, *_ in places)
    parts.append(f'<path class="line" stroke-dasharray="{DASHES[series.dashes]}" d="M{path}"/>')
    for x, y, low, high in places:
        parts.append(f'<path class="range" d="M{x:.1f} {low:.1f}V{high:.1f}"/>')
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.6"/>')
    return parts + ["</g>"]


def _names(all_series, across, up):
    """The name of each line at its end; where ends are close, the names move apart."""
    ends = []
    for series in all_series:
        x, y, *_ = series.points[-1]
        ends.append([up.place(y), across.place(x), series.colour, series.name])
    ends.sort()
    wanted = [end[0] for end in ends]
    for _ in range(60):
        for above, below in zip(ends, ends[1:]):
            overlap = LABEL - (below[0] - above[0])
            if overlap > 0:
                above[0] -= overlap / 2
                below[0] += overlap / 2
    parts = []
    for (y, x, colour, name), end in zip(ends, wanted):
        parts.append(f'<g class="s{colour}">')
        edge = WIDTH - RIGHT + 10
        parts.append(
            f'<path class="range" d="M{x + 5:.1f} {end:.1f}L{edge - 3:.1f} {y:.1f}" stroke-opacity=".5"/>'
        )
        parts.append(_text(edge, y + 4.5, name, "name", "start") + "</g>")
    return parts


def _text(x, y, words, css, anchor):
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
