"""Random trees of the expression language, as the parser would build them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import strategies as st

from workbench.declare.expression import Aggregate, Call, Case, Cast, Expression, Literal, Name
from workbench.declare.functions import AGGREGATES, FUNCTIONS, OPERATORS, Signature
from workbench.declare.grains import GRAINS

SPECIAL = {"add_interval", "not", "in", "position"}
TYPES = ["boolean", "integer", "float", "string", "date", "timestamp", "timestamptz", "time", "decimal(18, 2)"]

words = st.from_regex(r"[^\W\d]\w{0,8}", fullmatch=True) | st.sampled_from(["select", "end", "date", "count", "order"])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda text: "\\" not in text)
moments = st.datetimes(datetime(1000, 1, 1), datetime(9999, 1, 1))
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(-1000, 1000, places=2),
    texts,
    st.dates(date(1000, 1, 1)),
    moments,
    moments.map(lambda moment: moment.replace(tzinfo=UTC)),
)
literals = st.builds(Literal, values)
names = st.builds(lambda path: Name(tuple(path)), st.lists(words | texts.filter(bool), min_size=1, max_size=3))


def trees(aggregates: bool = False) -> st.SearchStrategy[Expression]:
    """Trees of rows; with ``aggregates``, aggregates over such trees."""
    rows = st.recursive(literals | names, _grown, max_leaves=12)
    return st.recursive(rows | _aggregates(rows), _grown, max_leaves=6) if aggregates else rows


def _grown(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    plain = [one for one in (*OPERATORS.values(), *FUNCTIONS.values()) if one.name not in SPECIAL]
    return st.one_of(
        st.sampled_from(plain).flatmap(lambda signature: _calls(signature, inner)).filter(_written),
        st.builds(lambda tree: Call("not", (tree,)), inner),
        st.builds(lambda trees: Call("in", tuple(trees)), st.lists(inner, min_size=2, max_size=4)),
        st.builds(
            lambda tree, count, unit: Call("add_interval", (tree, Literal(count), Literal(unit))),
            inner, st.integers(-99, 99), st.sampled_from(GRAINS),
        ),
        st.builds(
            lambda branches, default: Case(tuple(branches), default),
            st.lists(st.tuples(inner, inner), min_size=1, max_size=2), st.none() | inner,
        ),
        st.builds(Cast, inner, st.sampled_from(TYPES)),
    )  # fmt: skip


def _calls(signature: Signature, inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    units = st.sampled_from(GRAINS).map(Literal)
    most = len(signature.parameters) + (2 if signature.variadic else 0)
    return st.integers(signature.least, most).flatmap(
        lambda count: st.tuples(
            *(units if signature.parameter(at) == "unit" else inner for at in range(count))
        ).map(lambda arguments: Call(signature.name, arguments))
    )  # fmt: skip


def _written(tree: Expression) -> bool:
    """Whether the tree can be written: a comparison with NULL is refused, and so are odd patterns."""
    assert isinstance(tree, Call)
    constant = [argument.value for argument in tree.arguments if isinstance(argument, Literal)]
    return not (tree.function in ("=", "<>", "<", "<=", ">", ">=") and None in constant)


def _aggregates(rows: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    fractions = st.sampled_from([Literal(Decimal("0.5")), Literal(1), Literal(0)])

    def build(signature: Signature) -> st.SearchStrategy[Expression]:
        arguments = st.tuples(*(fractions if kind == "fraction" else rows for kind in signature.parameters))
        counting = signature.name == "count"
        return st.builds(
            lambda given, distinct, bare, condition: Aggregate(
                signature.name,
                () if counting and bare and not distinct else given,
                counting and distinct,
                condition,
            ),
            arguments, st.booleans(), st.booleans(), st.none() | rows,
        )  # fmt: skip

    return st.sampled_from(list(AGGREGATES.values())).flatmap(build)
