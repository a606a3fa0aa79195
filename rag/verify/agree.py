"""Whether a sentence's amounts, dates and names are those of the sentences it rests on."""

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from rag.text import clauses
from rag.verify import names
from rag.verify.figures import Amount, Date, Figures, figures, stated, year_of
from rag.verify.source import Source, share, weights

CLEARLY = 0.34  # by how much more of a figure's clause another figure's clause has to hold, to be the one that is meant
FITS = 0.6  # how much of a clause a sentence has to hold to be where it is from
_UP = re.compile("增长|上升|提高|增加|上涨|增至|升至|扩大|提升|攀升|回升|高于|多于|大于|增幅|涨幅")
_DOWN = re.compile("下降|减少|降低|下跌|下滑|降至|减至|缩小|回落|缩减|低于|少于|小于|降幅|跌幅|萎缩")
_MORE, _LESS = (
    re.compile("超过|超|逾|多于|不少于|不低于|至少|以上|突破"),
    re.compile("不足|不到|不满|少于|低于|至多|不超过|以下|以内|将近"),
)

Picked = Sequence[tuple[Source, int]]


def wrong_amount(folded: str, picked: Picked, sources: Sequence[Source]) -> str | None:
    """The first amount of the sentence that the picked ones do not state, or state of another thing."""
    own = figures(folded)
    theirs = [(source.said[i], source.stated[i]) for source, i in picked]
    rest = [(s.said[i], s.stated[i]) for s in sources for i in range(len(s.said)) if (s, i) not in picked]
    for amount in own.amounts:
        if _wrong(amount, folded, theirs):
            words = _around(folded, amount.start)
            if not any(
                _fit(words, text, 0, whole=True) >= FITS and not _wrong(amount, folded, [(text, some)])
                for text, some in rest
            ):
                return folded[amount.start : amount.end]
    clocks = {(h, m) for _, some in theirs for _, h, m in some.clocks}
    spoken = {(int(h), int(m)) for text, _ in theirs for h, m in re.findall(r"(\d{1,2})[时点](\d{1,2})分", text)}
    for at, hour, minute in own.clocks:
        if (hour, minute) not in clocks | spoken:
            return folded[at : at + 5]
    return None


def _wrong(amount: Amount, folded: str, theirs: Sequence[tuple[str, Figures]]) -> bool:
    fits: list[tuple[float, bool, bool]] = []  # how much of the amount's clause, whether it agrees, whether of its kind
    words = _around(folded, amount.start)
    for text, some in theirs:
        for other in some.amounts:
            equal = _equal(amount, other) or _clock_equal(amount, folded, some)
            alike = _kind(amount) == _kind(other) and (amount.classifier == other.classifier or bool(_kind(amount)))
            fits.append((_fit(words, text, other.start), equal, alike))
    agreeing = [fit for fit, equal, _ in fits if equal]
    if not agreeing:
        if _said_as_date(amount, theirs):
            return False
        return not amount.vague or any(alike for _, _, alike in fits)
    return any(alike and not equal and fit >= max(agreeing) + CLEARLY for fit, equal, alike in fits)


def _kind(amount: Amount) -> str:
    return min((kind for _, kind in amount.values), key=lambda k: (not k, k))


def _equal(a: Amount, b: Amount) -> bool:
    return any(
        x == y and (k == m or not k or not m or {k, m} == {"hours", "clock"}) for x, k in a.values for y, m in b.values
    )


def _clock_equal(amount: Amount, folded: str, some: Figures) -> bool:
    return _kind(amount) == "clock" and any((Fraction(hour), "clock") in amount.values for _, hour, _ in some.clocks)


def _said_as_date(amount: Amount, theirs: Sequence[tuple[str, Figures]]) -> bool:
    """Whether a date states the number: 98年 is 1998年, 5个月 hardly 5月."""
    years = {date.year for _, some in theirs for date in some.dates if date.year}
    return any(kind == "year" and any(year % 100 == number for year in years) for number, kind in amount.values)


def wrong_date(folded: str, picked: Picked, sources: Sequence[Source]) -> str | None:
    """The first date of the sentence that its sources do not state, or not where the sentence rests on them."""
    near = [date for source, i in picked for date in source.stated[i].dates]
    far = [date for source in sources for date in source.all_stated.dates]
    years = {date.year for date in [*near, *far] if date.year}
    for source in sources:
        years |= year_of(source.passage.published)
    own = figures(folded, next((s.passage.published for s in sources if s.passage.published), None)).dates
    theirs = [(source.said[i], source.stated[i]) for source, i in picked]
    for date in own:
        if date.relative and any(folded[date.start : date.end] in source.whole for source in sources):
            continue
        written = folded[date.start : date.end]
        if date.month is None and date.day is None:
            if not any(date.year == other.year for other in near):
                if any(o.year and not any(o.year == d.year for d in own) for o in near) or date.year not in years:
                    return written
            elif _another_fits(date, folded, theirs):
                return written
            continue
        if not stated(date, near, years):
            if not stated(date, far, years) or any(o.month and not any(_same(o, d) for d in own) for o in near):
                return written
        elif _another_fits(date, folded, theirs):
            return written
    said = {day for source, _ in picked for _, day in source.all_stated.weekdays}
    for at, day in figures(folded).weekdays:
        if day not in said:
            return folded[at - 1 : at + 1]
    return None


def _same(a: Date, b: Date) -> bool:
    return all(x is None or y is None or x == y for x, y in ((a.year, b.year), (a.month, b.month), (a.day, b.day)))


def _another_fits(date: Date, folded: str, theirs: Sequence[tuple[str, Figures]]) -> bool:
    """Whether another date of the picked sentences stands in a clause that is clearly more like this one's."""
    words = _around(folded, date.start)
    fits = [(_fit(words, text, o.start), _same(date, o)) for text, some in theirs for o in some.dates if not o.relative]
    agreeing = [fit for fit, same in fits if same]
    return bool(agreeing) and any(fit >= max(agreeing) + CLEARLY for fit, same in fits if not same)


def wrong_name(folded: str, picked: Picked, sources: Sequence[Source]) -> str | None:
    """The first name of the sentence that its sources lack, or that stands in place of another."""
    own = names.names(folded)
    whole = "\n".join(source.whole for source in sources)
    missing = names.lacking(sorted(own), whole)
    if missing:
        return missing[0]
    closed = names.closed(folded)
    mine = names.kinds(folded)
    for name in sorted(own):
        if name not in mine:
            continue
        # The sentence that says the rest of the name's clause: it must not say it of another of the name's kind.
        words = {
            w: weight for w, weight in _around(folded, folded.find(name)).items() if w not in name and name not in w
        }
        best = max(picked, key=lambda of: _fit(words, of[0].said[of[1]], 0, whole=True))
        said = best[0].said[best[1]]
        if _fit(words, said, 0, whole=True) < FITS or not names.lacking([name], said + best[0].title):
            continue
        if any(kind == mine[name] and other not in closed for other, kind in names.kinds(said).items()):
            return name
    # What is tagged as a name but mostly is none, where a name of the source is gone: it may stand in its place.
    told = {other for source, i in picked for other in names.kinds(source.said[i])}
    if any(other not in closed for other in told):
        return next(iter(names.lacking(names.unlikely(folded), whole)), None)
    return None


def turned(folded: str, picked: Picked) -> str | None:
    """A word of growth where the sources have one of decline only, or the other way; the same for more and less."""
    said = "\n".join(source.said[i] for source, i in picked)
    for one, other in ((_UP, _DOWN), (_DOWN, _UP)):
        found = one.search(folded)
        if found and not one.search(said) and other.search(said) and not other.search(folded):
            return found[0]
    for one, other in ((_MORE, _LESS), (_LESS, _MORE)):
        found = one.search(folded)
        if found and not one.search(said) and other.search(said) and not other.search(folded):
            return found[0]
    return None


def _around(text: str, at: int) -> dict[str, float]:
    """The words of what is said of the figure or name at ``at``."""
    return weights(text[slice(*_clause(text, at))])


@lru_cache(maxsize=8192)
def _clause(text: str, at: int) -> tuple[int, int]:
    """Span of the clause at ``at``; with the next ones, or at the end those before, where it has hardly a word."""
    parts = clauses(text, 0, len(text))
    first = last = next((n for n, (s, e) in enumerate(parts) if s <= at < e), 0)
    while parts and len(weights(text[parts[first][0] : parts[last][1]])) < 2 and (first or last + 1 < len(parts)):
        if last + 1 < len(parts):
            last += 1
        else:
            first -= 1
    return (parts[first][0], parts[last][1]) if parts else (0, len(text))


def _fit(words: dict[str, float], text: str, at: int, *, whole: bool = False) -> float:
    """How much of the words stands in what ``text`` says of the figure at ``at``, or in the ``whole`` of it."""
    clause = text if whole else text[slice(*_clause(text, at))]
    total = sum(words.values())
    return sum(weight * share(word, clause) for word, weight in words.items()) / total if total else 0.0
