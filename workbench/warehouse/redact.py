"""An engine's error to what may be told of it: its class and position, never a value."""

from __future__ import annotations

import re

_CLASS = re.compile(r"^([A-Z][A-Za-z ]*? Error)\b")
_POSITION = re.compile(r"^LINE (\d+):", re.MULTILINE)
_SAFE = ("Parser Error", "Binder Error", "Catalog Error")
"""Raised before a row is read: they speak of the statement alone."""


def redact(error: str) -> str:
    """The error without values: whole sentences only where no row was read yet, and never the statement as run.

    >>> redact("Conversion Error: Could not convert string 'N14228' to INT32")
    'Conversion Error: the details are withheld, since rows or columns are restricted for you.'
    """
    found = _CLASS.match(error)
    name = found.group(1) if found else "Error"
    position = _POSITION.search(error)
    where = f" (line {position.group(1)} of the statement as run)" if position else ""
    if name in _SAFE:
        # The excerpt under LINE shows the rewritten statement, row filters and salt included.
        sentence = error.split("\n", 1)[0].strip()
        return f"{sentence}{where}" if not where or sentence != error.strip() else sentence
    return f"{name}: the details are withheld, since rows or columns are restricted for you.{where}"
