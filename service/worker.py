"""The one place where blocking work runs: a bounded executor, so that the event loop stays free."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from service.problems import Overloaded

T = TypeVar("T")

WAITING_WRITES = 16
GIVEN = 0.5  # seconds at most that long work waits before its next piece,
SHARE = 6  # and seconds for each that it has worked: where there is never a pause it still has a seventh of the time


class Worker:
    """``threads`` calls run at once and ``queue_limit`` more may wait; beyond that ``Overloaded`` is raised at once.

    Writes take turns, so a long one holds one thread only and queries go on in the others.
    """

    def __init__(self, threads: int, queue_limit: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="search")
        self._places = threading.BoundedSemaphore(threads + queue_limit)
        self._threads = threads
        self._held = 0  # calls that run or wait
        self._counting = threading.Lock()
        self._reading = 0
        self._long = threading.local()  # since when a thread of long work is at its present piece
        self._turn = asyncio.Lock()
        self._writes = 0

    async def run(self, call: Callable[[], T], *, let_in: bool = False) -> T:
        """The result of ``call``, made in a thread. What a question that was ``let_in`` needs on its way to an answer
        is never refused."""
        if not (let_in or self._places.acquire(blocking=False)):
            raise Overloaded("too many requests are waiting; try again in a second")

        def free(_: Future[T]) -> None:
            self._places.release()

        future = self._submit(call)
        if not let_in:
            future.add_done_callback(free)
        self._reading += 1
        try:
            return await asyncio.wrap_future(future)
        finally:
            self._reading -= 1

    @property
    def crowded(self) -> bool:
        """Whether calls wait for a thread."""
        return self._held > self._threads

    def give_way(self) -> None:
        """Called from long work, between its pieces: waits a little while somebody waits for an answer.

        Threads of Python take turns of milliseconds, so that work without pauses would double the time of answers.
        """
        began = time.monotonic()
        worked = began - getattr(self._long, "since", began)
        credit = min(GIVEN, getattr(self._long, "credit", GIVEN) + SHARE * worked)
        while self._reading and time.monotonic() - began < credit:
            time.sleep(0.001)
        self._long.since = time.monotonic()
        self._long.credit = credit - (self._long.since - began)

    async def write(self, call: Callable[[], T]) -> T:
        """The same for a call that changes the record. It has its own short queue: readers do not crowd it out."""
        if self._writes >= WAITING_WRITES:
            raise Overloaded("too many writes are waiting; try again in a second")
        self._writes += 1
        try:
            async with self._turn:
                return await asyncio.wrap_future(self._submit(call))
        finally:
            self._writes -= 1

    def _submit(self, call: Callable[[], T]) -> Future[T]:
        def count(by: int) -> None:
            with self._counting:
                self._held += by

        future = self._executor.submit(call)
        count(1)
        future.add_done_callback(lambda _: count(-1))
        return future

    def close(self) -> None:
        """Waits for the calls that run; those that wait are dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)
