"""Turn questions and passages into the windows that the reader is trained on.

A positive window holds the answer. A negative one is a window of the same passage without it, the window of another
passage that shares most with the question, the window that tempts a near miss, or the window of a question whose year
or subject was exchanged.
"""

import json
import lzma
import random
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from rag.answering.windows import WINDOW_LENGTH, Window, cut_windows, measure_length
from rag.text import fold, sentences, simplify

HELD_OUT = 10  # one passage in so many is never trained on: it measures and calibrates
_GREETINGS = "请问 请问一下, 你好, 你好,请问 您好，我想问一下 麻烦问下， 想了解一下 hi， 大家好， 帮我看看，".split()
_THANKS = "谢谢 ，谢谢！ ?谢谢 ，麻烦了 ，多谢 呢 啊 呀 ，急 ？？ ，在线等".split()
_ANY_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)|[一二][〇零九]\S{2}年")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d(?=年)")


@dataclass(frozen=True, slots=True)
class Passage:
    """A text with its title and its windows."""

    id: str
    title: str
    text: str
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question on a passage. ``span`` is the answer, or the span that tempts, ``[start, end)`` of the text."""

    text: str
    passage: Passage
    answerable: bool
    span: tuple[int, int] | None
    kind: str


@dataclass(frozen=True, slots=True)
class Example:
    """What the reader is shown once; ``span`` is of ``text`` and None where the answer does not stand there."""

    question: str
    title: str
    text: str
    span: tuple[int, int] | None


def is_held_out(passage_id: str) -> bool:
    """Say whether a passage is kept from training."""
    return zlib.crc32(passage_id.encode()) % HELD_OUT == 0


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSON Lines file, compressed with xz or plain."""
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as stream:
        for line in stream:
            if line.strip():
                yield json.loads(line)


def read_written_questions(data: Path, own: Path | None = None) -> tuple[list[Question], list[Question]]:
    """Read the written near misses, and our own questions on the same passages: to train on, and held out."""
    passages: dict[str, Passage] = {}
    parts: tuple[list[Question], list[Question]] = ([], [])
    rows = [
        (row, row["answers"][0] if row["answerable"] else row.get("plausible") or "", row.get("answer_start"))
        for row in read_rows(data / "near_misses.jsonl.xz")
    ]
    for row, _, _ in rows:
        passages.setdefault(row["passage_id"], _make_passage(row["passage_id"], row["title"], row["text"]))
    for path in sorted(own.glob("*.jsonl")) if own else ():
        for row in read_rows(path):
            if row["passage_id"] in passages:
                rows.append((row, row["answer"] if row["answerable"] else row.get("plausible") or "", None))
    for row, words, start in rows:
        passage = passages[row["passage_id"]]
        span = _find_span(passage.text, words, start)
        if span is None and row["answerable"]:
            continue
        question = Question(row["question"], passage, bool(row["answerable"]), span, row["kind"])
        parts[is_held_out(passage.id)].append(question)
    return parts


def read_reading_questions(data: Path, left_out: Iterable[str]) -> list[Question]:
    """Read the CMRC questions, but for passages whose text is among ``left_out``."""
    texts = set(left_out)
    passages = {
        row["id"]: _make_passage(row["id"], row["title"], row["text"])
        for row in read_rows(data / "cmrc2018_train_passages.jsonl.xz")
        if row["text"] not in texts
    }
    questions = []
    for row in read_rows(data / "cmrc2018_train_questions.jsonl.xz"):
        passage = passages.get(row["passage_id"])
        span = _find_span(passage.text, row["answers"][0], row["answer_start"]) if passage else None
        if passage and span:
            questions.append(Question(row["question"], passage, True, span, "cmrc"))
    return questions


def _make_passage(id: str, title: str, text: str) -> Passage:
    return Passage(id, title, text, tuple(cut_windows(text)))


def _find_span(text: str, words: str, start: int | None) -> tuple[int, int] | None:
    if not words:
        return None
    if start is None or text[start : start + len(words)] != words:
        start = text.find(words)
    return (start, start + len(words)) if start >= 0 else None


class ExampleMaker:
    """Makes examples of questions, different ones in each epoch."""

    def __init__(self, questions: list[Question], seed: int) -> None:
        """Index the windows of all passages by pairs of characters, and find the nearest to each question."""
        self._random = random.Random(seed)
        passages = list({id(q.passage): q.passage for q in questions}.values())
        self._windows = [(passage, window) for passage in passages for window in passage.windows]
        self._by_kind: dict[str, list[str]] = defaultdict(list)
        for passage in passages:
            if 2 <= len(passage.title) <= 12:
                self._by_kind[passage.title[-1]].append(passage.title)
        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(2, 2), lowercase=False, dtype=np.float32, min_df=2)
        table = vectorizer.fit_transform(
            fold(f"{passage.title} {passage.text[w.start : w.end]}") for passage, w in self._windows
        )
        self._near: dict[int, list[int]] = {}
        for first in range(0, len(questions), 1000):
            batch = questions[first : first + 1000]
            scores = (vectorizer.transform([fold(q.text) for q in batch]) @ table.T).tocsr()
            for row, question in enumerate(batch):
                begin, end = scores.indptr[row], scores.indptr[row + 1]
                best = np.argsort(-scores.data[begin:end])[:24]
                self._near[id(question)] = scores.indices[begin:end][best].tolist()

    def make_examples(self, question: Question) -> list[Example]:
        """Make the one or two examples of a question for this time."""
        draw = self._random.random
        if not question.answerable:
            return [self._make_tempting(question) if draw() < 0.88 else self._make_elsewhere(question)]
        made = [self._make_positive(question)]
        if draw() < 0.06:
            made += self._make_dated(question)
        chance = draw()
        if chance < 0.30:
            made.append(self._make_elsewhere(question))
        elif chance < 0.52:
            made += self._make_beside(question)
        elif chance < 0.60:
            made += self._make_exchanged(question)
        elif chance < 0.64:
            made.append(self._make_example(question, *self._random.choice(self._windows), None))
        return made

    def _make_positive(self, question: Question) -> Example:
        passage = question.passage
        assert question.span is not None
        window = self._draw_window(passage, question.span)
        return self._make_example(question, passage, window, question.span)

    def _draw_window(self, passage: Passage, span: tuple[int, int]) -> Window:
        """Draw a window that holds the span: one of the regular cut, or one that begins at some sentence before."""
        holding = [w for w in passage.windows if w.start <= span[0] and span[1] <= w.end]
        if holding and self._random.random() < 0.6:
            return self._random.choice(holding)
        spans = sentences(passage.text)
        first = max((i for i, (a, _) in enumerate(spans) if a <= span[0]), default=0)
        last = next((i for i, (_, b) in enumerate(spans) if b >= span[1]), len(spans) - 1)
        room = WINDOW_LENGTH * self._random.uniform(0.4, 1.0)
        before, after = self._random.randint(0, 3), self._random.randint(0, 4)
        start, end = first, last
        for _ in range(before):
            if start and measure_length(passage.text[spans[start - 1][0] : spans[end][1]]) <= room:
                start -= 1
        for _ in range(after):
            if end + 1 < len(spans) and measure_length(passage.text[spans[start][0] : spans[end + 1][1]]) <= room:
                end += 1
        return Window(spans[start][0], max(spans[end][1], span[1]))

    def _make_tempting(self, question: Question) -> Example:
        passage = question.passage
        if question.span is not None and self._random.random() < 0.75:
            window = self._draw_window(passage, question.span)
        else:
            own = [w for n in self._near[id(question)] for p, w in [self._windows[n]] if p is passage]
            window = own[0] if own else self._random.choice(passage.windows)
        return self._make_example(question, passage, window, None)

    def _make_elsewhere(self, question: Question) -> Example:
        """Take one of the nearest windows of other passages that does not say the answer."""
        said = fold(question.passage.text[slice(*question.span)]) if question.span else ""
        near = [
            (passage, window)
            for passage, window in (self._windows[n] for n in self._near[id(question)])
            if passage is not question.passage
            and passage.title != question.passage.title
            and not (question.answerable and said in fold(passage.text[window.start : window.end]))
        ]
        passage, window = self._random.choice(near[:4]) if near else self._random.choice(self._windows)
        return self._make_example(question, passage, window, None)

    def _make_beside(self, question: Question) -> list[Example]:
        """Take a window of the same passage that lies off the answer and does not repeat it."""
        assert question.span is not None
        passage, (start, end) = question.passage, question.span
        said = passage.text[start:end]
        beside = [
            w
            for w in passage.windows
            if (w.end <= start or w.start >= end) and (said not in passage.text[w.start : w.end])
        ]
        return [self._make_example(question, passage, self._random.choice(beside), None)] if beside else []

    def _make_exchanged(self, question: Question) -> list[Example]:
        """Ask after another year or another subject of the same kind; its passage then does not answer."""
        text = question.text
        years = _YEAR.findall(text)
        if years:
            other = str(int(years[0]) + self._random.choice((-11, -7, -3, -2, -1, 1, 2, 3, 5, 10)))
            changed = text.replace(years[0], other, 1)
            if other in question.passage.text:
                return []
        else:
            title = question.passage.title
            others = [t for t in self._by_kind.get(title[-1:], ()) if t != title and t not in question.passage.text]
            if len(title) < 2 or title not in text or not others:
                return []
            changed = text.replace(title, self._random.choice(others), 1)
        assert question.span is not None
        window = self._draw_window(question.passage, question.span)
        return [self._make_example(replace(question, text=changed), question.passage, window, None)]

    def _make_dated(self, question: Question) -> list[Example]:
        """Ask after the year of a text that names it in its title alone, or after another year: reports look alike."""
        assert question.span is not None
        window = self._draw_window(question.passage, question.span)
        shown = question.passage.text[window.start : window.end]
        title = question.passage.title
        if (
            not title
            or any(_ANY_YEAR.search(text) for text in (question.text, shown, title))
            or question.text.isascii()
        ):
            return []
        year = self._random.randint(1998, 2026)
        asked = year if self._random.random() < 0.5 else year + self._random.choice((-3, -2, -1, 1, 2, 3))
        dated = self._random.choice((f"{title}（{year}年）", f"{year}年{title}", f"{title}{year}"))
        passage = replace(question.passage, title=dated)
        text = f"{asked}年{question.text}"
        span = question.span if asked == year else None
        return [self._make_example(replace(question, text=text), passage, window, span)]

    def _make_example(
        self, question: Question, passage: Passage, window: Window, span: tuple[int, int] | None
    ) -> Example:
        inside = (span[0] - window.start, span[1] - window.start) if span else None
        title = passage.title if self._random.random() < 0.9 else ""
        text = passage.text[window.start : window.end]
        return Example(simplify(self._vary_question(question.text)), simplify(title), simplify(text), inside)

    def _vary_question(self, text: str) -> str:
        draw = self._random
        if draw.random() < 0.3:
            text = text.rstrip("?？")
        if draw.random() < 0.04 and len(text) > 6:  # a slip of the keyboard
            at = draw.randrange(1, len(text) - 1)
            text = draw.choice((text[:at] + text[at + 1 :], text[:at] + text[at] + text[at:]))
        if draw.random() < 0.06 and not text.isascii():
            text = draw.choice(_GREETINGS) + text
        if draw.random() < 0.06 and not text.isascii():
            text += draw.choice(_THANKS)
        return text
