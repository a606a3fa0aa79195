"""Reprints among the news articles: how many, found how surely, how fast, and what the rule on numbers keeps apart.

    python -m benchmarks.reprints --shared ../shared
    python -m benchmarks.reprints --shared ../shared --read 60      # borderline pairs, to be judged by eye

The oracle knows no sketches: for every ``--every``-th article it counts, over a table of all that all articles are made
of, what each of the others shares with it, which gives the similarity with every one exactly. The texts stay where they
are: nothing of them is kept, and ``--read`` prints to the terminal only.
"""

import argparse
import json
import lzma
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks import section
from rag import reprints
from rag.index.sketches import Sketches
from rag.reprints import SAME, similarity, sketch

ROOT = Path(__file__).parents[1]
MARK = "reprints"
TOGETHER = 256  # texts that are sketched at a time, as the engine does
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
QUERIES, PASSAGES = 500, 5  # replies that are timed, and the documents in each
Pairs = dict[tuple[int, int], float]
T = TypeVar("T")


def main() -> None:
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--documents", type=int, help="take only that many")
    parser.add_argument("--every", type=int, default=10, help="the oracle is asked for each so manyth article")
    parser.add_argument("--read", type=int, help="print that many pairs just above the threshold, and nothing else")
    parser.add_argument("--out", type=Path, help="file with the marks that the table is put between")
    options = parser.parse_args()
    texts = list(islice(read(options.shared / "corpora" / "news.jsonl.xz"), options.documents))
    rows, sketching = timed(lambda: sketched(texts))
    table, sorting = timed(lambda: Sketches.build(rows))
    likely, pairing = timed(lambda: paired(table))
    found, comparing = timed(lambda: {(a, b): similarity(texts[a], texts[b]) for a, b in likely})
    if options.read:
        show(texts, found, options.read)
        return
    asked = range(0, len(texts), options.every)
    stored = sum(array.nbytes for array in (table.rows, table.bands, table.holders)) // len(texts)
    exact = oracle(texts, asked, LEVELS[0])
    lines = [
        *recalls(texts, exact, found, set(asked)),
        "",
        "| what | |",
        "|---|--:|",
        f"| articles | {len(texts):,} |",
        f"| pairs that the sketches make likely | {len(likely):,} |",
        f"| pairs of reprints | {sum(s >= SAME for s in found.values()):,} |",
        f"| groups, articles in them, the largest | {' / '.join(f'{n:,}' for n in grouped(found))} |",
        f"| a sketch, µs an article | {1e6 * sketching / len(texts):.0f} |",
        f"| the table of all sketches, built once more, s | {sorting:.2f} |",
        f"| all likely pairs, s | {pairing:.2f} |",
        f"| texts of a pair compared, ms | {1e3 * comparing / max(len(likely), 1):.2f} |",
        f"| looking up {PASSAGES} documents, median and p99, ms | {' / '.join(f'{ms:.2f}' for ms in lookups(table))} |",
        f"| on disk, bytes an article | {stored} |",
        f"| memory of the whole benchmark at its peak, MB | {peak()} |",
    ]
    text = "\n".join(lines)
    print(text)
    if options.out:
        section.write(options.out, MARK, text)


def read(path: Path) -> Iterator[str]:
    """The texts of the articles."""
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)["text"]


def sketched(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Their sketches, uint8 (len(texts), WIDTH)."""
    return np.concatenate([sketch(texts[i : i + TOGETHER]) for i in range(0, len(texts), TOGETHER)])


def paired(table: Sketches) -> list[tuple[int, int]]:
    """The pairs that the sketches make likely."""
    return sorted({p for a, b in table.pairs() for p in zip(a.tolist(), b.tolist(), strict=True)})


def oracle(texts: Sequence[str], asked: Sequence[int], least: float) -> Pairs:
    """Pairs of an asked text and any other of at least that share in common, numbers left aside; exact and complete."""
    made = [reprints.features(text) for text in texts]
    sizes = np.array([len(m) for m in made])
    flat, owner = np.concatenate(made), np.repeat(np.arange(len(texts), dtype=np.int32), sizes)
    order = np.argsort(flat, kind="stable")
    flat, owner = flat[order], owner[order]
    found: Pairs = {}
    for number in asked:
        first, last = np.searchsorted(flat, made[number]), np.searchsorted(flat, made[number], "right")
        places = np.repeat(first - np.cumsum(last - first) + last - first, last - first)
        shared = np.bincount(owner[places + np.arange(len(places))], minlength=len(texts))
        share = shared / (sizes + sizes[number] - shared)
        share[number] = 0.0
        found |= {(min(number, o), max(number, o)): float(share[o]) for o in np.flatnonzero(share >= least).tolist()}
    return found


def recalls(texts: Sequence[str], exact: Pairs, found: Pairs, asked: set[int]) -> list[str]:
    """The table of what is found from each similarity on, for pairs with an asked article."""
    agreeing = {p: similarity(texts[p[0]], texts[p[1]]) for p in exact}
    ours = {p: s for p, s in found.items() if p[0] in asked or p[1] in asked}
    lines = [
        "| similarity from | pairs | of these other numbers: no reprints | reprints | found | recall | wrongly found |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for level in LEVELS:
        alike = {p for p, s in exact.items() if s >= level}
        true = {p for p in alike if agreeing[p] >= level}
        given = {p for p, s in ours.items() if s >= level}
        recall = len(true & given) / max(len(true), 1)
        lines.append(
            f"| {level} | {len(alike):,} | {len(alike - true):,} | {len(true):,} | {len(true & given):,} "
            f"| {recall:.4f} | {len(given - true)} |"
        )
    return lines


def grouped(found: Pairs) -> tuple[int, int, int]:
    """How many groups there are, how many articles in them, and in the largest."""
    leaders: dict[int, int] = {}

    def leader(number: int) -> int:
        while leaders.setdefault(number, number) != number:
            number = leaders[number]
        return number

    for (a, b), share in found.items():
        if share >= SAME:
            leaders[leader(a)] = leader(b)
    sizes: dict[int, int] = {}
    for number in list(leaders):
        sizes[leader(number)] = sizes.get(leader(number), 0) + 1
    return len(sizes), sum(sizes.values()), max(sizes.values(), default=0)


def lookups(table: Sketches) -> tuple[float, float]:
    """Milliseconds in which the reprints of a reply's documents are looked up, median and 99th percentile."""
    rng = np.random.default_rng(5)
    times = []
    for _ in range(QUERIES):
        wanted = table.rows[rng.integers(0, len(table), PASSAGES)]
        times.append(1e3 * timed(lambda rows=wanted: table.near(rows))[1])  # type: ignore[misc]
    return statistics.median(times), statistics.quantiles(times, n=100)[-1]


def show(texts: Sequence[str], found: Pairs, count: int) -> None:
    """Pairs from the threshold to .1 above it, drawn by chance, as what one has and the other has not."""
    near = sorted(p for p, s in found.items() if SAME <= s < SAME + 0.1)
    for a, b in random.Random(11).sample(near, min(count, len(near))):
        print(f"\n== {found[a, b]:.2f}, articles {a} and {b}")
        for kind, i, j, k, m in SequenceMatcher(None, texts[a], texts[b], autojunk=False).get_opcodes():
            same = texts[a][i:j] if j - i < 24 else f"{texts[a][i : i + 10]}…{texts[a][j - 10 : j]}"
            print(same if kind == "equal" else f"[-{texts[a][i:j]}+{texts[b][k:m]}]", end="")
        print()


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What it gives, and the seconds it took."""
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def peak() -> int:
    """Most memory that this process had, MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most // (1000 if sys.platform != "darwin" else 1_000_000))


if __name__ == "__main__":
    main()
