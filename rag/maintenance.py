"""What an operator does with the folder of a record and its generations: look, verify, roll back, clean, back up."""

import errno
import re
import secrets
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from rag import durable
from rag.errors import Damaged, InvalidInput, NotFound, RagError
from rag.index import generation
from rag.index.generation import Manifest
from rag.library import FILE, Changes, Library
from rag.record import tables as t

Progress = Callable[[int, int], None]
_LOGS = ("-wal", "-journal")  # what SQLite keeps beside a file, and takes for its own by the name alone


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked at, and what is wrong with it; None where nothing is."""

    name: str
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Freed:
    """What ``collect`` deleted."""

    generations: int
    vectors: int
    bytes: int


def generations(vectors: Path) -> list[tuple[Manifest, bool]]:
    """All complete generations, newest first, each with whether it is the current one."""
    now = generation.current(vectors)
    return [(manifest, now is not None and manifest.name == now.name) for manifest in generation.earlier(vectors)]


def rollback(vectors: Path, name: str | None = None) -> Manifest:
    """Makes the generation ``name``, by default the one before the current one, the current one.

    Documents stay what they are: the record is the truth, and what was written after a generation is replayed from it.

    Raises:
        NotFound: there is no such generation.
        Damaged: its files are not what was written; the current one stays.
    """
    with generation.lock(vectors):
        there = generation.earlier(vectors)
        try:
            now = generation.current(vectors)
        except Damaged:
            now = None
        before = [m for m in there if now is None or (m.sequence, m.created) < (now.sequence, now.created)]
        wanted = next((m for m in (there if name else before) if name in (None, m.name)), None)
        if wanted is None:
            raise NotFound(
                f"There is no generation {name!r}: `rag index list` shows those there are."
                if name
                else "There is no generation before the current one; `rag index list` shows those there are."
            )
        generation.load(vectors, wanted)
        generation.point(vectors, wanted)
        return wanted


def verify(vectors: Path, progress: Progress | None = None) -> list[Found]:
    """Checks the record, every document, chunk and vector in it, and every generation against its hashes."""
    library = Library.open(vectors / FILE)
    found: list[Found] = []
    try:
        with library.changes_since(0) as changes:
            total, fault = library.counts()[0], t.integrity(library.path)
            try:
                if fault is None:
                    _read_through(changes, total, progress)
            except Damaged as error:
                fault = str(error)
        found.append(Found("record", fault))
    finally:
        library.close()
    with generation.lock(vectors):  # so that none that is being written is taken for a broken one
        try:
            generation.current(vectors)
        except Damaged as error:
            found.append(Found(generation.CURRENT, str(error)))
        for manifest in generation.earlier(vectors):
            try:
                generation.load(vectors, manifest)
            except Damaged as error:
                found.append(Found(manifest.name, str(error)))
            else:
                found.append(Found(manifest.name))
        left = generation.broken(vectors)
    return found + [Found(name, "it is not complete: `rag index gc` removes it") for name in left]


def collect(vectors: Path, keep: int = 1) -> Freed:
    """Deletes generations but the current and ``keep - 1`` before it, what killed writes left, and vectors that no
    chunk has; gives the space in the record back to the system."""
    library = Library.open(vectors / FILE)
    try:
        before = _size(vectors)
        for path in vectors.glob(f"{FILE}.*"):  # of a restoration that was killed; none goes on while this is open
            if re.fullmatch(rf"{re.escape(FILE)}\.[0-9a-f]{{8}}([-.]\w+)?", path.name):
                path.unlink(missing_ok=True)
        with generation.lock(vectors):
            names = {manifest.name for manifest in generation.earlier(vectors)}
            generation.prune(vectors, keep)
            left = {manifest.name for manifest in generation.earlier(vectors)}
        swept = library.sweep()
        return Freed(len(names - left), swept, max(0, before - _size(vectors)))
    finally:
        library.close()


def backup(vectors: Path, target: Path) -> int:
    """Writes the record as it is at one moment to the file ``target``, while it is served; gives its size in bytes.

    Indexes are left out: they are made again from it.

    Raises:
        InvalidInput: there is no record, or ``target`` exists.
        Damaged: the record is damaged.
        OSError: ``target`` cannot be written; nothing is left there.
    """
    source = vectors / FILE
    if not source.exists():
        raise InvalidInput(f"There is no record {source}: name the folder of vectors with --vectors.")
    if target.exists():
        raise InvalidInput(f"{target} exists: name a file that does not.")
    durable.make(target.parent)
    beside = made = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    try:
        with t.errors(source):
            _copy(source, beside)
        _check_alone(beside)
        if fault := t.integrity(beside):
            raise Damaged(f"The record {source} is damaged ({fault}).")
        durable.sync(beside)
        made = beside.rename(target)
        durable.sync(target.parent)
    except BaseException:
        for path in (made, *beside.parent.glob(f"{beside.name}*")):
            path.unlink(missing_ok=True)
        raise
    return target.stat().st_size


def restore(vectors: Path, source: Path, progress: Progress | None = None) -> int:
    """Puts the backup ``source`` in place of the record, which is kept beside; gives the number of documents.

    The backup is checked as a whole before anything is changed; indexes are made again at the next start.

    Raises:
        Busy: a service or another command has the record open.
        InvalidInput: there is no such file.
        Damaged: it is no backup, or not whole.
        OSError, RagError: the disk is full or cannot be written; the record stays.
    """
    if not source.is_file():
        raise InvalidInput(f"There is no file {source}: name one that `rag backup` wrote.")
    durable.make(vectors)
    beside = vectors / f"{FILE}.{secrets.token_hex(4)}"
    try:
        with t.in_use(vectors / FILE, alone=True):
            with t.errors(source):
                _copy(source, beside)
            documents = _checked(beside, progress)
            # A record of its own from now on: no generation of the one that it takes the place of fits it.
            with t.errors(beside), closing(sqlite3.connect(beside)) as connection, connection:
                connection.execute("PRAGMA journal_mode=DELETE")
                connection.execute("UPDATE state SET record = ?", (secrets.token_hex(16),))
            _check_alone(beside)
            durable.sync(beside)
            _keep(vectors / FILE)
            beside.rename(vectors / FILE)
            durable.sync(vectors)
    finally:
        for path in vectors.glob(f"{beside.name}*"):
            path.unlink(missing_ok=True)
    return documents


def _copy(source: Path, target: Path) -> None:
    """A copy of one moment, in one file, however many write meanwhile."""
    uri = f"{source.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=10)) as old, closing(sqlite3.connect(target)) as new:
        if not old.execute("SELECT count(*) FROM sqlite_master WHERE name = 'state'").fetchone()[0]:
            raise Damaged(f"The file {source} is no record: name one that `rag backup` wrote.")
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")


def _checked(path: Path, progress: Progress | None) -> int:
    if fault := t.integrity(path):
        raise Damaged(f"The backup is damaged: {fault}.")
    library = Library.open(path)
    try:
        total = library.counts()[0]
        with library.changes_since(0) as changes:
            _read_through(changes, total, progress)
        library.checkpoint()
        return total
    finally:
        library.close()


def _read_through(changes: Changes, total: int, progress: Progress | None) -> None:
    """Every row is checked against its hash as it is read."""
    for done, _ in enumerate(changes, 1):
        if progress:
            progress(done, max(total, done))


def _keep(record: Path) -> None:
    """Gives the record and its log a second name, under which what was replaced last is kept, and takes the log away.

    The log would be taken for that of whatever gets the record's name next. Before it goes, it is brought into the
    file, unless that is too damaged.
    """
    kept = record.with_name(f"{record.name}.before-restore")
    for suffix in ("", *_LOGS, "-shm"):
        _with(kept, suffix).unlink(missing_ok=True)
    for suffix in ("", *_LOGS):
        if _with(record, suffix).exists():
            _named_too(_with(record, suffix), _with(kept, suffix))
    if record.exists():
        with suppress(Damaged), t.errors(record):
            with closing(sqlite3.connect(record)) as connection:
                connection.execute("PRAGMA journal_mode=DELETE")
            _check_alone(record)
    for suffix in (*_LOGS, "-shm"):
        _with(record, suffix).unlink(missing_ok=True)
    durable.sync(record.parent)


def _check_alone(path: Path) -> None:
    """Raises RagError where a log of a file is left beside it: SQLite does not say that it could not be deleted."""
    for suffix in _LOGS:
        log = _with(path, suffix)
        if log.exists():
            with log.open("rb") as stream:
                if stream.read(1) not in (b"", b"\0"):  # such ones SQLite passes over
                    raise RagError(
                        f"The log {log} could not be brought into its file: look at the disk, and try again."
                    )


def _with(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _named_too(path: Path, name: Path) -> None:
    try:
        name.hardlink_to(path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):  # a file system without second names
            raise
        shutil.copy2(path, name)
        durable.sync(name)


def _size(vectors: Path) -> int:
    return sum(path.stat().st_size for path in vectors.rglob("*") if path.is_file())
