"""Between the project's own types and the shapes of the HTTP interface."""

import math
from dataclasses import replace

from rag.errors import InvalidInput
from rag.ingest.ids import CONTENT, content_id
from rag.types import Answer, Document, Filter, Hit, IndexStats, Turn
from rag.web_urls import keep_web_url
from service.jobs.store import Job
from service.schemas import (
    AskReply,
    CitationOut,
    DocumentBrief,
    DocumentIn,
    DocumentOut,
    FilterIn,
    IndexBrief,
    JobFault,
    JobOut,
    PassageOut,
    Progress,
    Scores,
    Timings,
    TurnIn,
    UploadFields,
)


def to_filter(given: FilterIn | None) -> Filter | None:
    """``None`` lets every document through; an empty list of ids none."""
    if given is None:
        return None
    ids = None if given.document_ids is None else frozenset(given.document_ids)
    return Filter(ids, given.source, given.published_from, given.published_to)


def to_turns(given: list[TurnIn] | None) -> list[Turn]:
    """Earlier messages, oldest first."""
    return [Turn(turn.role, turn.content) for turn in given or ()]


def to_document(given: DocumentIn) -> Document:
    """The document to store. Without an id it gets one derived from all of its content, so that sending it twice
    adds it once, while the same text under another title is another document."""
    document = Document(
        id=given.id or "",
        text=given.text,
        title=given.title or "",
        source=given.source,
        url=given.url,
        published=given.published,
        metadata=given.metadata or {},
    )
    return document if document.id else replace(document, id=content_id(document))


def with_fields(document: Document, fields: UploadFields) -> Document:
    """A document read from a file, with what was said of it besides; its id follows from all of that."""
    given = {name: value for name, value in fields.model_dump(exclude={"id"}).items() if value is not None}
    document = replace(document, **given)
    return replace(document, id=fields.id or content_id(document))


def under(document: Document, given: str | None, id: str | None) -> Document:
    """The document under the ``id`` of a path, where there is one; raises InvalidInput where it was ``given``
    another."""
    if id is None:
        return document
    if given not in (None, id):
        raise InvalidInput(f"the document has the id {given!r}, the path {id!r}; leave the one in the document out")
    return replace(document, id=id)


def same_content(one: Document, other: Document) -> bool:
    """Whether two documents differ in nothing that a client sends."""
    return all((getattr(one, name) or None) == (getattr(other, name) or None) for name in CONTENT)


def from_document(document: Document) -> DocumentOut:
    """A document with its text."""
    return DocumentOut(**from_brief(document).model_dump(), text=document.text)


def from_brief(document: Document) -> DocumentBrief:
    """A document without its text."""
    return DocumentBrief(
        id=document.id,
        title=document.title,
        source=document.source,
        url=keep_web_url(document.url),
        published=document.published,
        metadata=dict(document.metadata),
        sha256=document.sha256,
        chunks=document.chunks,
        added=document.added,
    )


def from_hit(hit: Hit) -> PassageOut:
    """A passage of a search."""
    return PassageOut(
        chunk_id=hit.chunk_id,
        document_id=hit.document_id,
        title=hit.title,
        source=hit.source,
        url=keep_web_url(hit.url),
        published=hit.published,
        page=hit.page,
        text=hit.text,
        start=hit.start,
        end=hit.end,
        score=_finite(hit.score),
        scores=Scores(dense=_finite(hit.dense), lexical=_finite(hit.lexical), reader=hit.reader),
    )


def from_answer(answer: Answer, stats: IndexStats) -> AskReply:
    """The reply to a question."""
    return AskReply(
        answer=answer.text,
        answerable=answer.answerable,
        confidence=min(1.0, max(0.0, _finite(answer.confidence))),
        reason=answer.reason,
        question_resolved=answer.question_resolved,
        citations=[
            CitationOut(
                marker=each.marker,
                document_id=each.document_id,
                chunk_id=each.chunk_id,
                title=each.title,
                source=each.source,
                url=keep_web_url(each.url),
                published=each.published,
                page=each.page,
                also=list(each.also),
                quote=each.quote,
                start=each.start,
                end=each.end,
                score=_finite(each.score),
                supports=list(each.supports),
            )
            for each in answer.citations
        ],
        mode=answer.mode,
        timings_ms=Timings(
            **{part: round(_finite(answer.timings_ms[part]), 2) for part in ("retrieve", "answer", "total")}
        ),
        index=IndexBrief(
            generation=stats.generation, documents=stats.documents, chunks=stats.chunks, model=stats.model
        ),
    )


def from_job(job: Job) -> JobOut:
    """Long work, as it is told of."""
    eta = job.eta
    return JobOut(
        id=job.id,
        kind=job.kind,
        state=job.state,
        progress=Progress(
            done=job.done,
            total=job.total,
            rate=round(_finite(job.rate), 2),
            eta=None if eta is None else round(_finite(eta), 1),
        ),
        errors=[JobFault(line=each.get("line"), id=each.get("id"), detail=str(each["detail"])) for each in job.faults],
        result=None if job.result is None else dict(job.result),
        created=job.created,
        started=job.started,
        ended=job.ended,
    )


def _finite(value: float) -> float:
    """JSON has neither NaN nor infinity."""
    number = float(value)
    return number if math.isfinite(number) else 0.0
