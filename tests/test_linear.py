"""No regular expression and no parser of foreign text takes more than linear time on any pathological kind of text."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pathological import KINDS

HERE = Path(__file__).parent
EVERY = os.environ.get("LINEAR_EVERY", "31")  # one pair of pattern and kind in so many; make linear measures all


def _run(what: str) -> tuple[list[str], int]:
    """Return what grows too fast, and how many patterns or parsers were measured."""
    faults: list[str] = []
    start, path = 0, os.pathsep.join([str(HERE.parent), str(HERE), os.environ.get("PYTHONPATH", "")])
    while len(faults) < 30:
        done = subprocess.run(
            [sys.executable, str(HERE / "linear_child.py"), what, str(start), EVERY],
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": path},
            check=False,
            timeout=600,
        )
        said = [json.loads(line) for line in done.stdout.splitlines()]
        faults += [str(line) for line in said if "slow" in line]
        if said and "done" in said[-1]:
            return faults, said[-1]["done"]
        assert said, done.stderr[-3000:]
        last = next(line for line in reversed(said) if "at" in line)
        faults.append(f"{last['what']}: does not end ({done.returncode}) {done.stderr[-300:]}")
        start = last["at"] + 1
    return faults, 0


def test_the_kinds_are_many_and_as_long_as_asked_for() -> None:
    assert len(KINDS) >= 60
    assert all(0.8 * 50_000 <= len(make(50_000)) <= 50_000 for make in KINDS.values())


@pytest.mark.alone
@pytest.mark.parametrize(("what", "least"), [("patterns", 150), ("parsers", 60)])
def test_time_grows_no_faster_than_the_input(what: str, least: int) -> None:
    faults, measured = _run(what)
    assert not faults, "\n".join(faults)
    assert measured >= least
