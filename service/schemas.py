"""The shapes of requests and replies, as OpenAPI shows them; JSON types are taken strictly."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, JsonValue, model_validator

from service.fields import BodyText, Date, DocumentId, Line, Metadata, Question, Text, TopK, Url


class Request(BaseModel):
    """Base of what is sent: unknown fields are refused, types are not converted, null is the same as absent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Reply(BaseModel):
    """Base of what is answered."""

    model_config = ConfigDict(frozen=True)


class TurnIn(Request):
    """One earlier message of the conversation."""

    role: Literal["user", "assistant"]
    content: Text


class FilterIn(Request):
    """Which documents may be drawn on. Dates are inclusive; a document without a date fails a filter on dates."""

    document_ids: list[DocumentId] | None = None
    source: Line | None = None
    published_from: Date | None = None
    published_to: Date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.published_from and self.published_to and self.published_from > self.published_to:
            raise ValueError("published_from is after published_to; exchange them")
        return self


class AskRequest(Request):
    """A question and what it may draw on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"question": "重庆代表团是什么时候提交这份建议的?", "top_k": 5, "stream": False}],
        }
    )

    question: Question = Field(description="white space around it is taken off")
    history: list[TurnIn] | None = Field(default=None, max_length=20, description="earlier turns, oldest first")
    top_k: TopK | None = Field(default=5, description="passages that the answer may draw on")
    filter: FilterIn | None = None
    mode: Literal["auto", "extractive", "llm"] | None = Field(default="auto", description="llm needs a language model")
    stream: bool | None = Field(default=False, description="server-sent events; the same as Accept: text/event-stream")


class SearchRequest(Request):
    """A query for passages."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"query": "成渝 协同创新", "top_k": 5}]})

    query: Question
    top_k: TopK | None = 5
    filter: FilterIn | None = None
    rerank: bool = Field(default=False, description="let the reader order the first 20 passages; slower")


class DocumentIn(Request):
    """A document to add. ``text`` is stored unchanged, so that offsets refer to what was sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "notice-1", "title": "通知", "text": "会议定于3月5日举行。", "source": "办公室"}],
        }
    )

    id: DocumentId | None = Field(default=None, description="absent: derived from the content")
    title: Annotated[Line, Field(max_length=1000)] | None = None
    text: BodyText
    source: Annotated[Line, Field(max_length=1000)] | None = None
    url: Url | None = None
    published: Date | None = None
    metadata: Metadata | None = Field(default=None, description="any JSON object, kept as it is")


class UploadFields(Request):
    """What may be said of a file beside it; what is left out is read from the file."""

    model_config = ConfigDict(strict=False)

    id: DocumentId | None = Field(default=None, description="absent: derived from the content")
    title: Annotated[Line, Field(max_length=1000)] | None = None
    source: Annotated[Line, Field(max_length=1000)] | None = None
    url: Url | None = None
    published: Date | None = None


class DocumentPatch(Request):
    """What is to be corrected; a field that is left out stays, null clears it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "通知", "published": "2023-03-06"}]})

    title: Annotated[Line, Field(max_length=1000)] | None = None
    source: Annotated[Line, Field(max_length=1000)] | None = None
    url: Url | None = None
    published: Date | None = None
    metadata: Metadata | None = None

    def changes(self) -> dict[str, Any]:
        """The fields that were sent, with what null stands for."""
        cleared = {"title": "", "metadata": {}}
        given = self.model_dump(exclude_unset=True)
        return {name: cleared.get(name) if value is None else value for name, value in given.items()}


class Scores(Reply):
    """What the parts of the index say about a passage."""

    dense: FiniteFloat = Field(description="cosine of question and chunk")
    lexical: FiniteFloat = Field(description="BM25")
    reader: FiniteFloat | None = Field(
        default=None,
        description="probability that the passage answers; only where the reader was asked to order passages",
        exclude_if=lambda value: value is None,
    )


class PassageOut(Reply):
    """A passage: ``text`` is the document's text from ``start`` to ``end``, counted in code points."""

    chunk_id: str
    document_id: str
    title: str
    source: str | None
    url: str | None
    published: str | None
    page: int | None
    text: str = Field(description="at most 500 characters")
    start: int
    end: int
    score: FiniteFloat = Field(description="fused; comparable within one reply only")
    scores: Scores


class SearchReply(Reply):
    """Passages, best first."""

    passages: list[PassageOut]


class SuggestionOut(Reply):
    """A question, and the document that it is answered from."""

    question: str
    document_id: str
    title: str


class SuggestionsReply(Reply):
    """Questions that the documents answer; none where there are none."""

    suggestions: list[SuggestionOut]


class CitationOut(Reply):
    """Where a part of the answer stands: ``quote`` is the document's text from ``start`` to ``end``."""

    marker: int
    document_id: str
    chunk_id: str
    title: str
    source: str | None
    url: str | None
    published: str | None
    page: int | None
    also: list[str] = Field(description="ids of other documents that hold the same text")
    quote: str = Field(description="at most 300 characters")
    start: int
    end: int
    score: FiniteFloat
    supports: list[int] = Field(description="numbers of the answer's sentences that it stands under, from 0")


class Timings(Reply):
    """Milliseconds."""

    retrieve: FiniteFloat
    answer: FiniteFloat
    total: FiniteFloat


class IndexBrief(Reply):
    """The index that was asked."""

    generation: str
    documents: int
    chunks: int
    model: str


class IndexReply(IndexBrief):
    """What is being served."""

    dimension: int
    bytes: int = Field(description="on disk, record and index together")
    since: str = Field(description="ISO time in UTC at which this generation was written")


class AskReply(Reply):
    """The answer with its citations; ``[n]`` in ``answer`` is the citation with ``marker`` n."""

    answer: str
    answerable: bool
    confidence: Annotated[FiniteFloat, Field(ge=0, le=1)] = Field(description="probability that the answer is right")
    reason: Literal["no_topic", "no_answer", "small_talk"] | None = Field(description="why it is not answerable")
    question_resolved: str = Field(description="the question that was searched, history folded in")
    citations: list[CitationOut]
    mode: Literal["extractive", "llm"]
    timings_ms: Timings
    index: IndexBrief


class DocumentBrief(Reply):
    """A document without its text."""

    id: str
    title: str
    source: str | None
    url: str | None
    published: str | None
    metadata: dict[str, JsonValue]
    sha256: str = Field(description="of the text in UTF-8")
    chunks: int
    added: str = Field(description="ISO time in UTC")


class DocumentOut(DocumentBrief):
    """A document with the stored text that offsets refer to."""

    text: str


class DocumentList(Reply):
    """One page of the documents; ``next_cursor`` is null on the last."""

    documents: list[DocumentBrief]
    next_cursor: str | None


class RefusedLine(Reply):
    """A line of a batch that was not added."""

    line: int = Field(description="number of the line, from 1")
    id: str | None = Field(description="the document's id, where the line could be read so far")
    detail: str


class BatchReply(Reply):
    """What became of a batch: numbers of documents added (new, or replaced) and unchanged, and the refused lines."""

    added: int
    unchanged: int
    refused: list[RefusedLine]


class RebuildRequest(Request):
    """How to rebuild."""

    full: bool | None = Field(default=False, description="embed everything again, also what has not changed")


class Progress(Reply):
    """How far a job is, in documents."""

    done: int
    total: int = Field(description="0 as long as it is not known")
    rate: FiniteFloat = Field(description="documents a second, since it was begun or taken up again")
    eta: FiniteFloat | None = Field(description="seconds that are left, where that can be said")


class JobFault(Reply):
    """What a job could not take, or why it failed."""

    line: int | None = Field(description="number of the line, in a batch")
    id: str | None = Field(description="of the document, where it is one")
    detail: str


class JobOut(Reply):
    """Long work."""

    id: str
    kind: Literal["rebuild", "batch"]
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: Progress
    errors: list[JobFault]
    result: dict[str, int] | None = Field(description="numbers of documents, once it is done")
    created: str = Field(description="ISO time in UTC")
    started: str | None
    ended: str | None


class JobList(Reply):
    """Jobs, the newest first."""

    jobs: list[JobOut]


class Alive(Reply):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(Reply):
    """Questions are answered; ``degraded`` where something on disk was damaged, or is now of another model."""

    status: Literal["ready", "degraded"]
    detail: str | None = Field(description="what is degraded")
