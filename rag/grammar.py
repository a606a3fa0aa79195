"""Closed classes of Chinese and English that several stages need: question words and pronouns, on folded text."""

import re

HAN = re.compile(r"[一-鿿]")
ASKS = re.compile(
    r"什么|哪|谁|何(?=[时处人地以为])|多少|多[大高长远久重宽深快厚](?![的了])|(?<![这那近前后十好上])几(?![乎何])|"
    r"吗|为何|如何|怎|是否|是不是|有没有|\b(what|which|who|whom|whose|when|where|why|how)\b"
)
PRONOUN = re.compile(
    r"它们|他们|她们|(?<!其)[它他她](?![乡国人日])|(?<![与尤极及])其(?![他它实中余次间])|"
    r"\b(it|its|they|their|them|he|his|she|her)\b"
)
