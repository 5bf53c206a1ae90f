"""Answers in a time zone against brute force over rows, around the days on which clocks change."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan.rows import hold
from workbench.access.principal import identify
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.errors import QuestionError
from workbench.session.session import Session
from workbench.warehouse.duckdb_engine import DuckDBEngine

pytestmark = pytest.mark.slow

DECLARATIONS = {
    "metrics/calls.yml": """
semantic_model: calls
table: desk.calls
primary_key: call_id
time_dimension: rung
dimensions:
  rung: {type: time, grain: second}
  on_wall: {type: time, grain: second, timezone: America/New_York}
  bare: {type: time, grain: second}
  due: {type: time}
---
{metric: calls, model: calls, expr: count(*)}
---
{metric: seconds, model: calls, expr: sum(seconds), time_dimension: on_wall}
---
{metric: calls_2d, model: calls, expr: count(*), window: 2 days}
---
{metric: calls_mtd, model: calls, expr: count(*), to_date: month}
---
{metric: calls_day_ago, model: calls, expr: count(*), offset: 1 day}
---
{metric: night_calls, model: calls, expr: count(*), filter: rung.hour_of_day < 6}
""",
    "access/people.yml": """
roles:
  analyst: {can: [query:adhoc, read:metric]}
---
groups:
  all: {role: analyst, members: [ann]}
---
resource: desk.calls
grant: [{to: [analyst]}]
""",
}
ZONES = ["Europe/Paris", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns", "UTC"]
CHANGES = [
    datetime(2024, 3, 31, 1, tzinfo=UTC), datetime(2024, 10, 27, 1, tzinfo=UTC), datetime(2024, 3, 10, 7, tzinfo=UTC),
    datetime(2024, 11, 3, 6, tzinfo=UTC), datetime(2011, 12, 30, 10, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC),
]  # fmt: skip
seconds = st.integers(-99999, 99999) | st.sampled_from([-1, 3599, -3601])
instants = st.builds(lambda at, off: at + timedelta(seconds=off), st.sampled_from(CHANGES), seconds)
DAYS = [at.date() for at in CHANGES]
calls = st.lists(
    st.fixed_dictionaries(
        {"at": instants | st.none(), "seconds": st.integers(0, 9), "due": st.dates(date(2024, 1, 1), date(2024, 1, 3))}
    ),
    max_size=9,
)  # fmt: skip
PATHS = [f"{axis}.{part}" for axis in ("metric_time", "rung", "on_wall", "bare") for part in ("hour", "day", "month")]
PATHS += ["due", "due.month", "rung.hour_of_day", "rung.day_of_week"]


SCHEMA = """
CREATE SCHEMA desk;
CREATE TABLE desk.calls (
  call_id INTEGER, rung TIMESTAMPTZ, on_wall TIMESTAMP, bare TIMESTAMP_NS, due DATE, seconds INTEGER
);
"""


def declared(root: Path, more: str = "") -> Workspace:
    """The workspace of a desk that is called, and of ``more`` metrics."""
    for name, text in {**DECLARATIONS, "metrics/more.yml": more}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return load(root).require()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return declared(tmp_path_factory.mktemp("desk"))


def opened(desk: Workspace, rows: list[dict[str, Any]]) -> Session:
    calls = [
        {
            "call_id": i, "rung": row["at"], "on_wall": on_wall(row["at"]), "due": row["due"],
            "bare": row["at"] and f"{bare(row['at'])}.999999999", "seconds": row["seconds"],
        }
        for i, row in enumerate(rows)
    ]  # fmt: skip
    over = DuckDBEngine(hold(SCHEMA, "desk", {"calls": calls}))
    return Session(desk, identify(desk.roles, desk.groups, "ann", "dev"), over, None)


def on_wall(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(ZoneInfo("America/New_York")).replace(tzinfo=None)


def bare(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC).replace(tzinfo=None)


def local(row: dict[str, Any], axis: str, zone: str) -> datetime | None:
    """The wall clock that a moment of a row is shown on."""
    if row["at"] is None:
        return None
    if axis == "bare":
        return bare(row["at"])
    if axis == "on_wall":  # an hour that clocks show twice is the later one
        wall = on_wall(row["at"])
        assert wall is not None
        return (
            wall
            if not zone
            else wall.replace(tzinfo=ZoneInfo("America/New_York"), fold=1)
            .astimezone(ZoneInfo(zone))
            .replace(tzinfo=None)
        )
    return row["at"].astimezone(ZoneInfo(zone or "UTC")).replace(tzinfo=None)


def value(row: dict[str, Any], path: str, zone: str) -> Any:
    axis, _, part = path.partition(".")
    if axis == "due":
        return row["due"].replace(day=1) if part else row["due"]
    moment = local(row, {"metric_time": "at"}.get(axis, axis), zone)
    if moment is None:
        return None
    shows: dict[str, Callable[[datetime], Any]] = {
        "hour": lambda m: m.replace(minute=0, second=0), "day": lambda m: m.date(),
        "month": lambda m: m.date().replace(day=1), "hour_of_day": lambda m: m.hour,
        "day_of_week": lambda m: m.isoweekday(),
    }  # fmt: skip
    return shows[part](moment)


def grouped(pairs: Iterator[tuple[Any, ...]]) -> dict[tuple[Any, ...], int]:
    out: dict[tuple[Any, ...], int] = {}
    for key in pairs:
        out[key] = out.get(key, 0) + 1
    return out


@given(rows=calls, by=st.lists(st.sampled_from(PATHS), max_size=2, unique=True), zone=st.sampled_from([*ZONES, ""]))
def test_moments_are_shown_in_the_zone_and_dates_stay(desk: Workspace, rows: Any, by: list[str], zone: str) -> None:
    with opened(desk, rows) as asking:
        found = asking.ask(Question(metrics="calls", by=by, timezone=zone)).rows()
    got = {tuple(row[path] for path in by): row["calls"] for row in found}
    assert got == (grouped(tuple(value(row, path, zone) for path in by) for row in rows) or ({} if by else {(): 0}))


@given(rows=calls, zone=st.sampled_from(ZONES), day=st.sampled_from(DAYS))
def test_a_range_means_days_of_the_zone(desk: Workspace, rows: Any, zone: str, day: date) -> None:
    with opened(desk, rows) as asking:
        ranged = asking.query("calls", time=(day, day), timezone=zone).rows()[0]["calls"]
        night = asking.query("night_calls", timezone=zone).rows()[0]["night_calls"]
    moments = [local(row, "at", zone) for row in rows]
    assert ranged == sum(moment is not None and moment.date() == day for moment in moments)
    # What a metric says of its own rows is said once, whatever zone is asked for.
    assert night == sum(row["at"] is not None and row["at"].hour < 6 for row in rows)


SAYS: dict[str, Callable[[Any, Any], bool]] = {
    "{0} = {1}": operator.eq, "{0} <> {1}": operator.ne, "{0} < {1}": operator.lt, "{0} <= {1}": operator.le,
    "{0} > {1}": operator.gt, "{0} >= {1}": operator.ge, "{1} >= {0}": operator.le, "{1} < {0}": operator.gt,
    "{0} is distinct from {1}": operator.ne, "{0} in ({1}, '2024-01-02', null)": operator.eq,
}  # fmt: skip
bounds = st.sampled_from(DAYS) | st.builds(
    lambda day, hour: datetime(day.year, day.month, day.day, hour), st.sampled_from(DAYS), st.sampled_from([0, 12])
)


def said(row: dict[str, Any], axis: str, zone: str, bound: date, holds: Callable[[Any, Any], bool]) -> bool | None:
    """Whether a moment of a row, or its day where the bound has no clock, is what is said of it."""
    moment = row["due"] if axis == "due" else local(row, axis, zone)
    if moment is None:
        return None
    if axis == "bare":
        moment += timedelta(microseconds=999_999)  # and 999 nanoseconds, which decide nothing more
    if not isinstance(bound, datetime):
        return holds(moment if axis == "due" else moment.date(), bound)
    return holds(datetime(moment.year, moment.month, moment.day) if axis == "due" else moment, bound)


@given(
    rows=calls,
    zone=st.sampled_from([*ZONES, ""]),
    axis=st.sampled_from(["metric_time", "rung", "on_wall", "bare", "due"]),
    form=st.sampled_from([*SAYS]),
    bound=bounds,
    until=st.none() | bounds,
)
def test_a_date_means_its_whole_day_and_a_clock_one_moment(
    desk: Workspace, rows: Any, zone: str, axis: str, form: str, bound: date, until: date | None
) -> None:
    where = form.format(axis, f"'{bound}'") if until is None else f"{axis} between '{bound}' and '{until}'"
    with opened(desk, rows) as asking:
        (found,) = asking.query("calls", where=where, timezone=zone).rows()

    def meets(row: dict[str, Any]) -> bool | None:
        if until is not None:
            later = said(row, axis, zone, bound, operator.ge)
            return later and said(row, axis, zone, until, operator.le)
        if " in " in form:
            return said(row, axis, zone, bound, operator.eq) or said(row, axis, zone, date(2024, 1, 2), operator.eq)
        told = said(row, axis, zone, bound, SAYS[form])
        return True if told is None and "distinct" in form else told

    assert found["calls"] == sum(bool(meets(row)) for row in rows)


@given(rows=calls, zone=st.sampled_from(ZONES))
def test_windows_and_offsets_count_days_of_the_zone(desk: Workspace, rows: Any, zone: str) -> None:
    with opened(desk, rows) as asking:
        found = asking.query("calls_2d", "calls_mtd", "calls_day_ago", by="metric_time.day", timezone=zone).rows()
    days = [moment.date() for row in rows if (moment := local(row, "at", zone))]
    for row in found:
        now = row["metric_time.day"]
        if now is None:
            continue
        assert row["calls_2d"] == sum(now - timedelta(days=2) < day <= now for day in days)
        assert row["calls_mtd"] == sum(now.replace(day=1) <= day <= now for day in days)
        assert row["calls_day_ago"] == sum(day == now - timedelta(days=1) for day in days)
    assert {row["metric_time.day"] for row in found} >= set(days)


def test_an_unknown_zone_is_refused_with_the_nearest(desk: Workspace) -> None:
    with opened(desk, []) as asking, pytest.raises(QuestionError, match="Europe/Paris.*unknown-timezone"):
        asking.query("calls", timezone="Europe/Pari")


def test_moments_in_nanoseconds_lie_in_the_period_they_are_in(desk: Workspace) -> None:
    """An engine's own cast rounds the last nanoseconds of a day into the next."""
    rows = [{"at": datetime(2024, 1, 31, 23, 59, 59, tzinfo=UTC), "seconds": 1, "due": date(2024, 1, 1)}]
    with opened(desk, rows) as asking:
        by = ["bare.day", "bare.day_of_week", "bare"]
        (row,) = asking.query(
            "calls", by=by, where="bare.month = '2024-01-01' and date_diff('day', bare, due) = -30"
        ).rows()
        assert tuple(row.values()) == (date(2024, 1, 31), 3, datetime(2024, 1, 31, 23, 59, 59), 1)


def test_a_moment_without_a_date_in_python_is_counted(desk: Workspace) -> None:
    over = DuckDBEngine(hold(SCHEMA, "desk", {"calls": [{"rung": "infinity"}, {"rung": "2024-01-31 10:00:00+00"}]}))
    with Session(desk, identify(desk.roles, desk.groups, "ann", "dev"), over, None) as asking:
        answer = asking.query("calls")
        assert (answer.rows(), answer.metrics[0].fresh_until) == ([{"calls": 2}], None)
        assert asking.query("calls", time=("2024-01-01", "2024-01-31")).rows() == [{"calls": 1}]
