"""Seven official documents sent file by file over HTTP, then asked about: years that differ are told apart."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings

FOLDER = Path(__file__).parents[2] / "shared" / "corpora" / "official"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the official documents lie beside the project")

ASKED = [  # question, what the answer has to say, what stands in the title or date of the document cited
    ("2022年政府工作报告提出的国内生产总值增长预期目标是多少?", "5.5%左右", "2022"),
    ("2024年的国内生产总值增长预期目标是多少?", "5%左右", "2024"),
    ("2022年城镇新增就业的预期目标是多少?", "1100万人以上", "2022"),
    ("2024年城镇新增就业目标是多少万人?", "1200万人以上", "2024"),
    ("2022年赤字率拟按多少安排?", "2.8%左右", "2022"),
    ("2024年赤字率按多少安排?", "3%", "2024"),
    ("2023年国内生产总值超过多少?", "126万亿元", "2024"),
    ("2021年国内生产总值达到多少?", "114万亿元", "2022"),
    ("重庆市优化营商环境条例什么时候开始施行?", "2021年7月1日", "优化营商环境条例"),
    ("中国(重庆)自由贸易试验区条例自什么时候起施行?", "2019年11月1日", "自由贸易试验区条例"),
    ("成渝金融法院管辖哪些区域的案件?", "双城经济圈", "成渝金融法院"),
    ("进一步全面深化改革的总目标是什么?", "完善和发展中国特色社会主义制度", "深化改革"),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("official")
    settings = Settings(vectors_dir=folder / "vectors", seeds_dir=folder / "none", allowed_hosts=("testserver",))
    with TestClient(create_app(settings)) as client:
        while client.get("/readyz").status_code == 503:
            pass
        for path in sorted(FOLDER.iterdir()):
            response = client.post("/documents", files={"file": (path.name, path.read_bytes())})
            assert response.status_code == 201, response.text
        yield client


@pytest.mark.parametrize(("question", "said", "title"), ASKED)
def test_the_right_document_is_cited(client: TestClient, question: str, said: str, title: str) -> None:
    reply = client.post("/ask", json={"question": question}).json()
    assert reply["answerable"] and said in reply["answer"]
    first = reply["citations"][0]
    assert title in f"{first['title']} {first['published']}"
    for each in reply["citations"]:
        text = client.get(f"/documents/{each['document_id']}").json()["text"]
        assert text[each["start"] : each["end"]] == each["quote"]


def test_what_they_do_not_say_is_refused(client: TestClient) -> None:
    for question in ("火星上有几座城市?", "青江大桥全长多少米?", "哪位作家获得了诺贝尔文学奖?"):
        assert not client.post("/ask", json={"question": question}).json()["answerable"]
