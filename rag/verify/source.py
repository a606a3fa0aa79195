"""A passage as sentences are compared with it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import rjieba

from rag.answer.rarity import rarity
from rag.text import fold, sentences
from rag.verify.figures import Figures, figures
from rag.verify.injected import instructions

_NUMERAL = re.compile(r"[\d,.%]+|[零〇一二两三四五六七八九十百千万亿]+")
_WORD = re.compile(r"[a-z0-9一-鿿]")
_FUNCTION = frozenset(
    "的 了 是 在 和 与 及 以及 并 并且 而 而且 但 但是 也 都 还 又 就 才 则 且 或 或者 等 其 其中 该 此 这 那 他 "
    "她 它 他们 她们 它们 为 于 由 以 从 自 到"
    " 至 向 对 对于 关于 把 将 被 让 给 因 因为 由于 因此 所以 因而 如果 后 前 中 上 下 内 时 之 所 有 没有 不 "
    "未 无 没 非 不是 已 已经 曾 曾经 正 正在 会"
    " 能 能够 可 可以 应 应当 应该 要 须 必须 同时 此外 另外 据 根据 据此 表示 指出 称 认为 介绍 说明 显示 资料 "
    "文中 文件 报道 目前 现在 当时 之后 之前 以来 以后"
    " 以前 期间 年 月 日 个 名 位 种 项 家 座 共 共有 一共 总共 共计 总计 达 达到 约 大约 超过 近 余 多 一个 "
    "一种 一些 这个 那个 the a an of in on at to for and or is are"
    " was were by with from as that this it its he she they has have had be been which who also but".split()
)


class Passage(Protocol):
    """What is cited: a search's ``Hit``, or any other thing with these."""

    @property
    def text(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def published(self) -> str | None: ...


@dataclass(frozen=True)
class Source:
    """One passage; what speaks to a language model in it supports nothing."""

    number: int  # from 0
    passage: Passage

    @cached_property
    def folded(self) -> str:
        return fold(self.passage.text)

    @cached_property
    def title(self) -> str:
        return fold(self.passage.title or "")

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Its sentences that may be rested on."""
        text = self.passage.text
        barred = instructions(text)
        return [(s, e) for s, e in sentences(text) if not any(s < stop and start < e for start, stop in barred)]

    @cached_property
    def said(self) -> list[str]:
        """The same, folded."""
        return [self.folded[s:e] for s, e in self.spans]

    @cached_property
    def whole(self) -> str:
        """All that may be rested on, and the title."""
        return "\n".join([self.title, *self.said])

    @cached_property
    def stated(self) -> list[Figures]:
        """Figures of each sentence."""
        return [figures(said, self.passage.published) for said in self.said]

    @cached_property
    def all_stated(self) -> Figures:
        return figures(self.whole, self.passage.published)


def weights(folded: str) -> dict[str, float]:
    """The words of a folded text that carry meaning, each with how rare it is; numerals are none."""
    found: dict[str, float] = {}
    for word in rjieba.cut(_NUMERAL.sub(" ", folded)):
        if len(word) > 1 and _WORD.match(word) and word not in _FUNCTION:
            found[word] = max(0.05, rarity(word))
    return found


def share(word: str, text: str) -> float:
    """How much of a word a folded text has: of the words or pairs of characters in it; all of one of Latin letters."""
    if word in text:
        return 1.0
    if word.isascii() or len(word) < 3:
        return 0.0
    parts = _parts(word)
    return sum(part in text for part in parts) / len(parts)


@lru_cache(maxsize=8192)
def _parts(word: str) -> list[str]:
    """The dictionary's words in a word that is in none (大桥 of 大桥长), else its pairs of characters."""
    known: list[str] = [part for part in rjieba.cut(word, hmm=False) if len(part) > 1 and part != word]
    return known or [word[i : i + 2] for i in range(len(word) - 1)]


def pick(words: dict[str, float], sources: Sequence[Source], most: int = 4) -> list[tuple[Source, int]]:
    """The sentences of ``sources`` that together hold most of the words, the best first."""
    total = sum(words.values()) or 1.0
    have = dict.fromkeys(words, 0.0)
    left = [(source, i) for source in sources for i in range(len(source.said))]
    held = {(source.number, i): {w: share(w, source.said[i]) for w in words} for source, i in left}
    picked: list[tuple[Source, int]] = []
    while left and len(picked) < most:

        def gain(of: tuple[Source, int], have: dict[str, float] = have) -> float:
            own = held[of[0].number, of[1]]
            near = any(of[0] is s and abs(of[1] - i) == 1 for s, i in picked)
            return sum(words[w] * max(0.0, own[w] - have[w]) for w in words) / total + 0.01 * near

        best = max(left, key=gain)
        if gain(best) < (0.08 if picked else 0.02):
            break
        picked.append(best)
        left.remove(best)
        own = held[best[0].number, best[1]]
        have = {w: max(have[w], own[w]) for w in words}
    return picked
