"""A question asked of the engine and, where there is one, of a language model, whose sentences are sent as they hold.

The extractive answer comes first. It is what is given where the model is not asked, fails or talks nonsense.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.errors import RagError
from rag.types import Answer, Hit, IndexStats
from service.llm import LLM, NoText

if TYPE_CHECKING:
    from rag.answer.generate import Prompts
    from rag.answer.written import Draft, Written
    from rag.engine import Engine
    from service.serving import Serving

SURE = 0.02  # confidence below which «not on this topic» is believed without asking the model

_log = logging.getLogger("service")


class Changed(RagError):
    """A document that an answer rests on was changed while it was written."""

    status = 503
    title = "Documents changed"


@dataclass(frozen=True, slots=True)
class Sources:
    """The passages that the answer may draw on: sent first."""

    passages: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """The next part of the answer, checked."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The whole answer; its text is all deltas joined."""

    answer: Answer
    stats: IndexStats


Event = Sources | Delta | Done


@dataclass(frozen=True, slots=True)
class Writer:
    """A model and what it is told."""

    llm: LLM
    prompts: "Prompts"
    budget: int  # characters of passages


async def write(serving: "Serving", draw: "Callable[[Engine], Draft]", writer: Writer) -> AsyncGenerator[Event]:
    """The events of one question; ``draw`` gives the extractive answer and its passages.

    Raises Changed where documents changed after a part of the answer had been sent.
    """
    from rag.answer.written import Written, refused

    began = time.perf_counter()
    draft = await serving.read(draw)
    hits, llm = draft.answer.passages, writer.llm
    yield Sources(hits)
    unasked = not hits or (draft.answer.reason == "no_topic" and draft.answer.confidence < SURE)
    if unasked:
        _count(serving, llm, "unasked")
    else:
        written = Written(hits)
        try:
            async with aclosing(_sentences(serving, draft, writer, written)) as sentences:
                async for text in sentences:
                    yield Delta(text)
        except NoText as error:
            _count(serving, llm, f"fallback:{error.why}")
            refusal = False
        else:
            refusal = written.empty
        if not written.empty:
            answer = await serving.read(lambda engine: engine.finish(draft, written))
            if answer is None:
                raise Changed("a document changed while the answer was written; ask again")
            _count(serving, llm, "written")
            yield await _done(serving, answer, began)
            return
        if refusal:
            _count(serving, llm, "refused")
            answer = refused(draft)
            yield Delta(answer.text)
            yield await _done(serving, answer, began)
            return
    if not await serving.read(lambda engine: engine.stands(draft)):
        draft = await serving.read(draw)  # what was found before the model was waited for
    for piece in draft.answer.pieces:
        yield Delta(piece)
    yield await _done(serving, draft.answer, began)


async def whole(events: AsyncIterator[Event]) -> Done:
    """The last of the events, for a reply that is not a stream."""
    last: Event | None = None
    async for event in events:
        last = event
    assert isinstance(last, Done), "an answer without an end"
    return last


async def _sentences(serving: "Serving", draft: "Draft", writer: Writer, written: "Written") -> AsyncGenerator[str]:
    """What the sentences that hold add to the answer, as soon as they are complete. Raises NoText."""
    from rag.answer.generate import NO_ANSWER, messages

    hits = draft.answer.passages
    checker = serving.engine.checker(hits)
    said = ""
    try:
        async with aclosing(writer.llm.write(messages(draft.query, hits, writer.prompts, writer.budget))) as pieces:
            async for piece in pieces:
                said = (said + piece)[:200]
                for kept in await asyncio.to_thread(checker.feed, piece):
                    if not written.empty or await serving.read(lambda engine: engine.stands(draft)):
                        yield written.add(kept)
                if checker.full:
                    break
    except NoText:
        # What was complete before the connection broke was sent; a sentence that was broken off is none.
        if written.empty:
            raise
        return
    for kept in await asyncio.to_thread(checker.finish):
        yield written.add(kept)
    cited = any(dropped.reason != "uncited" for dropped in checker.checked.dropped)
    if written.empty and not cited and NO_ANSWER not in said:
        raise NoText("nonsense")  # nothing in it claims a source, nor says that there is none


async def _done(serving: "Serving", answer: Answer, began: float) -> Done:
    total = 1000 * (time.perf_counter() - began)
    retrieve = answer.timings_ms["retrieve"]
    timings = {"retrieve": retrieve, "answer": round(total - retrieve, 2), "total": round(total, 2)}
    stats = await serving.read(lambda engine: engine.stats())
    serving.metrics.answer(answer)
    return Done(replace(answer, timings_ms=timings), stats)


def _count(serving: "Serving", llm: LLM, outcome: str) -> None:
    llm.counts[outcome] += 1
    serving.metrics.model(outcome)
