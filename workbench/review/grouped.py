"""Two answers about the same metrics to what moved in their groups, merged where the data lies so that little moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.types as pat

from workbench.warehouse.engine import Engine

SHOWN = 10
"""Groups shown of those that moved, the furthest first."""
CLOSE = 1e-9
"""The relative difference of two fractions that is rounding; whole numbers and decimals are compared exactly."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One group, None for the rows without any, and the metric's value in it before and after."""

    group: str | None
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Axis:
    """One way to group: how many groups there are, in how many the value moved, and those where it moved most."""

    by: str
    groups: int
    moved: int
    most: tuple[Moved, ...]


DIFFER = {
    "other": "b{0} IS DISTINCT FROM a{0}",
    "number": "b{0} IS DISTINCT FROM a{0}",
    "fraction": f"b{{0}} IS DISTINCT FROM a{{0}}"
    f" AND coalesce(abs(a{{0}} - b{{0}}) > {CLOSE} * greatest(abs(a{{0}}), abs(b{{0}})), true)",
}
"""The condition that two values of one group differ, for each kind of value."""
ALONE = {
    "other": "coalesce(b{0}, a{0}) IS NOT NULL",
    "number": "coalesce(coalesce(b{0}, a{0}) <> 0, false)",
    "fraction": "coalesce(coalesce(b{0}, a{0}) <> 0, false)",
}
"""The condition that the value of a group that only one answer has is more than nothing."""


def moved_groups(by: str, keys: Sequence[str], sides: tuple[str, str], metrics: int, engine: Engine) -> list[Axis]:
    """What moved by a path: of each metric ``v0``, ``v1`` and so on of both answers, whose groups are ``keys``."""
    values = ", ".join(f"v{number}" for number in range(metrics))
    schemas = [engine.run(f"SELECT {values} FROM ({side}) AS s LIMIT 0").schema.types for side in sides]
    found = engine.run(_merged(keys, sides, [_kind(*types) for types in zip(*schemas, strict=True)])).to_pylist()
    return [_axis(by, found, number) for number in range(metrics)]


def _axis(by: str, found: list[dict[str, Any]], number: int) -> Axis:
    moved = sorted((row for row in found if row[f"m{number}"]), key=lambda row: row[f"r{number}"])[:SHOWN]
    most = tuple(Moved(row["k"], row[f"b{number}"], row[f"a{number}"]) for row in moved)
    return Axis(by, found[0]["n"] if found else 0, int(found[0][f"c{number}"]) if found else 0, most)


def _merged(keys: Sequence[str], sides: tuple[str, str], kinds: Sequence[str]) -> str:
    """The SQL that puts both answers beside each other, and gives the groups where some metric moved most."""
    texts = [f"CAST({key} AS VARCHAR)" for key in keys]
    shown = texts[0] if len(keys) == 1 else " || ', ' || ".join(f"coalesce({text}, 'none')" for text in texts)
    every = range(len(kinds))
    old = ", ".join(f"v{i} AS b{i}, NULL AS a{i}" for i in every)
    new = ", ".join(f"NULL, v{i}" for i in every)
    most = ", ".join(f"max(b{i}) AS b{i}, max(a{i}) AS a{i}" for i in every)
    told = ", ".join(_differs(i, kind) for i, kind in enumerate(kinds))
    counts = ", ".join(f"sum(CASE WHEN m{i} THEN 1 ELSE 0 END) OVER () AS c{i}" for i in every)
    ranks = ", ".join(
        f"row_number() OVER (ORDER BY CASE WHEN m{i} THEN 0 ELSE 1 END, {_distance(i, kind)} k) AS r{i}"
        for i, kind in enumerate(kinds)
    )
    # UNION ALL and GROUP BY take rows without a group together, which a join would not.
    return f"""
        WITH b AS ({sides[0]}), a AS ({sides[1]}), u AS (
            SELECT {shown} AS k, 1 AS hb, 0 AS ha, {old} FROM b UNION ALL SELECT {shown}, 0, 1, {new} FROM a
        ), g AS (SELECT k, max(hb) AS hb, max(ha) AS ha, {most} FROM u GROUP BY k
        ), m AS (SELECT *, {told} FROM g
        ), c AS (SELECT *, count(*) OVER () AS n, {counts} FROM m
        ), r AS (SELECT *, {ranks} FROM c)
        SELECT * FROM r WHERE r0 = 1 OR {" OR ".join(f"m{i} AND r{i} <= {SHOWN}" for i in every)}
        """


def _differs(number: int, kind: str) -> str:
    differ, alone = DIFFER[kind].format(number), ALONE[kind].format(number)
    return f"CASE WHEN hb = ha THEN {differ} ELSE {alone} END AS m{number}"


def _distance(number: int, kind: str) -> str:
    return "" if kind == "other" else f"abs(coalesce(a{number}, 0) - coalesce(b{number}, 0)) DESC,"


def _kind(*types: Any) -> str:
    """What the values are: fractions where one side is, numbers compared exactly, or anything else."""
    if any(map(pat.is_floating, types)):
        return "fraction"
    return "number" if all(pat.is_integer(one) or pat.is_decimal(one) for one in types) else "other"
