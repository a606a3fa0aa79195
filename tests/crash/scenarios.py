"""What is done to a folder while faults strike: steps, each with the documents that are there after it."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from crash.book import Book
from crash.check import listed
from crash.corpus import Contents, content, document, number, write_seeds
from crash.engine import opened
from rag import ingest, maintenance
from rag.engine import Engine
from rag.errors import InvalidInput
from rag.index import live
from rag.library import FILE
from rag.record import tables


class Stage:
    """A folder with seeds, backups and vectors, and the engine over it where one is open."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seeds = root / "seeds"
        self.disk = root / "disk"  # where faults strike
        self.vectors, self.backups = self.disk / "vectors", self.disk / "backups"
        self.saved = self.backups / "saved.sqlite3"
        self.engine: Engine | None = None

    @property
    def open(self) -> Engine:
        """The engine, which a step before has opened."""
        assert self.engine is not None
        return self.engine


@dataclass(frozen=True)
class Act:
    """One step: it is acknowledged when ``do`` returns, and may be done again where it raised."""

    name: str
    do: Callable[[Stage], object]
    after: Contents = field(default_factory=dict)
    whole: bool = True


@dataclass(frozen=True)
class Scenario:
    """Steps on a copy of one of ``TEMPLATES``; ``prepare`` is done before faults strike."""

    template: str
    acts: Callable[[Stage, Book], Iterator[Act]]
    prepare: Callable[[Stage], None] = lambda stage: None


def _open(stage: Stage) -> None:
    stage.engine = opened(stage.vectors)


def _close(stage: Stage) -> None:
    stage.open.close()
    stage.engine = None


OPEN, CLOSE = Act("open", _open), Act("close", _close)


def _seeds(stage: Stage, without: Sequence[str] = ()) -> Contents:
    """What a build must bring in."""
    documents = [ingest.read(path, stage.seeds) for path in ingest.walk(stage.seeds)]
    return {d.id: content(d) for d in documents if d.id not in without}


def _added(*versions: tuple[str, int]) -> Act:
    documents = [document(id, version, paragraphs=3) for id, version in versions]
    name = f"add {' '.join(id for id, _ in versions)}"
    return Act(name, lambda stage: stage.open.add(documents), {d.id: content(d) for d in documents})


def _removed(*ids: str) -> Act:
    return Act(f"remove {' '.join(ids)}", lambda stage: stage.open.remove(ids), dict.fromkeys(ids))


def _corrected(book: Book, id: str, title: str) -> Act:
    text = book.state[id][1]
    return Act(f"correct {id}", lambda stage: stage.open.correct(id, {"title": title}), {id: (title, text)})


def first_build(stage: Stage, book: Book) -> Iterator[Act]:
    yield OPEN
    yield Act("build", lambda stage: stage.open.build(stage.seeds), _seeds(stage), whole=False)
    yield CLOSE


def add(stage: Stage, book: Book) -> Iterator[Act]:
    yield OPEN
    yield _added(("t", 1))
    yield _added(("u", 1), ("v", 1))
    yield CLOSE


def replace(stage: Stage, book: Book) -> Iterator[Act]:
    yield OPEN
    yield _added(("p", 2))
    yield _added(("q", 3), ("s", 2))
    yield CLOSE


def delete(stage: Stage, book: Book) -> Iterator[Act]:
    yield OPEN
    yield _removed("p")
    yield _removed("a.md", "q", "nothing")
    yield CLOSE


def correct(stage: Stage, book: Book) -> Iterator[Act]:
    yield OPEN
    yield _corrected(book, "p", "另一个题目")
    yield _corrected(book, "a.md", "改过的题目")
    yield CLOSE


def _rebuild(full: bool) -> Callable[[Stage, Book], Iterator[Act]]:
    def acts(stage: Stage, book: Book) -> Iterator[Act]:
        after = {**_seeds(stage, without=["c.md"]), "b.md": None}  # c.md was deleted by a user
        yield OPEN
        yield Act("rebuild", lambda stage: stage.open.rebuild(stage.seeds, full=full), after, whole=False)
        yield CLOSE

    return acts


def fold(stage: Stage, book: Book) -> Iterator[Act]:
    """The tail grows long, and a generation is written beside the writes."""
    live._LONG = 2
    yield OPEN
    yield _added(("t", 1), ("u", 1), ("v", 1))
    yield _removed("p", "t")
    yield _added(("w", 1), ("x", 1), ("u", 2))
    yield CLOSE


def gc(stage: Stage, book: Book) -> Iterator[Act]:
    yield OPEN
    yield Act("gc", lambda stage: maintenance.collect(stage.vectors))
    yield _added(("t", 1))
    yield CLOSE


def backup(stage: Stage, book: Book) -> Iterator[Act]:
    target = stage.backups / "today" / "record.sqlite3"

    def do(stage: Stage) -> None:
        with suppress(InvalidInput):
            maintenance.backup(stage.vectors, target)
        if (there := restored(target, stage.root / "looked-at")) != book.state:  # where no fault strikes
            raise AssertionError(f"the backup holds {sorted(there)}")

    yield OPEN
    yield Act("backup", do)
    yield CLOSE


def restore(stage: Stage, book: Book) -> Iterator[Act]:
    saved = document("saved")
    after = {**dict.fromkeys(book.state), "saved": content(saved)}

    def do(stage: Stage) -> None:
        maintenance.restore(stage.vectors, stage.saved)
        if len({record(stage.saved), record(stage.vectors / FILE)}) == 1:
            raise AssertionError("the record that came back has the name of the one that was saved")

    yield Act("restore", do, after)
    yield OPEN
    yield _added(("t", 1))
    yield CLOSE


def rollback(stage: Stage, book: Book) -> Iterator[Act]:
    before = next(manifest.name for manifest, current in maintenance.generations(stage.vectors) if not current)
    yield Act("rollback", lambda stage: maintenance.rollback(stage.vectors, before))
    yield OPEN
    yield CLOSE


def _changed_seeds(stage: Stage) -> None:
    write_seeds(stage.seeds, {"a.md": 2, "c.md": 1, "d.md": 1})


def _leavings(stage: Stage) -> None:
    """What killed writes and rebuilds leave behind, so much that the record is made smaller."""
    engine = opened(stage.vectors)
    vectors = np.random.default_rng(1).standard_normal((60, engine.stats().dimension)).astype(np.float32)
    engine._library.keep([number("unused", n) for n in range(60)], vectors, engine.stats().model)
    engine.close()
    (stage.vectors / "generations" / "0000000009-left").mkdir()
    (stage.vectors / "generations" / "0000000009-left" / "keys.npy").write_bytes(b"half")
    (stage.vectors / "CURRENT.0000000009-left").write_bytes(b"{")


def _empty(stage: Stage) -> None:
    stage.disk.mkdir()
    write_seeds(stage.seeds, {"a.md": 1, "b.md": 1, "c.md": 1})


def _used(stage: Stage) -> None:
    """Two generations, what was written after them, and a backup of something else."""
    _empty(stage)
    stage.backups.mkdir()
    for vectors, id in ((stage.root / "other", "saved"), (stage.vectors, "p")):
        engine = opened(vectors)
        engine.add([document(id)])
        engine.close()
    maintenance.backup(stage.root / "other", stage.saved)
    engine = opened(stage.vectors)
    engine.build(stage.seeds)
    engine.add([document("q"), document("r")])
    engine._index.write_generation()
    engine.add([document("q", 2), document("s", 1, paragraphs=4)])
    engine.remove(["r", "c.md"])
    engine.close()


TEMPLATES: Mapping[str, Callable[[Stage], None]] = {"empty": _empty, "used": _used}

SCENARIOS: Mapping[str, Scenario] = {
    "first build": Scenario("empty", first_build),
    "add": Scenario("used", add),
    "replace": Scenario("used", replace),
    "delete": Scenario("used", delete),
    "correct": Scenario("used", correct),
    "rebuild": Scenario("used", _rebuild(full=False), _changed_seeds),
    "full rebuild": Scenario("used", _rebuild(full=True), _changed_seeds),
    "fold": Scenario("used", fold),
    "gc": Scenario("used", gc, _leavings),
    "backup": Scenario("used", backup),
    "restore": Scenario("used", restore),
    "rollback": Scenario("used", rollback),
}

THREADED = {"fold"}  # which do not make the same calls each time


def written(template: str, stage: Stage) -> Book:
    """What a template holds, and all numbers that ever stood in it."""
    if template == "empty":
        return Book()
    engine = opened(stage.vectors)
    state = listed(engine)
    engine.close()
    past = [("q", 1), ("r", 1), ("c.md", 1), ("saved", 1)]
    return Book(state, seen={number(id, version) for id, version in past})


def record(path: Path) -> str:
    """The name that generations know a record by. Where reading fails, this fails as the product would."""
    with tables.errors(path), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        return str(connection.execute("SELECT record FROM state").fetchone()[0])


def restored(backup: Path, vectors: Path) -> dict[str, tuple[str, str]]:
    """What comes back of a backup, in a folder of its own."""
    maintenance.restore(vectors, backup)
    engine = opened(vectors)
    found = listed(engine)
    engine.close()
    return found
