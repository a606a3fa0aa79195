"""From documents to entries of the record: chunked and embedded, nothing embedded twice."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.chunk import chunk
from rag.embed import Embedder
from rag.library import Entry, Library
from rag.types import Chunk, Document

_AT_ONCE = 32  # texts embedded between pauses


class Entries:
    """Makes the entries of one record with one embedder. Safe to use from many threads.

    ``pause`` is called between pieces of long work: it may sleep for as long as somebody waits for an answer.
    """

    def __init__(self, library: Library, embedder: Embedder) -> None:
        self.pause: Callable[[], None] = _nothing
        self._library = library
        self._embedder = embedder

    def of(self, documents: Sequence[Document], *, again: bool = False) -> list[Entry]:
        """Documents with chunks and vectors; what the record has a vector for is not embedded, unless ``again``."""
        chunks = self._chunked(documents)
        inputs = [[indexed(c) for c in some] for some in chunks]
        wanted = list(dict.fromkeys(text for some in inputs for text in some))
        known = {} if again else self._library.known(wanted, self._embedder.name)
        missing = [text for text in wanted if text not in known]
        known |= dict(zip(missing, self._embedded(missing), strict=True))
        empty = np.zeros((0, self._embedder.dimension), np.float32)
        return [
            Entry(document, some, texts, np.stack([known[text] for text in texts]) if texts else empty)
            for document, some, texts in zip(documents, chunks, inputs, strict=True)
        ]

    def keep(self, documents: Sequence[Document], *, again: bool = False) -> None:
        """Embeds what ``of`` would have to embed, or ``again`` all, and keeps it: nothing that is served changes."""
        wanted = list(dict.fromkeys(indexed(c) for some in self._chunked(documents) for c in some))
        known = {} if again else self._library.known(wanted, self._embedder.name)
        missing = [text for text in wanted if text not in known]
        if missing:
            self._library.keep(missing, self._embedded(missing), self._embedder.name)

    def _chunked(self, documents: Sequence[Document]) -> list[list[Chunk]]:
        chunks = []
        for number, document in enumerate(documents):
            if number:
                self.pause()
            chunks.append(list(chunk(document)))
        return chunks

    def _embedded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        parts = []
        for start in range(0, len(texts), _AT_ONCE):
            if start:
                self.pause()
            parts.append(self._embedder.passages(texts[start : start + _AT_ONCE]))
        return np.concatenate(parts) if parts else np.zeros((0, self._embedder.dimension), np.float32)


def indexed(part: Chunk) -> str:
    """What of a chunk is embedded and analysed: the headings that it stands under, and itself."""
    return f"{part.context}\n{part.text}" if part.context else part.text


def _nothing() -> None:
    pass
