"""The spans of the passages that a sentence rests on, short enough to be quoted."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.answer.cite import QUOTE_LIMIT
from rag.text import clauses
from rag.verify.figures import figures
from rag.verify.source import Source, share, weights


@dataclass(frozen=True, slots=True)
class Quote:
    """``[start, end)`` of the text of the passage with this number, from 0."""

    passage: int
    start: int
    end: int


def quotes(folded: str, picked: Sequence[tuple[Source, int]]) -> list[Quote]:
    """The picked sentences, neighbours as one where they fit, in the order of passages and text; each at most
    ``QUOTE_LIMIT`` characters: of a longer sentence the run of clauses that has most of the words."""
    found: list[Quote] = []
    for source in sorted({source for source, _ in picked}, key=lambda source: source.number):
        for i in sorted(i for other, i in picked if other is source):
            start, end = source.spans[i]
            if end - start > QUOTE_LIMIT:
                start, end = _best_run(folded, source, start, end)
            last = found[-1] if found else None
            beside = last and last.passage == source.number and not source.passage.text[last.end : start].strip()
            if last and beside and end - last.start <= QUOTE_LIMIT:
                found[-1] = Quote(source.number, last.start, end)
            else:
                found.append(Quote(source.number, start, end))
    return found


def _best_run(folded: str, source: Source, start: int, end: int) -> tuple[int, int]:
    words, text = weights(folded), source.folded
    numbers = {value for amount in figures(folded).amounts for value in amount.values}
    runs: list[tuple[int, int]] = []
    parts = clauses(text, start, end)
    for i, (begin, stop) in enumerate(parts):
        for _, later in parts[i:]:
            stop = later if later - begin <= QUOTE_LIMIT else stop
        runs.append((begin, min(stop, begin + QUOTE_LIMIT)))

    def held(run: tuple[int, int]) -> float:
        part = text[slice(*run)]
        stated = {value for amount in figures(part).amounts for value in amount.values}
        return len(numbers & stated) + sum(weight * share(word, part) for word, weight in words.items())

    begin, stop = max(runs, key=held)
    cut = source.passage.text[begin:stop]
    return begin + len(cut) - len(cut.lstrip()), begin + len(cut.rstrip())
