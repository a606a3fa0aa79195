"""The figures, on an engine whose answers are written down here."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from rag import evaluate
from rag.engine import Engine
from rag.errors import InvalidInput
from rag.types import Answer, Citation, Document, Hit

TEXT = "大桥全长2386米。工程总投资18.6亿元。"


def cited(start: int, end: int, quote: str | None = None) -> Citation:
    return Citation(1, "d", "d:0", "", None, None, None, quote or TEXT[start:end], start, end, 1.0, (0,))


def reply(text: str, *citations: Citation, answerable: bool = True) -> Answer:
    reason = None if answerable else "no_answer"
    return Answer(text, (text,), answerable, 0.5, reason, "", citations, (), "extractive", {})  # type: ignore[arg-type]


@dataclass
class Scripted:
    replies: dict[str, Answer]
    found: list[str] = field(default_factory=list)

    def ask(self, question: str, history: Any = (), threshold: float | None = None) -> Answer:
        return self.replies[question if threshold is None else f"withheld: {question}"]

    def search(self, query: str, top_k: int) -> list[Hit]:
        return [Hit("c", "d", "", None, None, None, text, 0, len(text), 1, 1, 1) for text in self.found[:top_k]]

    def document(self, id: str) -> Document:
        return Document("d", TEXT)


def item(question: str, evidence: list[str], must: list[list[str]], **more: Any) -> dict[str, Any]:
    row = {"id": question, "question": question, "kind": "k", "answerable": bool(must)}
    return row | {"evidence": evidence, "must_include": must} | more


def test_the_figures_are_those_of_the_definitions() -> None:
    engine = Scripted(
        {
            "right": reply("大桥全长2386米。[1]", cited(0, 11)),
            "other sentence": reply("工程总投资18.6亿元。[1]", cited(11, 24)),
            "not verbatim": reply("大桥全长2386米。[1]", cited(0, 11, "大桥全长9999米。")),
            "too long": reply("2386米" + "长" * 40 + "[1]", cited(0, 11)),
            "refused though there": reply("没有", answerable=False),
            "withheld: refused though there": reply("大桥全长2386米。[1]", cited(0, 11)),
            "refused": reply("没有", answerable=False),
            "made up": reply("大桥全长2386米。[1]", cited(0, 11)),
        },
        ["别的。", TEXT],
    )
    long = ["全长 ２３８６米"]  # width and white space do not count
    items = [
        item("right", long, [["2386", "两千"]]),
        item("other sentence", long, [["2386"]]),
        item("not verbatim", long, [["2386"]]),
        item("too long", long, [["2386"]], longest=30),
        item("refused though there", long, [["2386"]]),
        item("refused", [], []),
        item("made up", [], []),
    ]
    seen: list[tuple[int, int]] = []
    figures = evaluate.evaluate(cast(Engine, engine), items, lambda done, total: seen.append((done, total)))
    assert figures["questions"] == 7 and seen[-1] == (7, 7)
    assert figures["answer"] == 0.4 and figures["evidence"] == 0.4
    assert figures["right"] == round(2 / 7, 4)
    assert figures["precise"] == 0.5
    assert figures["verbatim"] == 0.8
    assert (figures["refused"], figures["false refusals"]) == (0.5, 0.2)
    assert (figures["recall@1"], figures["recall@5"], figures["MRR@10"]) == (0.0, 1.0, 0.5)
    assert figures["AUROC"] == 0.5  # all of one confidence
    assert figures["calibration error"] == round(abs(0.5 - 3 / 7), 4)
    assert figures["answer by what is asked"] == {"other": 0.4}
    assert figures["nDCG@10"] == round(1 / 1.584962500721156, 4)


@pytest.mark.parametrize("line", ["{", "[]", '{"id": 1}', '"text"'])
def test_a_line_that_is_no_question_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "questions.jsonl"
    good = json.dumps(item("q", [], []))
    file.write_text(f"{good}\n\n{line}\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="line 3"):
        evaluate.read(file)
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="no question"):
        evaluate.read(file)


def test_the_project_s_own_questions_can_be_read() -> None:
    items = evaluate.read(Path(__file__).parent.parent / "benchmarks" / "questions" / "proposal.jsonl")
    text = next((Path(__file__).parent.parent / "seeds").glob("*.txt")).read_text(encoding="utf-8")
    assert len(items) >= 40 and sum(not i["answerable"] for i in items) >= 15
    assert all(quote in text for i in items for quote in i["evidence"])
