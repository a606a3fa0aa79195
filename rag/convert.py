"""From one model, analyzer or chunker to another: the record's chunks and vectors made again, while it is served."""

import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from rag.library import Entry, Identity, Library
from rag.record.changes import batches
from rag.types import Document

_BATCH = 256  # documents embedded and kept together: what a killed conversion has to do again


def convert(library: Library, identity: Identity, entries: Callable[[Sequence[Document]], list[Entry]]) -> None:
    """Puts ``identity`` in place of what made the record, without keeping anybody from reading or writing it.

    Vectors are made and kept ahead; then all changes in one step, which takes what was written meanwhile along.

    Args:
        library: the record.
        identity: what ``entries`` makes chunks and vectors with.
        entries: documents with both; vectors that the record has already are not made again.

    Raises:
        Busy: another process held the record too long; run again, and only the last step is left to do.
    """
    since, left, before = 0, sys.maxsize - 1, sys.maxsize
    while 0 < left < before:  # what was written while the vectors before were made: fewer documents each time
        left, before = 0, left
        with library.changes_since(since) as changes:
            for some in batches((stored.document for stored in changes), _BATCH):
                made = entries(some)
                inputs = [text for entry in made for text in entry.inputs]
                library.keep(inputs, np.concatenate([entry.vectors for entry in made]), identity.model)
                left += len(some)
            since = changes.sequence

    def converted() -> Iterator[Entry]:
        with library.changes_since(0) as changes:  # once the record is locked, so that nothing can be missing
            for some in batches((stored.document for stored in changes), _BATCH):
                yield from entries(some)

    library.switch(converted(), identity)
