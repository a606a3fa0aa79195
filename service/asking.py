"""The one way to an answer, whichever interface the question came by."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from rag.types import Answer, Filter, IndexStats, Turn
from service.metrics import Metrics

if TYPE_CHECKING:
    from rag.engine import Engine

T = TypeVar("T")


class Source(Protocol):
    """Where an engine is: the service, or a process of its own."""

    metrics: Metrics

    async def read(self, call: "Callable[[Engine], T]") -> T:
        """The result of a blocking call on the engine."""


async def ask(
    source: Source,
    question: str,
    *,
    history: Sequence[Turn] = (),
    top_k: int = 5,
    filter: Filter | None = None,
) -> tuple[Answer, IndexStats]:
    """The answer, and the index that gave it."""

    def call(engine: "Engine") -> tuple[Answer, IndexStats]:
        return engine.ask(question, history=history, top_k=top_k, filter=filter), engine.stats()

    answer, stats = await source.read(call)
    source.metrics.answer(answer)
    return answer, stats
