"""Who asks: each kind of proof is believed when it is sound, and refused by its reason when it is not."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.gateway.openid import CLIENT, OpenId
from workbench.declare.people import Group, Role
from workbench.declare.settings import Gateway, Oidc, Settings
from workbench.declare.workspace import Workspace
from workbench.errors import AccessDenied
from workbench.gateway import oidc as oidc_module
from workbench.gateway.identity import Identities
from workbench.gateway.oidc import Provider
from workbench.warehouse import tokens as tokens_module
from workbench.warehouse.tokens import Tokens

# The provider's package uses what its own libraries will drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROLES = {
    "analyst": Role(can=("query:adhoc", "read:metric", "read:dashboard", "draft:metric")),
    "steward": Role(extends="analyst", can=("change:access", "unmask:pii")),
}
GROUPS = {
    "stewards": Group(role="steward", members=("sam@skyways.example",)),
    "united": Group(role="analyst", members=("paula@united.example",), attributes={"carrier": ["UA"]}),
}


@pytest.fixture(scope="module")
def openid() -> Iterator[OpenId]:
    provider = OpenId()
    yield provider
    provider.close()


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(f"sqlite:///{tmp_path / 'ledger.db'}")


def workspace(gateway: Gateway | None = None) -> Workspace:
    return Workspace(Path("nowhere"), Settings(gateway=gateway or Gateway()), roles=ROLES, groups=GROUPS)


def oidc(openid: OpenId, **more: Any) -> Oidc:
    return Oidc(issuer=openid.issuer, client_id=CLIENT, **more)


def believing(openid: OpenId, tokens: Tokens, **more: Any) -> Identities:
    return Identities(workspace, tokens, provider=Provider(oidc(openid, **more)))


def refusal(identities: Identities, headers: dict[str, str]) -> str:
    with pytest.raises(AccessDenied) as error:
        identities.who(headers)
    return error.value.slug


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# ---------------------------------------------------------------- tokens of our own


def test_a_token_speaks_for_its_owner_within_its_scope(tokens: Tokens) -> None:
    identities = Identities(workspace, tokens)
    sam = identities.who(bearer(tokens.issue("Sam@skyways.example", timedelta(1))[0]))
    assert sam.roles == ("analyst", "steward")
    assert sam.can == ("query:adhoc", "read:dashboard", "read:metric")
    full = identities.who(
        {"authorization": f"bearer  {tokens.issue('sam@skyways.example', timedelta(1), ['all'])[0]} "}
    )
    assert "unmask:pii" in full.can
    paula = identities.caller(bearer(tokens.issue("paula@united.example", timedelta(1))[0]))
    assert paula.principal.attributes == {"carrier": ("UA",)}
    assert paula.means == "token"


def test_nobody_and_nonsense(tokens: Tokens) -> None:
    identities = Identities(workspace, tokens)
    assert refusal(identities, {}) == "not-signed-in"
    assert refusal(identities, {"Cookie": "a=b; workbench_session="}) == "not-signed-in"
    for header in ("", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "Bearer x", "wbt_x"):
        assert refusal(identities, {"Authorization": header}) == "bad-token"


def test_a_bad_token_never_falls_back_to_a_good_cookie(tokens: Tokens) -> None:
    identities = Identities(workspace, tokens)
    session, _ = tokens.issue("ana", timedelta(1), ["all"], kind="session")
    cookie = {"cookie": f"workbench_session={session}"}
    assert identities.caller(cookie).means == "session"
    assert refusal(identities, {**cookie, **bearer("x")}) == "bad-token"
    assert refusal(identities, bearer(session)) == "bad-token"
    token, _ = tokens.issue("ana", timedelta(1))
    assert refusal(identities, {"cookie": f"workbench_session={token}"}) == "bad-token"


def test_a_change_of_access_holds_for_the_next_request(tokens: Tokens) -> None:
    now = [workspace()]
    identities = Identities(lambda: now[0], tokens)
    token = bearer(tokens.issue("sam@skyways.example", timedelta(1), ["all"])[0])
    assert "steward" in identities.who(token).roles
    now[0] = replace(now[0], groups={})
    assert identities.who(token).roles == ("analyst",)


def test_what_was_read_a_moment_ago_is_told_without_the_ledger(
    tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities = Identities(workspace, tokens)
    text, sam = tokens.issue("sam@skyways.example", timedelta(1), ["all"])
    header = {"authorization": f"Bearer {text}"}
    cookie = {"cookie": f"workbench_session={tokens.issue('ana', timedelta(1), ['all'], kind='session')[0]}"}
    for proof in (header, cookie):
        assert not identities.is_at_hand(proof)
        identities.who(proof)
        assert identities.is_at_hand(proof)
    assert not identities.is_at_hand({"authorization": "Bearer a.b.c"})
    assert not identities.is_at_hand({"authorization": f"Bearer {text[:-1]}"})
    assert identities.is_at_hand({})
    with monkeypatch.context() as patch:
        patch.setattr(tokens, "_used", None)  # whatever would ask the ledger
        assert identities.who(header).name == "sam@skyways.example"
        assert refusal(identities, {}) == "not-signed-in"
    tokens.revoke(sam.id)
    assert not identities.is_at_hand(header)
    brief, now = Tokens(f"sqlite:///{tmp_path / 'ledger.db'}", remembered=0.2), [0.0]
    monkeypatch.setattr(tokens_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    brief.verify(cookie["cookie"].partition("=")[2], "session")
    assert brief.remembers(cookie["cookie"].partition("=")[2])
    now[0] = 0.16
    assert not brief.remembers(cookie["cookie"].partition("=")[2])


SESSION_SITES = [
    ({}, True),
    ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "origin": "http://gate.example"}, True),
    ({"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, True),
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True),
    ({"origin": "http://evil.example"}, False),
    ({"origin": "null"}, False),
    ({"origin": "http://gate.example:8888"}, False),
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, False),
    ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, False),
    ({"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "origin": "http://gate.example:8888"}, False),
]


@pytest.mark.parametrize(("headers", "passes"), SESSION_SITES)
def test_a_page_of_elsewhere_cannot_borrow_a_login(tokens: Tokens, headers: dict[str, str], passes: bool) -> None:
    identities = Identities(workspace, tokens)
    session, _ = tokens.issue("ana", timedelta(1), ["all"], kind="session")
    given = {"host": "gate.example", "cookie": f"workbench_session={session}", **headers}
    if passes:
        assert identities.who(given).name == "ana"
    else:
        assert refusal(identities, given) == "cross-site"


def test_a_laptop_may_do_without_but_only_for_itself(tokens: Tokens) -> None:
    local = Gateway(authentication="local")
    identities = Identities(lambda: workspace(local), tokens, local="ana@skyways.example")
    assert identities.caller({"Host": "127.0.0.1:9000"}).means == "local"
    assert refusal(identities, {"host": "rebound.example:9000"}) == "cross-site"
    assert refusal(identities, {"host": "127.0.0.1:9000", "origin": "http://evil.example"}) == "cross-site"
    assert refusal(identities, {"host": "127.0.0.1:9000", **bearer("x")}) == "bad-token"
    assert refusal(Identities(workspace, tokens, local="ana"), {"host": "127.0.0.1"}) == "not-signed-in"


# ---------------------------------------------------------------- an identity provider


def test_a_provider_says_who_one_is(openid: OpenId, tokens: Tokens) -> None:
    openid.user("s1", email="Paula@united.example", email_verified=True)
    caller = believing(openid, tokens).caller(bearer(openid.token("s1")))
    assert (caller.principal.name, caller.principal.groups) == ("paula@united.example", ("united",))
    assert caller.means == "provider"


def test_an_email_counts_only_when_verified(openid: OpenId, tokens: Tokens) -> None:
    identities = believing(openid, tokens)
    for verified in ({}, {"email_verified": False}, {"email_verified": "true"}):
        openid.user("s2", email="sam@skyways.example", **verified)
        assert refusal(identities, bearer(openid.token("s2"))) == "unverified-email"
    openid.user("s2", name="x")
    assert refusal(identities, bearer(openid.token("s2"))) == "no-name-claim"


def test_claims_become_groups_and_attributes_by_the_declared_mapping_only(openid: OpenId, tokens: Tokens) -> None:
    openid.user("paul", groups=["g-7", "stewards", 5], country=["FR", "AT"], nested={"a": 1})
    mapped = {
        "name_claim": "sub",
        "groups_claim": "groups",
        "groups": {"g-7": "united", "g-8": "stewards"},
        "attributes": {"country": "country", "odd": "nested", "none": "missing"},
    }
    who = believing(openid, tokens, **mapped).who(bearer(openid.token("paul")))
    assert who.groups == ("united",)
    assert who.attributes == {"carrier": ("UA",), "country": ("FR", "AT")}
    assert believing(openid, tokens, name_claim="sub").who(bearer(openid.token("paul"))).groups == ()


def test_keys_are_kept_and_a_new_one_is_found(openid: OpenId, tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    identities = believing(openid, tokens, name_claim="sub")
    old = openid.token("rita")
    for _ in range(5):
        identities.who(bearer(old))
    openid.rotate()
    new = openid.token("rita")
    asked = openid.asked["/jwks"]
    assert refusal(identities, bearer(new)) == "bad-token"  # looked a moment ago; junk must not make us ask
    assert openid.asked["/jwks"] == asked
    monkeypatch.setattr(oidc_module, "AGAIN", 0.0)
    assert identities.who(bearer(new)).name == "rita"
    assert openid.asked["/jwks"] == asked + 1
    assert refusal(identities, bearer(old)) == "bad-token"  # the provider has withdrawn its key


def test_another_audience_issuer_or_moment_is_refused(openid: OpenId, tokens: Tokens) -> None:
    identities = believing(openid, tokens, name_claim="sub", leeway=0)
    assert refusal(identities, bearer(openid.token("a", client="other"))) == "bad-token"
    shared = believing(openid, tokens, name_claim="sub", audience=["other"])
    assert shared.who(bearer(openid.token("a", client="other"))).name == "a"
    elsewhere = OpenId()
    assert refusal(identities, bearer(elsewhere.token("a"))) == "bad-token"
    elsewhere.close()
    openid.rotate(timedelta(seconds=-60))
    assert refusal(believing(openid, tokens, name_claim="sub", leeway=0), bearer(openid.token("a"))) == "token-expired"
    assert believing(openid, tokens, name_claim="sub", leeway=120).who(bearer(openid.token("a"))).name == "a"
    openid.rotate()


def _encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _forgeries(token: str, public: dict[str, Any]) -> dict[str, str]:
    """What attackers make of a good token and the public key."""
    head, body, mark = token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    mine = {**claims, "sub": "sam@skyways.example"}
    own = RSAKey.generate_key(2048)
    out = {
        "other claims": f"{head}.{_encoded(mine)}.{mark}",
        "no mark": f"{head}.{_encoded(mine)}.",
        "key inside": f"{_encoded({**header, 'jwk': own.as_dict(private=False)})}.{_encoded(mine)}.{mark}",
        "key elsewhere": f"{_encoded({**header, 'jku': 'http://127.0.0.1:1/'})}.{_encoded(mine)}.{mark}",
        "critical": f"{_encoded({**header, 'crit': ['x'], 'x': 1})}.{body}.{mark}",
        "logout": f"{_encoded({**header, 'typ': 'logout+jwt'})}.{body}.{mark}",
        "long": f"{head}.{'a' * 20_000}.{mark}",
    }
    for name in ("none", "None", "NONE", "nOnE", ""):
        out[f"alg {name}"] = f"{_encoded({**header, 'alg': name})}.{_encoded(mine)}."
    pem = RSAKey.import_key(public).as_pem(private=False)
    for secret in (pem, pem.strip(), json.dumps(public).encode()):
        signed = f"{_encoded({**header, 'alg': 'HS256'})}.{_encoded(mine)}"
        seal = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256")).rstrip(b"=").decode()
        out[f"public key as a secret {len(secret)}"] = f"{signed}.{seal}"
    return out


def test_no_forgery_passes(openid: OpenId, tokens: Tokens) -> None:
    identities = believing(openid, tokens, name_claim="sub")
    good = openid.token("ana")
    assert identities.who(bearer(good)).name == "ana"
    public = httpx.get(f"{openid.issuer}/jwks").json()["keys"][0]
    for name, forged in _forgeries(good, public).items():
        assert refusal(identities, bearer(forged)) == "bad-token", name


_GOOD: dict[str, tuple[str, Identities]] = {}


@given(st.integers(0, 5000), st.sampled_from("abcXYZ019-_.="))
def test_any_changed_character_is_noticed(
    openid: OpenId, tmp_path_factory: pytest.TempPathFactory, place: int, character: str
) -> None:
    if openid.issuer not in _GOOD:
        tokens = Tokens(f"sqlite:///{tmp_path_factory.mktemp('tokens') / 'ledger.db'}")
        _GOOD[openid.issuer] = openid.token("ana"), believing(openid, tokens, name_claim="sub")
    good, identities = _GOOD[openid.issuer]
    changed = good[: place % len(good)] + character + good[place % len(good) + 1 :]
    if _meaning(changed) != _meaning(good):
        assert refusal(identities, bearer(changed)) == "bad-token"


def _meaning(token: str) -> list[bytes | str]:
    """The bytes of its parts: the last character of one has bits that mean nothing."""
    try:
        return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")]
    except ValueError:
        return [token]


class Published:
    """A provider whose set of keys the test chooses: ones with names, of several kinds, and ones that must not be."""

    issuer = "https://id.example"

    def __init__(self, *keys: Any) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.client = httpx.Client(transport=httpx.MockTransport(self._answer))

    def provider(self) -> Provider:
        given = Oidc(issuer=self.issuer, client_id=CLIENT, algorithms=("RS256", "ES256", "EdDSA"))
        return Provider(given, self.client)

    def token(
        self, key: RSAKey | ECKey | OKPKey, algorithm: str, more: dict[str, Any] | None = None, **header: str
    ) -> str:
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "ana", "exp": int(time.time()) + 60, **(more or {})}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": algorithm, **header}, claims, key, algorithms=[algorithm])

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("openid-configuration"):
            return httpx.Response(200, json={"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"})
        self.asked += 1
        return httpx.Response(200, json={"keys": self.keys})


def _public(key: RSAKey | ECKey | OKPKey, **more: str) -> dict[str, Any]:
    return {**key.as_dict(private=False), **more}


def test_each_kind_of_key_signs_with_its_own_algorithm() -> None:
    rsa, ec, okp = RSAKey.generate_key(2048), ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519")
    published = Published(_public(rsa, kid="r"), _public(ec, kid="e"), _public(okp, kid="o"))
    provider = published.provider()
    for key, algorithm, name in ((rsa, "RS256", "r"), (ec, "ES256", "e"), (okp, "EdDSA", "o")):
        assert provider.verify(published.token(key, algorithm, kid=name), [CLIENT])["sub"] == "ana"
        assert (
            provider.verify(published.token(key, algorithm), [CLIENT])["sub"] == "ana"
        )  # names none: the one that fits
        with pytest.raises(AccessDenied):
            provider.verify(published.token(key, algorithm, kid="r" if name != "r" else "e"), [CLIENT])
    with pytest.raises(AccessDenied):
        provider.verify(published.token(rsa, "RS384", kid="r"), [CLIENT])  # a good algorithm, but not a declared one


def test_a_token_for_another_login_is_refused() -> None:
    key = RSAKey.generate_key(2048)
    published = Published(_public(key, kid="k"))
    provider = published.provider()
    for said, wanted, passes in (("n1", "n1", True), ("n1", "n2", False), (None, "n2", False), ("n1", None, True)):
        token = published.token(key, "RS256", more={"nonce": said} if said else {}, kid="k")
        if passes:
            provider.verify(token, [CLIENT], wanted)
        else:
            with pytest.raises(AccessDenied):
                provider.verify(token, [CLIENT], wanted)
    for missing in ("iss", "aud", "exp", "sub"):
        with pytest.raises(AccessDenied):
            provider.verify(published.token(key, "RS256", more={missing: None}, kid="k"), [CLIENT])
    for wrong in ({"nbf": time.time() + 99}, {"iat": time.time() + 99}, {"exp": "never"}, {"aud": [5]}, {"iss": ["x"]}):
        with pytest.raises(AccessDenied):
            provider.verify(published.token(key, "RS256", more=wrong, kid="k"), [CLIENT])


def test_a_new_key_is_found_by_its_name_and_junk_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
    published = Published(_public(old, kid="old"))
    provider = published.provider()
    provider.verify(published.token(old, "RS256", kid="old"), [CLIENT])
    published.keys.append(_public(new, kid="new"))
    for junk in ("new", "x", "y"):
        with pytest.raises(AccessDenied):
            provider.verify(published.token(new, "RS256", kid=junk), [CLIENT])
    with pytest.raises(AccessDenied):
        provider.verify(published.token(new, "RS256", kid="old"), [CLIENT])
    assert published.asked == 1
    monkeypatch.setattr(oidc_module, "AGAIN", 0.0)
    provider.verify(published.token(new, "RS256", kid="new"), [CLIENT])
    provider.verify(published.token(old, "RS256", kid="old"), [CLIENT])
    assert published.asked == 2
    monkeypatch.setattr(oidc_module, "FRESH", 0.0)
    del published.keys[0]
    with pytest.raises(AccessDenied):
        provider.verify(published.token(old, "RS256", kid="old"), [CLIENT])


def test_only_keys_of_pairs_for_signing_are_taken() -> None:
    key, shared = RSAKey.generate_key(2048), {"kty": "oct", "kid": "s", "k": "c2VjcmV0" * 6}
    odd: list[Any] = [shared, 7, {}, {"kty": "new"}, {"kty": "RSA"}, {"kty": ["x"]}, {"kty": "RSA", "n": "?", "e": 5}]
    published = Published(*odd, _public(key, kid="e", use="enc"), _public(key, kid="p", alg="PS256"))
    for name in ("e", "p", "s"):
        with pytest.raises(AccessDenied):
            published.provider().verify(published.token(key, "RS256", kid=name), [CLIENT])
    published.keys.append(_public(key, kid="good"))
    published.provider().verify(published.token(key, "RS256", kid="good"), [CLIENT])


def test_a_provider_that_cannot_be_asked_is_no_refusal_of_the_person(tokens: Tokens) -> None:
    gone = Oidc(issuer="http://127.0.0.1:9", client_id=CLIENT)
    token = f"{_encoded({'alg': 'RS256', 'kid': 'k'})}.{_encoded({})}.x"
    assert refusal(Identities(workspace, tokens, provider=Provider(gone)), bearer(token)) == "identity-unavailable"
    plain = Oidc(issuer="http://id.example", client_id=CLIENT)
    assert refusal(Identities(workspace, tokens, provider=Provider(plain)), bearer(token)) == "identity-unavailable"


def test_a_provider_that_calls_itself_otherwise_is_not_believed(openid: OpenId, tokens: Tokens) -> None:
    other = Oidc(issuer=f"{openid.issuer}/", client_id=CLIENT, name_claim="sub")
    token = openid.token("ana")
    identities = Identities(workspace, tokens, provider=Provider(other))
    assert refusal(identities, bearer(token)) == "identity-unavailable"
