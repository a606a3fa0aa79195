"""Compares engines for the lexical index: quality, speed, cost of one change, size, memory.

    python -m benchmarks.lexical --shared ../shared
    python -m benchmarks.lexical --shared ../shared --parameters

Every engine is given the same terms (rag.analyze) and runs in processes of its own: one that builds and saves, one
that opens and searches. The reading sets are CMRC 2018 trial and DRCD dev; the large pool is all CMRC train passages
with 20,000 news articles. Prints one table. Times are of one process on the machine at hand, the file cache warm.
--parameters tries k1 and b instead, on the CMRC train questions over the project's own chunks, alone and among the
chunks of 4,000 news articles.
"""

import argparse
import json
import lzma
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lexical_engines import ENGINES, Bm25s, Engine, Terms


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file, packed or not."""
    opener: Any = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def pools(shared: Path) -> dict[str, tuple[list[str], list[tuple[str, int]]]]:
    """By name: the passages, and the questions with the row that answers each."""
    out = {}
    for name in ("cmrc-trial", "drcd-dev"):
        documents = list(read_lines(shared / "eval" / name / "documents.jsonl"))
        rows = {d["id"]: row for row, d in enumerate(documents)}
        asked = (q for q in read_lines(shared / "eval" / name / "questions.jsonl") if q["answerable"])
        gold = [(q["question"], rows[re.sub(r"(_QUERY_\d+|-\d+)$", "", q["id"])]) for q in asked]
        out[name] = ([d["title"] + "\n" + d["text"] for d in documents], gold)
    passages = list(read_lines(shared / "train" / "cmrc2018_train_passages.jsonl.xz"))
    rows = {p["id"]: row for row, p in enumerate(passages)}
    every_twentieth = islice(read_lines(shared / "train" / "cmrc2018_train_questions.jsonl.xz"), 0, None, 20)
    news = [a["text"] for a in islice(read_lines(shared / "corpora" / "news.jsonl.xz"), 20_000)]
    out["large"] = (
        [p["title"] + "\n" + p["text"] for p in passages] + news,
        [(q["question"], rows[q["passage_id"]]) for q in every_twentieth],
    )
    return out


def write_terms(folder: Path, passages: list[str], questions: list[tuple[str, int]]) -> float:
    """Analyses everything once for all engines; the seconds that the passages took."""
    from rag.analyze import analyze, query_terms

    start = time.perf_counter()
    lines = [" ".join(analyze(p)) for p in passages]
    seconds = time.perf_counter() - start
    (folder / "rows.txt").write_text("\n".join(lines), encoding="utf-8")
    asked = [{"terms": query_terms(q), "row": row} for q, row in questions]
    (folder / "questions.json").write_text(json.dumps(asked), encoding="utf-8")
    return seconds


def read_rows(folder: Path) -> list[Terms]:
    """The terms of each passage, as `write_terms` wrote them."""
    return [line.split(" ") for line in (folder / "rows.txt").read_text(encoding="utf-8").split("\n")]


def step_build(engine: Engine, pool: Path, folder: Path) -> dict[str, float]:
    """Index time and size."""
    rows = read_rows(pool)
    folder.mkdir()
    start = time.perf_counter()
    engine.build(folder, rows)
    seconds = time.perf_counter() - start
    return {"build s": seconds, "disk MB": sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6}


def step_search(engine: Engine, pool: Path, folder: Path) -> dict[str, float]:
    """Quality, query time, time and memory of opening (the engine's own import included)."""
    asked = json.loads((pool / "questions.json").read_text(encoding="utf-8"))
    before = resident_mb()
    start = time.perf_counter()
    engine.open(folder)
    engine.search(asked[0]["terms"])
    opened = time.perf_counter() - start
    times, found = [], []
    for question in asked:
        start = time.perf_counter()
        best = engine.search(question["terms"])
        times.append(time.perf_counter() - start)
        found.append(best.index(question["row"]) if question["row"] in best else 9)
    p50, p95 = np.percentile(times, [50, 95]) * 1e3
    return {
        "r@1": float(np.mean(np.array(found) == 0)),
        "r@5": float(np.mean(np.array(found) < 5)),
        "p50 ms": p50,
        "p95 ms": p95,
        "open ms": opened * 1e3,
        "RSS MB": resident_mb() - before,
    }


def step_change(engine: Engine, pool: Path, folder: Path) -> dict[str, float]:
    """Time to add and to delete one row, the median of several; what bm25s needs many seconds for is done once."""
    rows = read_rows(pool)
    engine.open(folder)
    times = 1 if isinstance(engine, Bm25s) else 11
    if isinstance(engine, Bm25s):
        engine.rows = rows
    added, deleted = [], []
    for n in range(times):
        start = time.perf_counter()
        engine.add(len(rows) + n, [*rows[n], f"new-{n}"])
        added.append(time.perf_counter() - start)
        assert len(rows) + n in engine.search([f"new-{n}"])
    for n in range(times):
        start = time.perf_counter()
        engine.delete(n)
        deleted.append(time.perf_counter() - start)
        assert isinstance(engine, Bm25s) or n not in engine.search(rows[n][:20])
    return {"add ms": float(np.median(added)) * 1e3, "delete ms": float(np.median(deleted)) * 1e3}


def resident_mb() -> float:
    """Resident memory of this process, mapped files that were touched included (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def parameters(shared: Path) -> None:
    """Prints a table of k1 and b. The right chunk is one that holds the start of the answer."""
    from rag.analyze import analyze, query_terms
    from rag.chunk import chunk
    from rag.index.lexical import Segment, scores
    from rag.types import Chunk, Document

    def chunks(articles: Iterable[dict[str, Any]]) -> list[Chunk]:
        documents = (Document(id=a["id"], text=a["text"], title=a.get("title", "")) for a in articles)
        return [c for document in documents for c in chunk(document)]

    passages = chunks(read_lines(shared / "train" / "cmrc2018_train_passages.jsonl.xz"))
    news = chunks(islice(read_lines(shared / "corpora" / "news.jsonl.xz"), 4_000))
    segments = [Segment.build(analyze(f"{c.context}\n{c.text}") for c in part) for part in (passages, news)]
    asked = []
    for q in islice(read_lines(shared / "train" / "cmrc2018_train_questions.jsonl.xz"), 0, None, 3):
        at = [c.document_id == q["passage_id"] and c.start <= q["answer_start"] < c.end for c in passages]
        if any(at):
            asked.append((query_terms(q["question"]), np.array(at)))
    print(f"# {len(passages)} chunks, {len(news)} more of news, {len(asked)} questions")
    print("| pool | k1 | b | r@1 | r@5 | MRR |\n|---|--:|--:|--:|--:|--:|")
    for name, searched in (("alone", segments[:1]), ("with news", segments)):
        for k1, b in product((0.3, 0.5, 0.7, 0.9, 1.2), (0.3, 0.5, 0.75)):
            ranks = []
            for terms, right in asked:
                found = scores(searched, terms, k1=k1, b=b)
                ranks.append(1 + int((np.concatenate(found) > found[0][right].max()).sum()))
            rank = np.array(ranks)
            cells = (f"{x:.4f}" for x in (np.mean(rank == 1), np.mean(rank <= 5), np.mean(1 / rank)))
            print(f"| {name} | {k1} | {b} | {' | '.join(cells)} |", flush=True)


STEPS = {"build": step_build, "search": step_search, "change": step_change}


def measure(name: str, step: str, pool: Path, folder: Path) -> dict[str, float]:
    """One step of one engine in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.lexical", "--step", step, name, str(pool), str(folder)]
    reply = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    figures: dict[str, float] = json.loads(reply.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Runs all, or one step where a parent process asks for it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder of the reading sets")
    parser.add_argument("--engines", nargs="*", choices=list(ENGINES), default=list(ENGINES))
    parser.add_argument("--parameters", action="store_true", help="try k1 and b instead")
    parser.add_argument("--step", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        step, name, pool, folder = options.step
        print(json.dumps(STEPS[step](ENGINES[name](), Path(pool), Path(folder))))
        return
    if options.parameters:
        parameters(options.shared)
        return
    columns: list[str] = []
    for pool_name, (passages, questions) in pools(options.shared).items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            seconds = write_terms(folder, passages, questions)
            print(f"# {pool_name}: {len(passages)} passages, {len(questions)} questions, analysed in {seconds:.1f} s")
            for name in options.engines:
                steps = STEPS if pool_name == "large" else ["build", "search"]
                figures: dict[str, float] = {}
                for step in steps:
                    figures |= measure(name, step, folder, folder / name)
                if len(figures) != len(columns):
                    columns = list(figures)
                    print("| pool | engine | " + " | ".join(columns) + " |\n|---|---|" + "--:|" * len(columns))
                cells = (f"{figures[c]:.3f}" if c in ("r@1", "r@5") else f"{figures[c]:.3g}" for c in columns)
                print(f"| {pool_name} | {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
