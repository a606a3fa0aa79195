"""The one way to an answer, whichever interface the question came by."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.types import Answer, Filter, IndexStats, Turn
from service.serving import Serving

if TYPE_CHECKING:
    from rag.engine import Engine


async def ask(
    served: Serving,
    question: str,
    *,
    history: Sequence[Turn] = (),
    top_k: int = 5,
    filter: Filter | None = None,
) -> tuple[Answer, IndexStats]:
    """The answer, and the index that gave it."""

    def call(engine: "Engine") -> tuple[Answer, IndexStats]:
        return engine.ask(question, history=history, top_k=top_k, filter=filter), engine.stats()

    answer, stats = await served.read(call)
    served.metrics.answer(answer)
    return answer, stats
