"""A browser's login at a real provider: out with PKCE, state and nonce, back to a session that can be ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.openid import CLIENT, OpenId
from workbench.declare.people import Group, Role
from workbench.declare.settings import Gateway, Oidc, Settings
from workbench.declare.workspace import Workspace
from workbench.errors import WorkbenchError
from workbench.gateway import login as module
from workbench.gateway.login import destination, login_router, safe_path
from workbench.gateway.trust import Trust, open_trust

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROLES = {"analyst": Role(can=("query:adhoc",))}
GROUPS = {"united": Group(role="analyst", members=("paula@united.example",), attributes={"carrier": ["UA"]})}


@pytest.fixture(scope="module")
def openid() -> Iterator[OpenId]:
    provider = OpenId()
    provider.user("paula", email="paula@united.example", email_verified=True, country="FR")
    provider.user("mallory", email="mallory@evil.example", email_verified=True)
    yield provider
    provider.close()


class Site:
    """A gateway's login pages and one page that says who asks, with browsers to visit them."""

    def __init__(self, root: Path, openid: OpenId, url: str = "") -> None:
        oidc = Oidc(issuer=openid.issuer, client_id=CLIENT, attributes={"country": "country"})
        workspace = Workspace(root, Settings(gateway=Gateway(url=url, oidc=oidc)), roles=ROLES, groups=GROUPS)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WORKBENCH_OIDC_SECRET", "what the provider calls for")
            self.trust: Trust = open_trust(lambda: workspace)
        self.url = url or "http://127.0.0.1:9000"
        self.app = FastAPI()
        assert self.trust.login is not None
        self.app.include_router(login_router(self.trust.login))

        @self.app.get("/me")
        def me(request: Request) -> dict[str, object]:
            principal = self.trust.identities.who(request.headers)
            return {"name": principal.name, "attributes": principal.attributes}

        @self.app.exception_handler(WorkbenchError)
        def told(_: Request, error: WorkbenchError) -> JSONResponse:
            return JSONResponse({"slug": error.slug}, 403)

    def browser(self) -> TestClient:
        return TestClient(self.app, base_url=self.url, follow_redirects=False)


@pytest.fixture
def site(tmp_path: Path, openid: OpenId) -> Iterator[Site]:
    made = Site(tmp_path, openid)
    yield made
    made.trust.close()


def arrive(openid: OpenId, browser: TestClient, sub: str = "paula", path: str = "/login") -> str:
    """Where the provider sends a browser that began to log in."""
    return openid.approve(browser.get(path).headers["location"], sub)


def test_out_and_back_and_out_again(site: Site, openid: OpenId) -> None:
    browser = site.browser()
    assert browser.get("/me").json() == {"slug": "not-signed-in"}
    begun = browser.get("/login?next=/dashboards/flights%3Fa=1")
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == ["http://127.0.0.1:9000/login/callback"]
    assert "code_verifier" not in begun.headers["location"]
    done = browser.get(openid.approve(begun.headers["location"], "paula"))
    assert (done.status_code, done.headers["location"]) == (303, "/dashboards/flights?a=1")
    cookie = next(line for line in done.headers.get_list("set-cookie") if line.startswith("workbench_session="))
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=28800"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert browser.get("/me").json() == {
        "name": "paula@united.example",
        "attributes": {"carrier": ["UA"], "country": ["FR"]},
    }
    stolen = dict(browser.cookies)
    assert browser.post("/logout", headers={"origin": "http://evil.example"}).json() == {"slug": "cross-site"}
    assert browser.get("/logout").status_code == 405  # a picture on any page could ask for it
    assert browser.post("/logout", headers={"origin": "http://127.0.0.1:9000"}).status_code == 303
    assert browser.get("/me").json() == {"slug": "not-signed-in"}
    thief = site.browser()
    thief.cookies.update(stolen)
    assert thief.get("/me").json() == {"slug": "token-revoked"}
    left = thief.post("/logout")  # whose login has ended is not stuck with its cookie
    assert (left.status_code, 'workbench_session=""; expires=' in left.headers["set-cookie"]) == (303, True)
    assert [(one.verb, one.principal) for one in site.trust.audit.search()] == [
        ("logout", "paula@united.example"),
        ("login", "paula@united.example"),
    ]


def test_beyond_this_machine_cookies_travel_by_https_only(tmp_path: Path, openid: OpenId) -> None:
    site = Site(tmp_path, openid, "https://gate.example")
    browser = site.browser()
    begun = browser.get("/login")
    assert "redirect_uri=https%3A%2F%2Fgate.example%2Flogin%2Fcallback" in begun.headers["location"]
    done = browser.get(openid.approve(begun.headers["location"], "paula"))
    cookies = [*begun.headers.get_list("set-cookie"), *done.headers.get_list("set-cookie")]
    assert all("Secure" in cookie for cookie in cookies)
    assert any(cookie.startswith("__Host-workbench_session=wbs_") for cookie in cookies)
    assert browser.get("/me").json()["name"] == "paula@united.example"
    site.trust.close()


def test_a_login_that_somebody_else_began_is_refused(site: Site, openid: OpenId) -> None:
    mallory, victim = site.browser(), site.browser()
    back = arrive(openid, mallory, "mallory")
    assert victim.get(back).json() == {"slug": "login-failed"}  # no login was begun there
    victim.get("/login")
    assert victim.get(back).json() == {"slug": "login-failed"}  # another was
    assert victim.get("/me").json() == {"slug": "not-signed-in"}
    assert mallory.get(back).status_code == 303


def test_a_code_counts_once_and_with_its_own_state_verifier_and_nonce(site: Site, openid: OpenId) -> None:
    browser = site.browser()
    back = arrive(openid, browser)
    kept = dict(browser.cookies)
    other = arrive(openid, browser)  # a second login of the same browser, with another state
    mixed = dict(parse_qsl(urlsplit(other).query)) | {"code": dict(parse_qsl(urlsplit(back).query))["code"]}
    assert browser.get(f"/login/callback?{urlencode(mixed)}").json() == {"slug": "login-failed"}
    again = site.browser()
    again.cookies.update(kept)
    assert again.get(back).json() == {"slug": "login-failed"}  # its code was spent by the attempt before
    browser = site.browser()
    back = arrive(openid, browser)
    assert browser.get(back).status_code == 303
    assert browser.get(back).json() == {"slug": "login-failed"}


def test_a_session_that_somebody_else_knows_is_not_made_ones_own(site: Site, openid: OpenId) -> None:
    known = "wbs_0123456789ab_" + "k" * 43
    browser, thief = site.browser(), site.browser()
    browser.cookies.set("workbench_session", known)
    done = browser.get(arrive(openid, browser))
    assert known not in done.headers["set-cookie"]
    thief.cookies.set("workbench_session", known)
    assert thief.get("/me").json() == {"slug": "bad-token"}


def test_bad_cookies_states_and_errors(site: Site, openid: OpenId, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = site.browser()
    back = arrive(openid, browser)
    good = browser.cookies["workbench_login"].strip('"')
    for bad in ("", "x", "|", "a|b|c", good[:-1] + ("0" if good[-1] != "0" else "1"), good.replace("|", "|x", 1)):
        thief = site.browser()
        thief.cookies.set("workbench_login", f'"{bad}"')
        assert thief.get(back).json() == {"slug": "login-failed"}, bad
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert browser.get(f"/login/callback?state={state}&error=access_denied").json() == {"slug": "login-failed"}
    assert browser.get("/login/callback").json() == {"slug": "login-failed"}
    moment = time.time()
    monkeypatch.setattr(module.time, "time", lambda: moment + 601)
    assert browser.get(back).json() == {"slug": "login-failed"}


def test_a_login_is_begun_at_this_gateway_only(site: Site) -> None:
    browser = site.browser()
    assert browser.get("/login", headers={"host": "evil.example"}).json() == {"slug": "cross-site"}


@pytest.mark.parametrize("elsewhere", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example",
                                       "javascript:alert(1)", "evil", "", "/ü", "/a\nb"])  # fmt: skip
def test_nobody_is_sent_elsewhere(elsewhere: str) -> None:
    assert safe_path(elsewhere) == "/"
    assert safe_path("/dashboards?x=1#y") == "/dashboards?x=1#y"


DASHBOARDS = [
    ("", "http://127.0.0.1:5006/operations?f.x=1", True),
    ("", "http://localhost:5006/", True),
    ("", "http://127.0.0.1.evil.example/", False),
    ("", "http://127.0.0.1@evil.example/", False),
    ("", "http://evil@127.0.0.1:5006/", False),
    ("", "http://127.0.0.1:5006", False),
    ("", "https://boards.example/x", False),
    ("", "javascript://127.0.0.1/%0aalert(1)", False),
    ("", "http://[", False),
    ("", "http://127.0.0.1:5006//evil.example", False),
    ("https://boards.example", "https://boards.example/operations", True),
    ("https://boards.example/", "https://boards.example/operations", True),
    ("https://boards.example", "https://boards.example.evil.example/", False),
    ("https://boards.example", "https://boards.example:444/", False),
    ("https://boards.example", "http://boards.example/", False),
    ("https://boards.example", "http://127.0.0.1:5006/", False),
]


@pytest.mark.parametrize(("dashboards", "wanted", "allowed"), DASHBOARDS)
def test_a_login_leads_back_to_the_dashboards_that_are_declared(dashboards: str, wanted: str, allowed: bool) -> None:
    assert destination(wanted, Gateway(dashboards=dashboards)) == (wanted if allowed else "/")
    beyond = Gateway(dashboards=dashboards, url="https://gate.example")
    assert destination(wanted, beyond) == (wanted if allowed and dashboards else "/")
    assert destination("/docs", beyond) == "/docs"


@given(st.text(alphabet="/\\@:.abc?#%\t ", max_size=12))
def test_whatever_is_wanted_stays_here(wanted: str) -> None:
    path = safe_path(wanted)
    parts = urlsplit(f"http://here.example{path}")
    assert parts.netloc == "here.example"
    assert not path.startswith("//")
    assert "\\" not in path
