"""A release that a forge signed to the claims of the job, once its issuer bears them out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING

from workbench.access.publication import audience
from workbench.access.signers import VOUCHED, Signers
from workbench.declare.manifest import Signed
from workbench.declare.settings import Oidc
from workbench.errors import AccessDenied, Problem, ReviewError

if TYPE_CHECKING:
    from workbench.gateway.oidc import Provider

OLDEST = 600.0
"""Seconds after which a token signs nothing any more, however long its issuer believes it."""
LEEWAY = 60.0
"""Seconds that clocks may differ."""


class Issuers:
    """Those that a file of keys names, with the keys that they publish; any thread may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, Provider] = {}

    def claims(self, signed: Signed, signers: Signers) -> Mapping[str, object] | None:
        """What an issuer bears out of a release that a forge signed; None where a key did.

        Only issuers that are trusted already are asked. Raises `ReviewError` (bad-signature), and `AccessDenied`
        (identity-unavailable) where one does not answer.
        """
        if signed.key != VOUCHED:
            return None
        why, away = "no forge is trusted here", None
        for issuer in dict.fromkeys(job.issuer for job in signers.jobs):
            try:
                claims = self._provider(issuer).verify(signed.signature, {audience(signed.manifest)})
            except AccessDenied as error:
                why = error.problems[0].message.rstrip(".")
                away = error if error.slug == "identity-unavailable" else away
                continue
            _require_fresh(claims)
            return claims
        raise away or _refused(why)

    def _provider(self, issuer: str) -> Provider:
        from workbench.gateway.oidc import Provider  # needs packages that a gateway without logins does without

        with self._lock:
            if issuer not in self._known:
                self._known[issuer] = Provider(Oidc(issuer=issuer, client_id="workbench"))
            return self._known[issuer]


def _require_fresh(claims: Mapping[str, object]) -> None:
    made = claims.get("iat")
    if not isinstance(made, int | float) or not -LEEWAY <= time.time() - made <= OLDEST:
        raise _refused("the token of the job is not of the last minutes")


def _refused(why: str) -> ReviewError:
    hint = "Run the job again: each release has a token of its own."
    return ReviewError(Problem("bad-signature", f"the release is refused: {why}.", hint=hint))
