"""The ways to ask: what of a statement is asked for, and by which words.

Chinese asks in place («全长2386米» becomes «全长是多少米»), so that little has to be moved. What a rule does not know
to ask well it leaves out.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from rag.suggest import words as known
from rag.suggest.asked import Asked
from rag.suggest.statements import (
    AMOUNT,
    COUNTED,
    NUMBER,
    Statement,
    Token,
    Tokens,
    is_name,
    is_plain,
    nominal,
    object_of,
    phrase,
    said,
)
from rag.text import fold

Rule = Callable[[Statement], Iterator[Asked]]


def _number(s: Statement) -> Iterator[Asked]:
    """全长2386米: 全长是多少米; 引进研发机构22个: 引进多少个研发机构; 由16颗卫星组成: 由多少颗卫星组成."""
    spots = [i for i, token in enumerate(s.predicate) if token.tag == AMOUNT]
    if len(spots) != 1 or any(t.tag == "m" or t.text in known.UNCOUNTED for t in s.predicate) or (not s.own and s.when):
        return
    i = spots[0]
    amount = s.predicate[i].text
    found = NUMBER.fullmatch(amount)
    if found is None or re.match(r"1\D", amount):
        return
    unit = found["unit"]
    words = "百分之多少" if unit in "%％" else f"多少{found['scale'] or ''}{unit}"
    before, after = s.predicate[:i], s.predicate[i + 1 :]
    while before and (before[-1].text in known.NEARLY or (before[-1].text in known.IN_ALL and nominal(before[-2:][0]))):
        before = before[:-1]
    if after and after[0].text in ("左右", "以内"):
        after = after[1:]
    subject = s.when + said(s.subject)
    counted = len(unit) == 1 and unit in COUNTED
    at = object_of(before)
    if not after and not before:
        named = is_name(s.subject[0]) or s.subject[0].tag in ("title", "eng", "date")
        if named and subject[-1] in known.AMOUNTS:
            yield Asked("number", subject, f"是{words}", "", amount)
    elif said(before) in known.IN_ALL or before[-1:] == (Token("即", "v"),):
        return
    elif not after and (counted or words[0] == "百" or unit == "个百分点") and not _is_amount(s, before, unit):
        if counted and 0 < at < len(before) and is_plain(before) and unit not in before[-1].text:
            yield Asked("number", subject + said(before[:at]), words, said(before[at:]), amount)
    elif not after and at == len(before) and words[0] == "百" and _grows(before) and s.own:
        yield Asked("number", subject + said(before), f"了{words}", "", amount)
    elif not after and (at == len(before) or before[-1].text == "每" or before[-2:-1] == (Token("每", "r"),)):
        yield Asked("number", subject + said(before), words, "", amount)
    elif (
        not after
        and (counted or unit[-1] in "元亩吨")
        and is_plain(before)
        and before[-1].text[-1] not in known.AMOUNTS
        and unit not in before[-1].text
    ):
        yield Asked("number", subject + said(before[:at]), words, said(before[at:]), amount)
    elif (
        at == len(before)
        and before
        and before[-1].text not in ("达", "达到")
        and phrase(after) == len(after)
        and after[0].tag != "quote"
        and (counted or unit.endswith("元"))
    ):
        yield Asked("number", subject + said(before), words, said(after), amount)
    elif said(before) == "由" and after and after[-1].text in ("组成", "构成"):
        yield Asked("number", subject + "由", words, said(after), amount)


def _is_amount(s: Statement, before: Tokens, unit: str) -> bool:
    """Whether what is counted is said by the subject, or is people."""
    return said(s.subject)[-1] in known.AMOUNTS or unit in ("人", "人次") or said(before)[-1] in known.AMOUNTS


def _grows(before: Tokens) -> bool:
    """Whether a share follows a verb that tells of a change that was."""
    return before[-1].text in known.CHANGES and not any(token.text in known.FUTURE for token in before)


def _date(s: Statement) -> Iterator[Asked]:
    """On a day, S did it: S是什么时候做的; S将于某日做: S将于什么时候做."""
    p = s.predicate
    spot = next((i for i, token in enumerate(p) if token.tag == "date" and re.search("[年月]", token.text)), -1)
    subject = said(s.subject)
    if spot > 0 and p[spot - 1].text in ("于", "将于", "在", "自", "从"):
        before, after = p[: spot - 1], p[spot + 1 :]
        at = p[spot - 1].text
        if len(after) > 1 and after[0].text in ("起", "开始") and at in ("自", "从") and len(before) < 3:
            yield Asked("date", subject + said(before) + at, "什么时候", said(after), p[spot].text)
        elif not is_plain(after) or after[1:2] == (Token("的", "uj"),) or after[0].text in ("起", "开始"):
            return
        elif (before and before[-1].text == "将") or at == "将于":
            yield Asked("date", subject + said(p[:spot]), "什么时候", said(after), p[spot].text)
        elif not before and _happens(after):
            yield Asked("date", subject, "是什么时候", _without_le(after) + "的", p[spot].text)
    elif spot < 0 and s.when and s.own and not re.search("季|半年", s.when) and _happens(p):
        yield Asked("date", subject, "是什么时候", _without_le(p) + "的", s.when)


def _happens(tokens: Tokens) -> bool:
    """Whether they tell an event, in words that 是…的 can be put around."""
    if not 1 <= len(tokens) <= 12 or any(
        t.text in known.FUTURE or t.text in known.ADVERBS or t.tag in (AMOUNT, "m", "t") for t in tokens
    ):
        return False
    if any(t.text in known.STATES for t in tokens) or tokens[0].text in known.AWAY or not is_plain(tokens):
        return False
    if len(tokens) < 3 and all(token.text in known.TAKES or token.tag == "d" for token in tokens):
        return False
    if not any(token.tag == "ul" or token.text in known.EVENTS for token in tokens):
        return False
    return len(said(tokens)) > 1 and (len(tokens) < 3 or tokens[-1].tag not in ("vn", "i", "l"))


def _without_le(tokens: Sequence[Token]) -> str:
    return said([token for token in tokens if token.tag not in ("ul", "ug")])


def _paper(s: Statement) -> Iterator[Asked]:
    """签署了《…协议》: 签署了什么协议."""
    p = s.predicate
    if len(p) < 2 or p[-1].tag != "title" or p[-2].tag not in ("v", "ul", "ug"):
        return
    paper = next((word for word in known.PAPERS if p[-1].text.endswith(f"{word}》")), "")
    if paper:
        past = p[-2].tag == "v" and not any(token.text in known.FUTURE for token in p)
        before = said(s.subject) + said(p[:-1]) + ("了" if past and p[-2].text[-1] not in "为是叫成出" else "")
        yield Asked("name", before, f"什么{paper}", "", p[-1].text)


def _place(s: Statement) -> Iterator[Asked]:
    """位于某处: 位于哪里."""
    p = s.predicate
    lies = len(p) > 1 and p[0].text in ("位于", "坐落于", "坐落在", "地处")
    if lies and all(nominal(t) or t.tag in ("s", "f", "m", "q", "zg") or t.text == "的" for t in p[1:]):
        yield Asked("place", said(s.subject) + p[0].text, "哪里", "", said(p[1:]))


def _makes(s: Statement) -> Iterator[Asked]:
    """把X作为Y: 把什么作为Y."""
    p = s.predicate
    verb = next((i for i, token in enumerate(p) if token.text in known.MAKES), 0)
    if verb > 1 and p[0].text in ("把", "将") and 1 < len(p) - verb <= 8:
        given, made = said(p[1:verb]), said(p[verb:])
        whole = phrase(p[verb + 1 :]) == len(p) - verb - 1 and all(
            t.tag[0] not in "pdv" or t.tag == "vn" for t in p[1 : verb - 1]
        )
        if whole and len(given) > 2:
            yield Asked("what", said(s.subject) + p[0].text, "什么", made, given)


def _called(s: Statement) -> Iterator[Asked]:
    """被誉为X: 被誉为什么."""
    if found := known.CALLED.match(said(s.predicate)):
        yield Asked("name", said(s.subject) + found["head"], "什么", "", found["name"])


def _one(s: Statement) -> Iterator[Asked]:
    """是一种…的技术: 是一种什么技术."""
    found = known.ONE.match(said(s.predicate))
    last = s.predicate[-1]
    if found and nominal(last) and len(last.text) > 1 and len(found["rest"]) > len(last.text) + 2:
        yield Asked("what", f"{said(s.subject)}是{found['one']}", f"什么样的{last.text}", "", found["rest"])


def _field(s: Statement) -> Iterator[Asked]:
    """聚焦生命健康领域: 聚焦什么领域."""
    p = s.predicate
    if (
        len(p) < 3
        or p[0].text == "位于"
        or fold(p[-1].text) not in known.KINDS_OF
        or p[0].tag != "v"
        or phrase(p[1:]) != len(p) - 1
    ):
        return
    given = said(p[1:-1])
    if "、" not in given and "的" not in given and len(given) > 1:
        yield Asked("what", said(s.subject) + p[0].text, f"什么{p[-1].text}", "", given)


def _list(s: Statement) -> Iterator[Asked]:
    """在A、B、C五个方面发力: 在哪五个方面发力; 设立A、B等机构: 设立哪些机构."""
    p = s.predicate
    marks = [i for i, token in enumerate(p) if token.text == "、"]
    if not marks or any(token.tag in (AMOUNT, "m") for token in p[: marks[-1]]):
        return
    first, last = marks[0], marks[-1]
    start = _list_start(p, first, last)
    head = p[:start]
    if not 0 < start < first or p[start].text == "的" or head[-1:] == (Token("是", "v"),):
        return
    placed = head[-1].tag == "p" or head[-1].text in known.BEFORE_LIST
    if not (all(t.tag in ("d", "t") for t in head[:-1]) if placed else object_of(head) == len(head)):
        return
    end = next((i for i in range(last + 1, len(p)) if p[i].text in ("等", "这") or _counted(p, i)), 0)
    if end:
        at = end + (p[end].text in ("等", "这"))
        count = _counted(p, at)
        rest = at + (0 if not count else 1 if p[at].text == count else 2)
        noun = phrase(p[rest:])
        tail = p[rest + noun :]
        if placed and (not tail or (not count and noun and p[rest + noun - 1].text not in known.LISTED)):
            return
        if len(said(p[rest : rest + noun])) > 1 and p[end - 1].text != "的" and _follows(tail):
            words = f"哪{count}" if count else "哪些"
            yield Asked("list", said(s.subject) + said(p[:start]), words, said(p[rest:]), said(p[start:end]))
        return
    if (
        not placed
        and p[-1].text in known.LISTED
        and p[-2].text != "的"
        and last < len(p) - 2
        and all(t.tag[0] not in "vpd" for t in p[start:-1])
    ):
        yield Asked("list", said(s.subject) + said(p[:start]), f"哪些{p[-1].text}", "", said(p[start:-1]))


def _counted(p: Tokens, i: int) -> str:
    """五个 or 五大 at ``i``, of one token or of two; empty where there is no count."""
    return next((text for text in (said(p[i : i + 1]), said(p[i : i + 2])) if known.COUNT.match(text)), "")


def _follows(tail: Tokens) -> bool:
    """Whether a predicate can end in these after what is listed."""
    if tail and tail[0].tag == "f":
        tail = tail[1:]
    return not tail or is_plain(tail) or (len(tail) < 5 and all(t.tag[0] in "vd" for t in tail))


def _list_start(p: Tokens, first: int, last: int) -> int:
    """Where the first member of a list begins: behind a preposition where members are acts, else behind a verb."""
    acts = any(p[i + 1].tag[0] == "v" for i in range(first, last + 1) if p[i].text == "、" and i + 1 < len(p))
    for i in range(first - 1, -1, -1):
        if p[i].text in known.BEFORE_LIST or (p[i].tag == "p" and p[i].text not in ("把", "将")):
            return i + 1
        if p[i].tag in ("ul", "ug") or (p[i].tag == "v" and not acts):
            return i + 1
        inside = nominal(p[i]) or p[i].tag in ("f", "a") or p[i].text in ("的", "和", "与")
        if not inside and not (acts and p[i].tag[0] in "vd"):
            return 0
    return 0


def _who(s: Statement) -> Iterator[Asked]:
    """A body did it: 哪家公司做的; only of an act that names something."""
    p = s.predicate
    subject = said(s.subject)
    if {"、", "和", "与", "及", "的"} & {token.text for token in s.subject} or not any(map(is_name, s.subject)):
        return
    words = next((known.BODIES[b] for b in sorted(known.BODIES, key=len, reverse=True) if subject.endswith(b)), "")
    telling = any(is_name(token) for token in p if token.tag != "quote")
    verb = next((t.text for t in p if t.tag.startswith("v")), "")
    told = any(subject[i : i + 3] in said(p) for i in range(len(subject) - 2)) or p[-1].tag == "vn"
    acts = verb not in known.STATES and not any(t.text in known.FUTURE or t.text in known.ADVERBS for t in p)
    if words and telling and acts and s.own and not told and is_plain(p) and len(said(p)) >= 8 and len(subject) > 3:
        yield Asked("who", "", words, said(p), subject)


def _why(s: Statement) -> Iterator[Asked]:
    """由于A,S没有做: S为什么没有做."""
    p = s.predicate
    while p and p[0].text in known.ALSO:
        p = p[1:]
    if (
        s.why
        and s.own
        and 4 <= len(said(p)) <= 24
        and is_plain(p)
        and not any(t.tag == "date" for t in p)
        and p[0].text not in known.AWAY | known.STATES - {"没有"}
        and any(token.text in known.EVENTS for token in p)
    ):
        yield Asked("reason", said(s.subject), "为什么", _without_le(p), s.why)


RULES: Sequence[Rule] = (_why, _date, _list, _paper, _makes, _called, _one, _field, _place, _number, _who)
