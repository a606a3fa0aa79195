"""The job of ``POST /documents:batch?wait=false``: a file of documents, kept beside the job, taken in."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rag.types import Document
from service.collector import Block, Collector
from service.jobs.store import Job, Store
from service.ndjson import file_lines
from service.settings import Settings

if TYPE_CHECKING:
    from rag.engine import Engine
    from service.jobs.runner import Course


def run(engine: "Engine", settings: Settings, job: Job, store: Store, course: "Course") -> Mapping[str, Any]:
    """Embeds all documents ahead, then adds them; gives what ``POST /documents:batch`` answers.

    Broken off, it goes on with the line it had come to; what was embedded before is not embedded again.
    """
    path = store.spool(job.id)
    total = max(int(job.options["lines"]), 1)
    collector = Collector(settings.max_document_bytes)
    stored = int(job.reached.get("line", 0))
    collector.added, collector.unchanged = (int(job.reached.get(name, 0)) for name in ("added", "unchanged"))

    def blocks() -> Iterator[Block]:
        with path.open("rb") as stream:
            for number, line in file_lines(stream, settings.max_document_bytes):
                yield from collector.take(number, line)
        yield from collector.rest()

    if not stored:
        for block in blocks():
            engine.prepare(documents(block))
            course(min(block[-1][0], total) // 2, total)
        course.settle()
    collector.refused.clear()
    for block in blocks():
        left = [(number, document) for number, document in block if number > stored]
        if left:
            collector.store(engine, left)
            reached = {"line": left[-1][0], "added": collector.added, "unchanged": collector.unchanged}
            course(total // 2 + min(left[-1][0], total) * (total - total // 2) // total, total, reached)
    path.unlink()
    course.faults += [each.model_dump() for each in collector.refused]
    return {"added": collector.added, "unchanged": collector.unchanged, "refused": len(collector.refused)}


def documents(block: Block) -> list[Document]:
    """Those of a block."""
    return [document for _, document in block]
