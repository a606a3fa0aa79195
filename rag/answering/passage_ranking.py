"""Passages in the order in which they most likely answer, as the reader judges the best windows of each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rag.answering.calibration import Calibration
from rag.answering.candidate_windows import Candidate, rank_windows
from rag.answering.reader import Reader
from rag.types import Document, Hit

RERANKED = 20  # passages
WINDOWS = 2  # of a passage that are read, those with most of the query's words


def rank_passages(
    query: str,
    words: str,
    hits: Sequence[Hit],
    documents: Mapping[str, Document],
    reader: Reader,
    calibration: Calibration,
) -> list[Hit]:
    """Order passages by the probability that they answer; passages that none was read of keep their order, last.

    Args:
        query: as it was asked, which is what the reader sees.
        words: the same in the words of the documents' language, by which windows are chosen.

    Returns:
        The same hits, the first ``RERANKED`` of them with ``reader``, 0..1.
    """
    windows = [(number, c) for number, hit in enumerate(hits[:RERANKED]) for c in _choose(words, hit, documents)]
    readings = reader.read_windows(query, [(candidate.title, candidate.text) for _, candidate in windows])
    best: dict[int, float] = {}
    for (number, candidate), reading in zip(windows, readings, strict=True):
        sure = calibration.estimate(reading.judgment, candidate.share)
        best[number] = max(best.get(number, 0.0), sure)
    order = sorted(best, key=lambda number: (-best[number], number))
    read = [replace(hits[number], reader=round(best[number], 4)) for number in order]
    return [*read, *(hit for number, hit in enumerate(hits) if number not in best)]


def _choose(words: str, hit: Hit, documents: Mapping[str, Document]) -> list[Candidate]:
    return rank_windows(words, [hit], documents)[:WINDOWS]
