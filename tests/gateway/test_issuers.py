"""A forge's token signs one release, for a few minutes, if its issuer is trusted and bears it out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.gateway.openid import OpenId
from tests.gateway.shop import FILES, release, times
from workbench.access.publication import audience, vouch
from workbench.access.signers import Job, Signers
from workbench.declare.manifest import Signed
from workbench.errors import WorkbenchError
from workbench.gateway.issuers import OLDEST, Issuers

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SIGNED, _ = release(FILES)
OTHER, _ = release(times(2))
WHOM = audience(SIGNED.manifest)


@pytest.fixture(scope="module")
def openid() -> Iterator[OpenId]:
    provider = OpenId()
    yield provider
    provider.close()


def trusting(*issuers: str) -> Signers:
    return Signers(jobs=tuple(Job(issuer, {"ref": "refs/heads/main"}) for issuer in issuers))


def refusal(signed: Signed, signers: Signers) -> str:
    with pytest.raises(WorkbenchError) as error:
        Issuers().claims(signed, signers)
    return error.value.slug


def test_a_token_for_this_release_is_borne_out_and_for_no_other(openid: OpenId) -> None:
    token = openid.token("job", WHOM)
    assert Issuers().claims(SIGNED, trusting(openid.issuer)) is None, "a key signed it"
    claims = Issuers().claims(vouch(SIGNED.manifest, token), trusting("http://127.0.0.1:1", openid.issuer))
    assert claims is not None
    assert (claims["iss"], claims["sub"]) == (openid.issuer, "job")
    assert refusal(vouch(OTHER.manifest, token), trusting(openid.issuer)) == "bad-signature"
    for whom in ("workbench", WHOM[:-1], WHOM.upper(), "workbench:"):
        assert refusal(vouch(SIGNED.manifest, openid.token("job", whom)), trusting(openid.issuer)) == "bad-signature"
    for forged in ("", "a.b.c", token[:-4] + "AAAA", token.rpartition(".")[0] + ".", "x" * 100_000):
        assert refusal(vouch(SIGNED.manifest, forged), trusting(openid.issuer)) == "bad-signature", forged[:40]


def test_an_issuer_that_nobody_trusts_is_never_asked(openid: OpenId) -> None:
    elsewhere = OpenId()
    signed = vouch(SIGNED.manifest, elsewhere.token("job", WHOM))
    elsewhere.asked.clear()
    assert refusal(signed, trusting(openid.issuer)) == "bad-signature"
    assert refusal(signed, Signers()) == "bad-signature"
    assert not elsewhere.asked
    elsewhere.close()
    assert refusal(signed, trusting(elsewhere.issuer)) == "identity-unavailable", "one that is away bears out nothing"


def test_a_token_is_good_for_minutes_whatever_it_says_of_itself(openid: OpenId) -> None:
    """The provider's own tokens are as old as they say; these are signed by a key that it publishes as well."""
    key = RSAKey.generate_key(2048, {"kid": "k", "use": "sig"})
    openid.publish(key.as_dict(private=False))
    now = int(time.time())

    def signed(**said: object) -> Signed:
        claims = {"iss": openid.issuer, "aud": WHOM, "sub": "job", "iat": now, "exp": now + 86_400, **said}
        kept = {name: value for name, value in claims.items() if value is not None}
        return vouch(SIGNED.manifest, jwt.encode({"alg": "RS256", "kid": "k"}, kept, key))

    signers = trusting(openid.issuer)
    assert Issuers().claims(signed(), signers)
    for odd in (
        {"iat": now - OLDEST - 1},
        {"iat": now + 120},
        {"iat": None},
        {"iat": "now"},
        {"exp": now - 60},
        {"exp": None},
    ):
        assert refusal(signed(**odd), signers) == "bad-signature", odd
    openid.rotate(timedelta(hours=1))
