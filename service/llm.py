"""The client of a language model behind any server that speaks OpenAI's protocol: streams, and gives up in time."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from service.settings import Settings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

MOST_TOKENS = 1024
END = 0.5  # seconds that the end of a stream is waited for
PAUSE = 0.3  # seconds before the one other try
_THOUGHT = ("<think>", "</think>")  # what some models say to themselves first

_log = logging.getLogger("service")


class NoText(Exception):
    """The model gave no text, or no more; ``why`` is a word for the log and the counts."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class LLM:
    """One model. ``counts`` says how often it was asked and what came of it: ``asked``, ``written``, ``refused``,
    ``unasked``, ``changed`` and, for each reason to fall back, ``fallback:`` and the reason."""

    def __init__(
        self, base_url: str, model: str, *, api_key: str | None = None, timeout: float = 30.0, concurrency: int = 4
    ) -> None:
        self.model = model
        self.timeout = timeout
        self.counts: Counter[str] = Counter()
        self._base_url, self._api_key = base_url, api_key
        self._places = asyncio.Semaphore(concurrency)
        self._made: AsyncOpenAI | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @classmethod
    def of(cls, settings: Settings) -> "LLM | None":
        """The model of the settings; None where none is named."""
        if settings.llm_base_url is None or settings.llm_model is None:
            return None
        return cls(
            settings.llm_base_url,
            settings.llm_model,
            api_key=settings.llm_api_key.get_secret_value() if settings.llm_api_key else None,
            timeout=settings.llm_timeout,
            concurrency=settings.llm_concurrency,
        )

    async def write(self, messages: Sequence[dict[str, str]]) -> AsyncGenerator[str]:
        """What the model writes, piece by piece. All of it has to come within ``timeout`` seconds, waiting for a place
        among ``concurrency`` calls included; a call that fails before its first piece is tried once more.

        Raises NoText, at the beginning or later.
        """
        until = time.monotonic() + self.timeout
        self.counts["asked"] += 1
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + self.timeout):
                await self._places.acquire()
        except TimeoutError:
            raise NoText("busy") from None
        try:
            for attempt in (1, 2):
                begun = False
                try:
                    async with aclosing(self._once(messages, until)) as pieces:
                        async for piece in pieces:
                            begun = True
                            yield piece
                    return
                except NoText as error:
                    _log.warning("the language model failed: %s", error.why)
                    if begun or attempt == 2 or error.why in ("timeout", "refused") or _left(until) <= PAUSE:
                        raise
                await asyncio.sleep(PAUSE)
        finally:
            self._places.release()

    def load(self) -> "AsyncOpenAI":
        """The client; takes a second the first time, so that it is best called before anybody waits for an answer."""
        if self._made is None:
            from openai import AsyncOpenAI  # here, so that a service without a model does not load it

            # Many local servers want no key, and the library wants one. Retries and time are ours to count.
            self._made = AsyncOpenAI(
                base_url=self._base_url, api_key=self._api_key or "none", max_retries=0, timeout=self.timeout
            )
        return self._made

    async def close(self) -> None:
        """Closes the connections."""
        if self._closing:
            await asyncio.wait(self._closing, timeout=END)
        if self._made is not None:
            await self._made.close()

    async def _once(self, messages: Sequence[dict[str, str]], until: float) -> AsyncGenerator[str]:
        stream: Any = None
        try:
            stream = await _in_time(self.load().chat.completions.create(**self._request(messages)), until)
            async with aclosing(_texts(stream, until)) as texts, aclosing(_without_thoughts(texts)) as said:
                async for text in said:
                    yield text
        except NoText:
            raise
        except TimeoutError:
            raise NoText("timeout") from None
        except Exception as error:  # a server may send anything at all, and the library raises as many things
            raise NoText(_why(error)) from error
        finally:
            if stream is not None:
                await self._closed(stream)

    async def _closed(self, stream: Any) -> None:
        """Ends a call, in a task of its own: where the client has left, what runs here is being cancelled."""
        closing = asyncio.create_task(stream.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closed_or_not)
        await asyncio.wait([closing], timeout=1)

    def _closed_or_not(self, closing: "asyncio.Task[None]") -> None:
        self._closing.discard(closing)
        if not closing.cancelled() and closing.exception():
            _log.debug("a stream did not close", exc_info=closing.exception())

    def _request(self, messages: Sequence[dict[str, str]]) -> dict[str, Any]:
        given = {"model": self.model, "messages": list(messages), "stream": True}
        return given | {"temperature": 0, "max_tokens": MOST_TOKENS}


async def _texts(stream: Any, until: float) -> AsyncGenerator[str]:
    chunks = aiter(stream)
    some = ended = False
    while True:
        try:
            chunk = await _in_time(anext(chunks), until)
        except StopAsyncIteration:
            if not some:
                raise NoText("nonsense") from None
            return
        except TimeoutError:
            if ended:
                return
            raise
        for choice in (getattr(chunk, "choices", None) or [])[:1]:
            text = getattr(choice.delta, "content", None)
            if isinstance(text, str) and text:
                some = True
                yield text
            if choice.finish_reason is not None:  # what is left is the end of the stream, which some never send
                ended, until = True, min(until, time.monotonic() + END)


async def _without_thoughts(texts: AsyncGenerator[str]) -> AsyncGenerator[str]:
    held, state = "", "begin"
    async for text in texts:
        if state == "said":
            yield text
            continue
        held += text
        if state == "begin":
            start = held.lstrip()
            if start.startswith(_THOUGHT[0]):
                state = "thinking"
            elif not _THOUGHT[0].startswith(start):
                state = "said"
                yield held
        if state == "thinking" and _THOUGHT[1] in held:
            held, state = held.partition(_THOUGHT[1])[2], "said"
            yield held
    if state == "begin" and held:
        yield held


async def _in_time(awaitable: Any, until: float) -> Any:
    return await asyncio.wait_for(awaitable, max(0.0, _left(until)))


def _left(until: float) -> float:
    return until - time.monotonic()


def _why(error: Exception) -> str:
    """A word for what went wrong; what the server said is not told, for it may hold a key or a prompt."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return "timeout"
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError | openai.NotFoundError):
        return "refused"
    if isinstance(error, openai.RateLimitError):
        return "busy"
    if isinstance(error, openai.APIConnectionError):
        return "down"
    if isinstance(error, openai.InternalServerError):
        return "failed"
    return "nonsense" if isinstance(error, openai.APIError | ValueError | AttributeError | TypeError) else "broken"
