"""Follow-ups, parts, kinds and languages, on topics that have nothing to do with the seeds."""

import pytest

from rag.followup import noun_phrases
from rag.question import kind_of, language_of, understand
from rag.types import Turn


def conversation(*contents: str) -> list[Turn]:
    return [Turn("assistant" if i % 2 else "user", content) for i, content in enumerate(contents)]


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("这座大桥全长多少米?", "number"),
        ("多伦多大学的校长是谁?", "person"),
        ("水库能装几亿立方米水?", "number"),
        ("景区占地多大?", "number"),
        ("这几项工程由哪家公司承建?", "organisation"),
        ("他几岁入学?", "number"),
        ("铁路什么时候开工?", "date"),
        ("博物馆建成于哪一年?", "date"),
        ("合同的日期是哪天?", "date"),
        ("谁设计了这座塔?", "person"),
        ("第一任校长是哪位?", "person"),
        ("展览在哪里举行?", "place"),
        ("茶叶产自哪个省?", "place"),
        ("规划提出了哪些任务?", "list"),
        ("工程为什么停工?", "reason"),
        ("这条河是否通航?", "yesno"),
        ("这条河通航吗?", "yesno"),
        ("什么是碳达峰?", "other"),
        ("When did the port open?", "date"),
        ("How many ships call at the port?", "number"),
        ("Who designed the tower?", "person"),
        ("誰設計了這座塔?", "person"),
    ],
)
def test_the_kind_of_answer_is_named(question: str, kind: str) -> None:
    assert kind_of(question) == kind


@pytest.mark.parametrize(
    ("history", "question", "resolved"),
    [
        (["三峡大坝有多高?", "185米。[1]"], "它是哪年建成的?", "三峡大坝是哪年建成的?"),
        (["三峡大坝有多高?", "185米。[1]"], "那葛洲坝呢?", "葛洲坝有多高?"),
        (["上海2022年的常住人口是多少?", "2475万。[1]"], "2023年呢?", "上海2023年的常住人口是多少?"),
        (["上海2022年的常住人口是多少?", "2475万。[1]"], "北京呢?", "北京2022年的常住人口是多少?"),
        (["青海湖在哪里?", "在青海省。[1]"], "该湖面积有多大?", "青海湖面积有多大?"),
        (["港珠澳大桥的设计师是谁?", "孟凡超。[1]"], "什么时候通车的?", "港珠澳大桥什么时候通车的?"),
        (["兰州有哪些大学?", "兰州大学。[1]"], "还有呢?", "兰州有哪些大学?"),
        (["敦煌研究院在哪里?", "在莫高窟。[1]"], "长江有多长?", "长江有多长?"),
        (
            ["敦煌研究院在哪里?", "在莫高窟。[1]", "它的院长是谁?", "苏伯民。[1]"],
            "它有多少职工?",
            "敦煌研究院有多少职工?",
        ),
        (["上海2022年的常住人口是多少?", "2475万。[1]"], "比上年增加了多少?", "上海2022年的常住人口比上年增加了多少?"),
        (["武汉去年新开了多少家书店?", "31家。[1]"], "投资了多少钱?", "去年武汉投资了多少钱?"),
        (["武汉去年新开了多少家书店?", "31家。[1]"], "这些书店分布在哪里?", "武汉的书店分布在哪里?"),
        (["武汉去年新开了多少家书店?", "31家。[1]"], "其中有几家是国营的?", "武汉的书店中,有几家是国营的?"),
        (["谁批准了南水北调工程?", "国务院。[1]"], "什么时候?", "什么时候批准了南水北调工程?"),
        (["港珠澳大桥的设计师是谁?", "孟凡超。[1]"], "他是哪里人?", "港珠澳大桥的设计师是哪里人?"),
        (["谁签署了《巴黎协定》?", "各国。[1]"], "长江有多长?", "长江有多长?"),
        (["哪三个城市共建了农业园区?", "三个。[1]"], "园区的面积是多少?", "农业园区的面积是多少?"),
        (["When was the Three Gorges Dam built?", "2006.[1]"], "How high is it?", "How high is Three Gorges Dam?"),
        (["What is the population of Wuhan?", "13m.[1]"], "What about Xi'an?", "What is the population of Xi'an?"),
    ],
)
def test_a_follow_up_gets_what_it_lacks_from_the_conversation(history: list[str], question: str, resolved: str) -> None:
    assert understand(question, conversation(*history)).text == resolved


def test_more_of_the_same_remembers_what_was_said() -> None:
    query = understand("还有哪些?", conversation("兰州有哪些大学?", "兰州大学。[1]"))
    assert (query.text, query.said) == ("兰州有哪些大学?", "兰州大学。[1]")


@pytest.mark.parametrize("question", ["其他城市有哪些?", "他国的政策如何?", "与其他湖泊相比面积多大?"])
def test_words_that_only_look_like_pronouns_stay(question: str) -> None:
    assert understand(question, conversation("青海湖在哪里?", "在青海省。[1]")).text == question


def test_without_a_conversation_nothing_is_added() -> None:
    assert understand("它是哪年建成的?").text == "它是哪年建成的?"


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("水库的库容是多少,由谁管理?", ["水库的库容是多少", "水库由谁管理?"]),
        ("大桥何时通车?造价是多少?", ["大桥何时通车?", "大桥造价是多少?"]),
        ("在长江上游,大桥有几座?", ["在长江上游,大桥有几座?"]),
        ("这几座大桥,由谁设计?", ["这几座大桥,由谁设计?"]),
        ("大桥有多长?", ["大桥有多长?"]),
        ("多伦多大学历史悠久,校长是谁?", ["多伦多大学历史悠久,校长是谁?"]),
        ("沿江几个县中,哪个县最早通电?", ["沿江几个县中,哪个县最早通电?"]),
        ("大桥由谁设计、谁施工?", ["大桥由谁设计", "大桥谁施工?"]),
    ],
)
def test_two_questions_in_one_are_told_apart(question: str, parts: list[str]) -> None:
    assert [part.text for part in understand(question).parts] == parts


@pytest.mark.parametrize(
    ("text", "language"),
    [("大桥有多长?", "zh"), ("大橋有多長?", "zh-Hant"), ("How long is it?", "en"), ("GDP多少", "zh")],
)
def test_the_language_of_a_question(text: str, language: str) -> None:
    assert language_of(text) == language


def test_noun_phrases_are_spans_of_what_is_asked_about() -> None:
    text = "《水法》规定的节水措施由哪个部门执行?"
    assert [text[s:e] for s, e in noun_phrases(text)][:1] == ["《水法》"]
    assert all(text[s:e].strip() for s, e in noun_phrases(text))


def test_an_english_question_is_matched_by_chinese_words() -> None:
    single = understand("How many universities does the city have?").parts[0]
    assert single.kind == "number"
    assert {"大学", "城市"} & set(single.words.replace("高校", "大学").split())


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("制度後來轉為什麼制度?", "other"),  # 转为 what, not why
        ("書院為什麼遷到南屏?", "reason"),
        ("書院在甚麼地方?", "place"),
        ("書院是甚麼時候建的?", "date"),
        ("書院在湖的哪邊?", "place"),
    ],
)
def test_what_is_asked_in_other_forms_of_the_question_words(question: str, kind: str) -> None:
    assert kind_of(question) == kind
