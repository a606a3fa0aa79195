"""Courtesies: greetings, thanks, forms of address, wishes and fillers, which are no part of what is asked.

They are closed classes of the language and know no topic. What stands in quotation marks or a 《title》, or goes on
into another word (谢谢你 of a song, 师傅一词), is left alone: a courtesy ends where a clause ends, or where a request
to be told something begins.
"""

import re

from rag.grammar import ASKS
from rag.text import fold

_LONGEST = 2000  # characters that are looked at; longer texts are no chat
_SEPARATOR = r"[\s,，。.!！~～、…;；:：\-—]"
_VOCATIVES = (  # used to call somebody, hardly ever to ask about him
    "師傅|师傅|大佬|大神|大哥|大姐|大叔|大爷|大妈|阿姨|叔叔|小姐姐|小哥哥|小哥|哥们儿?|兄弟|姐妹|姐姐|哥哥|亲爱的?|亲"
    "|帅哥|美女|帥哥|楼主|群主|小编|小編|版主|bro|sir|madam|buddy"
)
_TITLES = (  # asked about as often as called: 医生 值班, 教授、博士的待遇
    "老师|老師|小姐|同学|同學|朋友|前辈|专家|專家|客服|管理员|医生|醫生|大夫|律师|律師|先生|女士|老板|老闆|领导|領導|助手|小助手"
    "|机器人|機器人|同志|警官|博士|教授|经理|經理|主任"
)
_EVERYBODY = r"(?:各位|尊敬的|敬爱的|这位|那位|親愛的|亲爱的)?"
_ADDRESS = rf"{_EVERYBODY}(?:{_VOCATIVES}|{_TITLES})(?:们|們)?(?:您|你)?"
_GREETING = (
    rf"{_ADDRESS}好[呀啊哈嘛]?|"
    r"[你您妳]们?好[呀啊哈嘛]?|[你您]們好|大家好|各位好|早上好|上午好|中午好|下午好|晚上好|早安|午安|晚安|早啊?|哈[喽啰囉罗]|嗨|嘿|喂|哈罗"
    r"|在吗[?？]?|在嗎[?？]?|在不在[?？]?|有人吗[?？]?|有人嗎[?？]?|打扰(?:一下|下|了)?|打擾(?:一下|下|了)?|不好意思|抱歉|对不起|對不起|冒昧(?:了|问一下)?"
    r"|hi|hello|hey|good (?:morning|afternoon|evening)|excuse me|sorry(?: to bother you)?"
)
_FILLER = (
    r"[嗯呃额額唔啊哦噢喔唉诶欸]{1,20}|哎呀?|em{2,20}|um{1,9}|uh{1,9}|那个|那個|这个|這個|就是说?|就是說|那啥|话说|話說|对了|對了"
    r"|是这样的?|是這樣的?|ok|okay|so|well"
)
_THANKS = (
    r"(?:非常|十分|万分|萬分|真是|太|好的|先|在此|提前)?(?:谢谢|謝謝|多谢|多謝|感谢|感謝|谢过|謝過|感恩)"
    r"(?:[你您]们?|大家|各位|啦|了|啊|呀|哦|喔|哈|哟|帮忙|解答|回答|指教|一下)*"
    r"|谢[啦了]|謝[啦了]|跪谢|跪謝|感激不尽|感激不盡|不胜感激|不勝感激|辛苦(?:了|啦|您了?|你了?)?|有劳(?:了|您了?|你了?)?"
    r"|拜托(?:了|啦|您了?|你了?|大家了?)?|拜託(?:了|啦|您了?|你了?)?|麻烦(?:了|啦|您了?|你了?|大家了?)|麻煩(?:了|啦|您了?|你了?)"
    r"|劳驾(?:了|您了?)?|勞駕(?:了|您了?)?|3q|thx|thanks?(?: (?:a lot|so much|in advance|very much))?"
    r"|thank you(?: (?:so much|very much|in advance))?|many thanks|cheers|please|pls|plz|best regards"
)
_WISH = (
    r"(?:顺|順)?祝(?:您|你|大家|各位|老师|老師)?[一-鿿]{0,8}(?:愉快|快乐|快樂|顺利|順利|健康|平安|幸福|如意|发财|發財|大吉|进步|進步|安好|成功|安康|祺)|(?:生活|工作|节日|節日|周末|週末|新年|新春|身体|身體)(?:愉快|快乐|快樂|顺利|順利|健康)"
    r"|万事如意|萬事如意|一切顺利|一切順利|好人一生平安|have a (?:nice|good) day"
)
_URGENCY = r"(?:很|挺|非常|比较|有点)?急{1,20}|在线等|線上等|急求|求回复|求回覆|求解答?|求助|等(?:你|您)?(?:回复|回覆)"
_REQUEST = (
    r"请问(?:一下|下|您|你|一句)?|請問(?:一下|下|您|你|一句)?"
    r"|(?:我|俺|小弟|小白)?(?:就|只)?想(?:请|請|要)?(?:问|問)(?![题題])(?:一下|下|问|問|一句|个问题|個問題)?"
    r"|(?:我|俺)?(?:想|要)(?:请教|請教|咨询|諮詢|知道|了解|瞭解|打听|打聽)(?:一下|下)?"
    r"|(?:请教|請教)(?![授师師练練育材室学學务務会會堂程案员員])(?:一下|下|大家)?|咨询(?:一下|下)|諮詢(?:一下|下)|打听(?:一下|下)|打聽(?:一下|下)|(?:问|問)(?:一下|下(?![级級属屬面])|问|問)"
    r"|(?:麻烦|麻煩|劳驾|勞駕|烦请|煩請|有劳|请|請|拜托|拜託)(?:您|你|大家|各位)?(?:帮我|幫我|帮忙|幫忙|给我|給我|告诉我|告訴我|问|問|说明|說明)"
    r"(?:查|看|找|问|問|说|說|讲|講)?(?:一下|下|看|查)?"
    r"|(?:麻烦|麻煩|劳驾|勞駕|烦请|煩請)(?:您|你)(?:一下|下)?"
    r"|帮(?:我|忙)(?:查|看|找|问)(?:一下|下|看|查|找)?|幫(?:我|忙)(?:查|看|找|問)(?:一下|下|看|查|找)?"
    r"|(?:能不能|可不可以|能否|可否|可以|能)(?:请|請|麻烦|麻煩)?(?:您|你)?(?:告诉|告訴)我(?:一下)?"
    r"|求问|求問|求教|弱弱(?:地|的)?问(?:一句|一下|下)?|谁知道|誰知道|有谁知道|有人知道|谁能告诉我"
    r"|(?:can|could|would|will) you (?:please |kindly )?(?:tell me|help me|explain)(?: please)?"
    r"|(?:please |kindly )?(?:tell me|help me|explain)|i(?: would|'d)? (?:like|want) to (?:know|ask)|i wonder|may i ask"
)
_WEAK = rf"(?:{_GREETING}|{_THANKS}|{_WISH}|{_URGENCY}|{_FILLER})"
_WORD_END = r"(?![a-z])"
_SEPARATORS = re.compile(rf"{_SEPARATOR}{{0,9}}")
_ENDS = re.compile(rf"(?:{_SEPARATOR}|(?<=[吗嗎在])[?？]){{1,9}}")
_COURTESY = re.compile(rf"{_WEAK}{_WORD_END}")
_ASKING = re.compile(rf"(?:{_REQUEST}){_WORD_END}")
_CALL = re.compile(rf"{_ADDRESS}{_WORD_END}")
_VOCATIVE = re.compile(rf"{_EVERYBODY}(?:{_VOCATIVES})(?:们|們)?(?:您|你)?{_WORD_END}")
_CALLED = re.compile(r"[,，!！~～。…]{1,9}")  # a space or 、 beside a name of people makes it a word of the question
_MOST = 12  # courtesies in a row
_TRAILING_THANKS = re.compile(rf"(?:{_THANKS}|{_URGENCY})(?:{_SEPARATOR}{{0,3}}(?:{_ADDRESS}|{_THANKS}|{_WISH}))?$")
_BORDERS = re.compile(r"[,，。.!！~～…;；?？\n]{1,9}|\s{1,9}(?=[^\s])")
_PROTECTED = re.compile(r"《[^《》\n]{0,100}》|“[^“”\n]{0,100}”|「[^「」\n]{0,100}」|\"[^\"\n]{0,100}\"")
_ABOUT_ME = re.compile(
    r"[你您妳](?:到底)?(?:是谁|是誰|叫[什甚]么(?:名字)?|是[什甚]么(?:东西|人|模型|机器人)?|是(?:ai|机器人|真人)吗|能(?:做|干|帮我做)[什甚]么"
    r"|会(?:做|干)?[什甚]么|好吗|好嗎)|who are you|what are you|what can you do|how are you"
    r"|(?:拜拜|再见|再見|bye|goodbye|好的?|行|嗯+|ok|okay|知道了|明白了|收到)"
)


def strip_courtesies(question: str) -> str:
    """Return a question without the courtesies around it and between its clauses.

    A message that is nothing but courtesy comes back as it is. Linear in the length of the message.
    """
    text = question.strip()
    if len(text) > _LONGEST:
        return text
    text = text[_find_lead_end(fold(text)) :]
    stripped = _strip_inner(_strip_tail(text))
    return stripped if re.search(r"\w", stripped) else question.strip()


def is_small_talk(message: str) -> bool:
    """Say whether a message is nothing but courtesy, or asks who is there: nothing need be searched for it."""
    folded = fold(message).strip(" \t\n,，。.!！~～?？…")
    if not folded or len(folded) > 60:
        return False
    pieces = [piece.strip() for piece in _BORDERS.split(folded) if piece.strip()]
    told = [piece for piece in pieces if not re.fullmatch(_FILLER, piece)]
    return bool(told) and all(_is_courtesy(piece) or _ABOUT_ME.fullmatch(piece) for piece in pieces)


def _find_lead_end(folded: str) -> int:
    """Return where the courtesies at the beginning end: at the end of a clause, or before or behind a request."""
    end = at = 0
    for _ in range(_MOST):
        at = _end_of(_SEPARATORS, folded, at)
        if found := _ASKING.match(folded, at):
            end = at = _end_of(_SEPARATORS, folded, found.end())
            continue
        if found := _COURTESY.match(folded, at):
            at = found.end()
            ended = _ENDS.match(folded, at)
        elif found := _CALL.match(folded, at):
            at = found.end()
            ended = _CALLED.match(folded, at) if _VOCATIVE.fullmatch(found[0]) else None
        else:
            break
        if ended:
            end = at = ended.end()
    return end


def _is_courtesy(clause: str, border: str = "") -> bool:
    """Say whether a folded clause is made of courtesies and requests alone, with somebody who is called among them.

    Somebody who is called and nothing else is a courtesy where a ``border`` stands before the clause that is no space.
    """
    if _VOCATIVE.fullmatch(clause):
        return _CALLED.fullmatch(border.strip()) is not None
    at, told = 0, False
    for _ in range(_MOST):
        at = _end_of(_SEPARATORS, clause, at)
        if at == len(clause):
            break
        found = _COURTESY.match(clause, at) or _ASKING.match(clause, at)
        told = told or found is not None
        found = found or _CALL.match(clause, at)
        if not found or not found.end() > at:
            return False
        at = found.end()
    return told and at == len(clause)


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _strip_tail(text: str) -> str:
    """Take the last clauses off while they are courtesies, and thanks that are joined to what asks."""
    for _ in range(8):
        bare = len(text.rstrip(" ,，。.!！~～?？…"))
        border = next(
            (m for m in reversed(list(_BORDERS.finditer(text, max(0, bare - 60), bare))) if m.end() < bare), None
        )
        folded = fold(text)
        if border and _is_courtesy(folded[border.end() : bare], border[0]):
            text = text[: border.start()].rstrip() + ("?" if set(border[0]) & set("?？") else "")
            continue
        found = _TRAILING_THANKS.search(folded[:bare], max(0, bare - 40))
        if found and found.start() and ASKS.search(folded[: found.start()]):
            text = text[: found.start()].rstrip()
            continue
        return text
    return text


def _strip_inner(text: str) -> str:
    """Take out the clauses in the middle that are courtesies; what is quoted is not looked into."""
    quoted = [m.span() for m in _PROTECTED.finditer(text)]
    kept, begin, before = [], 0, ""
    for border in [*_BORDERS.finditer(text), None]:
        if border and any(a <= border.start() < b for a, b in quoted):
            continue
        stop, end = (border.start(), border.end()) if border else (len(text), len(text))
        clause = fold(text[begin:stop]).strip()
        if not clause or not _is_courtesy(clause, before):
            kept.append(text[begin:end])
        begin, before = end, border[0] if border else ""
    return "".join(kept).strip()
