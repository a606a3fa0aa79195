"""Days and names as articles write them: read where they are given as such, never from the prose."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_pages import P, Q

from rag.ingest import dates, fields


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024年3月5日", "2024-03-05"),
        ("2024-03-05 10:20", "2024-03-05"),
        ("2024-03-05T10:20:00+08:00", "2024-03-05"),
        ("2024/3/5", "2024-03-05"),
        ("2024.3.5", "2024-03-05"),
        ("2024．3．5", "2024-03-05"),
        ("２０２４年", None),
        ("2024 年 3 月 5 日", "2024-03-05"),
        ("2024年3月5号", "2024-03-05"),
        ("二〇二四年三月五日", "2024-03-05"),
        ("二○二四年十二月三十一日", "2024-12-31"),
        ("二零二四年十月廿一日", "2024-10-21"),
        ("一九四九年十月一日", "1949-10-01"),
        ("March 5, 2024", "2024-03-05"),
        ("5 Mar 2024", "2024-03-05"),
        ("Sept. 1st, 2024", "2024-09-01"),
        ("20240305", "2024-03-05"),
        ("20240305102000", "2024-03-05"),
        ("2024年2月30日", None),
        ("2024年13月1日", None),
        ("二〇二四年二月三十日", None),
        ("二〇二四年十十月一日", None),
        ("12024-03-05", None),
        ("版本2024.3.5.1", None),
        ("3月5日", None),
        ("昨天 10:20", None),
        ("1800年1月1日", None),
        ("电话20240305", None),
    ],
)
def test_days(text: str, day: str | None) -> None:
    assert dates.first(text) == day


@given(st.dates(min_value=datetime.date(1900, 1, 1), max_value=datetime.date(2099, 12, 31)))
def test_every_day_is_read_in_every_way(day: datetime.date) -> None:
    digits = "".join("〇一二三四五六七八九"[int(digit)] for digit in str(day.year))
    numbers = ["", *"一二三四五六七八九", "十", *("十" + one for one in "一二三四五六七八九"), "二十"]
    numbers += [*("二十" + one for one in "一二三四五六七八九"), "三十", "三十一"]
    ways = [
        day.isoformat(),
        f"{day.year}年{day.month}月{day.day}日",
        day.strftime("%Y/%m/%d"),
        day.strftime("%B %d, %Y"),
    ]
    ways += [f"{digits}年{numbers[day.month]}月{numbers[day.day]}日"]
    assert [dates.first(way) for way in ways] == [day.isoformat()] * len(ways)


HEAD = {
    "发布时间：2024年3月5日 10:20": "2024-03-05",
    "日期: 2024.3.5": "2024-03-05",
    "来源：江城晚报 2024-03-05 10:20": "2024-03-05",
    "江城晚报　2024-03-05 10:20:33": "2024-03-05",
    "江城网 2024/3/5 9:05 浏览 33": "2024-03-05",
    "2024-03-05": "2024-03-05",
    "二〇二四年三月五日": "2024-03-05",
    "更新时间：2024-06-01 发布时间：2024-03-05": "2024-03-05",
    "发布时间：2024-03-05 更新时间：2024-06-01": "2024-03-05",
    "江城市水务局 2024年3月5日": "2024-03-05",
    "（2024年3月5日）": "2024-03-05",
    "——2024年3月5日在江城市第三次水务会议上": "2024-03-05",
    "（2024年3月5日江城市水务会议通过）": None,
    "2024年3月5日在江城开幕的会议通过了报告": None,
    "2024年3月5日江城市人民代表大会第三次会议通过": None,
    "时间：2024年3月5日 地点：市政府二楼": None,
    "活动时间：2024年3月5日": None,
    "日期：": None,
    "发布时间：3小时前": None,
    "第2024-03-05号文件": None,
}


@pytest.mark.parametrize("line", HEAD)
def test_the_line_that_dates_an_article(line: str) -> None:
    assert fields.published_of(f"休渔期的南湾渔港\n\n{line}\n\n{Q[0]}\n\n{Q[1]}") == HEAD[line]


@pytest.mark.parametrize(
    "prose",
    [
        "2024年3月5日，记者从市水务局获悉，城东污水处理厂二期工程提前两个月通水。",
        "新馆于2024年3月5日10:20开放。",
        "展览时间为2024年3月5日至4月1日，逢周一闭馆，凭身份证免费参观。",
        "他出生于二〇〇一年三月五日，父亲是一名船长，母亲在镇上教书。",
    ],
)
def test_a_day_in_the_prose_dates_nothing(prose: str) -> None:
    assert fields.published_of(f"一则消息\n\n{prose}\n\n{P[0]}") is None
    assert fields.published_of(f"{P[0]}\n{P[1]}\n\n{prose}") is None


@pytest.mark.parametrize(
    ("end", "day"),
    [
        ("江城市水务局\n2024年3月5日", "2024-03-05"),
        ("江城市人民政府办公室\n二〇二四年三月五日", "2024-03-05"),
        ("此致\n敬礼\n2024年3月5日", None),
        ("李长河\n1932年5月1日", None),
    ],
)
def test_a_notice_is_dated_where_its_issuer_signs(end: str, day: str | None) -> None:
    assert fields.published_of("\n".join(("关于做好防汛工作的通知", "各区县：", *P * 4, end))) == day


AUTHORS = {
    "作者：何平": "何平",
    "2024-03-05 来源：江城晚报 作者：何平 责任编辑：林小满": "何平",
    "文／林岸": "林岸",
    "本报记者/沈清 通讯员/韩冬": "沈清",
    "记者:陈国栋\u00a0张亦筑": "陈国栋 张亦筑",
    "记者：何平、林岸 摄影：田野": "何平 林岸",
    "（记者：何平）": "何平",
    "采写：本报记者 何平": "何平",
    "撰文：让·雅克": "让·雅克",
    "By: Jane Doe": "Jane Doe",
    "作者：何平 浏览：120": "何平",
    "作者：佚名": None,
    "作者：": None,
    "编辑：周静": None,
    "首席记者 龙帆 摄/视觉江城": None,
    "记者从市水务局获悉：工程提前通水": None,
}


@pytest.mark.parametrize("line", AUTHORS)
def test_the_line_that_names_an_author(line: str) -> None:
    assert fields.author_of(f"休渔期的南湾渔港\n{line}\n{Q[0]}") == AUTHORS[line]
    assert fields.author_of(f"休渔期的南湾渔港\n{Q[0]}\n{Q[1]}\n{line}") == AUTHORS[line]


def test_the_title_of_a_speech_ends_where_its_occasion_begins() -> None:
    first = "政府工作报告——2024年3月5日在江城市第九届人民代表大会第二次会议上市长 何平"
    text = f"{first}\n各位代表：\n{P[0]}"
    assert fields.title_of(text, "a") == "政府工作报告"
    assert fields.published_of(text) == "2024-03-05"
    assert fields.title_of(f"粮仓——一座县城的记忆\n{P[0]}", "a") == "粮仓——一座县城的记忆"
