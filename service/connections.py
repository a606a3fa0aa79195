"""Connections with bounds: a request's head has to come in time, and there are never too many at once.

uvicorn closes connections that are idle after a reply, but waits without end for the head of a first request, and for
one that comes a byte at a time.
"""

import asyncio
import logging
import resource
import time
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 15
SPARE_DESCRIPTORS = 128  # for the record, the index, and what is being read
SAY_EVERY = 60.0  # seconds between two lines of the log

_log = logging.getLogger("service")


def count_descriptors() -> int:
    """Return how many files and connections this process may have open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Turned:
    """Counts the connections that were turned away, and says so once a minute."""

    def __init__(self) -> None:
        """Begin with none."""
        self._count = 0
        self._said = -SAY_EVERY

    def count(self, limit: int) -> None:
        """Count one more."""
        self._count += 1
        now = time.monotonic()
        if now - self._said >= SAY_EVERY:
            _log.warning("%d connections closed at once: %d are open, as many as may be", self._count, limit)
            self._count, self._said = 0, now


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 with a time limit for the head of each request and a limit of connections; ``limit`` is set at start."""

    limit = 1_000_000
    _turned = Turned()

    def __init__(self, *given: Any, **named: Any) -> None:
        """Begin a connection."""
        super().__init__(*given, **named)
        self._head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or close it where there are too many."""
        if len(self.connections) >= self.limit:
            self._turned.count(self.limit)
            self.transport = transport
            transport.abort()
            return
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection that ended."""
        self._stop_waiting()
        if self in self.connections:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in; those of an unfinished head do not win it more time."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._await_head()
        else:
            self._stop_waiting()

    def _await_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self._close_late)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _close_late(self) -> None:
        self._head = None
        if not self.transport.is_closing():
            self.transport.close()
