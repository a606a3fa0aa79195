"""An answer as front ends keep it: markers that count unique sources, and the list of these at its end.

Most front ends drop what the interface has for citations, each another part of it. A list of links in the text is what
none of them drops.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from urllib.parse import quote

from rag.types import Citation
from service.chat.schemas import Annotation, SearchResult, UrlCitation

HEADING = "**参考来源**"

_MARKERS = re.compile(r"(?:\[[0-9]+\])+")
_MARKDOWN = re.compile(r"([\\\[\]*_`<>])")
_WEB = re.compile(r"https?://[^/]", re.I)
_LEAD = 9  # characters of a quote that tell sources of one title apart
_SAFE = "/:?#@!$&'*+,;=%~"  # of a url in Markdown's round brackets; no brackets, no spaces


@dataclass(frozen=True, slots=True)
class Source:
    """One or more citations under one url."""

    url: str
    title: str
    quotes: tuple[str, ...]
    date: str | None

    def result(self) -> SearchResult:
        """As a front end shows it beside the text."""
        return SearchResult(title=self.title, url=self.url, snippet=" … ".join(self.quotes), date=self.date)


def link(own: str | None, base: str, document_id: str, span: tuple[int, int] | None = None) -> str:
    """The document's own url where it has one that a browser opens, else this service's view of it, at the span."""
    if own and _WEB.match(own):
        return quote(own, safe=_SAFE)
    at = f"#{span[0]}-{span[1]}" if span else ""
    return f"{base.rstrip('/')}/documents/{quote(document_id, safe='')}/view{at}"


class Writing:
    """Writes one answer, piece by piece."""

    def __init__(self, citations: Sequence[Citation], base: str) -> None:
        """``base`` is the url that this service is reached at."""
        sources: dict[str, Source] = {}
        self._numbers: dict[int, int] = {}  # of citations, by their markers
        for each in citations:
            url = link(each.url, base, each.document_id, (each.start, each.end))
            known = sources.get(url)
            quotes = (*(known.quotes if known else ()), each.quote)
            title = known.title if known else each.title or each.document_id
            sources[url] = Source(url, title, tuple(dict.fromkeys(quotes)), each.published)
            self._numbers[each.marker] = list(sources).index(url) + 1
        self.sources = _told_apart(list(sources.values()))
        self._length = 0
        self._first: dict[int, tuple[int, int]] = {}  # where a source's first marker stands

    def pieces(self, said: Iterable[str]) -> Iterator[str]:
        """The pieces of an answer, then the list of sources, each with the markers that belong here."""
        for piece in said:
            written = _MARKERS.sub(self._renumbered, piece)
            for found in re.finditer(r"\[([0-9]+)\]", written):
                self._first.setdefault(int(found[1]), (self._length + found.start(), self._length + found.end()))
            self._length += len(written)
            yield written
        if self.sources:
            yield self._list()

    def results(self) -> list[SearchResult]:
        """The sources cited so far."""
        return [source.result() for number, source in enumerate(self.sources, 1) if number in self._first]

    def annotations(self) -> list[Annotation]:
        """One for every source, in the order of markers; to be asked for at the end."""
        return [
            Annotation(
                url_citation=UrlCitation(url=source.url, title=source.title, start_index=start, end_index=end),
            )
            for number, source in enumerate(self.sources, 1)
            for start, end in [self._first.get(number, (0, 0))]
        ]

    def _renumbered(self, run: "re.Match[str]") -> str:
        found = [int(number) for number in re.findall(r"[0-9]+", run[0])]
        # A document's own [7] is no marker of ours, and a front end would look for a seventh source.
        said = [f"[{self._numbers[n]}]" if n in self._numbers else f"［{n}］" for n in found]
        return "".join(dict.fromkeys(said))

    def _list(self) -> str:
        titles = [_MARKDOWN.sub(r"\\\1", source.title) for source in self.sources]
        lines = [f"{number}. [{title}]({source.url})" for number, title, source in zip(count(1), titles, self.sources)]
        return "\n".join(["", "", HEADING, "", *lines])


def _told_apart(sources: Sequence[Source]) -> list[Source]:
    """Where several have one title, it gets the beginning of the quote, and the number where that is the same too:
    front ends show titles only, and some take sources of one title for one."""
    titles = [source.title for source in sources]
    leads = [f" · {' '.join(source.quotes[0].split())[:_LEAD]}…" for source in sources]
    numbers = [f" ({number})" for number, _ in enumerate(sources, 1)]
    for more in (leads, numbers):
        titles = [title + each if titles.count(title) > 1 else title for title, each in zip(titles, more, strict=True)]
    return [replace(source, title=title) for source, title in zip(sources, titles, strict=True)]
