"""``rag mcp``: the tools for a program on this machine that starts them itself and talks over standard input."""

import asyncio
import logging.config
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from service import logs
from service.metrics import Metrics
from service.serving import open_engine, writer_of
from service.settings import Settings
from service.worker import Worker

if TYPE_CHECKING:
    from rag.engine import Engine

T = TypeVar("T")


class Local:
    """An engine of this process, opened in the background, so that the client need not wait to greet."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self.writer = writer_of(settings)
        self._settings = settings
        self._worker = Worker(settings.threads, settings.queue_limit)
        self._engine: Future[Engine] = Future()
        threading.Thread(target=self._open, name="open-engine", daemon=True).start()

    async def read(self, call: "Callable[[Engine], T]", *, let_in: bool = False) -> T:
        """The result of a blocking call on the engine, once that is open. Raises what opening it raised."""
        engine = await asyncio.wrap_future(self._engine)
        return await self._worker.run(lambda: call(engine), let_in=let_in)

    def close(self) -> None:
        """Waits for running calls, then closes the engine."""
        self._worker.close()
        if self._engine.done() and self._engine.exception() is None:
            self._engine.result().close()

    def _open(self) -> None:
        try:
            engine = open_engine(self._settings, lambda _: None)
            if self.writer:
                self.writer.llm.load()
            self._engine.set_result(engine)
        except BaseException as error:
            self._engine.set_exception(error)


def run(settings: Settings, version: str) -> None:
    """Serve until the client closes its end. Standard output belongs to the protocol; the log goes to standard
    error."""
    from service.mcp.server import make

    logging.config.dictConfig(logs.config(settings.log_level))
    local = Local(settings)
    try:
        make(local, lambda _: _base(settings), version).run("stdio")
    finally:
        local.close()


def _base(settings: Settings) -> Any:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"http://{host}:{settings.port}"
