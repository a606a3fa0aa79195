"""Questions made from what a text states: a part of a statement is taken out, and the words that ask for it put in.

Chinese asks in place («全长2386米» becomes «全长多少米»), so that little has to be moved. What a rule does not know
to ask well it leaves out: few questions and good ones.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.answer.rarity import common, rarity
from rag.answer.signs import NAME_TAGS, names
from rag.grammar import HAN, PRONOUN, full_names
from rag.suggest.statements import (
    COUNTED,
    NUMBER,
    Statement,
    Token,
    Tokens,
    is_plain,
    nominal,
    object_of,
    phrase,
    said,
    statements,
    tokenized,
)
from rag.text import fold

Kind = Literal["number", "date", "list", "name", "who", "place", "reason", "what"]

SHORTEST, LONGEST = 8, 40  # characters of a question
SUBJECT = 18  # characters of a subject: in longer ones there is often a verb
RARE = 0.58  # rarity from which a word that the cutter takes for the name of a thing is one
_FUTURE = frozenset(
    "将 拟 要 应 须 需 可 计划 预计 力争 必须 应当 需要 可以 准备 打算 希望 建议 呼吁 支持 将要 即将 有望".split()
)
_STATES = frozenset(
    "无 采用 利用 使用 即 是 为 有 达 占 增长 下降 超过 位于 具有 属于 存在 保持 显示 表示 认为 指出 称 说 没有 成 达到 坚持 实现 共有 拥有 现有 呈现 强调 要求".split()
)
_ADVERBS = frozenset(
    "已 已经 正 正在 仍 还 也 都 又 再 继续 先后 再次 不 未 没 曾 曾经 刚 刚刚 不断 一直 始终 逐步 更 更加 尚 均 只 就 便 则".split()
)
_NEARLY = frozenset("约 近 逾 余 大约 将近 接近 仅 至少 超 大概".split())
_CHANGES = frozenset(
    "增长 增加 上涨 上升 提高 提升 扩大 飙升 攀升 下跌 下降 下滑 减少 降低 回落 缩小 涨 跌 增 降 升".split()
)
_AWAY = frozenset("至 到 往 经 与 和 同".split())
_IN_ALL = frozenset("合计 总计 共计 共".split())
_ALSO = frozenset("还 也 又 都 将 则 便 就 已 已经".split())
_AMOUNTS = frozenset("量额数率价值费积度长宽高深重速龄比润入益资产本款")  # last characters of what is itself an amount
_POINTS = re.compile(  # words whose sense hangs on where and when they are said
    r"今年|去年|明年|前年|今[日天]|昨[日天]|明天|目前|当前|日前|近日|近期|近年|如今|现在|当[日天年时地晚]|同[日年时期比样]|本[报刊网台次届月周年文]|该|"
    r"双方|两地|二者|两者|前者|后者|对方|各方|上述|下述|如[下上]|以下|此[次外前后]|这|那|[我你您]|记者|笔者|小编|有关|相关|"
    r"其中|某|先生|女士|小姐|(?<![规原细准法否总通守])则|虽|如果|如遇|假如|倘若|即使|尽管|不仅|不但|只有|除非|[一二两三四五六七八九十]人|[两二三四五]家|[两二三四五]方|其他|其它|另外|全[市省县区州院校]|[本各]|上[年月周]|届时|期间|自己|之一|同时"
)
_PAPERS = (  # what a title names, by its last word
    "框架协议 协议 建议 规划 方案 意见 办法 条例 规定 通知 报告 决定 公告 声明 计划 纲要 白皮书 指南 标准 公报 宣言 备忘录 合同 清单 通告 "
    "倡议书 倡议 细则 规则 公约 条约 准则 议案 草案"
).split()
_KINDS_OF = "领域 行业 产业 专业 方向 学科".split()  # of which there are many, so that one asks for which
_LISTED = frozenset(
    "领域 方面 行业 产业 环节 问题 任务 项目 措施 国家 地区 城市 学科 专业 机构 部门 企业 单位 服务 产品 功能 技术 平台 "
    "方式 形式 途径 渠道 手段 议题 内容 工作 岗位 方法 模式 因素 原因 条件 特点 优势 场景 县市 省份 活动 课程 材料 物资 设备 设施".split()
)
_BODIES = {
    "公司": "哪家公司", "集团": "哪家集团", "银行": "哪家银行", "大学": "哪所大学", "学院": "哪所学院", "法院": "哪个法院",
    "医院": "哪家医院", "研究院": "哪家研究院", "研究所": "哪个研究所", "实验室": "哪个实验室", "委员会": "哪个委员会",
    "协会": "哪个协会", "局": "哪个部门", "厅": "哪个部门", "部": "哪个部门", "代表团": "哪个代表团", "俱乐部": "哪家俱乐部",
    "出版社": "哪家出版社", "交易所": "哪家交易所", "总局": "哪个部门", "博物馆": "哪家博物馆",
}  # fmt: skip
_CALLED = re.compile(
    r"^(?P<head>(?:也|又|曾|常)?被?(?:称为|称作|誉为|命名为|评为|列为|确定为|认定为|更名为|改名为|定名为|列入|纳入|称之为))(?P<name>[^,，]{2,24})$"
)
_ONE = re.compile(r"^是(?P<one>一[种款项个家座所类部门支条])(?P<rest>.{3,40})$")
_MAKES = "作为 列为 定为 视为 确定为 看作 当作 列入 纳入 改为 打造成 打造为 建设成为 建成".split()
_COUNT = re.compile(
    r"^(?P<count>[两二三四五六七八九十]|[2-9]|1\d)(?P<one>大|个|项|类|种|家|所|座|条|届|批|名|位|部|款)$"
)
_BEFORE_LIST = frozenset("在 从 对 围绕 就 以 向 于 由 为".split())
_ITSELF = re.compile(r"^本(条例|规定|办法|法|细则|规则|意见|方案|规划|通知|章程|决定)")
_ABBREVIATED = re.compile(r"[A-Z]{1,3}$")  # CPI, AI: no name by itself
_QUOTED = re.compile("“[^”]*”")
_BAD = re.compile(r"[,，。:：;；?？!！…\[\]【】{}<>=~^_|@\\/*#]|\(\)|——")
_TRADITIONAL = str.maketrans("么时为个谁两项种", "麼時為個誰兩項種")


@dataclass(frozen=True, slots=True)
class Made:
    """A question, the span of the sentence that it was made from, and what it asks for there."""

    text: str
    kind: Kind
    answer: str  # cleaned: white space may be missing from it
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question in its parts: ``words`` are those that ask, in place of ``answer``."""

    kind: Kind
    before: str
    words: str
    after: str
    answer: str


_Rule = Callable[[Statement], Iterator[_Asked]]


def questions(text: str, title: str = "") -> Iterator[Made]:
    """The questions that can be made from a text under this title, in the order of its sentences."""
    seen: set[str] = set()
    for statement in statements(text):
        for rule in _RULES:
            for asked in rule(statement):
                question = _written(asked, title)
                if asked.kind != "who" and not _is_named(said(statement.subject)):
                    continue
                if question not in seen and _is_good(question):
                    seen.add(question)
                    yield Made(question + "？", asked.kind, asked.answer, statement.start, statement.end)


def _written(asked: _Asked, title: str) -> str:
    stated = asked.before + asked.after
    han = "".join(HAN.findall(stated + asked.answer))
    words = asked.words.translate(_TRADITIONAL) if fold(han) != han else asked.words
    question = asked.before + words + asked.after
    itself = _ITSELF.match(question)
    if itself and title.endswith(itself[1]) and "《" not in title:
        question = f"《{title}》{question[itself.end() :]}"
    return question


def _is_good(question: str) -> bool:
    """Whether it can be asked without its text: of a length, of something named, pointing at nothing outside."""
    if not SHORTEST <= len(question) + 1 <= LONGEST or _BAD.search(question) or _POINTS.search(_bare(question)):
        return False
    if any(question.count(a) != question.count(b) for a, b in ("《》", "“”", "()")) or PRONOUN.search(fold(question)):
        return False
    return _telling(question)


def _is_named(subject: str) -> bool:
    return len(subject) <= SUBJECT and _telling(subject)


def _telling(text: str) -> bool:
    """Whether it names something."""
    if any(
        t.tag in ("title", "itself") or (t.tag == "eng" and not _ABBREVIATED.match(t.text)) for t in tokenized(text)
    ):
        return True
    if full_names(fold(text)):
        return True
    found = names(fold(_QUOTED.sub("", text)))
    words = [(fold(token.text), token) for token in tokenized(text)]
    return any(
        _names(token) if token.tag in ("ns", "nt") else word in found and rarity(word) > RARE for word, token in words
    )


def _bare(question: str) -> str:
    return re.sub("《[^》]*》|“[^”]*”", "", question)


def _names(token: Token) -> bool:
    if token.tag in ("title", "quote", "eng"):
        return True
    return token.tag.startswith(NAME_TAGS) and len(token.text) > 1 and not common(fold(token.text))


def _number(s: Statement) -> Iterator[_Asked]:
    """全长2386米: 全长是多少米; 引进研发机构22个: 引进多少个研发机构; 由16颗卫星组成: 由多少颗卫星组成."""
    spots = [i for i, token in enumerate(s.predicate) if token.tag == "num"]
    if len(spots) != 1 or any(t.tag == "m" or t.text in "、比" for t in s.predicate) or not s.own and s.when:
        return
    i = spots[0]
    amount = s.predicate[i].text
    found = NUMBER.fullmatch(amount)
    if found is None or re.match(r"1\D", amount):
        return
    unit = found["unit"]
    words = "百分之多少" if unit in "%％" else f"多少{found['scale'] or ''}{unit}"
    before, after = s.predicate[:i], s.predicate[i + 1 :]
    while before and (before[-1].text in _NEARLY or (before[-1].text in _IN_ALL and nominal(before[-2:][0]))):
        before = before[:-1]
    if after and after[0].text in ("左右", "以内"):
        after = after[1:]
    subject = s.when + said(s.subject)
    counted = len(unit) == 1 and unit in COUNTED
    at = object_of(before)
    if not after and not before:
        if counted or subject[-1] in _AMOUNTS:
            yield _Asked("number", subject, ("是" if subject[-1] in _AMOUNTS else "有") + words, "", amount)
    elif said(before) in _IN_ALL:
        return
    elif not after and at == len(before) and words[0] == "百" and _grows(before) and s.own:
        yield _Asked("number", subject + said(before), f"了{words}", "", amount)
    elif not after and (at == len(before) or before[-1].text == "每" or before[-2:-1] == (Token("每", "r"),)):
        yield _Asked("number", subject + said(before), words, "", amount)
    elif (
        not after
        and words[0] == "多"
        and is_plain(before)
        and before[-1].text[-1] not in _AMOUNTS
        and unit not in before[-1].text
    ):
        yield _Asked("number", subject + said(before[:at]), words, said(before[at:]), amount)
    elif (
        at == len(before)
        and before
        and phrase(after) == len(after)
        and after[0].tag != "quote"
        and (counted or unit.endswith("元"))
    ):
        yield _Asked("number", subject + said(before), words, said(after), amount)
    elif said(before) == "由" and after and after[-1].text in ("组成", "构成"):
        yield _Asked("number", subject + "由", words, said(after), amount)


def _grows(before: Tokens) -> bool:
    """Whether a share follows a verb that tells of a change that was."""
    return before[-1].text in _CHANGES and not any(token.text in _FUTURE for token in before)


def _date(s: Statement) -> Iterator[_Asked]:
    """On a day, S did it: S是什么时候做的; S将于某日做: S将于什么时候做."""
    p = s.predicate
    spot = next((i for i, token in enumerate(p) if token.tag == "date" and re.search("[年月]", token.text)), -1)
    subject = said(s.subject)
    if spot > 0 and p[spot - 1].text in ("于", "将于", "在", "自", "从"):
        before, after = p[: spot - 1], p[spot + 1 :]
        at = p[spot - 1].text
        if len(after) > 1 and after[0].text in ("起", "开始") and at in ("自", "从") and len(before) < 3:
            yield _Asked("date", subject + said(before) + at, "什么时候", said(after), p[spot].text)
        elif not is_plain(after) or after[1:2] == (Token("的", "uj"),):
            return
        elif (before and before[-1].text == "将") or at == "将于":
            yield _Asked("date", subject + said(p[:spot]), "什么时候", said(after), p[spot].text)
        elif not before and _happens(after):
            yield _Asked("date", subject, "是什么时候", _without_le(after) + "的", p[spot].text)
    elif spot < 0 and s.when and s.own and not re.search("季|半年", s.when) and _happens(p):
        yield _Asked("date", subject, "是什么时候", _without_le(p) + "的", s.when)


def _happens(tokens: Tokens) -> bool:
    """Whether they tell an event, in words that 是…的 can be put around."""
    if not 1 <= len(tokens) <= 12 or any(
        t.text in _FUTURE or t.text in _ADVERBS or t.tag in ("num", "m", "t") for t in tokens
    ):
        return False
    if any(t.text in _STATES for t in tokens) or tokens[0].text in _AWAY or not is_plain(tokens):
        return False
    return len(said(tokens)) > 1 and (len(tokens) < 3 or tokens[-1].tag not in ("vn", "i", "l"))


def _without_le(tokens: Sequence[Token]) -> str:
    return said([token for token in tokens if token.tag not in ("ul", "ug")])


def _paper(s: Statement) -> Iterator[_Asked]:
    """签署了《…协议》: 签署了什么协议."""
    p = s.predicate
    if len(p) < 2 or p[-1].tag != "title" or p[-2].tag not in ("v", "ul", "ug"):
        return
    name = p[-1].text.strip("《》")
    paper = next((word for word in _PAPERS if name.endswith(word)), "")
    if paper:
        past = p[-2].tag == "v" and not any(token.text in _FUTURE for token in p)
        before = said(s.subject) + said(p[:-1]) + ("了" if past and p[-2].text[-1] not in "为是叫成出" else "")
        yield _Asked("name", before, f"什么{paper}", "", p[-1].text)


def _place(s: Statement) -> Iterator[_Asked]:
    """位于某处: 位于哪里."""
    p = s.predicate
    if (
        len(p) > 1
        and p[0].text in ("位于", "坐落于", "坐落在", "地处")
        and all(nominal(t) or t.tag in ("s", "f", "m", "q", "zg") or t.text == "的" for t in p[1:])
    ):
        yield _Asked("place", said(s.subject) + p[0].text, "哪里", "", said(p[1:]))


def _makes(s: Statement) -> Iterator[_Asked]:
    """把X作为Y: 把什么作为Y."""
    p = s.predicate
    verb = next((i for i, token in enumerate(p) if token.text in _MAKES), 0)
    if verb > 1 and p[0].text in ("把", "将") and 1 < len(p) - verb <= 8:
        given, made = said(p[1:verb]), said(p[verb:])
        whole = phrase(p[verb + 1 :]) == len(p) - verb - 1 and all(
            t.tag[0] not in "pdv" or t.tag == "vn" for t in p[1 : verb - 1]
        )
        if whole and len(given) > 2:
            yield _Asked("what", said(s.subject) + p[0].text, "什么", made, given)


def _called(s: Statement) -> Iterator[_Asked]:
    """被誉为X: 被誉为什么."""
    if found := _CALLED.match(said(s.predicate)):
        yield _Asked("name", said(s.subject) + found["head"], "什么", "", found["name"])


def _one(s: Statement) -> Iterator[_Asked]:
    """是一种…的技术: 是一种什么技术."""
    found = _ONE.match(said(s.predicate))
    last = s.predicate[-1]
    if found and nominal(last) and len(last.text) > 1 and len(found["rest"]) > len(last.text) + 2:
        yield _Asked("what", f"{said(s.subject)}是{found['one']}", f"什么样的{last.text}", "", found["rest"])


def _field(s: Statement) -> Iterator[_Asked]:
    """聚焦生命健康领域: 聚焦什么领域."""
    p = s.predicate
    if len(p) < 3 or fold(p[-1].text) not in _KINDS_OF or p[0].tag != "v" or phrase(p[1:]) != len(p) - 1:
        return
    given = said(p[1:-1])
    if "、" not in given and "的" not in given and len(given) > 1:
        yield _Asked("what", said(s.subject) + p[0].text, f"什么{p[-1].text}", "", given)


def _list(s: Statement) -> Iterator[_Asked]:
    """在A、B、C五个方面发力: 在哪五个方面发力; 设立A、B等机构: 设立哪些机构."""
    p = s.predicate
    marks = [i for i, token in enumerate(p) if token.text == "、"]
    if not marks or any(token.tag in ("num", "m") for token in p[: marks[-1]]):
        return
    first, last = marks[0], marks[-1]
    start = _list_start(p, first, last)
    head = p[:start]
    if not 0 < start < first or p[start].text == "的" or head[-1:] == (Token("是", "v"),):
        return
    placed = head[-1].tag == "p" or head[-1].text in _BEFORE_LIST
    if not (all(t.tag in ("d", "t") for t in head[:-1]) if placed else object_of(head) == len(head)):
        return
    end = next((i for i in range(last + 1, len(p)) if p[i].text in ("等", "这") or _counted(p, i)), 0)
    if end:
        at = end + (p[end].text in ("等", "这"))
        count = _counted(p, at)
        rest = at + (0 if not count else 1 if p[at].text == count else 2)
        noun = phrase(p[rest:])
        tail = p[rest + noun :]
        if placed and (not tail or (not count and noun and p[rest + noun - 1].text not in _LISTED)):
            return
        if len(said(p[rest : rest + noun])) > 1 and p[end - 1].text != "的" and _follows(tail):
            words = f"哪{count}" if count else "哪些"
            yield _Asked("list", said(s.subject) + said(p[:start]), words, said(p[rest:]), said(p[start:end]))
        return
    if (
        p[-1].text in _LISTED
        and p[-2].text != "的"
        and last < len(p) - 2
        and all(t.tag[0] not in "vpd" for t in p[start:-1])
    ):
        yield _Asked("list", said(s.subject) + said(p[:start]), f"哪些{p[-1].text}", "", said(p[start:-1]))


def _counted(p: Tokens, i: int) -> str:
    """五个 or 五大 at ``i``, of one token or of two; empty where there is no count."""
    return next((text for text in (said(p[i : i + 1]), said(p[i : i + 2])) if _COUNT.match(text)), "")


def _follows(tail: Tokens) -> bool:
    """Whether a predicate can end in these after what is listed."""
    if tail and tail[0].tag == "f":
        tail = tail[1:]
    return not tail or is_plain(tail) or (len(tail) < 5 and all(t.tag[0] in "vd" for t in tail))


def _list_start(p: Tokens, first: int, last: int) -> int:
    """Where the first member of a list begins: behind a preposition where members are acts, else behind a verb."""
    acts = any(p[i + 1].tag[0] == "v" for i in range(first, last + 1) if p[i].text == "、" and i + 1 < len(p))
    for i in range(first - 1, -1, -1):
        if p[i].text in _BEFORE_LIST or (p[i].tag == "p" and p[i].text not in ("把", "将")):
            return i + 1
        if p[i].tag in ("ul", "ug") or (p[i].tag == "v" and not acts):
            return i + 1
        inside = nominal(p[i]) or p[i].tag in ("f", "a") or p[i].text in ("的", "和", "与")
        if not inside and not (acts and p[i].tag[0] in "vd"):
            return 0
    return 0


def _who(s: Statement) -> Iterator[_Asked]:
    """A body did it: 哪家公司做的; only of an act that names something."""
    p = s.predicate
    subject = said(s.subject)
    if any(token.text in ("、", "和", "与", "及", "的") for token in s.subject) or not any(map(_names, s.subject)):
        return
    words = next((_BODIES[end] for end in sorted(_BODIES, key=len, reverse=True) if subject.endswith(end)), "")
    telling = any(_names(token) for token in p if token.tag != "quote")
    verb = next((t.text for t in p if t.tag.startswith("v")), "")
    told = any(subject[i : i + 3] in said(p) for i in range(len(subject) - 2)) or p[-1].tag == "vn"
    if words and telling and s.own and not told and is_plain(p) and len(said(p)) >= 8 and len(subject) > 3:
        if verb not in _STATES and not any(t.text in _FUTURE or t.text in _ADVERBS for t in p):
            yield _Asked("who", "", words, said(p), subject)


def _why(s: Statement) -> Iterator[_Asked]:
    """由于A,S没有做: S为什么没有做."""
    p = s.predicate
    while p and p[0].text in _ALSO:
        p = p[1:]
    if (
        s.why
        and s.own
        and 4 <= len(said(p)) <= 24
        and is_plain(p)
        and not any(t.tag == "date" for t in p)
        and p[0].text not in _AWAY
    ):
        yield _Asked("reason", said(s.subject), "为什么", _without_le(p), s.why)


_RULES: Sequence[_Rule] = (_why, _date, _list, _paper, _makes, _called, _one, _field, _place, _number, _who)
