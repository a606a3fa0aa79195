"""Asks a service while its documents change: are questions answered as before, and is what is deleted gone?

    make moving
    python -m benchmarks.moving --queries 10000 --rebuilds 20 --changes 500 --workers 1

Readers ask at half of what the service was measured to manage, first with nothing else going on, then while documents
are added, replaced and deleted and the index is rebuilt. Prints a table and, with ``--out``, puts it between the marks
of that file. Exits with 1 where a question failed, a deleted document was told of, the slowest hundredth took more than
twice as long as before, or memory or open files did not come back to what they were.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks import section
from benchmarks.service import ROOT, first_answer, service

READERS = 16
RIVERS = "青江 白沙 柳林 石门 云岭 南屏 东湖 西坪 北渡 桃溪 竹山 松岗 梅村 兰溪 菊园 荷塘".split()
WORKS = "大桥 水库 图书馆 体育馆 医院 中学 产业园 博物馆 污水厂 变电站".split()
Fact = tuple[str, str]  # id of a document, question about it


@dataclass
class Seen:
    """What one phase of readers saw."""

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    told: int = 0  # replies to questions asked after a delete had returned that hold the document
    overtaken: int = 0  # replies that came in after it, to questions asked before


class Corpus:
    """Documents that can be asked about, some of which come and go."""

    def __init__(self, size: int, seed: int) -> None:
        self.random = random.Random(seed)
        self.facts: list[Fact] = [(f"n{number}.txt", question(number)) for number in range(size)]
        self.deleted: dict[str, float] = {}

    def fact(self) -> Fact:
        """One to ask about, of those that are there or were."""
        return self.random.choice(self.facts)


def text(number: int, version: int = 0) -> str:
    """An article of some six hundred characters."""
    river, work = RIVERS[number % 16], WORKS[number // 16 % 10]
    name = f"{river}第{number}号{work}"
    chief = "王李张刘陈杨赵黄"[number % 8] + "明华建国伟强军平"[number // 8 % 8]
    lines = [
        f"{name}建成启用",
        f"{2000 + number % 24}年{1 + number % 12}月,{name}正式启用,历时{2 + number % 5}年建成。"
        f"工程总投资{number + version}.{number % 10}亿元。",
        f"项目负责人{chief}介绍,{name}占地{100 + number}亩,可服务周边{3 + number % 40}万居民。",
    ]
    for year in range(3, 9):
        near, far = RIVERS[(number + year) % 16], RIVERS[(number + 2 * year) % 16]
        lines.append(
            f"据了解,{river}两岸在过去{year}年里新增绿化{number + year}公顷,道路{year * 7 + number % 13}公里,"
            f"沿线的{near}和{far}两个镇居民出行更加方便,集市也更加热闹。"
        )
    return "\n\n".join(lines) + "\n"


def question(number: int) -> str:
    """What can be asked about it."""
    name = f"{RIVERS[number % 16]}第{number}号{WORKS[number // 16 % 10]}"
    return (f"{name}总投资是多少?", f"{name}的负责人是谁?", f"{name}占地多少亩?")[number % 3]


def call(connection: HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and JSON of a request on a kept connection."""
    data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    connection.request(method, path, data, {"Content-Type": "application/json"} if data else {})
    response = connection.getresponse()
    raw = response.read()
    return response.status, json.loads(raw) if raw else None


def read(port: int, corpus: Corpus, seen: Seen, ends: Callable[[], bool], pause: float, number: int) -> None:
    """One reader, which asks every ``pause`` seconds, or again and again for 0, until ``ends``."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    due = time.perf_counter() + pause * number / READERS
    while not ends():
        wait = due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        _, asked = corpus.fact()
        path, body = ("/ask", {"question": asked}) if number % 4 else ("/search", {"query": asked})
        began = time.perf_counter()
        try:
            status, reply = call(connection, "POST", path, body)
        except Exception as error:
            seen.failed.append(f"{type(error).__name__}: {error}")
            connection.close()
            continue
        came = time.perf_counter()
        # From when it was due: a question that had to wait for the one before it waited for the service.
        seen.seconds.append(came - (max(due, began - 1) if pause else began))
        if status != 200:
            seen.failed.append(f"{status}: {reply}")
        for id in told_of(reply):
            gone = corpus.deleted.get(id, came + 1)
            seen.told += began > gone
            seen.overtaken += began <= gone < came
        due += pause
    connection.close()


def told_of(reply: Any) -> set[str]:
    """Ids of all documents that a reply holds."""
    held = [*reply.get("citations", []), *reply.get("passages", [])]
    return {each["document_id"] for each in held}.union(*(each.get("also", []) for each in held))


def ready(port: int, workers: int) -> None:
    """Waits until no process is found that is still opening its index."""
    good = 0
    while good < (1 if workers == 1 else 30 * workers):  # each connection goes to whichever process takes it
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        status, _ = call(connection, "GET", "/readyz")
        connection.close()
        good = good + 1 if status == 200 else 0
        if not good:
            time.sleep(0.1)


def phase(
    port: int, corpus: Corpus, pause: float, ends: Callable[[Seen], bool], seen: Seen | None = None
) -> tuple[Seen, float]:
    """What all readers saw until ``ends``, and the seconds that took."""
    seen = seen or Seen()
    threads = [
        threading.Thread(target=read, args=(port, corpus, seen, lambda: ends(seen), pause, number))
        for number in range(READERS)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen, time.perf_counter() - began


class Changing(threading.Thread):
    """Adds, replaces and deletes documents and rebuilds, spread over the time that the questions take."""

    def __init__(
        self, pid: int, port: int, corpus: Corpus, seeds: Path, changes: int, rebuilds: int, seen: Seen
    ) -> None:
        super().__init__()
        self.pid, self.port, self.corpus, self.seeds, self.seen = pid, port, corpus, seeds, seen
        self.changes, self.rebuilds = changes, rebuilds
        self.first = 20_000  # number of the first document that is added
        self.done = self.rebuilt = 0
        self.held: list[tuple[float, int]] = []  # after each rebuild
        self.progress: Callable[[], float] = lambda: 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            while self.done < self.changes or self.rebuilt < self.rebuilds:
                if self.rebuilt < self.rebuilds and self.progress() * self.rebuilds > self.rebuilt:
                    self.rebuild(connection)
                elif self.done < self.changes and self.progress() * self.changes > self.done:
                    self.change(connection)
                else:
                    time.sleep(0.02)
        except Exception as error:
            self.seen.failed.append(f"change: {type(error).__name__}: {error}")
        finally:
            self.ended.set()
            connection.close()

    def change(self, connection: HTTPConnection) -> None:
        """Two in three add or replace, one deletes what was added."""
        number = self.first + self.done - self.done % 3
        id = f"live-{number}"
        if self.done % 3 < 2:
            said = text(number, self.done % 3)
            status, _ = call(connection, "PUT", f"/documents/{id}", {"title": said.split("\n")[0], "text": said})
            self.expect(status in (200, 201), f"put {status}")
            found = call(connection, "POST", "/search", {"query": question(number)})[1]["passages"]
            self.expect(any(p["document_id"] == id for p in found), f"{id} is not found when its reply is out")
            self.corpus.facts.append((id, question(number)))
        else:
            status, _ = call(connection, "DELETE", f"/documents/{id}")
            self.corpus.deleted[id] = time.perf_counter()
            self.expect(status == 204, f"delete {status}")
        self.done += 1

    def rebuild(self, connection: HTTPConnection) -> None:
        """After some seeds have changed; every fifth embeds everything."""
        for number in range(self.rebuilt * 3, self.rebuilt * 3 + 3):
            (self.seeds / f"n{number}.txt").write_text(
                text(number, self.first // 10_000 + self.rebuilt), encoding="utf-8"
            )
        status, job = call(connection, "POST", "/index/rebuild", {"full": self.rebuilt % 5 == 4})
        self.expect(status == 202, f"rebuild {status}")
        while job["state"] in ("queued", "running"):
            time.sleep(0.1)
            _, job = call(connection, "GET", f"/jobs/{job['id']}")
        self.expect(job["state"] == "done" and not job["errors"], f"rebuild {job}")
        self.rebuilt += 1
        self.held.append(resources(self.pid))

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            self.seen.failed.append(what)


def processes(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(each for child in children for each in processes(int(child)))]


def resources(pid: int) -> tuple[float, int]:
    """Resident MiB and open files of a process and its children."""
    pages = descriptors = 0
    for each in processes(pid):
        pages += int(Path(f"/proc/{each}/statm").read_text(encoding="ascii").split()[1])
        descriptors += sum(1 for _ in Path(f"/proc/{each}/fd").iterdir())
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, descriptors


def quantile(seconds: Sequence[float], share: float) -> float:
    """In milliseconds."""
    return 1000 * sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


@dataclass
class Result:
    """What was measured."""

    capacity: float  # questions a second
    quiet: Seen
    moving: Seen
    failed: list[str]
    changes: int
    rebuilds: int
    seconds: float
    held: list[tuple[float, int]]  # MiB and open files: before, after each quarter of the rebuilds, in the end

    @property
    def back(self) -> bool:
        """Whether memory and open files stopped growing: in the end no more, to a twentieth, than after half of the
        rebuilds. Until then the caches of texts fill up."""
        half = self.held[(len(self.held) - 2) // 2]
        return all(end <= 1.05 * begin for begin, end in zip(half, self.held[-1], strict=True))

    @property
    def ratio(self) -> float:
        """The slowest hundredth while all changes, in times of what it was."""
        return quantile(self.moving.seconds, 0.99) / quantile(self.quiet.seconds, 0.99)


def measure(
    *, queries: int, rebuilds: int, changes: int, documents: int = 300, workers: int = 1, seconds: float = 20.0
) -> Result:
    """Starts a service, asks, changes; see the module."""
    corpus = Corpus(documents, seed=7)
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder, "seeds")
        seeds.mkdir()
        for number in range(documents):
            (seeds / f"n{number}.txt").write_text(text(number), encoding="utf-8")
        with service(Path(folder, "vectors"), seeds, ["--workers", str(workers)]) as (process, port, _):
            first_answer(process, port, json.dumps({"question": question(0)}).encode()).close()
            ready(port, workers)
            until = time.perf_counter() + seconds
            warm, took = phase(port, corpus, 0.0, lambda _: time.perf_counter() > until)
            capacity = len(warm.seconds) / took
            pause = READERS / (capacity / 2)
            # What any first change makes grow, caches and the pool of connections, is not what is looked for.
            early = Changing(process.pid, port, corpus, seeds, 6, 5, warm)
            early.first, early.progress = 10_000, lambda: 1.0
            early.start()
            phase(port, corpus, 0.0, lambda _: early.ended.is_set(), warm)
            early.join()
            quiet, _ = phase(port, corpus, pause, lambda seen: len(seen.seconds) >= max(100, queries // 4))
            time.sleep(1)
            before = resources(process.pid)
            moving = Seen()
            changing = Changing(process.pid, port, corpus, seeds, changes, rebuilds, moving)
            changing.progress = lambda: 1.05 * len(moving.seconds) / queries
            changing.start()
            _, took = phase(
                port, corpus, pause, lambda seen: len(seen.seconds) >= queries and changing.ended.is_set(), moving
            )
            changing.join()
            time.sleep(3)
            after = resources(process.pid)
    failed = warm.failed + quiet.failed + moving.failed
    held = [before, *changing.held[rebuilds // 4 - 1 :: max(1, rebuilds // 4)], after]
    return Result(capacity, quiet, moving, failed, changing.done, changing.rebuilt, took, held)


def report(result: Result) -> str:
    """A table."""
    quiet, moving = result.quiet, result.moving
    rows = [
        ("capacity, 16 readers", f"{result.capacity:.0f} questions a second"),
        ("asked at half of that, quiet / while all changes", f"{len(quiet.seconds)} / {len(moving.seconds)}"),
        ("changes of documents / rebuilds", f"{result.changes} / {result.rebuilds} in {result.seconds:.0f} s"),
        ("failed", f"{len(result.failed)}"),
        ("p50, quiet / while all changes", _pair(quiet, moving, 0.5)),
        ("p99, quiet / while all changes", f"{_pair(quiet, moving, 0.99)}: {result.ratio:.2f} times"),
        ("slowest", _pair(quiet, moving, 1.0)),
        ("replies that hold a document deleted before they were asked for", f"{moving.told}"),
        ("the same, asked for before and come in after", f"{moving.overtaken}"),
        (
            "resident memory, before / after each quarter of the rebuilds / in the end",
            f"{' / '.join(f'{memory:.0f}' for memory, _ in result.held)} MiB",
        ),
        ("open files, the same", " / ".join(str(files) for _, files in result.held)),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description="Asks a service while its documents change.")
    parser.add_argument("--queries", type=int, default=10_000, help="asked while documents change")
    parser.add_argument("--rebuilds", type=int, default=20)
    parser.add_argument("--changes", type=int, default=500, help="documents added, replaced or deleted")
    parser.add_argument("--documents", type=int, default=300, help="seeds")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20.0, help="that capacity is measured for")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md", help="file with the marks")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args()
    given = {name: value for name, value in vars(options).items() if name not in ("out", "dry")}
    result = measure(**given)
    command = f"python -m benchmarks.moving --queries {options.queries} --rebuilds {options.rebuilds}"
    head = f"`{command} --changes {options.changes} --workers {options.workers}`, {section.machine()}, {date.today()}"
    said = f"{head}\n\n{report(result)}"
    print(said)
    if not options.dry:
        section.write(options.out, f"moving-{options.workers}", said)
    for each in result.failed[:10]:
        print(each, file=sys.stderr)
    sys.exit(
        bool(result.failed or result.moving.told or result.moving.overtaken or result.ratio > 2 or not result.back)
    )


def _pair(quiet: Seen, moving: Seen, share: float) -> str:
    return f"{quantile(quiet.seconds, share):.0f} / {quantile(moving.seconds, share):.0f} ms"


if __name__ == "__main__":
    main()
