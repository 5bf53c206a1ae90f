"""Who may have and end which tokens, for the routes that deal with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from workbench.access.scope import checked, narrowed
from workbench.errors import AccessDenied, Problem, QuestionError
from workbench.gateway.identity import Caller
from workbench.warehouse.tokens import Token, Tokens

MOST = 100
"""Valid tokens that one person may have made for themselves."""
TOKENS = ("token", "jupyterhub")
"""Means of callers who hold nothing but a secret that may have been stolen."""
STEWARDS = "change:access"
"""Whoever has this verb sees and ends everybody's tokens."""


def issue(tokens: Tokens, caller: Caller, expires: timedelta, scope: Iterable[str]) -> tuple[str, Token]:
    """A token for the caller's own use; raises `AccessDenied` (not-by-token, beyond-scope), `QuestionError`.

    Not for a caller with a token: a stolen one could be renewed for ever.
    """
    if caller.means in TOKENS:
        hint = "Log in by browser, or have 'workbench token issue' run on the gateway."
        raise AccessDenied(Problem("not-by-token", "a token cannot issue tokens.", hint=hint))
    wanted = checked(scope)
    if not narrowed(caller.principal, wanted).can:
        raise AccessDenied(
            Problem(
                "beyond-scope", f"nothing of '{', '.join(wanted)}' is yours to do.", hint="Ask for a scope you have."
            )
        )
    name = caller.principal.name
    if sum(one.state == "valid" and one.kind == "token" for one in tokens.listed(name)) >= MOST:
        raise QuestionError(
            Problem("too-many", f"'{name}' has {MOST} tokens that are valid.", hint="End some of them.")
        )
    return tokens.issue(name, expires, wanted, name)


def listed(tokens: Tokens, caller: Caller) -> tuple[Token, ...]:
    """The caller's own tokens; everybody's for stewards. A token knows itself alone."""
    if STEWARDS in caller.principal.can:
        return tokens.listed()
    own = tokens.listed(caller.principal.name)
    return tuple(one for one in own if one.id == caller.token) if caller.means in TOKENS else own


def revoke(tokens: Tokens, caller: Caller, id: str) -> Token:
    """End a token of one's own, or anybody's for stewards; raises `QuestionError` (unknown-token).

    A token ends itself alone: with a stolen one, nobody is to end what else its owner works with.
    """
    if STEWARDS in caller.principal.can:
        return tokens.revoke(id)
    if caller.means in TOKENS and id != caller.token:
        raise AccessDenied(
            Problem("not-by-token", "a token ends no token but itself.", hint="Log in by browser, or send that one.")
        )
    return tokens.revoke(id, caller.principal.name)
