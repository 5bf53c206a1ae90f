"""MetricFlow's YAML, one object a document or dbt's lists, to a project of plain facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.declare.reader import Document, read_documents
from workbench.errors import DeclarationError, Place, Problem
from workbench.exchange.metricflow_conversion import named_events
from workbench.exchange.metricflow_metric import read_metric
from workbench.exchange.metricflow_model import read_model
from workbench.exchange.metricflow_node import Node
from workbench.exchange.metricflow_project import (
    BAD_NAME,
    NAME,
    Condition,
    Loss,
    MfMetric,
    MfSavedQuery,
    Model,
    Project,
    TimeSpine,
)
from workbench.exchange.metricflow_spine import dbt_spine, own_spine

SINGLE = {"semantic_model": "semantic_models", "metric": "metrics", "saved_query": "saved_queries"}
KNOWN = ("semantic_models", "metrics", "saved_queries")


@dataclass(slots=True)
class _Found:
    """What has been read so far."""

    schema: str
    models: dict[str, Model] = field(default_factory=dict)
    metrics: dict[str, MfMetric] = field(default_factory=dict)
    saved: dict[str, MfSavedQuery] = field(default_factory=dict)
    spines: dict[str, TimeSpine] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)


def read_project(source: Path, schema: str) -> Project:
    """The project in a file or folder; raises `DeclarationError` (no-source, bad-yaml, unreadable-file)."""
    found = _Found(schema)
    for file, name in _files(source):
        try:
            documents = read_documents(file.read_text(encoding="utf-8"), name)
        except (OSError, UnicodeDecodeError) as error:
            raise DeclarationError(
                Problem("unreadable-file", f"cannot be read as text: {error}.", Place(name))
            ) from None
        for document in documents:
            _read_document(document, found)
    _created_metrics(found)
    named_events(found.metrics)
    return Project(found.models, found.metrics, found.saved, found.spines, tuple(found.losses))


def _files(source: Path) -> Iterator[tuple[Path, str]]:
    if source.is_file():
        yield source, source.name
        return
    if not source.is_dir():
        raise DeclarationError(Problem("no-source", f"no file or folder '{source}'.", hint="Name a project to import."))
    for path in sorted(source.rglob("*")):
        # dbt's settings declare nothing.
        if path.suffix in (".yml", ".yaml") and path.name != "dbt_project.yml" and path.is_file():
            yield path, path.relative_to(source).as_posix()


def _read_document(document: Document, found: _Found) -> None:
    data = document.data
    if not isinstance(data, dict):
        found.losses.append(Loss("document", document.file, document.place, "it is not a mapping"))
        return
    root = Node(data, document, ())
    for key in data:
        if key in SINGLE:
            one = root.child(key)
            if one:
                _read_object(SINGLE[key], one, found)
        elif key in KNOWN:
            for one in root.children(key):
                _read_object(key, one, found)
        elif key == "project_configuration":
            _read_configuration(root.child(key), found)
        elif key == "models":
            for one in root.children(key):
                _read_dbt_model(one, found)
        elif key != "version":
            found.losses.append(Loss("key", key, document.place_of_key(key), "it is nothing of MetricFlow's"))


def _read_object(kind: str, node: Node, found: _Found) -> None:
    if (node.child("config") or node).get("enabled") is False:
        found.losses.append(
            Loss(_word(kind), node.text("name"), node.place(), "it is switched off by 'enabled: false'")
        )
        return
    name = node.text("name")
    if kind == "semantic_models":
        home: Mapping[str, Any] = found.models
    else:
        home = found.metrics if kind == "metrics" else found.saved
    if not NAME.fullmatch(name) or name in home:
        why = "another of that name was read before" if name in home else BAD_NAME if name else "it has no name"
        found.losses.append(Loss(_word(kind), name, node.place("name"), why))
    elif kind == "semantic_models":
        found.models[name] = read_model(node, found.schema, found.losses)
    elif kind == "metrics":
        found.metrics[name] = read_metric(node)
    else:
        found.saved[name] = _saved_query(node, found.losses)


def _word(kind: str) -> str:
    return {"semantic_models": "semantic model", "metrics": "metric", "saved_queries": "saved query"}[kind]


def _read_configuration(node: Node | None, found: _Found) -> None:
    for one in node.children("time_spines") if node else ():
        _add_spine(own_spine(one, found.schema, found.losses), found)


def _read_dbt_model(node: Node, found: _Found) -> None:
    if node.child("time_spine"):
        _add_spine(dbt_spine(node, found.schema, found.losses), found)
    elif node.get("semantic_model") or node.get("metrics"):
        reason = "semantics inside a dbt model are a newer spelling that is not read yet"
        found.losses.append(Loss("model", node.text("name"), node.place(), reason))


def _add_spine(spine: TimeSpine | None, found: _Found) -> None:
    if spine is None:
        return
    if spine.name in found.spines:
        found.losses.append(Loss("time spine", spine.name, spine.place, "another of that name was read before"))
        return
    taken = {grain for other in found.spines.values() for grain in other.grains}
    for grain in spine.grains.keys() & taken:
        found.losses.append(Loss("granularity", grain, spine.place, "another of that name was read before"))
    own = {grain: column for grain, column in spine.grains.items() if grain not in taken}
    found.spines[spine.name] = replace(spine, grains=own)


def _created_metrics(found: _Found) -> None:
    """Measures that ask for it become metrics of their own name, unless one is declared."""
    for model in found.models.values():
        for m in model.measures:
            if m.creates_metric and m.name not in found.metrics:
                found.metrics[m.name] = MfMetric(
                    m.name, "simple", m.label, m.description, m.name, "", (), (), None, None, "", m.place
                )


def _saved_query(node: Node, losses: list[Loss]) -> MfSavedQuery:
    asked = node.child("query_params") or node
    limit = asked.get("limit")
    reason = "exports are written by pipelines, not here"
    losses.extend(Loss("export", one.text("name"), one.place(), reason) for one in node.children("exports"))
    return MfSavedQuery(
        name=node.text("name"),
        label=node.text("label"),
        description=node.text("description"),
        metrics=asked.texts("metrics"),
        by=asked.texts("group_by"),
        where=tuple(Condition(text, place) for text, place in asked.conditions("where")),
        order_by=asked.texts("order_by"),
        limit=limit if isinstance(limit, int) else None,
        place=node.place(),
    )
