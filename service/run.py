"""Starts the HTTP service, in this process or in several, and says where it can be asked once it can be."""

import os
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from service import logs, metrics
from service.app import create_app
from service.connections import IDLE_SECONDS, Connection
from service.serving import Serving
from service.settings import Settings

_READY_FOLDER = "CHENGYU_READY_FOLDER"
END_SECONDS = 10  # that requests may take to their end once the service is stopped


def run(settings: Settings) -> None:
    """Serve until stopped. Prints the address and one command to try once questions are answered."""
    print("Opening the index; the address follows once questions can be answered.", file=sys.stderr, flush=True)
    if settings.workers > 1:
        _run_several(settings)
    else:
        app = create_app(settings, on_ready=lambda: _announce(settings))
        _Ending(_config(app, settings)).run()


def worker() -> FastAPI:
    """The application of one of several processes; its settings stand in the environment."""
    folder = Path(os.environ[_READY_FOLDER])
    return create_app(Settings(), on_ready=lambda: (folder / str(os.getpid())).touch())


def _run_several(settings: Settings) -> None:
    os.environ |= settings.environment()
    config = _config("service.run:worker", settings, factory=True, workers=settings.workers)
    listening = listen(config)
    with (
        tempfile.TemporaryDirectory(prefix="rag-metrics-") as counted,
        tempfile.TemporaryDirectory(prefix="rag-ready-") as ready,
    ):
        os.environ[metrics.FOLDER] = counted
        os.environ[_READY_FOLDER] = ready
        threading.Thread(target=_announce_when_ready, args=(settings, Path(ready)), daemon=True).start()
        Multiprocess(config, sockets=[listening]).run()


def _announce_when_ready(settings: Settings, folder: Path) -> None:
    """Announce once every process has left its sign in ``folder``; one that is not ready would answer 503."""
    while folder.is_dir():
        if sum(1 for _ in folder.glob("*")) >= settings.workers:
            _announce(settings)
            return
        time.sleep(0.1)


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
        app = self.config.loaded_app
        while not isinstance(app, FastAPI):  # within uvicorn's own layers
            app = app.app
        serving = getattr(app.state, "serving", None)
        if isinstance(serving, Serving):
            serving.end()
        await super().shutdown(sockets=sockets)


def _announce(settings: Settings) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}{settings.root_path or ''}"
    ask = """'{"question": "川渝联合实施了多少项攻关核心技术项目?"}'"""
    curl = f"curl -s {url}/ask -H 'Content-Type: application/json' -d {ask}"
    print(f"\n  {url}/\n\n  {curl}\n", file=sys.stderr, flush=True)
