"""MetricFlow's metrics in filters to ours: ``Metric('orders', ['user']) > 2`` becomes ``user has orders > 2``."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from workbench.declare.expression import Call, Cast, Expression, Has, Literal, Name, rebuild, walk
from workbench.declare.parser import parse
from workbench.declare.unparse import unparse
from workbench.errors import Problem, Unanswerable, WorkbenchError
from workbench.exchange.metricflow_joins import Element, joins, own_role, role
from workbench.exchange.metricflow_project import Project

Path = tuple[str, ...]
Find = Callable[[str, Path, str], Element]
"""The entity that MetricFlow finds from a model by links and a name."""

_EMPTY_STAYS = frozenset(("+", "-", "*", "/", "%", "negate", "nullif"))
"""What is NULL wherever one of its arguments is."""

_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def lifted(project: Project, text: str, metrics: Mapping[str, tuple[str, Path, Path]]) -> str:
    """A condition whose stand-ins for metrics become conditions on entities.

    ``metrics`` gives for each stand-in the metric, the path of the entity, and that from what the metric counts.
    Raises `Unanswerable` (metric-in-where).
    """
    if not metrics:
        return text

    def change(tree: Expression, wanted: bool = True) -> Expression:
        names = [part for part in walk(tree) if isinstance(part, Name)]
        inside = [metrics[str(name)] for name in names if str(name) in metrics]
        if not inside:
            return tree
        if isinstance(tree, Call) and tree.function in ("and", "or", "not"):
            return rebuild(tree, lambda part: change(part, wanted != (tree.function == "not")))
        if len(inside) < len(names) or len({(path, via) for _, path, via in inside}) > 1:
            compared = f"'{inside[0][0]}' is compared with something else"
            raise _refused(f"a metric is compared with constants and metrics of the same entity only; {compared}")
        for metric, *_ in inside:
            fill = project.metrics[metric].fill
            if fill is not None and not _is_as_empty(tree, fill, not wanted):
                raise _refused(f"'{metric}' has a value where MetricFlow has none (fill_nulls_with)")
        _, path, via = inside[0]
        return Has(Name(path), replaced(tree), via=Name(via) if via else None)

    def replaced(tree: Expression) -> Expression:
        if isinstance(tree, Name):
            return Name((metrics[str(tree)][0],))
        return rebuild(tree, replaced)

    return unparse(change(parse(text)))


def _is_as_empty(tree: Expression, fill: float, outcome: bool) -> bool:
    """Whether what is filled in, compared with a number, keeps the rows that NULL would: ``outcome`` keeps none."""
    if not isinstance(tree, Call) or tree.function not in _COMPARED:
        return False
    match tree.arguments:
        case (Name(), Literal(value=int() | float() | Decimal() as number)):
            return _COMPARED[tree.function](fill, number) is outcome
        case (Literal(value=int() | float() | Decimal() as number), Name()):
            return _COMPARED[tree.function](number, fill) is outcome
    return False


def entity_path(project: Project, metric: str, entity: str, bases: Sequence[str], find: Find) -> tuple[Path, Path]:
    """Our path of the entity by which a condition looks at ``metric``, the same from all of ``bases``.

    Beside it the path by which the metric's own rows belong to it, where they don't name it themselves.
    """
    *links, name = entity.lower().split("__")
    if project.metrics[metric].fill is None and (reason := _filled(project, metric)):
        raise _refused(f"'{metric}' has a value where MetricFlow has none ({reason})")
    inner = project.bases(metric)
    ways = [list(_ways(project, base, name)) for base in bases]
    for path, target in ways[0] if ways else ():
        if not all((path, target) in other for other in ways):
            continue
        over = [_inner(project, base, tuple(links), name, path[-1], target, find) for base in inner]
        if None not in over:
            vias = set(filter(None, over))
            # Where they differ, each must be the only one there is: then none need be written.
            return path, vias.pop() if len(set(over)) == 1 and vias else ()
    raise _refused(f"no entity '{name}' is known both here and where '{metric}' is computed")


def _refused(reason: str) -> WorkbenchError:
    return Unanswerable(Problem("metric-in-where", f"{reason}."))


def _ways(project: Project, base: str, name: str) -> Iterator[tuple[Path, str]]:
    """Paths from a model to models whose key the entity is, without a join first."""
    model = project.models[base]
    home = own_role(project, model)
    if home and model.primary == name and model.entity(name) and not model.is_history and not model.partitions:
        yield (home,), base
    for join in joins(project, model):
        if join.entity == name and not join.refusal and not join.valid and len(join.pairs) == 1:
            yield (join.role,), join.target


def _inner(project: Project, base: str, links: Path, name: str, last: str, target: str, find: Find) -> Path | None:
    """The path by which rows of ``base`` have the entity as MetricFlow finds it; () where they name it themselves.

    None where they don't have it, or we would find another.
    """
    model, one = project.models[base], find(base, links, name)
    if one.refusal:
        return None
    if one.model == base:
        known = base == target or any(way == ((last,), target) for way in _ways(project, base, name))
        return () if known else None
    if any(join.role == last for join in joins(project, model)) or base == target:
        return None
    holder = project.models[one.model]
    if one.model == target:
        return one.path[:-1] if last == role(project, name, target) else None
    known = any(way == ((last,), target) for way in _ways(project, holder.name, name))
    return (*one.path[:-1], last) if known else None


def _filled(project: Project, metric: str, chain: Path = ()) -> str:
    """Why a metric may have a value for an entity without rows; '' where it has none."""
    found = project.metrics.get(metric)
    if found is None or metric in chain:
        return ""
    if found.fill is not None:
        return "fill_nulls_with"
    if found.kind == "derived":
        for part in walk(parse(found.expr)):
            plain = part.function in _EMPTY_STAYS if isinstance(part, Call) else isinstance(part, Name | Literal | Cast)
            if not plain:
                return found.expr
    return next((why for one in found.inputs if (why := _filled(project, one.metric, (*chain, metric)))), "")
