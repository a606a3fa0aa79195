"""Numbers, dates and words as the rules of ``rewording`` and ``falsehoods`` find them in a sentence."""

import re


def pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Of "old:new old:new" each old and new."""
    return tuple((old, new) for old, _, new in (pair.partition(":") for pair in text.split()))


DIGITS = "零一二三四五六七八九"
NUMBER = re.compile(r"(?<![\d.a-zA-Z:/-])(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(%|％)?(?![\d:a-zA-Z/-])")
DAY = re.compile(r"(?<!\d)(?:(\d{4})年)?(\d{1,2})月(?:(\d{1,2})([日号號]))?|(?<!\d)(\d{4})年")
HAN_DAY = re.compile(
    r"(?<![一二三四五六七八九十])(十[一二]?|[一二三四五六七八九])月(?:([二三]?十[一二三四五六七八九]?"
    r"|[一二三四五六七八九])日)?"
)
HAN_NUMBER = re.compile(
    r"(?<![第一二三四五六七八九十百千万亿零周期])([二三四五六七八九两兩]?百?[二三四五六七八九]?十[一二三四五六七八九]?|[二三四五六七八九两])(?=[个個名位年座所项項次种種家艘辆])"
)


def han(number: int) -> str:
    """A whole number below 10**12 in Chinese numerals."""
    if number == 0:
        return "零"
    out, zero = "", False
    for size, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        part, number = divmod(number, size)
        if not part:
            zero = bool(out)
            continue
        said = "" if not out or (part >= 1000 and not zero) else "零"
        for unit, word in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit, part = divmod(part, unit)
            if digit:
                said += DIGITS[digit] + word
            elif part and said and not said.endswith("零"):
                said += "零"
        out, zero = out + said.rstrip("零") + name, False
    return out.removeprefix("一") if out.startswith("一十") else out


def of_han(text: str) -> int:
    """The number below 1,000 that these numerals say."""
    text = text.replace("兩", "二").replace("两", "二")
    total = digit = 0
    for char in text:
        if char in DIGITS:
            digit = DIGITS.index(char)
        else:
            total, digit = total + (digit or 1) * {"十": 10, "百": 100}[char], 0
    return total + digit
