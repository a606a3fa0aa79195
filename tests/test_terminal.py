"""Nothing that documents or file names hold steers the terminal."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from rag.engine import Engine
from rag.types import Document
from service.cli import app
from service.cli.terminal import make_printable


@pytest.mark.parametrize(
    "text",
    ["\x1b[2J", "\x1b]52;c;aGk=\x07", "\x9b31m", "\x07", "\x08", "a\rb", "\x7f", "\u202eabc", "\x1bP1$r\x1b\\", "\x84"],
)
def test_steering_characters_are_shown_not_obeyed(text: str) -> None:
    shown = make_printable(f"甲{text}乙\n丙\t丁")
    assert "\n" in shown and "\t" in shown and "甲" in shown
    assert not any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 or c == "\u202e" for c in shown)


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
    for result in outputs:
        assert "\x1b" not in result.output and "\x07" not in result.output
    assert "2386" in outputs[1].output
