"""A job gets its token from the forge that runs it, and from nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.forge import Forge
from workbench.errors import ReviewError
from workbench.gateway.forge import TOKEN, URL, has_forge, token_for

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    forge = Forge()
    for name, value in forge.variables.items():
        monkeypatch.setenv(name, value)
    yield forge
    forge.close()


def test_a_job_asks_for_the_audience_it_needs(forge: Forge) -> None:
    assert has_forge()
    assert token_for("workbench:a&b=c").count(".") == 2
    assert forge.asked == ["workbench:a&b=c"]


def test_whatever_else_answers_gives_no_token(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = ("http://forge.example/token", "ftp://127.0.0.1/token", forge.openid.issuer, "http://127.0.0.1:1/")
    for name, value in ((TOKEN, "stolen"), *((URL, url) for url in elsewhere)):
        monkeypatch.setenv(URL, forge.variables[URL])
        monkeypatch.setenv(name, value)
        with pytest.raises(ReviewError, match="does not vouch for this job") as refused:
            token_for("workbench:x")
        assert (refused.value.slug, "stolen" in str(refused.value)) == ("no-forge-token", False)
        monkeypatch.setenv(TOKEN, forge.variables[TOKEN])
    monkeypatch.delenv(TOKEN)
    assert not has_forge()
