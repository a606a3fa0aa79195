"""Questions about a document itself: its title, source and date, who wrote, edited and photographed it.

Such facts stand in lines of their own (记者:…, 来源:…, «… 某某 摄»), which share few words with a question. What is
known here is how articles are signed in general: roles, and the words that ask for them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.analyze import query_terms
from rag.answer.units import Unit
from rag.ingest import lines as kind
from rag.text import BREAKS, fold
from rag.types import Document, Hit

CONFIDENCE = 0.9  # of a line whose role was asked for; set, not fitted: the training questions ask for none
COVERED = 0.75  # share of the rest of the question that the lines have to hold


@dataclass(frozen=True, slots=True)
class Field:
    """A role: how it is asked for, and what its line is labelled with; both on folded text."""

    asked: re.Pattern[str]
    label: re.Pattern[str]


def _field(asked: str, label: str) -> Field:
    before, after = r"(?:^|[\s;；(（)）|丨/])[^\s:：]{0,4}?", r"[^\s:：]{0,4}?\s*[:：/丨|]\s*(?=[^\s:：])"
    return Field(re.compile(asked), re.compile(f"{before}(?:{label}){after}"))


_FIELDS = {
    "reporter": _field(
        r"记者|作者|谁写|写的|撰稿|撰写|\b(reporters?|authors?|journalists?|wrote|written)\b",
        "记者|作者|撰文|撰稿|文字",
    ),
    "editor": _field(r"(?<!收集)编辑(?!部)|责编|\b(editors?|edited)\b", "编辑|责编"),
    "proofreader": _field(r"校对|校阅|\bproofread\w*", "校对|审校"),
    "reviewer": _field(r"审核|审定|审稿|\breviewed by\b", "审核|编审|审定|终审"),
    "photographer": _field(r"拍摄|摄影师?|拍|摄|照片|图片|配图|\b(photo\w*|pictures?)\b", "摄影|摄|图片|图"),
    "source": _field(
        r"来源|出处|出自|哪[家份个]?(?:媒体|报)|报纸|媒体|刊[登发]|\b(newspaper|source|media)\b", "来源|稿源|出处"
    ),
    "published": _field(
        r"(?:发布|发表|刊[登发]|见报).{0,6}(?:时候|日期|时间|哪|几)|(?:哪|几|什么).{0,6}(?:发布|发表|刊[登发]|见报)"
        r"|\bwhen\b.*\bpublished\b",
        "日期|时间|发布",
    ),
    "title": _field(r"标题|题目|题名|篇名|(?:文章|报[道导]|稿子|新闻).{0,3}叫什么|\b(title|headline)\b", "标题|题目"),
}
_DOCUMENT = re.compile(
    r"(?:这|该|本|此|那)?(?:一)?[篇则份条]?(?:文章|报[道导]|新闻|稿子|稿件|本文|全文|该文|此文|文中|文件|文档|资料)|"
    r"\b(?:this|the) (?:news )?(?:article|report|story|text|document|piece)\b"
)
_LINE = re.compile(f"[^{BREAKS}]+")
_EMPTY = re.compile(
    r"是|的|那|这|谁|哪[一家位个份些两里年天]*|什么|几[位个人]?|多少|叫|由|在|于|上|了|呢|吗|请问|名字|姓名|名单|分别|又|还|有|都|人"
    r"|负责|来自|最初|家|文字|时候|日期|时间|年|月|日|which|what|who|when|where|is|are|was|were|the|this|that|by|from|of|did|it|name"
)


def about_document(question: str, hits: Sequence[Hit], documents: Mapping[str, Document]) -> list[Unit] | None:
    """The lines that answer a question about a document itself, best first.

    None where that is not what is asked; an empty list where it is, of one document alone, and no line says it.
    """
    folded = fold(question)
    names = [name for name, field in _FIELDS.items() if field.asked.search(folded)]
    if not names:
        return None
    of_document = bool(_DOCUMENT.search(folded))
    rest = folded
    for pattern in (_DOCUMENT, *(_FIELDS[name].asked for name in names)):
        rest = pattern.sub(" ", rest)
    terms = frozenset(query_terms(rest)) if _EMPTY.sub("", rest).strip(" ?？,，。.、") else frozenset()
    for id in dict.fromkeys(hit.document_id for hit in hits):
        rank = next(i for i, hit in enumerate(hits) if hit.document_id == id)
        captions = "photographer" in names or ("reporter" in names and bool(terms))
        candidates = list(_lines(documents[id], names, rank, captions=captions))
        if found := _covering(terms, candidates, documents[id].title) if terms else candidates:
            return found
    return [] if of_document and not terms and len(documents) == 1 else None


def _covering(terms: frozenset[str], candidates: Sequence[Unit], title: str) -> list[Unit]:
    """The fewest lines that hold the terms which the title does not. None where they hold too few."""
    left = {term for term in terms if term not in fold(title)}
    if not left:
        return list(candidates)
    found: list[Unit] = []
    while best := max(candidates, key=lambda unit: sum(term in fold(unit.text) for term in left), default=None):
        held = {term for term in left if term in fold(best.text)}
        if not held:
            break
        found.append(best)
        left -= held
    return found if len(left) <= (1 - COVERED) * len(terms) else []


def _lines(document: Document, names: Sequence[str], rank: int, *, captions: bool) -> Iterator[Unit]:
    """The lines of the document that are labelled with one of the roles; of several roles, those with the most."""
    found: list[tuple[int, Unit]] = []
    for match in _LINE.finditer(document.text):
        text = match[0].strip()
        if not text or len(text) > 120:
            continue
        start = match.start() + match[0].index(text)
        unit = Unit(document.id, start, start + len(text), text, (start, start + len(text)), "", "", rank)
        folded = fold(text)
        if kind.is_caption(text):
            if captions:
                found.append((2 if "photographer" in names else 1, unit))
        elif "title" in names and text == document.title:
            found.append((2, unit))
        elif "。" not in text:
            dated = kind.is_metadata(text) and kind.DATE.search(text) is not None
            roles = sum(dated if name == "published" else bool(_FIELDS[name].label.search(folded)) for name in names)
            if roles:
                found.append((roles, unit))
    most = max((count for count, _ in found), default=0)
    return (unit for count, unit in found if count == most)
