"""Title, source and date of an article, read from its own lines. What does not stand there stays empty."""

import datetime
import re

from rag.ingest import lines as kind

_SOURCE = re.compile(
    r"(?:^|[\s|·(（\[【])(?:(?:本文|文章|信息|消息|稿件|新闻)?来源|稿源|出处|source)\s*[:：]\s*"
    r"([^\s:：|丨,，。;；()（）\[\]【】<>《》]+(?: [A-Za-z][\w.]*)*)([:：])?",
    re.IGNORECASE,
)
_GLUED = re.compile(  # the label of the next field, when nothing stands between it and the name of the source
    r"(?:收集|整理|责任|值班|本文|文章|网络|特约|实习|本报|首席|发布|更新|发表)*"
    r"(?:编辑|责编|编审|作者|记者|时间|日期|校对|审核|浏览|阅读|点击|字[体号]|分享|评论|栏目|关键[词字]|标签)(?:次数|数|量|时间)?$"
)
_DATED = re.compile(r"时间|日期|来源|稿源|发布|发表|更新|date|published|updated|source", re.IGNORECASE)
_HEAD, _TAIL = 12, 12  # lines of an article among which its source may be named


def title_of(text: str, stem: str) -> str:
    """Return the title of an article that shows no page around it: its first line when that can be one.

    Otherwise the file's name without its ending, when that says something in Chinese; else an empty string.
    """
    first = text.split("\n", 1)[0].strip()
    if 2 <= len(first) <= 80 and not kind.is_bulleted(first) and not re.search(r"[。；;，,：:]$", first):
        whole = not re.search(r"[。！？!?].*[。！？!?]", first) and text.strip() != first
        if whole and not kind.is_metadata(first) and not kind.is_byline(first) and not kind.is_crumbs(first):
            return first
    return stem if len(re.findall(r"[\u3400-\u9fff]", stem)) >= 2 else ""


def source_of(text: str) -> str | None:
    """Return who published the article, from a ``来源:`` label near its beginning or its end; None without one."""
    lines = [line for line in text.split("\n") if line]
    near = lines[:_HEAD] + lines[max(_HEAD, len(lines) - _TAIL) :]
    for line in near:
        if len(line) > 200 or (kind.is_prose(line) and not kind.is_metadata(line)):
            continue
        for match in _SOURCE.finditer(line):
            name = match[1].strip()
            if match[2]:  # "来源:某报编辑:": what stands before the second colon ends with the next label
                name = _GLUED.sub("", name)
            if name and not name.isdigit():
                return name
    return None


def published_of(text: str) -> str | None:
    """Return the ISO date of publication from the lines that give it, near the beginning; None where none stands."""
    for line in [line for line in text.split("\n") if line][:_HEAD]:
        if not kind.is_metadata(line):
            continue
        date = kind.DATE.search(line)
        if date is not None and (_DATED.search(line) or kind.DATE.sub("", line).strip(" :：0123456789|·") == ""):
            return iso_date(date)
    return None


def iso_date(match: re.Match[str] | None) -> str | None:
    """Return ``YYYY-MM-DD`` for a match of ``lines.DATE``; None for a day that no calendar has."""
    if match is None:
        return None
    try:
        return datetime.date(int(match[1]), int(match[2]), int(match[3])).isoformat()
    except ValueError:
        return None
