"""How an answer of each kind looks in Chinese text: numbers, dates, names, places, bodies, causes, lists.

Closed classes and word endings of the language; nothing here knows a topic.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import rjieba

from rag.answer.rarity import common
from rag.question import Kind

IS = re.compile(r"是|为|指|即|称|叫|名")

_NUMERAL = "〇零一二两三四五六七八九十百千万亿"
_MEASURES = (
    "个名位年月日天家所座次届项种部条人岁倍成段集招栋尺层件支只艘本篇场句首对组批类份台辆架间处户亩公米里元吨度级门套颗朵片张幅枚"
    "把根棵匹头群队排回遍章节卷期代世任国省市县区州镇村户株艘架"
)
_BODIES = (
    "公司 大学 学院 学校 中学 小学 实验室 委员会 中心 集团 协会 政府 银行 组织 机构 乐团 球队 电视台 俱乐部 研究所 "
    "法院 医院 出版社 报社 日报 晚报 代表团"
)
_SIGNS: Mapping[Kind, re.Pattern[str]] = {
    "number": re.compile(rf"\d+(?:\.\d+)?|[{_NUMERAL}]{{2,}}|[{_NUMERAL}数](?=[{_MEASURES}])"),
    "date": re.compile(
        r"\d{1,4}年|\d{1,2}月|\d{1,2}[日号]|[〇零元一二三四五六七八九十]{1,4}[年月]|世纪|年代|年间|时期|\d{4}-\d{1,2}"
        r"|[同次翌当今去每]年|[晨晚夜]|(?:周|星期)[一二三四五六日]|[春夏秋冬]季|[^\W\d_]代(?!表)|民国|[前后]$|时(?=[,，])"
        r"|期间|以来"
    ),
    "place": re.compile(r"[一-鿿](?:省|市|县|区|州|镇|乡|村|岛|国|港|湾|河|江|湖|山|路|街|道|里|洲|寺|宫|站|城)"),
    "organisation": re.compile("|".join(_BODIES.split()) + r"|[局厅部院署社馆厂会党团队军系](?![一-鿿])"),
    "reason": re.compile(r"因为|由于|因此|因而|所以|为了|以便|导致|使得|原因|从而|鉴于|为[加进实推避防]"),
    "list": re.compile(r"、|以及|分别|包括|和"),
}
_LABEL = re.compile(r"(?:^|[\s;；(（])([一-鿿]{1,6})\s*[:：|｜]|([一-鿿])\s*[/／]")
_TITLE = re.compile(r".?(?:长|书记|主席|主任|总理|经理|总裁)$|教授|院士|博士|先生|女士|小姐|同志|老师|医生|将军|皇帝")
_FOREIGN = re.compile(r"[一-鿿]{1,8}(?:[·・•][一-鿿]{1,8})+|[a-z]{2,}(?: [a-z.]{2,}){1,3}")
_COUNTED = re.compile(r"(?:多少|几)\s*([^\W\d_])")
_FOCUS = re.compile(
    r"(?:[什甚]么|哪[一几两二三四五六七八九十些个家种项位所座类]*|多少|几)(?:[个家种项位所座类些名条])?([一-鿿]{1,8})"
)
YEAR = re.compile(r"(?<!\d)[12]\d{3}(?=年|$)", re.M)  # as a text or `relative_years` has it
_SURNAMES = (  # the commoner ones
    *(
        "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭"
        "廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向"
        "柳邢路岳齐梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华"
        "车冉房边辜吉饶刁瞿戚丘古米池滕晋苑邬臧畅宫来苟全褚廉简娄盖符奚穆党燕郎邸冀谈姬屠连郜晏栾郁商蒙计喻揭窦迟宇敖糜鄢冷卓花艾蓝"
    ),
    *"欧阳 司马 上官 诸葛 夏侯 皇甫 尉迟 公孙 慕容 令狐".split(),
)
_NOUN_TAGS = ("n", "vn", "an", "eng")
NAME_TAGS = ("nr", "ns", "nt", "nz")
FIGURE = re.compile(r"\d+(?:\.\d+)?")


class Sought(NamedTuple):
    """What a question says of its answer: a number before this measure word, of this noun; and its own numbers."""

    counted: re.Pattern[str] | None
    focus: str
    numbers: frozenset[str]


def sought(question: str, kind: Kind) -> Sought:
    """Of a folded question."""
    measure, focus = _COUNTED.search(question), _FOCUS.search(question)
    counted = (
        re.compile(rf"[\d{_NUMERAL}余多几数.,]\s*{re.escape(measure.group(1))}")
        if measure and kind == "number"
        else None
    )
    return Sought(counted, focus.group(1) if focus else "", frozenset(FIGURE.findall(question)))


def measure(question: str) -> str:
    """The measure word that a folded question asks a number of: 项 of 多少项; empty where there is none."""
    found = _COUNTED.search(question)
    return found.group(1) if found else ""


def persons(text: str, question: str) -> set[str]:
    """Names of people in a folded text that the folded question does not name."""
    return {name for name in _persons(text) if name not in question}


def has_signs(kind: Kind) -> bool:
    """Whether answers of this kind can be told by their form."""
    return kind in _SIGNS or kind == "person"


def spots(text: str, kind: Kind, question: str) -> list[int]:
    """Where in folded ``text`` something of ``kind`` stands that the folded ``question`` does not say itself."""
    if kind == "person":
        return [text.find(name) for name in persons(text, question)]
    if kind == "place":
        named = [text.find(name) for name in _places(text) if name not in question]
        return named + [m.start() for m in _SIGNS["place"].finditer(text) if m.group(0) not in question]
    pattern = _SIGNS.get(kind)
    if kind == "number":  # 15 is not said by 2015
        said = set(_SIGNS["number"].findall(question))
        return [m.start() for m in _SIGNS["number"].finditer(text) if m.group(0) not in said]
    return [m.start() for m in pattern.finditer(text) if m.group(0) not in question] if pattern else []


def labels(text: str) -> list[str]:
    """Labels of a byline or a field: 记者 of «记者:张三», 摄 of «李四 摄/视觉»."""
    return [m.group(1) or m.group(2) for m in _LABEL.finditer(text)]


def names(text: str) -> frozenset[str]:
    """Words of a folded text that the tagger takes for names: of people, places, bodies and other things.

    What is in no dictionary counts where it begins with a surname or is a foreign name: the rest is often a word that
    was mistyped, or the end of one with the beginning of the next.
    """
    return frozenset(word for word, tag in _tagged(text) if tag.startswith(NAME_TAGS) and _is_name(word, tag))


def _is_name(word: str, tag: str) -> bool:
    if len(word) < 2 or common(word):
        return False
    return tag == "nrt" or word.startswith(_SURNAMES) or _in_dictionary(word)


def nouns(text: str) -> frozenset[str]:
    """Nouns of a folded text, names among them, and Latin words: another verb may say the same, hardly another noun."""
    return frozenset(word for word, tag in _tagged(text) if len(word) > 1 and tag.startswith(_NOUN_TAGS))


@lru_cache(maxsize=8192)
def _in_dictionary(word: str) -> bool:
    known: list[str] = rjieba.cut(word, hmm=False)
    return len(known) == 1


@lru_cache(maxsize=8192)
def _persons(text: str) -> tuple[str, ...]:
    """Words that the tagger takes for names of people, but for those that name a thing: 金凤 of 金凤实验室."""
    words: list[tuple[str, str]] = rjieba.tag(text)  # not kept: a passage's take more room than its names
    following = [*words[1:], ("", "x")]
    return tuple(
        word
        for (word, tag), (after, kind) in zip(words, following, strict=False)  # white space alone has no words
        if tag.startswith("nr") and _is_name(word, tag) and (not kind.startswith("n") or _TITLE.match(after))
    ) + tuple(_FOREIGN.findall(text))


@lru_cache(maxsize=8192)
def _places(text: str) -> tuple[str, ...]:
    return tuple(word for word, tag in rjieba.tag(text) if tag == "ns" and len(word) > 1 and not common(word))


@lru_cache(maxsize=1024)
def _tagged(text: str) -> list[tuple[str, str]]:
    tagged: list[tuple[str, str]] = rjieba.tag(text)
    return tagged
