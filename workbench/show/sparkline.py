"""A short series to an inline SVG stroke that says how a number got here."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.show.palette import SERIES

WIDTH, HEIGHT, PAD = 132, 34, 4


def sparkline(values: Sequence[float | int | None], colour: str = SERIES[0], label: str = "") -> str:
    """A stroke through the values with a dot at the last; gaps stay gaps, and one point alone is no trend."""
    known = [v for v in values if v is not None]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    reach = (high - low) or 1
    step = (WIDTH - 2 * PAD) / max(1, len(values) - 1)
    points = [
        None if v is None else (PAD + i * step, HEIGHT - PAD - (v - low) / reach * (HEIGHT - 2 * PAD))
        for i, v in enumerate(values)
    ]
    last = next(p for p in reversed(points) if p is not None)
    return (
        f'<svg role="img" aria-label="{label}" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<path d="{_path(points)}" fill="none" stroke="{colour}" stroke-width="1.8" stroke-linejoin="round" '
        f'stroke-linecap="round"/><circle cx="{last[0]:.1f}" cy="{last[1]:.1f}" r="2.8" fill="{colour}"/></svg>'
    )


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    strokes, pen_up = [], True
    for point in points:
        if point is not None:
            strokes.append(f"{'M' if pen_up else 'L'}{point[0]:.1f},{point[1]:.1f}")
        pen_up = point is None
    return " ".join(strokes)
