"""The weights of the answer stage: how likely each unit answers, and how sure that makes us.

A network of one hidden layer gives each unit a logit; a silent competitor with logit 0 stands for «none of them».
The softmax over both is a probability, which a logistic curve fitted on held-out questions calibrates
(Platt 1999; see training/answerer.py). Arithmetic is NumPy's, the weights are one ``.npz`` without pickle.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.answer.features import NAMES
from rag.errors import Damaged

_SIGNALS = (
    "pairs", "pairs_passage", "read", "read_rest", "numbers_absent", "names_absent", "names_share",
    "other_year", "none_found", "noun_missing", "noun_absent",
)  # fmt: skip
_LOOKED_AT = [NAMES.index(name) for name in _SIGNALS]
WEIGHTS = Path(__file__).with_name("weights.npz")


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """The arrays of ``weights.npz``, by name.

    names        str (f,): the features that the rest was fitted to
    mean, scale  float32 (f,): features are standardised with them
    w1 (f, h), b1 (h,), w2 (h,): the network, float32
    calibration  float32 (17,): slopes of the `signals`, then the intercept
    threshold    float32 (): confidence from which a question is answered
    """

    names: NDArray[np.str_]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    w1: NDArray[np.float32]
    b1: NDArray[np.float32]
    w2: NDArray[np.float32]
    calibration: NDArray[np.float32]
    threshold: NDArray[np.float32]

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(n, f)`` features to ``(n,)`` logits."""
        hidden = np.maximum(((features - self.mean) / self.scale).clip(-4, 4) @ self.w1 + self.b1, 0)
        return np.asarray(hidden @ self.w2, dtype=np.float32)

    def confidence(
        self, logits: NDArray[np.float32], features: NDArray[np.float32], sentences: NDArray[np.int32]
    ) -> float:
        """The probability that the unit with the greatest logit answers; ``sentences`` numbers each unit's sentence."""
        if not len(logits):
            return 0.0
        z = float(signals(logits, features, sentences) @ self.calibration[:-1] + self.calibration[-1])
        return float(1 / (1 + np.exp(-z)))


def signals(
    logits: NDArray[np.float32], features: NDArray[np.float32], sentences: NDArray[np.int32]
) -> NDArray[np.float32]:
    """What the calibration looks at, float32 (16,): the best logit, its lead, the log-odds against «none», of the best
    unit how much of the question it and its passage hold and lack, and what the reader says of it and of the rest.

    The best logit and the odds come a second time cut off at 0, so that the curve may bend there: below, «none of them»
    is the likelier.

    Parts of one sentence are not each other's rivals: of each sentence only the best part counts.
    """
    best = int(np.argmax(logits))
    rivals = [float(logits[sentences == number].max()) for number in np.unique(sentences)]
    lead = float(logits[best]) - max((z for z in rivals if z < logits[best]), default=float(logits[best]) - 5.0)
    odds = float(np.logaddexp.reduce(rivals))
    bent = (float(logits[best]), min(float(logits[best]), 0.0), min(lead, 5.0), odds, min(odds, 0.0))
    return np.array([*bent, *features[best, _LOOKED_AT]], dtype=np.float32)


@lru_cache(maxsize=1)
def load(path: Path = WEIGHTS) -> Scorer:
    """The scorer stored at ``path``. Raises Damaged where it was fitted to other features than there are."""
    with np.load(path, allow_pickle=False) as stored:
        scorer = Scorer(**{name: stored[name] for name in stored.files})
    if tuple(scorer.names) != NAMES:
        raise Damaged(f"{path} was fitted to other features: run `make train`, or fetch the file of this version.")
    return scorer
