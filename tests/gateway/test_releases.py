"""Publishing through the gateway: what may be is served, at once and whole; attacks are refused by their rule."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from starlette.requests import Request

from tests.gateway.running import token
from tests.gateway.shop import (
    CORA,
    FILES,
    NOAH,
    OTHER,
    PAULA,
    REVENUE,
    SAM,
    SETTINGS,
    Shop,
    body_of,
    laid,
    open_shop,
    public_line,
    release,
    times,
)
from workbench.declare.manifest import Manifest, Signed, digest
from workbench.errors import AccessDenied
from workbench.gateway.bounds import Bounds
from workbench.gateway.parcel import packed
from workbench.gateway.publishing import Publishing
from workbench.gateway.run import open_gateway
from workbench.warehouse.releases import Releases, releases
from workbench.warehouse.tokens import Tokens

MOST = 200_000
"""Bytes of a release here."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A gateway that serves release 2; whatever is refused leaves it there."""
    with open_shop(tmp_path_factory.mktemp("shop"), Bounds(release_bytes=MOST, body_bytes=50_000)) as shop:
        for factor in (2, 3):
            assert shop.send(release(times(factor), shop.current)).status_code == 201
        yield shop


def slug(answer: httpx.Response) -> str:
    said = answer.json()
    return said["problems"][0]["slug"] if "problems" in said else ""


def test_a_release_is_served_at_once_and_alone_and_on_record(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        assert shop.revenue() == 10
        first = shop.send(release(times(2)))
        assert (first.status_code, first.json()["number"], shop.revenue()) == (201, 1, 20)
        (tmp_path / REVENUE).write_text(times(7)[REVENUE])
        assert shop.send(release(times(3), shop.current)).status_code == 201
        assert shop.revenue() == 30, "what lies in the folder beside it is not served"
        with shop.client() as client:
            told = client.get("/v1/releases").json()
            assert [(one["number"], one["served"]) for one in told] == [(2, True), (1, False)]
            assert client.get("/v1/about").json()["release"].startswith("2:")
            assert client.get("/v1/releases/1").json()["manifest"]["number"] == 1
            assert slug(client.get("/v1/releases/9")) == "unknown-release"
            refused = client.post("/v1/releases/1/serve")
            assert (refused.status_code, slug(refused)) == (403, "no-grant"), "cora is no steward"
        with shop.client(SAM) as client:
            assert client.post("/v1/releases/1/serve").status_code == 200
        assert (shop.revenue(), shop.current.number if shop.current else 0) == (20, 1)
        assert [(one.verb, one.decision, one.principal) for one in shop.seen] == [
            ("rollback", "allow", SAM),
            ("rollback", "deny", CORA),
            ("publish:metric", "allow", CORA),
            ("publish:metric", "allow", CORA),
        ]
        assert shop.seen[2].resources == ("release 2 to dev", told[0]["digest"])
        assert shop.gateway.audit is not None
        assert shop.gateway.audit.verify()


Sent = Callable[[Shop], httpx.Response]


def followed(shop: Shop, files: Mapping[str, str] | None = None, **said: Any) -> tuple[Signed, dict[str, bytes]]:
    return release(files or times(5), shop.current, **said)


def changed(shop: Shop, change: Callable[[dict[str, Any]], object]) -> httpx.Response:
    """A good release, whose body is changed on the way."""
    body = body_of(followed(shop))
    change(body)
    return shop.sent(json.dumps(body).encode())


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def again(shop: Shop, number: str) -> httpx.Response:
    """An old release, taken from the gateway itself."""
    old = shop.store.find(number)
    folder = shop.store.content(digest(old.manifest))
    return shop.send((old, {path: (folder / path).read_bytes() for path in old.manifest.files}))


def twice(shop: Shop, *keys: str) -> httpx.Response:
    """A good release in which a key stands twice, with another value first."""
    text = json.dumps(body_of(followed(shop)))
    for key in keys:
        text = text.replace(f'"{key}":', f'"{key}": "other", "{key}":', 1)
    return shop.sent(text.encode())


def brought(shop: Shop) -> httpx.Response:
    """A release signed by a key that only it trusts."""
    return shop.send(followed(shop, times(5) | {"access/release_keys": public_line(OTHER)}, private=OTHER))


ATTACKS: dict[str, tuple[Sent, int, str]] = {
    "an older release again": (lambda s: again(s, "1"), 409, "replayed-release"),
    "the served release again": (
        lambda s: again(s, str(s.current.number) if s.current else ""), 409, "replayed-release",
    ),
    "an older number": (lambda s: s.send(followed(s, number=1)), 409, "replayed-release"),
    "built on a base that was replaced": (
        lambda s: s.send(followed(s, previous=digest(s.store.find("1").manifest))), 409, "not-next",
    ),
    "built on nothing": (lambda s: s.send(followed(s, previous="")), 409, "not-next"),
    "a file changed after signing": (
        lambda s: changed(s, lambda b: b["files"].update({REVENUE: base64_of(times(9)[REVENUE])})), 422,
        "other-content",
    ),
    "a file that the manifest lacks": (
        lambda s: changed(s, lambda b: b["files"].update({"access/eve.yml": base64_of("roles: {}")})), 422,
        "other-content",
    ),
    "a file less": (lambda s: changed(s, lambda b: b["files"].pop(REVENUE)), 422, "other-content"),
    "a manifest changed after signing": (
        lambda s: changed(s, lambda b: b["release"]["manifest"].update(approvals=[SAM])), 422, "bad-signature",
    ),
    "approvals of another commit": (
        lambda s: changed(s, lambda b: b["release"]["manifest"].update(commit="dead")), 422, "bad-signature",
    ),
    "another release's signature": (
        lambda s: changed(s, lambda b: b["release"].update(signature=s.store.find("1").signature)), 422,
        "bad-signature",
    ),
    "signed by a key nobody knows": (lambda s: s.send(followed(s, private=OTHER)), 422, "unknown-key"),
    "signed by a key that it brings": (brought, 422, "unknown-key"),
    "signed by a forge that nobody trusts": (
        lambda s: changed(s, lambda b: b["release"].update(key="oidc", signature="a.b.c")), 422, "bad-signature",
    ),
    "no signature": (lambda s: changed(s, lambda b: b["release"].update(signature="")), 422, "bad-signature"),
    "a publisher without a role": (lambda s: s.send(followed(s, by=PAULA), PAULA), 403, "no-grant"),
    "somebody unknown": (lambda s: s.send(followed(s, by="eve"), "eve"), 403, "no-grant"),
    "sent by another than it says": (lambda s: s.send(followed(s), NOAH), 422, "other-publisher"),
    "approved by its author": (lambda s: s.send(followed(s, approvals=(CORA,))), 422, "missing-approval"),
    "approved by nobody": (lambda s: s.send(followed(s, approvals=())), 422, "missing-approval"),
    "approved by somebody without a role": (
        lambda s: s.send(followed(s, approvals=(PAULA,))), 422, "missing-approval",
    ),
    "rules that no steward approved": (
        lambda s: s.send(
            followed(s, times(5) | {"access/more.yml": f"groups: {{eve: {{role: steward, members: [{CORA}]}}}}\n"},
                     approvals=(NOAH,))
        ), 422, "missing-approval",
    ),
    "settings that no steward approved": (
        lambda s: s.send(followed(s, times(5) | {"pyproject.toml": SETTINGS + "\n"}, approvals=(NOAH,))), 422,
        "missing-approval",
    ),
    "for another environment": (lambda s: s.send(followed(s, environment="prod")), 422, "other-environment"),
    "of another workspace": (lambda s: s.send(followed(s, workspace="bank")), 422, "other-workspace"),
    "a path that leads out": (
        lambda s: s.send(followed(s, times(5) | {"metrics/../../../out.yml": "x"})), 422, "unsafe-path",
    ),
    "an absolute path": (lambda s: s.send(followed(s, times(5) | {"/etc/out.yml": "x"})), 422, "unsafe-path"),
    "twins but for case": (
        lambda s: s.send(followed(s, times(5) | {REVENUE.upper(): "x", "metrics/sales/Revenue.yml": "x"})), 422,
        "unsafe-path",
    ),
    "our own folder": (lambda s: s.send(followed(s, times(5) | {".workbench/x": "x"})), 422, "unsafe-path"),
    "a column that the data lacks": (
        lambda s: s.send(followed(s, {**FILES, REVENUE: FILES[REVENUE].replace("amount", "gone")})), 422,
        "missing-column",
    ),
    "a table that the data lacks": (
        lambda s: s.send(
            followed(s, times(5) | {"metrics/models/lines.yml": "semantic_model: lines\ntable: gold.lines\n"})
        ), 422, "missing-table",
    ),
    "declarations that are broken": (
        lambda s: s.send(followed(s, times(5) | {REVENUE: "metric: [revenue"})), 422, "bad-yaml",
    ),
    "declarations nested without end": (
        lambda s: s.send(followed(s, times(5) | {REVENUE: "metric: " + "[" * 9000})), 422, "bad-yaml",
    ),
    "settings that are broken": (
        lambda s: s.send(followed(s, times(5) | {"pyproject.toml": "x = " + "[" * 9000})), 422, "bad-settings",
    ),
    "without its own environment": (
        lambda s: s.send(followed(s, times(5) | {"pyproject.toml": SETTINGS.replace("dev", "test")})), 422,
        "unknown-environment",
    ),
    "an unknown member of the body": (lambda s: changed(s, lambda b: b.update(force=True)), 422, "bad-manifest"),
    "an unknown member of the manifest": (
        lambda s: changed(s, lambda b: b["release"]["manifest"].update(force=True)), 422, "bad-manifest",
    ),
    "another format": (
        lambda s: changed(s, lambda b: b["release"]["manifest"].update(format=2)), 422, "bad-manifest",
    ),
    "a key twice": (lambda s: twice(s, "environment"), 422, "bad-manifest"),
    "the release twice": (lambda s: twice(s, "release"), 422, "bad-manifest"),
    "a file twice": (lambda s: twice(s, REVENUE), 422, "bad-manifest"),
    "no base64": (lambda s: changed(s, lambda b: b["files"].update({REVENUE: "%%%"})), 422, "bad-manifest"),
    "more files than there may be": (
        lambda s: s.sent(b'{"release": null, "files": {%s}}' % b",".join(b'"%d":""' % n for n in range(15_000))), 422,
        "bad-manifest",
    ),
    "larger than it may be": (
        lambda s: s.send(followed(s, times(5) | {"metrics/big.yml": "#" * MOST})), 413, "too-large",
    ),
    "compressed": (
        lambda s: s.sent(gzip.compress(b" " * 50_000_000), Content_Encoding="gzip"), 415, "not-json",
    ),
    "not said to be JSON": (lambda s: s.sent(b"{}", Content_Type="text/plain"), 415, "not-json"),
    "no JSON": (lambda s: s.sent(b"\x1f\x8b\x08"), 415, "not-json"),
    "nested without end": (lambda s: s.sent(b"[" * 150_000), 415, "not-json"),
    "a number without end": (
        lambda s: s.sent(b'{"release": {"manifest": {"number": ' + b"9" * 100_000 + b"}}}"), 415, "not-json",
    ),
    "nothing": (lambda s: s.sent(b""), 415, "not-json"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_by_its_rule_on_record_and_changes_nothing(shop: Shop, attack: str) -> None:
    send, status, wanted = ATTACKS[attack]
    before, files, recorded = shop.current, sorted(shop.store.folder.rglob("*")), len(shop.seen)
    answer = send(shop)
    assert (answer.status_code, slug(answer)) == (status, wanted), answer.text
    assert shop.current == before
    assert sorted(shop.store.folder.rglob("*")) == files, "nothing is left behind"
    assert len(shop.seen) == recorded + 1
    entry = shop.seen[0]
    assert (entry.decision, wanted in entry.rules, entry.request) == ("deny", True, answer.headers["X-Request-ID"])


def test_there_are_enough_attacks_and_a_good_release_still_passes(shop: Shop) -> None:
    assert len(ATTACKS) >= 45
    answer = shop.send(followed(shop, times(4)))
    assert answer.status_code == 201, answer.text
    assert shop.revenue() == 40


# ---------------------------------------------------------------- who may do what

WHO: dict[str, tuple[str, tuple[str, ...]]] = {
    "nobody": ("", ()),
    "analyst": (PAULA, ("all",)),
    "contributor": (CORA, ("all",)),
    "steward": (SAM, ("all",)),
    "contributor for questions": (CORA, ("query",)),
    "contributor for publishing": (CORA, ("publish:metric",)),
    "steward for rollbacks": (SAM, ("rollback",)),
}
ROUTES = {
    "list": ("GET", "/v1/releases", "401 403 200 200 403 200 403"),
    "get": ("GET", "/v1/releases/1", "401 403 200 200 403 200 403"),
    "publish": ("POST", "/v1/releases", "401 403 415 415 403 415 403"),
    "serve again": ("POST", "/v1/releases/none/serve", "401 403 403 404 403 403 404"),
}
"""Each route with the status for each of these; an allowed one goes on to say what is wrong with what it was sent."""


@pytest.mark.parametrize("route", ROUTES)
def test_each_route_by_each_role(shop: Shop, route: str) -> None:
    method, path, row = ROUTES[route]
    for (who, (name, scope)), status in zip(WHO.items(), row.split(), strict=True):
        with shop.client(name, scope or ("query",)) as client:
            assert client.request(method, path).status_code == int(status), (route, who)


def test_every_route_of_releases_is_in_the_table(shop: Shop) -> None:
    document = httpx.get(f"{shop.url}/openapi.json").json()
    there = {
        (method.upper(), path) for path, ways in document["paths"].items() if "releases" in path for method in ways
    }
    told = {(method, path.replace("/1", "/{name}").replace("/none", "/{name}")) for method, path, _ in ROUTES.values()}
    assert there == told
    publish = document["paths"]["/v1/releases"]["post"]
    body = publish["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"]["release"] == {"$ref": "#/components/schemas/Signed"}
    assert {"Signed", "Manifest", "ReleaseCard"} <= document["components"]["schemas"].keys()
    assert {"201", "400", "401", "403", "409", "413", "415", "422", "503"} <= publish["responses"].keys()
    for example in body["examples"].values():
        assert Manifest.model_validate(example["value"]["release"]["manifest"])


# ---------------------------------------------------------------- what changes meanwhile


class Meanwhile(Releases):
    """Releases of an environment where something happens after everything was checked, and before the switch."""

    def __init__(self, store: Releases, happens: Callable[[], object]) -> None:
        super().__init__(store.folder)
        self._happens = happens

    def publish(self, signed: Any, content: Any, admit: Callable[[], None], confirm: Any = lambda: None) -> None:
        """As always; but when all is checked, something happens."""

        def admitted() -> None:
            admit()
            self._happens()

        super().publish(signed, content, admitted, confirm)


def asks(bearer: str) -> Request:
    """A request of whoever has that token."""
    headers = [(b"authorization", f"Bearer {bearer}".encode())]
    return Request(
        {"type": "http", "method": "POST", "path": "/", "headers": headers, "state": {"request_id": "r" * 8}}
    )


@pytest.mark.parametrize("by", ["here", "another process"])
def test_a_token_revoked_between_the_checks_and_the_switch_publishes_nothing(shop: Shop, by: str) -> None:
    gateway = shop.gateway
    assert gateway.tokens is not None
    held = token(gateway, CORA)
    elsewhere = Tokens(f"sqlite:///{shop.root / '.workbench' / 'ledger.db'}")
    revoke = gateway.tokens.revoke if by == "here" else elsewhere.revoke
    made, before = followed(shop, times(6)), shop.current
    publishing = Publishing(gateway, Meanwhile(shop.store, lambda: revoke(held.split("_")[1])))
    with pytest.raises(AccessDenied) as refused:
        publishing.publish(json.dumps(packed(*made)).encode(), asks(held))
    elsewhere.close()
    assert (refused.value.slug, shop.current) == ("token-revoked", before)
    assert not shop.store.content(digest(made[0].manifest)).exists()
    assert (shop.seen[0].decision, shop.seen[0].rules) == ("deny", ("token-revoked",))


def test_a_right_taken_away_while_a_release_comes_in_publishes_nothing(shop: Shop) -> None:
    without = times(3) | {"access/groups.yml": FILES["access/groups.yml"].replace('"github:cora", ', "")}
    current = shop.current

    def body() -> Iterator[bytes]:
        """The release in two parts; in between, one that was made on the host takes away its publisher's role."""
        text = json.dumps(packed(*followed(shop))).encode()
        yield text[:500]
        shop.store.publish(*followed(shop, without, by=NOAH), lambda: None)
        yield text[500:]

    with shop.client() as client:
        client.get("/v1/me")  # what is known of the token is remembered
        answer = client.post("/v1/releases", content=body(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, slug(answer)) == (403, "no-grant"), answer.text
    assert (shop.revenue(), shop.current != current) == (30, True)
    assert shop.send(followed(shop, times(3), by=NOAH), NOAH).status_code == 201


def test_a_released_setting_lets_nobody_in_without_a_token(shop: Shop) -> None:
    local = SETTINGS + '[tool.workbench.gateway]\nauthentication = "local"\n'
    assert shop.send(followed(shop, times(2) | {"pyproject.toml": local})).status_code == 201
    assert shop.gateway.serving.workspace.settings.gateway.authentication == "local"
    with shop.client("") as client:
        assert slug(client.get("/v1/me")) == "not-signed-in", "how it listens was checked when it was started"


def test_of_several_publishers_one_wins_and_the_others_are_told(shop: Shop) -> None:
    answers: list[httpx.Response] = []
    made = [followed(shop, times(n)) for n in range(2, 7)]
    recorded, released = len(shop.seen), len(shop.store.history())
    threads = [threading.Thread(target=lambda one=one: answers.append(shop.send(one))) for one in made]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    won = [one for one in answers if one.status_code == 201]
    assert len(won) == 1
    assert {slug(one) for one in answers if one not in won} <= {"replayed-release", "not-next"}
    assert len(shop.store.history()) == released + 1
    entries = shop.seen[: len(shop.seen) - recorded]
    assert sorted(one.decision for one in entries) == ["allow", "deny", "deny", "deny", "deny"]


def test_a_removed_key_signs_nothing_any_more_and_a_new_one_does(shop: Shop) -> None:
    other = times(2) | {"access/release_keys": public_line(OTHER)}
    assert shop.send(followed(shop, other)).status_code == 201
    assert slug(shop.send(followed(shop, other))) == "unknown-key"
    assert shop.send(followed(shop, times(3), private=OTHER)).status_code == 201
    assert slug(shop.send(followed(shop, private=OTHER))) == "unknown-key", "the last release took it away again"
    assert shop.revenue() == 30


def test_a_rollback_to_what_is_broken_on_disk_is_refused(shop: Shop) -> None:
    file = shop.store.content(digest(shop.store.find("1").manifest)) / REVENUE
    text, before = file.read_text(), shop.current
    file.write_text(times(9)[REVENUE])
    with shop.client(SAM) as client:
        assert slug(client.post("/v1/releases/1/serve")) == "broken-release"
    file.write_text(text)
    assert shop.current == before


def test_where_no_key_is_known_none_signs(tmp_path: Path) -> None:
    none = {name: text for name, text in FILES.items() if name != "access/release_keys"}
    with open_shop(tmp_path, files=none) as shop:
        assert slug(shop.send(release(FILES))) == "unknown-key", "not even one that the release brings"
        assert shop.revenue() == 10


# ---------------------------------------------------------------- one environment after the other


def test_prod_serves_what_dev_has_served_and_nothing_else(tmp_path: Path) -> None:
    laid(tmp_path)
    gateway = open_gateway(tmp_path, environment="prod")
    try:
        publishing = Publishing(gateway, releases(tmp_path, "prod"))
        held = token(gateway, CORA)

        def sent(files: Mapping[str, str]) -> str:
            made = release(files, environment="prod")
            try:
                publishing.publish(json.dumps(packed(*made)).encode(), asks(held))
            except Exception as error:  # noqa: BLE001
                return str(getattr(error, "slug", error))
            return ""

        assert sent(times(2)) == "skipped-environment"
        signed, files = release(times(2))
        releases(tmp_path, "dev").publish(signed, files, lambda: None)
        assert sent(times(3)) == "skipped-environment"
        assert sent(times(2)) == ""
        assert gateway.serving.ground.release.startswith("1:")
    finally:
        gateway.close()


def test_what_the_live_data_lost_meanwhile_is_seen(tmp_path: Path) -> None:
    """A release is held against the warehouse as it is then, not as it was when it was made."""
    laid(tmp_path)
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as made:
        made.execute("ALTER TABLE gold.orders DROP COLUMN amount")
    gateway = open_gateway(tmp_path)
    try:
        publishing = Publishing(gateway, releases(tmp_path, "dev"))
        with pytest.raises(Exception, match="the table 'gold.orders' has no column 'amount'"):
            publishing.publish(json.dumps(packed(*release(times(2)))).encode(), asks(token(gateway, CORA)))
        assert releases(tmp_path, "dev").current() is None
    finally:
        gateway.close()
