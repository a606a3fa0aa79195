"""Near misses: questions whose topic the corpus knows and whose fact it does not state; how many are refused.

    python -m benchmarks.near_misses --shared ../shared
    python -m benchmarks.near_misses --shared ../shared --write /tmp/near      # documents.jsonl and questions.jsonl

Made from those passages of CMRC 2018's training set on which neither the reader nor the answer stage has seen a
question; as passages that do not answer they may have met them, and the embedder knows their questions. The corpus is
these passages. In a question that they answer, the year, a place or the body it is about is replaced by one
that occurs elsewhere in the corpus, of which it does not say this; or a field is asked for that nothing says of that
body. Beside them stand questions that are answered, as they were asked, so that refusals have their price shown.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.progress import track

from rag.engine import Engine
from rag.evaluate import figures, score
from rag.types import Document
from training.data import place
from training.near_misses import YEAR, crossed, places
from training.questions import HELD, Question, read_cmrc

EACH, ALL = 100, 400  # questions of each kind at most, of which the last fills up what the others lack; of all
PRESENT = 500
# A field that texts on people, places, bodies and works may state; asked only where no word of it stands in a text.
FIELDS = (
    ("主任", "{}的主任是谁？"), ("校训", "{}的校训是什么？"), ("总投资", "{}的总投资是多少？"),
    ("吉祥物", "{}的吉祥物叫什么？"), ("票房", "{}的票房收入是多少？"), ("占地面积", "{}的占地面积有多大？"),
    ("主编", "{}的主编是谁？"), ("发言人", "{}的发言人是谁？"), ("赞助", "{}由哪家公司赞助？"),
    ("身高", "{}的身高是多少？"), ("邮政编码", "{}的邮政编码是多少？"), ("保质期", "{}的保质期有多久？"),
    ("门票", "{}的门票多少钱？"), ("员工", "{}有多少名员工？"), ("奠基", "{}是哪一年奠基的？"),
    ("设计师", "{}的设计师是谁？"), ("会员", "{}有多少会员？"), ("供应商", "{}的供应商是哪一家？"),
    ("获奖", "{}获奖的时间是哪一年？"), ("首席科学家", "{}的首席科学家是谁？"), ("学费", "{}的学费是多少？"),
    ("迁址", "{}是什么时候迁址的？"), ("年产量", "{}的年产量是多少？"), ("绰号", "{}的绰号是什么？"),
)  # fmt: skip


def main() -> None:
    """Make them, ask them, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--write", type=Path, help="write the two files there and ask nothing")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    documents, questions = read_cmrc(options.shared / "train")
    documents = {id: document for id, document in documents.items() if place(id) < HELD}
    items = made(documents, [q for q in questions if q.document_id in documents])
    if options.write:
        options.write.mkdir(parents=True, exist_ok=True)
        rows = [{"id": d.id, "title": d.title, "text": d.text} for d in documents.values()]
        for name, lines in (("documents", rows), ("questions", items)):
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            (options.write / f"{name}.jsonl").write_text(text, encoding="utf-8")
        return
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine.open(Path(folder))
        engine.add(list(documents.values()))
        scored = [score(engine, item) for item in track(items, "asking")]
        engine.close()
    found = figures(scored, items)
    if options.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for kind, share in found["right by kind"].items():
        print(
            f"{kind:10} {sum(i['kind'] == kind for i in items):4} {'right' if kind == 'present' else 'refused'} {share}"
        )
    print(f"refused {found['refused']}, false refusals {found['false refusals']}, answer {found['answer']}")


def made(documents: dict[str, Document], questions: Sequence[Question], seed: int = 7) -> list[dict[str, Any]]:
    """``ALL`` near misses, of each kind as many as there are up to ``EACH``, and ``PRESENT`` that are answered."""
    rng = random.Random(seed)
    questions = rng.sample(list(questions), len(questions))
    kinds: tuple[tuple[str, Callable[[], Iterator[str]]], ...] = (
        ("year", lambda: _years(documents, questions, rng)),
        ("place", lambda: _places(documents, questions, rng)),
        ("body", lambda: _bodies(documents, questions, rng)),
        ("field", lambda: _fields(documents, rng)),
    )
    items: list[dict[str, Any]] = []
    for kind, make in kinds:
        wanted = ALL - len(items) if kind == kinds[-1][0] else EACH
        items += [_item(f"{kind}-{n}", text, kind) for n, text in zip(range(wanted), make(), strict=False)]
    for number, q in enumerate(questions[:PRESENT]):
        item = _item(f"present-{number}", q.text, "present")
        items.append(item | {"answerable": True, "must_include": [[q.answer]]})
    return items


def _item(id: str, question: str, kind: str) -> dict[str, Any]:
    return {"id": id, "question": question, "kind": kind, "answerable": False, "evidence": [], "must_include": []}


def _years(documents: dict[str, Document], questions: Sequence[Question], rng: random.Random) -> Iterator[str]:
    """The right measure of another year."""
    years = sorted({year for d in documents.values() for year in YEAR.findall(d.text)})
    for q in questions:
        asked, own = YEAR.search(q.text), documents[q.document_id]
        others = [
            y for y in years if asked and y not in own.text and y != asked[0] and abs(int(y) - int(asked[0])) < 20
        ]
        if asked and others:
            yield q.text.replace(asked[0], rng.choice(others))


def _places(documents: dict[str, Document], questions: Sequence[Question], rng: random.Random) -> Iterator[str]:
    """The same of another place."""
    everywhere = sorted({name for d in documents.values() for name in places(d.text)})
    for q in questions:
        own = documents[q.document_id]
        asked = [name for name in places(q.text) if name not in q.answer]
        others = [name for name in everywhere if name not in own.text and name not in own.title]
        if asked and others:
            yield q.text.replace(asked[0], rng.choice(others))


def _bodies(documents: dict[str, Document], questions: Sequence[Question], rng: random.Random) -> Iterator[str]:
    """The same of another body, work or person, whose passages hold no word of what is asked."""
    for q in questions:
        own = documents[q.document_id]
        for other in rng.sample(list(documents.values()), min(len(documents), 40)):
            text = crossed(q.text, own.title, other, [*_about(other, documents), other])
            if text and other.title not in own.text:
                yield text
                break


def _fields(documents: dict[str, Document], rng: random.Random) -> Iterator[str]:
    """A field that no passage on a body states."""
    for document in rng.sample(list(documents.values()), len(documents)):
        word, form = rng.choice(FIELDS)
        if len(document.title) > 1 and not any(word in d.text for d in _about(document, documents)):
            yield form.format(document.title)


def _about(document: Document, documents: dict[str, Document]) -> list[Document]:
    return [d for d in documents.values() if document.title in d.text or d.title == document.title]


if __name__ == "__main__":
    main()
