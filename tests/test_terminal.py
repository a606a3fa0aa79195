"""Nothing that documents or file names hold steers the terminal."""

import io
import json
import logging
import re
import unicodedata
from pathlib import Path

import pytest
from typer.testing import CliRunner

import service.cli
from rag.engine import Engine
from rag.types import Document
from service import logs
from service.cli import app
from service.printable import escape_json, make_one_line, make_printable

STEERING = [
    "\x1b[2J", "\x1b]52;c;aGk=\x07", "\x9b31m", "\x9d0;x\x9c", "\x07", "\x08\x08", "a\rb", "\x7f", "\x0b\x0c", "\x00",
    "\x84", "\x85", "\x1bP1$r\x1b\\", "\x1bc", "\u202eabc", "\u2066x\u2069", "\u200f", "\u061c", "\u2028", "\udc80",
]  # fmt: skip


def steers(text: str) -> bool:
    """Say whether a terminal would obey a character of the text."""
    return any(c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text)


@pytest.mark.parametrize("text", STEERING)
def test_steering_characters_are_shown_not_obeyed(text: str) -> None:
    shown = make_printable(f"甲{text}乙\n丙\t丁")
    assert shown.startswith("甲") and shown.endswith("乙\n丙\t丁") and not steers(shown)
    assert make_one_line(f"甲{text}\n乙").count("\n") == 0
    assert json.loads(escape_json(json.dumps({"a": text}, ensure_ascii=False))) == {"a": text}
    assert not steers(escape_json(json.dumps([text], ensure_ascii=False)))


def test_text_without_them_stays() -> None:
    text = "重庆，𝒜 é 👩\u200d🔬\n\t« »"
    assert make_printable(text) == text and escape_json(text) == text


@pytest.mark.parametrize("text", STEERING)
def test_a_log_line_can_neither_steer_nor_be_forged(text: str) -> None:
    logger, stream = logging.Logger("t"), io.StringIO()
    settings = logs.config("info")["formatters"]["line"]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(settings["()"](settings["fmt"]))
    logger.addHandler(handler)
    logger.warning("seed %s was not indexed: %s", f"桥{text}\n2026-01-01 INFO service: ready", text)
    assert stream.getvalue().count("\n") == 1 and not steers(stream.getvalue())
    try:
        raise ValueError(f"桥{text}")
    except ValueError:
        logger.exception("failed")
    assert "Traceback" in stream.getvalue() and not steers(stream.getvalue())


def test_nothing_is_printed_past_the_one_way() -> None:
    """A command that prints by itself would let through what documents hold."""
    folder = Path(service.cli.__file__).parent
    sources = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    assert len(sources) > 8
    assert [name for name, text in sources.items() if re.search(r"\becho\(|\bprint\(|std(?:out|err)\.write", text)] == [
        "terminal.py"
    ]


def test_texts_and_titles_reach_the_terminal_harmless(tmp_path: Path) -> None:
    name = tmp_path / "桥\x1b]0;owned\x07.txt"
    name.write_bytes(b"\x00\x1b[2J")
    text = "青江大桥\n\n青江大桥全长2386米\x1b]52;c;aGk=\x07,横跨青江。\n"
    engine = Engine.open(tmp_path / "v")
    engine.add([Document("bridge", text, title="大桥\x1b[2J", source="日报\x9b31m")])
    engine.close()
    run, where = CliRunner(), ["--vectors", str(tmp_path / "v")]
    outputs = [run.invoke(app, ["add", str(name), *where])]
    outputs += [run.invoke(app, ["ask", "青江大桥全长多少米?", *where]), run.invoke(app, ["search", "大桥", *where])]
    outputs += [run.invoke(app, ["remove", "\x1b[2Jnone", *where])]
    outputs += [run.invoke(app, ["search", "大桥", "--json", *where]), run.invoke(app, ["duplicates", *where])]
    for result in outputs:
        assert not steers(result.output)
    assert json.loads(outputs[4].stdout)[0]["title"] == "大桥\x1b[2J"
    assert "2386" in outputs[1].output


def test_every_command_that_names_documents_prints_them_harmless(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    text = "青江大桥建成通车\n\n青江大桥全长2386米,双向六车道,横跨青江,连接南北两岸,\x1b[31m方便出行。\n" * 3
    for name in ("一\x1b[2J.txt", "二\x9b31m\n三.txt", "四\u202e.txt"):
        (seeds / name).write_text(text, encoding="utf-8")
    (seeds / "坏\x1b]0;x\x07.pdf").write_bytes(b"%PDF-\x1b[2J")
    (tmp_path / "p\x1b[2J.jsonl").write_text(
        json.dumps({"id": "\x1bx", "text": "大桥"}) + "\n\x1b[2J\n", encoding="utf-8"
    )
    where = ["--seeds", str(seeds), "--vectors", str(tmp_path / "v")]
    only_vectors = where[2:]
    run = CliRunner()
    for arguments in (
        ["build", *where], ["rebuild", *where], ["duplicates", *where], ["duplicates", "--json", *where],
        ["ask", "青江大桥全长多少米?", *where], ["ask", "青江大桥全长多少米?", "--json", *where],
        ["search", "大桥", *where], ["add", str(tmp_path / "p\x1b[2J.jsonl"), *only_vectors],
        ["index", "list", *only_vectors], ["index", "verify", *only_vectors],
        ["backup", str(tmp_path / "b\x1b[2J"), *only_vectors],
        ["restore", str(tmp_path / "\x1b[2Jnone"), *only_vectors],
        ["build", "--seeds", str(tmp_path / "\x1b[2Jnone"), *only_vectors],
    ):  # fmt: skip
        result = run.invoke(app, arguments)
        assert result.output and not steers(result.output), arguments
        assert result.exception is None or isinstance(result.exception, SystemExit), arguments
