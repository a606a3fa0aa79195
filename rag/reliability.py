"""How far confidences can be believed: whether they rank, whether they are probabilities, what a threshold buys."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of nearly equal confidence: how many, their mean confidence, the share of them that is right."""

    count: int
    confidence: float
    right: float


def auroc(positive: ArrayLike, negative: ArrayLike) -> float | None:
    """How often a positive's confidence is above a negative's, ties counted half; None where one kind is missing."""
    yes, no = np.asarray(positive, np.float64), np.asarray(negative, np.float64)
    if not len(yes) or not len(no):
        return None
    order = np.sort(no)
    below, upto = np.searchsorted(order, yes, "left"), np.searchsorted(order, yes, "right")
    return float((below + upto).mean() / 2 / len(no))


def bins(confidence: Sequence[float], right: Sequence[bool]) -> list[Bin]:
    """``BINS`` bins of equal width over 0..1, empty ones left out."""
    sure, hit = np.asarray(confidence, np.float64), np.asarray(right, np.float64)
    number = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    return [
        Bin(int((number == i).sum()), float(sure[number == i].mean()), float(hit[number == i].mean()))
        for i in range(BINS)
        if (number == i).any()
    ]


def calibration_error(confidence: Sequence[float], right: Sequence[bool]) -> float | None:
    """Expected calibration error: |confidence - share right| of each bin, weighted by its size (Guo et al. 2017)."""
    return sum(b.count * abs(b.confidence - b.right) for b in bins(confidence, right)) / len(right) if right else None


def risk_coverage(
    confidence: Sequence[float], right: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each count of the surest answers: their share of all, and the share of them that is wrong."""
    order = np.argsort(-np.asarray(confidence, np.float64), kind="stable")
    wrong = 1 - np.asarray(right, np.float64)[order]
    count = np.arange(1, len(wrong) + 1)
    return count / max(1, len(wrong)), np.cumsum(wrong) / count
