"""Metrics of the Ossie format to ours: each aggregate finds the one dataset whose rows it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.declare.declared import Declared
from workbench.declare.expression import Aggregate, Expression, Name, rebuild, walk
from workbench.declare.parser import parse
from workbench.declare.reader import Document
from workbench.declare.terms import SemanticModel
from workbench.declare.unparse import unparse
from workbench.errors import Unanswerable, WorkbenchError
from workbench.exchange.metricflow_models import written
from workbench.exchange.metricflow_node import Node
from workbench.exchange.metricflow_project import Loss
from workbench.exchange.osi_ansi import plain_divisors, plain_sets, refused
from workbench.exchange.osi_models import Dataset, loss, named
from workbench.exchange.osi_read import expression, foreign_keys, synonyms
from workbench.graph.build import Graph
from workbench.graph.joins import route_to

SHARED = "shared"
"""The domain of metrics over several models."""


@dataclass(slots=True)
class Metrics:
    """Metrics of one semantic model on their way: what they may name, and what became of them."""

    datasets: Mapping[str, Dataset]
    graph: Graph
    nodes: dict[str, Node] = field(default_factory=dict)
    terms: dict[str, dict[str, Any]] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


def convert_metrics(
    nodes: tuple[Node, ...], datasets: Mapping[str, Dataset], taken: Mapping[str, Any], losses: list[Loss]
) -> dict[str, dict[str, Any]]:
    """Our metrics by name, as they are written in YAML; those that are left out are among the losses."""
    work = Metrics(datasets, _graph(datasets))
    for node in nodes:
        try:
            name = named(node.text("name"))
            if name in work.nodes or name in taken:
                raise refused("another of that name was read before")
            work.nodes[name] = node
        except Unanswerable as error:
            losses.append(loss("metric", node.text("name"), node, error))
    for name, node in work.nodes.items():
        foreign_keys("metric", node, node.text("name"), losses)
        _convert(work, name, ())
    losses.extend(Loss("metric", name, work.nodes[name].place(), reason) for name, reason in work.lost.items())
    return work.terms


def _graph(datasets: Mapping[str, Dataset]) -> Graph:
    """The joins between the datasets, which is all that a way needs."""
    nowhere = Document({}, "", (1, 1, 1))
    found = (SemanticModel.model_validate({**one.term, "dimensions": {}}) for one in datasets.values())
    return Graph({model.semantic_model: Declared(model, nowhere) for model in found}, {})


def _convert(work: Metrics, name: str, chain: tuple[str, ...]) -> None:
    """Convert a metric and those it names, once."""
    if name in work.terms or name in work.lost:
        return
    try:
        if name in chain:
            raise refused("it is defined by itself")
        parts = _body(work, name, (*chain, name))
        work.terms[name] = parts
    except WorkbenchError as error:
        if error.slug == "unknown-dialect":
            raise
        work.lost[name] = error.problems[0].message.rstrip(".")


def _body(work: Metrics, name: str, chain: tuple[str, ...]) -> dict[str, Any]:
    node = work.nodes[name]
    tree = plain_divisors(parse(plain_sets(expression(node))))
    aggregates = dict.fromkeys(part for part in walk(tree) if isinstance(part, Aggregate))
    used = _used(work, tree, chain)
    homes = {one: _home(work, one) for one in aggregates}
    known = {home for home in homes.values() if home}
    alone = next(iter(known)) if len(known) == 1 else next(iter(work.datasets.values())).name
    if not known and len(work.datasets) != 1 and aggregates:
        raise refused("count(*) does not say which dataset's rows it counts")
    if len(known) > 1 and None in homes.values():
        raise refused("count(*) does not say which dataset's rows it counts")
    described = {
        "label": "" if name == node.text("name") else node.text("name"),
        "description": node.text("description"),
        "synonyms": synonyms(node),
    }
    if not aggregates and not used:
        raise refused("it aggregates nothing")
    if len(known) <= 1 and not used:
        body = unparse(_bound(work, tree, alone))
        return written(metric=name, **described, domain=alone, model=alone, expr=body)
    helpers = {one: _helper(work, name, at, one, homes[one] or alone) for at, one in enumerate(aggregates, start=1)}
    body = unparse(_combined(tree, helpers))
    return written(metric=name, **described, domain=SHARED, expr=body)


def _used(work: Metrics, tree: Expression, chain: tuple[str, ...]) -> set[str]:
    """The metrics that an expression names outside its aggregates, converted first."""
    found = set()
    for part in _outside(tree):
        other = str(part).lower()
        if other not in work.nodes:
            raise refused(f"'{part}' is neither aggregated nor a metric")
        _convert(work, other, chain)
        if other in work.lost:
            raise refused(f"it uses '{other}', which is not taken over")
        found.add(other)
    return found


def _outside(tree: Expression) -> list[Name]:
    if isinstance(tree, Aggregate):
        return []
    found = [tree] if isinstance(tree, Name) else []

    def into(part: Expression) -> Expression:
        found.extend(_outside(part))
        return part

    rebuild(tree, into)
    return found


def _helper(work: Metrics, name: str, at: int, aggregate: Aggregate, home: str) -> str:
    """An internal metric for one aggregate of a metric over several datasets: each is computed over its own rows."""
    helper = f"{name}_part_{at}"
    if helper in work.nodes:
        raise refused(f"a part of it would be called '{helper}', which is taken")
    work.terms[helper] = written(
        metric=helper, domain=home, model=home, expr=unparse(_bound(work, aggregate, home)), visibility="internal"
    )
    return helper


def _combined(tree: Expression, helpers: Mapping[Aggregate, str]) -> Expression:
    if isinstance(tree, Aggregate):
        return Name((helpers[tree],))
    if isinstance(tree, Name):
        return Name((str(tree).lower(),))
    return rebuild(tree, lambda part: _combined(part, helpers))


def _home(work: Metrics, aggregate: Aggregate) -> str | None:
    """The dataset whose rows an aggregate is about: from it, all others it reads can be joined without multiplying."""
    read = dict.fromkeys(_owner(work, part).name for part in walk(aggregate) if isinstance(part, Name))
    if len(read) <= 1:
        return next(iter(read), None)
    for home in read:
        if all(route_to(work.graph, home, other) is not None for other in read):
            return home
    raise refused(f"no join of {', '.join(read)} keeps the rows of one of them as they are")


def _owner(work: Metrics, name: Name) -> Dataset:
    """The dataset of a column, named or the only one that has such a field."""
    if len(name.path) == 2:
        if name.path[0].lower() not in work.datasets:
            raise refused(f"the dataset '{name.path[0]}' is not taken over")
        return work.datasets[name.path[0].lower()]
    if len(name.path) > 2:
        raise refused(f"'{name}' is no column of a dataset")
    holders = [one for one in work.datasets.values() if name.path[0].lower() in one.fields]
    if not holders and len(work.datasets) == 1:
        holders = list(work.datasets.values())
    if len(holders) != 1:
        raise refused(f"the column '{name}' names no dataset, and {len(holders)} have a field of that name")
    return holders[0]


def _bound(work: Metrics, tree: Expression, home: str) -> Expression:
    """The tree with each column named as the rows of its home see it."""
    if not isinstance(tree, Name):
        return rebuild(tree, lambda part: _bound(work, part, home))
    dataset = _owner(work, tree)
    element = dataset.element(tree.path[-1])
    if dataset.name == home:
        return Name((element,))
    if element not in dataset.dimensions:
        raise refused(f"'{tree}' is no field of '{dataset.name}'")
    return Name((*(route_to(work.graph, home, dataset.name) or ()), element))
