"""A service that is started on a full disk, and what it must do until there is space again and then.

Run as a program it plays the same under a limit on the size of files, which needs no rights:
``python -m full_disk FOLDER``.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from socket_server import Served

from service import serving
from service.settings import Settings

JSON = {"Content-Type": "application/json"}
OLD = "江河大桥的总长度为1234米。大桥于2019年建成通车。"
NEW = "青山水库的总库容为5678万立方米。水库于2021年完工。"
PATIENCE = 60.0


def make_settings(folder: Path) -> Settings:
    return Settings(seeds_dir=folder / "seeds", vectors_dir=folder / "vectors", allowed_hosts=("*",))


def store_first(folder: Path) -> None:
    """Index a first document and stop in order."""
    (folder / "seeds").mkdir(exist_ok=True)
    (folder / "seeds" / "bridge.txt").write_text(OLD, encoding="utf-8")
    engine = serving.open_engine(make_settings(folder), lambda _: None)
    engine.close()


def start_full(folder: Path, fill: Callable[[], None], free: Callable[[], None]) -> None:
    """Start on a full disk with a seed that is not indexed yet, ask, make space, and see all of it come right."""
    serving.RETRY_SECONDS = 0.2
    (folder / "seeds" / "lake.txt").write_text(NEW, encoding="utf-8")
    fill()
    with Served(None, make_settings(folder)) as served:
        ready = wait_for(served, "degraded")
        assert "seeds" in ready["detail"], ready
        for _ in range(5):
            assert "1234" in ask(served, "江河大桥的总长度是多少?")["answer"]
        assert served.call("GET", "/documents")[1]["documents"]
        status, problem, _, _ = served.call("POST", "/documents", body({"id": "x", "text": "新的文档写于今天。"}), JSON)
        assert status == 503 and "disk" in problem["detail"], problem
        free()
        wait_for(served, "ready")
        assert "5678" in ask(served, "青山水库的总库容是多少?")["answer"]
        assert served.call("POST", "/documents", body({"id": "x", "text": "新的文档写于今天。"}), JSON)[0] == 201
        assert served.call("GET", "/documents/x")[0] == 200
        assert served.call("DELETE", "/documents/x")[0] == 204
        assert served.call("GET", "/documents/x")[0] == 404


def wait_for(served: Served, state: str) -> Any:
    until = time.monotonic() + PATIENCE
    while True:
        status, said, _, _ = served.call("GET", "/readyz")
        if status == 200 and said["status"] == state:
            return said
        assert time.monotonic() < until, said
        time.sleep(0.05)


def ask(served: Served, question: str) -> Any:
    status, answer, _, _ = served.call("POST", "/ask", body({"question": question}), JSON)
    assert status == 200, answer
    return answer


def body(data: dict[str, str]) -> bytes:
    return json.dumps(data).encode()


def limit_files(size: int) -> None:
    """Let no file of this process grow beyond ``size`` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


if __name__ == "__main__":
    place = Path(sys.argv[1])
    store_first(place)
    start_full(place, lambda: limit_files(1), lambda: limit_files(resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
