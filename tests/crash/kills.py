"""Processes killed at any moment while several threads of each write without a pause."""

import os
import random
import signal
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from crash.book import Book
from crash.corpus import content, document
from crash.engine import opened
from crash.forks import Tell, forked, start, wait
from crash.points import Bench, opens_whole
from rag.errors import Busy
from rag.index import live

PROCESSES, THREADS, IDS = 2, 3, 4  # each thread has documents of its own
LONGEST = 0.6  # seconds until the kill


class Kills:
    """One folder that goes through all of them, never repaired."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._book = Book()
        self.acknowledged = 0

    def strike(self, seed: int) -> str:
        """Writes, kills, looks; gives what is wrong, "" where nothing is."""
        chance = random.Random(seed)
        vectors, book = self._bench.folder / "killed", self._book
        children = []
        for process in range(PROCESSES):
            children.append(start(partial(write, vectors, f"{process}", seed)))
        time.sleep(chance.random() * LONGEST)
        for child in children:
            os.kill(child.pid, signal.SIGKILL)
        for ended in wait(children):
            if ended.error or ended.signal != signal.SIGKILL:
                return f"a writer ended by itself: {ended.error or ended.signal}"
            for message in ended.messages:
                book.hear(message)
        self.acknowledged, book.done = self.acknowledged + book.done, 0
        found = forked(lambda tell: opens_whole(vectors, book, tell))
        if found.error or found.signal:
            self._book = Book()
            vectors.rename(self._bench.folder / f"killed.{seed}")
            return f"after it: {found.error or f'signal {found.signal}'}"
        book.settle({id: (c[0], c[1]) for id, c in found.messages[0]["found"].items()})
        book.state["later"] = content(document("later"))
        return ""


def write(vectors: Path, process: str, seed: int, tell: Tell) -> None:
    """Adds, replaces, removes, and now and then writes a generation, until it is killed."""
    live._LONG = 12
    while True:
        with suppress(Busy):
            engine = opened(vectors)
            break
    telling = threading.Lock()

    def say(message: dict[str, object]) -> None:
        with telling:
            tell(message)

    def work(thread: int) -> None:
        chance = random.Random(f"{seed} {process} {thread}")
        writer = f"{process}{thread}"
        while True:
            ids = [f"{writer}-{n}" for n in chance.sample(range(IDS), chance.randint(1, 3))]
            if chance.random() < 0.3:
                say({"writer": writer, "begin": dict.fromkeys(ids), "whole": True})
                engine.remove(ids)
            else:
                documents = [document(id, chance.randrange(1000), chance.randint(1, 6)) for id in ids]
                say({"writer": writer, "begin": {d.id: content(d) for d in documents}, "whole": True})
                engine.add(documents)
            say({"writer": writer, "done": True})
            if chance.random() < 0.03:
                engine._index.write_generation(force=True)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
