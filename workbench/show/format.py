"""A value with its unit and format to the text a person reads; pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import floor, isfinite, isnan, log10
from typing import Any

from workbench.declare.grains import DATE_PARTS
from workbench.session.answer import AnswerColumn
from workbench.show.dates import date_text, part_text

NOTHING = "–"
NO_GROUP = "(none)"
THIN = "\u202f"
"""A narrow no-break space: groups thousands without splitting a number over two lines."""

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "CNY": "¥", "KRW": "₩"}
_OTHER_CODES = "AUD|BRL|CAD|CHF|CZK|DKK|HKD|HUF|IDR|ILS|MXN|MYR|NOK|NZD|PHP|PLN|RON|SEK|SGD|THB|TRY|ZAR"
_CODES = frozenset({*_SYMBOLS, *_OTHER_CODES.split("|")})
_SHORT = {"minutes": "min", "minute": "min", "hours": "h", "hour": "h", "seconds": "s", "second": "s", "percent": "%"}
_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def number_text(
    value: Any,
    unit: str = "",
    format: str = "",
    *,
    compact: bool = False,
    digits: int | None = None,
    bare: bool = False,
) -> str:
    """A metric's value in words; ``compact`` for tiles and axes, ``bare`` leaves the unit to a heading.

    >>> number_text(0.0257, format="percent"), number_text(1234567, "EUR", compact=True)
    ('2.6%', '€1.2M')
    """
    number = as_number(value)
    if number is None:
        return NOTHING
    kind, asked = _kind(unit, format)
    digits = asked if asked is not None else digits
    if kind == "percent":
        return _minus(f"{_fixed(number * 100, digits if digits is not None else percent_digits([number]))}%")
    if kind == "duration":
        return _duration(number, unit)
    body = _compact(number) if compact and abs(number) >= 10_000 else _plain(number, kind, digits)
    return _minus(body) if bare else _with_unit(_minus(body), unit)


def percent_digits(shares: Iterable[float]) -> int:
    """Decimals that keep a column of shares readable: none for large ones, more the smaller they are."""
    largest = max((abs(s) for s in shares), default=0.0)
    return 1 if largest >= 0.01 or largest == 0 else 2 if largest >= 0.001 else 3


def digits_for(values: Iterable[Any], format: str = "", unit: str = "") -> int | None:
    """One number of decimals for a whole column, so that its points line up."""
    numbers = [n for n in map(as_number, values) if n is not None]
    kind, asked = _kind(unit, format)
    if asked is not None or not numbers:
        return asked
    if kind == "percent":
        return percent_digits(numbers)
    if kind == "integer" or (not kind and all(n == int(n) for n in numbers)):
        return 0
    return _sensible(max(map(abs, numbers)))


def as_number(value: Any) -> float | int | None:
    """A finite number, or None for what has no value to show."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if value is None or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, Decimal):
        value = float(value) if value.is_finite() else float("nan")
    return None if isnan(value) or not isfinite(value) else value


def cell_text(value: Any, column: AnswerColumn, *, digits: int | None = None, bare: bool = True) -> str:
    """One cell of an answer: a number by its unit, a period by its grain, a missing group as '(none)'."""
    if value is None:
        return NO_GROUP if column.role == "dimension" else NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column.role != "metric":
        return group_text(value, part_of(column), column, digits)
    if not _numeric(value):
        return str(value)
    return _moved(number_text(value, column.unit, column.format, digits=digits, bare=bare), value, column)


def group_text(value: Any, grain: str = "", column: AnswerColumn | None = None, digits: int | None = None) -> str:
    """A group's name: text as it is, periods and date parts in words."""
    if value is None:
        return NO_GROUP
    if isinstance(value, date | datetime):
        return date_text(value, grain)
    if isinstance(value, int) and grain in DATE_PARTS:
        return part_text(value, grain) or str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column is not None and _numeric(value) and column.role == "column":
        return number_text(value, column.unit, column.format, digits=digits)
    return _containers(value)


def part_of(column: AnswerColumn) -> str:
    """The grain or date part a column holds: as declared, else the last word of its path."""
    last = column.name.rpartition(".")[2]
    return column.grain or (last if last in DATE_PARTS else "")


def metric_text(value: Any, column: AnswerColumn, *, compact: bool = False, digits: int | None = None) -> str:
    """A metric's value with its unit, unless its label says the unit already: 'Flights 336 776'."""
    said = column.unit.lower() in column.label.lower()
    text = number_text(value, "" if said else column.unit, column.format, compact=compact, digits=digits)
    return _moved(text, value, column)


def label_of(column: AnswerColumn) -> str:
    """What a heading calls a column; the time axis all metrics share is called by its period."""
    if column.role == "dimension" and column.name.partition(".")[0] == "metric_time":
        return part_of(column).replace("_", " ").capitalize() or "Time"
    return column.label or column.name


def labels_of(columns: Sequence[AnswerColumn]) -> list[str]:
    """The headings of a table: where two would read alike, such as two airports, each says its whole path."""
    said = [label_of(column) for column in columns]
    return [
        " ".join(column.name.replace("_", " ").split(".")).capitalize() if said.count(label) > 1 else label
        for column, label in zip(columns, said, strict=True)
    ]


def unit_text(unit: str, format: str = "") -> str:
    """The unit as a heading says it; nothing where the value carries it already."""
    kind, _ = _kind(unit, format)
    return "" if kind in ("percent", "duration") or unit in _CODES else _SHORT.get(unit, unit)


def change_text(now: Any, before: Any, unit: str = "", format: str = "") -> str:
    """How far a value moved: relative, but in percentage points where the value is itself a share."""
    new, old = as_number(now), as_number(before)
    if new is None or old is None:
        return NOTHING
    if _kind(unit, format)[0] == "percent" or unit == "%":
        points = (new - old) * (1 if unit == "%" and format != "percent" else 100)
        return f"{_sign(points)}{_fixed(abs(points), 1 if abs(points) >= 0.05 else 2)} pp"
    if old == 0:
        return NOTHING
    share = (new - old) / abs(old)
    return f"{_sign(share)}{_fixed(abs(share) * 100, 1 if abs(share) < 1 else 0)}%"


def _moved(text: str, value: Any, column: AnswerColumn) -> str:
    """A change with its sign; that of a share is in percentage points, for it is no percentage of anything."""
    number = as_number(value)
    if column.aspect != "change" or number is None:
        return text
    points = text.replace("%", f"{THIN}pp") if _kind(column.unit, column.format)[0] == "percent" else text
    return f"+{points}" if number > 0 else points


def _kind(unit: str, format: str) -> tuple[str, int | None]:
    """The format's name and its digits, as in 'decimal:2'."""
    name, _, digits = format.partition(":")
    return name.strip(), int(digits) if digits.strip().isdigit() else None


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float | Decimal | timedelta) and not isinstance(value, bool)


def _containers(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_containers(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_containers, value)) + "]"
    return value.hex() if isinstance(value, bytes) else str(value)


def _sensible(size: float) -> int:
    """Decimals that give about three figures: 0.0523, 3.42, 12.6, 1 234."""
    if size == 0:
        return 0
    return min(6, max(0, 2 - floor(log10(size)))) if size < 100 else 1 if size < 1000 else 0


def _plain(number: float, kind: str, digits: int | None) -> str:
    if digits is None:
        whole = number == int(number) and kind not in ("decimal", "currency")
        digits = 0 if kind == "integer" or whole else 2 if kind == "currency" else _sensible(abs(number))
    return _fixed(number, digits)


def _fixed(number: float, digits: int) -> str:
    text = f"{number:,.{digits}f}".replace(",", THIN)
    return text.lstrip("-") if not any(c in "123456789" for c in text) else text


def _compact(number: float) -> str:
    for index, (scale, letter) in enumerate(_SCALES):
        share = number / scale
        if abs(share) >= 1 or (index and abs(round(share, 1)) >= 1):
            if abs(round(share, 1)) >= 1000 and index:
                share, letter = number / _SCALES[index - 1][0], _SCALES[index - 1][1]
            return f"{_fixed(share, 1 if abs(share) < 100 else 0)}{letter}".replace(".0" + letter, letter)
    return _fixed(number, 0)


def _with_unit(body: str, unit: str) -> str:
    if unit in _CODES:
        symbol = _SYMBOLS.get(unit, unit + THIN)
        return f"−{symbol}{body[1:]}" if body.startswith("−") else f"{symbol}{body}"
    short = _SHORT.get(unit, unit)
    return f"{body}{'' if short == '%' else THIN}{short}" if short else body


def _duration(number: float, unit: str) -> str:
    """Minutes, hours or seconds as '2 h 05 min'."""
    per = {"hours": 60.0, "h": 60.0, "hour": 60.0, "seconds": 1 / 60, "s": 1 / 60, "second": 1 / 60}.get(unit, 1.0)
    hours, minutes = divmod(round(abs(number) * per), 60)
    body = f"{_fixed(hours, 0)}{THIN}h{THIN}{minutes:02d}{THIN}min" if hours else f"{minutes}{THIN}min"
    return f"−{body}" if number < 0 and (hours or minutes) else body


def _minus(text: str) -> str:
    return text.replace("-", "−", 1)


def _sign(number: float) -> str:
    return "+" if number > 0 else "−" if number < 0 else "±"
