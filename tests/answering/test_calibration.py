"""Confidence: a probability that rises with the reader's judgment, read from a file that is checked."""

import json
from pathlib import Path

import pytest

from rag.answering.calibration import Calibration, describe_calibration, load_calibration, parse_calibration
from rag.errors import InvalidInput

CALIBRATION = Calibration(1.0, 2.0, -1.0, 0.4, {"questions": 10})


def test_confidence_is_a_probability_that_rises_with_judgment_and_share() -> None:
    by_judgment = [CALIBRATION.estimate(judgment, 0.5) for judgment in (-1000.0, -2.0, 0.0, 2.0, 1000.0)]
    assert by_judgment == sorted(by_judgment) and 0 <= by_judgment[0] < by_judgment[2] == 0.5 < by_judgment[-1] <= 1
    assert CALIBRATION.estimate(0.0, 0.2) < CALIBRATION.estimate(0.0, 0.9)


def test_a_calibration_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(describe_calibration(CALIBRATION)), encoding="utf-8")
    assert load_calibration(tmp_path) == CALIBRATION


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"judgment": 1}', '{"judgment": NaN, "share": 1, "bias": 0}'])
def test_what_is_no_calibration_is_refused_with_its_path(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match="is no calibration"):
        load_calibration(tmp_path)
    (tmp_path / "calibration.json").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=str(tmp_path / "calibration.json")):
        load_calibration(tmp_path)
    whole = describe_calibration(CALIBRATION) | {"bias": float("inf")}
    with pytest.raises(ValueError, match="not finite"):
        parse_calibration(whole)
