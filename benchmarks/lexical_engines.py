"""The engines that benchmarks.lexical compares, each behind the same five calls."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

Terms = list[str]


class Engine(Protocol):
    """What is measured. Rows are numbered from 0 in the order in which they were given."""

    def build(self, folder: Path, rows: list[Terms]) -> None:
        """Indexes the rows and saves them in the folder."""

    def open(self, folder: Path) -> None:
        """Makes the saved index searchable."""

    def search(self, query: Terms) -> list[int]:
        """The best five rows, best first."""

    def add(self, row: int, terms: Terms) -> None:
        """Adds one row; it is found when this returns."""

    def delete(self, row: int) -> None:
        """Takes one row away; it is not found when this returns."""


class Segments:
    """Our own: rag.index.lexical. A new row is a segment of its own, a deleted one is masked."""

    def build(self, folder: Path, rows: list[Terms]) -> None:
        from rag.index.lexical import Segment

        for name, array in Segment.build(rows).arrays().items():
            np.save(folder / name, array, allow_pickle=False)

    def open(self, folder: Path) -> None:
        from rag.index.lexical import Segment

        arrays = {p.stem: np.load(p, mmap_mode="r", allow_pickle=False) for p in folder.glob("*.npy")}
        self.segments = [Segment.from_arrays(arrays)]
        self.masks: list[Any] = [None]

    def search(self, query: Terms) -> list[int]:
        from rag.index.lexical import scores

        every = np.concatenate(scores(self.segments, query, masks=self.masks))
        return best_five(every)

    def add(self, row: int, terms: Terms) -> None:
        from rag.index.lexical import Segment

        self.segments.append(Segment.build([terms]))
        self.masks.append(None)

    def delete(self, row: int) -> None:
        mask = np.ones(len(self.segments[0]), np.bool_)
        mask[row] = False
        self.masks[0] = mask


class Tantivy:
    """tantivy, white-space-pretokenised, frequencies without positions; k1 1.2 and b .75 are built in."""

    def build(self, folder: Path, rows: list[Terms]) -> None:
        import tantivy

        builder = tantivy.SchemaBuilder()
        builder.add_integer_field("row", stored=True, indexed=True, fast=True)
        builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
        self.index = tantivy.Index(builder.build(), path=str(folder))
        writer = self.index.writer(128_000_000, 1)
        for row, terms in enumerate(rows):
            writer.add_document(tantivy.Document(row=row, text=" ".join(terms)))
        writer.commit()
        writer.wait_merging_threads()

    def open(self, folder: Path) -> None:
        import tantivy

        self.index = tantivy.Index.open(str(folder))
        self.searcher = self.index.searcher()
        self.writer: Any = None

    def search(self, query: Terms) -> list[int]:
        from tantivy import Occur, Query

        clauses = [(Occur.Should, Query.term_query(self.index.schema, "text", t, index_option="freq")) for t in query]
        hits = self.searcher.search(Query.boolean_query(clauses), 5, count=False).hits
        return [self.searcher.doc(address)["row"][0] for _, address in hits]

    def add(self, row: int, terms: Terms) -> None:
        import tantivy

        self.writer = self.writer or self.index.writer(15_000_000, 1)
        self.writer.add_document(tantivy.Document(row=row, text=" ".join(terms)))
        self._commit()

    def delete(self, row: int) -> None:
        self.writer = self.writer or self.index.writer(15_000_000, 1)
        self.writer.delete_documents_by_term("row", row)
        self._commit()

    def _commit(self) -> None:
        self.writer.commit()
        self.index.reload()
        self.searcher = self.index.searcher()


class Bm25s:
    """bm25s, its scores worked out beforehand; a change of any kind means indexing all rows again."""

    def build(self, folder: Path, rows: list[Terms]) -> None:
        self._index(rows).save(folder, show_progress=False)

    def open(self, folder: Path) -> None:
        import bm25s

        self.engine = bm25s.BM25.load(folder, mmap=True)

    def search(self, query: Terms) -> list[int]:
        known = [t for t in query if t in self.engine.vocab_dict]
        return best_five(self.engine.get_scores(known)) if known else [0]

    def add(self, row: int, terms: Terms) -> None:
        self.engine = self._index([*self.rows, terms])

    def delete(self, row: int) -> None:
        self.engine = self._index(self.rows[:row] + self.rows[row + 1 :])

    rows: list[Terms]  # an adder must keep or fetch them; set before the changes are measured

    def _index(self, rows: list[Terms]) -> Any:
        import bm25s

        from rag.index.lexical import K1, B

        engine = bm25s.BM25(method="lucene", k1=K1, b=B)
        engine.index(rows, show_progress=False)
        return engine


class Fts5:
    """SQLite FTS5 over hexadecimal terms; k1 1.2 and b .75 are built in, idf is never below 1e-6."""

    def build(self, folder: Path, rows: list[Terms]) -> None:
        self.open(folder)
        self.base.execute("create virtual table passages using fts5(text, tokenize='ascii')")
        with self.base:
            texts = ((row, self._encode(terms)) for row, terms in enumerate(rows))
            self.base.executemany("insert into passages(rowid, text) values (?, ?)", texts)
        self.base.execute("insert into passages(passages) values ('optimize')")
        self.base.commit()
        self.base.execute("pragma wal_checkpoint(truncate)")

    def open(self, folder: Path) -> None:
        self.base = sqlite3.connect(folder / "fts.db")
        self.base.execute("pragma journal_mode=wal")
        self.base.execute("pragma synchronous=full")

    def search(self, query: Terms) -> list[int]:
        sql = "select rowid from passages where passages match ? order by rank limit 5"
        return [row for (row,) in self.base.execute(sql, [" OR ".join(self._encode(query).split())])]

    def add(self, row: int, terms: Terms) -> None:
        with self.base:
            self.base.execute("insert into passages(rowid, text) values (?, ?)", (row, self._encode(terms)))

    def delete(self, row: int) -> None:
        with self.base:
            self.base.execute("delete from passages where rowid = ?", (row,))

    @staticmethod
    def _encode(terms: Terms) -> str:
        return " ".join(t.encode().hex() for t in terms)


ENGINES: dict[str, Callable[[], Engine]] = {
    "ours": Segments,
    "tantivy": Tantivy,
    "bm25s": Bm25s,
    "FTS5": Fts5,
}


def best_five(scores: np.ndarray) -> list[int]:
    """The five greatest, ties by row."""
    rows = np.argpartition(-scores, min(5, len(scores) - 1))[:5] if len(scores) > 5 else np.arange(len(scores))
    return [int(row) for row in rows[np.lexsort((rows, -scores[rows]))]]
