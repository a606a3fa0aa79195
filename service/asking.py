"""The one way to an answer, whichever interface the question came by: ``ask`` gives it as it comes, ``answer`` whole.

Where there is a language model, its sentences are sent as they hold. The extractive answer is made beside it; it is
what is given without one, and where the model is not asked, fails or talks nonsense.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from rag.errors import InvalidInput, RagError
from rag.types import Answer, Citation, Filter, Hit, IndexStats, Turn
from service.drafting import Drafting
from service.llm import LLM, NoText
from service.metrics import Metrics

if TYPE_CHECKING:
    from rag.answer.generate import Prompts
    from rag.answer.reply import Looked
    from rag.answer.written import Written
    from rag.engine import Engine
    from rag.verify import Checker, Kept

T = TypeVar("T")
Mode = Literal["auto", "extractive", "llm"]


class Changed(RagError):
    """A document that an answer rests on was changed while it was written."""

    status = 503
    title = "Documents changed"


@dataclass(frozen=True, slots=True)
class Writer:
    """A model and what it is told."""

    llm: LLM
    prompts: "Prompts"
    budget: int  # characters of passages


class Source(Protocol):
    """Where an engine is, and a writer where there is one: the service, or a process of its own."""

    metrics: Metrics
    writer: Writer | None

    async def read(self, call: "Callable[[Engine], T]", *, let_in: bool = False) -> T:
        """The result of a blocking call on the engine; one for a question that was ``let_in`` is never refused."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question. ``auto`` is ``llm`` where there is a model, else ``extractive``."""

    question: str
    history: Sequence[Turn] = ()
    top_k: int = 5
    filter: Filter | None = None
    mode: Mode = "auto"

    def answer(self, engine: "Engine") -> tuple[Answer, IndexStats]:
        """The extractive answer, and the index that gave it."""
        answer = engine.ask(self.question, history=self.history, top_k=self.top_k, filter=self.filter)
        return answer, engine.stats()

    def look(self, engine: "Engine") -> "tuple[Looked, bool, Checker]":
        """What a model may write from, whether it is on the topic for sure, and what holds the model to it."""
        looked = engine.look(self.question, history=self.history, top_k=self.top_k, filter=self.filter)
        return looked, engine.on_topic(looked), engine.checker(looked.passages)


@dataclass(frozen=True, slots=True)
class Sources:
    """The passages that the answer may draw on: sent first."""

    passages: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """The next part of the answer, checked. ``citations`` holds those of its markers, and all before them; a span of
    an answer that is being written may still grow."""

    text: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """The whole answer, its text all deltas joined, and the index that gave it."""

    answer: Answer
    stats: IndexStats


Event = Sources | Delta | Done


async def ask(source: Source, asked: Asked) -> AsyncGenerator[Event]:
    """The events of one question. What can be refused is refused before the first of them.

    Raises InvalidInput where a model is asked for and there is none, Changed where documents changed after a part of
    the answer had been sent, and what the engine raises.
    """
    writer = source.writer if asked.mode != "extractive" else None
    if writer is not None:
        async with aclosing(_written(source, asked, writer)) as events:
            async for event in events:
                yield event
        return
    if asked.mode == "llm":
        raise InvalidInput(
            "mode is llm, but no language model is configured; set RAG_LLM_BASE_URL and RAG_LLM_MODEL, or ask with "
            "mode auto or extractive"
        )
    answer, stats = await source.read(asked.answer)
    source.metrics.answer(answer)
    yield Sources(answer.passages)
    for piece in answer.pieces:
        yield Delta(piece, answer.citations)
    yield Done(answer, stats)


async def answer(source: Source, asked: Asked) -> Done:
    """The last of the events, for a reply that is not a stream: as nothing of it was sent, documents that changed
    while it was written are no error, they are asked for once more."""
    last: Event | None = None
    try:
        async for event in ask(source, asked):
            last = event
    except Changed:
        found, stats = await source.read(asked.answer, let_in=True)
        source.metrics.answer(found)
        return Done(found, stats)
    assert isinstance(last, Done), "an answer without an end"
    return last


async def _written(source: Source, asked: Asked, writer: Writer) -> AsyncGenerator[Event]:
    from rag.answer.written import Written, refused

    began = time.perf_counter()
    looked, on_topic, checker = await source.read(asked.look)
    written, sent, outcome = Written(looked.passages), False, "unasked"
    drafting = Drafting(source, looked)
    try:
        yield Sources(looked.passages)
        # Where the passages are on the topic the model is asked whatever the draft says, and does not wait for it.
        if on_topic or not (await drafting.draft()).hopeless:
            try:
                async with aclosing(_sentences(source, looked, checker, writer, written)) as sentences:
                    async for delta in sentences:
                        sent = True
                        yield delta
                outcome = "written" if sent else "refused"
            except NoText as error:
                outcome = f"fallback:{error.why}"
        draft = await drafting.draft()
    finally:
        drafting.cancel()
    if sent:
        finished = await source.read(lambda engine: engine.finish(draft, written), let_in=True)
        if finished is None:
            raise _changed(source, writer)
        answer = finished
    elif await source.read(lambda engine: engine.stands(draft), let_in=True):
        answer = refused(draft) if outcome == "refused" else draft.answer
    else:  # what there is by now is answered from, and nothing told of what is gone
        answer, _ = await source.read(asked.answer, let_in=True)
        outcome = "fallback:changed" if outcome == "refused" else outcome
    _count(source, writer, outcome)
    source.metrics.answer(answer)
    if not sent:
        for piece in answer.pieces:
            yield Delta(piece, answer.citations)
    stats = await source.read(lambda engine: engine.stats(), let_in=True)
    retrieve, total = answer.timings_ms["retrieve"], 1000 * (time.perf_counter() - began)
    timings = {"retrieve": retrieve, "answer": round(total - retrieve, 2), "total": round(total, 2)}
    yield Done(replace(answer, timings_ms=timings), stats)


async def _sentences(
    source: Source,
    looked: "Looked",
    checker: "Checker",
    writer: Writer,
    written: "Written",
) -> AsyncGenerator[Delta]:
    """What the sentences that hold add to the answer, as soon as they are complete. Raises NoText before the first,
    and Changed after it."""
    from rag.answer.generate import NO_ANSWER, messages

    said, sent = "", False

    async def added(kept: "Kept") -> Delta:
        nonlocal sent
        text = written.add(kept)
        citations = await source.read(lambda engine: engine.cited(looked, written), let_in=True)
        if citations is None:
            raise _changed(source, writer) if sent else NoText("changed")
        sent = True
        return Delta(text, citations)

    prompt = await asyncio.to_thread(messages, looked.query, looked.passages, writer.prompts, writer.budget)
    try:
        async with aclosing(writer.llm.write(prompt)) as pieces:
            async for piece in pieces:
                said = (said + piece)[:200]
                for kept in await asyncio.to_thread(checker.feed, piece):
                    yield await added(kept)
                if checker.full:
                    break
        for kept in await asyncio.to_thread(checker.finish):
            yield await added(kept)
    except NoText:
        # What was complete before the connection broke was sent; a sentence that was broken off is none.
        if not sent:
            raise
    finally:
        source.metrics.sentences(checker.checked)
    cited = any(dropped.reason != "uncited" for dropped in checker.checked.dropped)
    if not (sent or cited or NO_ANSWER in said):
        raise NoText("nonsense")  # nothing in it claims a source, nor says that there is none


def _changed(source: Source, writer: Writer) -> Changed:
    _count(source, writer, "changed")
    return Changed("a document changed while the answer was written; ask again")


def _count(source: Source, writer: Writer, outcome: str) -> None:
    writer.llm.counts[outcome] += 1
    source.metrics.model(outcome)
