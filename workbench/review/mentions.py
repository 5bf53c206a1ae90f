"""A declaration or a notebook to the names it mentions: metrics asked for, and every word of its paths."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from workbench.declare.dashboard import Dashboard
from workbench.declare.expression import Has, Name, walk
from workbench.declare.parser import parse
from workbench.declare.question import Question
from workbench.declare.terms import Metric
from workbench.errors import WorkbenchError

NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Mentions:
    """The metrics something asks for, and the words of all paths and conditions in it."""

    metrics: frozenset[str]
    words: frozenset[str]


def of_metric(metric: Metric) -> Mentions:
    """What a metric is computed from, its inputs' filters included."""
    named = _names(metric.expr)
    aliases = {alias: used.metric for alias, used in metric.inputs.items()}
    used = {aliases.get(word, word) for word in named} if metric.model is None else set()
    conversion = metric.conversion
    words = {*named, *_names(metric.filter), *filter(None, (metric.model, metric.time_dimension))}
    for one in metric.inputs.values():
        used.add(one.metric)
        words |= _names(one.filter)
    if conversion:
        used |= {conversion.from_, conversion.to}
        words |= {*conversion.entity, *(name for c in conversion.constant for name in (c.from_, c.to))}
    if metric.non_additive:
        words |= {metric.non_additive.over, *metric.non_additive.by}
    return Mentions(frozenset(used | _conditions(metric.filter)), frozenset(words))


def of_question(question: Question) -> Mentions:
    """What a question asks for and by."""
    metrics = {asked.path for asked in question.metrics} | set(_names(question.having)) | _conditions(question.where)
    paths = [asked.path for asked in question.by] + list(question.order_by)
    return Mentions(frozenset(metrics), frozenset(_words(paths)) | _names(question.where))


def of_dashboard(dashboard: Dashboard) -> Mentions:
    """What the tiles of a page show, and what it may be filtered by."""
    tiles = [tile for row in dashboard.rows for tile in row]
    metrics = {name for tile in tiles for name in tile.metrics()} | {m for t in tiles for m in _conditions(t.where)}
    words = _words([*dashboard.filters, *(path for tile in tiles for path in tile.by)])
    return Mentions(frozenset(metrics), frozenset(words).union(*(_names(tile.where) for tile in tiles)))


def of_notebook(content: bytes, metrics: Container[str]) -> Mentions:
    """The names in the cells of a notebook, or in the lines of a program, that are metrics; nothing is run."""
    words = frozenset(word for source in _sources(content.decode(errors="replace")) for word in NAME.findall(source))
    return Mentions(frozenset(word for word in words if word in metrics), words)


def _sources(text: str) -> Iterator[str]:
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError, TypeError):
        yield text
        return
    for cell in cells:
        source = cell.get("source", "") if isinstance(cell, dict) and cell.get("cell_type") == "code" else ""
        yield source if isinstance(source, str) else "".join(map(str, source))


def _names(text: str | None) -> frozenset[str]:
    """Every word of every name in an expression; of one that cannot be read, every word."""
    if not text:
        return frozenset()
    try:
        tree = parse(text)
    except WorkbenchError:
        return frozenset(NAME.findall(text))
    return frozenset(word for part in walk(tree) if isinstance(part, Name) for word in part.path)


def _conditions(text: str | None) -> set[str]:
    """The metrics in conditions such as ``customer has orders >= 3``."""
    if not text or " has " not in text:
        return set()
    try:
        tree = parse(text)
    except WorkbenchError:
        return set()
    inner = [part.condition for part in walk(tree) if isinstance(part, Has)]
    return {str(name) for condition in inner for name in walk(condition) if isinstance(name, Name)}


def _words(paths: Iterable[str]) -> set[str]:
    return {word for path in paths for word in NAME.findall(path)}
