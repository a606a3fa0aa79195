"""A reverse proxy that serves a service below a path: it takes the path off, as nginx and Traefik do."""

import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "host"}


class PrefixProxy:
    """Forwards what lies below ``prefix``, and answers 404 to all else, of which it keeps a list."""

    def __init__(self, port: int, prefix: str, *, tell: bool = True, strip: bool = True) -> None:
        astray: list[str] = []
        self.astray = astray

        class Handler(BaseHTTPRequestHandler):
            def forward(self) -> None:
                if not self.path.startswith(f"{prefix}/"):
                    astray.append(self.path)
                    self.send_error(404)
                    return
                path = self.path.removeprefix(prefix) if strip else self.path
                headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
                headers["Host"] = self.headers["Host"]
                if tell:
                    headers["X-Forwarded-Prefix"] = prefix
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                behind = HTTPConnection("127.0.0.1", port, timeout=60)
                try:
                    behind.request(self.command, path, body, headers)
                    response = behind.getresponse()
                    self.send_response_only(response.status)
                    for name, value in response.getheaders():
                        if name.lower() not in HOP_BY_HOP:
                            self.send_header(name, value)
                    self.send_header("Connection", "close")
                    self.end_headers()
                    while data := response.read1():
                        self.wfile.write(data)
                        self.wfile.flush()
                finally:
                    behind.close()

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = forward

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}{prefix}/"

    def __enter__(self) -> "PrefixProxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()
