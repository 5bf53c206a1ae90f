"""A workspace to a graph: models and metrics by name, ready to be followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.declare.declared import Declared
from workbench.declare.terms import Calendar, Dimension, Metric, SemanticModel
from workbench.declare.workspace import Workspace
from workbench.errors import Problem, QuestionError, did_you_mean


@dataclass(frozen=True, slots=True)
class Graph:
    """The models and metrics that may be named; a narrowed graph has fewer of them and nothing else changes."""

    models: Mapping[str, Declared[SemanticModel]]
    metrics: Mapping[str, Declared[Metric]]
    calendars: Mapping[str, Declared[Calendar]] = field(default_factory=dict)

    def model(self, name: str) -> SemanticModel:
        """The semantic model of that name; raises `QuestionError` (unknown-model)."""
        if name not in self.models:
            raise QuestionError(
                Problem("unknown-model", f"no semantic model '{name}'.", hint=did_you_mean(name, self.models))
            )
        return self.models[name].term

    def metric(self, name: str) -> Metric:
        """The metric of that name; raises `QuestionError` (unknown-metric)."""
        if name not in self.metrics:
            raise QuestionError(unknown_metric(self, name))
        return self.metrics[name].term

    def dimension(self, model: str, name: str) -> Dimension:
        """A declared dimension of a model."""
        return self.models[model].term.dimensions[name]


def build(workspace: Workspace) -> Graph:
    """The graph of everything declared in a workspace."""
    calendars = {name: _as_model(declared) for name, declared in workspace.calendars.items()}
    return Graph({**calendars, **workspace.models}, workspace.metrics, workspace.calendars)


def _as_model(declared: Declared[Calendar]) -> Declared[SemanticModel]:
    """A calendar as the model of its moments, so that it is read and restricted like any other table."""
    calendar = declared.term
    model = SemanticModel(
        semantic_model=calendar.calendar,
        table=calendar.table,
        time_dimension=calendar.column,
        dimensions={calendar.column: Dimension(type="time", grain=calendar.grain, visibility="internal")},
        visibility="internal",
    )
    return Declared(model, declared.document)


def unknown_metric(graph: Graph, name: str, otherwise: str = "List them with 'workbench metrics'.") -> Problem:
    """The problem of a metric that is not there, with the nearest names and synonyms, or ``otherwise``."""
    synonyms = {s: m for m, d in graph.metrics.items() for s in d.term.synonyms}
    if name in synonyms:
        hint = f"'{name}' is a synonym: ask for '{synonyms[name]}'."
    else:
        hint = did_you_mean(name, graph.metrics, otherwise)
    return Problem("unknown-metric", f"no metric '{name}'.", hint=hint)
