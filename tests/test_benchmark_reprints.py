"""The oracle of the reprints' benchmark is right, and its tables come from a file of articles."""

import json
import lzma
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import reprints as benchmark
from rag.reprints import similarity


def articles() -> list[str]:
    rng = np.random.default_rng(9)
    texts = ["".join(chr(c) for c in rng.integers(0x4E00, 0x9FA5, 200)) for _ in range(12)]
    return [*texts, *(f"{text[n * 4 :]}{text[:9]}" for n, text in enumerate(texts)), f"{texts[0]}共3人{texts[1]}"]


def test_the_oracle_is_every_similarity_there_is() -> None:
    texts = articles()
    exact = benchmark.oracle(texts, range(0, len(texts), 2), 0.5)
    pairs = [(a, b) for a in range(len(texts)) for b in range(a + 1, len(texts)) if a % 2 == 0 or b % 2 == 0]
    true = {pair: similarity(texts[pair[0]], texts[pair[1]]) for pair in pairs}
    assert exact == {pair: share for pair, share in true.items() if share >= 0.5} and len(exact) > 4


def test_the_tables_are_put_between_the_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "corpora").mkdir()
    with lzma.open(tmp_path / "corpora" / "news.jsonl.xz", "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(articles()))
    out = tmp_path / "out.md"
    out.write_text("<!-- reprints: begin -->\n<!-- reprints: end -->\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["reprints", "--shared", str(tmp_path), "--every", "1", "--out", str(out)])
    benchmark.main()
    assert "| articles | 25 |" in out.read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| 0.")]
    assert [row[5] for row in rows[1:4]] == ["1.0000"] * 3 and all(row[6] == "0 |" for row in rows)
    monkeypatch.setattr(sys, "argv", ["reprints", "--shared", str(tmp_path), "--read", "2"])
    benchmark.main()
    assert capsys.readouterr().out.count("== ") <= 2
