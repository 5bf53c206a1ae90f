"""Two people in two browsers: each logs in at a real provider, and the same dashboard shows each their own rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, free_port
from tests.gateway.openid import CLIENT, OpenId
from tests.gateway.running import running
from tests.show.workspaces import copy_workspace

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PEOPLE = ("paula@united.example", "dan@delta.example")


@pytest.fixture(scope="module")
def boards(start: Callable[..., str], tmp_path_factory: pytest.TempPathFactory, flights_file: Path) -> Iterator[str]:
    """The dashboards of a gateway whose people log in at a provider."""
    provider = OpenId()
    for name in PEOPLE:
        provider.user(name, email=name, email_verified=True)
    root = copy_workspace(tmp_path_factory.mktemp("viewed"), flights_file)
    with (root / "pyproject.toml").open("a") as file:
        file.write(f'[tool.workbench.gateway.oidc]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_OIDC_SECRET", "what the provider calls for")
        with running(root) as (_, url):
            port = free_port()
            command = [sys.executable, "-m", "workbench", "dashboards", "--gateway", url, "--port", str(port)]
            yield start("boards", command, f"http://localhost:{port}/signin", root).removesuffix("signin")
    provider.close()


def log_in(page: Page, address: str, name: str) -> None:
    """What a person does who follows a link to a page."""
    page.goto(address)
    page.get_by_role("link", name="Log in").click()
    page.locator("input[name=sub]").fill(name)
    page.locator("input[name=sub]").press("Enter")
    page.wait_for_url(address)


def test_two_people_see_their_own_rows_on_one_page(visit: Callable[..., Visit], boards: str) -> None:
    shown = {}
    for name in PEOPLE:
        page = visit().page
        page.route(
            "https://cdn.jsdelivr.net/**", lambda route: route.abort()
        )  # the provider's form, not a page of ours
        log_in(page, f"{boards}operations", name)
        expect(page.locator(".facts")).to_contain_text(f"asked as {name}", timeout=60_000)
        shown[name] = page.locator(".value").all_inner_texts()
        assert "wbs_" not in page.content()
        page.goto(boards)
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{boards}signin")
        page.goto(f"{boards}operations")
        expect(page.get_by_role("link", name="Log in")).to_be_visible()
    paulas, dans = shown.values()
    assert len(paulas) == len(dans) > 2
    assert all(mine != theirs for mine, theirs in zip(paulas, dans, strict=True))
