"""One door, here and behind a gateway: the same answers, cards, completions, drafts and errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.gateway.conftest import ANA, CORA, PAULA, SAM, As
from workbench.errors import AccessDenied, DeclarationError, QuestionError, WorkbenchError
from workbench.session.answer import Answer
from workbench.session.door import Door
from workbench.show.completion import complete_metric, complete_sql

DRAFT = "metric: long_flights\nlabel: Long flights\nmodel: flights\nexpr: count(*)\nfilter: distance_miles > 1000\n"

ASKED: dict[str, Callable[[Door], Any]] = {
    "total": lambda d: d.query("flights"),
    "two by one": lambda d: d.query("flights", "cancellation_rate", by="airline.name", order_by="-flights", limit=3),
    "renamed": lambda d: d.query({"n": "flights"}, by={"airport": "origin.name"}, where="origin.faa = 'JFK'"),
    "months": lambda d: d.query(
        "flights", by="metric_time.month", time=("2013-01-01", "2013-06-30"), compare="1 month"
    ),
    "shares": lambda d: d.query("flights", by=["origin.faa", "carrier"], share_of="origin.faa", totals=["total"]),
    "having": lambda d: d.query("flights", by="carrier", having="flights > 50000"),
    "nothing": lambda d: d.query("flights", by="carrier", where="carrier = 'none'"),
    "values": lambda d: d.query(by="airports.faa", limit=5),
    "masked": lambda d: d.query("flights", by="tailnum", limit=3, order_by="-flights"),
    "window": lambda d: d.query("cancellation_rate_trailing_28_days", by="metric_time.month"),
    "saved": lambda d: d.saved("monthly_operations"),
    "sql": lambda d: d.sql(
        "select carrier, count(*) as n, avg(dep_delay_minutes) a from gold.flights group by 1 order by 1"
    ),
    "sql types": lambda d: d.sql(
        "select 1::hugeint h, 1.5::decimal(9,2) d, [1,2] l, {'a': 1} s, date '2013-01-01' t, null n, "
        "timestamptz '2013-01-01 10:00:00+00' z, interval 1 day i, true b, 'ü' u"
    ),
    "sql empty": lambda d: d.sql("select carrier from gold.flights limit 0"),
    "sql masked": lambda d: d.sql("select distinct tailnum from gold.flights order by 1 limit 5"),
    "sql describe": lambda d: d.sql("describe gold.flights"),
    "table": lambda d: d.table("gold.airlines").order_by("carrier").to_pyarrow(),
    "joined tables": lambda d: (
        d.table("gold.flights").join(d.table("gold.airlines"), "carrier").count().to_pyarrow().as_py()
    ),
    "explain": lambda d: (lambda told: (told.text, told.sql, told.restrictions, told.steps))(
        d.explain("flights", by="origin.name")
    ),
    "metrics": lambda d: d.metrics,
    "models": lambda d: d.models,
    "dimensions": lambda d: d.dimensions("flights", "precipitation"),
    "all dimensions": lambda d: d.dimensions(),
    "search": lambda d: d.search("delay"),
    "search nothing": lambda d: d.search("no such thing at all"),
    "tables": lambda d: d.tables(),
    "dashboards": lambda d: dict(d.dashboards),
    "principal": lambda d: d.principal,
    "completed metric": lambda d: complete_metric("flights by origin.", d),
    "completed sql": lambda d: complete_sql("select * from g", "select * from g", d, lambda table: ()),
    "may": lambda d: d.require("query:adhoc", "gold.flights"),
}

WRONG: dict[str, Callable[[Door], Any]] = {
    "metric": lambda d: d.query("flihgts"),
    "dimension": lambda d: d.query("flights", by="origin.nmae"),
    "fan-out": lambda d: d.query("precipitation", by="airline.name"),
    "limit": lambda d: d.query("flights", limit=-1),
    "time": lambda d: d.query("flights", time="2013"),
    "by": lambda d: d.query("flights", by=3),
    "condition": lambda d: d.query("flights", where="carrier = = 'x'"),
    "masked": lambda d: d.query("flights", where="tailnum = 'N14228'"),
    "empty": lambda d: d.query(),
    "saved": lambda d: d.saved("nothing"),
    "sql table": lambda d: d.sql("select * from gold.filghts"),
    "sql hidden": lambda d: d.sql("select * from landing.flights"),
    "sql syntax": lambda d: d.sql("select *\nfrom gold.flights wher x"),
    "sql write": lambda d: d.sql("drop table gold.flights"),
    "sql function": lambda d: d.sql("select getenv('HOME')"),
    "sql value": lambda d: d.sql("select carrier::int from gold.flights"),
    "table": lambda d: d.table("gold.flihgts"),
    "hidden table": lambda d: d.table("landing.flights"),
    "dimensions": lambda d: d.dimensions("flihgts"),
    "verb": lambda d: d.require("change:everything"),
    "right": lambda d: d.require("publish:metric"),
    "explain": lambda d: d.explain("flights", by="nowhere"),
    "draft": lambda d: d.draft("metric: x\nexpr: flights + nothing\n"),
    "draft kind": lambda d: d.draft("semantic_model: x\ntable: y\n"),
    "publish": lambda d: d.publish("nothing"),
}


@pytest.mark.parametrize("who", [ANA, PAULA])
@pytest.mark.parametrize("asked", ASKED)
def test_answers_are_the_same(asked: str, who: str, embedded: As, remote: As) -> None:
    here, there = (ASKED[asked](opened(who)) for opened in (embedded, remote))
    assert _told(there) == _told(here)
    if isinstance(here, Answer):
        assert here.table.schema.equals(there.table.schema, check_metadata=True)
        assert there.seconds > 0


@pytest.mark.parametrize("who", [ANA, PAULA])
@pytest.mark.parametrize("asked", WRONG)
def test_errors_are_the_same(asked: str, who: str, embedded: As, remote: As) -> None:
    told = []
    for opened in (embedded, remote):
        with pytest.raises(WorkbenchError) as refused:
            WRONG[asked](opened(who))
        told.append((type(refused.value), refused.value.problems))
    assert told[1] == told[0]


def _told(answer: Any) -> Any:
    """All of an answer but what differs from run to run, and the plan, which stays where it is made."""
    if not isinstance(answer, Answer):
        return tuple(answer) if isinstance(answer, tuple) else answer
    return replace(answer, seconds=0.0, plan=None, draw=None)


def test_a_draft_is_ones_own_and_stays(as_user: As) -> None:
    door, other = as_user(ANA), as_user(SAM)
    card = door.draft(DRAFT)
    assert (card.name, card.state) == ("adhoc.long_flights", "ad hoc")
    assert [one.state for one in door.query("adhoc.long_flights", "flights").metrics] == ["ad hoc", "public"]
    assert door.query("adhoc.long_flights").rows()[0]["adhoc.long_flights"] > 0
    with pytest.raises(QuestionError, match="unknown-metric"):
        other.query("adhoc.long_flights")


def test_publishing_takes_the_right_and_replaces_nothing(as_user: As, home: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(home)
    as_user(ANA).draft(DRAFT)
    with pytest.raises(AccessDenied, match="may not publish:metric on 'long_flights'"):
        as_user(ANA).publish("long_flights")
    door = as_user(CORA)
    door.draft(DRAFT)
    file = door.publish("long_flights")
    try:
        assert file == home / "metrics" / "proposed" / "long_flights.yml"
        assert file.read_text() == DRAFT
        with pytest.raises(QuestionError, match="already-there"):
            door.publish("long_flights")
    finally:
        file.unlink()
    door.draft("metric: longer\nexpr: adhoc.long_flights * 2\n")
    with pytest.raises(DeclarationError, match="uses-a-draft"):
        door.publish("longer")


def test_it_says_where_it_leads(as_user: As, served: Any, home: Any) -> None:
    door = as_user(ANA)
    assert door.about.name == home.name
    assert door.about.environment == "dev"
    assert door.about.place in (str(home), served[1])
    assert ANA in repr(door)
