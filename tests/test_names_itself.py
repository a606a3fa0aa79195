"""A text that speaks of itself (本条例) is about what its title says, and a report of a year about that year."""

from pathlib import Path

import pytest

from rag.engine import Engine
from rag.grammar import names_itself
from rag.types import Document


@pytest.mark.parametrize(
    ("text", "title", "wanted"),
    [
        ("第三十条 本办法自6月1日起施行。", "青江市城市绿化管理办法", True),
        ("本规划的期限为十年。", "云岭县综合交通规划（2021—2030）", True),
        ("本报告由两部分组成。", "南屏市政府工作报告-2022", True),
        ("本市下列区域不得停车。", "青江市停车管理办法", False),
        ("依照该办法处理。", "青江市城市绿化管理办法", False),
        ("本办法另行公布。", "", False),
        ("本来办法不多。", "办法", False),
    ],
)
def test_a_text_names_itself_by_the_end_of_its_title(text: str, title: str, wanted: bool) -> None:
    assert names_itself(text, title) is wanted


def test_when_a_rule_takes_effect_is_found_in_its_last_article(tmp_path: Path) -> None:
    """The article that says it names neither the city nor the matter."""
    filler = "\n\n".join(
        f"第{n}条 城市绿化主管部门应当加强对公园、道路、河岸绿地的养护管理,及时补种缺株,保持绿地整洁,公布养护标准。"
        "任何单位和个人不得擅自占用城市绿地,确需临时占用的,应当报经批准,并按期恢复原状。"
        for n in range(1, 30)
    )
    passed, begins = "3月2日 青江市人民政府常务会议通过", "第三十条 本办法自2019年6月1日起施行。"
    text = f"青江市城市绿化管理办法\n\n{passed}\n\n{filler}\n\n{begins}"
    engine = Engine.open(tmp_path)
    engine.add([Document(id="green", title="青江市城市绿化管理办法", text=text)])
    answer = engine.ask("青江市城市绿化管理办法什么时候开始施行?")
    assert "2019年6月1日" in answer.text
    engine.close()


@pytest.mark.parametrize(("year", "said"), [("2022", "2600万元"), ("2024", "3100万元")])
def test_a_report_speaks_of_the_year_it_is_of(tmp_path: Path, year: str, said: str) -> None:
    """The sentence names no year but the one that it compares with."""
    engine = Engine.open(tmp_path)
    title, spent = "云岭县图书馆工作报告", "购书经费拟按{}安排,比上年增加200万元。"
    text = f"{title}\n\n馆舍完成修缮。{spent}阅览室全年开放。\n\n送书下乡三十次。"
    engine.add(
        Document(id=date, title=title, text=text.format(amount), published=date)
        for date, amount in (("2022-02-01", "2600万元"), ("2024-02-03", "3100万元"))
    )
    answer = engine.ask(f"云岭县图书馆{year}年的购书经费是多少?")
    assert said in answer.text and str(answer.citations[0].published)[:4] == year
    assert len(answer.citations) == 1
    engine.close()
