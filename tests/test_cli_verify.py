"""``rag verify``: what stays is printed, what goes is told, and the exit code says whether anything went."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli import app

TEXT = "青石大桥全长3.5公里,于2024年3月5日通车。大桥没有设置收费站。"


@pytest.fixture
def passages(tmp_path: Path) -> str:
    rows = [
        {"id": "bridge", "text": TEXT, "title": "青石大桥通车", "published": "2024-03-06"},
        {"text": "图书馆周一闭馆。"},
    ]
    path = tmp_path / "passages.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_what_holds_is_printed(passages: str) -> None:
    result = CliRunner().invoke(
        app, ["verify", "--answer", "-", "--passages", passages], "大桥长3500米。【1】周一闭馆[2]。"
    )
    assert (result.exit_code, result.stdout) == (0, "大桥长3500米。[1]周一闭馆。[2]\n")


def test_what_goes_is_told(passages: str, tmp_path: Path) -> None:
    answer = tmp_path / "answer.txt"
    answer.write_text("大桥长3600米。[1]大桥没有收费站。[1][5]", encoding="utf-8")
    result = CliRunner().invoke(app, ["verify", "--answer", str(answer), "--passages", passages])
    assert (result.exit_code, result.stdout) == (1, "大桥没有收费站。[1]\n")
    assert "dropped, number (3600米): 大桥长3600米。" in result.stderr
    assert "dropped, not retrieved: [5] of 大桥没有收费站。" in result.stderr


def test_json_has_exact_quotes(passages: str) -> None:
    options = ["verify", "--answer", "-", "--passages", passages, "--json"]
    result = CliRunner().invoke(app, options, "大桥没有收费站。[1]周二闭馆。[2]")
    found = json.loads(result.stdout)
    (quote,) = found["kept"][0]["quotes"]
    assert quote["quote"] == TEXT[quote["start"] : quote["end"]] == "大桥没有设置收费站。"
    assert (quote["passage"], quote["id"]) == (1, "bridge")
    assert [(d["reason"], d["detail"]) for d in found["dropped"]] == [("date", "周二")]
    assert result.exit_code == 1 and found["refusal"] is False


@pytest.mark.parametrize("line", ["{", "[]", '{"title": "x"}', '{"text": "x", "published": 3}'])
def test_a_line_that_is_no_passage_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "passages.jsonl"
    path.write_text('{"text": "好。"}\n' + line + "\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["verify", "--answer", "-", "--passages", str(path)], "好。[1]")
    assert result.exit_code == 2 and "line 2" in result.stderr
