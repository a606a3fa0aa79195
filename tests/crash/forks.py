"""Functions run in a child process, forked while nothing else runs in this one, and what they give or how they end."""

import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

SECONDS = 60  # that a child may take
_LONGEST = 4_000_000

Tell = Callable[[dict[str, Any]], None]


@dataclass
class Ended:
    """``signal`` is 0 for a child that ended by itself; ``error`` is what it raised."""

    signal: int = 0
    error: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)  # what it told, each received whole


def forked(work: Callable[[Tell], None]) -> Ended:
    """Runs ``work`` in a child of its own and waits. What it tells is kept by the system, even where it is killed."""
    return wait([start(work)])[0]


@dataclass
class Child:
    """One that runs."""

    pid: int
    told: socket.socket
    ended: Ended


def start(work: Callable[[Tell], None]) -> Child:
    """Forks."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST)
    pid = os.fork()
    if pid:
        theirs.close()
        return Child(pid, ours, Ended())
    try:
        signal.alarm(SECONDS)
        ours.close()
        work(lambda message: _send(theirs, message))
        sys.stdout.flush()
        os._exit(0)
    except BaseException as error:
        detail = "".join(traceback.format_exception(error)) if not isinstance(error, AssertionError) else str(error)
        _send(theirs, {"error": detail})
        os._exit(1)
    finally:
        os._exit(2)


def wait(children: list[Child]) -> list[Ended]:
    """Hears the children out until they have ended."""
    for child in children:
        while data := child.told.recv(_LONGEST):
            message = json.loads(data)
            if "error" in message:
                child.ended.error = message["error"]
            else:
                child.ended.messages.append(message)
        child.told.close()
        status = os.waitpid(child.pid, 0)[1]
        child.ended.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if not child.ended.signal and status and not child.ended.error:
            child.ended.error = f"ended with status {status}"
    return [child.ended for child in children]


def _send(end: socket.socket, message: dict[str, Any]) -> None:
    end.send(json.dumps(message, ensure_ascii=False).encode()[: _LONGEST // 2])
