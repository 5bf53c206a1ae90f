"""Text out of proportion is refused before an engine sees it, wherever it stands; what people write passes."""

from __future__ import annotations

import ibis
import pytest

from workbench.declare.expression import Column, Expression, Name, rebuild
from workbench.declare.parser import parse
from workbench.errors import DeclarationError
from workbench.plan.lower_scalar import lower, lower_aggregate

_TABLE = ibis.table({"s": "string", "t": "string", "n": "int64", "d": "date"}, name="rows")


def _resolved(tree: Expression) -> Expression:
    return Column("", str(tree)) if isinstance(tree, Name) else rebuild(tree, _resolved)


@pytest.mark.parametrize(
    "text",
    [
        "length(repeat('x', 2000000000)) > 5",
        "length(repeat(repeat(repeat(s, 1000), 1000), 1000)) > 5",
        "length(lpad(s, 2000000000, 'x')) > 5",
        "case when rpad(s, 1000000, t) = 'x' then 1 end",
        "repeat(s, n)",
        "repeat(s, n * 1000000)",
        "lpad('x', coalesce(n, 1), 'y')",
        "repeat(s, length(repeat(s, 900)))",
        "replace(replace(replace(s, 'a', 'bbbbbbbbbbbbbbbbbbbbbbbb'), 'b', 'cccccccccccccccccccccccccccccccccccc'),"
        " 'c', 'dddddddddddddddddddd')",
        "replace(replace(replace(s, t, s), s, t), t, s)",
        " || ".join(["lpad(s, 9000, 'x')"] * 8),
        "length(concat(repeat('x', 40000), repeat('y', 40000)))",
    ],
)
def test_text_out_of_proportion_is_refused(text: str) -> None:
    with pytest.raises(DeclarationError, match="characters of one row") as caught:
        lower(_resolved(parse(text)), lambda column: _TABLE[column.name])
    assert caught.value.slug == "too-complex"


def test_an_aggregate_of_too_much_text_is_refused() -> None:
    with pytest.raises(DeclarationError, match="characters of one row"):
        lower_aggregate(_resolved(parse("max(repeat(s, 100000))")), lambda c: _TABLE[c.name], _TABLE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "repeat('*', least(n, 10))",
        "repeat('-', month(d)) || s",
        "lpad(cast(n as string), 8, '0')",
        "repeat(s, -1)",
        "repeat(s, n % 7)",
        "rpad(s, length(s), ' ')",
        "replace(replace(replace(lower(trim(s)), ' ', '_'), '-', '_'), '.', '')",
        "concat(s, '-', t, '-', n)",
        " || ".join(["upper(s)"] * 50),
    ],
)
def test_what_people_write_passes(text: str) -> None:
    lower(_resolved(parse(text)), lambda column: _TABLE[column.name])
