"""Who may have, see and end which tokens."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from workbench.access.principal import Principal
from workbench.errors import AccessDenied, QuestionError
from workbench.gateway import token_rules
from workbench.gateway.identity import Caller, Means
from workbench.gateway.token_rules import issue, listed, revoke
from workbench.warehouse.tokens import Tokens

DAY = timedelta(days=1)
ANA = Principal("ana", roles=("analyst",), can=("query:adhoc", "read:metric"))
SAM = Principal("sam", roles=("steward",), can=("query:adhoc", "change:access"))


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(f"sqlite:///{tmp_path / 'ledger.db'}")


@pytest.mark.parametrize("means", ["session", "provider", "local"])
def test_one_has_tokens_for_oneself(tokens: Tokens, means: Means) -> None:
    text, token = issue(tokens, Caller(ANA, means), DAY, ["query"])
    assert (tokens.verify(text).name, token.issued_by) == ("ana", "ana")


def test_nobody_fills_the_ledger_with_tokens(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_rules, "MOST", 2)
    caller = Caller(ANA, "session")
    (_, first), _ = issue(tokens, caller, DAY, ["query"]), issue(tokens, caller, DAY, ["query"])
    with pytest.raises(QuestionError, match="too-many"):
        issue(tokens, caller, DAY, ["query"])
    revoke(tokens, caller, first.id)
    assert issue(tokens, caller, DAY, ["query"])[1].state == "valid"


@pytest.mark.parametrize("means", ["token", "jupyterhub"])
def test_a_stolen_token_cannot_be_renewed(tokens: Tokens, means: Means) -> None:
    with pytest.raises(AccessDenied) as refused:
        issue(tokens, Caller(SAM, means), DAY, ["query"])
    assert refused.value.slug == "not-by-token"


@pytest.mark.parametrize("scope", ["change:access", "unmask:pii"])
def test_nobody_gets_a_token_for_what_is_not_theirs(tokens: Tokens, scope: str) -> None:
    with pytest.raises(AccessDenied) as refused:
        issue(tokens, Caller(ANA, "session"), DAY, [scope])
    assert refused.value.slug == "beyond-scope"
    with pytest.raises(QuestionError):
        issue(tokens, Caller(ANA, "session"), DAY, ["nonsense"])
    assert tokens.listed() == ()


def test_one_sees_and_ends_ones_own_and_a_steward_all(tokens: Tokens) -> None:
    ana, sam = Caller(ANA, "session"), Caller(SAM, "session")
    _, hers = issue(tokens, ana, DAY, ["query"])
    _, his = issue(tokens, sam, DAY, ["query"])
    assert [one.id for one in listed(tokens, ana)] == [hers.id]
    assert {one.id for one in listed(tokens, sam)} == {hers.id, his.id}
    for id in (his.id, "nope"):  # another's reads like one that is not there
        with pytest.raises(QuestionError) as refused:
            revoke(tokens, ana, id)
        assert refused.value.slug == "unknown-token"
        assert str(refused.value).startswith(f"no token '{id}'.")
    assert revoke(tokens, ana, hers.id).state == "revoked"
    assert revoke(tokens, sam, his.id).state == "revoked"
