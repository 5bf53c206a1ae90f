"""A thread is never more than a little ahead of who takes what it makes, and stops with them."""

from __future__ import annotations

import asyncio
import threading

from workbench.gateway.ahead import AHEAD, Ahead


def test_what_is_made_is_taken_in_order_and_never_much_ahead() -> None:
    made, most = 0, 0

    async def run() -> list[int]:
        nonlocal most
        line: Ahead[int] = Ahead()

        def work() -> None:
            nonlocal made
            for number in range(100):
                made += 1
                assert line.put(number)
            line.put(None)

        thread = asyncio.get_running_loop().run_in_executor(None, work)
        taken: list[int] = []
        while (one := await line.take()) is not None:
            taken.append(one)
            if len(taken) % 10 == 1:
                await asyncio.sleep(0.01)  # time enough to run away
            most = max(most, made - len(taken))
        await thread
        return taken

    assert asyncio.run(run()) == list(range(100))
    assert 0 < most <= AHEAD + 1  # and the one in its hands


def test_who_makes_more_than_is_taken_is_told_to_stop() -> None:
    async def run() -> None:
        line: Ahead[int] = Ahead()
        answers: list[bool] = []

        def work() -> None:
            answers.append(line.put(0))
            while answers[-1]:
                answers.append(line.put(len(answers)))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        assert await line.take() == 0
        await asyncio.sleep(0.05)  # it waits for room now
        assert thread.is_alive()
        line.close()
        await asyncio.to_thread(thread.join, 5)
        assert not thread.is_alive()
        assert answers[-1] is False
        assert len(answers) <= AHEAD + 3

    asyncio.run(run())
