"""Texts of many topics in every encoding that Chinese files come in, and what must not be taken for one of them."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_pages import P, Q

from rag import ingest
from rag.errors import InvalidInput
from rag.ingest.decode import decode

SIMPLIFIED = (
    *P,
    *Q,
    "请各单位于本周五下班前将统计报表报送至三楼办公室，逾期不候。",
    "这道题的关键在于先求出圆的半径，再利用勾股定理求弦长。",
    "患者李某，男，五十七岁，因反复咳嗽两周入院，既往有高血压病史。",
    "她推开窗，院子里的桂花开了，满屋都是甜丝丝的味道。",
    "本合同一式两份，甲乙双方各执一份，自签字之日起生效。",
    "第三局比赛，客队一度以十八比十二领先，最终却以一分之差告负。",
    "把土豆切成滚刀块，冷水下锅，大火煮沸后转小火焖二十分钟。",
    "系统升级期间，网上银行、手机银行和自助设备将暂停服务。",
)
TRADITIONAL = (
    "臺北市政府宣布今年將繼續推動都市更新計畫，並且增加公共住宅的供應量。",
    "颱風逐漸接近東部海面，氣象局呼籲民眾避免前往海邊活動。",
    "這本小說描寫一個漁村三代人的生活，語言樸素，卻處處動人。",
    "請於開車前三十分鐘報到，逾時恕不退票，行李以二十公斤為限。",
    "醫師提醒，長時間使用手機容易造成頸椎壓力，應該每小時起身活動。",
    "圖書館自下月起延長開放時間，週末也可以借還書籍。",
    "他把舊腳踏車擦得發亮，推到巷口，等著那個答應來看車的人。",
    "本公司董事會通過發放現金股利，每股配發二元五角。",
)
BIG5 = ("big5", "cp950", "big5hkscs")
UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")


def windows(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(0, len(text) - length + 1, max(length // 3, 3))]


@pytest.mark.parametrize("length", [10, 20, 2000])
def test_windows_of_every_length_are_read_right(length: int) -> None:
    """More than 200 pieces of ten characters, in all encodings that can hold them; none is read wrong or refused."""
    pieces = 0
    for texts, encodings in ((SIMPLIFIED, ("gbk", "gb18030")), (TRADITIONAL, ("gb18030", *BIG5))):
        long = "".join(texts) * (length // len("".join(texts)) + 1)
        for piece in windows(long, length):
            pieces += 1
            for encoding in (*encodings, *UNICODE):
                assert decode(piece.encode(encoding), "a.txt") == piece, encoding
    assert pieces >= {10: 200, 20: 90, 2000: 2}[length]


@pytest.mark.parametrize("text", [SIMPLIFIED[0], TRADITIONAL[0], SIMPLIFIED[8][:6], TRADITIONAL[4][:6]])
def test_a_few_chinese_words_among_much_ascii(text: str) -> None:
    code = "def load(path):\n    return json.load(open(path))\n" * 40 + f"# {text}\n"
    encodings = ("gbk", "gb18030", *UNICODE) if text in "".join(SIMPLIFIED) else (*BIG5, *UNICODE)
    for encoding in encodings:
        assert decode(code.encode(encoding), "a.py.txt") == code


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("村民𬭎某和𠮷某的名字里有生僻字，打字员每次都要手写。", "gb18030"),  # four bytes each
        ("藏文书名《བོད》在目录中的位置", "gb18030"),
        ("佢哋喺度食緊嘢，我唔知佢幾時返嚟，你話畀佢知啦。", "big5hkscs"),
        ("二〇二四年立法會選舉結果公布", "big5hkscs"),
        ("佢哋喺度食緊嘢‧你話畀佢知啦～", "big5hkscs"),
        ("他說：「你好‧再見」，然後走了～", "cp950"),  # signs that Windows reads differently
        ("价格：￥100～200元·起，规格Ⅱ型", "gbk"),
        ("“It’s” — a test… of quotes in a mostly English text", "gbk"),
    ],
)
def test_rare_characters_and_signs(text: str, encoding: str) -> None:
    signs = {"‧": b"\xa1\x45", "～": b"\xa1\xe3"} if "big5" in encoding else {}
    data = b"".join(signs.get(char) or char.encode(encoding) for char in text)
    assert decode(data, "a.txt") == text


def test_what_is_utf8_by_chance_is_read_as_what_it_is() -> None:
    """The bytes of 联通 in GBK are valid UTF-8, for letters that nobody writes."""
    assert decode("联通".encode("gbk"), "a.txt") == "联通"
    for text in ("5 μm × 3 Å", "naïve café", "Привет", "Ωμέγα", "β-carotene · α"):
        assert decode(text.encode(), "a.txt") == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Le café est très près de l’école, à côté de la forêt où il a neigé.", "cp1252"),
        ("Η κυβέρνηση ανακοίνωσε σήμερα νέα μέτρα.", "cp1253"),
        ("กรุงเทพมหานครประกาศวันนี้ว่าจะเปิดห้องสมุด", "tis-620"),
        ("東京都議会議員選挙の結果について", "cp932"),
        ("東京都議会議員選挙の結果について", "euc_jp"),
        ("대한민국 헌법 제일조 대한민국은 민주공화국이다", "cp949"),
        ("龘靐齉爩", "gb18030"),  # can be read in several ways, all of them rare
    ],
)
def test_what_is_not_certain_is_refused(text: str, encoding: str) -> None:
    with pytest.raises(InvalidInput, match=r"a\.txt"):
        decode(text.encode(encoding), "a.txt")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_damaged_text_with_a_mark_is_refused(encoding: str) -> None:
    data = SIMPLIFIED[0].encode(encoding)
    with pytest.raises(InvalidInput, match="damaged UTF"):
        decode(data[:-1], "a.txt")


@pytest.mark.parametrize(
    "declared", ["gb2312", "GBK", "x-gbk", "no-such-set", "rot13", "utf-8", "iso-8859-1", "\ud800", ""]
)
def test_a_wrong_declaration_does_no_harm(declared: str) -> None:
    data = SIMPLIFIED[2].encode("gbk")
    assert decode(data, "a.html", [declared]) == SIMPLIFIED[2]


def test_a_right_declaration_settles_what_is_short() -> None:
    assert decode("龙".encode("gbk"), "a.html", ["gb2312"]) == "龙"
    assert decode("café à côté".encode("cp1252"), "a.html", ["iso-8859-1"]) == "café à côté"


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    try:
        text = decode(data, "a.txt")
    except InvalidInput:
        return
    assert "\0" not in text
    assert text.encode("utf-8", "surrogatepass").decode("utf-8") == text  # no lone surrogates


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=100))
def test_utf8_comes_back_as_it_was(text: str) -> None:
    data = text.encode()
    try:
        read = decode(data, "a.txt")
    except InvalidInput as error:
        assert "binary" in str(error)
        return
    assert read in (text, text.removeprefix("\ufeff")) or len(text) <= 12


@pytest.mark.parametrize(
    "data", ["重庆市今年".encode("gbk") * 1_600_000, b"\x81\x30\x81\x30" * 4_000_000, b"a\0" * 8_000_000]
)
def test_large_files_take_a_few_seconds_at_most(data: bytes) -> None:
    start = time.perf_counter()
    with contextlib.suppress(InvalidInput):
        ingest.parse(data, "a.txt")
    assert time.perf_counter() - start < 20
