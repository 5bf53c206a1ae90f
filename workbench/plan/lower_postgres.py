"""An ibis expression to SQL that means on PostgreSQL what it means on DuckDB; what cannot is refused by name."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.postgres import PostgresCompiler

from workbench.errors import Problem, Unanswerable

_NARROW = frozenset({"substring", "left", "right", "lpad", "rpad", "split_part", "repeat"})
"""Functions that count characters in 32 bits."""


class _Compiler(PostgresCompiler):  # type: ignore[misc]  # ibis ships no types
    """ibis's own compiler, but for what PostgreSQL does otherwise than DuckDB.

    Text is ordered by its bytes whatever the locale, letters are turned large and small as Unicode says, LIKE has no
    escape, halves are rounded away from zero, and the first or last value is that of the order asked for.
    """

    __slots__ = ()
    SIMPLE_OPS: ClassVar[dict[Any, str]] = {}  # those of ibis are methods of its class; here they would hide ours

    def visit_Select(self, op: Any, *, qualified: Any, sort_keys: Any, distinct: Any, **given: Any) -> Any:
        """Conditions on windows as columns of a subquery: there is no QUALIFY, and sqlglot's way loses aliases."""
        if not qualified:
            return super().visit_Select(op, qualified=(), sort_keys=sort_keys, distinct=distinct, **given)
        extra = {f"__q{i}": condition for i, condition in enumerate(qualified)}
        extra |= {f"__s{i}": key.this for i, key in enumerate(sort_keys)}
        columns = {name: sg.column(name, table="__all", quoted=True) for name in (*op.schema, *extra)}
        hidden = [value.as_(name, quoted=True) for name, value in extra.items()]
        inner = sg.select(*self._cleanup_names(given["selections"]), *hidden).from_(given["parent"])
        inner = inner.where(*given["predicates"]) if given["predicates"] else inner
        outer = sg.select(*(columns[name] for name in op.schema)).from_(inner.subquery("__all"))
        outer = outer.where(*(columns[f"__q{i}"] for i in range(len(qualified))))
        turned = [sge.Ordered(**{**key.args, "this": columns[f"__s{i}"]}) for i, key in enumerate(sort_keys)]
        outer = outer.order_by(*turned) if turned else outer
        return outer.distinct() if distinct else outer

    # ------------------------------------------------------------------ order of text

    def visit_SortKey(self, op: Any, *, arg: Any, ascending: bool, nulls_first: bool) -> Any:
        """By bytes."""
        return super().visit_SortKey(op, arg=_by_bytes(op.arg, arg), ascending=ascending, nulls_first=nulls_first)

    def visit_Less(self, op: Any, *, left: Any, right: Any) -> Any:
        """By bytes."""
        return _compared(sge.LT, op, left, right)

    def visit_LessEqual(self, op: Any, *, left: Any, right: Any) -> Any:
        """By bytes."""
        return _compared(sge.LTE, op, left, right)

    def visit_Greater(self, op: Any, *, left: Any, right: Any) -> Any:
        """By bytes."""
        return _compared(sge.GT, op, left, right)

    def visit_GreaterEqual(self, op: Any, *, left: Any, right: Any) -> Any:
        """By bytes."""
        return _compared(sge.GTE, op, left, right)

    def visit_Between(self, op: Any, *, arg: Any, lower_bound: Any, upper_bound: Any) -> Any:
        """By bytes."""
        return super().visit_Between(
            op, arg=_by_bytes(op.arg, arg), lower_bound=lower_bound, upper_bound=upper_bound
        )  # one collation rules all three

    def visit_Greatest(self, op: Any, *, arg: Any) -> Any:
        """By bytes."""
        return self.f.greatest(*map(_by_bytes, op.arg, arg))

    def visit_Least(self, op: Any, *, arg: Any) -> Any:
        """By bytes."""
        return self.f.least(*map(_by_bytes, op.arg, arg))

    def visit_Min(self, op: Any, *, arg: Any, where: Any) -> Any:
        """By bytes."""
        return self.agg.min(_by_bytes(op.arg, arg), where=where)

    def visit_Max(self, op: Any, *, arg: Any, where: Any) -> Any:
        """By bytes."""
        return self.agg.max(_by_bytes(op.arg, arg), where=where)

    # ------------------------------------------------------------------ text

    def visit_Lowercase(self, op: Any, *, arg: Any) -> Any:
        """As Unicode says, in a database of any locale."""
        return self._of_no_collation(self.f.lower(_in_unicode(arg)))

    def visit_Uppercase(self, op: Any, *, arg: Any) -> Any:
        """As Unicode says, in a database of any locale."""
        return self._of_no_collation(self.f.upper(_in_unicode(arg)))

    def visit_StringSQLLike(self, op: Any, *, arg: Any, pattern: Any, escape: Any) -> Any:
        """Without the backslash that escapes unless one says otherwise."""
        return sge.Escape(this=sge.Like(this=arg, expression=pattern), expression=sge.convert(""))

    def visit_StringSQLILike(self, op: Any, *, arg: Any, pattern: Any, escape: Any) -> Any:
        """Without the backslash that escapes, and with Unicode's letters."""
        return sge.Escape(this=sge.ILike(this=_in_unicode(arg), expression=pattern), expression=sge.convert(""))

    def visit_HexDigest(self, op: Any, *, arg: Any, how: str) -> Any:
        """By the function of the core; ibis asks for an extension."""
        return self.f.encode(self.f.anon[how](self.f.convert_to(arg, "UTF8")), "hex")

    def visit_Reverse(self, op: Any, *, arg: Any) -> NoReturn:
        """Refused: DuckDB keeps an accent on its letter, PostgreSQL reverses every code point."""
        _refuse("reverse")

    def visit_Repeat(self, op: Any, *, arg: Any, times: Any) -> Any:
        """With a count in 32 bits."""
        return self.f.repeat(arg, self.cast(times, dt.int32))

    def visit_ScalarUDF(self, op: Any, **kw: Any) -> Any:
        """A function of both engines, with counts in 32 bits; a negative start counts from the end."""
        if op.__func_name__ not in _NARROW:
            return super().visit_ScalarUDF(op, **kw)
        kinds = [arg.dtype for arg in op.args]
        text, *rest = (
            self.cast(value, dt.int32) if kind.is_integer() else value
            for kind, value in zip(kinds, kw.values(), strict=True)
        )
        start = op.args[1]
        if op.__func_name__ == "substring" and not (isinstance(start, ops.Literal) and start.value >= 0):
            from_end = self.f.greatest(self.f.length(text) + rest[0], 0) + 1
            rest[0] = self.if_(rest[0] < 0, from_end, rest[0])
        return self.f.anon[op.__func_name__](text, *rest)

    def _of_no_collation(self, text: Any) -> Any:
        # One collation that was asked for must not meet another in the same expression.
        return self.f.convert_from(self.f.convert_to(text, "UTF8"), "UTF8")

    # ------------------------------------------------------------------ numbers

    def visit_Round(self, op: Any, *, arg: Any, digits: Any) -> Any:
        """Halves away from zero, in floating point too."""
        if not op.arg.dtype.is_floating():
            rounded = self.f.round(arg) if digits is None else self.f.round(arg, self.cast(digits, dt.int32))
            return self.cast(rounded, op.dtype) if op.dtype.is_integer() else rounded
        places = 0 if digits is None else op.digits.value if isinstance(op.digits, ops.Literal) else None
        places = op.digits.arg.value if isinstance(op.digits, ops.Cast) else places
        if places is None:
            _refuse("round", "Give the number of places as a constant.")
        scale = self.cast(sge.convert(f"1e{abs(places)}"), dt.float64)
        if places == 0:
            rounded = self._rounded(arg)
        else:
            rounded = self._rounded(arg * scale) / scale if places > 0 else self._rounded(arg / scale) * scale
        return self.cast(rounded, op.arg.dtype if op.arg.dtype.is_float32() else op.dtype)

    def _rounded(self, value: Any) -> Any:
        whole = self.f.trunc(value)
        return whole + self.if_(self.f.abs(sge.paren(value) - whole) >= 0.5, self.f.sign(value), 0)

    def visit_Modulus(self, op: Any, *, left: Any, right: Any) -> Any:
        """Of whole numbers and decimals; a floating remainder is another number in decimal arithmetic."""
        if op.dtype.is_floating():
            _refuse("%", "Cast both sides to integer or decimal.")
        return sge.Mod(this=left, expression=right)

    def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:
        """Floats to decimals by the digits they have, not by 15 of them; to text they are written otherwise."""
        kind = op.arg.dtype
        if kind.is_floating() and to.is_string():
            _refuse("cast(float as string)", "Cast it to integer or decimal first.")
        if kind.is_floating() and to.is_decimal():
            scale = to.scale or 0
            units = self._rounded(arg * self.cast(sge.convert(f"1e{scale}"), dt.float64))
            exact = self.cast(self.cast(units, dt.string), dt.decimal)
            return self.cast(sge.paren(exact) / self.cast(sge.convert(f"1e{scale}"), dt.decimal), to)
        return super().visit_Cast(op, arg=arg, to=to)

    # ------------------------------------------------------------------ aggregates

    def visit_Sum(self, op: Any, *, arg: Any, where: Any) -> Any:
        """Of floats in double precision: PostgreSQL would sum short ones short."""
        return super().visit_Sum(op, arg=self.cast(arg, dt.float64) if op.arg.dtype.is_float32() else arg, where=where)

    def visit_First(self, op: Any, *, arg: Any, where: Any, order_by: Any, include_null: bool) -> Any:
        """The first known value of the order."""
        return self._at(op, arg, where, order_by)

    def visit_Last(self, op: Any, *, arg: Any, where: Any, order_by: Any, include_null: bool) -> Any:
        """The last known value of the order."""
        turned = [sge.Ordered(this=one.this, desc=not one.args.get("desc"), nulls_first=True) for one in order_by]
        return self._at(op, arg, where, turned)

    def _at(self, op: Any, arg: Any, where: Any, order_by: Any) -> Any:
        known = arg.is_(sg.not_(sge.Null()))
        kept = known if where is None else sg.and_(known, where)
        return sge.paren(self.agg.array_agg(arg, where=kept, order_by=order_by), copy=False)[0]

    def visit_Arbitrary(self, op: Any, *, arg: Any, where: Any) -> Any:
        """Any value, always the same one."""
        if op.dtype.is_boolean():
            return self.agg.bool_or(arg, where=where)
        return self.agg.max(_by_bytes(op.arg, arg), where=where)

    def visit_AggUDF(self, op: Any, **kw: Any) -> Any:
        """A function of both engines; the discrete percentile is spelled otherwise."""
        if op.__func_name__ == "approx_quantile":
            _refuse("approx_percentile", "percentile(...) is exact.")
        if op.__func_name__ != "quantile_disc":
            return super().visit_AggUDF(op, **kw)
        ordered = sge.Order(expressions=[sge.Ordered(this=_by_bytes(op.value, kw["value"]))])
        found = sge.WithinGroup(this=self.f.anon.percentile_disc(kw["fraction"]), expression=ordered)
        where = kw.get("where")
        return found if where is None else sge.Filter(this=found, expression=sge.Where(this=where))

    def visit_ApproxCountDistinct(self, op: Any, *, arg: Any, where: Any) -> NoReturn:
        """Refused: engines estimate differently, and this one not at all."""
        _refuse("approx_distinct", "count(distinct ...) is exact.")


_COMPILER = _Compiler()


def postgres_sql(expr: Any) -> str:
    """The SQL text of an expression; raises `Unanswerable` (not-on-this-engine)."""
    query = _COMPILER.to_sqlglot(expr)
    return str(query.sql(dialect=_COMPILER.dialect, pretty=True, unsupported_level=sg.ErrorLevel.RAISE))


def _by_bytes(op: Any, value: Any) -> Any:
    """Text in the order of its bytes; anything else as it is."""
    return _collated(value, "C") if op.dtype.is_string() else value


def _in_unicode(value: Any) -> Any:
    return _collated(value, "und-x-icu")


def _collated(value: Any, collation: str) -> Any:
    return sge.Collate(this=sge.paren(value), expression=sg.to_identifier(collation, quoted=True))


def _compared(kind: Any, op: Any, left: Any, right: Any) -> Any:
    return kind(this=_by_bytes(op.left, left), expression=_by_bytes(op.right, right))


def _refuse(function: str, hint: str = "") -> NoReturn:
    said = f"PostgreSQL has no '{function}' that gives what the others do."
    raise Unanswerable(Problem("not-on-this-engine", said, hint=hint or "Ask for it where DuckDB holds the data."))
