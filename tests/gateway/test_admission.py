"""Admission: users take turns, nobody waits without end, and what is told of the wait is so."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.gateway.admission import Admission, Busy, Lane


def run(work: Coroutine[Any, Any, None]) -> None:
    """Do it, if it can be done at all."""
    asyncio.run(asyncio.wait_for(work, 20))


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class Asker:
    """Tasks that hold their turn until told to end; notes who ran when."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.ran: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.ends: dict[str, asyncio.Event] = {}

    def ask(self, id: str) -> None:
        self.ends[id] = asyncio.Event()
        self.tasks[id] = asyncio.create_task(self._hold(id))

    async def _hold(self, id: str) -> None:
        async with self.admission.turn(id.partition(":")[0], "adhoc", id):
            self.ran.append(id)
            await self.ends[id].wait()

    async def end(self, id: str) -> None:
        self.ends[id].set()
        await settle()


def test_users_take_turns_whoever_asked_most() -> None:
    async def story() -> None:
        asker = Asker(Admission({"adhoc": Lane(1, 1, 100, 100)}))
        for n in range(5):
            asker.ask(f"ana:{n}")
            await settle()
        asker.ask("luc:0")
        asker.ask("mia:0")
        await settle()
        assert [asker.admission.position(i) for i in ("ana:0", "ana:1", "luc:0", "mia:0", "ana:2")] == [0, 1, 2, 3, 4]
        assert asker.admission.position("nobody") is None
        while len(asker.ran) < 7:
            await asker.end(asker.ran[-1])
        assert asker.ran == ["ana:0", "ana:1", "luc:0", "mia:0", "ana:2", "ana:3", "ana:4"]

    run(story())


def test_one_user_never_takes_every_place() -> None:
    async def story() -> None:
        asker = Asker(Admission({"adhoc": Lane(3, 2, 100, 100)}))
        for n in range(4):
            asker.ask(f"ana:{n}")
        await settle()
        assert asker.ran == ["ana:0", "ana:1"]
        asker.ask("luc:0")
        await settle()
        assert asker.ran[-1] == "luc:0"

    run(story())


def test_whoever_is_alone_has_more_room_than_one_among_others() -> None:
    now = [0.0]

    async def story() -> None:
        asker = Asker(Admission({"adhoc": Lane(4, 3, 100, 100)}, lambda: now[0]))
        for n in range(6):
            asker.ask(f"ana:{n}")
        await settle()
        assert asker.ran == ["ana:0", "ana:1", "ana:2"]
        asker.ask("luc:0")
        asker.ask("mia:0")
        await settle()
        assert asker.ran[3:] == ["luc:0"]
        for id in ("ana:0", "ana:1", "luc:0"):
            await asker.end(id)
        assert asker.ran[4:] == ["mia:0"]  # three have asked lately, so that one of ana's runs on and no more
        await asker.end("mia:0")
        await asker.end("ana:2")
        assert asker.ran[5:] == ["ana:3"]
        now[0] = 11.0
        await asker.end("ana:3")
        assert asker.ran[6:] == ["ana:4", "ana:5"]

    run(story())


def test_who_took_much_more_than_others_stands_back_for_a_while() -> None:
    now = [0.0]

    async def story() -> None:
        admission = Admission({"adhoc": Lane(4, 3, 100, 100)}, lambda: now[0])

        async def takes(user: str, seconds: float) -> bool:
            async with admission.turn(user, "adhoc") as turn:
                now[0] += seconds
            return turn.stands_back

        assert not await takes("ana", 3.0)
        assert not await takes("ana", 0.1)  # alone, nobody is in the way
        assert not await takes("luc", 0.5)
        assert await takes("ana", 0.1)
        assert not await takes("luc", 0.5)
        assert not await takes("mia", 2.5)
        assert not await takes("ana", 0.1)  # as much as others do
        now[0] += 20.0
        assert not await takes("luc", 0.1)
        assert not await takes("ana", 0.1)

    run(story())


def test_too_much_is_refused_with_an_honest_wait() -> None:
    now = [0.0]

    async def story() -> None:
        asker = Asker(Admission({"adhoc": Lane(1, 1, 3, 2)}, lambda: now[0]))
        asker.ask("ana:0")
        await settle()
        now[0] = 40.0
        await asker.end("ana:0")  # a turn took 40 s
        for name in ("ana:1", "ana:2", "ana:3"):
            asker.ask(name)
        await settle()
        with pytest.raises(Busy) as many:
            async with asker.admission.turn("ana", "adhoc"):
                raise AssertionError
        assert (many.value.status, many.value.slug, many.value.retry_after) == (429, "too-many", 40.0)
        asker.ask("luc:0")
        await settle()
        with pytest.raises(Busy) as over:
            async with asker.admission.turn("mia", "adhoc"):
                raise AssertionError
        assert (over.value.status, over.value.slug) == (503, "overloaded")
        assert over.value.retry_after == 160.0
        assert asker.admission.waiting("adhoc") == 3

    run(story())


def test_lanes_do_not_wait_for_each_other() -> None:
    async def story() -> None:
        admission = Admission({"adhoc": Lane(1, 1, 9, 9), "metric": Lane(1, 1, 9, 9)})
        async with admission.turn("ana", "adhoc"), admission.turn("ana", "metric"):
            assert admission.running("adhoc") == admission.running("metric") == 1
        assert admission.running("adhoc") == 0

    run(story())


@given(st.lists(st.tuples(st.sampled_from(["ask", "end", "cancel"]), st.integers(0, 3)), max_size=60))
def test_no_turn_is_lost_or_given_twice(steps: list[tuple[str, int]]) -> None:
    lane = Lane(2, 1, 4, 2)

    async def story() -> None:
        asker, number = Asker(Admission({"adhoc": lane})), 0
        for step, user in steps:
            live = [i for i, task in asker.tasks.items() if not task.done() and i.startswith(f"u{user}:")]
            if step == "ask":
                number += 1
                asker.ask(f"u{user}:{number}")
            elif live and step == "end" and live[0] in asker.ran:
                asker.ends[live[0]].set()
            elif live and step == "cancel":
                asker.tasks[live[-1]].cancel()
                asker.tasks[live[0]].cancel()
            if number % 2:
                await settle()
            check(asker)
        await settle()
        for task in asker.tasks.values():
            task.cancel()
        for task in asker.tasks.values():
            with suppress(asyncio.CancelledError, Busy):
                await task
        assert asker.admission.running("adhoc") == asker.admission.waiting("adhoc") == 0

    def check(asker: Asker) -> None:
        admission = asker.admission
        assert admission.running("adhoc") <= lane.running
        assert admission.waiting("adhoc") <= lane.waiting
        held = Counter(i.partition(":")[0] for i in asker.tasks if admission.position(i) == 0)
        assert not held or max(held.values()) <= lane.running_per_user
        places = [p for i in asker.tasks if (p := admission.position(i))]
        assert sorted(places) == list(range(1, len(places) + 1))

    run(story())
