"""Which questions are suggested: of different documents and kinds, and only what the engine answers from its sentence.

Documents are gone through in turn, one question of each, then another; each is asked before it is suggested. All of it
is done as far as somebody wants it, and is the same whenever it is done again.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from rag.index.part import Source
from rag.index.snapshot import Snapshot
from rag.suggest.questions import Made, questions
from rag.text import fold
from rag.types import Answer, Citation, Suggestion

NEWEST, SPREAD = 16, 16  # documents looked at: the last that were added, and others from all over the collection
READ = 8000  # characters of each
ASKED = 48  # questions put to the engine at most
TRIED = 2  # of one document before the next one's turn
SURE = 0.5  # confidence from which an answer is good enough to be led to
_SPACE = re.compile(r"\s+")

Ask = Callable[[str], Answer]
Texts = Callable[[Iterable[int]], Mapping[int, str]]


class Suggested:
    """The suggestions for one state of the record, made when they are asked for. Safe to use from many threads."""

    def __init__(self, texts: Texts, ask: Ask) -> None:
        """``texts`` gives documents' texts by ``Source.key``, ``ask`` the answer to a question."""
        self._texts = texts
        self._ask = ask
        self._making = threading.Lock()
        self._sequence = -1
        self._made: list[Suggestion] = []
        self._rest: Iterator[Suggestion] = iter(())

    def first(self, snapshot: Snapshot, limit: int) -> list[Suggestion]:
        """The first ``limit`` suggestions as the index stands in ``snapshot``; fewer where there are no more."""
        with self._making:
            if snapshot.sequence != self._sequence:
                # The snapshot is not kept: what it stands on may have been replaced long before the next call.
                self._sequence, self._made = snapshot.sequence, []
                self._rest = suggest(snapshot.sample(NEWEST, SPREAD), self._texts, self._ask)
            try:
                self._made += islice(self._rest, max(0, limit - len(self._made)))
            except BaseException:
                self._sequence = -1
                raise
            return self._made[:limit]


def suggest(sources: Sequence[Source], texts: Texts, ask: Ask) -> Iterator[Suggestion]:
    """Questions on the documents ``sources``, each of which ``ask`` answers from the sentence that it was made from.

    One of each document in turn, as far as there are any; a document whose text another one holds has no turn. Of a
    document's questions those of a kind that came seldom so far, and of a sentence not asked yet, come first.
    """
    left: dict[int, list[tuple[Made, str]]] = {}
    kinds: Counter[str] = Counter()
    taken: set[str] = set()  # questions, and ids of documents whose reprints had their turn
    once: set[tuple[int, int]] = set()
    asked = 0
    while sources:
        turns = sources
        sources = []
        for source in turns:
            if source.id in taken:
                continue
            if source.key not in left:
                text = texts([source.key]).get(source.key, "")[:READ]
                left[source.key] = [(made, text[made.start : made.end]) for made in questions(text, source.title)]
            for _ in range(TRIED):
                if not left[source.key] or asked == ASKED:
                    break
                best = min(left[source.key], key=lambda own: (kinds[own[0].kind], (source.key, own[0].start) in once))
                left[source.key].remove(best)
                made, sentence = best
                if fold(made.text) in taken:
                    continue
                asked += 1
                cited = _cited(ask(made.text), made, sentence, source.id)
                if cited is not None:
                    taken |= {fold(made.text), *cited.also, cited.document_id} - {source.id}
                    kinds[made.kind] += 1
                    once.add((source.key, made.start))
                    yield Suggestion(made.text, cited.document_id, cited.title)
                    break
            if left[source.key] and asked < ASKED:
                sources = [*sources, source]


def _cited(answer: Answer, made: Made, sentence: str, document_id: str) -> Citation | None:
    """The first citation, where it covers the sentence, in the document or a reprint of it, and the answer says it."""
    if not answer.answerable or answer.confidence < SURE:
        return None
    first = answer.citations[0]
    if answer.pieces[0].removesuffix(f"[{first.marker}]") not in first.quote:
        return None  # documents that disagree are no good first acquaintance
    if first.document_id == document_id:
        covered = first.start <= made.start and made.end <= first.end
    else:
        covered = document_id in first.also and _plain(sentence) in _plain(first.quote)
    return first if covered and _plain(made.answer) in _plain(answer.text) else None


def _plain(text: str) -> str:
    return _SPACE.sub("", fold(text))
