"""Long work gives way to those who wait for an answer, and gets on all the same."""

import asyncio
import threading
import time

import pytest

from service.problems import Overloaded
from service.worker import GIVEN, SHARE, Worker


def test_a_full_house_turns_away_those_at_the_door_but_none_who_is_in() -> None:
    worker = Worker(threads=1, queue_limit=1)
    release = threading.Event()

    async def measure() -> int:
        waiting = [asyncio.ensure_future(worker.run(release.wait)) for _ in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded):
            await worker.run(lambda: 1)
        further = asyncio.ensure_future(worker.run(lambda: 2, let_in=True))
        await asyncio.sleep(0.05)
        assert not further.done()  # it waits for a thread as they do
        release.set()
        await asyncio.gather(*waiting)
        assert await worker.run(lambda: 1) == 1  # the places are free again, no more of them than there were
        return await further

    assert asyncio.run(measure()) == 2
    worker.close()


def test_it_is_crowded_while_calls_wait_for_a_thread_whoever_has_them() -> None:
    worker = Worker(threads=1, queue_limit=8)
    release = threading.Event()

    async def measure() -> list[bool]:
        found = [worker.crowded]
        writing = asyncio.ensure_future(worker.write(release.wait))
        await asyncio.sleep(0.05)
        found.append(worker.crowded)
        reading, leaving = (asyncio.ensure_future(worker.run(lambda: 1)) for _ in range(2))
        await asyncio.sleep(0.05)
        found.append(worker.crowded)
        leaving.cancel()
        reading.cancel()
        await asyncio.sleep(0.05)
        found.append(worker.crowded)
        release.set()
        await writing
        assert await worker.run(lambda: 1) == 1
        return [*found, worker.crowded]

    assert asyncio.run(measure()) == [False, False, True, False, False]
    worker.close()


def test_long_work_waits_while_somebody_waits_but_gets_its_share() -> None:
    worker = Worker(threads=2, queue_limit=8)
    release = threading.Event()

    def work(pieces: int) -> float:
        began = time.monotonic()
        for _ in range(pieces):
            until = time.monotonic() + 0.02
            while time.monotonic() < until:
                pass
            worker.give_way()
        return time.monotonic() - began

    async def measure() -> tuple[float, float]:
        alone = await asyncio.to_thread(work, 20)
        reading = asyncio.ensure_future(worker.run(release.wait))
        await asyncio.sleep(0.05)
        beside = await asyncio.to_thread(work, 20)
        release.set()
        await reading
        return alone, beside

    alone, beside = asyncio.run(measure())
    worker.close()
    assert alone < 0.4 * 1.5  # nobody waits: no pause
    # Somebody waits all the time: each piece of 20 ms is followed by pauses of six times that, not by more.
    assert 0.5 * 0.4 * SHARE < beside < 1.5 * 0.4 * (1 + SHARE) + GIVEN


def test_a_pause_ends_with_what_was_waited_for() -> None:
    worker = Worker(threads=2, queue_limit=8)

    async def measure() -> float:
        reading = asyncio.ensure_future(worker.run(lambda: time.sleep(0.05)))
        await asyncio.sleep(0.01)
        began = time.monotonic()
        await asyncio.to_thread(worker.give_way)
        took = time.monotonic() - began
        await reading
        return took

    took = asyncio.run(measure())
    worker.close()
    assert 0.02 < took < GIVEN / 2
