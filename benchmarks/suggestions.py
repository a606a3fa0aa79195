"""Suggested questions for a person to judge: printed with the sentence that each was made from.

    python -m benchmarks.suggestions seeds ../shared/corpora/official --most 20
    python -m benchmarks.suggestions ../shared/corpora/news.jsonl.xz --documents 300 --most 150

A folder is read as seeds are; of a file of JSON Lines (``id``, ``text``, ``title``, ``date``; perhaps packed as .xz)
every so many documents are taken. A document is asked alone of an engine that holds them all.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rag import ingest
from rag.engine import Engine
from rag.suggest import suggest
from rag.types import Document
from training.data import lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--documents", type=int, default=300, help="documents taken of a file")
    parser.add_argument("--most", type=int, default=20, help="questions printed")
    parser.add_argument("--each", type=int, default=3, help="questions of one document")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine.open(Path(folder))
        engine.add(document for path in given.paths for document in _documents(path, given.documents))
        began = time.perf_counter()
        engine.suggest(6)
        print(f"{engine.stats().documents} documents; the first six took {time.perf_counter() - began:.3f} s")
        printed = 0
        for source in engine._index.snapshot().sample(10**9, 0):
            for each in list(suggest([source], engine._library.texts, engine.ask))[: given.each]:
                cited = engine.ask(each.question).citations[0]
                print(f"{each.question}\n    {cited.quote.strip()[:160]}  [{each.title[:30]}]")
                printed += 1
            if printed >= given.most:
                break
        engine.close()


def _documents(path: Path, count: int) -> Iterator[Document]:
    if path.is_dir():
        yield from (ingest.read(each, path) for each in ingest.walk(path))
        return
    rows = list(lines(path))
    for row in rows[:: max(1, len(rows) // count)]:
        yield Document(row["id"], row["text"], row.get("title", ""), published=row.get("date"))


if __name__ == "__main__":
    main()
