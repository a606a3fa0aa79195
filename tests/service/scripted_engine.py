"""A small engine with the interface of ``rag.engine.Engine``: finds by shared characters, and does as it is told."""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rag.errors import InvalidInput, NotFound
from rag.types import Answer, Citation, Document, Filter, Hit, IndexStats, Suggestion, Turn

ARTICLE = Document(
    id="seed-1",
    title="协同创新建议",
    source="重庆日报",
    text="𝒜 代表团于3月5日提交建议。川渝联合实施攻关项目115项。\n记者 张三。",
    origin="seed",
)


@dataclass
class Report:
    added: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    refused: list[object] = field(default_factory=list)


class ScriptedEngine:
    """``hold``, where set, is waited for by every question; ``fails`` is raised by every question and write."""

    degraded: str | None = None

    def __init__(self, documents: Sequence[Document] = (ARTICLE,)) -> None:
        self.held: dict[str, Document] = {}
        self.hold: threading.Event | None = None
        self.fails: Exception | None = None
        self.closed = False
        self.calls: list[tuple[str, object]] = []
        self.running = self.most_running = 0
        self._lock = threading.Lock()
        for document in documents:
            self._put(document)

    def build(self, seeds: Path, *, full: bool = False, progress: Callable[[int, int], None] | None = None) -> Report:
        self.calls.append(("build", seeds))
        return Report()

    def rebuild(
        self,
        seeds: Path,
        *,
        full: bool = False,
        done: int = 0,
        progress: Callable[[int, int, int], None] | None = None,
        storing: Callable[[], None] | None = None,
    ) -> Report:
        """Ten documents, each held up by ``hold``; the record is changed at the end alone."""
        self.calls.append(("rebuild", (full, done)))
        for number in range(done, 10):
            if self.fails:
                raise self.fails
            if progress:
                progress(number // 2, 10, number)
            if self.hold:
                self.hold.wait(0.1)
        if storing:
            storing()
        self._put(Document(id="rebuilt", text="重建之后。"))
        if progress:
            progress(10, 10, 10)
        return Report(added=["rebuilt"])

    def prepare(self, documents: Sequence[Document], *, again: bool = False) -> None:
        self.calls.append(("prepare", [document.id for document in documents]))
        if self.hold:
            self.hold.wait(0.1)

    def polite(self, pause: Callable[[], None]) -> None:
        pass

    def correct(self, id: str, changes: Mapping[str, Any]) -> Document:
        self._put(replace(self.document(id), **changes))
        return self.document(id)

    def remove(self, ids: Sequence[str]) -> list[str]:
        return [id for id in ids if self.held.pop(id, None) is not None]

    def add(
        self,
        documents: Sequence[Document],
        *,
        new: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Report:
        self.calls.append(("add", [document.id for document in documents]))
        if self.fails:
            raise self.fails
        if any("poison" in document.text for document in documents):
            raise InvalidInput("the text holds poison; take it out")
        report = Report()
        for document in documents:
            old = self.held.get(document.id)
            same = old is not None and (old.text, old.title) == (document.text, document.title)
            (report.unchanged if same else report.added).append(document.id)
            if not same:
                self._put(document)
        return report

    def search(self, query: str, *, top_k: int = 5, filter: Filter | None = None, rerank: bool = False) -> list[Hit]:
        self.calls.append(("search", (query, top_k, filter)))
        if self.fails:
            raise self.fails
        hits = [self._hit(document, query) for document in self.held.values() if _passes(document, filter)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))[:top_k]

    def ask(
        self, question: str, *, history: Sequence[Turn] = (), top_k: int = 5, filter: Filter | None = None
    ) -> Answer:
        with self._lock:
            self.running += 1
            self.most_running = max(self.running, self.most_running)
        try:
            if self.hold:
                self.hold.wait(10)
            self.calls.append(("ask", (question, tuple(history), top_k, filter)))
            return self._answer(question, self.search(question, top_k=top_k, filter=filter))
        finally:
            with self._lock:
                self.running -= 1

    def suggest(self, limit: int = 6) -> list[Suggestion]:
        return [Suggestion(f"{d.title}说了什么?", d.id, d.title) for d in self.held.values()][:limit]

    def document(self, id: str) -> Document:
        if id not in self.held:
            raise NotFound(f"no document has the id {id}")
        return self.held[id]

    def documents(self, *, cursor: str | None = None, limit: int = 50) -> tuple[list[Document], str | None]:
        if cursor is not None and cursor not in self.held:
            raise InvalidInput("the cursor is not one that was given; begin without one")
        ids = [id for id in sorted(self.held) if cursor is None or id > cursor]
        page = [replace(self.held[id], text="") for id in ids[:limit]]
        return page, page[-1].id if len(ids) > limit else None

    def stats(self) -> IndexStats:
        return IndexStats("g1", len(self.held), len(self.held), "scripted", 8, 100, "2026-11-01T00:00:00Z")

    def close(self) -> None:
        self.closed = True

    def _put(self, document: Document) -> None:
        digest = hashlib.sha256(document.text.encode("utf-8")).hexdigest()
        self.held[document.id] = replace(document, sha256=digest, chunks=1, added="2026-11-01T00:00:00Z")

    def _hit(self, document: Document, query: str) -> Hit:
        text = document.text[:500]
        shared = len(set(query) & set(document.text)) / len(set(query))
        about = (document.title, document.source, document.url, document.published)
        return Hit(f"{document.id}#0", document.id, *about, text, 0, len(text), shared, shared, float("-inf"))

    def _answer(self, question: str, hits: list[Hit]) -> Answer:
        timings = {"retrieve": 1.0, "answer": 2.0, "total": 3.0}
        best = hits[0] if hits else None
        if best is None or best.score < 0.3:
            said = "文档中没有相关内容。"
            score = best.score if best else 0.0
            return Answer(said, (said,), False, score, "no_topic", question, (), tuple(hits), "extractive", timings)
        start = best.text.find("代表团") if "代表团" in best.text else 0
        quote = best.text[start:].partition("。")[0] + "。"
        cited = Citation(
            marker=1, document_id=best.document_id, chunk_id=best.chunk_id, title=best.title, source=best.source,
            url=best.url, published=best.published, quote=quote, start=start, end=start + len(quote),
            score=best.score, supports=(0,),
        )  # fmt: skip
        pieces = (quote, "[1]")
        return Answer(
            "".join(pieces), pieces, True, best.score, None, question, (cited,), tuple(hits), "extractive", timings
        )


def _passes(document: Document, filter: Filter | None) -> bool:
    if filter is None:
        return True
    return (filter.document_ids is None or document.id in filter.document_ids) and filter.source in (
        None,
        document.source,
    )
