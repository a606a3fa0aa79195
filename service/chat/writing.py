"""An answer as front ends keep it: markers that count unique sources, and the list of these at its end.

Most front ends drop what the interface has for citations, each another part of it. A list of links in the text is what
none of them drops.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from rag.types import Citation
from rag.web_urls import is_web_url
from service.chat.markdown import neutralise_markdown
from service.chat.schemas import Annotation, SearchResult, UrlCitation

HEADING = "**参考来源**"

_MARKERS = re.compile(r"(?:\[[0-9]+\])+")
_MARKER = re.compile(r"\[([0-9]+)\]")
_AFTER_MARKER = re.compile(r"(?<=\])[(:]")  # would make a link or a definition of it
_LINE_END = re.compile(r"[\r\n]")
_LINE_KEPT = 200  # characters of a line that say how it goes on
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
    if own and is_web_url(own):
        return quote(own, safe=_SAFE)
    at = f"#{span[0]}-{span[1]}" if span else ""
    return f"{base.rstrip('/')}/documents/{quote(document_id, safe='')}/view{at}"


class Writing:
    """Writes one answer, piece by piece."""

    def __init__(self, base: str, *, own_words: bool = False) -> None:
        """``base`` is the url that this service is reached at; ``own_words`` says that no document is quoted, so that
        pieces stay as they are (front ends ask for JSON too)."""
        self._base = base
        self._own_words = own_words
        self._line = ""  # the line that the next piece goes on with
        self._known: Sequence[Citation] = ()
        self._numbers: dict[int, int] = {}  # of sources, by the markers of their citations
        self._sources: dict[int, Source] = {}  # by these numbers, which follow first use
        self._length = 0
        self._first: dict[int, tuple[int, int]] = {}  # where a source's first marker stands

    def know(self, citations: Sequence[Citation]) -> None:
        """Takes the citations so far, in the order of their markers. One that is known keeps its number, though its
        span, and with it its url, may have grown while the answer was written."""
        if citations is self._known:
            return
        self._known = citations
        sources: dict[int, Source] = {}
        for each in citations:
            url = link(each.url, self._base, each.document_id, (each.start, each.end))
            same = next((number for number, source in sources.items() if source.url == url), len(sources) + 1)
            number = self._numbers.setdefault(each.marker, same)
            known = sources.get(number)
            quotes = (*(known.quotes if known else ()), each.quote)
            title = each.title or each.document_id
            first = known.url if known else url
            sources[number] = Source(first, title, tuple(dict.fromkeys(quotes)), each.published)
        self._sources = _told_apart(sources)

    def piece(self, said: str, citations: Sequence[Citation]) -> str:
        """The next piece of an answer, with the markers that belong here; ``citations`` are all so far."""
        self.know(citations)
        written = _MARKERS.sub(self._renumbered, said)
        if not self._own_words:
            written = self._neutralise(written)
        for found in _MARKER.finditer(written):
            self._first.setdefault(int(found[1]), (self._length + found.start(), self._length + found.end()))
        self._length += len(written)
        return written

    def end(self) -> str:
        """The list of sources; "" where there are none."""
        lines = [f"{number}. [{_title(source)}]({source.url})" for number, source in self._sources.items()]
        return "\n".join(["", "", HEADING, "", *lines]) if lines else ""

    def results(self) -> list[SearchResult]:
        """The sources cited so far."""
        return [source.result() for number, source in self._sources.items() if number in self._first]

    def annotations(self) -> list[Annotation]:
        """One for every source, in the order of markers; to be asked for at the end."""
        return [
            Annotation(
                url_citation=UrlCitation(url=source.url, title=source.title, start_index=start, end_index=end),
            )
            for number, source in self._sources.items()
            for start, end in [self._first.get(number, (0, 0))]
        ]

    def _neutralise(self, written: str) -> str:
        """Return the next piece with no Markdown but our markers, and remember the line that it ends in."""
        inert = list(neutralise_markdown(written, self._line))
        for found in _MARKER.finditer(written):
            inert[found.start()], inert[found.end() - 1] = "[", "]"
        so_far = self._line + "".join(inert)
        text = _AFTER_MARKER.sub(lambda after: "（" if after[0] == "(" else "：", so_far)
        line = _LINE_END.split(text)[-1]
        # A part of a line does not begin with what stands at the start of lines.
        self._line = line if len(line) <= _LINE_KEPT else f"x{line[-3:]}"
        return text[len(so_far) - len(inert) :]

    def _renumbered(self, run: "re.Match[str]") -> str:
        found = [int(number) for number in re.findall(r"[0-9]+", run[0])]
        # A document's own [7] is no marker of ours, and a front end would look for a seventh source.
        said = [f"[{self._numbers[n]}]" if n in self._numbers else f"［{n}］" for n in found]
        return "".join(dict.fromkeys(said))


def _title(source: Source) -> str:
    """Return the title as the words of a link: one line of plain text."""
    return neutralise_markdown(" ".join(source.title.split()), before="[")


def _told_apart(sources: Mapping[int, Source]) -> dict[int, Source]:
    """Where several have one title, it gets the beginning of the quote, and the number where that is the same too:
    front ends show titles only, and some take sources of one title for one."""
    titles = [source.title for source in sources.values()]
    leads = [f" · {' '.join(source.quotes[0].split())[:_LEAD]}…" for source in sources.values()]
    numbers = [f" ({number})" for number in sources]
    for more in (leads, numbers):
        titles = [title + each if titles.count(title) > 1 else title for title, each in zip(titles, more, strict=True)]
    return {n: replace(source, title=title) for (n, source), title in zip(sources.items(), titles, strict=True)}
