"""Bounds on connections: how many there are, how long each may take over a request, and how much is logged of it.

uvicorn closes only connections that have been idle after a reply. Here every state that a client can hold a
connection in has its limit, and where all places are taken the connection that has been quiet longest makes room.
"""

import asyncio
import logging
import resource
from collections import Counter
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

HEAD_SECONDS = 10.0  # from the connection, or the first byte of a later request, to the end of the request's head
IDLE_SECONDS = 15  # between a reply and the next request
BODY_SECONDS = 30.0  # that a body may take whatever its length,
BODY_RATE = 1024  # and a further second for so many bytes of it
STALL_SECONDS = 60.0  # in which the reader of a reply has to take some 50 KB of it, where so much is waiting
LINGER_SECONDS = 10.0  # for the last bytes to leave once a connection is being closed
LOOK_SECONDS = 5.0  # between looks at how fast a body comes
REPORT_SECONDS = 60.0  # between lines of the log

SPARE_DESCRIPTORS = 128  # kept for files, databases and sockets to others
ACCEPTED_AT_ONCE = 16  # connections taken between two rounds of the event loop, so that they stay within the spare
FOLLOWERS_SHARE = 4  # one connection in so many may follow a job

_LATE = b"the head of the request came too slowly"
_REQUEST_TIMEOUT = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
    b"connection: close\r\n\r\n%s" % (len(_LATE), _LATE)
)
_NOISE = ("Invalid HTTP request received.", "Unsupported upgrade request.", "No supported WebSocket library")

_log = logging.getLogger("service.connections")


def count_allowed_connections(chosen: int | None) -> int:
    """Return how many connections one process may hold: as ``chosen``, else what the descriptor limit leaves."""
    if chosen is not None:
        return chosen
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 2**20 if limit == resource.RLIM_INFINITY else max(16, limit - SPARE_DESCRIPTORS)


class Loop(asyncio.SelectorEventLoop):
    """An event loop that accepts few connections in one round.

    asyncio takes in as many as the listen backlog holds before any of them can be refused, and so runs out of
    descriptors however few are allowed. A smaller backlog would make clients wait instead.
    """

    def _accept_connection(
        self, factory: Any, sock: Any, sslcontext: Any = None, server: Any = None, backlog: int = 100, *rest: Any
    ) -> None:
        parent: Any = super()
        parent._accept_connection(factory, sock, sslcontext, server, min(backlog, ACCEPTED_AT_ONCE), *rest)


class Connections:
    """The connections of one process. Everything happens on the event loop."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.followers = 0  # streams that follow a job
        self._open: set[Connection] = set()
        self._quiet: dict[Connection, None] = {}  # those without a request, the longest quiet first
        self._counts: Counter[str] = Counter()
        self._report: asyncio.TimerHandle | None = None

    @property
    def most_followers(self) -> int:
        """How many streams may follow jobs at once, so that they leave connections to questions."""
        return max(1, self.limit // FOLLOWERS_SHARE)

    def start(self) -> None:
        """Take over what the event loop and uvicorn would log for every single connection."""
        asyncio.get_running_loop().set_exception_handler(self._handle_loop_error)
        logging.getLogger("uvicorn.error").addFilter(self._pass_record)

    def stop(self) -> None:
        """Write the last line of the log, and leave logging as it was."""
        logging.getLogger("uvicorn.error").removeFilter(self._pass_record)
        if self._report is not None:
            self._report.cancel()
        self._write_report()
        if self._report is not None:
            self._report.cancel()
            self._report = None

    def admit(self, connection: "Connection") -> bool:
        """Return whether a new connection has a place; one that is quiet gives up its own where none is free."""
        if len(self._open) >= self.limit:
            if not self._quiet:
                self.count("refused because all places are taken")
                return False
            quiet = next(iter(self._quiet))
            self.count("closed while quiet, to make room")
            self.remove(quiet)
            quiet.transport.abort()
        self._open.add(connection)
        return True

    def remove(self, connection: "Connection") -> None:
        """Forget a connection that is closed or about to be."""
        self._open.discard(connection)
        self._quiet.pop(connection, None)

    def mark_quiet(self, connection: "Connection") -> None:
        """Note that a connection waits for a request from now on."""
        self._quiet.pop(connection, None)
        if connection in self._open:
            self._quiet[connection] = None

    def mark_busy(self, connection: "Connection") -> None:
        """Note that a connection has a request."""
        self._quiet.pop(connection, None)

    def count(self, what: str) -> None:
        """Have ``what`` logged: now where nothing was for a minute, else with the next line."""
        self._counts[what] += 1
        if self._report is None:
            self._write_report()

    def _write_report(self) -> None:
        self._report = None
        if self._counts:
            told = "; ".join(f"{number} {what}" for what, number in sorted(self._counts.items()))
            _log.warning("connections: %s (%d open, %d allowed)", told, len(self._open), self.limit)
            self._counts.clear()
            self._report = asyncio.get_running_loop().call_later(REPORT_SECONDS, self._write_report)

    def _handle_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if str(context.get("message", "")).startswith("socket.accept()"):
            self.count("waiting because no descriptors are left")
        else:
            loop.default_exception_handler(context)

    def _pass_record(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith(_NOISE):
            self.count("with requests that are not HTTP/1.1")
            return False
        return True


class Connection(H11Protocol):
    """uvicorn's connection with a limit on every wait for the client."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._all: Connections = app_state["connections"]
        self._timer: asyncio.TimerHandle | None = None  # of the present state
        self._stall: asyncio.TimerHandle | None = None
        self._in_head = False
        self._begun = False  # whether a byte of the head has come
        self._body_since = 0.0
        self._body_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take in a connection, or close it where there is no place for it."""
        super().connection_made(transport)
        if self._all.admit(self):
            self._wait_for_head()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._all.remove(self)
        for timer in (self._timer, self._stall):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came. Bytes of a head do not extend the time that it has."""
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            if not self._in_head:
                self._wait_for_head()
            self._begun = True
        self._body_bytes += len(data)
        super().data_received(data)
        if self.cycle is not cycle:
            self._watch_body()

    def on_response_complete(self) -> None:
        """Wait for the next request, which may have come already."""
        cycle = self.cycle
        super().on_response_complete()
        if self.transport.is_closing():
            self._set_timer(LINGER_SECONDS, self.transport.abort)
        elif self.cycle is not cycle:
            self._watch_body()
        else:
            self._in_head = False
            self._all.mark_quiet(self)
            self._set_timer(IDLE_SECONDS, self._close)

    def pause_writing(self) -> None:
        """Start the time in which the reader has to take in what waits."""
        super().pause_writing()
        self._stall = self.loop.call_later(STALL_SECONDS, self._abort, "closed because the reply was not read")

    def resume_writing(self) -> None:
        """Stop that time."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _wait_for_head(self) -> None:
        self._in_head, self._begun = True, False
        self._all.mark_quiet(self)
        self._set_timer(HEAD_SECONDS, self._end_head)

    def _end_head(self) -> None:
        if self.transport.is_closing():
            self.transport.abort()
            return
        self._all.count("closed because no whole request came")
        if self._begun:
            self.transport.write(_REQUEST_TIMEOUT)
        self._close()

    def _watch_body(self) -> None:
        self._in_head = False
        self._all.mark_busy(self)
        self._body_since, self._body_bytes = self.loop.time(), 0
        self._set_timer(LOOK_SECONDS, self._look_at_body)

    def _look_at_body(self) -> None:
        if not self.cycle.more_body or self.cycle.response_complete:
            return
        if self.flow.read_paused:  # the service does not read on: not the client's fault
            self._body_since += LOOK_SECONDS
        if self.loop.time() - self._body_since > BODY_SECONDS + self._body_bytes / BODY_RATE:
            self._abort("closed because a body came too slowly")
        else:
            self._set_timer(LOOK_SECONDS, self._look_at_body)

    def _close(self) -> None:
        self.transport.close()
        self._set_timer(LINGER_SECONDS, self.transport.abort)

    def _abort(self, why: str) -> None:
        self._all.count(why)
        self.transport.abort()

    def _set_timer(self, seconds: float, call: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, call)
