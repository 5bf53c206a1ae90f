"""Units, formats and grains to the axes of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from workbench.session.answer import AnswerColumn
from workbench.show.format import unit_text

Spec = dict[str, Any]

FEW = 14


def utc(value: date) -> str:
    """A date as a moment in UTC, so that no reader's time zone moves it to another day."""
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def value_axis(metric: AnswerColumn) -> Spec:
    """An axis in the metric's own format: never an exponent, 'k' and 'M' for the large, '%' for shares."""
    kind = metric.format.partition(":")[0]
    if kind == "percent":
        return {"labelExpr": "format(datum.value, '.1~%')", "tickCount": 5}
    body = "replace(format(datum.value, abs(datum.value) >= 1000 ? '.3~s' : '~r'), 'G', 'B')"
    unit = unit_text(metric.unit)
    title = {"title": unit, "titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleY": -12, "titleX": -28}
    return {"labelExpr": body, "tickCount": 5, **(title if unit else {})}


def time_axis(grain: str, moments: Sequence[str] = ()) -> Spec:
    """A time axis that names each period once: months with their year at the first and at each January."""
    few = sorted(set(moments))
    first = "datum.index == 0 || "
    year = "utcFormat(datum.value, '%Y')"
    by_grain = {
        "year": year,
        "quarter": f"{first}utcmonth(datum.value) == 0 ? [utcFormat(datum.value, 'Q%q'), {year}] "
        ": utcFormat(datum.value, 'Q%q')",
        "month": f"{first}utcmonth(datum.value) == 0 ? [utcFormat(datum.value, '%b'), {year}] "
        ": utcFormat(datum.value, '%b')",
    }
    # Few periods: a tick for each one, else Vega puts two in the same day and names it twice.
    exact: Spec = {"values": few} if 0 < len(few) <= FEW else {}
    day = (
        f"{first}utcmonth(datum.value) == 0 && utcdate(datum.value) <= 7 ? [utcFormat(datum.value, '%-d %b'), {year}] "
    )
    default = day + ": utcFormat(datum.value, '%-d %b')" if grain in ("week", "day", "") else ""
    label = by_grain.get(grain, default)
    return {**({"labelExpr": label} if label else {}), **exact, "labelOverlap": True}


def from_zero(values: Sequence[Spec]) -> bool:
    """Whether zero belongs on the axis: yes unless the line would be a flat stroke far above it."""
    ys = [v["y"] for v in values if v["y"] is not None]
    return not ys or min(ys) <= 0 or min(ys) < 0.6 * max(ys)
