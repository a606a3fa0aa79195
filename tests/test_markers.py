"""A document's own marks are told apart from those of citations: every `[n]` of an answer has its citation."""

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rag.engine import Engine
from rag.markers import neutralise_markers
from rag.types import Document

MARKS = [
    "[7]",
    "[1]",
    "[1][2]",
    "[1,2]",
    "[1，2]",
    "[3-5]",
    "[3–5]",
    "[ 7 ]",
    "[^1]",
    "[1234567]",
    "[７]",
    "[٣]",
    "[[1]]",
]
_NUMBERED = re.compile(r"\[[\s^]*\d[\d\s,，\-–]*\]")


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_of_any_kind_is_written_full_width(mark: str) -> None:
    text = f"大桥全长2386米{mark}，横跨青江。"
    said = neutralise_markers(text)
    assert not _NUMBERED.search(said) and len(said) == len(text)
    assert said.translate(str.maketrans("［］", "[]")) == text


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_that_pieces_cut_does_not_come_together_again(mark: str) -> None:
    text = f"甲{mark}乙"
    for cut in range(len(text) + 1):
        assert not _NUMBERED.search(neutralise_markers(text[:cut]) + neutralise_markers(text[cut:]))


@pytest.mark.parametrize("text", ["", "甲", "[注]甲", "[表1]", "x[i]", "数组[a]和［7］", "12", "1,2"])
def test_what_is_no_mark_stays(text: str) -> None:
    assert neutralise_markers(text) == text


def test_marks_of_random_text_never_stay() -> None:
    chance = random.Random(7)
    for _ in range(3000):
        text = "".join(chance.choices("[]1 9,^-甲", k=chance.randrange(12)))
        assert not re.search(r"\[\d+\]", neutralise_markers(text))


def test_the_answer_widens_what_the_quote_keeps(tmp_path: Path) -> None:
    text = "青江大桥\n\n青江大桥全长2386米[7]，主跨[1]460米[2,3]，横跨青江。\n"
    engine = Engine.open(tmp_path / "v")
    try:
        engine.add([Document("bridge", text, title="大桥")])
        answer = engine.ask("青江大桥全长多少米?")
    finally:
        engine.close()
    assert answer.answerable and "［7］" in answer.text
    assert {int(n) for n in re.findall(r"\[(\d+)\]", answer.text)} == {c.marker for c in answer.citations}
    assert all(c.quote == text[c.start : c.end] for c in answer.citations)
    assert any("[7]" in c.quote for c in answer.citations)


def test_a_wrong_quote_is_an_error_without_assertions_too() -> None:
    """`python -O` drops assertions; a quote that is not its span must not pass then either."""
    program = (
        "from rag.answer.cite import CitationError, make_citation\n"
        "from rag.types import Document\n"
        "document = Document('d', '大桥全长。')\n"
        "long = Document('d', '米' * 500)\n"
        "assert False\n"
        "for span in ((0, 0), (3, 1), (2, 9), (0, 400), (-2, 2), (-3, -1), (9, 12)):\n"
        "    try:\n"
        "        make_citation(1, long if span[1] == 400 else document, 'c', span, 1.0, (0,), {})\n"
        "    except CitationError:\n"
        "        continue\n"
        "    raise SystemExit(f'{span} passed')\n"
    )
    done = subprocess.run(
        [sys.executable, "-O", "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
