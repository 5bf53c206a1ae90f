"""A workspace's folder and who asks to a session over its embedded warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.access.principal import identify
from workbench.declare.workspace import find_root, load
from workbench.errors import AccessDenied, Problem, QuestionError
from workbench.session.answer import Draw
from workbench.session.draft_book import DraftBook
from workbench.session.drafts import Propose
from workbench.session.identity import local_identity
from workbench.session.session import Session


def open_session(
    workspace: str | Path | None = None,
    *,
    as_user: str | None = None,
    environment: str | None = None,
    draw: Draw | None = None,
    propose: Propose | None = None,
    say: Any = None,
) -> Session:
    """A session over the embedded warehouse of a workspace; builds the warehouse where its source is known.

    Raises `DeclarationError` for a broken workspace, `AccessDenied` for nobody, `WarehouseError` for the warehouse.
    """
    from workbench.warehouse.open import open_engine, open_ledger

    root = Path(workspace).resolve() if workspace is not None else find_root()
    if not root.is_dir():
        raise QuestionError(
            Problem(
                "no-workspace",
                f"no folder '{workspace}'.",
                hint="Give the folder of a workspace, or the address of a gateway with its 'http://'.",
            )
        )
    loaded = load(root).require()
    settings = loaded.settings
    name = environment or settings.default_environment
    where = settings.environment(name)
    principal = identify(loaded.roles, loaded.groups, local_identity(as_user, settings.identity), name)
    if not principal.roles:
        raise AccessDenied(
            Problem(
                "no-role",
                f"'{principal.name}' has no role: access/ declares none.",
                hint="Declare roles in access/roles.yml; 'workbench init' writes a first set.",
            )
        )
    engine, book = open_engine(root, where, say), DraftBook(root / ".workbench" / "drafts")
    session = Session(loaded, principal, engine, open_ledger(root), draw, propose=propose, book=book)
    book.take_up(principal.name, session.draft)
    return session


def anew(session: Session) -> Session:
    """The same asker over the files as they lie now: itself where none has changed; raises `DeclarationError`."""
    now = load(session.workspace.root)
    if now.fingerprint == session.workspace.fingerprint:
        return session
    held = now.require()
    who = identify(held.roles, held.groups, session.principal.name, session.principal.environment)
    return Session(held, who, session.ground.engine, session.ground.ledger)
