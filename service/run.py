"""Starts the HTTP service in this process and says where it can be asked."""

import socket
import sys

import uvicorn

from service import logs
from service.app import create_app
from service.settings import Settings


def run(settings: Settings) -> None:
    """Serve until stopped. Prints the address and one command to try once the port is open."""
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=logs.config(settings.log_level),
        access_log=False,  # the application logs requests itself
    )
    _Announcing(config, settings).run()


class _Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if not self.started:
            return
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        url = f"http://{host}:{self._settings.port}"
        ask = """'{"question": "川渝联合实施了多少项攻关核心技术项目?"}'"""
        curl = f"curl -s {url}/ask -H 'Content-Type: application/json' -d {ask}"
        print(f"\n  {url}\n\n  {curl}\n", file=sys.stderr, flush=True)
