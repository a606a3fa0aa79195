"""The engine while the service lives: opened in the background, used through the worker, closed at the end."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

from fastapi import Depends, Request

from rag.errors import Busy, RagError, StorageFailed
from service.asking import Writer
from service.jobs.runner import Runner
from service.jobs.store import Store
from service.llm import LLM
from service.metrics import Metrics
from service.problems import NotReady
from service.settings import Settings
from service.worker import Worker

if TYPE_CHECKING:
    from rag.engine import Engine

T = TypeVar("T")
Say = Callable[[str], None]
Opener = Callable[[Settings, Say], "Engine"]

RETRY_SECONDS = 5.0
STOP_SECONDS = 5.0

_log = logging.getLogger("service")


def open_engine(settings: Settings, say: Say) -> "Engine":
    """Open the index and bring it up to date with the seeds. ``say`` is told how far it is.

    Raises:
        Behind: the index can be served, but the seeds could not be stored.
        RagError, OSError: the index cannot be served.
    """
    from rag.engine import Engine  # here, so that probes are answered before NumPy and FAISS are loaded

    engine = Engine.open(
        settings.vectors_dir,
        model=settings.embedding_model,
        embedding=settings.embedding,
        threshold=settings.threshold,
    )
    try:
        failure: StorageFailed | OSError | None = None
        try:
            add_seeds(engine, settings, say)
        except (StorageFailed, OSError) as error:
            failure = error
        engine.ask("什么?")  # what is loaded on first use is loaded before anybody waits for it
    except BaseException:
        engine.close()
        raise
    if failure is not None:
        raise Behind(engine, describe_failure(failure)) from failure
    return engine


class Behind(Exception):
    """An engine that can be asked, whose seeds could not be brought up to date because the disk takes nothing."""

    def __init__(self, engine: "Engine", reason: str) -> None:
        super().__init__(reason)
        self.engine = engine


def describe_failure(error: RagError | OSError) -> str:
    """Return one line for the operator."""
    if isinstance(error, OSError):
        return f"{error.filename or 'the file system'}: {error.strerror or error}"
    return str(error)


def add_seeds(engine: "Engine", settings: Settings, say: Say) -> None:
    """Bring the index up to date with the seeds."""
    if not settings.seeds_dir.is_dir():
        # Without the folder nothing says which seeds are gone; what is indexed stays.
        _log.warning("the seeds folder %s does not exist; serving what is indexed", settings.seeds_dir)
        return
    report = engine.build(
        settings.seeds_dir, progress=lambda done, total: say(f"indexing the seeds, {done} of {total} done")
    )
    for refused in report.refused:
        _log.warning("seed %s was not indexed: %s", refused.id, refused.detail)


class Serving:
    """Holds the engine from the start of the application to its end."""

    def __init__(
        self,
        settings: Settings,
        engine: "Engine | None",
        opener: Opener,
        metrics: Metrics,
        on_ready: Callable[[], None] | None = None,
    ) -> None:
        """``on_ready`` is called once, from some thread, when questions are answered from now on."""
        self.settings = settings
        self._on_ready = on_ready
        self.metrics = metrics
        self.worker = Worker(settings.threads, settings.queue_limit)
        self.jobs = Runner(Store(settings.vectors_dir), settings)
        self.writer = writer_of(settings)
        self.suggesting = asyncio.Lock()  # who waits for suggestions that are being made holds no thread meanwhile
        self._engine = engine
        self._given = engine is not None
        self._opener = opener
        self._reason = "the index is being opened"
        self._behind: str | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def engine(self) -> "Engine":
        """The engine; raises ``NotReady`` with the reason while there is none."""
        if self._engine is None:
            raise NotReady(self._reason)
        return self._engine

    async def read(self, call: "Callable[[Engine], T]", *, let_in: bool = False) -> T:
        """The result of a blocking call on the engine; see ``Worker.run``."""
        engine = self.engine
        return await self.worker.run(lambda: call(engine), let_in=let_in)

    async def write(self, call: "Callable[[Engine], T]") -> T:
        """The same for a call that changes the record; such calls take turns."""
        engine = self.engine
        return await self.worker.write(lambda: call(engine))

    def start(self) -> None:
        """Begins to open the engine in a thread of its own; returns at once."""
        if self._engine is None:
            self._thread = threading.Thread(target=self._open, name="open-engine", daemon=True)
            self._thread.start()
        else:
            self._serve(self._engine)

    @property
    def stopping(self) -> bool:
        """Whether the application comes to its end: what would wait without end stops waiting."""
        return self._stopping.is_set()

    def end(self) -> None:
        """The end is near: streams that follow a job end, so that the server need not wait for them."""
        self._stopping.set()

    def stop(self) -> None:
        """Waits for running calls, then closes the engine unless it was given from outside."""
        self._stopping.set()
        self.jobs.stop()
        self.worker.close()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)  # a build that is cut off here goes on at the next start
        if self._engine is not None and not self._given:
            self._engine.close()

    @property
    def degraded(self) -> str | None:
        """What keeps the service from doing all that it should although it answers; None where nothing does."""
        return self._behind or self.engine.degraded

    def _open(self) -> None:
        told = ""
        while not self._stopping.is_set():
            try:
                engine = self._opener(self.settings, self._say)
                if self.writer:
                    self.writer.llm.load()
            except Behind as error:
                self._behind = f"The seeds could not be taken in ({error}); what was stored before is served."
                _log.error("%s It is tried again every %.0f s.", self._behind, RETRY_SECONDS)
                self._serve(error.engine)
                self._catch_up(error.engine)
                return
            except (Busy, StorageFailed, OSError) as error:
                # Another process writes, perhaps a second worker of this very service, or the disk is full: both pass.
                reason = describe_failure(error)
                self._say(reason)
                if reason != told:
                    _log.warning("not ready: %s; trying again every %.0f s", reason, RETRY_SECONDS)
                told = reason
                self._stopping.wait(RETRY_SECONDS)
            except RagError as error:
                self._say(str(error))
                _log.error("not ready: %s", error)
                return
            except Exception as error:
                self._say(f"start-up failed ({type(error).__name__}); the log of the service says why")
                _log.exception("start-up failed")
                return
            else:
                self._serve(engine)
                return

    def _serve(self, engine: "Engine") -> None:
        if not self._given:
            engine.polite(self.worker.give_way)
        self._engine = engine
        self.jobs.start(engine)
        _log.info("ready")
        if self._on_ready is not None:
            self._on_ready()

    def _catch_up(self, engine: "Engine") -> None:
        """Take the seeds in once the disk has space again."""
        while not self._stopping.wait(RETRY_SECONDS):
            try:
                add_seeds(engine, self.settings, lambda _: None)
            except (Busy, StorageFailed, OSError):
                continue
            except Exception:
                _log.exception("the seeds could not be taken in")
                return
            self._behind = None
            _log.info("the seeds are taken in, and documents can be stored again")
            return

    def _say(self, reason: str) -> None:
        self._reason = reason


def writer_of(settings: Settings) -> Writer | None:
    """The language model of the settings and its prompts. Raises InvalidInput for a prompt that cannot be used."""
    llm = LLM.of(settings)
    if llm is None:
        return None
    from rag.answer.generate import load_prompts  # here, so that a service without a model does not wait for it

    return Writer(llm, load_prompts(settings.llm_prompts_dir), settings.llm_context_chars)


def _serving(request: Request) -> Serving:
    serving = request.app.state.serving
    assert isinstance(serving, Serving)
    return serving


Served = Annotated[Serving, Depends(_serving)]
