"""Ranking, calibration, risk: against their definitions, and against scikit-learn's."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from rag import picture
from rag.reliability import auroc, bins, calibration_error, risk_coverage


def test_auroc_is_scikit_learn_s_with_ties_too() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        yes, no = rng.integers(0, 8, 30) / 8, rng.integers(0, 6, 17) / 8
        expected = roc_auc_score([1] * 30 + [0] * 17, np.concatenate([yes, no]))
        assert auroc(yes, no) == pytest.approx(expected)
    assert auroc([0.9], []) is None and auroc([], [0.1]) is None


def test_probabilities_that_hold_have_no_error() -> None:
    sure = [0.05] * 20 + [0.75] * 20 + [1.0] * 10
    right = [i < 1 for i in range(20)] + [i < 15 for i in range(20)] + [True] * 10
    assert calibration_error(sure, right) == pytest.approx(0)
    assert [b.count for b in bins(sure, right)] == [20, 20, 10]
    assert calibration_error([0.9] * 10, [False] * 10) == pytest.approx(0.9)
    assert calibration_error([], []) is None


def test_risk_grows_from_the_surest_to_all() -> None:
    coverage, risk = risk_coverage([0.2, 0.9, 0.5, 0.7], [False, True, False, True])
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 2])


def test_the_same_figures_give_the_same_picture(tmp_path: Path) -> None:
    judged = {"one": ([0.1, 0.5, 0.9], [False, True, True]), "two": ([0.3], [True])}
    for name in ("a.svg", "b.svg"):
        picture.draw(judged, tmp_path / name)
    first = (tmp_path / "a.svg").read_bytes()
    assert first == (tmp_path / "b.svg").read_bytes() and first.startswith(b"<?xml")
