"""An answer held to its sources: sentence by sentence, what the passages cited do not say is dropped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from rag.embed import SHIPPED, Embed, StaticEmbedder
from rag.memo import Memo
from rag.text import fold
from rag.verify.agree import Picked, turned, wrong_amount, wrong_date, wrong_name
from rag.verify.negation import contradicts
from rag.verify.quotes import Quote, quotes
from rag.verify.source import Passage, Source, pick, share, weights
from rag.verify.split import Said, Splitter
from rag.verify.tokens import Token, Tokens

COVERED = 0.62  # share of a sentence's words, by weight, that its sources hold or nearly mean
NEAR, SAME = 0.45, 0.85  # cosines of two words from which on one counts for the other, from not at all to fully
HELD = 0.9  # share of its words from which on a sentence need not be near in meaning: it may be a small part
MEANT = 0.4  # cosine of any other sentence and what it rests on
LONGEST = 20_000  # characters of an answer that are read

Reason = Literal["uncited", "not retrieved", "words", "number", "date", "name", "negation", "direction"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A sentence that holds: its text without marks, and the spans of the passages that it rests on."""

    text: str
    quotes: tuple[Quote, ...]
    line: int  # of the answer, counted where it says something
    covered: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence, or a citation of one, that does not hold; ``number`` is that of the citation in the answer."""

    text: str
    reason: Reason
    detail: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left of an answer. ``dropped`` are sentences, ``citations`` those dropped from sentences that stay."""

    kept: tuple[Kept, ...]
    dropped: tuple[Dropped, ...]
    citations: tuple[Dropped, ...]

    @property
    def refusal(self) -> bool:
        """Whether nothing is left, which is the same as saying that the passages do not answer."""
        return not self.kept

    @property
    def text(self) -> str:
        """The sentences that hold, each with the numbers of its passages, from 1."""
        parts: list[str] = []
        for before, kept in zip((None, *self.kept), self.kept, strict=False):
            marks = "".join(f"[{n + 1}]" for n in dict.fromkeys(q.passage for q in kept.quotes))
            parts += [between(before, kept), kept.text, marks]
        return "".join(parts)


class Checker:
    """Checks an answer while it is written: ``feed`` what arrives, and take the sentences that hold."""

    def __init__(self, passages: Sequence[Passage], embed: Embed | None = None) -> None:
        """``passages`` in the order of their numbers, from 1; ``embed`` gives meanings, the shipped model's if None."""
        self._sources = [Source(i, passage) for i, passage in enumerate(passages)]
        self._embed = embed or shipped_meanings()
        self._tokens, self._splitter = Tokens(), Splitter()
        self._read = 0
        self._kept: list[Kept] = []
        self._dropped: list[Dropped] = []
        self._citations: list[Dropped] = []

    def feed(self, text: str) -> list[Kept]:
        """The sentences that ``text`` shows to have ended, and that hold."""
        text = text[: max(0, LONGEST - self._read)]
        self._read += len(text)
        return self._check(self._splitter.feed(self._tokens.feed(text)))

    def finish(self) -> list[Kept]:
        """The same of the rest; nothing can be fed after it."""
        rest: list[Token] = self._tokens.finish()
        return self._check([*self._splitter.feed(rest), *self._splitter.finish()])

    @property
    def full(self) -> bool:
        """Whether so much was read that no more is."""
        return self._read >= LONGEST

    @property
    def checked(self) -> Checked:
        """All so far."""
        return Checked(tuple(self._kept), tuple(self._dropped), tuple(self._citations))

    def _check(self, said: Sequence[Said]) -> list[Kept]:
        new = []
        for each in said:
            kept = self._sentence(each)
            if kept:
                self._kept.append(kept)
                new.append(kept)
        return new

    def _sentence(self, said: Said) -> Kept | None:
        if not said.numbers:
            self._dropped.append(Dropped(said.text, "uncited"))
            return None
        sources = [self._sources[n - 1] for n in said.numbers if 1 <= n <= len(self._sources)]
        unknown = [
            Dropped(said.text, "not retrieved", number=n) for n in said.numbers if not 1 <= n <= len(self._sources)
        ]
        if not sources:
            self._dropped += unknown
            return None
        folded = fold(said.text)
        alone = [(source, _judge(folded, [source], self._embed)) for source in sources]
        held = [(source, v) for source, v in alone if v.fault is None]
        together = _judge(folded, sources, self._embed) if len(sources) > 1 and not held else None
        if together is not None and together.fault is None:
            used = {source.number for source, _ in together.picked}
            held, alone = [(sources[0], together)], [(s, v) for s, v in alone if s.number not in used]
        failed = [Dropped(said.text, v.fault, v.detail, s.number + 1) for s, v in alone if v.fault]
        if not held:
            worst = (
                together
                if together is not None and together.fault
                else min((v for _, v in alone), key=lambda v: -v.covered)
            )
            self._dropped.append(Dropped(said.text, worst.fault or "words", worst.detail))
            return None
        self._citations += [*unknown, *failed]
        rests = tuple(quote for _, v in held for quote in quotes(folded, v.picked))
        return Kept(said.text, rests, said.line, max(v.covered for _, v in held))


@dataclass(frozen=True, slots=True)
class _Verdict:
    picked: Picked
    covered: float
    fault: Reason | None = None
    detail: str = ""


def check(answer: str, passages: Sequence[Passage], embed: Embed | None = None) -> Checked:
    """Keep of ``answer`` the sentences whose ``[n]`` name passages (from 1) that say what they say.

    A sentence has to have its numbers, dates and names from the passages cited, must deny what they deny and nothing
    else, and most of its words must be theirs, or near them in meaning (``embed``, the shipped model's if None). It
    may be cited at its end or with the sentence after it in its line.
    """
    checker = Checker(passages, embed)
    checker.feed(answer)
    checker.finish()
    return checker.checked


@cache
def shipped_meanings() -> Callable[[Sequence[str]], np.ndarray]:
    """Meanings of texts by the model that comes along, loaded once."""
    return Memo(StaticEmbedder(SHIPPED).meanings, 16_384)


def _judge(folded: str, sources: Sequence[Source], embed: Embed) -> _Verdict:
    words = weights(folded)
    picked = pick(words, sources)
    if not picked:
        return _Verdict(picked, 0.0, "words")
    covered = _covered(words, picked, embed)
    verdict = _fault(folded, picked, sources)
    if verdict:
        return _Verdict(picked, covered, *verdict)
    if covered < COVERED:
        return _Verdict(picked, covered, "words", f"{covered:.2f}")
    if covered >= HELD:
        return _Verdict(picked, covered)
    vectors = embed([folded, "".join(source.said[i] for source, i in picked)])
    meant = float(vectors[0] @ vectors[1])
    if meant < MEANT:
        return _Verdict(picked, covered, "words", f"{meant:.2f} in meaning")
    return _Verdict(picked, covered)


def _fault(folded: str, picked: Picked, sources: Sequence[Source]) -> tuple[Reason, str] | None:
    if found := wrong_amount(folded, picked, sources):
        return "number", found
    if found := wrong_date(folded, picked, sources):
        return "date", found
    if found := wrong_name(folded, picked, sources):
        return "name", found
    if contradicts(folded, [source.said[i] for source, i in picked]):
        return "negation", ""
    if found := turned(folded, picked):
        return "direction", found
    return None


def _covered(words: dict[str, float], picked: Picked, embed: Embed) -> float:
    """Share of the words, by weight, that the picked sentences hold, a word nearly meant in part."""
    total = sum(words.values())
    if not total:
        return 1.0
    text = "\n".join([*(source.said[i] for source, i in picked), *{source.title for source, _ in picked}])
    have = {word: share(word, text) for word in words}
    missing = sorted(word for word, part in have.items() if part < 1)
    known = sorted(weights(text))
    if missing and known:
        vectors = embed([*missing, *known])
        near = (vectors[: len(missing)] @ vectors[len(missing) :].T).max(1)
        for word, cosine in zip(missing, near, strict=True):
            have[word] = max(have[word], min(1.0, max(0.0, (float(cosine) - NEAR) / (SAME - NEAR))))
    return sum(weight * have[word] for word, weight in words.items()) / total


def between(before: Kept | None, kept: Kept) -> str:
    """What stands between two sentences that are kept: a line break, a space where both are Latin, or nothing."""
    if before is None:
        return ""
    return "\n" if kept.line > before.line else " " if before.text[-1:].isascii() and kept.text[:1].isascii() else ""
