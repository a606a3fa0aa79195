"""Whether the checker of answers keeps what is true and drops what was changed.

    python -m benchmarks.mutations --shared ../shared                  # the documents that rules were tried on
    python -m benchmarks.mutations --shared ../shared --held           # the others, for the figure that counts

Sentences of the documents of the reading sets and of official documents are said otherwise (``benchmarks.rewording``:
numerals, order of clauses, two as one, words of frame), so that none stands in its passage as it is, and each is made
false by one number, unit, date, name or negation (``benchmarks.falsehoods``). The passage is the product's chunk. Texts
are read where they lie.
"""

import argparse
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from benchmarks.falsehoods import Changed, mutations, pool
from benchmarks.rewording import reword
from rag.chunk import chunk
from rag.ingest import lines
from rag.text import fold, sentences
from rag.types import Document
from rag.verify import check

SENTENCES = 300
WANTED = {"number": 0.95, "unit": 0.95, "date": 0.95, "name": 0.95, "negation": 0.8}


@dataclass(frozen=True)
class Text:
    """A passage, as the checker takes it."""

    text: str
    title: str = ""
    published: str | None = None


@dataclass(frozen=True)
class Item:
    """A true sentence, reworded from a passage, and what it was changed into."""

    passage: Text
    said: str
    changed: tuple[Changed, ...]


def main() -> None:
    """Make them, check them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--held", action="store_true", help="the half of the documents that was held out")
    parser.add_argument("--show", type=int, default=0, help="print so many of each kind that were judged wrongly")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sentences", type=int, default=SENTENCES)
    options = parser.parse_args()
    documents = [d for d in read(options.shared) if held(d.id) == options.held]
    items = made(documents, options.sentences, options.seed)
    print(table(items, options.show))


def read(shared: Path) -> Iterator[Document]:
    """Documents of the reading sets and the official ones."""
    for name in ("cmrc-trial", "drcd-dev"):
        with (shared / "eval" / name / "documents.jsonl").open(encoding="utf-8") as rows:
            for row in map(json.loads, rows):
                yield Document(f"{name}/{row['id']}", row["text"], row.get("title", ""))
    for path in sorted((shared / "corpora" / "official").iterdir()):
        yield Document(path.name, path.read_text(encoding="utf-8"), path.stem)


def held(id: str) -> bool:
    """Whether a document is of the half that no rule was tried on."""
    return sha256(id.encode()).digest()[0] % 2 == 1


def made(documents: Sequence[Document], count: int, seed: int) -> list[Item]:
    """``count`` sentences, of no document more than three, each with its changes; of a third each number and date."""
    rng = random.Random(seed)
    names = pool([document.text[:3000] for document in documents])
    items: list[Item] = []
    order = sorted(documents, key=lambda d: d.id)
    rng.shuffle(order)
    for document in order:
        items += _of(document, 3, names, rng)
    numbers = [item for item in items if any(change.kind == "number" for change in item.changed)]
    dates = [item for item in items if any(change.kind == "date" for change in item.changed)]
    third = count // 3
    chosen = list(
        dict.fromkeys([*rng.sample(numbers, min(third, len(numbers))), *rng.sample(dates, min(third, len(dates)))])
    )
    others = [item for item in items if item not in set(chosen)]
    return chosen + rng.sample(others, min(len(others), max(0, count - len(chosen))))


def _of(document: Document, most: int, names: dict[str, list[str]], rng: random.Random) -> list[Item]:
    found: list[Item] = []
    chunks = [c for c in chunk(document) if len(c.text) > 60]
    for part in rng.sample(chunks, min(len(chunks), most)):
        spans = [part.text[s:e] for s, e in sentences(part.text)]
        good = [i for i, text in enumerate(spans) if 15 <= len(text) <= 120 and lines.is_terminated(text)]
        rng.shuffle(good)
        for i in good:
            after = spans[i + 1] if i + 1 in good else ""
            said = reword(spans[i], after, part.text, rng)
            changed = tuple(mutations(said, part.text, names, rng)) if said else ()
            if said and changed and fold(said) not in fold(part.text):
                found.append(Item(Text(part.text, document.title), said, changed))
                break
    return found


def kept(said: str, passage: Text) -> tuple[bool, str]:
    """Whether the checker keeps a sentence cited from a passage; the reason where it does not."""
    found = check(f"{said}[1]", [passage])
    return not found.dropped and bool(found.kept), "; ".join(f"{d.reason} {d.detail}" for d in found.dropped)


def table(items: Sequence[Item], show: int = 0) -> str:
    """Of true ones how many were dropped, of each kind of change how many were caught, and for what."""
    rows: dict[str, list[bool]] = defaultdict(list)
    why: dict[str, Counter[str]] = defaultdict(Counter)
    wrong: dict[str, list[str]] = defaultdict(list)
    seconds: list[float] = []
    for item in items:
        began = time.perf_counter()
        good, reason = kept(item.said, item.passage)
        seconds.append(time.perf_counter() - began)
        rows["true"].append(not good)
        why["true"][reason.split(" ")[0]] += not good
        if not good:
            wrong["true"].append(f"{item.said}\n      {reason}\n      {item.passage.text}")
        for change in item.changed:
            stays, reason = kept(change.text, item.passage)
            rows[change.kind].append(not stays)
            why[change.kind][reason.split(" ")[0]] += not stays
            if stays:
                wrong[change.kind].append(f"{change.old} -> {change.new}: {change.text}\n      {item.passage.text}")
    seconds.sort()
    lines = [f"| {'kind':30} |   n | dropped | wanted | for |", "|---|--:|--:|--:|---|"]
    for kind in sorted(rows, key=lambda k: (k != "true", k)):
        wanted = "≤ 5%" if kind == "true" else f"≥ {WANTED[kind]:.0%}" if kind in WANTED else ""
        share = sum(rows[kind]) / len(rows[kind])
        reasons = ", ".join(f"{r} {n}" for r, n in why[kind].most_common() if n)
        lines.append(f"| {kind:30} | {len(rows[kind]):3} | {share:.1%} | {wanted} | {reasons} |")
    middle, slow = (1000 * seconds[int(len(seconds) * part)] for part in (0.5, 0.95))
    lines.append(f"\nOne sentence takes {middle:.1f} ms, the slowest of 20 {slow:.1f} ms.")
    for kind, some in wrong.items():
        lines += [f"\n{kind}:\n    {text}" for text in some[:show]]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
