"""From the reader's judgment to a probability that the answer is right, and the threshold from which one is given."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import InvalidInput

FILE = "calibration.json"


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic curve over the judgment and the share of the question's words in the window.

    ``measured`` says on what it was fitted: ``questions``, ``answerable``, ``answered``, ``wrong`` (share of the
    answers given), ``wrong_bound`` (its upper bound, Clopper-Pearson 95%), ``false_refusals``, ``mix``.
    """

    judgment: float
    share: float
    bias: float
    threshold: float
    measured: dict[str, Any]

    def estimate(self, judgment: float, share: float) -> float:
        """Return the probability that the answer found is right."""
        logit = self.judgment * judgment + self.share * share + self.bias
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def load_calibration(folder: Path) -> Calibration:
    """Load the calibration of a reader's folder. Raises InvalidInput where the file is none."""
    path = folder / FILE
    try:
        return parse_calibration(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} is no calibration ({error}); install the package again.") from error


def parse_calibration(values: Any) -> Calibration:
    """Make a calibration of what ``describe_calibration`` gave. Raises ValueError where it is not that."""
    try:
        numbers = [float(values[name]) for name in ("judgment", "share", "bias", "threshold")]
        measured = dict(values["measured"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"a value is missing or no number: {error}") from error
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a value is not finite")
    judgment, share, bias, threshold = numbers
    return Calibration(judgment, share, bias, threshold, measured)


def describe_calibration(calibration: Calibration) -> dict[str, Any]:
    """Return the calibration as JSON values."""
    return {
        "judgment": calibration.judgment,
        "share": calibration.share,
        "bias": calibration.bias,
        "threshold": calibration.threshold,
        "measured": calibration.measured,
    }
