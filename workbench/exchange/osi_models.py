"""Datasets and relationships of the Ossie format to our semantic models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.declare.expression import Aggregate, Expression, Name, rebuild, walk
from workbench.declare.parser import parse
from workbench.declare.unparse import unparse
from workbench.errors import Unanswerable, WorkbenchError
from workbench.exchange.metricflow_models import written
from workbench.exchange.metricflow_node import Node
from workbench.exchange.metricflow_project import Loss
from workbench.exchange.osi_ansi import plain_divisors, plain_sets, refused
from workbench.exchange.osi_read import expression, foreign_keys, synonyms

_TABLE = re.compile(r'[^\s()";]+')
_NUMBERS = ("Integer", "Decimal", "Float")
_MOMENTS = ("Date", "DateTime", "DateTimeTz")


@dataclass(slots=True)
class Dataset:
    """A dataset that was taken over: our model, and the names of its fields as documents write them, in lower case."""

    term: dict[str, Any]
    fields: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Our name of it."""
        return str(self.term["semantic_model"])

    @property
    def dimensions(self) -> dict[str, Any]:
        """Our dimensions."""
        return self.term.setdefault("dimensions", {})  # type: ignore[no-any-return]

    def element(self, name: str) -> str:
        """Our name of a field, or the column as it is written; raises `Unanswerable` for a field that was lost."""
        if name.lower() in self.lost:
            raise refused(f"the field '{name}' of '{self.name}' is not taken over")
        return self.fields.get(name.lower(), name)

    def key(self, columns: tuple[str, ...]) -> list[str]:
        """The columns of a key under the names that our joins find them by."""
        return [self.element(column) for column in columns]


def named(text: str) -> str:
    """A name as ours are written; raises `Unanswerable` where nothing of it can be kept."""
    found = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") if not re.fullmatch(r"[a-z][a-z0-9_]*", text) else text
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,119}", found):
        raise refused("a name consists of lower case letters, digits and underscores")
    return found


def convert_dataset(node: Node, taken: Mapping[str, Any], losses: list[Loss]) -> Dataset | None:
    """The model of a dataset, or None with the reason among the losses."""
    written_name = node.text("name")
    try:
        name = named(written_name)
        if name in taken:
            raise refused("another of that name was read before")
        table = _table(node.text("source"))
    except Unanswerable as error:
        losses.append(loss("dataset", written_name, node, error))
        return None
    foreign_keys("dataset", node, written_name, losses)
    if node.text("source").count(".") > 1:
        reason = f"'{table}' is looked for in the one warehouse of the workspace"
        losses.append(Loss("database", node.text("source"), node.place("source"), reason))
    found = Dataset(
        written(
            semantic_model=name,
            label="" if name == written_name else written_name,
            description=node.text("description"),
            synonyms=synonyms(node),
            table=table,
        )
    )
    _fields(node, found, losses)
    found.term = {
        **{key: value for key, value in found.term.items() if key != "dimensions"},
        **_keys(node, found, losses),
        **written(time_dimension=_axis(found), dimensions=found.dimensions),
    }
    return found


def _table(source: str) -> str:
    parts = [part.strip('"`[]') for part in source.strip().split(".")][-2:]
    if not all(parts) or not _TABLE.fullmatch(".".join(parts)):
        raise refused("its source is a query, not a table" if source else "it has no source")
    return ".".join(parts)


def _fields(node: Node, found: Dataset, losses: list[Loss]) -> None:
    nodes = {}
    for one in node.children("fields"):
        try:
            name = named(one.text("name"))
            if name in nodes:
                raise refused("another of that name was read before")
            found.fields[one.text("name").lower()] = name
            found.dimensions[name] = _dimension(one, name, _own_names(expression(one), node.text("name")), losses)
            nodes[name] = one
        except Unanswerable as error:
            _lose(found, node, one, error, losses)
        except WorkbenchError as error:
            if error.slug == "unknown-dialect":
                raise
            _lose(found, node, one, error, losses)
    trees = {name: parse(term.get("expr", f'"{name}"')) for name, term in found.dimensions.items()}
    for name, one in nodes.items():
        if hidden := _hidden(name, trees):
            _lose(
                found, node, one, refused(f"it means the column '{hidden}', which the field '{hidden}' hides"), losses
            )
            found.dimensions.pop(name)


def _lose(found: Dataset, dataset: Node, node: Node, error: WorkbenchError, losses: list[Loss]) -> None:
    losses.append(loss("field", f"{dataset.text('name')}.{node.text('name')}", node, error))
    found.lost[node.text("name").lower()] = error.problems[0].message


def _own_names(text: str, dataset: str) -> Expression:
    """The tree of a field's expression, its columns without the name of their dataset."""

    def change(part: Expression) -> Expression:
        if isinstance(part, Name) and len(part.path) > 1:
            if len(part.path) > 2 or part.path[0].lower() != dataset.lower():
                raise refused(f"its expression reads '{part}', which is not of its dataset")
            return Name(part.path[1:])
        if isinstance(part, Aggregate):
            raise refused("its expression aggregates rows")
        return rebuild(part, change)

    return plain_divisors(change(parse(plain_sets(text))))


def _hidden(name: str, trees: Mapping[str, Expression]) -> str:
    """A column that the expression of a field means, and that a dimension of the same name would hide."""
    for part in walk(trees[name]):
        if isinstance(part, Name) and part.path[0] != name and part.path[0] in trees:
            other = trees[part.path[0]]
            if not (isinstance(other, Name) and str(other).lower() == part.path[0]):
                return part.path[0]
    return ""


def _dimension(node: Node, name: str, tree: Expression, losses: list[Loss]) -> dict[str, Any]:
    foreign_keys("field", node, node.text("name"), losses)
    own, label = unparse(tree), node.text("label")
    return written(
        **_type(node, losses),
        expr=None if tree == Name((name,)) else own,
        label=label or ("" if name == node.text("name") else node.text("name")),
        description=node.text("description"),
        synonyms=synonyms(node),
    )


def _type(node: Node, losses: list[Loss]) -> dict[str, Any]:
    """The type of a dimension: what its values are, unless a role of time is denied to them."""
    kind, role = node.text("datatype"), node.child("dimension")
    is_time = role.get("is_time") if role else None
    if is_time is True and kind in ("", *_MOMENTS):
        return {"type": "time", **({"grain": "second"} if kind.startswith("DateTime") else {})}
    if is_time is True:
        reason = f"values of {kind} are no moments that could be cut into periods"
        losses.append(Loss("is_time", node.text("name"), node.place("dimension", "is_time"), reason))
    if kind in _MOMENTS and is_time is not False:
        return {"type": "time", **({"grain": "second"} if kind != "Date" else {})}
    if kind == "Boolean":
        return {"type": "boolean"}
    return {"type": "number"} if kind in _NUMBERS else {}


def _keys(node: Node, found: Dataset, losses: list[Loss]) -> dict[str, Any]:
    keys = []
    raw = node.get("unique_keys")
    for index, columns in enumerate([node.get("primary_key"), *(raw if isinstance(raw, list) else [])]):
        parts = tuple(map(str, columns)) if isinstance(columns, list) else (str(columns),) if columns else ()
        try:
            keys.append((index == 0, found.key(parts)))
        except Unanswerable as error:
            losses.append(loss("key", f"{found.name}: {', '.join(parts)}", node, error))
    primary = next((key for first, key in keys if first and key), [])
    return written(primary_key=primary, unique_keys=[key for first, key in keys if not first and key])


def _axis(found: Dataset) -> str | None:
    """The time axis: its time field, where it has one only."""
    times = [name for name, term in found.dimensions.items() if term.get("type") == "time"]
    return times[0] if len(times) == 1 else None


def convert_relationship(node: Node, datasets: Mapping[str, Dataset], losses: list[Loss]) -> None:
    """Add the role of a relationship to its model; what covers no declared key of its target is left out."""
    name = node.text("name")
    foreign_keys("relationship", node, name, losses)
    try:
        ours, theirs = (_dataset(datasets, node.text(key)) for key in ("from", "to"))
        left, right = ours.key(node.texts("from_columns")), theirs.key(node.texts("to_columns"))
        if len(left) != len(right) or not left:
            raise refused("it has not as many columns on one side as on the other")
        if not _covers(theirs, right):
            raise refused(f"it lands on {', '.join(right)}, which is no declared key of '{theirs.name}'")
        role = named(name)
        roles = ours.term.setdefault("relationships", {})
        if role in roles:
            raise refused("another of that name was read before")
    except Unanswerable as error:
        losses.append(loss("relationship", name, node, error))
        return
    same = left == right
    on: Any = dict(zip(left, right, strict=True)) if not same else left[0] if len(left) == 1 else left
    roles[role] = written(to=theirs.name, on=on, type="one_to_one" if _covers(ours, left) else None)


def _dataset(datasets: Mapping[str, Dataset], name: str) -> Dataset:
    if name.lower() not in datasets:
        raise refused(f"the dataset '{name}' is not taken over")
    return datasets[name.lower()]


def _covers(dataset: Dataset, columns: list[str]) -> bool:
    """Whether the columns hold a whole declared key: at most one row has their values."""
    keys = [dataset.term.get("primary_key", []), *dataset.term.get("unique_keys", [])]
    return any(key and set(key) <= set(columns) for key in keys)


def loss(kind: str, name: str, node: Node, error: WorkbenchError) -> Loss:
    """What an error keeps out."""
    return Loss(kind, name, node.place(), error.problems[0].message.rstrip("."))
