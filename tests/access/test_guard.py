"""What is hidden is not there, and what is masked can be shown and counted but not worked with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.access.guard import issue
from workbench.access.principal import Principal
from workbench.access.restriction import Mask, MaskKind, Restriction
from workbench.access.view import narrow
from workbench.declare.question import Question
from workbench.declare.workspace import load
from workbench.errors import AccessDenied, QuestionError, Unanswerable, WorkbenchError
from workbench.graph.build import Graph, build
from workbench.graph.resolve import resolve

Left = Callable[[str], Restriction | None]
ANA = Principal("ana", roles=("analyst",))
MODELS = """
semantic_model: flights
table: gold.flights
primary_key: [id]
time_dimension: day
relationships:
  aircraft: {to: planes, on: tailnum}
  origin: {to: airports, on: {origin: faa}}
dimensions:
  day: {type: time, grain: day}
  carrier: {}
  tailnum: {tags: [aircraft]}
  has_tailnum: {expr: tailnum is not null}
  prefix: {expr: "left(tailnum, 2)"}
  note: {expr: notes}
  origin_city: {expr: origin.city}
---
semantic_model: planes
table: gold.planes
primary_key: [tailnum]
relationships: {maker: {to: makers, on: maker}}
dimensions: {tailnum: {tags: [aircraft]}, year: {type: number}}
---
semantic_model: airports
table: gold.airports
primary_key: [faa]
dimensions: {faa: {}, city: {}}
---
semantic_model: makers
table: gold.makers
primary_key: [maker]
dimensions: {maker: {}, country: {}}
"""
METRICS = {
    "flights": "count(*)",
    "tails": "count(distinct tailnum)",
    "about": "approx_distinct(tailnum)",
    "known": "count(tailnum)",
    "first_tail": "min(tailnum)",
    "tail_length": "sum(length(tailnum))",
    "noted": "count(notes)",
    "noted_share": "noted / flights",
    "in_city": "count_if(origin.city = 'New York')",
    "abroad": "count_if(aircraft.maker.country <> 'US')",
}
FILTERED = {"with_tail": "tailnum is not null", "one_tail": "tailnum = 'N1'"}


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    root = tmp_path_factory.mktemp("guard")
    (root / "metrics").mkdir()
    (root / "metrics" / "models.yml").write_text(MODELS)
    simple = [
        f"metric: {n}\nexpr: {e!r}\n" + ("" if n == "noted_share" else "model: flights\n") for n, e in METRICS.items()
    ]
    filtered = [f"metric: {n}\nmodel: flights\nexpr: count(*)\nfilter: {f!r}\n" for n, f in FILTERED.items()]
    text = "---\n".join((*simple, *filtered))
    (root / "metrics" / "metrics.yml").write_text(text)
    workspace = load(root)
    assert not workspace.problems
    return build(workspace)


def left(mask: MaskKind | None = None, hidden: tuple[str, ...] = (), missing: tuple[str, ...] = ()) -> Left:
    masks = (Mask("tailnum", "aircraft", mask),) if mask else ()

    def restriction_of(table: str) -> Restriction | None:
        return None if table in missing else Restriction(table, masks=masks, hidden=hidden)

    return restriction_of


def ask(graph: Graph, restriction_of: Left, *metrics: str, **parts: object) -> WorkbenchError | None:
    question = Question.model_validate({"metrics": metrics, **parts})
    try:
        issue(resolve(narrow(graph, restriction_of), question), ANA, restriction_of)
    except WorkbenchError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("metric", "parts", "fine"),
    [
        ("flights", {}, "null constant bucket last4 hash"),
        ("flights", {"by": ["tailnum"]}, "null constant bucket last4 hash"),
        ("flights", {"by": ["aircraft.tailnum"]}, "null constant bucket last4 hash"),
        ("flights", {"by": ["aircraft.year"]}, "null constant bucket last4 hash"),  # joined on the real value
        ("flights", {"by": ["has_tailnum"]}, "last4 hash"),
        ("flights", {"by": ["prefix"]}, ""),
        ("flights", {"where": "tailnum = 'N1'"}, ""),
        ("flights", {"where": "aircraft.tailnum like 'N%'"}, ""),
        ("flights", {"where": "carrier = 'UA' or tailnum > 'N'"}, ""),
        ("flights", {"where": "prefix = 'N1'"}, ""),
        ("flights", {"where": "tailnum is null"}, "last4 hash"),
        ("tails", {}, "hash"),
        ("about", {}, "hash"),
        ("known", {}, "last4 hash"),
        ("with_tail", {}, "last4 hash"),
        ("one_tail", {}, ""),
        ("first_tail", {}, ""),
        ("tail_length", {}, ""),
        ("flights", {"having": "first_tail > 'N'"}, ""),
        ("flights", {"having": "tails > 1"}, "hash"),
    ],
)
def test_masked_columns(graph: Graph, metric: str, parts: dict[str, object], fine: str) -> None:
    assert ask(graph, left(), metric, **parts) is None
    kinds: tuple[MaskKind, ...] = ("null", "constant", "bucket", "last4", "hash")
    for kind in kinds:
        error = ask(graph, left(kind), metric, **parts)
        if kind in fine.split():
            assert error is None, f"{kind}: {error}"
        else:
            assert isinstance(error, AccessDenied), kind
            assert error.slug == "masked-column"
            assert "'tailnum'" in str(error)
            assert "unmask:aircraft" in str(error)


@pytest.mark.parametrize(
    ("hide", "gone", "there"),
    [
        ({"hidden": ("notes",)}, ["noted", "noted_share", "with:note"], ["flights", "with:carrier", "in_city"]),
        ({"hidden": ("city",)}, ["in_city", "with:origin.city", "with:origin_city"], ["flights", "with:origin.faa"]),
        ({"missing": ("gold.airports",)}, ["in_city", "with:origin.faa", "with:origin_city"], ["flights", "abroad"]),
        ({"missing": ("gold.planes",)}, ["abroad", "with:aircraft.year", "with:aircraft.maker.country"], ["in_city"]),
        ({"missing": ("gold.makers",)}, ["abroad", "with:aircraft.maker.country"], ["with:aircraft.year"]),
        ({"missing": ("gold.flights",)}, list(METRICS), []),
    ],
)
def test_what_is_hidden_is_not_there(
    graph: Graph, hide: dict[str, tuple[str, ...]], gone: list[str], there: list[str]
) -> None:
    for name in (*gone, *there):
        metric, path = ("flights", [name.removeprefix("with:")]) if name.startswith("with:") else (name, [])
        assert ask(graph, left(), metric, by=path) is None, name
        error = ask(graph, left(**hide), metric, by=path)
        assert (error is not None) == (name in gone), name
        assert error is None or isinstance(error, QuestionError | Unanswerable)


def test_hidden_and_missing_read_the_same(graph: Graph) -> None:
    hiding = left(hidden=("notes",))
    for hidden, missing in (("noted", "notex"), ("with:note", "with:notx")):
        said = []
        for name in (hidden, missing):
            path = [name.removeprefix("with:")] if name.startswith("with:") else []
            error = ask(graph, hiding, "flights" if path else name, by=path)
            said.append(str(error).replace(name.removeprefix("with:"), "<name>"))
        assert said[0] == said[1]
        assert "noted" not in said[1].replace(missing, "")


def test_nothing_hidden_reads_no_expression(graph: Graph) -> None:
    assert narrow(graph, left("hash")) is graph


def test_a_hidden_time_axis_is_none(graph: Graph) -> None:
    assert narrow(graph, left(hidden=("day",))).model("flights").time_dimension is None


def test_the_guard_locks_twice(graph: Graph) -> None:
    """Even what was resolved on the whole graph gets no pass to a hidden table or column."""
    whole = resolve(graph, Question.model_validate({"metrics": ["noted"], "by": ["origin.city"]}))
    with pytest.raises(QuestionError, match="no column 'notes'"):
        issue(whole, ANA, left(hidden=("notes",)))
    with pytest.raises(QuestionError, match="no semantic model 'airports'"):
        issue(whole, ANA, left(missing=("gold.airports",)))


def test_a_pass_holds_what_is_left_of_every_table_read(graph: Graph) -> None:
    resolved = resolve(graph, Question.model_validate({"metrics": ["flights"], "by": ["aircraft.year"]}))
    passed = issue(resolved, ANA, left("hash"))
    assert set(passed.restrictions) == {"gold.flights", "gold.planes"}
    assert passed.principal is ANA


def test_models_are_not_needed_where_nothing_is_granted(graph: Graph, tmp_path: Path) -> None:
    tables = tuple(d.term.table for d in graph.models.values())
    narrowed = narrow(graph, left(missing=tables))
    assert narrowed.models == {}
    assert narrowed.metrics == {}
