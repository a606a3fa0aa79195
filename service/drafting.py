"""The extractive answer, made beside the language model: while that thinks, a thread is free."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.answer.reply import Looked
    from rag.answer.written import Draft
    from service.asking import Source

HEAD_START = 0.01  # seconds in which a request leaves; Python's threads would hold it up for as long as a draft takes


class Drafting:
    """Begins after ``HEAD_START``, or when the draft is wanted."""

    def __init__(self, source: "Source", looked: "Looked") -> None:
        self._wanted = asyncio.Event()
        self._made = asyncio.create_task(self._make(source, looked))
        # Of a client that left nobody takes the result, nor the error.
        self._made.add_done_callback(lambda made: made.cancelled() or made.exception())

    async def draft(self) -> "Draft":
        """The draft. Raises what the engine raises."""
        self._wanted.set()
        return await self._made

    def cancel(self) -> None:
        """It is wanted no more."""
        self._made.cancel()

    async def _make(self, source: "Source", looked: "Looked") -> "Draft":
        with suppress(TimeoutError):
            async with asyncio.timeout(HEAD_START):
                await self._wanted.wait()
        return await source.read(lambda engine: engine.draft(looked), let_in=True)
