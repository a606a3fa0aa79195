"""Closed classes of Chinese and English that several stages need: question words and pronouns, on folded text."""

import re

HAN = re.compile(r"[一-鿿]")
HOW_MUCH = (  # 多大, 几个: not in 多伦多大学, 这几个, 几乎
    r"多少|(?:有|是|达|约|为|长|宽|地|离)多[大高长远久重宽深快厚]|多[大高长远久重宽深快厚](?=[的呢吗?？,，。\s]|$)"
    r"|(?<![这那近前后十好上数])几(?![乎何])"
)
WHAT = (
    r"[什甚]么|哪|谁|何(?=[时处人地以为年])|多少|为何|如何|怎|是否|是不是|有没有|吗"
    r"|\b(?:what|which|who|whom|whose|when|where|why|how)\b"
)
ASKS = re.compile(rf"{WHAT}|{HOW_MUCH}")
ASKS_PLAINLY = re.compile(WHAT)  # what hardly ever stands in a clause that asks nothing
PRONOUN = re.compile(
    r"它们|他们|她们|(?<!其)[它他她](?![乡国人日])|(?<![与尤极及])其(?![他它实中余次间])|"
    r"\b(it|its|they|their|them|he|his|she|her)\b"
)
_SHORT = dict(
    pair.split(":")
    for pair in (
        "京:北京 津:天津 沪:上海 渝:重庆 冀:河北 晋:山西 辽:辽宁 苏:江苏 浙:浙江 皖:安徽 闽:福建 赣:江西 鲁:山东 "
        "豫:河南 鄂:湖北 湘:湖南 粤:广东 桂:广西 琼:海南 川:四川 蜀:四川 黔:贵州 滇:云南 陕:陕西 陇:甘肃 港:香港 "
        "澳:澳门 成:成都"
    ).split()
)
_SHORTS = re.compile(f"(?:成(?=渝)|[{''.join(set(_SHORT) - {'成'})}]){{2,}}")
_TAIL = re.compile(r"([一-鿿]{4,})[^一-鿿]*$")  # of a title, with a year or a bracket after it


def full_names(text: str) -> list[str]:
    """The provinces and cities that short names in a row stand for: 京津冀 is 北京, 天津, 河北. One alone is left."""
    return [_SHORT[character] for run in _SHORTS.findall(text) for character in run]


def names_itself(text: str, title: str) -> bool:
    """Whether a text under this title speaks of itself: 本条例 under 重庆市优化营商环境条例 stands for all of that."""
    tail = _TAIL.search(title)
    return tail is not None and any(f"本{tail[1][-length:]}" in text for length in (2, 3, 4))
