import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import ingest
from rag.chunk import chunk
from rag.errors import InvalidInput
from rag.ingest import furniture
from rag.ingest.clean import canonical

SEEDS = Path(__file__).parent.parent / "seeds"
OFFICIAL = Path(__file__).parent.parent.parent / "shared" / "corpora" / "official"

TITLE = "城东污水处理厂二期工程提前通水"
BODY = """5月12日，记者从市水务局获悉，城东污水处理厂二期工程提前两个月通水，日处理能力由8万吨提高到15万吨。

该厂厂长何志远介绍，二期工程采用膜处理工艺，出水水质达到一级A标准，可满足城东片区42万居民的排水需要。

工艺升级见成效

据了解，二期工程总投资6.3亿元，施工期间没有停产，污水处理厂的除臭系统也同步改造完成。"""


def page(*parts: str) -> furniture.Page:
    return furniture.strip(canonical("\n\n".join(parts)))


# --- pages of other sites: what is around the article goes, the article stays


def test_slogan_crumbs_and_lists_of_a_portal_go() -> None:
    found = page(
        "让城市更懂你\n城事·生活·服务",
        "首页 » 本地 » 民生",
        TITLE,
        "2023-05-12 09:30  来源：江城晚报  作者：何平",
        BODY,
        "责任编辑：林小满",
        "猜你喜欢",
        "五一假期哪里人最多\n老城区十大面馆排行\n这份避暑地图请收好",
        "24小时热榜",
        "1. 高考首日天气预报出炉\n2. 一只猫的十年通勤路",
    )
    assert found.text == f"{TITLE}\n\n2023-05-12 09:30  来源：江城晚报  作者：何平\n\n{BODY}\n\n责任编辑：林小满"
    assert found.title == TITLE


def test_controls_neighbours_and_registration_go() -> None:
    found = page(
        "网站首页 | 新闻 | 财经 | 体育 | 登录",
        "您的位置：首页 / 新闻中心 / 正文",
        TITLE,
        "发布时间：2023年5月12日 字号：大 中 小",
        "打印 收藏 分享到：微信 微博",
        BODY,
        "上一篇：春耕备耕有序推进",
        "下一篇：夜间公交再增三条线路",
        "版权声明：凡注明来源的稿件，转载须经许可。",
        "Copyright © 2010-2023 某某网 All Rights Reserved",
        "某ICP备12345678号-1",
    )
    assert found.text == f"{TITLE}\n\n发布时间：2023年5月12日 字号：大 中 小\n\n{BODY}"


def test_lists_under_names_never_seen_go_by_their_cut_off_teasers() -> None:
    found = page(
        "首页 > 要闻 >",
        TITLE,
        BODY,
        "街谈巷议",
        "- 老牌百货宣布闭店，市民排队告别",
        "- 经营了三十一年的老牌百货昨天贴出公告，将于月底闭店。不少市民专程赶来合影，一位老顾客说，她的婚纱就是在这",
        "四海一家",
        "- 越野跑大赛今晨鸣枪",
        "- 来自九个国家的选手今晨从湖心岛出发。组委会表示，赛道全长一百公里，累计爬升超过四千米，途中设置补给站十二",
    )
    assert found.text == f"{TITLE}\n\n{BODY}"


def test_lists_below_the_editors_line_go_under_any_name() -> None:
    found = page(
        TITLE,
        "来源：江城晚报 2023/05/12",
        BODY,
        "记者：何平 编辑：林小满",
        "拾光",
        "一封写给十年后的信引发共鸣\n雨夜里的修表匠和他的徒弟",
    )
    assert found.text == f"{TITLE}\n\n来源：江城晚报 2023/05/12\n\n{BODY}\n\n记者：何平 编辑：林小满"


def test_buttons_and_trail_of_a_forum_go_and_its_replies_stay() -> None:
    replies = "二楼的朋友说得对，污水处理厂的味道确实比去年小多了。\n\n楼上住哪个小区？我们这边还没有通知。"
    found = page(
        "江城论坛 › 民生版 › 帖子",
        TITLE,
        "发表于：2023-05-12 18:03  作者：江边老树",
        "回复 12  浏览 345",
        BODY,
        replies,
        "回复 举报 收藏",
        "返回列表",
    )
    assert found.text == f"{TITLE}\n\n发表于：2023-05-12 18:03  作者：江边老树\n\n{BODY}\n\n{replies}"


def test_an_english_frame_goes_too() -> None:
    found = page(
        "Home > Local > City", TITLE, "Source: Jiangcheng Daily", BODY, "Related", "- 夜市改造完成\n- 桥梁检修公告发布"
    )
    assert found.text == f"{TITLE}\n\nSource: Jiangcheng Daily\n\n{BODY}"


def test_a_captioned_kicker_and_subtitle_stay() -> None:
    text = canonical(
        "\n\n".join(
            [
                "首页 > 要闻",
                "民生无小事",
                TITLE,
                "——城东片区排水调查",
                "来源：江城晚报",
                "▲污水处理厂全景。何平 摄",
                BODY,
            ]
        )
    )
    stripped = furniture.strip(text)
    assert stripped.text.splitlines()[-1] == text.splitlines()[-1]
    assert stripped.title == TITLE
    for line in (TITLE, "——城东片区排水调查", "来源：江城晚报", "▲污水处理厂全景。何平 摄"):
        assert line in stripped.text


# --- texts without a page around them stay as they are

KEPT = {
    "plain article": f"{TITLE}\n\n{BODY}",
    "article that ends in its own list": f"{TITLE}\n\n{BODY}\n\n二期工程主要内容\n\n"
    "• 新建膜处理车间和除臭系统\n• 改造原有泵站三座\n• 城东片区管网雨污分流改造",
    "list announced by a sentence": f"{TITLE}\n\n{BODY}\n\n"
    "市民可以通过以下方式反映问题：\n\n- 拨打服务热线\n- 到窗口登记\n- 在小程序留言",
    "speech": "同志们：\n朋友们：\n\n大家好\n\n"
    "今天我们在这里开会，主要是总结去年的工作，部署今年的任务，请大家认真讨论，多提意见。\n\n"
    "过去一年，全市上下共同努力，完成了全年的目标任务，群众的生活有了新的改善，城市面貌有了新的变化。\n\n谢谢大家",
    "government document": "江城市人民政府文件\n\n江府发〔2023〕5号\n\n"
    "关于加强城市排水管理的意见\n\n各区县人民政府：\n\n"
    "为加强城市排水管理，保障公共安全，防治城市内涝灾害，结合本市实际，现就有关工作提出如下意见，请认真贯彻执行。\n\n"
    "一、总体要求\n\n坚持统筹规划、分级负责，到2025年建成完善的城市排水体系，内涝积水点基本消除，污水集中收集率达到百分之八十。\n\n"
    "二、主要任务\n\n（一）完善规划体系\n\n（二）加快设施建设\n\n三、保障措施\n\n（一）加强组织领导\n\n（二）强化资金保障\n\n"
    "江城市人民政府\n2023年5月12日\n\n附件\n\n1. 重点工程清单\n2. 任务分工表",
    "minutes with roles": f"{TITLE}\n\n{BODY}\n\n参加人员\n\n何志远 林小满 江一帆\n\n记录人：林小满",
    "recipe": "红烧肉的做法\n\n"
    "这道菜用五花肉，先焯水再炒糖色，小火慢炖一个小时，肥而不腻，老人孩子都喜欢吃，适合周末在家里做。"
    "火候是关键，水要一次加足，中途不要揭盖，收汁的时候转大火，不停翻动，防止粘锅，最后撒上葱花就可以出锅了，味道很好。\n\n"
    "材料\n• 五花肉一斤半左右为宜\n• 冰糖、老抽、料酒各适量\n\n步骤\n• 五花肉切块冷水下锅焯水\n• 小火炒糖色后下肉翻炒",
    "verse": "静夜思\n\n床前明月光\n疑是地上霜\n举头望明月\n低头思故乡",
    "arrows in a title": "北京→上海→广州：一列火车的二十年\n\n" + BODY,
}


@pytest.mark.parametrize("name", KEPT)
def test_a_text_that_is_no_page_is_unchanged(name: str) -> None:
    text = canonical(KEPT[name])
    assert furniture.strip(text).text == text


@given(st.lists(st.text(st.sampled_from("江城水务，。！>|：• 首页来源相关阅读 12"), max_size=70), max_size=30))
def test_only_whole_lines_are_left_out_and_in_order(lines: list[str]) -> None:
    text = canonical("\n".join(lines))
    left = iter(text.split("\n"))
    assert all(line in left for line in furniture.strip(text).text.split("\n") if line)


@pytest.mark.skipif(not OFFICIAL.exists(), reason="the official documents lie beside the project")
def test_official_documents_lose_nothing() -> None:
    files = list(ingest.walk(OFFICIAL))
    assert len(files) >= 7
    for file in files:
        lines = canonical(file.read_text(encoding="utf-8")).split("\n")
        kept = set(ingest.read(file, OFFICIAL).text.split("\n"))
        assert [line for line in lines if line not in kept and not line.startswith("<!--")] == []


# --- the article of the seeds


def test_the_article_comes_without_its_page() -> None:
    document = ingest.read(SEEDS / "000_4d19cff5ebdb1101.txt", SEEDS)
    assert document.id == "000_4d19cff5ebdb1101.txt"
    assert document.title == "全团建议 | 增强成渝地区双城经济圈协同创新能力"
    assert document.source == "重庆日报"
    assert document.published is None
    assert document.origin == "seed"
    assert document.text.startswith(document.title)
    assert document.text.endswith("审核:隆梅\u00a0付爱农")
    for kept in (
        "来源:重庆日报",
        "首席记者 龙帆 摄/视觉重庆",
        "记者:陈国栋\u00a0张亦筑",
        "编辑:周静 徐静文(实习)",
        "校对:罗婧颖",
    ):
        assert kept in document.text
    searched = "\n".join(piece.text + piece.context for piece in chunk(document))
    for gone in (
        "服务粉丝",
        "一直在努力",
        "当前位置",
        "相关阅读",
        "热门文章",
        "最新文章",
        "董明珠",
        "京东",
        "数字经济产业园",
    ):
        assert gone not in searched


def test_the_article_is_found_whatever_its_page_says_around_it() -> None:
    raw = (SEEDS / "000_4d19cff5ebdb1101.txt").read_text(encoding="utf-8")
    other = raw
    for old, new in {
        "服务粉丝": "乐享每一天",
        "我们一直在努力": "看见更大的世界",
        "当前位置:首页\u00a0>\u00a0财经 >": "Home » 时政 »",
        "相关阅读": "小城故事",
        "热门文章": "百味人生",
        "最新文章": "四海漫步",
        "•": "◆",
    }.items():
        assert old in other
        other = other.replace(old, new)
    assert furniture.strip(canonical(other)) == furniture.strip(canonical(raw))


# --- fields


@pytest.mark.parametrize(
    ("line", "source", "published"),
    [
        ("日期: 来源:江城晚报收集编辑:", "江城晚报", None),
        ("2023-05-12 09:30  来源：江城晚报  作者：何平", "江城晚报", "2023-05-12"),
        ("来源：人民网－江城频道 | 2023年05月12日09:30", "人民网－江城频道", "2023-05-12"),
        ("发布时间：2023/5/12 文章来源：新华社 责任编辑：某某", "新华社", "2023-05-12"),
        ("Source: Xinhua News", "Xinhua News", None),
        ("日期：2023-13-40 来源：", None, None),
        ("2019年9月26日 市人民代表大会常务委员会第十二次会议通过", None, None),
        ("数据来源统计局", None, None),
    ],
)
def test_source_and_date_are_read_from_their_line(
    line: str, source: str | None, published: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    file.write_text(f"{TITLE}\n\n{line}\n\n{BODY}", encoding="utf-8")
    document = ingest.read(file)
    assert (document.title, document.source, document.published) == (TITLE, source, published)
    assert line in document.text


def test_the_title_falls_back_on_a_telling_file_name(tmp_path: Path) -> None:
    for name, title in (("水务工作报告.txt", "水务工作报告"), ("0a1b2c.txt", "")):
        file = tmp_path / name
        file.write_text("各位代表：\n" + BODY, encoding="utf-8")
        assert ingest.read(file).title == title


def test_markdown_keeps_its_marks_and_loses_its_front_matter(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    body = f"# {TITLE}\n\n## 工艺\n\n{BODY}\n\n    缩进的代码"
    front = '---\ntitle: "前言中的标题"\nsource: 江城晚报\ndate: 2023-05-12\nurl: https://example.org/a\n---\n'
    file.write_text(front + body, encoding="utf-8")
    document = ingest.read(file)
    assert document.text == body
    assert (document.title, document.source, document.published) == ("前言中的标题", "江城晚报", "2023-05-12")
    assert document.url == "https://example.org/a"
    file.write_text("<!-- 注释 -->\n" + body, encoding="utf-8")
    assert (ingest.read(file).title, ingest.read(file).text) == (TITLE, body)


# --- bytes


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "gb18030", "gbk"]
)
def test_every_encoding_gives_the_same_text(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(f"{TITLE}\r\n\r\n\r\n\r\n\u3000\u3000{BODY}\u3000\r\n".encode(encoding))
    assert ingest.read(file).text == f"{TITLE}\n\n{BODY}"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no text"),
        ("\ufeff \u3000\n\n".encode(), "no text"),
        (b"abc\0def", "binary"),
        (bytes(range(256)) * 20, "neither"),
        (b"\xff\xfea", "UTF-16"),
        (TITLE.encode() + b"\xff\xff\xff", "neither"),
        ("Москва объявила о новых правилах для жителей города.".encode("cp1251"), "neither"),
        ("東京都は今年、新しい図書館を開館すると発表した。".encode("cp932"), "neither"),
        ("東京都は今年、新しい図書館を開館すると発表した。".encode("euc_jp"), "neither"),
        ("서울시는 올해 새로운 도서관을 개관한다고 발표했다.".encode("cp949"), "neither"),
        ("café naïve résumé à côté".encode("latin-1"), "neither"),
    ],
)
def test_what_is_no_text_is_refused_by_name(data: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(data)
    with pytest.raises(InvalidInput, match=reason) as error:
        ingest.read(file)
    assert "a.txt" in str(error.value)


def test_missing_and_unknown_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        ingest.read(tmp_path / "none.txt")
    with pytest.raises(InvalidInput, match=r"\.xyz"):
        ingest.read(tmp_path / "a.xyz")
    with pytest.raises(InvalidInput, match="no such folder"):
        list(ingest.walk(tmp_path / "none"))


# --- paths and ids


def test_walk_is_sorted_and_skips_what_is_hidden_or_unknown(tmp_path: Path) -> None:
    for name in ("b.txt", "a/c.MD", "a/.d.txt", ".e/f.txt", "g.xyz", "h.markdown", "i.doc", "j.zip", "k.PDF", "l.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    found = [path.relative_to(tmp_path).as_posix() for path in ingest.walk(tmp_path)]
    assert found == ["a/c.MD", "b.txt", "h.markdown", "k.PDF", "l.html"]
    assert ingest.read(tmp_path / "a/c.MD", tmp_path).id == "a:c.MD"


@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=150), min_size=1, max_size=4))
def test_ids_are_short_printable_and_without_slash(parts: list[str]) -> None:
    id = ingest.seed_id(os.fsdecode("/".join(parts).encode("utf-8", "ignore")) or "x")
    assert 1 <= len(id) <= 200
    assert id.isprintable() and "/" not in id


def test_ids_of_different_paths_differ() -> None:
    names = ["a/b.txt", "a:b.txt", "a\nb.txt", "a_b.txt", "长" * 300 + "一.txt", "长" * 300 + "二.txt"]
    assert len({ingest.seed_id(name) for name in names}) == len(names)
