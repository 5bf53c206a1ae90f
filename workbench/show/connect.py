"""A workspace to a session whose answers draw themselves: what `workbench.connect` is."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from workbench.errors import Problem, QuestionError
from workbench.session.catalog import Cards
from workbench.session.door import Door, Explanation
from workbench.session.opening import open_session
from workbench.session.session import Session

if TYPE_CHECKING:
    from workbench.gateway.wire import QueryState
    from workbench.review.proposal import Proposed
    from workbench.session.drafts import Proposal
    from workbench.warehouse.engine import Engine


@overload
def connect(
    workspace: Path | None = None, *, as_user: str | None = None, environment: str | None = None, token: None = None
) -> Session: ...


@overload
def connect(
    workspace: str, *, as_user: str | None = None, environment: str | None = None, token: str | None = None
) -> Any: ...


def connect(
    workspace: str | Path | None = None,
    *,
    as_user: str | None = None,
    environment: str | None = None,
    token: str | None = None,
) -> Door:
    """Open a session at the workspace in or above this folder, at the one given, or behind a gateway's address.

    ``as_user`` names an identity of `access/`; ``environment`` one of pyproject's. Behind a gateway the ``token``
    says who asks, or WORKBENCH_TOKEN. Raises `WorkbenchError`.
    """
    if isinstance(workspace, str) and workspace.startswith(("http://", "https://")):
        return _connect_to(workspace, token or os.environ.get("WORKBENCH_TOKEN"), as_user or environment)
    return open_session(workspace, as_user=as_user, environment=environment, draw=_draw, propose=_propose, say=_say)


def _connect_to(url: str, token: str | None, wish: str | None) -> Door:
    from workbench.gateway.client import open_remote

    if wish is not None:
        problem = Problem("unknown-option", f"'{wish}' is not yours to choose here.", hint="The token says who asks.")
        raise QuestionError(problem)
    return open_remote(url, token, draw=_draw, propose=_propose, progress=_tell)


def _tell(state: QueryState) -> None:
    """How far a long question is, on the line where it was said before."""
    if state.position:
        _say(f"waiting, number {state.position} in line, for {state.elapsed:.0f} s")
    elif round(state.elapsed) % 5 == 0 or state.elapsed < 3:
        _say(f"running for {state.elapsed:.0f} s" + (f", {state.rows:,} rows" if state.rows else ""))


def _draw(shown: Any, what: Literal["chart", "bundle", "text"]) -> Any:
    from workbench.show.draw import draw, draw_cards, draw_plan  # drawing is loaded with the first picture

    if isinstance(shown, Explanation):
        return draw_plan(shown)
    return draw_cards(shown) if isinstance(shown, Cards) else draw(shown, what)


def _propose(proposal: Proposal, root: Path, engine: Engine | None) -> Proposed:
    from workbench.review.proposal import propose

    return propose(root, proposal.path, proposal.text, engine, _say)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
