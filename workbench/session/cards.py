"""A graph to the cards of a catalogue: metrics, models and dimensions as plain facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from workbench.graph.build import Graph
from workbench.graph.paths import METRIC_TIME, Field, grains, legal
from workbench.session.catalog import DimensionCard, MetricCard, ModelCard

ADHOC = "adhoc."
"""What the names of drafts start with."""

Masked = Callable[[Field], bool]


def metric_card(graph: Graph, name: str) -> MetricCard:
    """The card of a metric; reads no expression, so that a catalogue of thousands opens at once."""
    declared = graph.metrics[name]
    metric = declared.term
    return MetricCard(
        name=name,
        label=metric.label or name.removeprefix(ADHOC).replace("_", " ").capitalize(),
        description=metric.description,
        owner=metric.owner,
        domain=metric.domain,
        tags=metric.tags,
        synonyms=metric.synonyms,
        unit=metric.unit,
        format=metric.format,
        better=metric.better,
        expr=metric.expr,
        filter=metric.filter or "",
        models=models_of(graph, name),
        state="ad hoc" if name.startswith(ADHOC) else metric.visibility,
        place=str(declared.place),
        tests=len(metric.tests),
        deprecated_since=metric.deprecated.since if metric.deprecated else None,
        deprecated_until=metric.deprecated.until if metric.deprecated else None,
        replaced_by=(metric.deprecated.replaced_by or "") if metric.deprecated else "",
    )


def models_of(graph: Graph, name: str, chain: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The models whose rows a metric counts, told from the names in it: a derived expr holds nothing else."""
    if name not in graph.metrics or name in chain:
        return ()
    metric = graph.metrics[name].term
    if metric.model:
        return (metric.model,)
    words = re.findall(r"[a-z_][a-z0-9_.]*", metric.expr)
    sources = (metric.inputs[word].metric if word in metric.inputs else word for word in words)
    return tuple(dict.fromkeys(m for source in sources for m in models_of(graph, source, (*chain, name))))


def model_card(graph: Graph, name: str) -> ModelCard:
    """The card of a semantic model."""
    declared = graph.models[name]
    model = declared.term
    return ModelCard(
        name=name,
        label=model.label or name.replace("_", " ").capitalize(),
        description=model.description,
        owner=model.owner,
        table=model.table,
        primary_key=model.primary_key,
        relationships=tuple(model.relationships),
        dimensions=tuple(model.dimensions),
        metrics=tuple(m for m in graph.metrics if name in models_of(graph, m)),
        place=str(declared.place),
    )


def dimension_cards(graph: Graph, metrics: Iterable[str], masked: Masked) -> tuple[DimensionCard, ...]:
    """The paths that may group or filter all of ``metrics`` together; every model's own where there are none."""
    asked = tuple(metrics)
    if not asked:
        return tuple(
            dimension_card(graph, f"{model}.{name}", Field((), model, name), masked)
            for model in graph.models
            for name, dimension in graph.model(model).dimensions.items()
            if dimension.visibility == "public"
        )
    bases = tuple(dict.fromkeys(model for name in asked for model in models_of(graph, name)))
    options = [dict(legal(graph, base)) for base in bases]
    out = [metric_time_card(graph, bases)] if all(graph.model(b).time_dimension for b in bases) else []
    for path, field in options[0].items() if options else ():
        others = [option.get(path) for option in options[1:]]
        if all(
            other is not None and (other.model, other.dimension) == (field.model, field.dimension) for other in others
        ):
            out.append(dimension_card(graph, path, field, masked))
    return tuple(out)


def metric_time_card(graph: Graph, bases: tuple[str, ...]) -> DimensionCard:
    """The card of each metric's own time axis."""
    axes = [graph.dimension(base, str(graph.model(base).time_dimension)) for base in bases]
    shared = min((grains(axis) for axis in axes), key=len, default=())
    return DimensionCard(METRIC_TIME, "Time", "The time axis of each metric.", "time", ", ".join(bases), shared)


def dimension_card(graph: Graph, path: str, field: Field, masked: Masked) -> DimensionCard:
    """The card of one field under the path that reaches it."""
    dimension = graph.dimension(field.model, field.dimension)
    return DimensionCard(
        path=path,
        label=dimension.label or " ".join(path.replace("_", " ").split(".")).capitalize(),
        description=dimension.description,
        type=dimension.type,
        model=field.model,
        grains=grains(dimension),
        masked=masked(field),
        synonyms=dimension.synonyms,
    )


def matches(card: MetricCard | DimensionCard, words: tuple[str, ...]) -> int:
    """How well a card fits the words of a search; 0 for not at all, and every word must be found."""
    name = card.name if isinstance(card, MetricCard) else card.path
    strong = f"{name} {card.label} {' '.join(card.synonyms)}".lower().replace("_", " ")
    weak = (
        f"{card.description} {' '.join(card.tags)} {card.domain}".lower()
        if isinstance(card, MetricCard)
        else (card.description.lower())
    )
    score = 0
    for word in words:
        if word in strong.split():
            score += 4
        elif word in strong:
            score += 2
        elif word in weak:
            score += 1
        else:
            return 0
    return score
