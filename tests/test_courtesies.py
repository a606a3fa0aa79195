"""Courtesies are taken off a question; what only looks like one is left."""

import time

import pytest

from rag.courtesies import is_small_talk, strip_courtesies
from rag.question import understand
from rag.types import Turn


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("你好,请问事假扣钱吗?谢谢", "事假扣钱吗?"),
        ("请问一下啊就是那个…停车费多少", "停车费多少"),
        ("大佬们好 我想问下怎么报名", "怎么报名"),
        ("师傅,几点关门啊?", "几点关门啊?"),
        ("劳驾,问一下药店在哪儿", "药店在哪儿"),
        ("小姐姐请问年假几天,谢谢啦!", "年假几天"),
        ("医生,请问几点上班", "几点上班"),
        ("几点关门啊,师傅", "几点关门啊"),
        ("押金多少,谢谢老师", "押金多少"),
        ("各位老师好,奖学金多少", "奖学金多少"),
        ("老师您好,请问押金多少,祝您生活愉快!", "押金多少"),
        ("拜托了,谁知道班车几点?急急急", "班车几点?"),
        ("停车费多少,谢谢,还有几点关门", "停车费多少,还有几点关门"),
        ("對不起,請問押金多少?謝謝", "押金多少?"),
        ("麻烦您帮我看看发票怎么开", "发票怎么开"),
        ("不好意思打扰一下，想了解一下什么时候报名", "什么时候报名"),
        ("How much is the deposit? Thanks!", "How much is the deposit?"),
        ("hello, could you please tell me when it opens? thank you very much", "when it opens?"),
    ],
)
def test_courtesies_are_taken_off(said: str, asked: str) -> None:
    assert strip_courtesies(said) == asked
    assert understand(said).text == asked


@pytest.mark.parametrize(
    "asked",
    [
        "谢谢你歌词是谁写的",
        "《你好，李焕英》的导演是谁",
        "「谢谢你」歌词是谁写的",
        "师傅一词的来历",
        "请假流程",
        "麻烦制造者是谁",
        "那个人是谁",
        "亲情假有几天",
        "感谢信寄给谁",
        "急诊几点开门",
        "祝福语怎么写",
        "经理叫什么名字",
        "老板是谁啊",
        "请教授讲课要多少钱",
        "辛苦费给多少",
        "经理 电话",
        "停车费 客服 电话",
        "值班 医生",
        "经理、主任的电话是多少",
        "医生,护士各有多少",
        "主任",
        "客服",
        "兄弟 公司 有哪些",
        "NY-2200T 功率",
        "那重庆呢?",
        "川渝签订了什么协议?",
    ],
)
def test_what_only_looks_like_a_courtesy_is_left(asked: str) -> None:
    assert strip_courtesies(asked) == asked and not is_small_talk(asked)


@pytest.mark.parametrize("said", ["你好", "谢谢", "好的谢谢啦", "您好，在吗", "你是谁?", "Thanks!", "謝謝"])
def test_a_message_of_courtesies_alone_is_small_talk(said: str) -> None:
    query = understand(said, [Turn("user", "押金多少?"), Turn("assistant", "押金两千元。")])
    assert query.small_talk and not query.parts and strip_courtesies(said) == said


@pytest.mark.parametrize("unit", ["你好", "谢谢，", "请问", "啊", "急", ",你好", "祝中", "那个", " ", "?", "please "])
def test_long_messages_of_courtesies_take_no_time(unit: str) -> None:
    text = unit * (2000 // len(unit))
    began = time.process_time()
    strip_courtesies(text)
    is_small_talk(text[:60])
    assert time.process_time() - began < 0.5
