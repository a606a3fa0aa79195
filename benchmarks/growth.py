"""What one more document costs as the corpus grows, what a rebuild of nothing costs, how fast many come in.

    make growth
    python -m benchmarks.growth --shared ../shared

Prints a table and puts it between the marks of docs/benchmarks.md. With ``--shared`` the news articles there are taken
in by ``rag add``, killed half-way and begun again. Exits with 1 where a bound of the table is not held.
"""

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks import section
from benchmarks.moving import question, text
from benchmarks.service import ENVIRONMENT, RAG, ROOT, resident
from rag.engine import Engine
from rag.types import Document

SIZES = (1_000, 10_000, 100_000)  # chunks
NEWS = 66_655
ADDED = 41


class Counting:
    """How many texts an engine embeds."""

    def __init__(self, engine: Engine) -> None:
        self.texts = 0
        embedder: Any = engine._embedder
        passages = embedder.passages

        def counted(texts: Sequence[str]) -> Any:
            self.texts += len(texts)
            return passages(texts)

        embedder.passages = counted


def article(number: int) -> Document:
    said = text(number)
    return Document(id=f"n{number}", title=said.split("\n")[0], text=said)


def grown(engine: Engine, numbers: Iterator[int], chunks: int) -> None:
    """Adds articles until there are so many chunks."""
    while (left := chunks - engine.stats().chunks) > 0:
        engine.add([article(next(numbers)) for _ in range(max(1, min(1000, left // 3)))])


def one_more(engine: Engine, numbers: Iterator[int]) -> list[float]:
    """Milliseconds of adding one document, each found when its call returns; the first half does not count."""
    took = []
    for _ in range(ADDED):
        number = next(numbers)
        document = article(number)
        began = time.perf_counter()
        engine.add([document])
        took.append(1000 * (time.perf_counter() - began))
        if all(hit.document_id != document.id for hit in engine.search(question(number))):
            raise SystemExit(f"{document.id} is not found when its call has returned.")
    return took[ADDED // 2 :]


def growing(folder: Path) -> tuple[list[tuple[str, str]], bool]:
    """Rows of the table, and whether the bounds are held."""
    engine = Engine.open(folder / "grown")
    numbers, rows, medians = count(), [], []
    for size in SIZES:
        grown(engine, numbers, size)
        engine._index.write_generation()
        took = one_more(engine, numbers)
        medians.append(statistics.median(took))
        rows.append((f"one document added to {size:,} chunks", f"{medians[-1]:.1f} ms (slowest {max(took):.1f})"))
    engine.close()
    ratio = max(medians) / min(medians)
    rows.append(("the largest of these in times of the smallest", f"{ratio:.2f}"))
    seeds = folder / "seeds"
    seeds.mkdir()
    for number in range(500):
        (seeds / f"n{number}.txt").write_text(text(number), encoding="utf-8")
    engine = Engine.open(folder / "built")
    engine.rebuild(seeds)
    counting = Counting(engine)
    began = time.perf_counter()
    engine.rebuild(seeds)
    seconds = time.perf_counter() - began
    rows.append(
        ("texts embedded by a rebuild of 500 seeds with nothing changed", f"{counting.texts} in {seconds:.2f} s")
    )
    engine.close()
    return rows, ratio <= 2 and counting.texts == 0


def news(folder: Path, file: Path) -> tuple[list[tuple[str, str]], bool]:
    """The same for ``rag add`` on the news articles, killed half-way."""
    command = [str(RAG), "add", str(file), "--vectors", str(folder / "news")]
    quiet: dict[str, Any] = {"env": ENVIRONMENT, "stderr": subprocess.DEVNULL}
    record = folder / "news" / "library.sqlite3"
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **quiet)
    while process.poll() is None and held(record)[0] < NEWS // 2:
        time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = time.perf_counter() - began
    documents, vectors = held(record)
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **quiet)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, resident(process.pid))
        time.sleep(0.5)
    second = time.perf_counter() - began
    said = process.stdout.read() if process.stdout else ""
    print(said, file=sys.stderr)
    added, unchanged = (int(n) for n in re.findall(r"(\d+) (?:added or changed|unchanged)", said))
    total, all_vectors = held(record)
    rows = [
        ("news articles taken in, killed half-way and begun again", f"{total:,}"),
        ("there when it was killed, after so many seconds", f"{documents:,}, {first:.0f} s"),
        ("of these taken in again", f"{documents - unchanged:,} ({(documents - unchanged) / documents:.2%})"),
        ("the rest", f"{added:,} in {second:.0f} s ({added / second:.0f} a second), at most {peak:.0f} MiB"),
        ("vectors, of which there before", f"{all_vectors:,}, {vectors:,}"),
        ("size on disk", f"{sum(f.stat().st_size for f in (folder / 'news').rglob('*') if f.is_file()) / 1e6:.0f} MB"),
    ]
    return rows, total == NEWS and documents - unchanged < 0.01 * documents


def held(record: Path) -> tuple[int, int]:
    """Documents and vectors of a record that another process writes to."""
    import sqlite3
    from contextlib import closing

    try:
        with closing(sqlite3.connect(f"{record.as_uri()}?mode=ro", uri=True)) as connection:
            counted = [connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("documents", "vectors")]
            return int(counted[0]), int(counted[1])
    except sqlite3.OperationalError:  # not made yet
        return 0, 0


def main() -> None:
    """Measure, print, write, judge."""
    parser = argparse.ArgumentParser(description="What one more document costs as the corpus grows.")
    parser.add_argument("--shared", type=Path, help="folder with corpora/news.jsonl.xz")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md", help="file with the marks")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        rows, holds = growing(Path(folder))
        print(*(f"{name}: {value}" for name, value in rows), sep="\n", file=sys.stderr)
        if options.shared:
            more, also = news(Path(folder), options.shared / "corpora" / "news.jsonl.xz")
            rows, holds = rows + more, holds and also
    head = f"`python -m benchmarks.growth{' --shared ../shared' if options.shared else ''}`"
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])
    said = f"{head}, {section.machine()}, {date.today()}\n\n{table}"
    print(said)
    if not options.dry:
        section.write(options.out, "growth", said)
    sys.exit(not holds)


if __name__ == "__main__":
    main()
