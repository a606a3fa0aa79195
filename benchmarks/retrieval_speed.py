"""How many texts a second become vectors, on one thread and on two: the half of `benchmarks.retrieval` that is timed.

Every figure comes from a process of its own, which the libraries' environment variables and, where the system can do
that, its affinity keep to that many cores. Texts go through 256 at a time, as the engine stores them, and one by one as
questions come; loading and the first texts do not count. For the lexical half, passages become postings and queries
terms. Prints JSON: ``python -m benchmarks.retrieval_speed --system model --threads 1 --texts FILE``.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Literal, get_args

ROOT = Path(__file__).parents[1]
System = Literal["lexical", "lsa", "model"]
LENGTH = 300  # characters of a passage
BLOCK = 256
ROUNDS = 3  # at least
_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
Work = Callable[[Sequence[str]], object]


@dataclass(frozen=True)
class Speed:
    """Passages and queries a second in blocks, and the milliseconds of a query alone; medians."""

    passages: float
    queries: float
    milliseconds: float


def texts(passages: Sequence[str], queries: Sequence[str]) -> dict[str, list[str]]:
    """What is timed: the beginnings of passages that are long enough (of all, where none is), and the queries."""
    long = [passage[:LENGTH] for passage in passages if len(passage) >= LENGTH]
    return {"passages": long or list(passages), "queries": list(queries)}


def run(system: System, model: str | None, threads: int, texts: Path, seconds: float) -> Speed:
    """Time one system in a process of its own."""
    environment = os.environ | dict.fromkeys(_VARIABLES, str(threads))
    environment |= {"TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "benchmarks.retrieval_speed", "--system", system, "--threads", str(threads)]
    command += ["--texts", str(texts), "--seconds", str(seconds), *(["--model", model] if model else [])]
    done = subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.PIPE, encoding="utf-8")
    return Speed(**json.loads(done.stdout))


def main() -> None:
    """Time one system here and print what it gave."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", choices=get_args(System), required=True)
    parser.add_argument("--model", help="folder of an embedding model; left out: the shipped one")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--texts", type=Path, required=True, help="JSON: passages, queries")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each is timed, at least")
    options = parser.parse_args()
    _keep_to(options.threads)
    given = json.loads(options.texts.read_text(encoding="utf-8"))
    passages, queries = _load(options.system, options.model, given["passages"])
    passages(given["passages"][:16])
    queries(given["queries"][:16])
    speed = Speed(
        _rate(passages, given["passages"], options.seconds),
        _rate(queries, given["queries"], options.seconds),
        1000 / _rate(queries, given["queries"], options.seconds, block=1),
    )
    print(json.dumps(asdict(speed)))


def _keep_to(threads: int) -> None:
    """Let this process use so many cores, before a library starts threads."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:threads]))


def _load(system: System, model: str | None, passages: Sequence[str]) -> tuple[Work, Work]:
    """What makes vectors of passages, and of queries."""
    if system == "lexical":
        from rag.analyze import analyze, query_terms
        from rag.index.lexical import Segment

        return lambda some: Segment.build(map(analyze, some)), lambda some: [query_terms(text) for text in some]
    embedder: Any
    if system == "lsa":
        from benchmarks.retrieval_systems import Lsa

        embedder = Lsa(passages)
    else:
        from rag import embed

        embedder = embed.load(model)
    return embedder.passages, embedder.queries


def _rate(work: Work, given: Sequence[str], seconds: float, block: int = BLOCK) -> float:
    """Texts a second: the median of blocks, taken in turn until the time is over."""
    rates: list[float] = []
    turn = cycle(given)
    until = time.perf_counter() + seconds
    while len(rates) < ROUNDS or time.perf_counter() < until:
        some = list(islice(turn, block))
        began = time.perf_counter()
        work(some)
        rates.append(block / (time.perf_counter() - began))
    return statistics.median(rates)


if __name__ == "__main__":
    main()
