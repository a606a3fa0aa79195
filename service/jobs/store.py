"""Jobs on disk, beside the record: what is to be done, how far it is, how it ended."""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from rag.errors import Conflict, NotFound
from rag.record.tables import connect, errors

Kind = Literal["rebuild", "batch"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED = frozenset({"done", "failed", "cancelled"})
KEPT = 100  # jobs that have ended
_WAIT = 10.0  # seconds for another process

_metadata = sa.MetaData()
_jobs = sa.Table(
    "jobs",
    _metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("options", sa.Text, nullable=False),  # JSON
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("done", sa.Integer, nullable=False, default=0),
    sa.Column("total", sa.Integer, nullable=False, default=0),
    sa.Column("rate", sa.Float, nullable=False, default=0.0),  # a second, since it was begun or taken up again
    sa.Column("reached", sa.Text, nullable=False, default="{}"),  # JSON: what the work needs to go on
    sa.Column("cancel", sa.Boolean, nullable=False, default=False),
    sa.Column("settled", sa.Boolean, nullable=False, default=False),  # past the point where it can be cancelled
    sa.Column("faults", sa.Text, nullable=False, default="[]"),  # JSON
    sa.Column("result", sa.Text),  # JSON
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("started", sa.Text),
    sa.Column("ended", sa.Text),
)


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of long work."""

    id: str
    kind: Kind
    options: Mapping[str, Any]
    state: State
    done: int
    total: int
    rate: float  # units a second
    reached: Mapping[str, Any]  # what the work noted to go on from
    faults: Sequence[Mapping[str, Any]]
    result: Mapping[str, Any] | None
    created: str  # ISO times in UTC
    started: str | None
    ended: str | None

    @property
    def eta(self) -> float | None:
        """Seconds that are left at this rate; None where that cannot be said."""
        return (self.total - self.done) / self.rate if self.state == "running" and self.rate > 0 else None


class Store:
    """The jobs of one folder of vectors, shared by all processes that serve it. Safe to use from many threads.

    Every method may raise what ``rag.record.tables.errors`` does.
    """

    def __init__(self, vectors: Path) -> None:
        self.folder = vectors / "jobs"
        self._path = self.folder / "jobs.sqlite3"

    def exists(self) -> bool:
        """Whether there ever was a job; cheap."""
        return self._path.exists()

    def spool(self, id: str) -> Path:
        """The file that belongs to a job, where it has one."""
        return self.folder / f"{id}.ndjson"

    def clean(self) -> None:
        """Deletes the files of jobs that have ended, and of uploads that broke off a day ago. Hold ``lead``."""
        waiting = {job.id for job in self.list() if job.state not in ENDED}
        for path in self.folder.glob("*.ndjson"):
            if path.stem not in waiting and time.time() - path.stat().st_mtime > 60:
                path.unlink(missing_ok=True)
        for path in self.folder.glob("*.part"):
            if time.time() - path.stat().st_mtime > 86_400:
                path.unlink(missing_ok=True)

    def create(self, kind: Kind, options: Mapping[str, Any], id: str | None = None) -> Job:
        """Puts a job at the end of the queue; on disk when it returns."""
        row = {"id": id or new_id(), "kind": kind, "options": json.dumps(options), "state": "queued", "created": _now()}
        with self._write() as connection:
            connection.execute(sa.insert(_jobs), row)
            old = sa.select(_jobs.c.number).where(_jobs.c.state.in_(ENDED)).order_by(_jobs.c.number.desc()).offset(KEPT)
            connection.execute(sa.delete(_jobs).where(_jobs.c.number.in_(old.limit(1000))))
        return self.get(row["id"])

    def get(self, id: str) -> Job:
        """Raises NotFound."""
        if self.exists():
            with errors(self._path), self._engine.connect() as connection:
                row = connection.execute(sa.select(_jobs).where(_jobs.c.id == id)).one_or_none()
            if row is not None:
                return _job(row)
        raise NotFound(f"There is no job {id!r}; GET /jobs lists those there are.")

    def list(self) -> list[Job]:
        """All that there are, the newest first."""
        if not self.exists():
            return []
        with errors(self._path), self._engine.connect() as connection:
            return [_job(row) for row in connection.execute(sa.select(_jobs).order_by(_jobs.c.number.desc()))]

    def next(self) -> Job | None:
        """The job to do now: one that was broken off, else the oldest in the queue. Hold ``lead`` meanwhile."""
        if not self.exists():
            return None
        c = _jobs.c
        with errors(self._path), self._engine.connect() as connection:
            waiting = sa.select(_jobs).where(c.state.in_(("running", "queued")))
            row = connection.execute(waiting.order_by(c.state.desc(), c.number).limit(1)).one_or_none()
        return None if row is None else _job(row)

    def start(self, id: str) -> bool:
        """Marks a job as running; False where it was cancelled meanwhile."""
        c = _jobs.c
        with self._write() as connection:
            begun = sa.case((c.started.is_(None), _now()), else_=c.started)
            query = sa.update(_jobs).where(c.id == id, c.state.in_(("queued", "running")))
            return connection.execute(query.values(state="running", started=begun, rate=0.0)).rowcount == 1

    def advance(self, id: str, done: int, total: int, rate: float, reached: Mapping[str, Any] | None = None) -> bool:
        """Notes how far a job is; False where somebody wants it cancelled."""
        values: dict[str, Any] = {"done": done, "total": total, "rate": rate}
        if reached is not None:
            values["reached"] = json.dumps(reached)
        with self._write() as connection:
            connection.execute(sa.update(_jobs).where(_jobs.c.id == id).values(values))
            return not connection.scalar(sa.select(_jobs.c.cancel).where(_jobs.c.id == id))

    def settle(self, id: str) -> bool:
        """From here on the job is not cancelled any more; False where somebody wanted that before."""
        c = _jobs.c
        with self._write() as connection:
            query = sa.update(_jobs).where(c.id == id, c.cancel.is_(False)).values(settled=True)
            return connection.execute(query).rowcount == 1

    def end(
        self, id: str, state: State, faults: Sequence[Mapping[str, Any]] = (), result: Mapping[str, Any] | None = None
    ) -> None:
        """Notes how a job ended."""
        values = {
            "state": state,
            "faults": json.dumps(list(faults), ensure_ascii=False),
            "result": None if result is None else json.dumps(result, ensure_ascii=False),
            "ended": _now(),
        }
        with self._write() as connection:
            connection.execute(sa.update(_jobs).where(_jobs.c.id == id).values(values))

    def cancel(self, id: str) -> Job:
        """Cancels a job that waits, asks a running one to stop; one that has ended stays as it is.

        Raises:
            NotFound: nothing has this id.
            Conflict: what it prepared is being stored just now, which takes moments.
        """
        self.get(id)
        c = _jobs.c
        with self._write() as connection:
            queued = sa.update(_jobs).where(c.id == id, c.state == "queued")
            connection.execute(queued.values(state="cancelled", cancel=True, ended=_now()))
            running = sa.update(_jobs).where(c.id == id, c.state == "running", c.settled.is_(False))
            connection.execute(running.values(cancel=True))
            refused = connection.scalar(
                sa.select(sa.func.count()).where(c.id == id, c.state == "running", c.settled.is_(True))
            )
        if refused:
            raise Conflict(f"The job {id} is storing what it made and can no longer be cancelled; it ends in a moment.")
        return self.get(id)

    @contextmanager
    def lead(self) -> Iterator[bool]:
        """Whether this process is the one that does jobs; given up at the end, or by the system on a crash."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(handle)

    def close(self) -> None:
        """Closes all connections."""
        if "_engine" in self.__dict__:
            self._engine.dispose()

    @cached_property
    def _engine(self) -> sa.Engine:
        self.folder.mkdir(parents=True, exist_ok=True)
        engine = connect(self._path, _WAIT)
        with engine.connect().execution_options(immediate=True) as connection, connection.begin():
            _metadata.create_all(connection)
        return engine

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (
            errors(self._path),
            self._engine.connect().execution_options(immediate=True) as connection,
            connection.begin(),
        ):
            yield connection


def new_id() -> str:
    """An id for a job: the time, for people, and what makes it unique."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"


def _job(row: Any) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        options=json.loads(row.options),
        state=row.state,
        done=row.done,
        total=row.total,
        rate=row.rate,
        reached=json.loads(row.reached),
        faults=json.loads(row.faults),
        result=None if row.result is None else json.loads(row.result),
        created=row.created,
        started=row.started,
        ended=row.ended,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
