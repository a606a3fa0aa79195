"""Fit a calibration to judged questions: the curve, and the threshold that answers nine in ten answerable ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import beta

from rag.answering.calibration import Calibration
from rag.errors import InvalidInput

FALSE_REFUSALS = 0.10  # of the answerable questions, at the default threshold
LEAST = 20  # questions of each kind
_ROUNDS = 3  # the curve chooses among windows, and what is chosen shapes the curve
_DECAY = 1e-3  # of the curve's slopes, for samples that a line parts


@dataclass(frozen=True, slots=True)
class ReadWindow:
    """A window as it was read for a question, and whether what it says is right."""

    judgment: float
    share: float
    right: bool


@dataclass(frozen=True, slots=True)
class ReadQuestion:
    """A question with the windows that were read for it, and whether the documents answer it."""

    answerable: bool
    windows: Sequence[ReadWindow]


def fit_calibration(questions: Sequence[ReadQuestion], mix: str, most_wrong: float | None = None) -> Calibration:
    """Fit the curve to the best window of each question (event: it is right), and choose the threshold.

    Args:
        mix: what the questions are, in words; it is kept with the figures.
        most_wrong: share of the answers given that may be wrong; where it is given the threshold is the lowest that
            keeps to it. By default the threshold is the highest that refuses ``FALSE_REFUSALS`` of the answerable.

    Raises:
        InvalidInput: too few questions of a kind, or no threshold keeps to ``most_wrong``.
    """
    read = [question for question in questions if question.windows]
    answerable = sum(question.answerable for question in questions)
    if min(answerable, len(questions) - answerable) < LEAST:
        raise InvalidInput(
            f"{answerable} answerable questions and {len(questions) - answerable} others are too few to calibrate on; "
            f"give at least {LEAST} of each"
        )
    curve = np.array([1.0, 1.0, 0.0])
    for _ in range(_ROUNDS):
        best = [_find_best(question, curve) for question in read]
        features = np.array([[window.judgment, window.share, 1.0] for window in best])
        curve = _fit_curve(features, np.array([window.right for window in best], np.float64), curve)
    found = {id(question): _find_best(question, curve) for question in read}
    confidence = np.array([_estimate(curve, found[id(q)]) if q.windows else 0.0 for q in questions])
    right = np.array([bool(q.windows) and found[id(q)].right for q in questions])
    stated = np.array([q.answerable for q in questions])
    if most_wrong is None:
        threshold = float(np.quantile(confidence[stated], FALSE_REFUSALS, method="lower"))
    else:
        threshold = _find_threshold(confidence, right, most_wrong)
    given = confidence >= threshold
    wrong = int((given & ~right).sum())
    measured = {
        "mix": mix,
        "questions": len(questions),
        "answerable": int(answerable),
        "answered": int(given.sum()),
        "wrong": round(wrong / max(1, int(given.sum())), 4),
        "wrong_bound": round(bound_share(wrong, int(given.sum())), 4),
        "false_refusals": round(float((~given)[stated].mean()), 4),
        "refused": round(float((~given)[~stated].mean()), 4),
    }
    return Calibration(float(curve[0]), float(curve[1]), float(curve[2]), round(threshold, 4), measured)


def bound_share(count: int, of: int, level: float = 0.95) -> float:
    """Return the upper bound of a share of which ``count`` in ``of`` were seen (Clopper and Pearson 1934, one side)."""
    return 1.0 if count >= of else float(beta.ppf(level, count + 1, of - count))


def _find_best(question: ReadQuestion, curve: NDArray[np.float64]) -> ReadWindow:
    return max(question.windows, key=lambda window: curve[0] * window.judgment + curve[1] * window.share)


def _estimate(curve: NDArray[np.float64], window: ReadWindow) -> float:
    return float(1 / (1 + np.exp(-np.clip(curve @ [window.judgment, window.share, 1.0], -30, 30))))


def _fit_curve(
    features: NDArray[np.float64], right: NDArray[np.float64], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fit a logistic curve by its likelihood; slopes are not negative, so that surer readings never count for less."""

    def loss(curve: NDArray[np.float64]) -> float:
        logits = features @ curve
        return float(np.mean(np.logaddexp(0, logits) - right * logits) + _DECAY * (curve[:2] @ curve[:2]))

    fitted = minimize(loss, start, method="L-BFGS-B", bounds=[(0.05, None), (0.0, None), (None, None)])
    return np.asarray(fitted.x, np.float64)


def _find_threshold(confidence: NDArray[np.float64], right: NDArray[np.bool_], most_wrong: float) -> float:
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    kept = np.flatnonzero(wrong <= most_wrong)
    if not len(kept):
        raise InvalidInput(
            f"no threshold keeps wrong answers to {most_wrong:.0%} of those given on these questions; "
            f"the least is {wrong.min():.0%}"
        )
    return float(confidence[order[kept[-1]]])
