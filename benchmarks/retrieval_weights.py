"""The weight that the product gives a model's cosines on some passages: `rag.trust`, asked as the engine does."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rag import embed
from rag.analyze import ANALYZER
from rag.chunk import CHUNKER, chunk
from rag.embed import Embedder
from rag.entries import indexed
from rag.index.live import LiveIndex
from rag.library import FILE, Entry, Identity, Library
from rag.retrieve import DENSE_WEIGHT
from rag.trust import Trust
from rag.types import Document

_BATCH = 512


@contextmanager
def weights(passages: Sequence[str]) -> Iterator[Callable[[Embedder], float]]:
    """What gives the weight of a model beside the lexical scores, the passages being documents of a record."""
    shipped = embed.load()
    with TemporaryDirectory() as folder:
        library = Library.open(Path(folder) / FILE)
        # Only texts are looked at, so the index needs neither terms nor vectors.
        index = LiveIndex.open(library, Path(folder), Identity("none", 1, ANALYZER, CHUNKER), lambda _: ())
        for start in range(0, len(passages), _BATCH):
            some = passages[start : start + _BATCH]
            index.put(_entry(Document(str(at), text)) for at, text in enumerate(some, start))

        def weight(model: Embedder) -> float:
            trust = Trust(index, model, shipped, indexed)
            trust.update(again=True)
            return DENSE_WEIGHT * trust.factor(index.snapshot().sequence)

        try:
            yield weight
        finally:
            index.close()
            library.close()


def _entry(document: Document) -> Entry:
    chunks = chunk(document)
    return Entry(document, chunks, [indexed(part) for part in chunks], np.zeros((len(chunks), 1), np.float32))
