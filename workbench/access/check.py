"""The access files of a workspace to every problem in them: names that lead nowhere, circles, rules that never hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from workbench.access.gaps import gaps
from workbench.access.principal import EVERYONE, same_name, with_extended
from workbench.access.restriction import same_column
from workbench.access.rules import covers
from workbench.access.verbs import verb_of, verbs_near
from workbench.declare.dashboard import Dashboard
from workbench.declare.declared import Declared
from workbench.declare.people import Groups, Policy, Role, Roles
from workbench.declare.workspace import Workspace
from workbench.errors import Place, Problem, did_you_mean, one_of

Columns = Mapping[str, Iterable[str]]
"""Every table of the warehouse with its columns."""


def problems(workspace: Workspace, tables: Columns | None = None) -> tuple[Problem, ...]:
    """Everything wrong in `access/`; without ``tables`` what is said about the warehouse is taken on trust."""
    found = list(_no_roles(workspace))
    for one in workspace.people:
        found += _roles(one, one.term, workspace.roles) if isinstance(one.term, Roles) else ()
        found += _groups(one, one.term, workspace.roles) if isinstance(one.term, Groups) else ()
    known = _Known(workspace)
    for policy in workspace.policies:
        found += known.policy(policy, tables)
    for page in workspace.dashboards.values():
        found += known.audience(page)
    return (*found, *gaps(workspace, tables))


def _no_roles(workspace: Workspace) -> Iterator[Problem]:
    if not workspace.roles:
        hint = "Declare them in access/roles.yml; until then nobody may do anything."
        yield Problem("no-roles", "no role is declared.", Place("access"), hint)
    elif EVERYONE not in workspace.roles:
        hint = f"Without it, whoever is in no group may do nothing: declare '{EVERYONE}' if that is not meant."
        yield Problem("no-common-role", f"no role '{EVERYONE}' is declared.", Place("access"), hint, "warning")


def _roles(declared: Declared[Any], term: Roles, roles: Mapping[str, Role]) -> Iterator[Problem]:
    for name, role in term.roles.items():
        if role.extends is not None and role.extends not in roles:
            place = declared.place_of("roles", name, "extends")
            yield Problem("unknown-role", f"no role '{role.extends}'.", place, did_you_mean(role.extends, roles))
        elif role.extends is not None and name in with_extended(roles, (role.extends,)):
            place = declared.place_of("roles", name, "extends")
            yield Problem("role-cycle", f"'{name}' extends itself, by way of '{role.extends}'.", place)
        for at, verb in enumerate(role.can):
            if verb_of(verb) is None:
                place = declared.place_of("roles", name, "can", at)
                yield Problem("unknown-verb", f"no verb '{verb}'.", place, verbs_near(verb))


def _groups(declared: Declared[Any], term: Groups, roles: Mapping[str, Role]) -> Iterator[Problem]:
    for name, group in term.groups.items():
        if group.role not in roles:
            place = declared.place_of("groups", name, "role")
            yield Problem("unknown-role", f"no role '{group.role}'.", place, did_you_mean(group.role, roles))
        for at, member in enumerate(group.members):
            if not same_name(member) or member.strip() == "*":
                place = declared.place_of("groups", name, "members", at)
                hint = f"Name each person; whoever is signed in has the role '{EVERYONE}' anyway."
                yield Problem("bad-member", f"'{member}' is nobody's name.", place, hint)


class _Known:
    """What a policy may name."""

    def __init__(self, workspace: Workspace) -> None:
        self.roles = workspace.roles
        self.groups = workspace.groups
        self.people = {same_name(member) for group in workspace.groups.values() for member in group.members}
        self.attributes = {name for group in workspace.groups.values() for name in group.attributes}
        self.environments = {workspace.settings.default_environment, *workspace.settings.environments}
        models = [declared.term for declared in workspace.models.values()]
        self.tags = {tag for model in models for dimension in model.dimensions.values() for tag in dimension.tags}

    def policy(self, declared: Declared[Policy], tables: Columns | None) -> Iterator[Problem]:
        """Everything wrong in one policy."""
        policy = declared.term
        schema, _, name = policy.resource.partition(".")
        if not schema or not name or "*" in schema or ("*" in name and name != "*"):
            hint = "Name one table ('gold.flights') or all of a schema ('gold.*')."
            place = declared.place_of("resource")
            yield Problem("bad-resource", f"'{policy.resource}' is neither a table nor a schema.", place, hint)
            return
        columns = None
        if tables is not None:
            columns = {same_column(c) for t, cs in tables.items() if covers(policy.resource, t) for c in cs}
            if not any(covers(policy.resource, table) for table in tables):
                hint = did_you_mean(policy.resource, tables, f"There is {', '.join(tables) or 'none'}.")
                place = declared.place_of("resource")
                yield Problem("missing-table", f"no table is called '{policy.resource}'.", place, hint)
                columns = None
        yield from self._words(declared)
        yield from self._columns(declared, columns)
        if tables is not None and columns:
            yield from _untried(declared, columns, tables)
        yield from self._rules(declared)

    def _words(self, declared: Declared[Policy]) -> Iterator[Problem]:
        """Roles, groups, people and environments that do not exist."""
        policy = declared.term
        for kind in ("grant", "restrict", "mask", "deny"):
            for at, rule in enumerate(getattr(policy, kind)):
                for key, words in (("to", rule.to), ("except", getattr(rule, "except_", ()))):
                    for index, word in enumerate(words):
                        if problem := self._whom(word):
                            yield replace(problem, place=declared.place_of(kind, at, key, index))
                for index, environment in enumerate(getattr(rule, "env", ())):
                    if environment != "*" and environment not in self.environments:
                        hint = did_you_mean(environment, self.environments, "See [tool.workbench] in pyproject.toml.")
                        place = declared.place_of(kind, at, "env", index)
                        yield Problem("unknown-environment", f"no environment '{environment}'.", place, hint)

    def audience(self, declared: Declared[Dashboard]) -> Iterator[Problem]:
        """Roles, groups and people that a page is for, and that do not exist."""
        for at, word in enumerate(declared.term.audience):
            if problem := self._whom(word):
                yield replace(problem, place=declared.place_of("audience", at))

    def _whom(self, word: str) -> Problem | None:
        kind, colon, name = word.partition(":")
        if word == "*" or (not colon and word in self.roles):
            return None
        if not colon:
            near = did_you_mean(word, (*self.roles, *(f"group:{g}" for g in self.groups)))
            return Problem("unknown-role", f"no role '{word}'.", hint=near)
        if kind == "group":
            near = did_you_mean(name, self.groups)
            return None if name in self.groups else Problem("unknown-group", f"no group '{name}'.", hint=near)
        if kind == "user":
            if name != same_name(name):
                return Problem("unknown-user", f"'{name}' must be written as '{same_name(name)}'.")
            near = did_you_mean(name, self.people, "People are those that groups list.")
            return None if name in self.people else Problem("unknown-user", f"no user '{name}'.", hint=near)
        return Problem(
            "bad-whom", f"'{word}' means nobody.", hint="Write a role, 'group:<name>', 'user:<name>' or '*'."
        )

    def _columns(self, declared: Declared[Policy], columns: set[str] | None) -> Iterator[Problem]:
        if columns is None:
            return
        policy = declared.term
        named: list[tuple[tuple[str | int, ...], str]] = [
            (("restrict", at, "rows", "column"), rule.rows.column) for at, rule in enumerate(policy.restrict)
        ]
        listed = [("grant", at, one.columns) for at, one in enumerate(policy.grant)]
        listed += [("deny", at, one.columns) for at, one in enumerate(policy.deny)]
        for kind, at, names in listed:
            named += [((kind, at, "columns", i), column) for i, column in enumerate(names)]
        for path, column in named:
            if column != "*" and same_column(column) not in columns:
                hint = did_you_mean(column, columns, f"There is {', '.join(sorted(columns))}.")
                message = f"'{policy.resource}' has no column '{column}'."
                yield Problem("missing-column", message, declared.place_of(*path), hint)

    def _rules(self, declared: Declared[Policy]) -> Iterator[Problem]:
        """Tags and attributes that nothing carries, and comparisons that can't hold."""
        for at, rule in enumerate(declared.term.mask):
            if rule.tag not in self.tags:
                hint = did_you_mean(rule.tag, self.tags, "Tags stand on dimensions in metrics/models.")
                place = declared.place_of("mask", at, "tag")
                yield Problem("unknown-tag", f"no dimension carries the tag '{rule.tag}'.", place, hint)
        for at, restrict in enumerate(declared.term.restrict):
            rows = restrict.rows
            if rows.attribute is not None and rows.attribute not in self.attributes:
                hint = did_you_mean(rows.attribute, self.attributes, "Attributes stand on groups in access/groups.yml.")
                place = declared.place_of("restrict", at, "rows", "attribute")
                yield Problem("unknown-attribute", f"no group has the attribute '{rows.attribute}'.", place, hint)
            if rows.op == "eq" and len(rows.values) > 1:
                place = declared.place_of("restrict", at, "rows", "values")
                yield Problem("bad-value", "'eq' takes one value.", place, "Write 'op: in' for several.")


def _untried(declared: Declared[Policy], columns: set[str], tables: Columns) -> Iterator[Problem]:
    """Row rules of a whole schema, some of whose tables lack the column: whom they bind may not read those at all."""
    policy = declared.term
    for at, rule in enumerate(policy.restrict):
        name = same_column(rule.rows.column)
        lack = [t for t, cs in tables.items() if covers(policy.resource, t) and name not in map(same_column, cs)]
        if lack and name in columns:
            yield Problem(
                "missing-column",
                f"'{rule.name}' can't be tried on {one_of(lack)}: no column '{name}'. Whom it binds reads none of it.",
                declared.place_of("restrict", at, "rows", "column"),
                "Write the rule for the tables that have the column, if that is not meant.",
                "warning",
            )
