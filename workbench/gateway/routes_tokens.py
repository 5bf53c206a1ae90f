"""Routes for tokens: made for oneself, listed, and ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter, Body, Path, Request
from pydantic import ConfigDict, Field

from workbench.gateway.documented import KEPT
from workbench.gateway.gateway import Gateway
from workbench.gateway.identity import Identities
from workbench.gateway.token_rules import issue, listed, revoke
from workbench.gateway.wire import WHOLE
from workbench.warehouse.tokens import Token, Tokens


@dataclass(frozen=True, slots=True)
class TokenWish:
    """How long a token shall last, and what it may be used for."""

    __pydantic_config__: ClassVar[ConfigDict] = WHOLE
    days: Annotated[int, Field(ge=1, le=366)] = 30
    scope: Annotated[tuple[str, ...], Field(max_length=20)] = ("query",)


@dataclass(frozen=True, slots=True)
class TokenCard:
    """What is known of a token; never its secret."""

    id: str
    name: str
    scope: tuple[str, ...]
    state: Literal["valid", "revoked", "expired"]
    issued_by: str
    created: datetime
    expires: datetime
    last_used: datetime | None


@dataclass(frozen=True, slots=True)
class FreshToken:
    """A token's secret, shown once and kept nowhere."""

    secret: str
    token: TokenCard


def token_router(gateway: Gateway, identities: Identities, tokens: Tokens) -> APIRouter:
    """The routes below /v1/tokens."""
    router = APIRouter(tags=["tokens"], responses=KEPT)

    @router.get("/v1/tokens", summary="List one's tokens; everybody's, for stewards")
    def mine(request: Request) -> list[TokenCard]:
        return [_card(token) for token in listed(tokens, identities.caller(request.headers))]

    @router.post("/v1/tokens", status_code=201, summary="Have a token made for oneself")
    def make(wish: Annotated[TokenWish, Body()], request: Request) -> FreshToken:
        caller = identities.caller(request.headers)
        with gateway.deciding(caller.principal, "issue:token", request) as rules:
            secret, token = issue(tokens, caller, timedelta(days=wish.days), wish.scope)
            rules.extend((f"token '{token.id}'", *token.scope))
        return FreshToken(secret, _card(token))

    @router.delete("/v1/tokens/{id}", summary="End a token")
    def end(id: Annotated[str, Path(max_length=64)], request: Request) -> TokenCard:
        caller = identities.caller(request.headers)
        with gateway.deciding(caller.principal, "revoke:token", request, id):
            return _card(revoke(tokens, caller, id))

    return router


def _card(token: Token) -> TokenCard:
    return TokenCard(
        token.id, token.name, token.scope, token.state, token.issued_by, token.created, token.expires, token.last_used
    )
