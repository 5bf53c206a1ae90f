"""Documents of Apache Ossie (formerly OSI) to a workspace of ours, and a workspace to a document, without a loss.

What the format cannot say travels in one extension, as the difference between what the document alone would be imported
as and what is declared. Other tools read the rest, and an edit of theirs goes before the extension.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.declare.declared import declared
from workbench.declare.reader import dump, read_documents
from workbench.declare.workspace import Workspace
from workbench.errors import DeclarationError, Place, Problem, one_of
from workbench.exchange.grants import file_name, least_access
from workbench.exchange.metricflow_node import Node
from workbench.exchange.metricflow_project import NAME, Loss
from workbench.exchange.osi_format import ANSI, SQLGLOT, VENDOR, VERSIONS
from workbench.exchange.osi_metrics import SHARED, convert_metrics
from workbench.exchange.osi_models import Dataset, convert_dataset, convert_relationship
from workbench.exchange.osi_read import documents, foreign_keys, read_models
from workbench.exchange.osi_rest import FORMULA, apply, difference, from_json, keys_of, to_json
from workbench.exchange.osi_write import Writing, lost_relationships, semantic_model
from workbench.exchange.unsaid import Unsaid
from workbench.graph.build import build

Terms = dict[str, Any]
"""Declarations as they are written in YAML, by kind and name."""

FOLDERS = {
    "semantic_models": "metrics/models",
    "calendars": "metrics/calendars",
    "saved_queries": "metrics/saved_queries",
    "dashboards": "notebooks/dashboards",
}
KINDS = ("semantic_models", "metrics", *FOLDERS, "roles", "groups", "policies")


@dataclass(frozen=True, slots=True)
class Exported:
    """A document, and what tools other than ours will not find in it."""

    text: str
    losses: tuple[Unsaid, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What documents became: ``files`` by relative path, and ``losses`` by place."""

    files: Mapping[str, str]
    losses: tuple[Loss, ...]


def export_project(
    workspace: Workspace, *, version: str = "0.1.1", name: str = "", dialect: str = ANSI, form: str = "json"
) -> Exported:
    """Everything declared as one document, in JSON or YAML; members of groups stay at home.

    ``dialect`` gives each expression in that dialect too. Raises `DeclarationError` (unknown-version, unknown-dialect).
    """
    for slug, value, known in (("version", version, VERSIONS), ("dialect", dialect, (ANSI, *SQLGLOT))):
        if value not in known:
            hint = f"Supported are {one_of(known)}."
            raise DeclarationError(Problem(f"unknown-{slug}", f"the {slug} '{value}' is not supported.", hint=hint))
    graph = build(workspace)
    work = Writing(graph, version, dialect)
    model = semantic_model(work, name or workspace.settings.name or "workspace")
    document = {"version": version, "semantic_model": [model]}
    terms, known_losses = _converted(documents(json.dumps(document), ""))
    patch = difference(terms, _declared_terms(workspace))
    rest = {"terms": patch, "known": [[one.kind, one.name, one.reason] for one in known_losses]}
    model["custom_extensions"] = [{"vendor_name": VENDOR, "data": to_json(rest)}]
    text = dump(document) if form == "yaml" else json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    losses = [*work.losses, *lost_relationships(graph), *_unsaid(workspace, patch)]
    return Exported(text, tuple(sorted(losses, key=lambda one: (one.place.file, one.place.line, one.name))))


def import_project(source: Path) -> Imported:
    """Read documents of either version, JSON or YAML, into our vocabulary.

    ``source`` is a file or a folder. Whatever has no counterpart is left out and named in the losses, with all that
    depends on it. Raises `DeclarationError` for what is no such document, and for an unknown dialect or version.
    """
    nodes = list(read_models(source))
    terms, losses = _converted(iter(nodes))
    for node in nodes:
        terms, losses = _with_rest(node, terms, losses)
    files, invalid = _files(terms)
    losses = [*losses, *invalid]
    return Imported(files, tuple(sorted(losses, key=lambda one: (one.place.file, one.place.line, one.place.column))))


def _converted(nodes: Iterator[Node]) -> tuple[Terms, list[Loss]]:
    """What documents say without our extension."""
    losses: list[Loss] = []
    models: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    for node in nodes:
        foreign_keys("semantic model", node, node.text("name"), losses)
        datasets: dict[str, Dataset] = {}
        for one in node.children("datasets"):
            dataset = convert_dataset(one, models, losses)
            if dataset is not None:
                datasets[one.text("name").lower()] = dataset
                models[dataset.name] = dataset.term
        for one in node.children("relationships"):
            convert_relationship(one, datasets, losses)
        metrics.update(convert_metrics(node.children("metrics"), datasets, metrics, losses))
    return {**{kind: {} for kind in KINDS}, "semantic_models": models, "metrics": metrics}, losses


def _declared_terms(workspace: Workspace) -> Terms:
    """Every declaration as it is written; who belongs to a group is nobody else's business."""

    def data(found: Mapping[str, Any]) -> dict[str, Any]:
        return {name: one.document.data for name, one in found.items()}

    people = [one.document.data for one in workspace.people]
    groups = {name: group for data in people for name, group in data.get("groups", {}).items()}
    return {
        "semantic_models": data(workspace.models),
        "metrics": data(workspace.metrics),
        "calendars": data(workspace.calendars),
        "saved_queries": data(workspace.saved_queries),
        "dashboards": data(workspace.dashboards),
        "roles": {name: role for data in people for name, role in data.get("roles", {}).items()},
        "groups": {name: {k: v for k, v in group.items() if k != "members"} for name, group in groups.items()},
        "policies": {str(at): one.document.data for at, one in enumerate(workspace.policies)},
    }


def _with_rest(node: Node, terms: Terms, losses: list[Loss]) -> tuple[Terms, list[Loss]]:
    """The terms with what our extension adds, and without losses that it makes good."""
    for at, one in enumerate(node.children("custom_extensions")):
        if one.text("vendor_name") != VENDOR:
            continue
        place = node.place("custom_extensions", at, "data")
        try:
            rest = from_json(one.text("data"))
            patched, edited = apply(terms, rest["terms"])
            known = {tuple(known) for known in rest["known"]}
            if not all(isinstance(term, dict) for found in patched.values() for term in found.values()):
                raise TypeError
        except (ValueError, KeyError, TypeError, AttributeError):
            losses = [*losses, Loss("extension", VENDOR, place, "it is not as it was written")]
            continue
        terms = patched
        losses = [loss for loss in losses if (loss.kind, loss.name, loss.reason) not in known]
        reason = "the document was edited since it was written, and says otherwise"
        losses = [*losses, *(Loss("extension", ".".join(path), place, reason) for path in edited)]
    return terms, losses


def _unsaid(workspace: Workspace, patch: dict[str, Any]) -> Iterator[Unsaid]:
    """What only our extension says, one loss for each kind of thing."""
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], tuple[str, ...]] = {}
    for path in keys_of(patch):
        inside = path[0] in ("semantic_models", "metrics")
        whole = len(path) == 2 or (len(path) == 4 and path[2] in ("dimensions", "relationships"))
        if inside and (whole or path[-1] in (*FORMULA, "semantic_model", "metric")):
            continue  # those left out are named one by one, and formulas are said with all in one expression
        said = (path[0], path[-1] if inside else "")
        counts[said] += 1
        first.setdefault(said, path)
    for (kind, key), count in counts.items():
        reason = f"only the extension for ourselves says it ({count} of them)"
        name = f"{kind}.{key}".rstrip(".").replace("_", " ")
        yield Unsaid("key" if key else "kind", name, _place(workspace, first[kind, key]), reason)


def _place(workspace: Workspace, path: tuple[str, ...]) -> Place:
    found: Mapping[str, Any] = workspace.models if path[0] == "semantic_models" else workspace.metrics
    one = found.get(path[1]) if path[0] in ("semantic_models", "metrics") else None
    return one.place_of(*path[2:]) if one is not None else Place(FOLDERS.get(path[0], "access"))


def _files(terms: Terms) -> tuple[dict[str, str], list[Loss]]:
    """The files of a workspace; a term that is none is left out."""
    found: dict[str, str] = {}
    losses: list[Loss] = []
    for kind in ("semantic_models", "metrics", *FOLDERS):
        for name, term in terms.get(kind, {}).items():
            folder = FOLDERS.get(kind) or f"metrics/{_folder(term)}"
            _add(found, f"{folder}/{name}.yml", [term], losses, named=(kind, name))
    sources = (*terms["semantic_models"].values(), *terms["calendars"].values())
    tables = [str(term["table"]) for term in sources if "table" in term]
    if not terms.get("roles"):
        return {**found, **least_access(tables)}, losses
    _add(found, "access/roles.yml", [{"roles": terms["roles"]}], losses)
    if terms.get("groups"):
        _add(found, "access/groups.yml", [{"groups": terms["groups"]}], losses)
    by_file: dict[str, list[Any]] = {}
    for policy in terms.get("policies", {}).values():
        by_file.setdefault(file_name(str(policy.get("resource", "")).removesuffix(".*")), []).append(policy)
    for name, policies in by_file.items():
        _add(found, f"access/policies/{name}.yml", policies, losses)
    return found, losses


def _add(
    found: dict[str, str], file: str, terms: Iterable[Any], losses: list[Loss], named: tuple[str, str] | None = None
) -> None:
    """Add a file whose documents are declarations; names come from a document that anybody may have written."""
    text = "---\n".join(dump(term) for term in terms)
    if named and not NAME.fullmatch(named[1]):
        losses.append(Loss(named[0], named[1], Place(file), "its name is none of ours"))
        return
    try:
        for document in read_documents(text, file):
            declared(document)
    except DeclarationError as error:
        reason = error.problems[0].message.rstrip(".")
        losses.append(Loss("declaration", file.rpartition("/")[2], error.problems[0].place or Place(file), reason))
        return
    found[file] = text


def _folder(metric: Mapping[str, Any]) -> str:
    """The folder of a metric's domain, kept apart from those that hold other things."""
    domain = file_name(str(metric.get("domain") or SHARED)).lower()
    return f"{domain}_metrics" if domain in ("models", "saved_queries", "calendars") else domain
