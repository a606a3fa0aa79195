"""Fitting a calibration: probabilities come out that hold, the threshold keeps what it promises."""

import random

import pytest

from rag.answering.fit_calibration import ReadQuestion, ReadWindow, bound_share, fit_calibration
from rag.errors import InvalidInput


def make_questions(count: int, seed: int = 0) -> list[ReadQuestion]:
    """Make questions of which half are answerable; a reading is right with the probability that its judgment says."""
    draw = random.Random(seed)
    made = []
    for number in range(count):
        answerable = number % 2 == 0
        judgment = draw.gauss(2.0 if answerable else -2.0, 1.5)
        right = answerable and draw.random() < 0.9
        made.append(ReadQuestion(answerable, [ReadWindow(judgment, draw.random(), right), ReadWindow(-9, 0.1, False)]))
    return made


def test_probabilities_hold_on_other_questions_of_the_kind() -> None:
    calibration = fit_calibration(make_questions(2000), "made")
    best = [max(question.windows, key=lambda w: w.judgment) for question in make_questions(2000, seed=1)]
    estimates = [calibration.estimate(window.judgment, window.share) for window in best]
    assert sum(estimates) / len(best) == pytest.approx(sum(w.right for w in best) / len(best), abs=0.03)
    sure = [window.right for window, estimate in zip(best, estimates, strict=True) if estimate > 0.8]
    assert sum(sure) / len(sure) > 0.8


def test_the_default_threshold_refuses_a_tenth_of_the_answerable() -> None:
    calibration = fit_calibration(make_questions(1000), "made")
    measured = calibration.measured
    assert measured["false_refusals"] <= 0.10 and measured["questions"] == 1000 and measured["answerable"] == 500
    assert measured["wrong"] < measured["wrong_bound"] < measured["wrong"] + 0.05
    assert measured["refused"] > 0.7 and measured["mix"] == "made"


def test_a_wish_for_few_wrong_answers_is_kept_or_refused() -> None:
    strict = fit_calibration(make_questions(1000), "made", most_wrong=0.12)
    assert strict.measured["wrong"] <= 0.12
    assert strict.threshold > fit_calibration(make_questions(1000), "made").threshold
    wrong = [ReadQuestion(i % 2 == 0, [ReadWindow(1.0, 0.5, False)]) for i in range(100)]
    with pytest.raises(InvalidInput, match="the least is 100%"):
        fit_calibration(wrong, "made", most_wrong=0.1)


def test_too_few_questions_are_refused() -> None:
    with pytest.raises(InvalidInput, match="too few"):
        fit_calibration(make_questions(30), "made")


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    assert bound_share(0, 10) == pytest.approx(1 - 0.05 ** (1 / 10))
    assert bound_share(5, 100) == pytest.approx(0.1023, abs=1e-3)
    assert bound_share(3, 3) == 1.0
