"""A change to the rulings on what leaves: nothing that is used goes at once, and nothing new is built on what goes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import date, timedelta

from workbench.declare.workspace import Workspace
from workbench.review.changes import Change
from workbench.review.gate import Ruling
from workbench.review.mentions import Mentions, of_dashboard, of_metric, of_notebook, of_question
from workbench.warehouse.ledger import Run

Notebooks = Mapping[str, bytes]
NOTICE_DAYS = 30
"""How long whoever uses a metric is told before it ends."""


def lifecycle(
    base: Workspace,
    head: Workspace,
    changes: Iterable[Change],
    notebooks: tuple[Notebooks, Notebooks],
    runs: Iterable[Run],
    today: date,
) -> tuple[Ruling, ...]:
    """The rulings on removals, and on new uses of what is deprecated; ``notebooks`` are those before and after."""
    known = base.metrics.keys() | head.metrics.keys()  # what is gone may still be named
    before, after = users(base, notebooks[0], known), users(head, notebooks[1], known)
    asked = {name for run in runs for name in run.subject}
    told = tuple(changes)
    rulings = [_leaving(base, change, after, asked, today) for change in told if _leaves(change, base)]
    rulings += [_hastened(head, change, after, asked) for change in told if _ends_soon(change, base, head, today)]
    return (*rulings, *_new_uses(head, before, after))


def users(workspace: Workspace, notebooks: Notebooks, known: Container[str]) -> Mapping[tuple[str, str], Mentions]:
    """Everything in a workspace that uses metrics, by its kind and name; in notebooks, those that are ``known``."""
    found = {("metric", name): of_metric(d.term) for name, d in workspace.metrics.items()}
    found |= {("saved query", name): of_question(d.term.question()) for name, d in workspace.saved_queries.items()}
    found |= {("dashboard", name): of_dashboard(d.term) for name, d in workspace.dashboards.items()}
    return found | {("notebook", name): of_notebook(text, known) for name, text in notebooks.items()}


def _leaves(change: Change, base: Workspace) -> bool:
    """Whether a public metric cannot be asked for any more under its name."""
    if change.kind != "metric" or not change.was or base.metrics[change.was].term.visibility != "public":
        return False
    hidden = any(part.path == ("visibility",) for part in change.parts)
    return change.how in ("removed", "renamed") or hidden


def _ends_soon(change: Change, base: Workspace, head: Workspace, today: date) -> bool:
    """Whether a metric newly ends sooner than its users could move."""
    if change.kind != "metric" or change.how not in ("changed", "renamed"):
        return False
    was, now = base.metrics[change.was].term.deprecated, head.metrics[change.name].term.deprecated
    until = now.until if now else None
    return until is not None and until < today + timedelta(NOTICE_DAYS) and (was is None or was.until != until)


def _hastened(head: Workspace, change: Change, after: Mapping[tuple[str, str], Mentions], asked: set[str]) -> Ruling:
    left = _left(change.name, after, asked)
    deprecated = head.metrics[change.name].term.deprecated
    said = f"'{change.name}' ends on {deprecated.until if deprecated else None}"
    if not left:
        return Ruling("announced-removal", True, f"{said}, and nothing uses it.")
    hint = f"Give them {NOTICE_DAYS} days."
    return Ruling("announced-removal", False, f"{said}, and {left} still use it.", hint)


def _left(name: str, after: Mapping[tuple[str, str], Mentions], asked: set[str]) -> str:
    """Who uses a metric still, in words; '' where nobody does."""
    left = [f"{kind} '{user}'" for (kind, user), said in after.items() if name in said.metrics and user != name]
    left += ["people who asked for it of late"] if name in asked else []
    return ", ".join(left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")


def _leaving(
    base: Workspace, change: Change, after: Mapping[tuple[str, str], Mentions], asked: set[str], today: date
) -> Ruling:
    name = change.was
    left = _left(name, after, asked)
    deprecated = base.metrics[name].term.deprecated
    if deprecated and deprecated.until and deprecated.until <= today:
        return Ruling("announced-removal", True, f"'{name}' was deprecated until {deprecated.until}.")
    if not left:
        return Ruling("announced-removal", True, f"nothing uses '{name}'.")
    until = f"It is deprecated until {deprecated.until}; wait." if deprecated and deprecated.until else ""
    hint = until or "Deprecate it first: 'deprecated: {since: ..., until: ..., replaced_by: ...}'."
    return Ruling("announced-removal", False, f"'{name}' goes, and {left} still use it.", hint)


def _new_uses(
    head: Workspace, before: Mapping[tuple[str, str], Mentions], after: Mapping[tuple[str, str], Mentions]
) -> Iterator[Ruling]:
    leaving = {name: d.term.deprecated for name, d in head.metrics.items() if d.term.deprecated}
    for user, said in after.items():
        known = before[user].metrics if user in before else frozenset()
        for name in sorted((said.metrics & leaving.keys()) - known - {user[1]}):
            instead = leaving[name].replaced_by
            hint = f"Use '{instead}'." if instead else "Ask its owner what to use."
            yield Ruling(
                "no-new-use", False, f"the {user[0]} '{user[1]}' newly uses '{name}', which is deprecated.", hint
            )
