"""CMRC 2018's training questions, which people wrote, and the passages that answer them."""

from dataclasses import dataclass
from pathlib import Path

from rag.types import Document
from training.data import lines

HELD = 0.1  # share of the passages whose questions no stage is trained on but the embedder: to measure on


@dataclass(frozen=True, slots=True)
class Question:
    """One training question and where its answer stands in the whole passage."""

    text: str
    document_id: str
    answer: str
    start: int


def read_cmrc(data: Path) -> tuple[dict[str, Document], list[Question]]:
    """Passages and questions of CMRC 2018's training set."""
    documents = {
        row["id"]: Document(id=row["id"], title=row["title"], text=row["text"])
        for row in lines(data / "cmrc2018_train_passages.jsonl.xz")
    }
    questions = [
        Question(row["question"], row["passage_id"], row["answers"][0], row["answer_start"])
        for row in lines(data / "cmrc2018_train_questions.jsonl.xz")
        if row["passage_id"] in documents
    ]
    return documents, [q for q in questions if documents[q.document_id].text[q.start :].startswith(q.answer)]
