"""The steps of a plan to a drawing: a lane for each leg from its table down, and below them what is made of all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from textwrap import wrap

from workbench.plan.outline import Step
from workbench.show.palette import BAD, FONT, INK, SERIES

WIDTH = 860
LANES = 3
"""Legs side by side; more stand in a second row."""
_GAP, _PAD, _LINE, _ARROW = 14, 9, 16, 16
_CHARACTER = 6.3
"""The width of a character at the size of text, on average; lines are broken a little early rather than late."""

_STYLES = {
    "read": (SERIES[0], "reads"), "restricted": (BAD, "restricted"), "join": (SERIES[2], "joins"),
    "keep": (SERIES[5], "keeps"), "moments": (SERIES[4], "looks at"), "group": (SERIES[7], "groups"),
    "number": (SERIES[7], "computes"), "combine": (SERIES[0], "combines"), "level": (SERIES[4], "beside it"),
    "derive": (SERIES[1], "derives"), "shape": (INK, "shows"),
}  # fmt: skip
_SAID = {"restricted: ": "restricted", "derive: ": "derive", "combine: ": "combine", "keep ": "keep", "join ": "join"}


@dataclass(frozen=True, slots=True)
class _Box:
    """A box of lines, each with how far it is indented."""

    kind: str
    lines: tuple[tuple[int, str], ...]

    @property
    def height(self) -> int:
        return _PAD * 2 + _LINE * (len(self.lines) + 1) - 4


def plan_svg(steps: Sequence[Step]) -> str:
    """An SVG without script or style sheet, on a light or a dark page; all text in it is escaped."""
    legs = [list(found) for leg, found in groupby(steps, key=lambda step: step.leg) if leg]
    together = [step for step in steps if not step.leg]
    parts: list[str] = []
    bottom = 2
    for start in range(0, len(legs), LANES):
        row = legs[start : start + LANES]
        width = (WIDTH - 4 - _GAP * (len(row) - 1)) // len(row)
        ends = []
        for at, leg in enumerate(row):
            left = 2 + at * (width + _GAP)
            drawn, end = _stack(_boxes(leg, width), left, bottom, width)
            parts += drawn
            ends.append((left + width // 2, end))
        lowest = max(end for _, end in ends)
        parts += [_arrow(middle, end, lowest + _ARROW) for middle, end in ends]
        bottom = lowest + _ARROW
    drawn, bottom = _stack(_boxes(together, WIDTH - 4), 2, bottom, WIDTH - 4)
    said = escape("; ".join(step.text for step in steps), quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 2}" role="img" aria-label="{said}" '
        f'style="width:100%;max-width:{WIDTH}px;height:auto;display:block" font-family="{escape(FONT, quote=True)}" '
        f'font-size="12" fill="currentColor">{"".join(parts + drawn)}</svg>'
    )


def _boxes(steps: Iterable[Step], width: int) -> list[_Box]:
    """Neighbours of one kind share a box."""
    boxes = []
    outer: list[tuple[str, list[Step]]] = []
    for step in steps:
        # What stands deeper belongs to the step above it, whatever its kind.
        base = 1 if step.leg and step.kind != "read" else 0
        nested = bool(outer) and step.depth > base and step.kind != "restricted"
        if outer and (nested or outer[-1][0] == step.kind):
            outer[-1][1].append(step)
        else:
            outer.append((step.kind, [step]))
    for kind, found in outer:
        least = min(step.depth for step in found)
        lines = [line for step in found for line in _lines(kind, step, step.depth - least, width)]
        boxes.append(_Box(kind, tuple(lines)))
    return boxes


def _lines(kind: str, step: Step, indent: int, width: int) -> Iterable[tuple[int, str]]:
    """A step in lines that fit, without the word that the box has as its heading."""
    text = step.text
    if step.kind == "read" and step.depth == 0:
        text = text.partition(": read ")[2] or text
    for prefix, of in _SAID.items():
        text = text.removeprefix(prefix) if of == kind == step.kind else text
    room = int((width - _PAD * 2 - 14 * indent) / _CHARACTER)
    broken = wrap(text, max(room, 12), subsequent_indent="  ", break_long_words=True) or [""]
    return [(indent, line) for line in broken]


def _stack(boxes: Sequence[_Box], left: int, top: int, width: int) -> tuple[list[str], int]:
    """The boxes one below the other with arrows between, and where they end."""
    parts: list[str] = []
    for number, box in enumerate(boxes):
        if number:
            parts.append(_arrow(left + width // 2, top, top + _ARROW))
            top += _ARROW
        parts.append(_drawn(box, left, top, width))
        top += box.height
    return parts, top


def _drawn(box: _Box, left: int, top: int, width: int) -> str:
    colour, heading = _STYLES[box.kind]
    across = left + _PAD + 3
    first = top + _PAD + 10
    lines = "".join(
        f'<text x="{across + 14 * indent}" y="{first + _LINE * number}" xml:space="preserve">{escape(line)}</text>'
        for number, (indent, line) in enumerate(box.lines, 1)
    )
    return (
        f'<rect x="{left}" y="{top}" width="{width}" height="{box.height}" rx="5" fill="{colour}" fill-opacity=".1" '
        f'stroke="{colour}" stroke-opacity=".55"/>'
        f'<rect x="{left}" y="{top}" width="4" height="{box.height}" rx="2" fill="{colour}"/>'
        f'<text x="{across}" y="{first}" font-size="10.5" font-weight="600" fill="{colour}">{heading}</text>{lines}'
    )


def _arrow(middle: int, top: int, bottom: int) -> str:
    return (
        f'<path d="M{middle} {top}V{bottom - 4}m-4 -3l4 5l4 -5" fill="none" stroke="{INK}" stroke-width="1.4" '
        'stroke-linecap="round"/>'
    )
