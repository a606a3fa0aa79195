"""Whether a sentence denies what its source says, or says what that denies.

Every negation is compared at the words that it stands before: 没有提交 agrees with 未提交, not with 提交, wherever
in the sentence they stand. Where a text has none of these words the clauses that are most alike are compared.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import rjieba

from rag.text import clauses

# Closed classes: words that hold a sign of negation and deny nothing, and those that deny twice.
_NONE = re.compile(
    "不仅|不但|不只|不单|不光|不断|不同|不少|不过|不管|不论|无论|不久|不禁|不惜|不懈|不料|不愧|不妨|不等|不乏"
    "|不止|不得已|不已|不日"
    "|不免|不由得|不由自主|不满(?=[\\d一二三四五六七八九十百千万])|不足(?=[\\d一二三四五六七八九十百千万])"
    "|不到(?=[\\d一二三四五六七八九十百千万])|不下|不低于|不少于|不超过|不高于|不多于"
    "|不得不|不能不|不可不|不会不|无不|没有不|无非|未尝不|未必不|不可或缺|必不可少|不可分割|不遗余力|源源不断"
    "|坚持不懈|从不间断"
    "|差不多|对不起|了不起|要不是|要不|不丹|不列颠|不锈钢|不动产|不倒翁"
    "|未来|未婚|未成年|未知|无锡|无线|无人机|无轨|无障碍|无数|无穷|无比|无限|无机|无产|无关|无私|无声|无形|无偿"
    "|无菌|无缝|无性"
    "|非常|非洲|北非|南非|东非|西非|中非|非遗|非物质|非法|非官方|非正式|非营利|非盈利|非政府|非金属|除非|莫非|是非|非典"
    "|是否|能否|可否|与否|否则|否认|否决|没收|淹没|沉没|出没|埋没|没落|没入|没顶|别人|别的|别处|区别|分别|级别"
    "|性别|类别|特别|告别|个别|差别|识别"
    "|辨别|鉴别|别墅|别名|别称|离别|国别|派别|莫斯科|莫尔|莫扎特|莫里|莫高|索莫|勿忘"
    "|是不是|有没有|能不能|会不会|可不可以|要不要|无一例外|毫不例外|不约而同|不谋而合|not only|no\\. ?\\d|nothing but"
)
_SIGN = re.compile(
    "(?P<sign>并没有|并没|并不是|并不|并非|并未|从来没有|从来不|从未|从不|从没|尚未|尚无|还没有|还没|还未|未曾"
    "|未能|未予|没有|没能|没"
    "|不再是|不再|不是|不能够|不能|不会|不得|不可以|不可|不准|不许|不应当|不应该|不应|不宜|不必|不用|不须|不需要"
    "|不需|不愿|不肯|不敢|不曾|不予|绝不|决不|毫不"
    "|无法|无须|无需|无权|毫无|严禁|禁止|不|未|无|非|勿|莫|否(?=[定则])|别(?=[再去要]))"
    r"|\b(?P<english>not|no|never|cannot|without|neither|nor|none)\b|(?P<short>n['’]t\b)"
)
_SKIPPED = frozenset(
    "有 是 会 能 可 可以 能够 应 应当 应该 得 要 被 把 将 对 向 在 由 给 让 与 和 同 跟 为 以 任何 一 个 一个 再 "
    "曾 曾经 其 该 此 的 地 了 过 着 这 那 所 任 a an the any be been to".split()
)
_MODAL = re.compile("(?:可以|应当|应该|必须|能够|能|会|要|可|应|须|得|将|曾|已经|已|都|也|仍|并|就|才|是|有)+$")
_HEADS, _REACH = 3, 14
_ALIKE, _CLEARLY = 0.5, 0.15


@lru_cache(maxsize=4096)
def denials(folded: str) -> tuple[tuple[int, int, tuple[str, ...]], ...]:
    """Where a folded text denies: ``[start, end)`` of each sign of negation and the words that it stands before."""
    blank = _NONE.sub(lambda m: "\0" * len(m[0]), folded)
    found = []
    for m in _SIGN.finditer(blank):
        stop = min((e for s, e in clauses(folded, 0, len(folded)) if s <= m.start() < e), default=len(folded))
        after = folded[m.end() : min(stop, m.end() + _REACH)].replace("\0", " ")
        heads = [word for word in rjieba.cut(after) if word.strip() and word not in _SKIPPED and word[0].isalnum()]
        found.append((m.start(), m.end(), tuple(heads[:_HEADS])))
    return tuple(found)


def contradicts(sentence: str, sources: Sequence[str]) -> bool:
    """Whether folded ``sentence`` denies what folded ``sources``, the sentences it rests on, say, or the other way."""
    mine = denials(sentence)
    theirs = [denials(source) for source in sources]
    if not mine and not any(theirs):
        return False
    for start, _, heads in mine:
        verdicts = [_held(head, True, sentence, start, sources, theirs) for head in heads]
        known = [v for v in verdicts if v is not None]
        if known and not any(known):
            return True
        if not known and not _clause_denies(sentence, start, sources):
            return True
    for i, source in enumerate(sources):
        for start, _, heads in theirs[i]:
            verdicts = [_held(head, True, source, start, [sentence], [mine]) for head in heads]
            known = [v for v in verdicts if v is not None]
            if known and not any(known) and not _said_elsewhere(heads[0], sentence, source, start, sources, theirs):
                return True
            if not known and _dropped(source, start, sentence, mine):
                return True
    return False


def _held(
    head: str,
    denied: bool,
    text: str,
    at: int,
    others: Sequence[str],
    signs: Sequence[tuple[tuple[int, int, tuple[str, ...]], ...]],
) -> bool | None:
    """Whether the others' use of ``head`` that is most like the one at ``at`` is denied too; None where none is."""
    best: tuple[float, bool] | None = None
    around = text[max(0, at - 12) : at + 16]
    for other, some in zip(others, signs, strict=True):
        for m in re.finditer(re.escape(head), other):
            is_denied = any(_governs(other, start, end, m.start()) for start, end, _ in some)
            alike = _overlap(around, other[max(0, m.start() - 12) : m.end() + 14]) + (
                0.01 if is_denied == denied else 0
            )
            if best is None or alike > best[0]:
                best = (alike, is_denied)
    return None if best is None else best[1] == denied


def _governs(text: str, start: int, end: int, at: int) -> bool:
    return end <= at <= end + _REACH and not re.search("[,，;；。:：]", text[end:at])


def _said_elsewhere(
    head: str,
    sentence: str,
    source: str,
    start: int,
    sources: Sequence[str],
    signs: Sequence[tuple[tuple[int, int, tuple[str, ...]], ...]],
) -> bool:
    """Whether the sentence's use of ``head`` has a nearer source that does not deny it."""
    found = re.finditer(re.escape(head), sentence)
    return any(_held(head, False, sentence, m.start(), sources, signs) for m in found)


def _clause_denies(sentence: str, at: int, sources: Sequence[str]) -> bool:
    """Whether the source's clause most like the one at ``at`` denies too."""
    clause = next((sentence[s:e] for s, e in clauses(sentence, 0, len(sentence)) if s <= at < e), sentence)
    parts = [source[s:e] for source in sources for s, e in clauses(source, 0, len(source))]
    best = max(parts, key=lambda part: _overlap(clause, part), default="")
    return bool(denials(best))


def _dropped(source: str, at: int, sentence: str, mine: Sequence[object]) -> bool:
    """Whether the sentence says the source's clause at ``at`` without its negation, the words after it changed."""
    clause = next((source[s:e] for s, e in clauses(source, 0, len(source)) if s <= at < e), source)
    parts = [sentence[s:e] for s, e in clauses(sentence, 0, len(sentence))]
    best = max(parts, key=lambda part: _overlap(clause, part), default="")
    return _overlap(clause, best) >= _ALIKE and not denials(best)


def _overlap(a: str, b: str) -> float:
    """Share of the pairs of characters of ``a`` that ``b`` has."""
    pairs = {a[i : i + 2] for i in range(len(a) - 1)}
    return sum(pair in b for pair in pairs) / len(pairs) if pairs else 0.0
