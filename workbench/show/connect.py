"""A workspace to a session whose answers draw themselves: what `workbench.connect` is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

from workbench.session.catalog import Cards
from workbench.session.door import Explanation
from workbench.session.session import Session, open_session


def connect(
    workspace: str | Path | None = None, *, as_user: str | None = None, environment: str | None = None
) -> Session:
    """Open a session at the workspace in or above this folder, or at the one given.

    ``as_user`` names an identity of `access/`; ``environment`` one of pyproject's. Raises `WorkbenchError`.
    """
    return open_session(workspace, as_user=as_user, environment=environment, draw=_draw, say=_say)


def _draw(shown: Any, what: Literal["chart", "bundle", "text"]) -> Any:
    from workbench.show.draw import draw, draw_cards, draw_plan  # drawing is loaded with the first picture

    if isinstance(shown, Explanation):
        return draw_plan(shown)
    return draw_cards(shown) if isinstance(shown, Cards) else draw(shown, what)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
