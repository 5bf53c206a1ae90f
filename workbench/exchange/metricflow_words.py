"""Our models as MetricFlow sees them: which entity each join goes by, and what a path or condition is called there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from workbench.declare.expression import Call, Expression, Has, Literal, Name, children, rebuild
from workbench.declare.grains import GRAINS
from workbench.declare.parser import parse
from workbench.declare.temporal import as_date, as_timestamp
from workbench.declare.terms import Relationship
from workbench.exchange.metricflow_names import PARTS
from workbench.exchange.osi_ansi import ansi, refused
from workbench.exchange.osi_sql import field_tree
from workbench.graph.bind import is_moment
from workbench.graph.build import Graph
from workbench.graph.days import by_day
from workbench.graph.paths import METRIC_TIME, find, finest

_PARTS = {ours: theirs for theirs, ours in PARTS.items()}


@dataclass(frozen=True, slots=True)
class Words:
    """The names of entities: a model's own, and that of each of its roles."""

    graph: Graph
    own: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def element(self, base: str, path: tuple[str, ...], axis: str | None) -> str:
        """The call that stands for a path in a filter or a grouping; raises what makes it unsayable."""
        found = find(self.graph, base, path, axis=axis)
        if found.grain and found.grain not in GRAINS:
            raise refused(f"'{'.'.join(path)}' has a grain of one's own")
        if found.part and found.part not in _PARTS:
            raise refused(f"'{'.'.join(path)}' is a part of a date that has no counterpart")
        dimension = self.graph.dimension(found.model, found.dimension)
        field_tree(self.graph, found.model, found.dimension)  # raises where there is no such dimension
        name = METRIC_TIME if path[0] == METRIC_TIME else "__".join((*self._links(base, found.roles), found.dimension))
        if dimension.type != "time":
            return f"Dimension('{name}')"
        part = f".date_part('{_PARTS[found.part]}')" if found.part else ""
        grain = f", '{found.grain or dimension.grain or 'day'}'" if not part else ""
        return f"TimeDimension('{name}'{grain}){part}"

    def _links(self, base: str, roles: tuple[str, ...]) -> Iterator[str]:
        if not roles:
            yield self.own[base]
        for role in roles:
            if (base, role) not in self.roles:
                raise refused(f"the relationship '{base}.{role}' has no counterpart")
            yield self.roles[base, role]
            base = self.graph.model(base).relationships[role].to

    def zone(self, base: str, path: tuple[str, ...], axis: str | None) -> str | None:
        """The time zone that a path is read in."""
        found = find(self.graph, base, path, axis=axis)
        return self.graph.dimension(found.model, found.dimension).timezone

    def condition(self, base: str, text: str, axis: str | None) -> str:
        """A filter on rows of a model, with a template call for each path."""
        calls: dict[str, str] = {}

        def change(part: Expression) -> Expression:
            if isinstance(part, Has):
                raise refused("a condition on metrics of an entity ('has') is not written")
            if isinstance(part, Call):
                part = by_day(part, lambda name: is_moment(self.graph, base, name, axis))
                self._refuse_clocks(base, part, axis)
            if not isinstance(part, Name):
                return rebuild(part, change)
            single = part.path[0] if len(part.path) == 1 else None
            if single and single != METRIC_TIME and single not in self.graph.model(base).dimensions:
                raise refused(f"its filter reads the column '{single}', which is no dimension")
            if self.zone(base, part.path, axis):
                raise refused(f"its filter reads '{part}' in a time zone")
            name = f"\N{PILCROW SIGN}{len(calls)}\N{PILCROW SIGN}"
            calls[f'"{name}"'] = f"{{{{ {self.element(base, part.path, axis)} }}}}"
            return Name((name,))

        out = ansi(change(parse(text)))
        for name, call in calls.items():
            out = out.replace(name, call)
        return out

    def _refuse_clocks(self, base: str, tree: Expression, axis: str | None) -> None:
        """Times that are known by the day are days to MetricFlow, so a moment of the day would mean another one."""
        texts = [str(part.value) for part in children(tree) if isinstance(part, Literal)]
        if not any(as_timestamp(text, zoned=True) and not as_date(text) for text in texts):
            return
        for part in children(tree):
            if isinstance(part, Name) and is_moment(self.graph, base, part, axis):
                found = find(self.graph, base, part.path, axis=axis)
                if finest(self.graph.dimension(found.model, found.dimension)) == "day":
                    raise refused(f"its filter compares '{part}' with a time of day")

    def row(self, base: str, tree: Expression) -> Expression:
        """An expression over columns of the table alone, which is all that a measure may read."""
        if isinstance(tree, Has):
            raise refused("a condition on metrics of an entity ('has') is not written")
        if isinstance(tree, Call):
            tree = by_day(tree, lambda name: is_moment(self.graph, base, name, None))
        if not isinstance(tree, Name):
            return rebuild(tree, lambda part: self.row(base, part))
        if len(tree.path) == 1 and tree.path[0] not in self.graph.model(base).dimensions:
            return tree
        found = find(self.graph, base, tree.path)
        if found.roles or found.grain or found.part or found.model != base:
            raise refused(f"it aggregates '{tree}', and a measure reads columns of its own table")
        return field_tree(self.graph, base, found.dimension)


def words(graph: Graph) -> Words:
    """The entities of a graph, each with a name that nothing else in its models has."""
    own = {name: _free(graph, one.term.entity or name, (name,)) for name, one in graph.models.items()}
    roles: dict[tuple[str, str], str] = {}
    lands: dict[str, tuple[str, str]] = {
        own[name]: (name, one.term.primary_key[0])
        for name, one in graph.models.items()
        if len(one.term.primary_key) == 1
    }
    for name, one in graph.models.items():
        for role, relationship in one.term.relationships.items():
            if unjoinable(graph, name, relationship):
                continue
            target = (relationship.to, relationship.pairs()[0][1])
            taken = {own[name], *(known for (model, _), known in roles.items() if model == name)}
            entity = role
            if (
                entity in taken
                or lands.get(entity, target) != target
                or (entity in own.values() and entity not in lands)
            ):
                entity = f"{name}_{role}"
            entity = _free(graph, entity, (name, relationship.to))
            roles[name, role] = entity
            lands[entity] = target
    return Words(graph, own, roles)


def unjoinable(graph: Graph, model: str, relationship: Relationship) -> str:
    """Why a relationship goes by no entity; '' where it does."""
    if relationship.to not in graph.models:
        return "its model is not declared"
    if relationship.to == model:
        return "a model is not joined with itself"
    if relationship.valid is not None:
        return "joins by validity are not written"
    return "a key of several columns goes by no entity" if len(relationship.pairs()) > 1 else ""


def _free(graph: Graph, name: str, models: tuple[str, ...]) -> str:
    """The name, or a longer one where a dimension of the models has it."""
    while any(name in graph.model(model).dimensions for model in models if model in graph.models):
        name = f"{name}_key"
    return name
