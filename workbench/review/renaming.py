"""A declared term to what it would say if a metric were called otherwise: what a rewritten file must mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.declare.dashboard import Dashboard
from workbench.declare.expression import Expression, Has, Name, rebuild
from workbench.declare.parser import parse
from workbench.declare.question import SavedQuery
from workbench.declare.terms import Metric, Term
from workbench.declare.unparse import unparse
from workbench.errors import WorkbenchError
from workbench.review.normal import Plain, normal

Rename = Callable[[str], str]


def renamed(term: Term, old: str, new: str) -> Plain:
    """The normal form of a term in which every use of the metric ``old`` is one of ``new``; its own name is no use."""

    def name(word: str) -> str:
        return new if word == old else word

    form = dict(normal(term))
    if isinstance(term, Metric):
        return form if term.metric in (old, new) else _metric(form, name)
    if isinstance(term, SavedQuery):
        return _saved(form, name)
    return _page(form, name) if isinstance(term, Dashboard) else form


def _metric(form: dict[str, Any], name: Rename) -> Plain:
    inputs = form.get("inputs", {})
    changed: dict[str, Any] = {alias: one | {"metric": name(one["metric"])} for alias, one in inputs.items()}
    form |= {"inputs": {a: _conditions(one, name, "filter") for a, one in changed.items()}} if inputs else {}
    if "conversion" in form:
        ends = {end: name(form["conversion"][end]) for end in ("from", "to")}
        form["conversion"] = form["conversion"] | ends
    if "model" not in form and "expr" in form:
        form["expr"] = _names(form["expr"], lambda word: word if word in inputs else name(word))
    return _conditions(form, name, "filter")


def _saved(form: dict[str, Any], name: Rename) -> Plain:
    asked = form.get("metrics", [])
    form["metrics"] = [
        one | {"path": name(one["path"]), "alias": name(one["alias"]) if one["alias"] == one["path"] else one["alias"]}
        for one in asked
    ]
    if "having" in form:
        form["having"] = _names(form["having"], name)
    if "order_by" in form:
        form["order_by"] = [
            " ".join(("-" * word.startswith("-")) + name(word.removeprefix("-")) for word in text.split())
            for text in form["order_by"]
        ]
    return _conditions(form, name, "where")


def _page(form: dict[str, Any], name: Rename) -> Plain:
    def tile(one: Mapping[str, Any]) -> Mapping[str, Any]:
        shown: dict[str, Any] = {key: name(one[key]) for key in ("number", "bar") if isinstance(one.get(key), str)}
        shown |= {key: [name(word) for word in one[key]] for key in ("line", "table") if key in one}
        return _conditions({**one, **shown}, name, "where")

    return form | {"rows": [[tile(one) for one in row] for row in form["rows"]]}


def _conditions(form: Mapping[str, Any], name: Rename, key: str) -> dict[str, Any]:
    """The form with the metrics of conditions on entities renamed; other names in it are dimensions."""
    if not isinstance(form.get(key), str):
        return dict(form)

    def change(part: Expression) -> Expression:
        if isinstance(part, Has):
            inner = _tree(part.condition, name)
            return Has(part.entity, inner, part.at)
        return rebuild(part, change)

    return {**form, key: _read(form[key], change)}


def _names(text: str, name: Rename) -> str:
    return _read(text, lambda tree: _tree(tree, name))


def _tree(tree: Expression, name: Rename) -> Expression:
    def change(part: Expression) -> Expression:
        if isinstance(part, Name):
            return Name((name(str(part)),), part.at) if name(str(part)) != str(part) else part
        return rebuild(part, change)

    return change(tree)


def _read(text: str, change: Callable[[Expression], Expression]) -> str:
    try:
        return unparse(change(parse(text)))
    except WorkbenchError:
        return text
