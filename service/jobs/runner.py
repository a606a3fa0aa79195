"""The thread that does jobs, one at a time, in whichever worker process has the lead."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rag.errors import RagError
from service.jobs import batch, rebuild
from service.jobs.store import Job, Kind, Store
from service.settings import Settings

if TYPE_CHECKING:
    from rag.engine import Engine

EVERY = 1.0  # seconds between looks for jobs that another process has taken in
NOTED = 0.25  # seconds between notes of how far a job is
STOP_SECONDS = 5.0

_WORK: Mapping[str, Callable[["Engine", Settings, Job, Store, "Course"], Mapping[str, Any]]] = {
    "rebuild": rebuild.run,
    "batch": batch.run,
}

_log = logging.getLogger("service.jobs")


class Cancelled(Exception):
    """Somebody asked for the job to be cancelled."""


class Stopped(Exception):
    """The service stops; the job goes on at the next start."""


class Course:
    """How far a job is: told by the work, which may be broken off whenever it tells."""

    def __init__(self, store: Store, id: str, done: int, stopping: threading.Event) -> None:
        self.faults: list[Mapping[str, Any]] = []
        self._store = store
        self._id = id
        self._stopping = stopping
        self._first = done
        self._began = time.monotonic()
        self._noted = 0.0
        self._settled = False

    def __call__(self, done: int, total: int, reached: Mapping[str, Any] | None = None) -> None:
        """``done`` of ``total``; ``reached`` is kept for whoever takes the work up again.

        Raises Stopped, or Cancelled where the work is not settled.
        """
        if self._stopping.is_set():
            raise Stopped
        now = time.monotonic()
        if now - self._noted < NOTED and done < total:
            return
        self._noted = now
        rate = (done - self._first) / max(now - self._began, 1e-6)
        if not self._store.advance(self._id, done, total, rate, reached) and not self._settled:
            raise Cancelled

    def settle(self) -> None:
        """What follows changes what is served, and is not cancelled any more. Raises Cancelled."""
        if not self._store.settle(self._id):
            raise Cancelled
        self._settled = True


class Runner:
    """Does what the store holds, from ``start`` to ``stop``."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self._settings = settings
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, engine: "Engine") -> None:
        """Begins to look for jobs, those that were broken off first."""
        self._thread = threading.Thread(target=self._look, args=(engine,), name="jobs", daemon=True)
        self._thread.start()

    def create(self, kind: Kind, options: Mapping[str, Any], id: str | None = None) -> Job:
        """A new job, which begins at once where no other is before it."""
        job = self.store.create(kind, options, id)
        self._wake.set()
        return job

    def stop(self) -> None:
        """Breaks off what is being done; it goes on at the next start."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
        self.store.close()

    def _look(self, engine: "Engine") -> None:
        while not self._stopping.is_set():
            try:
                if not (self.store.exists() and self._work(engine)):
                    self._wake.wait(EVERY)
                    self._wake.clear()
            except (RagError, OSError) as error:  # a full disk, mostly: it passes
                _log.warning("the jobs in %s cannot be read: %s", self.store.folder, error)
                self._stopping.wait(10 * EVERY)
            except Exception:
                _log.exception("the jobs in %s cannot be read", self.store.folder)
                self._stopping.wait(10 * EVERY)

    def _work(self, engine: "Engine") -> bool:
        """Does one job; False where there is none, or another process is at it."""
        with self.store.lead() as leading:
            if leading:
                self.store.clean()
            job = self.store.next() if leading else None
            if job is None or not self.store.start(job.id):
                return False
            taken_up = ", taken up again" if job.state == "running" else ""
            _log.info("job %s: %s%s", job.id, job.kind, taken_up)
            self._do(engine, job)
            return True

    def _do(self, engine: "Engine", job: Job) -> None:
        course = Course(self.store, job.id, job.done, self._stopping)
        try:
            result = _WORK[job.kind](engine, self._settings, job, self.store, course)
        except Stopped:
            return
        except Cancelled:
            self.store.end(job.id, "cancelled", course.faults)
            _log.info("job %s: cancelled", job.id)
        except RagError as error:
            self.store.end(job.id, "failed", [*course.faults, {"id": None, "detail": str(error)}])
            _log.error("job %s failed: %s", job.id, error)
        except Exception as error:
            said = f"the job failed ({type(error).__name__}); the log of the service says why"
            self.store.end(job.id, "failed", [*course.faults, {"id": None, "detail": said}])
            _log.exception("job %s failed", job.id)
        else:
            self.store.end(job.id, "done", course.faults, result)
            _log.info("job %s: done", job.id)
