"""Stands between the service and a language model's server and takes the time, so that each one's can be told."""

import json
import re
import threading
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_PASSAGE = re.compile(r'<passage n="(\d+)"[^>]*>\n(.*?)\n</passage>', re.S)
_SENTENCE = re.compile(r"[^。！？\n]{4,}[。！？]")


class Relay:
    """Passes calls on to ``server``, ``http://…/v1``. Without one it answers itself, after ``thinks`` seconds, with a
    sentence of each of the first three passages, cited."""

    def __init__(self, server: str | None, thinks: float = 0.0) -> None:
        self.thinks = thinks
        self._seconds: list[float] = []
        self._running = 0
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                began = time.perf_counter()
                relay._running += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.close_connection = True
                try:
                    if server:
                        self._pass_on(server, body)
                    else:
                        self._answer(json.loads(body)["messages"][-1]["content"])
                except (OSError, HTTPException):
                    pass  # one of them broke off: the service gave up, or the server fell over
                finally:
                    relay._seconds.append(time.perf_counter() - began)
                    relay._running -= 1

            def _pass_on(self, server: str, body: bytes) -> None:
                parts = urlsplit(server)
                kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
                upstream = kind(parts.netloc, timeout=600)
                try:
                    key = {"Authorization": self.headers["Authorization"] or ""}
                    path = f"{parts.path}/chat/completions"
                    upstream.request("POST", path, body, {"Content-Type": "application/json", **key})
                    reply = upstream.getresponse()
                    self._head(reply.status, reply.headers["Content-Type"])
                    while data := reply.read1(65536):
                        self.wfile.write(data)
                finally:
                    upstream.close()

            def _answer(self, shown: str) -> None:
                time.sleep(relay.thinks)
                self._head(200, "text/event-stream")
                found = [(number, _SENTENCE.search(text)) for number, text in _PASSAGE.findall(shown)]
                said = [f"{sentence[0].strip()}[{number}]" for number, sentence in found if sentence][:3]
                for number, piece in enumerate([*said, ""], 1):
                    ended = "stop" if number > len(said) else None
                    choice = {"index": 0, "delta": {"content": piece}, "finish_reason": ended}
                    self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
                self.wfile.write(b"data: [DONE]\n\n")

            def _head(self, status: int, kind: str | None) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind or "application/json")
                self.send_header("Connection", "close")
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def taken(self) -> float:
        """Seconds that the calls took which came since this was last asked for, once they have ended."""
        while self._running:
            time.sleep(0.001)
        seconds, self._seconds = sum(self._seconds), []
        return seconds

    def __enter__(self) -> "Relay":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
