"""The sets that `benchmarks.retrieval` asks: queries, a pool of passages, and the one passage that each query wants.

The reading sets are never trained on; of the papers only those of `training.data`'s part "test" are asked for, while
the pools hold the papers of all parts. Equal passages are one, and a query that several passages would answer (a title
that two papers have) is left out, so that exactly one is right. A paper stands in a pool once, whatever its versions.
Passages are whole, without their titles and not cut to chunks, so that the figures can be compared with other systems'.
"""

import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training import data

QUERIES = {"papers": 2000, "english": 1000}  # asked at most
_QUESTION = re.compile(r"(_QUERY_\d+|-\d+)$")  # what a question's id has behind its document's
Pair = tuple[str, str]  # query, passage


@dataclass(frozen=True)
class Task:
    """``passages[gold[i]]`` is the one that ``queries[i]`` wants."""

    name: str
    queries: Sequence[str]
    passages: Sequence[str]
    gold: Sequence[int]


def read(shared: Path) -> list[Task]:
    """All sets of the folder that holds ``eval/`` and ``train/``. Raises FileNotFoundError where a file is absent."""
    train, reading = shared / "train", shared / "eval"
    distractors = [record["text"] for record in data.lines(train / data.FILES[4])]
    return [
        _reading("CMRC 2018 questions → passages", reading / "cmrc-trial", distractors),
        _reading("DRCD questions → passages", reading / "drcd-dev"),
        *_papers(train / data.FILES[1]),
        _english(train / data.FILES[2]),
    ]


def smaller(task: Task, queries: int, passages: int) -> Task:
    """The first ``queries`` of a set in a pool of ``passages``, or of those that they want where these are more."""
    kept = list(zip(task.queries, task.gold, strict=True))[:queries]
    wanted = [task.passages[at] for _, at in kept]
    pool = list(dict.fromkeys([*wanted, *task.passages]))[: max(passages, len(set(wanted)))]
    place = {passage: at for at, passage in enumerate(pool)}
    return replace(task, queries=[q for q, _ in kept], passages=pool, gold=[place[passage] for passage in wanted])


def make(name: str, pairs: Iterable[Pair], others: Iterable[str], most: int | None = None) -> Task:
    """A set of pairs and of other passages; of many queries a sample, the same in every run."""
    wanted: dict[str, set[str]] = {}
    for query, passage in pairs:
        wanted.setdefault(query, set()).add(passage)
    pool = list(
        dict.fromkeys([passage for some in wanted.values() for passage in sorted(some)]) | dict.fromkeys(others)
    )
    place = {passage: at for at, passage in enumerate(pool)}
    clear = [(query, place[passage]) for query, (passage, *more) in wanted.items() if not more]
    if most is not None and len(clear) > most:
        clear = sorted(random.Random(0).sample(clear, most), key=lambda asked: asked[1])
    return Task(name, [query for query, _ in clear], pool, [at for _, at in clear])


def _reading(name: str, folder: Path, others: Iterable[str] = ()) -> Task:
    documents = {document["id"]: document["text"] for document in _records(folder / "documents.jsonl")}
    asked = [q for q in _records(folder / "questions.jsonl") if q["kind"] == "reading" and q["answerable"]]
    owners = [(q["question"], _QUESTION.sub("", q["id"])) for q in asked]
    pairs = [(question, documents[owner]) for question, owner in owners if owner in documents]
    return make(name, pairs, [*documents.values(), *others])


def _papers(path: Path) -> Iterator[Task]:
    """Title or keywords to abstract, and abstract to title, of papers that training did not see."""
    found: dict[tuple[str, str], Pair] = {}  # kind, paper → query, abstract
    for record in data.lines(path):
        if record["kind"] in ("title_abstract", "keywords_abstract"):
            found[record["kind"], data.paper(record["src"])] = (record["q"], record["d"])
    titles = {paper: pair for (kind, paper), pair in found.items() if kind == "title_abstract"}
    pairs = _unseen((paper, pair) for (_, paper), pair in found.items() if paper in titles)
    abstracts = [abstract for _, abstract in titles.values()]
    yield make("Titles and keywords → abstracts", pairs, abstracts, QUERIES["papers"])
    back = {paper: (abstract, title) for paper, (title, abstract) in titles.items()}
    yield make("Abstracts → titles", _unseen(back.items()), [t for t, _ in titles.values()], QUERIES["papers"])


def _english(path: Path) -> Task:
    """English titles of papers that training did not see, to the Chinese titles of all."""
    titles = {data.paper(r["src"]): (r["en"], r["zh"]) for r in data.lines(path) if r["kind"] == "title"}
    chinese = [zh for _, zh in titles.values()]
    return make("English titles → Chinese titles", _unseen(titles.items()), chinese, QUERIES["english"])


def _unseen(pairs: Iterable[tuple[str, Pair]]) -> list[Pair]:
    """The pairs of papers to measure on, of which neither text is that of another paper too."""
    apart: dict[bool, list[Pair]] = {True: [], False: []}
    for paper, pair in pairs:
        apart[data.part_of(paper, "chinaxiv") == "test"].append(pair)
    seen = {text for pair in apart[False] for text in pair}
    return [pair for pair in apart[True] if not seen.intersection(pair)]


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())
