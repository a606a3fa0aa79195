"""What kind of line a line is, judged by its shape and by general knowledge of how Chinese pages are labelled."""

import itertools
import re

from rag.ingest.dates import DATE as DATE
from rag.text import fold

_TERMINAL = re.compile(r"[。！？!?；;：:，,、…][”’」』）)】\"']*$|\.$")
_STOP = re.compile(r"[。！？!?]")
_WORD = re.compile(r"\w")
_BULLET = re.compile(r"^(?:[•·●○▪■□◆◇►▶※‣*-]\s*|\d{1,2}[.．、)]\s*)(?=\S)")
_CRUMB_MARK = re.compile(r"\s*(?:>>?|&gt;|[»›＞])\s*")
_CRUMB_SPACED = re.compile(r"\s+[/\\|–—→-]\s+|\s*[→/]\s*")
_PLACE = re.compile(r"^\W{0,2}(?:[^\s:：]{0,6}(?:位置|导航|路径)|location|you are here)\s*[:：]?\s*", re.IGNORECASE)
_HOME = re.compile(r"^(?:网站|本站|返回)?(?:首页|主页)$|^home$", re.IGNORECASE)
_META = re.compile(
    r"(?:^|[\s|·(（])(?:发布|发表|更新|刊发|刊登|出版)?(?:时间|日期|来源|稿源|出处|作者|于)\s*[:：]"
    r"|^(?:source|date|published|updated|by)\s*:",
    re.IGNORECASE,
)
_ROLE = (
    "记者|编辑|责编|校对|审核|审读|编审|审校|作者|通讯员|撰文|文字|来源|摄影|图片|供稿|监制|主编|策划|制图|统筹|值班"
)
_CAPTION = re.compile(
    r"^[▲△▼]|^图[为:：]|[\s(（][^\s。]{0,12}(?:摄影?|供图|制图|绘|图)(?:[/／][^\s。]{1,12})?[)）]?。?$"
)
_BYLINE = re.compile(rf"^[(（【\[]?[^\s:：。，,]{{0,6}}(?:{_ROLE})[^\s:：。，,]{{0,4}}\s*[:：/／丨|]")
_CONTROL = re.compile(  # what the buttons and counters of a page say
    r"(?:网站|本站)?首页|主页|登[录陆]|注册|退出|搜索|打印|关闭|收藏|分享|转发|点赞|评论|回复|举报|引用|关注|订阅|下载|客户端"
    r"|APP|微信|微博|QQ空间|QQ|朋友圈|手机版|电脑版|返回|顶部|字[体号]|扫一扫|复制链接|纠错|投稿|浏览|阅读|查看|点击"
    r"|上一页|下一页|展开|收起|更多|全文|楼主|只看",
    re.IGNORECASE,
)
_FILLER = re.compile(r"[大中小]|本[页文]|到|至|加入|列表|该?作者|倒序|窗口|次数|[人数量次]")
_AFTERWORD = re.compile(  # labels that stand below an article and never open a paragraph of it
    r"^\W{0,3}(?:[上下前后]一[篇条页]\s*[:：]|分享(?:到|至)|(?:版权|免责|特别|郑重)?(?:声明|提示)\s*[:：]|版权(?:声明|所有|归)"
    r"|免责声明|copyright|©|返回(?:顶部|首页|列表|目录)|点击(?:查看|阅读|进入)|长按.{0,6}(?:二维码|识别)|扫(?:一扫|码)"
    r"|.{0,8}ICP备|all rights reserved|阅读原文|查看更多|加载更多)",
    re.IGNORECASE,
)
_SECTION = re.compile(  # names that sites give to lists of other articles
    r"(?:相关|推荐|延伸|扩展|更多|热门|热点|最新|今日|本周|往期|精彩|精选|猜你|为你|编辑|小编|大家|网友|读者|同类|友情|站内|人气)"
    r".{0,4}(?:阅读|文章|新闻|推荐|资讯|内容|报道|链接|图[集片]|视频|专题|评论|热评|喜欢|回顾|排行榜?|消息|精选|在看|看了|爱看|热榜|要闻)"
    r"|(?:热|点击|阅读|新闻|文章|周|月)(?:榜|排行榜?)|related|recommended|read more|more news|you may also like",
    re.IGNORECASE,
)


def is_terminated(line: str) -> bool:
    """Whether the line ends as a sentence, a clause or an announcement does."""
    return _TERMINAL.search(line[-40:]) is not None


def is_prose(line: str) -> bool:
    """Whether the line is running text: whole sentences, or too long for a heading."""
    if len(line) < 20 or is_bulleted(line):
        return False
    return len(line) >= 60 or (is_terminated(line) or _has_inner_stop(line))


def _has_inner_stop(line: str) -> bool:
    """Whether a sentence ends within the line: a word follows its first stop."""
    stop = _STOP.search(line)
    return stop is not None and _WORD.search(line, stop.end()) is not None


def is_bulleted(line: str) -> bool:
    return _BULLET.match(line) is not None


def unbulleted(line: str) -> str:
    return _BULLET.sub("", line)


def is_crumbs(line: str) -> bool:
    """Whether the line is a trail of page names, such as ``当前位置:首页 > 财经 >`` or ``Home / News / City``."""
    if len(line) > 120:
        return False
    place = _PLACE.match(line)
    path = line[place.end() :] if place else line
    marked = _CRUMB_MARK.split(path)
    parts = marked if len(marked) > 1 else _CRUMB_SPACED.split(path)
    if len(parts) < 2 or not parts[0].strip() or any(len(part) > 12 or is_terminated(part) for part in parts[:-1]):
        return False
    if place or _HOME.match(parts[0].strip()):
        return True
    return len(marked) > 2 or (len(marked) == 2 and not marked[1].strip() and len(marked[0]) <= 12)


def is_metadata(line: str) -> bool:
    """Whether the line says when and where an article appeared: labels with values, or a bare date."""
    if len(line) > 120 or "。" in line:
        return False
    return _META.search(line) is not None or is_bare_date(line)


def is_bare_date(line: str) -> bool:
    """Whether the line holds a date, perhaps with a time, and nothing else."""
    return DATE.search(line) is not None and DATE.sub("", line).strip(" \t\u3000\xa0:：0123456789|·") == ""


def is_byline(line: str) -> bool:
    """Whether the line names who made the article, such as ``编辑:周静 徐静文(实习)``."""
    return len(line) <= 80 and "。" not in line and _BYLINE.match(line) is not None


def is_caption(line: str) -> bool:
    """Whether the line says what a picture shows or who took it, such as ``科学城。记者 龙帆 摄/视觉重庆``."""
    return len(line) <= 120 and _CAPTION.search(line) is not None


def is_controls(line: str) -> bool:
    """Whether the line holds nothing but buttons and counters of a page."""
    if len(line) > 80 or not _CONTROL.search(line):
        return False
    words = re.split(r"[\s|·/／,，:：()（）\[\]【】\d+]+", line)
    words = [word for word in words if word]
    if not words:
        return False
    known = [word for word in words if _FILLER.sub("", _CONTROL.sub("", word)) == ""]
    if _HOME.match(words[0]) and len(words) >= 4 and all(len(word) <= 6 for word in words):
        return True
    return len(known) == len(words) and (len(words) > 1 or len(words[0]) >= 4 or line != words[0])


def is_afterword(line: str) -> bool:
    """Whether a page puts the line below any article: its neighbours, sharing, rights, registration."""
    return _AFTERWORD.match(line) is not None


def is_section_name(line: str) -> bool:
    """Whether a heading names a list of other articles."""
    return len(line) <= 16 and _SECTION.search(line) is not None


def is_heading(line: str) -> bool:
    """Whether the line can stand above a list of links: a few words, no sentence, no label with a value."""
    bare = line.strip("【】[]:：-—=·•▌|■ ")
    return 2 <= len(bare) <= 16 and not is_terminated(bare) and not re.search(r"[:：，,。\d]", bare)


def is_truncated(line: str) -> bool:
    """Whether a teaser was cut off: it has a whole sentence and then an unfinished one, or ends in dots."""
    if re.search(r"(?:\.{3}|…)\s*(?:[\[【(（]?(?:详细|全文|更多|查看|阅读).{0,4})?$", line[-40:]):
        return True
    return len(line) >= 40 and not is_terminated(line) and _has_inner_stop(line[:500])


def bigrams(line: str) -> set[str]:
    """The pairs of neighbouring letters, what is no letter left out."""
    return {pair for word in re.findall(r"\w+", fold(line)) for pair in map("".join, itertools.pairwise(word))}
