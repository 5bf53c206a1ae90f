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
        work.terms.update(_body(work, name, (*chain, name)))
    except WorkbenchError as error:
        if error.slug == "unknown-dialect":
            raise
        work.lost.setdefault(name, error.problems[0].message.rstrip("."))


def _body(work: Metrics, name: str, chain: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The metric as ours, and the internal ones that it is made of."""
    node = work.nodes[name]
    tree = plain_divisors(parse(plain_sets(expression(node))))
    aggregates = dict.fromkeys(part for part in walk(tree) if isinstance(part, Aggregate))
    used = _used(work, tree, chain)
    homes = {one: _home(work, one) for one in aggregates}
    known = [home for home in dict.fromkeys(homes.values()) if home] or [one.name for one in work.datasets.values()]
    if not aggregates and not used:
        raise refused("it aggregates nothing")
    if None in homes.values() and len(known) != 1:
        raise refused("an aggregate of it names no column, so nobody knows which dataset's rows it is about")
    described = {
        "label": "" if name == node.text("name") else node.text("name"),
        "description": node.text("description"),
        "synonyms": synonyms(node),
    }
    if len(known) == 1 and not used:
        body = unparse(_bound(work, tree, known[0]))
        return {name: written(metric=name, **described, domain=known[0], model=known[0], expr=body)}
    parts = {one: f"{name}_part_{at}" for at, one in enumerate(aggregates, start=1)}
    helpers = [_helper(work, part, one, homes[one] or known[0]) for one, part in parts.items()]
    metric = written(metric=name, **described, domain=SHARED, expr=unparse(_combined(tree, parts)))
    return {**{one["metric"]: one for one in helpers}, name: metric}


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


def _helper(work: Metrics, name: str, aggregate: Aggregate, home: str) -> dict[str, Any]:
    """An internal metric for one aggregate of a metric over several datasets: each is computed over its own rows."""
    if name in work.nodes:
        raise refused(f"a part of it would be called '{name}', which is taken")
    body = unparse(_bound(work, aggregate, home))
    return written(metric=name, domain=home, model=home, expr=body, visibility="internal")


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
