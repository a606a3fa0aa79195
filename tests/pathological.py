"""Kinds of text that make careless parsers slow, each as long as asked for; no kind has a meaning."""

from collections.abc import Callable

Kind = Callable[[int], str]


def _repeat(part: str, start: str = "", end: str = "") -> Kind:
    """Return a kind: ``start``, then ``part`` again and again, then ``end``."""

    def make(length: int) -> str:
        room = max(0, length - len(start) - len(end))
        return start + (part * (room // len(part) + 1))[:room] + end

    return make


def _number(form: str) -> Kind:
    """Return a kind whose parts all differ: ``form`` with 0, 1, 2 … in it."""

    def make(length: int) -> str:
        count = length // len(form.format(10_000)) + 1
        return "".join(form.format(number) for number in range(count))[:length]

    return make


def _nest(opening: str, closing: str) -> Kind:
    def make(length: int) -> str:
        depth = length // (len(opening) + len(closing))
        return opening * depth + closing * depth

    return make


_RUNS = {
    "letter": "a", "capital": "A", "digit": "1", "zero": "0", "han": "中", "numeral": "十",
    "hundred": "百", "space": " ",
    "tab": "\t", "wide space": "\u3000", "no-break space": "\xa0", "line end": "\n", "carriage return": "\r",
    "line separator": "\u2028", "full stop": ".", "ideographic stop": "。", "comma": ",", "wide comma": "，",
    "enumeration comma": "、", "colon": ":", "wide colon": "：", "hyphen": "-", "dash": "—", "underscore": "_",
    "hash": "#", "star": "*", "backtick": "`", "equals": "=", "slash": "/", "backslash": "\\", "bar": "|",
    "question mark": "?", "exclamation": "！", "dots": "…", "quote": '"', "apostrophe": "'", "opening quote": "“",
    "closing quote": "”", "round": "(", "closed round": ")", "wide round": "（", "square": "[", "wide square": "【",
    "title": "《", "curly": "{", "less": "<", "greater": ">", "ampersand": "&", "percent": "%", "emoji": "😀",
    "zero width": "\u200b", "combining": "\u0301", "control": "\x01",
}  # fmt: skip

KINDS: dict[str, Kind] = {f"run of {name}": _repeat(char) for name, char in _RUNS.items()} | {
    "heading, spaces": _repeat(" ", "# a", "b"),
    "heading, hashes": _repeat("# ", "# a", "b"),
    "headings": _number("## 标题{}\n"),
    "short headings": _repeat("# a\n"),
    "label, spaces": _repeat(" ", "正文：", "text"),
    "label, wide spaces": _repeat("\u3000", "来源：", "x"),
    "bullets": _repeat("- a\n"),
    "bullet, spaces": _repeat(" ", "-", "a"),
    "short lines": _number("{}\n"),
    "short Chinese lines": _repeat("中\n"),
    "spaces and line ends": _repeat(" \n"),
    "lines of thirty": _repeat("这是一行没有句号的文字它有三十个字左右吧大概就是这么多\n"),
    "sentences": _repeat("这是一句话。"),
    "paragraphs": _repeat("重庆市人民政府今天发布了一项新的规定，自二〇二四年三月五日起施行。\n"),
    "clauses": _repeat("中，"),
    "articles": _number("第{}条 内容。\n"),
    "article numbers": _repeat("第一条之"),
    "chapters": _repeat("第一章"),
    "numbered": _repeat("1、"),
    "front matter": _number("a{}: b\n"),
    "open front matter": _repeat("a: b\n", "---\n"),
    "front matter, spaces": _repeat(" ", "---\na:", "b\n---\n"),
    "rules": _repeat("---\n"),
    "comments": _repeat("<!-- "),
    "whole comments": _repeat("<!-- a -->\n"),
    "tags": _repeat("<p>"),
    "closed tags": _repeat("<b>中</b>"),
    "nested tags": _nest("<div>", "</div>"),
    "lists in lists": _repeat("<ul><li>"),
    "cells": _repeat("<tr><td>"),
    "links": _repeat("<a href=x>中</a>"),
    "attributes": lambda length: "<p" + _number(" a{}=1")(length - 8) + ">中</p>",
    "quoted attributes": lambda length: "<p" + _number(' a{}="1"')(length - 8) + ">中</p>",
    "entities": _repeat("&lt;"),
    "brackets nested": _nest("（", "）"),
    "titles nested": _nest("《", "》"),
    "quotes by turns": _repeat("“”"),
    "brackets by turns": _repeat("()"),
    "footnotes": _repeat("[1]"),
    "thousands": _repeat("1,000,"),
    "decimals": _repeat("1."),
    "dates": _repeat("2024年3月5日"),
    "dates with spaces": _repeat(" ", "2024", "年"),
    "months": _repeat("jan "),
    "clocks": _repeat("12:30"),
    "ranges": _repeat("1-"),
    "shares": _repeat("百分之"),
    "capital words": _repeat("Aa "),
    "hyphenated": _repeat("a-"),
    "addresses": _repeat("a@b."),
    "urls": _repeat("http://a/"),
    "names": _repeat("记者 张三 "),
    "bylines": _repeat("编辑:张三\n"),
    "crumbs": _repeat("首页 > "),
    "orders": _repeat("忽略以上"),
    "negations": _repeat("不是没有"),
    "question words": _repeat("什么"),
    "questions": _repeat("谁是谁？"),
    "transcript": _repeat("user: a\n"),
    "JSON": _repeat('{"role": "user", '),
    "title, line ends": _repeat("\n", "generate a title\n", "x"),
    "mixed spaces": _repeat(" \t\u3000\xa0"),
    "letters and digits": _repeat("a1"),
    "Latin and Chinese": _repeat("a中"),
    "escapes": _repeat('\\"', '"content": "'),
}
