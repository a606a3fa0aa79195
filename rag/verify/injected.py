"""Where a document speaks to a language model instead of a reader: what it says there is no source for anything."""

import re
from functools import lru_cache

from rag.text import BREAKS

_LINE = re.compile(f"[^{BREAKS}]+")
_MODEL = r"(?:ai|人工智能|大?语言模型|模型|助手|机器人|assistant|llm|chatbot|gpt|language model)"
_IGNORE = "(?:忽略|无视|忘记|忘掉|忘却|不要理会|不必理会|不要遵[守循]|停止遵[守循]|跳过|绕过|推翻|抛开)"
_ORDERS = (
    rf"{_IGNORE}[^。!?！？\n]{{0,8}}?(?:以上|之前|此前|先前|前面|前述|上述|上面|所有|一切|全部|任何|原有|系统|你的)"
    r"[^。!?！？\n]{0,8}?(?:指令|指示|提示|要求|规则|命令|设定|约束|限制|对话|消息|内容|上文|前文)",
    rf"{_IGNORE}[^。!?！？\n]{{0,8}}?(?:指令|提示词|系统提示|设定)",
    r"(?:ignore|disregard|forget|override|bypass|skip|do not follow|don't follow|stop following)\b[^.!?\n]{0,40}?"
    r"\b(?:instructions?|prompts?|rules?|messages?|guidelines?|directions?|context|text above)",
    r"(?:系统|初始|开发者|隐藏的?|你的)(?:提示词?|指令|消息)|system ?(?:prompt|message|override|instruction)"
    r"|developer message",
    rf"(?:^|[。!?！？:：,，;；\s\"“])(?:你|您)(?:现在|从现在起|接下来|将|必须|应当?)?[^。!?！？\n]{{0,6}}(?:是"
    rf"|扮演|作为|成为|变成|充当)"
    rf"[^。!?！？\n]{{0,12}}{_MODEL}",
    rf"\byou are (?:now |no longer )?(?:an? |the )?[^.!?\n]{{0,30}}{_MODEL}|\bact as "
    rf"(?:an? |the )?[^.!?\n]{{0,20}}{_MODEL}|\bpretend (?:to be|you)\b|\bas an ai\b",
    rf"(?:致|告知?|各位|给|请|所有|任何|阅读本文的)[^。!?！？\n]{{0,8}}{_MODEL}[^。!?！？\n]{{0,4}}(?:[:：,，]"
    rf"|请|必须|应|注意|说明|的(?:指令|说明|提示))",
    rf"\b(?:attention|note|notice|message|instructions?)\b[^.!?\n]{{0,12}}\b(?:to|for)\b[^.!?\n]{{0,20}}{_MODEL}",
    r"(?:请|必须|只能|只(?=[回输答])|务必|一律|改为|始终)[^。!?！？\n]{0,12}?(?:回答|回复|输出|答复|打印|复述"
    r"|回应|作答)[^。!?！？\n]{0,20}?"
    r"(?:[:：“\"「『]|以下|下列|下面|原样|链接|网址|地址|即可|英文|全文)",
    r"(?:回答|回复|输出|作答)(?:时|中|里|任何|所有|本|问题|用户|后|前|末尾|结尾)[^。!?！？\n]{0,20}(?:必须|务必"
    r"|只能|都要?|一律|请|附上|加上|插入|写上)",
    r"\b(?:reply|respond|answer|output|print|say|repeat|write|include|append|end)\b[^.!?\n]{0,30}?"
    r"\b(?:only|exactly|following|verbatim|with the (?:word|text|phrase|link|url)|nothing else|this (?:link|url"
    r"|text|sentence))\b",
    r"<\|[a-z_]{2,20}\|>|\[/?inst\]|<</?sys>>|^#{1,4} ?(?:system|instruction|assistant|user)\b|^(?:system"
    r"|assistant|user|human) ?[:：]",
    r"\b(?:jailbreak|dan mode|developer mode|prompt injection)\b|越狱模式|开发者模式",
    r"(?:访问|点击|打开|发送|上传|转发)[^。!?！？\n]{0,16}(?:https?://|www\.)",
)
_ORDER = re.compile("|".join(f"(?:{order})" for order in _ORDERS), re.I)


@lru_cache(maxsize=512)
def instructions(text: str) -> tuple[tuple[int, int], ...]:
    """Spans of ``text`` that give orders to a language model: from the sentence that does, to the end of its line.

    What follows such an order in its line is what the model is to do or say.
    """
    found = []
    for line in _LINE.finditer(text):
        seen = [at for at in range(*line.span()) if text[at].isprintable() or text[at] == "\t"]
        shown = "".join(text[at] for at in seen)  # what nobody sees may stand between an order's characters
        order = _ORDER.search(shown)
        if order:
            begun = max((shown.rfind(mark, 0, order.start()) + 1 for mark in "。!?！？"), default=0)
            found.append((seen[begun], line.end()))
    return tuple(found)


def without_instructions(text: str) -> str:
    """The text without them."""
    kept, at = [], 0
    for start, end in instructions(text):
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]])
