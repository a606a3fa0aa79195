"""Bits flipped and ends cut off in the files of the index, its manifests, and the record."""

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from crash.book import Book, Wrong
from crash.check import look, opens
from crash.corpus import content, document
from crash.engine import opened
from crash.forks import Tell, forked
from crash.points import Bench
from crash.scenarios import Stage
from rag import maintenance
from rag.errors import Damaged, IndexMismatch, RagError
from rag.index import generation
from rag.index.dense import DenseSegment
from rag.library import FILE

TEMPLATE = "used"


def harmed(path: Path, chance: random.Random) -> str:
    """Flips a bit of a file, or cuts its end off; says which."""
    data = bytearray(path.read_bytes())
    place = chance.randrange(len(data))
    if chance.random() < 0.3:
        path.write_bytes(data[:place])
        return f"{path.name} cut at {place}"
    bit = chance.randrange(8)
    data[place] ^= 1 << bit
    path.write_bytes(data)
    return f"{path.name} byte {place} bit {bit}"


def strike_index(bench: Bench, seed: int) -> str:
    """Harms a file of a generation or ``CURRENT``; gives what is wrong about how it was found, "" where nothing is."""
    chance = random.Random(seed)
    book = bench.fresh("add")
    vectors = bench.vectors
    files = sorted(p for p in vectors.glob("generations/*/*") if p.is_file() and p.stat().st_size)
    # Half of the times what is read at the start: the current generation or CURRENT itself.
    now = (vectors / generation.CURRENT).read_text(encoding="utf-8")
    current = [p for p in files if p.parent.name in now] + [vectors / generation.CURRENT] * 3
    path = chance.choice(current if chance.random() < 0.5 else [*files, vectors / generation.CURRENT])
    what = harmed(path, chance)

    def looked(tell: Tell) -> None:
        caught(vectors, path)
        engine = opened(vectors)
        try:
            look(engine, book)
            read = path.name == generation.CURRENT or (path in current and path.name != "manifest.json")
            if read != (engine.degraded is not None):
                raise Wrong(f"degraded: {engine.degraded}")
        finally:
            engine.close()
        if read:
            opens(vectors, book, harmed=path.parent.name)

    return _ended(what, looked)


def caught(vectors: Path, path: Path) -> None:
    """Raises Wrong unless the harm is found by what stands in the manifest, before a parser sees any of it."""
    with no_parser():
        if path.name == generation.CURRENT:
            try:
                generation.current(vectors)
            except Damaged:
                return
            raise Wrong("a harmed CURRENT was believed")
        if path.name == "manifest.json":
            if path.parent.name in {manifest.name for manifest in generation.earlier(vectors)}:
                raise Wrong("a harmed manifest was believed")
            return
        (manifest,) = (m for m in generation.earlier(vectors) if m.name == path.parent.name)
        try:
            generation.load(vectors, manifest)
        except Damaged:
            return
        raise Wrong("a harmed file was loaded")


@contextmanager
def no_parser() -> Iterator[None]:
    """Whatever parses a file of the index raises."""

    def parsed(*_: object, **__: object) -> Any:
        raise Wrong("it was parsed")

    with mock.patch.object(np, "load", parsed), mock.patch.object(DenseSegment, "deserialize", parsed):
        yield


def strike_record(bench: Bench, seed: int) -> str:
    """Harms the record; gives what is wrong about how it was found, "" where nothing is.

    What is read must be right or refused; a document may be missing where ``verify`` says that the record is damaged. A
    backup takes the place of any such record.
    """
    chance = random.Random(seed)
    book = bench.fresh("add")
    vectors = bench.vectors
    what = harmed(vectors / FILE, chance)
    saved, one = Stage(bench.root).saved, document("saved")
    restored = Book({one.id: content(one)}, seen=book.seen)

    def looked(tell: Tell) -> None:
        if chance.random() < 0.5:  # all is analysed again, from the record alone
            shutil.rmtree(vectors / "generations")
            (vectors / generation.CURRENT).unlink()
        try:
            faults = [each for each in maintenance.verify(vectors) if each.fault]
        except RagError as error:
            faults = [maintenance.Found("record", str(error))]
        try:
            honest(vectors, book)
        except IndexMismatch:
            pass  # what the record was made with is compared, and said
        except RagError as error:
            if not faults:
                raise Wrong(f"verify found nothing, but: {error}") from error
        except Wrong as wrong:
            if not faults or not str(wrong).startswith("lost"):
                raise
        maintenance.restore(vectors, saved)
        opens(vectors, restored)

    return _ended(what, looked)


def honest(vectors: Path, book: Book) -> None:
    """Reads and searches what can be read. Raises RagError for damage that is said, Wrong for what is not."""
    engine = opened(vectors)
    try:
        look(engine, book)
    finally:
        engine.close()


def _ended(what: str, looked: Any) -> str:
    ended = forked(looked)
    return f"{what}: {ended.error or f'signal {ended.signal}'}" if ended.error or ended.signal else ""
