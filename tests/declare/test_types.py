"""Types: what an expression gives, and every mistake of type in one go, each at its place."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given

from tests.declare.trees import trees
from workbench.declare.expression import Call, Column, Expression, Literal, Name
from workbench.declare.parser import parse
from workbench.declare.types import TYPES, infer
from workbench.errors import DeclarationError, Place, Problem, QuestionError

COLUMNS = {
    "i": "integer", "d": "decimal(18, 2)", "f": "float", "s": "string", "b": "boolean", "day": "date",
    "ts": "timestamp", "tz": "timestamptz", "tm": "time", "u": "unknown", "iv": "interval",
}  # fmt: skip


def type_of(name: Name | Column) -> str:
    assert isinstance(name, Name)
    return COLUMNS[name.path[-1]]


GIVEN = {
    "boolean": ["i = 1", "b and u", "day = ts", "ts >= '2024-01-01'", "day in ('2024-01-01')", "tm > '10:00'",
                "s is null", "i in (1, 2.5, null)", "bool_or(b)", "d > f", "b is not true", "u = 's'", "tz < ts"],
    "integer": ["i + 1", "i % 2", "-i", "sum(b)", "sum(i)", "count(*)", "floor(f)", "length(s)", "year(ts)",
                "date_diff('day', '2024-01-01', ts)", "case when b then 1 end", "nullif(i, 0)", "cast(s as integer)",
                "abs(i)", "round(i)", "percentile_disc(i, 0.5)", "sign(d)", "minute(tm)"],
    "decimal": ["d", "d + 1", "d * 0.5", "0.5 * d", "sum(d)", "round(d, 1)", "coalesce(d, 0.5)", "d % 2", "max(d)",
                "cast(i as decimal(9, 2))", "case when b then d else 0 end"],
    "float": ["i / 2", "d / d", "i * 0.5", "f + d", "avg(d)", "avg(b)", "median(i)", "sqrt(i)", "sum(f)",
              "case when b then 1 else 0.5 end", "greatest(i, d, f)", "sum(i) / count(*)", "power(i, 2)"],
    "string": ["s || 'x'", "concat(i, day, b)", "lower(s)", "first(s, ts)", "min(s)", "cast(day as string)",
               "case when b then null else s end", "split_part(s, '-', 1)"],
    "date": ["day", "date '2024-01-01'", "day + interval '1' month", "date_trunc('month', tz)", "cast(ts as date)",
             "date_trunc('day', day)", "make_date(2024, 1, i)", "coalesce(day, '2024-01-01')", "min(day)"],
    "timestamp": ["ts - interval '1' day", "day + interval '1' hour", "date_trunc('hour', day)", "coalesce(day, ts)",
                  "date_trunc('second', tz)", "timestamp '2024-01-01'"],
    "timestamptz": ["tz + interval '1' month", "timestamptz '2024-01-01'", "last(tz, ts)"],
    "time": ["tm", "time '10:00'", "cast(ts as time)"],
    "unknown": ["u", "null", "u + 1", "coalesce(u, null)", "case when u then u end"],
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), [(text, type_) for type_, texts in GIVEN.items() for text in texts])
def test_type(text: str, wanted: str) -> None:
    assert infer(parse(text), type_of) == wanted


MISTAKES = [
    # what is written, the slug, where in it, parts of what is said
    ("s > 1", "type-mismatch", 4, ["'1' is an integer", "'s' is a string", "'>'"]),
    ("i = 'a'", "type-mismatch", 4, ["'a' is a string", "'i' is an integer"]),
    ("i and b", "type-mismatch", 0, ["'i' is an integer", "'and' wants a boolean"]),
    ("not i", "type-mismatch", 4, ["'not' wants a boolean"]),
    ("b + 1", "type-mismatch", 0, ["'+' wants a number"]),
    ("-s", "type-mismatch", 1, ["'-' wants a number"]),
    ("day + 1", "type-mismatch", 0, ["interval '3' day"]),
    ("s || i", "type-mismatch", 5, ["'||' wants a string"]),
    ("i like 'x'", "type-mismatch", 0, ["'like' wants a string"]),
    ("lower(i)", "type-mismatch", 6, ["'lower' wants a string"]),
    ("sum(s)", "type-mismatch", 4, ["'sum' wants a number or a boolean"]),
    ("avg(day)", "type-mismatch", 4, ["'day' is a date"]),
    ("median(b)", "type-mismatch", 7, ["'median' wants a number"]),
    ("first(s, i)", "type-mismatch", 9, ["'first' wants a date or timestamp"]),
    ("count(*) filter (where i)", "type-mismatch", 23, ["'filter' wants a boolean"]),
    ("case when i then 1 end", "type-mismatch", 10, ["'case' wants a boolean"]),
    ("case when b then 1 else 'x' end", "type-mismatch", 24, ["'x' is a string", "'1' is an integer"]),
    ("coalesce(i, s)", "type-mismatch", 12, ["'coalesce' wants both alike"]),
    ("day in (ts, i)", "type-mismatch", 12, ["'i' is an integer"]),
    ("substring(s, 0.5)", "type-mismatch", 13, ["'substring' wants an integer"]),
    ("year(s)", "type-mismatch", 5, ["'year' wants a date or timestamp"]),
    ("hour(day)", "type-mismatch", 5, ["'hour' wants a timestamp or time"]),
    ("iv + 1", "type-mismatch", 0, ["'iv' is an interval"]),
    ("cast(b as date)", "type-mismatch", 0, ["'b' is a boolean", "cannot become a date"]),
    ("cast(iv as integer)", "type-mismatch", 0, ["cannot become an integer"]),
    ("ts >= '2024-13-01'", "bad-date", 6, ["'2024-13-01' is not a timestamp"]),
    ("day = '1/2/2024'", "bad-date", 6, ["2024-01-31"]),
    ("day in ('2024-01-01', 'x')", "bad-date", 22, ["'x' is not a date"]),
    ("day between '2024-02-29' and '2023-02-29'", "bad-date", 29, ["'2023-02-29'"]),
    ("year('2024')", "bad-date", 5, ["'2024' is not a timestamp"]),
    ("cast('soon' as date)", "bad-date", 5, ["'soon'"]),
    ("tm = 'noon'", "bad-date", 5, ["'noon' is not a time"]),
    ("ts = '2024-01-01 10:00+02:00'", "bad-date", 5, ["is not a timestamp"]),
]


@pytest.mark.parametrize(("text", "slug", "at", "said"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_mistake_names_the_part_its_type_and_what_is_wanted(text: str, slug: str, at: int, said: list[str]) -> None:
    with pytest.raises(DeclarationError) as caught:
        infer(parse(text), type_of, Place("m.yml", 3, 7))
    (problem,) = caught.value.problems
    assert (problem.slug, problem.place) == (slug, Place("m.yml", 3, 7 + at))
    for part in said:
        assert part in f"{problem.message} {problem.hint}"


def test_every_mistake_is_told_once_and_a_wrong_part_spoils_nothing_else() -> None:
    with pytest.raises(DeclarationError) as caught:
        infer(parse("(s + 1) * 2 > 3 and lower(i) = 'x' and day = 'soon'"), type_of)
    assert [problem.slug for problem in caught.value.problems] == ["type-mismatch", "type-mismatch", "bad-date"]


def test_a_missing_column_is_one_problem_among_the_others() -> None:
    def finding(name: Name | Column) -> str:
        if str(name) == "gone":
            raise QuestionError(Problem("missing-column", "There is no column 'gone'."))
        return type_of(name)

    with pytest.raises(DeclarationError) as caught:
        infer(parse("gone + 1 > lower(i)"), finding)
    assert [problem.slug for problem in caught.value.problems] == ["missing-column", "type-mismatch"]


def test_what_paths_stand_for_has_types() -> None:
    moment = Name(("tz",))
    assert infer(Call("local_time", (moment, Literal("Europe/Berlin"))), type_of) == "timestamp"
    assert infer(Call("truncate", (moment, Literal("month"))), type_of) == "date"
    assert infer(Call("truncate", (moment, Literal("minute"))), type_of) == "timestamp"
    assert infer(Call("date_part", (moment, Literal("day_of_week"))), type_of) == "integer"
    assert infer(Literal(date(2024, 1, 1)), type_of) == "date"


@given(trees(aggregates=True))
def test_any_tree_has_a_type_or_an_explanation(tree: Expression) -> None:
    try:
        assert infer(tree, lambda name: "unknown") in TYPES
    except DeclarationError as error:
        assert {problem.slug for problem in error.problems} <= {"type-mismatch", "bad-date"}  # noqa: PT017
