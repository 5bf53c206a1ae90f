"""The dialect: what it reads, what it refuses and where, and that its canonical text means the same tree."""

from __future__ import annotations

import re
import sys

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.declare.trees import trees
from workbench.declare.expression import Aggregate, Call, Case, Cast, Expression, Literal, Name, walk
from workbench.declare.functions import AGGREGATES, ALIASES, FUNCTIONS, REFUSED
from workbench.declare.parser import DEEPEST, LONGEST, parse
from workbench.declare.unparse import unparse
from workbench.errors import DeclarationError, Place

READ = {
    "a + 1": "a + 1",
    "customer.country": "customer.country",
    "a.order.End": "a.order.End",
    '"X y"."a""b"': '"X y"."a""b"',
    '"plain"': "plain",
    '"select"': '"select"',
    '"date"': '"date"',
    "date": '"date"',
    "count": "count",
    "SUM( a ) FILTER( WHERE b )": "sum(a) filter (where b)",
    "count(*)": "count(*)",
    "count(DISTINCT x)": "count(distinct x)",
    "mean(x)": "avg(x)",
    "percentile(x, .9)": "percentile(x, 0.9)",
    "x NOT BETWEEN 1 AND 2 and y": "x not between 1 and 2 and y",
    "x not in (1, null)": "x not in (1, null)",
    "not x in (1)": "x not in (1)",
    "x NOT ILIKE 'a%'": "x not ilike 'a%'",
    "x is not null": "x is not null",
    "not x is null": "x is not null",
    "x is not true": "x is not true",
    "x is not distinct from y": "x is not distinct from y",
    "a != b": "a <> b",
    "case a when 1 then 2 else 3 end": "case when a = 1 then 2 else 3 end",
    "CASE WHEN a THEN b END": "case when a then b end",
    "a::numeric(18,2)": "cast(a as decimal(18, 2))",
    "cast(a as double precision)": "cast(a as float)",
    "a::timestamp with time zone": "cast(a as timestamptz)",
    "-a::int": "-cast(a as integer)",
    "- 1": "-1",
    "-(1)": "-(1)",
    "- -1": "-(-1)",
    "+a": "a",
    "1.50": "1.50",
    "1.": "1.0",
    "1e5": "100000.0e0",
    "'it''s'": "'it''s'",
    "date '2024-02-29'": "date '2024-02-29'",
    "timestamp '2024-02-29 10:00'": "timestamp '2024-02-29 10:00:00'",
    "timestamptz '2024-02-29 10:00+02:00'": "timestamptz '2024-02-29 08:00:00+00:00'",
    "time '10:00'": "cast('10:00' as time)",
    "x + interval '3' day": "x + interval '3' day",
    "x - interval '3 months'": "x - interval '3' month",
    "x + interval 1 hour": "x + interval '1' hour",
    "extract(isodow from x)": "day_of_week(x)",
    "date_part('year', x)": "year(x)",
    "date_trunc('MONTHS', x)": "date_trunc('month', x)",
    "datediff('days', a, b)": "date_diff('day', a, b)",
    "to_date(x)": "cast(x as date)",
    "position('a' in b)": "position(b, 'a')",
    "strpos(b, 'a')": "position(b, 'a')",
    "substring(a from 2 for 3)": "substring(a, 2, 3)",
    "substr(a, 2)": "substring(a, 2)",
    "nvl(a, 0)": "coalesce(a, 0)",
    "a - (b - c) - d": "a - (b - c) - d",
    "(a + b) * c": "(a + b) * c",
    "(a or b) and not (c and d)": "(a or b) and not (c and d)",
    "(a = b) = c": "(a = b) = c",
    "'a' || b || 'c' = d": "'a' || b || 'c' = d",
    "a || b + c": "a || b + c",
    "é": "é",
    "a\n + b": "a + b",
}


@pytest.mark.parametrize("text", READ, ids=repr)
def test_text_is_read_into_its_canonical_form(text: str) -> None:
    assert unparse(parse(text)) == READ[text]
    assert parse(READ[text]) == parse(text)


REFUSALS = [
    # what is written, the slug, where in it, a part of what is said
    ("", "bad-expression", 0, "empty"),
    ("   ", "bad-expression", 0, "empty"),
    ("a b", "bad-expression", 2, "'b'"),
    ("a or", "bad-expression", 4, "the end"),
    ("(a", "bad-expression", 2, "')'"),
    ("a)", "bad-expression", 1, "')'"),
    ("(a, b)", "bad-expression", 2, "after in"),
    ("a < b < c", "bad-expression", 6, "and"),
    ("a = b is null", "bad-expression", 6, "parentheses"),
    ("a = not b", "bad-expression", 4, "parentheses"),
    ("a = null", "bad-expression", 2, "is null"),
    ("null <> a", "bad-expression", 5, "is not null"),
    ("case a when null then 1 end", "bad-expression", 7, "is null"),
    ("a in ()", "bad-expression", 6, "empty"),
    ("a is 1", "bad-expression", 5, "distinct from"),
    ("case end", "bad-expression", 5, "when"),
    ("case when a then b", "bad-expression", 18, "'end'"),
    ("end", "bad-expression", 0, "quoted"),
    ("a.", "bad-expression", 2, "name"),
    ("'abc", "bad-expression", 0, "closing"),
    ("0x1F", "bad-expression", 0, "0x1F"),
    ("1st", "bad-expression", 0, "1st"),
    ("a + \u0663", "not-allowed", 4, "\u0663"),
    ("99999999999999999999", "bad-expression", 0, "large"),
    ("1e999", "bad-expression", 0, "large"),
    ("0." + "1" * 40, "bad-expression", 0, "38"),
    ("sum(sum(x))", "bad-expression", 4, "nest"),
    ("sum(x) filter (where sum(y) > 1)", "bad-expression", 21, "nest"),
    ("sum()", "bad-expression", 0, "1 argument"),
    ("sum(*)", "bad-expression", 0, "count"),
    ("count()", "bad-expression", 0, "count(*)"),
    ("count(a, b)", "bad-expression", 0, "concat"),
    ("count(distinct *)", "bad-expression", 15, "'*'"),
    ("lower(a, b)", "bad-expression", 0, "there are 2"),
    ("substring(a)", "bad-expression", 0, "2 to 3"),
    ("upper(a) filter (where b)", "bad-expression", 9, "no aggregate"),
    ("percentile(x, 2)", "bad-expression", 14, "0 to 1"),
    ("percentile(x, y)", "bad-expression", 14, "0 to 1"),
    ("date_trunc('fortnight', x)", "bad-expression", 11, "unit"),
    ("date_trunc(y, x)", "bad-expression", 11, "unit"),
    ("extract(century from x)", "bad-expression", 8, "century"),
    ("interval '3' day", "bad-expression", 0, "x + interval"),
    ("a + interval '3' moons", "bad-expression", 2, "interval"),
    ("a + interval 'x' day", "bad-expression", 2, "interval"),
    ("date '2024-02-30'", "bad-date", 5, "2024-02-30"),
    ("date '24-1-1'", "bad-date", 5, "2024-01-31"),
    ("timestamp '2024-01-01 10:00+02'", "bad-date", 10, "timestamp"),
    ("time '25:00'", "bad-date", 5, "25:00"),
    ("revers(x)", "unknown-function", 0, "'reverse'"),
    ("summ(x)", "unknown-function", 0, "'sum'"),
    ("a.sum(x)", "unknown-function", 0, "plain"),
    ("truncate(x, 'month')", "unknown-function", 0, "truncate"),
    ("cast(a as strin)", "unknown-type", 10, "'string'"),
    ("a::decimal", "unknown-type", 3, "decimal(18, 2)"),
    ("a::decimal(2, 3)", "unknown-type", 3, "digits"),
    ("a::varchar(10)", "unknown-type", 3, "size"),
    ("a::interval", "unknown-type", 3, "interval"),
    ("a as b", "not-allowed", 2, "'as'"),
    ("a -- b", "not-allowed", 2, "Comments"),
    ("a /* b */", "not-allowed", 2, "Comments"),
    ("a;", "not-allowed", 1, "One expression"),
    ("(select 1)", "not-allowed", 1, "subquery"),
    ("a in (select 1)", "not-allowed", 6, "subquery"),
    ("exists (select 1)", "not-allowed", 0, "subquery"),
    ("sum(a) over ()", "not-allowed", 7, "Windows"),
    ("row_number()", "not-allowed", 0, "Windows"),
    ("percentile_cont(0.9) within group (order by x)", "not-allowed", 21, "percentile(x, 0.9)"),
    ("sum(distinct x)", "not-allowed", 0, "count"),
    ("sum(a order by b)", "not-allowed", 6, "'order'"),
    ("current_date", "not-allowed", 0, "question's time"),
    ("now()", "not-allowed", 0, "question's time"),
    ("random()", "not-allowed", 0, "twice"),
    ("dayofweek(x)", "not-allowed", 0, "day_of_week"),
    ("extract(dow from x)", "not-allowed", 8, "day_of_week"),
    ("if(a, b, c)", "not-allowed", 0, "case when"),
    ("try_cast(a as integer)", "not-allowed", 0, "cast"),
    ("a like 'x' escape '!'", "not-allowed", 11, "escape"),
    (r"a like '50\%'", "not-allowed", 7, "contains"),
    ("a at time zone 'UTC'", "not-allowed", 2, "'at'"),
    ("a collate nocase", "not-allowed", 2, "collate"),
    ("a // b", "not-allowed", 2, "floor"),
    ("a ^ b", "not-allowed", 2, "power"),
    ("a ** b", "not-allowed", 2, "power"),
    ("a == b", "not-allowed", 2, "single ="),
    ("a & b", "not-allowed", 2, "'&'"),
    ("a[1]", "not-allowed", 1, "'['"),
    ("{{ a }}", "not-allowed", 0, "templating"),
    ("${a}", "not-allowed", 0, "$"),
    ("?", "not-allowed", 0, "placeholders"),
    ("$1", "not-allowed", 0, "placeholders"),
    (":a", "not-allowed", 0, "placeholders"),
    ("@a", "not-allowed", 0, "placeholders"),
    ("`a`", "not-allowed", 0, "double quotes"),
    ("a\x00", "not-allowed", 1, "x00"),
    ("a.*", "bad-expression", 2, "name"),
]


@pytest.mark.parametrize(("text", "slug", "at", "said"), REFUSALS, ids=[repr(row[0]) for row in REFUSALS])
def test_mistake_is_told_at_its_place(text: str, slug: str, at: int, said: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse(text, Place("m.yml", 3, 7))
    (problem,) = caught.value.problems
    assert (problem.slug, problem.place) == (slug, Place("m.yml", 3, 7 + at))
    assert said in f"{problem.message} {problem.hint}"


def test_mistake_in_a_text_of_several_lines_keeps_the_place_of_the_text() -> None:
    with pytest.raises(DeclarationError) as caught:
        parse("a +\n b c", Place("m.yml", 3, 7))
    assert caught.value.problems[0].place == Place("m.yml", 3, 7)
    assert {node.at for node in walk(parse("a +\n b"))} == {0}


def test_every_name_of_the_catalogue_is_one_word_with_one_meaning() -> None:
    named = [*FUNCTIONS, *AGGREGATES, *ALIASES, *REFUSED]
    assert len(named) == len(set(named))
    assert set(ALIASES.values()) <= {*FUNCTIONS, *AGGREGATES}


@pytest.mark.parametrize("name", REFUSED)
def test_functions_left_out_on_purpose_say_what_to_write(name: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse(f"{name}(x)")
    assert caught.value.slug == "not-allowed"
    assert caught.value.problems[0].hint


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "a" + ")" * 5000,
        "a" + " + a" * 3000,
        "not " * 3000 + "a",
        "- " * 3000 + "a",
        "abs(" * 3000 + "a" + ")" * 3000,
        "case when " * 1000 + "a",
        " or ".join(["a = 1"] * 500),
        "a" * (LONGEST + 1),
    ],
    ids=lambda text: text[:12],
)
def test_a_text_too_deep_or_too_long_is_refused_and_never_overflows_the_stack(text: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse(text)
    assert caught.value.slug == "bad-expression"


def test_nested_subjects_of_cases_do_not_multiply_without_end() -> None:
    text = "a"
    for _ in range(40):
        text = f"case {text} when 1 then 2 when 3 then 4 when 5 then 6 end"
    with pytest.raises(DeclarationError, match="parts"):
        parse(text)


def test_the_deepest_expression_fits_half_of_pythons_stack() -> None:
    text = "f(1 + (".replace("f", "abs") * (DEEPEST // 4) + "a" + "))" * (DEEPEST // 4)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(500)
    try:
        assert unparse(parse(text))
    finally:
        sys.setrecursionlimit(limit)


@given(trees(aggregates=True))
@example(Call("negate", (Literal(1),)))
@example(Call("negate", (Literal(-1),)))
@example(Call("-", (Literal(1), Call("negate", (Literal(-1),)))))
@example(Cast(Literal(-1), "integer"))
@example(Call("not", (Call("not", (Call("is_null", (Literal(None),)),)),)))
@example(Call("in", (Call("in", (Literal(1), Literal(2))), Literal(True))))
@example(Call("is_null", (Call("not", (Literal(True),)),)))
@example(Call("between", (Literal(1), Call("and", (Literal(True), Literal(True))), Literal(2))))
@example(Case(((Call("=", (Name(("end",)), Literal(1))), Literal("a'b")),), None))
@example(Aggregate("count", (), False, Call("or", (Literal(True), Literal(None)))))
def test_canonical_text_reads_as_the_same_tree(tree: Expression) -> None:
    text = unparse(tree)
    assert parse(text) == tree
    assert unparse(parse(text)) == text


PIECES = """a sum ( ) , . * + - / % :: || = <> between and or not in is null like case when then else end cast as
integer
interval '3' day date '2024-01-01' extract year from filter where distinct 1 2.5 'x' "y" ' " ; { $ \\"""
pieces = st.sampled_from(PIECES.split())


@given(st.lists(pieces, max_size=14).map(" ".join) | st.text(max_size=12))
@example("0" * 9000)
@example("\u0663")
@example("a.\u00b2")
def test_any_text_is_an_expression_or_a_declaration_error(text: str) -> None:
    try:
        tree = parse(text, Place("m.yml"))
    except DeclarationError as error:
        (problem,) = error.problems
        assert problem.place is not None
    else:
        assert parse(unparse(tree)) == tree


flat = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["1", "2", "7", "-3", "x", "null", "2.5"]),
        st.tuples(flat, st.sampled_from(["+", "-", "*", "%", "+", "-"]), flat).map(" ".join),
        flat.map(lambda text: f"- {text}"),
        flat.map(lambda text: f"({text})"),
        flat.map(lambda text: f"{text}::double"),
    )
)
tests = st.one_of(
    st.tuples(flat, st.sampled_from(["=", "<>", "<", ">=", "is distinct from", "is not distinct from"]), flat),
    st.tuples(flat, st.sampled_from(["between", "not between"]), flat, st.just("and"), flat),
    st.tuples(flat, st.sampled_from(["is null", "is not null", "in (1, 7)", "not in (2, null)"])),
).map(" ".join)
logic = st.deferred(
    lambda: st.one_of(
        tests,
        tests,
        logic.map(lambda text: f"not {text}"),
        st.tuples(logic, st.sampled_from(["and", "or"]), logic).map(" ".join),
        logic.map(lambda text: f"({text})"),
    )
)


@given(flat | logic)
def test_operators_bind_as_in_duckdb(text: str) -> None:
    """The engine's own parser is the oracle: the text as it stands against the same with every parenthesis."""
    try:
        tree = parse(text)
    except DeclarationError as error:
        assert re.search("never true|levels deep", str(error)), (text, error)  # noqa: PT017
        return
    sql = "select [{}] from (values (5), (null), (-1)) as t(x)"
    assert _rows(sql.format(text)) == _rows(sql.format(_parenthesised(tree)))


def _rows(sql: str) -> object:
    try:
        return repr(duckdb.sql(sql).fetchall())
    except duckdb.Error as error:
        return type(error).__name__


def _parenthesised(tree: Expression) -> str:
    """The tree in DuckDB's own words, nothing left to precedence."""
    match tree:
        case Literal(value=value):
            return "null" if value is None else f"({value})"
        case Name():
            return str(tree)
        case Cast(operand=operand):
            return f"(({_parenthesised(operand)})::double)"
    assert isinstance(tree, Call)
    first, *rest = (f"({_parenthesised(argument)})" for argument in tree.arguments)
    match tree.function:
        case "negate":
            return f"(-{first})"
        case "not":
            return f"(not {first})"
        case "is_null":
            return f"({first} is null)"
        case "is_distinct":
            return f"({first} is distinct from {rest[0]})"
        case "in":
            return f"({first} in ({', '.join(rest)}))"
        case "between":
            return f"({first} between {rest[0]} and {rest[1]})"
    return f"({first} {tree.function} {rest[0]})"
