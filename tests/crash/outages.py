"""Power failures after every call of a scenario; the run is made once, each failure from its trace."""

import hashlib
import json
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zlib import crc32

from crash import shim
from crash.book import Book
from crash.forks import Tell, forked
from crash.points import Bench, opens_whole, play, succeeded
from crash.power import Change, Disk, changes

# How much of what was not synced is there after all: of names, of sectors.
OUTAGES = {"nothing": (0.0, 0.0), "names": (1.0, 0.0), "some": (0.7, 0.5), "most": (0.9, 0.9)}


class Outages:
    """The traces of scenarios."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._traces: dict[str, list[Change]] = {}
        self._judged: dict[bytes, str] = {}  # what was found wrong, by what was on the disk and acknowledged

    def trace(self, scenario: str) -> list[Change]:
        """What a run changes, call by call, with marks where a step begins and ends."""
        if scenario not in self._traces:
            book = self._bench.fresh(scenario)
            path = self._bench.folder / "trace"
            trace = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o644)

            def traced(tell: Tell) -> None:
                def marked(message: dict[str, object]) -> None:
                    if "calls" not in message:
                        shim.mark(json.dumps(message, ensure_ascii=False))

                shim.arm(self._bench.disk, "count", trace=trace)
                play(self._bench, scenario, book, marked)

            succeeded(forked(traced))
            os.close(trace)
            self._traces[scenario] = list(changes(path.read_bytes()))
            path.unlink()
        return self._traces[scenario]

    def strike(self, scenario: str, at: int, outage: str) -> str:
        """Lets the power fail after ``at`` changes; gives what is wrong then, "" where nothing is."""
        *_, (disk, book) = self._until(scenario, at)
        target = self._bench.disk
        shutil.rmtree(target)
        names, data = OUTAGES[outage]
        disk.fail(target, names, data, random.Random(crc32(f"{scenario} {at} {outage}".encode())))
        state = _digest(target, book)
        if state not in self._judged:
            found = forked(lambda tell: opens_whole(self._bench.vectors, book, tell))
            wrong = f"after it: {found.error or f'signal {found.signal}'}" if found.error or found.signal else ""
            self._judged[state] = wrong
        return self._judged[state]

    def _until(self, scenario: str, at: int) -> Iterator[tuple[Disk, Book]]:
        trace = self.trace(scenario)
        book = self._bench.fresh(scenario)
        book = replace(book, state=dict(book.state), begun={}, seen=set(book.seen))
        disk = Disk(self._bench.disk)
        done = 0
        for change in trace:
            if change.kind == "A":
                book.hear(json.loads(change.path))
            elif done == at:
                break
            else:
                disk.do(change)
                done += 1
        yield disk, book


def _digest(folder: Path, book: Book) -> bytes:
    """SHA-256 over all that a check sees."""
    digest = hashlib.sha256(repr((sorted(book.state.items()), book.begun, book.done)).encode())
    for path in sorted(folder.rglob("*")):
        data = path.read_bytes() if path.is_file() else b"folder"
        digest.update(f"{path} {len(data)}\0".encode() + data)
    return digest.digest()
