"""Terms for the lexical index and for queries: one analyzer for both, with an id.

A passage is folded (width, case, Traditional to Simplified) and cut into runs. A run of Chinese, Japanese or Korean
characters gives its words of two characters and more, its characters and its pairs of characters. A run of other
letters and digits gives the whole token and, where it is composed ("1+6", "covid-19"), its parts; a number also goes
with the character after it ("115项"). Nothing crosses punctuation. A query goes the same way after its question words
and stop words, which are closed classes, have been cut out.
"""

import re
import unicodedata

import rjieba

from rag.text import fold

ANALYZER = "rjieba-0.2/words2+chars+bigrams+numbers/1"
"""Names the analyzer; to be changed whenever terms can come out otherwise, since an index holds its terms."""

_CJK = (
    "\u3005\u3007\u3040-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_LETTERS = rf"[^\W_{_CJK}]+"
_RUN = re.compile(
    rf"(?P<cjk>[{_CJK}]+)|(?P<token>\d{{1,3}}(?:,\d{{3}})+(?![\d,])|{_LETTERS}(?:[-+./'&_%:#]{_LETTERS})*)"
    rf"(?:(?<=\d) ?(?=(?P<unit>[{_CJK}])))?"
)
_PARTS = re.compile(r"\d+|[^\W\d_]+")

# Interrogatives that are no part of other words; the rest is left to the word cutter, which tells 几个 from 几何.
_COUNTS = "国个名位种项条部本张首支件座所家场次届段层间组类枚级门处班辆颗篇句幅株台艘代倍集栋页章节"
_INTERROGATIVE = re.compile(
    "请问|为[什甚]么|[什甚]么(?:时候|时间|地方|样)?|怎么样?|怎样|如何|谁"
    rf"|哪(?![吒咤怕])(?:[里儿边些]|[一几两二三四五六七八九十]{{0,2}}[{_COUNTS}]?(?<!部(?=[分门队])))"
    rf"|第?几[{_COUNTS}](?<!部(?=[分门队]))|(?<![任几如])何[时地处种人]"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOP_WORDS = _words("""
    几 几年 几月 几日 几天 几人 几岁 第几 多少 多久 多大 多长 多高 多远 多深 多宽 多重 多快 何 有何 为何 因何 何为
    何以 何故 何事 何物 何时何地 何年 何月 何日 怎样才能 怎么才能 是否 有没有 是不是 能否 可否 吗 呢 吧 啊 呀 么 嘛 了
    的 地 得 着 过 之 所 是 为 叫 叫做 叫作 称为 是指 有 还有 共有 在 于 由 以 从 自 到 至 向 对 对于 关于 把 将 被 让
    给 与 和 及 以及 或 或者 而 而且 并 并且 但 但是 因 因为 所以 如果 则 且 也 都 还 又 就 才 会 能 能够 可 可以 要
    曾 曾经 已 已经 很 等 其 其中 该 此 这 那 这个 那个 这些 那些 这种 那种 这里 那里 我 你 您 他 她 它 我们 你们 他们
    她们 它们 自己 个 一下 一个 请 想 知道 告诉
""")
_ENGLISH_STOP_WORDS = _words("""
    a an the this that these those it its he she his her they their them we our you your i my me who whom whose what
    which when where why how is are was were be been being am do does did done doing have has had having can could will
    would shall should may might must of in on at to for from by with about into over after before between and or but
    not no nor so if than then as there here many much please tell s t
""")


def analyze(text: str) -> list[str]:
    """The terms of a passage, with repetition; the order has no meaning."""
    folded = fold(unicodedata.normalize("NFKC", text))
    terms: list[str] = []
    for run in _RUN.finditer(folded):
        if cjk := run["cjk"]:
            terms += cjk
            terms += [cjk[i : i + 2] for i in range(len(cjk) - 1)]
            terms += [word for word in rjieba.cut(cjk) if len(word) > 1]
        else:
            terms += _token_terms(run["token"], run["unit"])
    return terms


def query_terms(text: str) -> list[str]:
    """The terms of a query: those of `analyze` without question words and stop words.

    Where nothing else is left ("什么是什么"), all terms are kept.
    """
    return analyze(_prune(text)) or analyze(text)


def query_words(text: str) -> list[str]:
    """The words of a query in their order, single characters too, without question words and stop words.

    Where nothing else is left, all are kept.
    """
    return _cut(_prune(text)) or _cut(fold(unicodedata.normalize("NFKC", text)))


def _cut(folded: str) -> list[str]:
    words: list[str] = []
    for run in _RUN.finditer(folded):
        words += rjieba.cut(run["cjk"]) if run["cjk"] else [run["token"]]
    return words


def _token_terms(token: str, unit: str | None) -> list[str]:
    parts = _PARTS.findall(token)
    whole = token.replace(",", "")  # "2,879" is searched as "2879"
    terms = [whole, *parts] if len(parts) > 1 else [whole]
    if unit:
        terms.append(whole + unit)
    return terms


def _prune(text: str) -> str:
    """The text, folded, with a line break for every question word and stop word."""
    folded = fold(unicodedata.normalize("NFKC", text))
    words = rjieba.cut(_INTERROGATIVE.sub("\n", folded).encode("utf-8", "replace").decode())  # lone surrogates
    # In a Chinese question WHO, IT and US are names.
    stop_words = _STOP_WORDS if re.search(f"[{_CJK}]", folded) else _ENGLISH_STOP_WORDS
    return "".join("\n" if word in stop_words else word for word in words)
