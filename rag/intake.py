"""Documents into the record and out of it: added, corrected, removed, and brought up to the seeds' files."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from rag import ingest
from rag.embed import Embedder
from rag.entries import Entries
from rag.errors import InvalidInput, NotFound, RagError
from rag.index.generation import lock
from rag.index.live import LiveIndex
from rag.library import Entry
from rag.trust import Trust
from rag.types import Document

BATCH = 128  # documents that are embedded together: what a killed build has to do again
PIECE = 64  # chunks that a build stores together: another process takes them in while a question waits
Progress = Callable[[int, int], None]  # documents done, of how many; what it raises breaks the work off
CORRECTED = ("title", "source", "url", "published", "metadata")
_BUILDING = "building"  # the lock under which seeds are taken in

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refused:
    """A seed that could not be taken, and why."""

    id: str
    detail: str


@dataclass(frozen=True, slots=True)
class AddReport:
    """Ids of documents that were added or replaced, and of those that were there already."""

    added: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BuildReport(AddReport):
    """What a build did, by id."""

    removed: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class Intake:
    """All that changes which documents there are. All methods block and may be called from many threads."""

    def __init__(self, index: LiveIndex, embedder: Embedder, trust: Trust, vectors: Path) -> None:
        self._library = index.library
        self._index = index
        self._embedder = embedder
        self._entries = Entries(index.library, embedder)
        self._trust = trust
        self._folder = vectors

    def add(
        self, documents: Iterable[Document], *, new: bool = False, progress: Progress | None = None, total: int = 0
    ) -> AddReport:
        """Store documents; durable and searchable when this returns. One whose id is taken replaces what was there.

        They are read, embedded and stored some hundred at a time, so there may be any number of them; ``total`` is
        only for ``progress``. Where they have to be ``new``, raises Conflict for an id that other content has.
        """
        report = AddReport()
        done = 0
        for some in batches(documents):
            if changed := self._changed(some, report):
                written = self._index.put(self._entries.of(changed), replace=not new)
                report.added.extend((*written.added, *written.replaced))
            done += len(some)
            if progress:
                progress(done, max(total, done))
        self._trust.update()
        return report

    def prepare(self, documents: Sequence[Document], *, again: bool = False) -> None:
        """Embed what ``add`` would have to embed, or ``again`` all, and keep it: nothing that is served changes."""
        self._entries.keep(documents, again=again)

    def polite(self, pause: Callable[[], None]) -> None:
        """Call ``pause`` between pieces of long work: it may sleep for as long as somebody waits for an answer."""
        self._entries.pause = self._index.pause = pause

    def correct(self, id: str, changes: Mapping[str, Any]) -> Document:
        """Put other values under the fields ``CORRECTED`` that ``changes`` names; the text stays.

        A corrected seed stays so until its file changes. Raises NotFound.
        """
        while True:
            old = self._library.get(id)
            if old is None:
                raise NotFound(f"There is no document {id!r}; GET /documents lists those there are.")
            new = replace(old, **{name: changes[name] for name in CORRECTED if name in changes})
            if same(old, new):
                return old
            made = self._entries.of([new])
            if self._index.put(made, remember=True, over={id: old}).replaced:
                return self._library.get(id) or new  # removed again, by another, since

    def remove(self, ids: Sequence[str]) -> list[str]:
        """Remove documents for good; gives the ids of those that were there. No search finds them from then on.

        A removed seed stays away until its file changes.
        """
        return list(self._index.remove(ids, remember=True).removed)

    def build(
        self, seeds: Path, *, full: bool = False, progress: Progress | None = None, prepared: bool = False
    ) -> BuildReport:
        """Bring the index up to the files in ``seeds``: new and changed ones in, those whose file is gone out.

        Only what changed is embedded; with ``full`` everything is stored anew, documents that came otherwise too, and
        embedded unless it was ``prepared``. A file that cannot be read is reported and leaves what was there. Raises
        InvalidInput where ``seeds`` is no folder.
        """
        if not seeds.is_dir():
            raise InvalidInput(f"There is no folder {seeds}: make it and put documents into it, or name another.")
        with lock(self._folder, _BUILDING):
            report = BuildReport()
            others = list(self._ids("api")) if full else []
            paths = list(ingest.walk(seeds))
            seen: set[str] = set()
            done, total = 0, len(paths) + len(others)
            left = self._library.deleted_seeds()
            for some in batches(paths):
                documents = []
                for document in self._read(some, seeds, report.refused, seen):
                    if left.get(document.id) != sha256(document.text):
                        documents.append(document)
                changed = documents if full else self._changed(documents, report)
                for piece in pieces(self._entries.of(changed, again=full and not prepared)):
                    self._entries.pause()
                    written = self._index.put(piece, force=full)
                    report.added.extend((*written.added, *written.replaced))
                done += len(some)
                if progress:
                    progress(done, total)
            gone = [id for id in self._ids("seed") if id not in seen]
            if gone:
                report.removed.extend(self._index.remove(gone, origin="seed").removed)
            for ids in batches(others):
                there = self._library.load(ids)
                over = {document.id: document for document in there}
                for piece in pieces(self._entries.of(there, again=not prepared)):
                    self._entries.pause()
                    report.added.extend(self._index.put(piece, force=True, over=over).replaced)
                done += len(ids)
                if progress:
                    progress(done, total)
            self._trust.update(again=full)
            self._index.write_generation(force=full)
            return report

    def rebuild(
        self,
        seeds: Path,
        *,
        full: bool = False,
        done: int = 0,
        progress: Callable[[int, int, int], None] | None = None,
        storing: Callable[[], None] | None = None,
    ) -> BuildReport:
        """``build`` in two steps: all is embedded ahead, then stored.

        Until ``storing`` is called, before the second step, nothing that is served changes, so that ``progress`` and
        ``storing`` may break the work off by raising. ``progress`` is told of documents done, of how many, and the
        number that were embedded ahead; given that as ``done``, a full rebuild that was broken off goes on there.
        """
        if not seeds.is_dir():
            raise InvalidInput(f"There is no folder {seeds}: make it and put documents into it, or name another.")
        paths = list(ingest.walk(seeds))
        others = list(self._ids("api")) if full else []
        total, at = len(paths) + len(others), 0

        def embedded(documents: Sequence[Document], count: int) -> None:
            nonlocal at
            self.prepare(documents, again=full and at >= done)
            at += count
            if progress:
                progress(at // 2, total, at)

        left = self._library.deleted_seeds()
        for some in batches(paths):
            documents = [d for d in self._read(some, seeds) if left.get(d.id) != sha256(d.text)]
            present = {} if full else self._library.find(d.id for d in documents)
            embedded([d for d in documents if d.id not in present or not same(present[d.id], d)], len(some))
        for ids in batches(others):
            embedded(self._library.load(ids), len(ids))
        if storing:
            storing()

        def stored(now: int, of: int) -> None:
            if progress:
                progress(total // 2 + now * (total - total // 2) // max(of, 1), total, at)

        return self.build(seeds, full=full, progress=stored, prepared=True)

    def _read(
        self, paths: Iterable[Path], seeds: Path, refused: list[Refused] | None = None, seen: set[str] | None = None
    ) -> Iterator[Document]:
        for path in paths:
            self._entries.pause()
            try:
                document = ingest.read(path, seeds)
            except RagError as error:
                id = ingest.seed_id(path.relative_to(seeds).as_posix())
                if refused is not None:
                    refused.append(Refused(id, str(error)))
                if seen is not None:
                    seen.add(id)
                continue
            if seen is not None:
                seen.add(document.id)
            yield document

    def _changed(self, documents: Sequence[Document], report: AddReport) -> list[Document]:
        """Those that are not there as they are, the last of each id; the others are reported."""
        present = self._library.find(document.id for document in documents)
        changed: dict[str, Document] = {}
        for document in documents:
            old = present.get(document.id)
            if changed.get(document.id) == document or (old and document.id not in changed and same(old, document)):
                report.unchanged.append(document.id)
            else:
                changed[document.id] = document
        return list(changed.values())

    def _ids(self, origin: str) -> Iterator[str]:
        after: int | None = 0
        while after is not None:
            page, after = self._library.list(after, 1000, origin)
            yield from (document.id for document in page)


def same(old: Document, new: Document) -> bool:
    """Whether nothing that is stored of them differs; ``old`` may come without its text."""
    fields = ("title", "source", "url", "published", "origin")
    agree = all(getattr(old, name) == getattr(new, name) for name in fields)
    return agree and dict(old.metadata) == dict(new.metadata) and old.sha256 == sha256(new.text)


def sha256(text: str) -> str:
    """Of a text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def pieces(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Lists of as many entries as have ``PIECE`` chunks together, or of one."""
    piece: list[Entry] = []
    size = 0
    for entry in entries:
        if piece and size + len(entry.chunks) > PIECE:
            yield piece
            piece, size = [], 0
        piece.append(entry)
        size += len(entry.chunks)
    if piece:
        yield piece


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Lists of ``BATCH`` items; the last may be shorter."""
    iterator = iter(items)
    while some := list(islice(iterator, BATCH)):
        yield some
