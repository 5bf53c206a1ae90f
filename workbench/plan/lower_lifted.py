"""The place of a value that was taken out to an ibis value of its type: a call that `template` puts the value in for.

To ibis it is a function of the engine, of which nothing is known but the type of what it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt

from workbench.declare.expression import Literal
from workbench.declare.lifted import Lifted
from workbench.errors import DeclarationError, Problem
from workbench.plan.template import MARK, Form, Place, written

if TYPE_CHECKING:
    import ibis.expr.types as ir

_TYPES: dict[Form, Any] = {
    "text": dt.string, "integer": dt.int64, "number": dt.float64, "double": dt.float64,
    "date": dt.date, "timestamp": dt.timestamp, "timestamptz": dt.Timestamp("UTC"),
}  # fmt: skip


def fitted_place(literal: Literal, value: Lifted, types: Sequence[Any], bare: bool = False) -> ir.Value:
    """The place as the type its neighbours have; raises `DeclarationError` where a value of its kind can't be one."""
    if value.kind == "integer":
        return _place(value, "integer")
    if value.kind == "decimal":
        digits, scale, *short = value.detail.split(",")
        beside = [type_ for type_ in types if type_.is_decimal()]
        if beside:
            own = dt.Decimal(int(digits), int(scale))
            return _place(value, "decimal", beside[0] if value.many and _holds(beside[0], own) else own)
        return _place(value, "number" if bare and short else "double")
    is_text = value.kind not in ("day", "moment")
    if is_text and any(type_.is_time() for type_ in types):
        return _place(value, "text").cast("time")
    moment = next((type_ for type_ in types if type_.is_timestamp()), None)
    if moment is not None:
        if value.kind == "text" or (value.kind == "zoned" and moment.timezone is None):
            raise _no_moment(literal)
        return _place(value, "timestamp" if moment.timezone is None else "timestamptz")
    if is_text and not any(type_.is_date() for type_ in types):
        return _place(value, "text")
    if value.kind in ("text", "zoned"):
        raise _no_moment(literal)
    return _place(value, "date" if value.kind in ("date", "day") and not value.steps else "timestamp")


def text_of(value: Any) -> ir.StringValue:
    """A value of a row rule, or its place, as text."""
    return _place(value, "text") if isinstance(value, Lifted) else ibis.literal(str(value))


def _holds(kind: Any, own: Any) -> bool:
    """Whether a decimal type has room for another: a list in it needs no cast, which could take in but one value."""
    return bool(kind.scale >= own.scale and kind.precision - kind.scale >= own.precision - own.scale)


def _place(value: Lifted, form: Form, kind: Any = None) -> Any:
    return _of_type(kind or _TYPES[form])(written(Place(value.index, form, value.steps, value.many)))


@lru_cache
def _of_type(kind: Any) -> Callable[[str], Any]:
    def place(at): ...  # type: ignore[no-untyped-def]

    found: Callable[[str], Any] = ibis.udf.scalar.builtin(place, name=MARK, signature=(("string",), kind))
    return found


def _no_moment(literal: Literal) -> DeclarationError:
    return DeclarationError(Problem("bad-date", f"'{literal.value}' is no moment."))
