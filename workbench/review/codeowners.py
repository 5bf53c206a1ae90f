"""The owners that declarations name to the CODEOWNERS file that a forge asks."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.access.principal import identify
from workbench.access.rules import decide
from workbench.declare.workspace import Workspace

FILE = ".github/CODEOWNERS"
HEAD = "# Written by 'workbench codeowners' from the owners in metrics/ and the groups in access/."
GITHUB = "github:"


def codeowners(workspace: Workspace) -> str:
    """The text of the file: each file of declarations with its owners' members, and the rules with the stewards.

    Of several matching lines the last one counts, so what is general comes first.
    """
    return "\n".join((HEAD, *_lines(workspace))) + "\n"


def _lines(workspace: Workspace) -> Iterator[str]:
    stewards = _stewards(workspace)
    for path in ("/metrics/", "/notebooks/dashboards/"):
        yield _line(path, stewards)
    owners: dict[str, list[str]] = {}
    for held in (workspace.models, workspace.metrics, workspace.saved_queries, workspace.dashboards):
        for declared in held.values():
            owners.setdefault(declared.place.file, []).append(declared.term.owner)
    for file, names in sorted(owners.items()):
        members = [
            m for name in dict.fromkeys(names) if name in workspace.groups for m in workspace.groups[name].members
        ]
        if _handles(members):
            yield _line(f"/{file}", _handles(members))
    for path in ("/access/", "/.github/", "/pyproject.toml"):
        yield _line(path, stewards)


def _stewards(workspace: Workspace) -> tuple[str, ...]:
    people = dict.fromkeys(member for group in workspace.groups.values() for member in group.members)
    known = {who: identify(workspace.roles, workspace.groups, who, "") for who in people}
    return _handles([who for who in people if decide(known[who], "change:access", roles=workspace.roles)])


def _handles(members: list[str]) -> tuple[str, ...]:
    """How the forge calls people: by login where that is known, else by address."""
    found = (f"@{m.removeprefix(GITHUB)}" if m.startswith(GITHUB) else m for m in members if m != "*")
    return tuple(sorted(dict.fromkeys(one for one in found if "@" in one and " " not in one)))


def _line(path: str, owners: tuple[str, ...]) -> str:
    return " ".join((path.replace(" ", "\\ "), *owners))
