"""A language model's server on a real socket that speaks OpenAI's protocol, well or badly, as it is told."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = Callable[[list[dict[str, str]]], str]  # the messages of a chat to what is answered


class ScriptedModel:
    """``script`` makes the answer; ``manner`` is how it is sent: good, hang, silent, cut, garbage, html, empty, error,
    once (an error at first), slow, endless, held (in the middle ``half`` is set and
    ``go`` waited for). ``asked`` are the messages of every
    call, ``running`` is how many are being answered."""

    def __init__(self, script: Script, manner: str = "good", piece: int = 7) -> None:
        self.script, self.manner, self.piece = script, manner, piece
        self.asked: list[list[dict[str, str]]] = []
        self.requests: list[dict[str, Any]] = []
        self.most = self.running = 0
        self.half, self.go = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._over = threading.Event()
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with model._lock:
                    model.running += 1
                    model.most = max(model.most, model.running)
                try:
                    model._answer(self, body)
                except (BrokenPipeError, ConnectionResetError):
                    pass
                finally:
                    with model._lock:
                        model.running -= 1
                self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> "ScriptedModel":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.go.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, to: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        self.requests.append(body)
        self.asked.append(body["messages"])
        text = self.script(body["messages"])
        if self.manner == "hang":
            self._over.wait(20)
            return
        if self.manner == "error" or (self.manner == "once" and len(self.asked) == 1):
            self._send(to, 500, "application/json", b'{"error": {"message": "out of memory"}}')
            return
        if self.manner == "html":
            self._send(to, 200, "text/html", b"<html><body>Sign in first</body></html>")
            return
        to.send_response(200)
        to.send_header("Content-Type", "text/event-stream")
        to.send_header("Connection", "close")
        to.end_headers()
        if self.manner == "garbage":
            to.wfile.write(b'data: {"choices": [{"delta": \x00\xff\n\nnonsense\n\ndata: [1,2\n\n')
            return
        if self.manner == "silent":
            to.wfile.flush()
            self._over.wait(20)
            return
        pieces = [text[i : i + self.piece] for i in range(0, len(text), self.piece)]
        if self.manner == "endless":
            pieces *= 100_000
        for number, piece in enumerate(pieces):
            if self.manner == "cut" and number > len(pieces) * 0.7:
                return
            if self.manner == "slow":
                time.sleep(0.2)
            if self.manner == "held" and number == len(pieces) // 2:
                self.half.set()
                self.go.wait(20)
            self._chunk(to, {"role": "assistant", "content": piece} if number == 0 else {"content": piece}, None)
        self._chunk(to, {}, "stop")
        to.wfile.write(b"data: [DONE]\n\n")

    @staticmethod
    def _chunk(to: BaseHTTPRequestHandler, delta: dict[str, str], ended: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": ended}
        row = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [choice]}
        to.wfile.write(f"data: {json.dumps(row)}\n\n".encode())
        to.wfile.flush()

    @staticmethod
    def _send(to: BaseHTTPRequestHandler, status: int, kind: str, data: bytes) -> None:
        to.send_response(status)
        to.send_header("Content-Type", kind)
        to.send_header("Content-Length", str(len(data)))
        to.end_headers()
        to.wfile.write(data)
