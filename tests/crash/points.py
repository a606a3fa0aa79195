"""One fault at one call of one scenario, and what is found after it."""

import errno
import os
import shutil
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crash import shim
from crash.book import Book, Wrong
from crash.check import look, opens
from crash.forks import Ended, Tell, forked
from crash.scenarios import SCENARIOS, TEMPLATES, THREADED, Stage, written
from rag.errors import RagError


@dataclass(frozen=True)
class Fault:
    """How the call fails, or the process; ``classes`` says which calls are counted."""

    mode: str
    classes: int = shim.CHANGES
    error: int = 0

    @property
    def kills(self) -> bool:
        """Whether the process does not survive it."""
        return self.mode in ("kill", "tear")


FAULTS = {
    "kill": Fault("kill"),
    "torn write": Fault("tear"),
    "EIO once": Fault("once", error=errno.EIO),
    "EIO from then on": Fault("every", error=errno.EIO),
    "ENOSPC once": Fault("once", error=errno.ENOSPC),
    "disk full": Fault("full", error=errno.ENOSPC),
    "EIO on reading": Fault("once", shim.READS, errno.EIO),
}


class Bench:
    """A place for runs: templates, and one folder that every run has anew at the same path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.disk, self.vectors = Stage(self.root).disk, Stage(self.root).vectors
        self.books: dict[str, Book] = {}

    def template(self, name: str) -> Book:
        """Makes a template, once."""
        if name not in self.books:
            stage = Stage(self.folder / name)

            def made(tell: Tell) -> None:
                stage.root.mkdir(parents=True)
                TEMPLATES[name](stage)
                book = written(name, stage)
                tell({"state": book.state, "seen": sorted(book.seen)})

            told = succeeded(forked(made))[0]
            self.books[name] = Book({id: (c[0], c[1]) for id, c in told["state"].items()}, seen=set(told["seen"]))
        book = self.books[name]
        return replace(book, state=dict(book.state), begun={}, seen=set(book.seen))

    def fresh(self, scenario: str) -> Book:
        """Puts a scenario's template in place, prepared; gives what it holds."""
        wanted = SCENARIOS[scenario]
        book = self.template(wanted.template)
        source = self.folder / f"{wanted.template}.{scenario}"
        if not source.exists():
            shutil.rmtree(self.root, ignore_errors=True)
            shutil.copytree(self.folder / wanted.template, self.root)
            succeeded(forked(lambda tell: wanted.prepare(Stage(self.root))))
            self.root.rename(source)
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(source, self.root)
        return book


def succeeded(ended: Ended) -> list[dict[str, Any]]:
    """What a child told that had to come through."""
    if ended.error or ended.signal:
        raise RuntimeError(f"a run without faults failed ({ended.signal}): {ended.error}")
    return ended.messages


def play(bench: Bench, scenario: str, book: Book, tell: Tell, *, faulty: bool = False) -> None:
    """Does the steps of a scenario. Where faults let calls fail, what raised is done again once nothing fails."""
    stage = Stage(bench.root)
    heard = replace(book, state=dict(book.state), begun={}, seen=set(book.seen))
    for act in SCENARIOS[scenario].acts(stage, book):
        message = {"begin": act.after, "whole": act.whole}
        heard.hear(message)
        tell(message)
        try:
            act.do(stage)
        except Exception as error:
            if not faulty:
                raise
            told(error, act.name)
            if stage.engine is not None:
                look(stage.engine, heard)
            shim.heal()
            act.do(stage)
        heard.hear({"done": act.name})
        tell({"done": act.name})
    reached = shim.calls()
    shim.heal()
    tell({"calls": reached})


def told(error: Exception, doing: str) -> None:
    """Raises Wrong unless an error says in one line what is wrong."""
    said = str(error)
    if not isinstance(error, RagError | OSError) or not said or "\n" in said:
        raise Wrong(f"{doing} raised {type(error).__name__}: {said!r}") from error


def calls(bench: Bench, scenario: str, classes: int) -> list[str]:
    """What a run without faults calls, one by one."""
    book = bench.fresh(scenario)
    path = bench.folder / "names"
    names = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o644)

    def counted(tell: Tell) -> None:
        shim.arm(bench.disk, "count", classes=classes, names=names)
        play(bench, scenario, book, tell)

    succeeded(forked(counted))
    os.close(names)
    return path.read_text(encoding="utf-8").splitlines()


def strike(bench: Bench, scenario: str, fault: Fault, at: int) -> str:
    """Lets the fault strike the ``at``-th call; gives what is wrong after it, "" where nothing is.

    Where threads make a call less than in the run that was counted, it is tried again, and then passed over.
    """
    for _ in range(5):
        book = bench.fresh(scenario)

        def struck(tell: Tell, book: Book = book) -> None:
            shim.arm(bench.disk, fault.mode, at, classes=fault.classes, error=fault.error)
            play(bench, scenario, book, tell, faulty=not fault.kills)

        ended = forked(struck)
        if ended.error or ended.signal or ended.messages[-1]["calls"] >= at or scenario not in THREADED:
            return judged(bench, book, ended, fault.kills)
    return judged(bench, book, ended, False)


def judged(bench: Bench, book: Book, ended: Ended, killed: bool) -> str:
    """What is wrong after a run that ended so."""
    if ended.error:
        return f"the process: {ended.error}"
    if ended.signal != (signal.SIGKILL if killed else 0):
        return f"the process ended by signal {ended.signal}"
    for message in ended.messages:
        if "calls" not in message:
            book.hear(message)
    found = forked(lambda tell: opens_whole(bench.vectors, book, tell))
    return f"after it: {found.error or f'signal {found.signal}'}" if found.error or found.signal else ""


def opens_whole(vectors: Path, book: Book, tell: Tell) -> None:
    """``opens``, in a child."""
    tell({"found": opens(vectors, book)})
