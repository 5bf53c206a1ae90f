"""A token of an identity provider to its claims: signature, algorithm, issuer, audience and time, or a refusal."""

from __future__ import annotations

import base64
import binascii
import json
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from workbench.access.principal import Claims
from workbench.declare.settings import Oidc
from workbench.errors import AccessDenied, Problem
from workbench.gateway.addresses import is_safe

LONGEST = 16_384
"""Characters of a token that is looked at."""
FRESH = 300.0
"""Seconds that keys are believed; one that the provider withdraws is dead after them."""
AGAIN = 10.0
"""Seconds between two looks for an unknown key: junk must not make us ask all the time."""
TYPES = (None, "jwt", "at+jwt", "application/at+jwt")
"""Kinds of tokens that say who somebody is; others, such as those that announce a logout, have another purpose."""

Key = RSAKey | ECKey | OKPKey


class Provider:
    """One identity provider: what it says of itself and its keys, each asked for when needed."""

    def __init__(self, settings: Oidc, client: httpx.Client | None = None) -> None:
        self.settings = settings
        self._client = client or httpx.Client(timeout=5)
        self._lock = threading.Lock()
        self._said: Mapping[str, Any] = {}
        self._keys: tuple[Key, ...] = ()
        self._asked = -1e9
        self._fetched = -1e9

    def verify(self, text: str, audiences: Iterable[str], nonce: str | None = None) -> Mapping[str, Any]:
        """The claims of a token for one of ``audiences``; raises `AccessDenied`.

        Slugs: bad-token, token-expired, and identity-unavailable where the provider cannot be asked for its keys.
        """
        header = _header(text)
        if str(header.get("alg")) not in self.settings.algorithms or _kind(header) not in TYPES:
            raise _bad(f"its algorithm is '{header.get('alg')}' and its kind '{header.get('typ')}'")
        wanted: dict[str, Any] = {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "values": list(audiences)},
            "exp": {"essential": True},
            "sub": {"essential": True},
        }
        if nonce is not None:
            wanted["nonce"] = {"essential": True, "value": nonce}
        registry = jwt.JWTClaimsRegistry(leeway=self.settings.leeway, **wanted)
        try:
            token = self._signed(text, header)
            registry.validate(token.claims)
        except ExpiredTokenError:
            raise AccessDenied(Problem("token-expired", "the token is expired.", hint="Log in again.")) from None
        except (JoseError, ValueError, TypeError) as error:
            raise _bad(str(error) or type(error).__name__) from None
        return dict(token.claims)

    def endpoint(self, name: str) -> str:
        """One of the addresses that the provider publishes; raises `AccessDenied` (identity-unavailable)."""
        with self._lock:
            if name not in self._said:
                self._said = self._metadata()
            return str(self._said.get(name, ""))

    def post(self, url: str, data: Mapping[str, str], auth: tuple[str, str] | None) -> Mapping[str, Any]:
        """The provider's answer to a form; raises `AccessDenied` (login-failed, identity-unavailable)."""
        try:
            response = self._client.post(url, data=dict(data), auth=auth or httpx.USE_CLIENT_DEFAULT)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _unavailable(self.settings.issuer, error) from None
        if response.status_code != 200 or not isinstance(answer, dict):
            said = answer.get("error", "") if isinstance(answer, dict) else ""
            raise AccessDenied(
                Problem("login-failed", f"the identity provider refuses the login: {said}.", hint="Log in again.")
            )
        return answer

    def _signed(self, text: str, header: Mapping[str, Any]) -> jwt.Token:
        """The token if one of the provider's keys signed it; raises joserfc's errors, and `AccessDenied`.

        A token names its key, or else any that fits may be it. Where none is, keys may have changed since.
        """
        for anew in (False, True):
            for key in self._fitting(header, anew):
                try:
                    return jwt.decode(text, key, algorithms=list(self.settings.algorithms))
                except BadSignatureError:
                    continue
        raise _bad("none of the provider's keys has signed it")

    def _fitting(self, header: Mapping[str, Any], anew: bool) -> tuple[Key, ...]:
        """The keys that may have signed; an unknown one is looked for again, but not all the time."""
        kid, algorithm = header.get("kid"), str(header["alg"])
        kind = {"RS": RSAKey, "PS": RSAKey, "ES": ECKey, "Ed": OKPKey}[algorithm[:2]]
        with self._lock:
            now = time.monotonic()
            known = kid is not None and any(key.kid == kid for key in self._keys)
            if now - self._fetched > FRESH or (anew and not known and now - self._asked > AGAIN):
                self._fetch(now)
            elif anew:
                return ()  # they are those of before
            return tuple(
                key
                for key in self._keys
                if isinstance(key, kind) and _may_sign(key, algorithm) and kid in (None, key.kid)
            )

    def _fetch(self, now: float) -> None:
        self._asked = now
        if not self._said:
            self._said = self._metadata()
        said = self._get(str(self._said.get("jwks_uri", ""))).get("keys")
        if not isinstance(said, list):
            raise _unavailable(self.settings.issuer, ValueError("it publishes no keys"))
        self._keys = tuple(key for key in map(_imported, said) if key is not None)
        self._fetched = now

    def _metadata(self) -> Mapping[str, Any]:
        said = self._get(self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if said.get("issuer") != self.settings.issuer:
            raise _unavailable(self.settings.issuer, ValueError(f"it calls itself '{said.get('issuer')}'"))
        return said

    def _get(self, url: str) -> Mapping[str, Any]:
        if not is_safe(url):
            raise _unavailable(self.settings.issuer, ValueError(f"'{url}' is not https"))
        try:
            answer = self._client.get(url).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise _unavailable(self.settings.issuer, error) from None
        if not isinstance(answer, dict):
            raise _unavailable(self.settings.issuer, ValueError("it answers something else"))
        return answer


def person(claims: Mapping[str, Any], settings: Oidc) -> tuple[str, Claims]:
    """The name and the mapped claims of a verified token; raises `AccessDenied` (no-name-claim, unverified-email)."""
    name = claims.get(settings.name_claim)
    if not isinstance(name, str) or not name.strip():
        hint = "Set 'name_claim' in [tool.workbench.gateway.oidc] to a claim that it has."
        raise AccessDenied(Problem("no-name-claim", f"the token has no claim '{settings.name_claim}'.", hint=hint))
    if settings.name_claim == "email" and claims.get("email_verified") is not True:
        hint = "Have the provider verify it, or set 'name_claim' to another claim."
        raise AccessDenied(Problem("unverified-email", "the provider has not verified the email address.", hint=hint))
    said = claims.get(settings.groups_claim, ()) if settings.groups_claim else ()
    given = [said] if isinstance(said, str) else [one for one in said if isinstance(one, str)]
    groups = tuple(sorted({settings.groups[one] for one in given if one in settings.groups}))
    attributes = {name: _scalars(claims.get(claim)) for name, claim in settings.attributes.items()}
    return name, Claims(groups, {name: values for name, values in attributes.items() if values})


def _imported(published: Any) -> Key | None:
    """A published key; None for kinds unknown to us, and for shared secrets, by which anyone could sign."""
    kinds: dict[str, type[Key]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    kind = kinds.get(str(published.get("kty"))) if isinstance(published, dict) else None
    try:
        return kind.import_key(published) if kind else None
    except (JoseError, ValueError, TypeError):
        return None


def _may_sign(key: Key, algorithm: str) -> bool:
    said = key.as_dict(private=False)
    return said.get("use", "sig") == "sig" and said.get("alg", algorithm) == algorithm


def _scalars(value: object) -> tuple[str | int | float | bool, ...]:
    several = value if isinstance(value, list) else [value]
    return tuple(one for one in several if isinstance(one, str | int | float | bool))


def _kind(header: Mapping[str, Any]) -> str | None:
    kind = header.get("typ")
    return None if kind is None else str(kind).lower()


def _header(text: str) -> Mapping[str, Any]:
    first = text.partition(".")[0]
    try:
        if len(text) > LONGEST:
            raise ValueError("it is too long")
        header = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _bad(str(error)) from None
    if not isinstance(header, dict):
        raise _bad("its header is no object")
    return header


def _bad(why: str) -> AccessDenied:
    return AccessDenied(Problem("bad-token", f"the token is not believed: {why}.", hint="Log in again."))


def _unavailable(issuer: str, error: Exception) -> AccessDenied:
    return AccessDenied(
        Problem("identity-unavailable", f"'{issuer}' cannot say who you are: {error}.", hint="Try again in a moment.")
    )
