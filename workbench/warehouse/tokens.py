"""Tokens of the gateway's own: issued once, kept as hashes, narrowed by a scope, and dead when revoked or expired."""

from __future__ import annotations

import hmac
import re
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from workbench.access.principal import same_name
from workbench.access.scope import checked
from workbench.errors import AccessDenied, Problem, QuestionError, WarehouseError
from workbench.warehouse.ledger_database import BUSY, open_database
from workbench.warehouse.ledger_facts import in_utc

Kind = Literal["token", "session"]
PREFIXES: Mapping[Kind, str] = {"token": "wbt", "session": "wbs"}
"""What the two kinds begin with, so that scanners of leaked secrets know them: for programs, and for browsers."""
REMEMBERED = 2.0
"""Seconds that a process believes what it read of a token: so long may a revoked one live elsewhere."""
TO_SPARE = 0.75
"""Of that time, the share in which it may be counted on."""
MANY = 10_000
"""Tokens remembered at once."""
USED = timedelta(minutes=1)
"""How exactly the last use is kept."""
LONGEST = timedelta(days=366)

_SHAPE = re.compile(r"(?P<prefix>wb[ts])_(?P<id>[0-9a-f]{12})_[A-Za-z0-9_-]{43}")

TOKENS = sa.table(
    "tokens",
    *(sa.column(name, sa.Text) for name in ("id", "kind", "hash", "name", "issued_by")),
    *(sa.column(name, sa.JSON) for name in ("scope", "claimed")),
    *(sa.column(name, sa.DateTime(timezone=True)) for name in ("created", "expires", "revoked", "last_used")),
)


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; its secret is not."""

    id: str
    kind: Kind
    name: str
    scope: tuple[str, ...]
    issued_by: str
    created: datetime
    expires: datetime
    revoked: datetime | None = None
    last_used: datetime | None = None
    claimed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> Literal["valid", "revoked", "expired"]:
        """Whether it may be used now."""
        if self.revoked is not None:
            return "revoked"
        return "valid" if datetime.now(UTC) < self.expires else "expired"


class Tokens:
    """The tokens in the ledger at one URL, for several processes at once."""

    def __init__(self, url: str, remembered: float = REMEMBERED) -> None:
        self._url = sa.make_url(url)
        self._remembered = remembered
        self._engine: sa.Engine | None = None
        self._opening = threading.Lock()
        self._known: dict[str, tuple[float, str, Token]] = {}

    def issue(
        self,
        name: str,
        expires: timedelta,
        scope: Iterable[str] = ("query",),
        issued_by: str = "",
        kind: Kind = "token",
        claimed: Mapping[str, Any] | None = None,
    ) -> tuple[str, Token]:
        """A new token: the secret, which is never shown again, and what is kept.

        Raises `QuestionError` (unknown-scope, bad-expiry, no-name).
        """
        if not timedelta(0) < expires <= LONGEST:
            hint = f"Give a time up to {LONGEST.days} days, such as 7d."
            raise QuestionError(Problem("bad-expiry", f"a token cannot expire after {expires}.", hint=hint))
        if not same_name(name):
            raise QuestionError(Problem("no-name", "a token is somebody's.", hint="Say whose."))
        id, now = secrets.token_hex(6), datetime.now(UTC)
        text = f"{PREFIXES[kind]}_{id}_{secrets.token_urlsafe(32)}"
        token = Token(id, kind, same_name(name), checked(scope), issued_by, now, now + expires, claimed=claimed or {})
        row = {name: getattr(token, name) for name in Token.__slots__} | {"hash": _hash(text)}
        with self._used("cannot be written") as engine, engine.begin() as connection:
            connection.execute(sa.insert(TOKENS), row)
        return text, token

    def verify(self, text: str, kind: Kind = "token") -> Token:
        """The token of a secret; raises `AccessDenied` (bad-token, token-revoked, token-expired)."""
        shape = _SHAPE.fullmatch(text)
        digest, token = self._read(shape["id"]) if shape and shape["prefix"] == PREFIXES[kind] else ("", None)
        # Compared even where there is none, so that time does not tell which ids there are.
        if not hmac.compare_digest(_hash(text), digest or _hash("")) or token is None or token.kind != kind:
            raise AccessDenied(
                Problem("bad-token", "the token is none of this gateway's.", hint="Ask for another, or log in again.")
            )
        if token.state != "valid":
            raise AccessDenied(
                Problem(
                    f"token-{token.state}",
                    f"the token '{token.id}' of '{token.name}' is {token.state}.",
                    hint="Ask for another, or log in again.",
                )
            )
        return token

    def remembers(self, text: str) -> bool:
        """Whether `verify` can tell without the ledger, with time to spare."""
        shape = _SHAPE.fullmatch(text)
        known = self._known.get(shape["id"]) if shape else None
        return known is not None and time.monotonic() - known[0] < self._remembered * TO_SPARE

    def forget(self) -> None:
        """Believe nothing of a moment ago: the next look at a token is at the ledger."""
        self._known.clear()

    def listed(self, name: str = "") -> tuple[Token, ...]:
        """All tokens, or somebody's, newest first."""
        query = sa.select(TOKENS).order_by(TOKENS.c.created.desc(), TOKENS.c.id)
        if name:
            query = query.where(TOKENS.c.name == same_name(name))
        with self._used("cannot be read") as engine, engine.connect() as connection:
            return tuple(_token(row) for row in connection.execute(query).mappings())

    def revoke(self, id: str, name: str = "") -> Token:
        """End a token, of ``name`` where given; raises `QuestionError` (unknown-token). Twice is as good as once."""
        query = sa.select(TOKENS).where(TOKENS.c.id == id)
        if name:
            query = query.where(TOKENS.c.name == same_name(name))
        ended = sa.update(TOKENS).where(TOKENS.c.id == id, TOKENS.c.revoked.is_(None)).values(revoked=datetime.now(UTC))
        with self._used("cannot be written") as engine, engine.begin() as connection:
            if connection.execute(query).first() is None:
                hint = "'workbench token list' shows them; an id is the part after the first '_'."
                raise QuestionError(Problem("unknown-token", f"no token '{id}'.", hint=hint))
            connection.execute(ended)
            token = _token(connection.execute(query).mappings().one())
        self._known.pop(id, None)
        return token

    def close(self) -> None:
        """Let go of the database; it may be used again."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    # ------------------------------------------------------------------ inside

    def _read(self, id: str) -> tuple[str, Token | None]:
        """The hash and the facts of a token, from a moment ago at most."""
        now = time.monotonic()
        known = self._known.get(id)
        if known is not None and now - known[0] < self._remembered:
            return known[1:]
        with self._used("cannot be read") as engine:
            with engine.connect() as connection:
                row = connection.execute(sa.select(TOKENS).where(TOKENS.c.id == id)).mappings().first()
            if row is None:
                self._known.pop(id, None)
                return "", None
            token = _token(row)
            if token.state == "valid" and (token.last_used is None or datetime.now(UTC) - token.last_used > USED):
                _note_use(engine, id)
        if len(self._known) >= MANY:
            self._known.clear()
        self._known[id] = (now, row["hash"], token)
        return row["hash"], token

    @contextmanager
    def _used(self, what: str) -> Iterator[sa.Engine]:
        """The engine, whose errors are told as ours."""
        try:
            with self._opening:
                if self._engine is None:
                    self._engine = open_database(self._url)
                engine = self._engine
            yield engine
        except (SQLAlchemyError, OSError) as error:
            where = self._url.render_as_string(hide_password=True)
            cause = str(getattr(error, "orig", None) or error).partition("\n")[0]
            raise WarehouseError(
                Problem(
                    "tokens-unavailable", f"The tokens in '{where}' {what}: {cause}.", hint="Try again in a moment."
                )
            ) from None


def _note_use(engine: sa.Engine, id: str) -> None:
    """Keep the moment; it is not worth waiting for another writer, nor worth an error."""
    sqlite = engine.dialect.name == "sqlite"
    with suppress(SQLAlchemyError), engine.connect() as connection:
        if sqlite:
            connection.exec_driver_sql("PRAGMA busy_timeout = 20")
        try:
            connection.execute(sa.update(TOKENS).where(TOKENS.c.id == id).values(last_used=datetime.now(UTC)))
            connection.commit()
        finally:
            if sqlite:
                connection.rollback()
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY * 1000}")


def _hash(text: str) -> str:
    # Plain: 256 random bits cannot be guessed, so nothing slower would keep them better.
    return sha256(text.encode("utf-8", "replace")).hexdigest()


def _token(row: Mapping[Any, Any]) -> Token:
    given: dict[str, Any] = {name: row[name] for name in ("id", "kind", "name", "issued_by", "claimed")}
    for name in ("created", "expires", "revoked", "last_used"):
        given[name] = row[name] and in_utc(row[name])
    return Token(**given, scope=tuple(row["scope"]))
