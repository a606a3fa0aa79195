"""Measures the service on this machine: start, memory, latency, imports.

    make benchmark
    python -m benchmarks.service --runs 7 --out docs/benchmarks.md

Every figure is taken several times, each in fresh processes with an index that was built before, and the median is
given; a first round is thrown away, so that files are in the page cache and bytecode is written. Questions are those of
the project, asked over HTTP one at a time on a kept connection; only the first time that a process hears a question
counts for latency. Prints a table and puts it between the marks in the file ``--out``.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import MappingProxyType

from benchmarks import section

ROOT = Path(__file__).parents[1]
QUESTIONS = ROOT / "benchmarks" / "questions" / "proposal.jsonl"
RAG = Path(sys.prefix) / "bin" / "rag"
ASKED = 200  # questions before memory is read
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("RAG_", "PYTHON"))
} | {"PYTHONUTF8": "1"}  # fmt: skip


@dataclass
class Figures:
    """What the runs gave: seconds, MiB, milliseconds."""

    start: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Measures start, memory and latency of the service.")
    parser.add_argument("--runs", type=int, default=7, help="services that are started and asked")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md", help="file with the marks")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args()

    load = section.load()
    if load > 0.5:
        print(f"Other work is running (load {load:.1f}): the times will be too long.", file=sys.stderr)
    bodies = [body(json.loads(line)) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        vectors = Path(folder)
        rag("build", vectors)
        once(vectors, bodies, Figures())
        figures = Figures()
        for _ in range(options.runs):
            once(vectors, bodies, figures)
        terminal = median(options.runs, lambda: rag("ask", vectors, json.loads(bodies[0])["question"]))
    text = report(figures, terminal, len(bodies), options.runs, load)
    print(text)
    if not options.dry:
        section.write(options.out, "service", text)


def body(item: dict[str, object]) -> bytes:
    """The request for a question of the file."""
    return json.dumps({"question": item["question"], "history": item.get("history", [])}).encode()


def rag(command: str, vectors: Path, *arguments: str) -> float:
    """Seconds of a whole command."""
    folders = ["--seeds", str(ROOT / "seeds"), "--vectors", str(vectors)]
    return timed([str(RAG), command, *folders, *arguments])


def timed(command: Sequence[str]) -> float:
    """Seconds of a process that must succeed."""
    began = time.perf_counter()
    subprocess.run(command, check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def median(runs: int, measure: Callable[[], float]) -> float:
    """The median of several measurements after one that does not count."""
    measure()
    return statistics.median(measure() for _ in range(runs))


def once(vectors: Path, bodies: Sequence[bytes], figures: Figures) -> None:
    """One service: started, asked, its memory read."""
    with service(vectors) as (process, port, began):
        connection = first_answer(process, port, bodies[0])
        figures.start.append(time.perf_counter() - began)
        for number in range(1, ASKED):
            began = time.perf_counter()
            ask(connection, bodies[number % len(bodies)])
            if number < len(bodies):
                figures.latency.append((time.perf_counter() - began) * 1000)
        connection.close()
        figures.memory.append(resident(process.pid))


@contextmanager
def service(
    vectors: Path,
    seeds: Path = ROOT / "seeds",
    arguments: Sequence[str] = (),
    settings: Mapping[str, str] = MappingProxyType({}),
) -> "Iterator[tuple[subprocess.Popen[bytes], int, float]]":
    """The process, its port, and when it was started; ``settings`` are variables of its environment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folders = ["--seeds", str(seeds), "--vectors", str(vectors)]
    began = time.perf_counter()
    process = subprocess.Popen(
        [RAG, "serve", *folders, "--port", str(port), *arguments],
        env=ENVIRONMENT | {"RAG_LOG_LEVEL": "error"} | dict(settings),
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process, port, began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def first_answer(process: "subprocess.Popen[bytes]", port: int, question: bytes) -> HTTPConnection:
    """Ask until there is an answer; returns the connection it came on."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            ask(connection, question)
            return connection
        except (OSError, HTTPException, RuntimeError):
            connection.close()
            time.sleep(0.01)
    raise SystemExit("The service gave no answer; `rag serve` says why.")


def ask(connection: HTTPConnection, question: bytes) -> None:
    """One question on a kept connection; raises RuntimeError where it is not answered with 200."""
    connection.request("POST", "/ask", question, {"Content-Type": "application/json"})
    response = connection.getresponse()
    data = response.read()
    if response.status != 200:
        raise RuntimeError(data.decode("utf-8", "replace"))


def resident(pid: int) -> float:
    """Resident memory of a process in MiB."""
    kibibytes = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], check=True, capture_output=True).stdout
    return int(kibibytes) / 1024


def imported(module: str, runs: int) -> float:
    """Median seconds of an import in a fresh process, the interpreter's own start left out."""
    code = f"import time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
    command = [sys.executable, "-c", code]

    def measure() -> float:
        return float(subprocess.run(command, check=True, env=ENVIRONMENT, cwd=ROOT, capture_output=True).stdout)

    return median(runs, measure)


def report(figures: Figures, terminal: float, questions: int, runs: int, load: float) -> str:
    """The section of the document."""
    latency = sorted(figures.latency)
    p50, p95 = statistics.median(latency), latency[int(0.95 * (len(latency) - 1))]
    rows = [
        ("process start to first answer over HTTP, index built", f"{statistics.median(figures.start):.2f} s", "≤ 3 s"),
        ("`rag ask`, whole command", f"{terminal:.2f} s", ""),
        (f"resident memory after {ASKED} questions", f"{statistics.median(figures.memory):.0f} MiB", "≤ 400 MB"),
        ("`/ask` p50", f"{p50:.1f} ms", "≤ 15 ms"),
        ("`/ask` p95", f"{p95:.1f} ms", ""),
        ("`rag --help`", f"{median(runs, lambda: timed([str(RAG), '--help'])):.2f} s", "≤ 0.5 s"),
        ("`import service.run`", f"{imported('service.run', runs):.2f} s", ""),
        ("`import rag.engine`", f"{imported('rag.engine', runs):.2f} s", ""),
    ]
    lines = [
        f"Measured on {date.today().isoformat()} with `make benchmark`; {section.machine()}, load {load:.1f} before.",
        f"Medians of {runs} runs; latency over {len(latency)} requests ({questions} questions, each heard once a run).",
        "",
        "| what | measured | wanted |",
        "|---|--:|--:|",
        *(f"| {what} | {value} | {wanted} |" for what, value, wanted in rows),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
