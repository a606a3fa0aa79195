"""Questions made from statements: a span is taken out of a sentence, and another text that says the same must give it.

A sentence of a paper's abstract or conclusion is asked of the paragraph of the same paper that says the same in other
words, as far as there is one that holds the span too (after Dhingra et al. 2018, «Simple and Effective Semi-Supervised
Question Answering»). Encyclopaedia passages, laws and single paragraphs are asked of themselves, with words left out.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import rjieba

from rag.answer.rarity import Weight
from rag.answer.signs import NAME_TAGS
from rag.text import fold, sentences
from training.data import lines, paper, part_of, place
from training.noise import Neighbours, blurred

SHORT, LONG = 60, 600  # characters of a passage
DROPPED = {"said": 0.3, "elsewhere": 0.12}  # share of words left out, by where the statement is from
EXCHANGED = 0.12  # share of words that are exchanged for one of like meaning
MISSED = 0.35  # share of the questions that are asked of something else as well
LIKE = 0.35  # share of a statement's words, by weight, that the sentence which says the same holds
TELLING = 0.45  # how rare what is taken out is at least
_CLAUSE = re.compile(r"[，,；;：:]")
_CONCLUDES = re.compile(r"结论|结语|结束语|小结|总结|讨论")
_YEAR = re.compile(r"(?<!\d)(1[5-9]|20)\d\d年(?:\d{1,2}月)?(?:\d{1,2}日)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?\s?(?:%|‰|[一-鿿]{0,2})")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9\-]{2,}(?: [A-Za-z][A-Za-z0-9\-]{2,}){0,2}")
_USABLE = re.compile(r"[一-鿿A-Za-z0-9]")
_BAD = re.compile(r"[\[\]【】{}=<>~^_\\|@]|图\s?\d|表\s?\d")


@dataclass(frozen=True, slots=True)
class Cloze:
    """A made question, the passage that answers it and the span of its answer there, and passages like it."""

    question: str
    text: str
    title: str
    span: tuple[int, int]
    others: tuple[tuple[str, str], ...]  # texts and titles
    missed: str | None  # asked of something that the passage does not name


@dataclass(frozen=True, slots=True)
class _Said:
    """A sentence and its words of two characters and more."""

    text: str
    start: int
    words: frozenset[str]


def clozes(data: Path, weight: Weight, near: Neighbours, unseen: float, seed: int) -> Iterator[Cloze]:
    """All that can be made of the folder; of CMRC's passages only of those whose ``place`` is past ``unseen``."""
    rng = random.Random(seed)
    maker = _Maker(weight, near, rng)
    abstracts: dict[str, str] = {}
    for row in lines(data / "chinaxiv_abstracts.jsonl.xz"):
        if row["kind"] in ("title_abstract", "keywords_abstract"):
            abstracts.setdefault(paper(row["src"]), row["d"])
    for group, rows in groupby(lines(data / "chinaxiv_paragraphs.jsonl.xz"), key=lambda r: paper(r["paper"])):
        if part_of(group, "chinaxiv") == "train":
            yield from maker.of_paper(abstracts.get(group, ""), list(rows))
    passages = [
        (row["title"], row["text"])
        for row in lines(data / "cmrc2018_train_passages.jsonl.xz")
        if place(row["id"]) >= unseen
    ]
    yield from maker.of_themselves(passages, 6)
    laws = [(row["q"], row["d"]) for row in lines(data / "laws_articles.jsonl.xz") if SHORT < len(row["d"]) < LONG]
    rng.shuffle(laws)
    yield from maker.of_themselves(laws[:4000], 1)


class _Maker:
    def __init__(self, weight: Weight, near: Neighbours, rng: random.Random) -> None:
        self.weight, self.near, self.rng = weight, near, rng

    def of_paper(self, abstract: str, rows: Sequence[dict[str, str]]) -> Iterator[Cloze]:
        """Statements of the abstract and of conclusions, asked of the paragraphs."""
        body = [r for r in rows if SHORT <= len(r["text"]) <= LONG and r["text"][:40] not in abstract]
        if len(body) < 3:
            return
        title = rows[0]["title"]
        said = [[_Said(r["text"][s:e], s, _words(r["text"][s:e])) for s, e in sentences(r["text"])] for r in body]
        asking: list[tuple[str, int]] = [(abstract[s:e], -1) for s, e in sentences(abstract)]
        for number, row in enumerate(body):
            if _CONCLUDES.search(row["heading"]):
                asking += [(one.text, number) for one in said[number]]
        self.rng.shuffle(asking)
        made = 0
        for statement, origin in asking:
            if made < 5 and (cloze := self._elsewhere(statement, origin, title, body, said)):
                made += 1
                yield cloze
        number = self.rng.randrange(len(body))
        if cloze := self._itself(title, body[number]["text"], [b["text"] for b in body]):
            yield cloze

    def of_themselves(self, passages: Sequence[tuple[str, str]], most: int) -> Iterator[Cloze]:
        """Each passage asked of itself, ``most`` times, beside two others drawn at random."""
        for title, text in passages:
            for _ in range(most):
                others = [self.rng.choice(passages) for _ in range(2)]
                cloze = self._itself(title, text, [o for t, o in others if t != title], most > 1)
                if cloze:
                    yield cloze

    def _elsewhere(
        self, statement: str, origin: int, title: str, body: Sequence[dict[str, str]], said: Sequence[Sequence[_Said]]
    ) -> Cloze | None:
        if not 12 <= len(statement) <= 150 or _BAD.search(statement):
            return None
        wanted = _words(statement)
        total = sum(map(self.weight, wanted))
        if total < 1.5:
            return None
        covers = [
            (sum(map(self.weight, wanted & one.words)) / total, i, j)
            for i, some in enumerate(said)
            if i != origin
            for j, one in enumerate(some)
        ]
        cover, i, j = max(covers, default=(0.0, 0, 0))
        best = said[i][j]
        if cover < LIKE or statement[:12] in best.text or statement[-14:-1] in best.text:
            return None
        span = self._common(statement, best.text)
        if not span:
            return None
        answer = statement[slice(*span)]
        start = best.start + best.text.index(answer)
        others = [(max(c for c, at, _ in covers if at == k), k) for k in range(len(body)) if k not in (i, origin)]
        near = [body[k]["text"] for _, k in sorted(others, reverse=True) if answer not in body[k]["text"]][:2]
        return self._made(statement, span, body[i]["text"], title, start, near, "elsewhere")

    def _itself(self, title: str, text: str, others: Sequence[str], titled: bool = False) -> Cloze | None:
        spans = [(s, e) for s, e in sentences(text) if 12 <= e - s <= 150 and not _BAD.search(text[s:e])]
        if not spans or len(text) > 3 * LONG:
            return None
        s, e = self.rng.choice(spans)
        found = self._common(text[s:e], text[s:e])
        if not found:
            return None
        answer = text[s + found[0] : s + found[1]]
        around = max(0, s - self.rng.randrange(LONG // 2)), min(len(text), e + self.rng.randrange(LONG // 2))
        near = [o[:LONG] for o in others if answer not in o and len(o) >= SHORT and o != text][:2]
        passage = text[slice(*around)]
        start = s + found[0] - around[0]
        return self._made(text[s:e], found, passage, title, start, near, "said", titled)

    def _common(self, statement: str, other: str) -> tuple[int, int] | None:
        """Something of the statement that ``other`` says in the same words, once each: numbers and names first."""
        spans = [m.span() for p in (_YEAR, _NUMBER, _LATIN) for m in p.finditer(statement)]
        at, nouns = 0, []
        run: tuple[int, int] | None = None
        for word, tag in rjieba.tag(statement):
            end = at + len(word)
            if tag.startswith(NAME_TAGS) and len(word) > 1:
                spans.append((at, end))
            noun = tag.startswith(("n", "vn")) and bool(_USABLE.match(word))
            if noun:
                run = (run[0], end) if run else (at, end)
            if run and (not noun or end == len(statement)):
                nouns.append(run)
            run = run if noun else None
            at = end
        self.rng.shuffle(spans)
        self.rng.shuffle(nouns)
        if self.rng.random() < 0.5:
            spans, nouns = nouns, spans
        for start, end in (*spans, *nouns):
            text = statement[start:end]
            telling = text[0].isdigit() or self.weight(fold(text)) > TELLING
            if telling and 1 < end - start <= 14 and statement.count(text) == 1 and other.count(text) == 1:
                return start, end
        return None

    def _made(
        self, statement: str, span: tuple[int, int], text: str, title: str, start: int, others: Sequence[str],
        origin: str, titled: bool = False,
    ) -> Cloze | None:  # fmt: skip
        answer = statement[slice(*span)]
        before, after = statement[: span[0]], statement[span[1] :].rstrip("。！!；;")
        # The clause with the gap, and at times the ones beside it.
        left, right = _CLAUSE.split(before), _CLAUSE.split(after)
        keep_left, keep_right = self.rng.choice(((0, 0), (1, 0), (0, 1), (1, 1), (9, 9)))
        before, after = "，".join(left[-1 - keep_left :]), "，".join(right[: 1 + keep_right])
        if len(before) + len(after) < 8:
            before, after = "，".join(left[-2:]), "，".join(right[:2])
        dropped = DROPPED[origin]
        before, after = (blurred(part, self.near, self.rng, dropped, EXCHANGED) for part in (before, after))
        question = before + self._asks(answer, before) + after
        if titled and title not in question and answer not in title and self.rng.random() < 0.7:
            question = title + self.rng.choice(("", "", "的", "，", "中，")) + question
        kept = _words(question)
        if answer in question or sum(map(self.weight, kept)) < 1.2 or len(question) > 90:
            return None
        question += self.rng.choice(("？", "?", "？", ""))
        missed = self._missed(question, text, title) if self.rng.random() < MISSED else None
        pairs = tuple((other, title) for other in others)
        return Cloze(question, text, title, (start, start + len(answer)), pairs, missed)

    def _asks(self, answer: str, before: str) -> str:
        """The words that ask for the answer, by its form."""
        if _YEAR.fullmatch(answer):
            return self.rng.choice(("哪一年", "什么时候", "何时", "哪年", "什么时间"))
        if number := _NUMBER.fullmatch(answer):
            unit = re.sub(r"[\d.\s%‰]", "", number[0])
            return self.rng.choice(("多少", "几", "多少")) + unit if unit else "多少"
        tags = rjieba.tag(answer)
        last, tag = tags[-1]
        if tag.startswith("nr"):
            return self.rng.choice(("谁", "谁", "什么人", "哪位"))
        if tag.startswith("ns"):
            return self.rng.choice(("哪里", "什么地方", "何处", "哪个地方", "哪儿"))
        if len(tags) > 1 and len(last) > 1 and self.rng.random() < 0.5:
            return self.rng.choice(("什么", "哪种", "哪个", "哪些", "何种", "哪一")) + last
        is_ = "" if before.endswith(("为", "是")) or self.rng.random() < 0.85 else "的是"
        return is_ + self.rng.choice(("什么", "什么", "哪些", "何", "哪个"))

    def _missed(self, question: str, text: str, title: str) -> str | None:
        """The question with its rarest noun exchanged for something of like meaning that the passage does not say."""
        nouns = [w for w, t in rjieba.tag(question) if len(w) > 1 and t.startswith("n") and w in text + title]
        for word in sorted(nouns, key=lambda w: -self.weight(fold(w)))[:2]:
            for other in self.near.of(fold(word))[:4]:
                if other not in text and not set(other) <= set(word):
                    return question.replace(word, other)
        return None


def _words(text: str) -> frozenset[str]:
    return frozenset(w for w in rjieba.cut(fold(text)) if len(w) > 1 and _USABLE.match(w))
