"""What a web page's markup says of its article: title, source, date, author, address. Nothing is guessed."""

import datetime
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rag.ingest import dates

_TITLES = ("articletitle", "og:title", "twitter:title", "dc.title")
_SOURCES = ("contentsource", "source", "mediaid", "article:source")
_SITES = ("og:site_name", "sitename", "application-name")
_DATES = (
    "article:published_time", "og:published_time", "og:release_date", "datepublished", "pubdate", "publishdate",
    "publish_date", "publish-date", "publication_date", "releasedate", "weibo:article:create_at", "parsely-pub-date",
    "dc.date.issued", "dc.date", "dcterms.created", "date",
)  # fmt: skip
_AUTHORS = ("article:author", "og:article:author", "author", "dc.creator", "parsely-author")
_ARTICLES = re.compile(r"(?:Article|Posting|Report|WebPage)$")
_SITE_NAMES = re.compile(
    r"(?:网|报|报社|电视台|公众平台|公司|集团|客户端|编辑部|\.com|\.cn|admin|webmaster|www\..*)$", re.I
)
_EPOCH = re.compile(r"""\b(?:ct|create_time|oriCreateTime)\s*=\s*["'](\d{10})["']""")
_CHINA = datetime.timezone(datetime.timedelta(hours=8))
_LONGEST_TITLE = 300  # characters; a longer one is not looked into: the search for marks is quadratic in it
_MARK = re.compile(r"\s*[|_丨]\s*|\s+[-–—·]\s+|[-–—](?=[^-–—]{2,12}$)")


@dataclass(frozen=True, slots=True)
class Fields:
    """What the markup gives; None where it gives nothing. ``site`` is who publishes the page, ``source`` whom it
    names as the origin of the article."""

    title: str | None = None
    source: str | None = None
    site: str | None = None
    published: str | None = None
    author: str | None = None
    url: str | None = None


def read(root: Any, html: str) -> Fields:
    """Return the fields of a page, from its meta elements, its JSON-LD and, on WeChat, its ids and script."""
    meta: dict[str, str] = {}
    for element in root.iter("meta"):
        name = element.get("name") or element.get("property") or element.get("itemprop")
        if name:
            meta.setdefault(name.strip().lower(), _line(element.get("content")))
    linked = _linked_data(root)
    titles = [_line(e.text_content()) for e in _first(root, "title")]
    wechat = {id: _by_id(root, id) for id in ("activity-name", "js_name", "js_content")}
    site = _of(meta, _SITES) or _name(linked.get("publisher"))
    published = dates.first(str(linked.get("datePublished") or "")) or next(
        filter(None, (dates.first(meta.get(name, "")) for name in _DATES)), None
    )
    if wechat["js_content"] is not None:
        epoch = _EPOCH.search(html)
        if epoch and not published:
            published = datetime.datetime.fromtimestamp(int(epoch[1]), _CHINA).date().isoformat()
        site = _line(wechat["js_name"].text_content()) if wechat["js_name"] is not None else None
    title = _line(wechat["activity-name"].text_content()) if wechat["activity-name"] is not None else None
    return Fields(
        title=title or _line(_text(linked.get("headline"))) or _of(meta, _TITLES) or next(iter(titles), None) or None,
        source=_of(meta, _SOURCES),
        site=site,
        published=published,
        author=_name(linked.get("author")) or _author(meta, site),
        url=_url(root, meta, linked),
    )


def completed(fields: Fields, heading: str | None, times: list[tuple[int, str]]) -> Fields:
    """Return the fields with the heading that the page shows as title, else its own title without the site's name,
    and with the date of a <time> beside the heading."""
    published = fields.published or next(filter(None, (dates.first(time) for _, time in times)), None)
    return replace(fields, title=heading or without_site(fields.title or "", fields.site), published=published)


def without_site(title: str, site: str | None) -> str:
    """Return a page's title without the name of the site and its sections at the end: ``标题_财经_某某网``."""
    if len(title) > _LONGEST_TITLE:
        return title
    while True:
        marks = list(_MARK.finditer(title))
        if not marks:
            return title
        front, back = title[: marks[-1].start()], title[marks[-1].end() :]
        if not front or (len(back) >= len(front) and back != site):
            return title
        title = front


def letters(text: str) -> str:
    """The letters and digits of a text, in lower case: what two ways to write a title have in common."""
    return "".join(re.findall(r"\w+", text)).lower()


def _first(root: Any, tag: str) -> Iterator[Any]:
    yield from (element for _, element in zip(range(1), root.iter(tag), strict=False))


def _by_id(root: Any, id: str) -> Any:
    return next(iter(root.xpath("//*[@id=$id]", id=id)), None)


def _of(meta: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((meta[name] for name in names if meta.get(name)), None)


def _author(meta: Mapping[str, str], site: str | None) -> str | None:
    """Of several the first that is a person: sites often put their own name there, or an address."""
    for name in _AUTHORS:
        value = meta.get(name, "")
        if 2 <= len(value) <= 60 and value != site and "://" not in value and not _SITE_NAMES.search(value):
            return value
    return None


def _linked_data(root: Any) -> Mapping[str, Any]:
    """The first article among the page's JSON-LD objects (schema.org); empty where there is none."""
    for script in root.xpath("//script[@type='application/ld+json']"):
        try:
            given = json.loads(script.text or "")
        except (ValueError, RecursionError):
            continue
        found = [given] if isinstance(given, dict) else given if isinstance(given, list) else []
        found += [each for one in found if isinstance(one, dict) for each in _many(one.get("@graph"))]
        for one in found:
            if isinstance(one, dict) and any(_ARTICLES.search(_text(kind)) for kind in _many(one.get("@type"))):
                return one
    return {}


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _name(value: Any) -> str | None:
    """The names of one or more persons or organisations of JSON-LD."""
    names = [_text(one.get("name")) if isinstance(one, dict) else _text(one) for one in _many(value)]
    return _line(" ".join(name for name in names if "://" not in name)) or None


def _url(root: Any, meta: Mapping[str, str], linked: Mapping[str, Any]) -> str | None:
    given = [element.get("href") for element in root.iter("link") if (element.get("rel") or "").lower() == "canonical"]
    page = linked.get("mainEntityOfPage")
    given += [meta.get("og:url"), linked.get("url"), page.get("@id") if isinstance(page, dict) else page]
    return next((url.strip() for url in given if isinstance(url, str) and is_url(url.strip())), None)


def is_url(text: str) -> bool:
    """Whether it is a whole address of the web, not longer than is stored."""
    return len(text) <= 4000 and re.fullmatch(r"https?://[^\s\x00-\x1f/]+\S*", text) is not None


def _line(text: str | None) -> str:
    """One line without controls, at most 1,000 characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in (text or "")[:1000]).split())
