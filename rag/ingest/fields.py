"""Title, source, date and author of an article, read from its own lines. What does not stand there stays empty."""

import itertools
import re

from rag.ingest import dates
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
_CHANGED = re.compile(r"(?:更新|修改|截止|updated|modified)\S{0,4}\s*[:：]?\s*$", re.IGNORECASE)
_PLACED = re.compile(r"(?:地点|地址|会场)\s*[:：]")  # when and where something is to be: no date of publication
_CLOCK = re.compile(r"\s*T?\s*\d{1,2}[:：]\d\d(?!\d)")
_ISSUER = re.compile(  # who signs a notice or a decision, above its date
    r"(?:政府|委员会|常委会|办公[厅室]|[局厅部院司署处科所会社馆站]|中心|公司|集团|大学|学院|学校|[中小]学|医院|银行|支队|党委|支部|小组)$"
)
_AUTHOR = re.compile(
    r"(?:^|[\s|·(（【])(?:(?:本文|文章|原文)?作者|(?:采写|采访|撰文|撰稿|文字)?(?:本报|本刊|本网|首席|实习|特约|见习)*(?:记者|撰文|撰稿|采写)|文)"
    r"\s*[:：/／丨|]\s*(?P<names>[^:：/／丨|。，,;；()（）【】\[\]]{2,60})|^(?:by|author)\s*:\s*(?P<en>[^|:：。]{2,60})$",
    re.IGNORECASE,
)
_REPORTER = re.compile(r"^\s*\S{0,6}记者\s+")
_ROLE_NEXT = re.compile(  # after the names: the label of another field, or a date
    r"\s+\S{0,8}?(?:来源|编辑|责编|时间|日期|通讯员|摄影|图片|摄|校对|审核|发布|浏览|阅读|点击|字号|出处|监制|制图|供图|记者|评论|分享|收藏|打印|转发|关注|\d).*$"
    r"|(?:来源|编辑|责编|发布时间|时间|日期|通讯员|摄影|浏览|阅读)$",
)
_SPOKEN = re.compile(  # 政府工作报告——2024年3月5日在第十四届全国人民代表大会第二次会议上
    rf"(?P<title>.{{0,60}}?)\s*(?:^|[—–]{{1,2}}|[（(])\s*(?:{kind.DATE.pattern})\s*在[^。]{{2,60}}上", re.IGNORECASE
)
_HEAD, _TAIL = 12, 12  # lines of an article among which its source may be named
_TITLED = 4  # lines among which a speech is dated by where it was held, or in brackets


def title_of(text: str, stem: str) -> str:
    """Return the title of an article that shows no page around it: its first line when that can be one.

    Otherwise the file's name without its ending, when that says something in Chinese; else an empty string.
    """
    first = text.split("\n", 1)[0].strip()
    if 2 <= len(first) <= 80 and not kind.is_bulleted(first) and not re.search(r"[。；;，,：:]$", first):
        whole = not re.search(r"[。！？!?].*[。！？!?]", first) and text.strip() != first
        if whole and not kind.is_metadata(first) and not kind.is_byline(first) and not kind.is_crumbs(first):
            spoken = _SPOKEN.match(first)
            return spoken["title"] if spoken and len(spoken["title"]) >= 2 else first
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
    """Return the ISO date of publication; None where none stands.

    It is read from the lines near the beginning that give it: labelled, alone in its line, with the time of day in a
    line that is no sentence, or with the meeting at which a speech was held; else from the end, where it stands alone
    under the body that issues a notice.
    """
    lines = [line for line in text.split("\n") if line]
    for row, line in enumerate(lines[:_HEAD]):
        days = list(dates.find(line)) if len(line) <= 200 else []
        if not days or _PLACED.search(line):
            continue
        if row < _TITLED and (_SPOKEN.match(line) or _is_bare(line.strip("（）()"))):
            return days[0][1]
        stamped = _CLOCK.match(line, days[0][0].end()) is not None and len(line) <= 60 and not kind.is_terminated(line)
        told = kind.is_metadata(line) and (_DATED.search(line) is not None or _is_bare(line))
        issuer = line[: days[0][0].start()].strip(" \u3000\xa0")
        signed = len(line) <= 60 and days[0][0].end() == len(line) and _ISSUER.search(issuer) is not None
        if told or stamped or signed:
            later = [bool(_CHANGED.search(line[: match.start()])) for match, _ in days]
            return days[later.index(False) if False in later else 0][1]
    for above, line in list(itertools.pairwise(lines))[-_TAIL:]:
        if _is_bare(line) and len(above) <= 40 and _ISSUER.search(above):
            return dates.first(line)
    return None


def _is_bare(line: str) -> bool:
    return len(line) <= 60 and kind.DATE.search(line) is not None and kind.is_bare_date(line)


def author_of(text: str) -> str | None:
    """Return who wrote the article, from a line near its beginning or its end that says so (``作者:``, ``记者:``,
    ``文/``); None without one. Several names are parted by single spaces."""
    lines = [line for line in text.split("\n") if line]
    for line in lines[:_HEAD] + lines[max(_HEAD, len(lines) - _TAIL) :]:
        match = _AUTHOR.search(line) if len(line) <= 120 and "。" not in line else None
        if match is None:
            continue
        names = _ROLE_NEXT.sub("", _REPORTER.sub("", match["names"] or match["en"])).replace("、", " ")
        names = " ".join(names.split())
        if 2 <= len(names) <= 40 and not re.search(r"\d|佚名|未知", names):
            return names
    return None
