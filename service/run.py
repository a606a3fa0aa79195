"""Starts the HTTP service, in this process or in several, and says where it can be asked."""

import asyncio
import os
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from service import logs, metrics
from service.app import create_app
from service.connections import IDLE_SECONDS, Connection
from service.serving import Serving
from service.settings import Settings

END_SECONDS = 10  # that requests may take to their end once the service is stopped


def run(settings: Settings) -> None:
    """Serve until stopped. Prints the address and one command to try once the port is open."""
    if settings.workers > 1:
        _run_several(settings)
    else:
        app = create_app(settings)
        _Announcing(_config(app, settings), settings).run()


def worker() -> FastAPI:
    """The application of one of several processes; its settings stand in the environment."""
    return create_app(Settings())


def _run_several(settings: Settings) -> None:
    os.environ |= settings.environment()
    config = _config("service.run:worker", settings, factory=True, workers=settings.workers)
    listening = listen(config)
    threading.Thread(target=_announce_several, args=(settings,), daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="rag-metrics-") as counted:
        os.environ[metrics.FOLDER] = counted
        Multiprocess(config, sockets=[listening]).run()


def _announce_several(settings: Settings) -> None:
    """Print the address once a process is ready."""
    while True:
        try:
            with urllib.request.urlopen(f"{_address(settings)}/readyz", timeout=5):
                break
        except (OSError, ValueError):
            time.sleep(0.2)
    _announce(settings)


def listen(config: uvicorn.Config) -> socket.socket:
    """The socket that the processes share. asyncio sees to it that small parts leave at once, but not for a socket that
    it is given; without that a stream stands still for 40 ms where its reader has acknowledged nothing."""
    bound = config.bind_socket()
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def _config(app: FastAPI | str, settings: Settings, factory: bool = False, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=factory,
        workers=workers,
        host=settings.host,
        port=settings.port,
        log_config=logs.config(settings.log_level),
        access_log=False,  # the application logs requests itself
        http=Connection,
        loop="service.connections:Loop",
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=END_SECONDS,
    )


class _Ending(uvicorn.Server):
    """Tells the application before it waits for requests to end: some would go on as long as a job does."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        serving = _find_serving(self.config.loaded_app)
        if serving is not None:
            serving.end()
        await super().shutdown(sockets=sockets)


def _find_serving(app: Any) -> Serving | None:
    while not isinstance(app, FastAPI):  # within uvicorn's own layers
        app = app.app
    serving = getattr(app.state, "serving", None)
    return serving if isinstance(serving, Serving) else None


class _Announcing(_Ending):
    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._telling = asyncio.create_task(self._announce_when_ready())

    async def _announce_when_ready(self) -> None:
        """Print the address once the index is open, so that the command shown with it is answered."""
        serving = _find_serving(self.config.loaded_app)
        while serving is not None and not serving.ready and not self.should_exit:
            await asyncio.sleep(0.05)
        if not self.should_exit:
            _announce(self._settings)


def _announce(settings: Settings) -> None:
    url = _address(settings)
    ask = """'{"question": "川渝联合实施了多少项攻关核心技术项目?"}'"""
    curl = f"curl -s {url}/ask -H 'Content-Type: application/json' -d {ask}"
    print(f"\n  {url}\n\n  {curl}\n", file=sys.stderr, flush=True)


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"
