"""Names in Chinese text: of people, places, bodies and other things, as the word cutter's tags tell them."""

from functools import lru_cache

import rjieba

from rag.term_rarity import common

NAME_TAGS = ("nr", "ns", "nt", "nz")
_SURNAMES = (  # the commoner ones
    *(
        "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭"
        "廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向"
        "柳邢路岳齐梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华"
        "车冉房边辜吉饶刁瞿戚丘古米池滕晋苑邬臧畅宫来苟全褚廉简娄盖符奚穆党燕郎邸冀谈姬屠连郜晏栾郁商蒙计喻揭窦迟宇敖糜鄢冷卓花艾蓝"
    ),
    *"欧阳 司马 上官 诸葛 夏侯 皇甫 尉迟 公孙 慕容 令狐".split(),
)


def names(text: str) -> frozenset[str]:
    """Return the words of a folded text that the tagger takes for names.

    What is in no dictionary counts where it begins with a surname or is a foreign name: the rest is often a word that
    was mistyped, or the end of one with the beginning of the next.
    """
    return frozenset(word for word, tag in _tag_words(text) if tag.startswith(NAME_TAGS) and _is_name(word, tag))


def _is_name(word: str, tag: str) -> bool:
    if len(word) < 2 or common(word):
        return False
    return tag == "nrt" or word.startswith(_SURNAMES) or _is_in_dictionary(word)


@lru_cache(maxsize=8192)
def _is_in_dictionary(word: str) -> bool:
    known: list[str] = rjieba.cut(word, hmm=False)
    return len(known) == 1


@lru_cache(maxsize=1024)
def _tag_words(text: str) -> list[tuple[str, str]]:
    tagged: list[tuple[str, str]] = rjieba.tag(text)
    return tagged
