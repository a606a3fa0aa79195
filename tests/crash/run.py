"""Hands points out to servers, as many as there are cores, and counts what comes back."""

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crash import shim

_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "RAYON_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
}
Request = tuple[Any, ...]
Asked = tuple[str, str, Request]  # the kind of fault and the scenario that a request counts under
Told = Callable[[Request, Any], None]


class Server:
    """One process of ``crash.server``."""

    def __init__(self, folder: Path, library: Path) -> None:
        here = Path(__file__).parents[1]
        folder.mkdir(parents=True)
        environment = os.environ | _ENVIRONMENT | {"LD_PRELOAD": str(library)}
        environment["PYTHONPATH"] = os.pathsep.join([str(here), str(here.parent), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "crash.server", str(folder)]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def ask(self, *request: Any) -> Any:
        """One request, answered."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the server ended at {request}")
        return json.loads(answer)

    def close(self) -> None:
        """Ends it."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@contextmanager
def servers(count: int) -> Iterator[list[Server]]:
    """That many, in a folder that is gone afterwards; in memory where there is such a place."""
    memory = Path("/dev/shm")
    with ExitStack() as stack:
        place = memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30 else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crash-", dir=place)))
        library = shim.compiled(folder)
        made = []
        for number in range(count):
            made.append(Server(folder / str(number), library))
            stack.callback(made[-1].close)
        yield made


@dataclass
class Tally:
    """What came of the points of one row of the table."""

    points: int = 0
    seconds: float = 0.0
    failures: list[tuple[Request, str]] = field(default_factory=list)


@dataclass
class Outcome:
    """By kind of fault, then by scenario."""

    rows: dict[str, dict[str, Tally]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Tally)))

    @property
    def failures(self) -> list[tuple[Request, str]]:
        """All that was wrong."""
        return [each for row in self.rows.values() for tally in row.values() for each in tally.failures]

    @property
    def points(self) -> int:
        """How many were tested."""
        return sum(tally.points for row in self.rows.values() for tally in row.values())


def run(servers: Sequence[Server], requests: Sequence[Asked], told: Told | None = None) -> Outcome:
    """Has all requests answered; ``told`` hears of each."""
    outcome, waiting, lock = Outcome(), queue.SimpleQueue[Asked](), threading.Lock()
    for request in requests:
        waiting.put(request)
    broken: list[BaseException] = []

    def work(server: Server) -> None:
        try:
            while not broken:
                kind, scenario, request = waiting.get_nowait()
                began = time.monotonic()
                wrong = server.ask(*request)
                with lock:
                    tally = outcome.rows[kind][scenario]
                    tally.points += 1
                    tally.seconds += time.monotonic() - began
                    if wrong:
                        tally.failures.append((request, str(wrong)))
                    if told:
                        told(request, wrong)
        except queue.Empty:
            pass
        except BaseException as error:
            broken.append(error)

    threads = [threading.Thread(target=work, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    return outcome
