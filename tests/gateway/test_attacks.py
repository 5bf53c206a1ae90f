"""What a second author tried against a running gateway: requests that must be refused in words, and soon."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.gateway.conftest import ANA, PAULA, Served
from tests.gateway.running import running, token
from workbench.errors import QuestionError
from workbench.gateway.admission import Lane
from workbench.gateway.bounds import Bounds
from workbench.gateway.running import Queries

QUESTIONS: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "questions.yml").read_text(encoding="utf-8")
)
MANY = [
    {"metrics": [{f"m{i}": "flights"} for i in range(30_000)]},
    {"metrics": ["flights"], "by": [{f"m{i}": "carrier"} for i in range(30_000)]},
    {"metrics": ["flights"], "order_by": ["carrier"] * 30_000},
    {"metrics": ["flights"], "by": [{f"m{i}": "carrier"} for i in range(99)], "totals": [f"m{i}" for i in range(99)]},
]
"""Lists so long that compiling them would take minutes."""


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    """A client that speaks as a partner."""
    gateway, url = served
    headers = {"Authorization": f"Bearer {token(gateway, PAULA)}", "Content-Type": "application/json"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        yield client


@pytest.mark.parametrize("body", [one for some in QUESTIONS.values() for one in some] + MANY, ids=lambda b: str(b)[:60])
def test_an_attack_is_refused_in_words_and_soon(http: httpx.Client, body: dict[str, Any]) -> None:
    began = time.process_time()
    answer = http.post("/v1/questions", content=json.dumps(body))
    assert answer.status_code in (400, 403, 422), answer.text[:300]
    assert answer.json()["problems"][0]["slug"] != "internal"
    assert time.process_time() - began < 5  # the gateway is in this process


def test_a_draft_with_half_a_character_is_no_yaml(http: httpx.Client) -> None:
    answer = http.post("/v1/drafts", content=json.dumps({"text": "metric: x\nexpr: count(*)\ndescription: \ud800"}))
    assert (answer.status_code, answer.json()["problems"][0]["slug"]) == (422, "bad-yaml")


def test_a_draft_is_a_page_and_no_book(http: httpx.Client) -> None:
    answer = http.post("/v1/drafts", json={"text": "metric: x\nexpr: count(*)\ndescription: " + "x" * 70_000})
    assert (answer.status_code, answer.json()["problems"][0]["slug"]) == (413, "too-large")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("sql", {"text": "SELECT 1", "as_user": "sam@skyways.example"}, 422),
        ("drafts", {"text": "metric: x\nmodel: flights\nexpr: count(*)", "public": True}, 422),
        ("tokens", {"day": 1}, 422),
        ("sql", {"text": "SELECT 'a\x00b' AS x"}, 400),
    ],
)
def test_what_is_not_read_is_refused(http: httpx.Client, path: str, body: dict[str, Any], status: int) -> None:
    answer = http.post(f"/v1/{path}", json=body)
    assert answer.status_code == status, answer.text[:300]
    assert answer.json()["problems"][0]["slug"] in ("bad-question", "sql-round-trip")


def test_a_token_for_questions_drops_no_draft(served: Served, http: httpx.Client) -> None:
    gateway, _ = served
    gateway.serving.drafts.keep(PAULA, "adhoc.mine", "metric: mine\nmodel: flights\nexpr: count(*)")
    narrow = {"Authorization": f"Bearer {token(gateway, PAULA, scope=['query'])}"}
    assert http.delete("/v1/drafts/mine", headers=narrow).status_code == 403
    assert "adhoc.mine" in gateway.serving.drafts.of(PAULA)


class Narrow(Bounds):
    """Room for one look at a time, and one more that waits."""

    @property
    def lanes(self) -> Mapping[str, Lane]:
        return {**Bounds().lanes, "look": Lane(1, 1, waiting=5, waiting_per_user=1)}


@pytest.mark.slow
def test_who_looks_all_the_time_is_told_to_come_back(home: Path) -> None:
    with running(home, Narrow()) as (gateway, url), ThreadPoolExecutor(16) as pool:
        paula, ana = ({"Authorization": f"Bearer {token(gateway, name)}"} for name in (PAULA, ANA))

        def look(path: str) -> httpx.Response:
            return httpx.get(url + path, headers=paula, timeout=60)

        answers = list(pool.map(look, ["/v1/search?q=delay", "/v1/may?verb=query:adhoc", "/v1/drafts"] * 30))
        assert {answer.status_code for answer in answers} == {200, 429}
        assert all(int(one.headers["Retry-After"]) >= 1 for one in answers if one.status_code == 429)
        assert httpx.get(url + "/v1/search?q=delay", headers=ana, timeout=60).status_code == 200
        assert gateway.admission.running("look") == gateway.admission.waiting("look") == 0


def test_two_requests_of_one_id_are_not_taken_for_each_other() -> None:
    queries = Queries(lambda _: None)
    with queries.track("the-same-id") as first:
        first.asker = "one"
        with pytest.raises(QuestionError, match="another request has this id"), queries.track("the-same-id"):
            pass
        assert queries.find("the-same-id", "one") is first
    assert len(queries) == 0
