"""A seed to users who think, ask and wait for the whole answer, each in a thread, until the time is over."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workbench.declare.question import Question
from workbench.errors import WorkbenchError
from workbench.session.asking import question_of

Lane = Literal["metric", "sql", "look"]
LATEST = 60.0
"""Seconds that the last answers are waited for."""

_BY = ("carrier", "origin_code", "airline.name", "origin.name", "metric_time.month", "metric_time.day", "delay_band")
_METRICS = (
    ("flights",), ("flights", "cancellation_rate"), ("late_share",), ("average_departure_delay", "flights"),
    ("median_departure_delay",), ("on_time_share",), ("average_distance", "distance_flown"),
)  # fmt: skip
_CARRIERS = ("UA", "B6", "EV", "DL", "AA", "MQ")
_SQL = (
    "select carrier, avg(dep_delay_minutes) as late from gold.flights where dest = '{}' group by carrier order by 1",
    "select date_trunc('month', scheduled_departure) as m, count(*) as n from gold.flights where dest='{}' group by 1",
    "select * from gold.flights where dest = '{}' order by flight_id limit 200",
    "select p.manufacturer, count(*) as n from gold.flights f join gold.planes p using (tailnum) where f.dest = '{}' "
    "group by all order by n desc limit 20",
)
_PLACES = ("ATL", "ORD", "LAX", "BOS", "JFK")
_WORDS = ("delay", "airline", "distance", "weather", "seats", "cancelled")
_HEAVY_SQL = (
    "select count(*) as n from gold.flights a join gold.flights b on a.carrier = b.carrier and a.origin = b.origin "
    "where a.dep_delay_minutes > b.arr_delay_minutes + {}"
)
_HEAVY = ("median_departure_delay", "p90_departure_delay", "routes_served", "worst_departure_delay")


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing to ask of a door; whatever comes back is whole."""

    lane: Lane
    words: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    where: str | None = None
    text: str = ""

    def of(self, door: Any) -> Any:
        """Ask it."""
        if self.lane == "metric":
            return door.ask(self.prepared())
        if self.lane == "sql":
            return door.sql(self.text)
        return door.search(self.text) if self.text else door.dimensions(*self.words)

    def prepared(self) -> Question | str:
        """The question, or the SQL."""
        return question_of(self.words, by=self.by, where=self.where) if self.lane == "metric" else self.text


@dataclass(frozen=True, slots=True)
class Done:
    """How one went: seconds until the last row, and the slug of what went wrong."""

    lane: Lane
    seconds: float
    error: str = ""


class Mix:
    """What there is to ask: 80 % metric questions, 10 % SQL, 10 % looks at the catalogue."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        self.seed = seed
        wheres = [None, *(f"carrier = '{one}'" for one in _CARRIERS), "metric_time.month = '2013-07-01'"]
        self.metric = [
            Ask(
                "metric", dice.choice(_METRICS), tuple(dice.sample(_BY, dice.choice((0, 1, 1, 2)))), dice.choice(wheres)
            )
            for _ in range(40)
        ]
        self.sql = [Ask("sql", text=text.format(place)) for text in _SQL for place in _PLACES]
        self.look = [*(Ask("look", text=word) for word in _WORDS), *(Ask("look", words) for words in _METRICS[:3])]
        self.heavy = [
            Ask("metric", _HEAVY, ("route", "metric_time.day")),
            *(Ask("sql", text=_HEAVY_SQL.format(n)) for n in range(3)),
        ]

    @property
    def everything(self) -> list[Ask]:
        """Each of them once."""
        return [*self.metric, *self.sql, *self.look]

    def drawn(self, dice: random.Random) -> Ask:
        """The next one."""
        kind = dice.random()
        return dice.choice(self.metric if kind < 0.8 else self.sql if kind < 0.9 else self.look)


Asker = Callable[[Ask], Any]


@dataclass(frozen=True, slots=True)
class Hogs:
    """Users who do not think: every other one asks the first thing, the others one of the rest, until stopped."""

    askers: Sequence[Asker]
    asks: Sequence[Ask]
    stop: Callable[[], object]


def crowd(askers: Sequence[Asker], mix: Mix, think: tuple[float, float], seconds: float) -> list[Done]:
    """What all users got within that time."""
    return beside(askers, mix, think, seconds, Hogs((), (), lambda: None))[0]


def beside(
    askers: Sequence[Asker], mix: Mix, think: tuple[float, float], seconds: float, hogs: Hogs
) -> tuple[list[Done], list[Done]]:
    """What all users got within that time, and what those got who did not think."""
    ends = time.monotonic() + seconds
    done: list[Done] = []
    taken: list[Done] = []

    def think_and_ask(number: int) -> None:
        dice = random.Random(f"{mix.seed} {number}")
        pause = dice.uniform(0, think[1])  # nobody begins together
        while time.monotonic() + pause < ends:
            time.sleep(pause)
            done.extend(_timed(askers[number], mix.drawn(dice)))
            pause = dice.uniform(*think)

    def only_ask(number: int) -> None:
        ask = hogs.asks[0 if number % 2 else 1 + number // 2 % (len(hogs.asks) - 1)]
        while time.monotonic() < ends:
            taken.extend(_timed(hogs.askers[number], ask))
            if taken and taken[-1].error:
                time.sleep(1.0)  # as Retry-After says at the least

    threads = [threading.Thread(target=think_and_ask, args=(n,), daemon=True) for n in range(len(askers))]
    threads += [threading.Thread(target=only_ask, args=(n,), daemon=True) for n in range(len(hogs.askers))]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    while any(thread.is_alive() for thread in threads) and time.monotonic() < ends + LATEST:
        hogs.stop()
        time.sleep(0.2)
    return list(done), list(taken)


def _timed(asker: Asker, ask: Ask) -> list[Done]:
    """How it went; nothing where the asker has no answer to such a thing."""
    began = time.perf_counter()
    try:
        if asker(ask) is None:
            return []
        error = ""
    except WorkbenchError as refused:
        error = refused.slug
    return [Done(ask.lane, time.perf_counter() - began, error)]
