"""``rag add``, ``remove``, ``rebuild``, ``index`` and backups, as an operator types them."""

import gzip
import json
import lzma
import os
import zipfile
from pathlib import Path

import pytest
from test_cli import BRIDGE, QUESTION, rag, refusal


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RAG_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def vectors(tmp_path: Path) -> list[str]:
    return ["--vectors", str(tmp_path / "vectors")]


def asked(vectors: list[str]) -> str:
    return rag("ask", QUESTION, "--seeds", "no-seeds", *vectors).stdout


def test_files_are_added_asked_and_removed(tmp_path: Path, vectors: list[str]) -> None:
    file = tmp_path / "桥.txt"
    file.write_text(BRIDGE, encoding="gb18030")
    added = rag("add", str(file), *vectors)
    assert added.exit_code == 0 and "1 added or changed, 0 unchanged, 0 refused; 1 documents" in added.stdout
    id = added.stdout.split()[-1]
    assert "2386米" in asked(vectors) and id in asked(vectors)
    assert "0 added or changed, 1 unchanged" in rag("add", str(file), *vectors).stdout
    assert "id bridge" in rag("add", str(file), "--id", "bridge", *vectors).stdout
    removed = rag("remove", id, "bridge", "nothing", *vectors)
    assert removed.exit_code == 1 and removed.stdout == "2 removed, 0 left\n" and "'nothing'" in removed.stderr
    assert "2386米" not in asked(vectors)


def test_lines_of_json_are_added_packed_or_not(tmp_path: Path, vectors: list[str]) -> None:
    rows = [
        {"id": n, "date": f"2024-05-{n:02}", "text": f"第{n}号公告:水位为{n}厘米。", "station": "白沙"}
        for n in range(1, 9)
    ]
    rows += [{"id": 9, "date": "", "text": "没有日期\x7f的公告:白沙站停用。"}]
    data = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode() + b"\nno json\n{}\n[]\n\n"
    (tmp_path / "a.jsonl").write_bytes(data)
    with lzma.open(tmp_path / "b.jsonl.xz", "wb") as packed:
        packed.write(data)
    with gzip.open(tmp_path / "c.ndjson.gz", "wb") as packed:
        packed.write(data)
    first = rag("add", str(tmp_path / "a.jsonl"), *vectors)
    assert first.exit_code == 1 and "9 added or changed, 0 unchanged, 3 refused" in first.stdout
    assert [line.split(":")[0].rsplit(", ", 1)[-1] for line in first.stderr.splitlines()] == [
        "line 10",
        "line 11",
        "line 12",
    ]
    again = rag("add", str(tmp_path / "b.jsonl.xz"), str(tmp_path / "c.ndjson.gz"), *vectors)
    assert "0 added or changed, 18 unchanged, 6 refused" in again.stdout
    found = json.loads(rag("search", "第3号公告", "--json", "--seeds", "no-seeds", *vectors).stdout)[0]
    assert (found["document_id"], found["published"]) == ("3", "2024-05-03")
    (tmp_path / "cut.jsonl.xz").write_bytes((tmp_path / "b.jsonl.xz").read_bytes()[:-20])
    assert "unpacked" in rag("add", str(tmp_path / "cut.jsonl.xz"), *vectors).stderr


def test_folders_and_zips_are_added(tmp_path: Path, vectors: list[str]) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    (folder / "sub" / "tea.md").write_text("# 云岭茶\n\n云岭县现有茶园12.8万亩。\n", encoding="utf-8")
    (folder / "broken.txt").write_bytes(b"\x00\xff\x00")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        packed.write(folder / "bridge.txt", "bridge.txt")
        packed.writestr("x.exe", b"MZ")
    result = rag("add", str(folder), str(tmp_path / "all.zip"), *vectors)
    assert result.exit_code == 1 and "2 added or changed, 1 unchanged, 2 refused; 2 documents" in result.stdout
    assert "broken.txt" in result.stderr and "x.exe" in result.stderr
    assert "--id" in refusal("add", str(folder), "--id", "x", *vectors)


def test_generations_and_backups_from_the_terminal(tmp_path: Path, vectors: list[str]) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    assert rag("index", "list", *vectors).stdout == "No generation was written yet.\n"
    assert "1 added or changed" in rag("rebuild", "--seeds", str(seeds), *vectors).stdout
    assert "1 added or changed" in rag("rebuild", "--full", "--seeds", str(seeds), *vectors).stdout
    listed = rag("index", "list", *vectors).stdout.splitlines()
    assert [line[0] for line in listed] == ["*", " "] and "1 documents" in listed[0]
    rows = json.loads(rag("index", "list", "--json", *vectors).stdout)
    assert [row["current"] for row in rows] == [True, False]
    assert rows[1]["name"] in rag("index", "rollback", *vectors).stdout
    assert "no generation" in refusal("index", "rollback", "x", *vectors)
    saved = str(tmp_path / "saved")
    assert rag("backup", saved, *vectors).exit_code == 0
    assert "exists" in refusal("backup", saved, *vectors)
    rag("remove", "bridge.txt", *vectors)
    assert rag("restore", saved, *vectors).stdout.startswith("1 documents restored")
    assert "2386米" in asked(vectors)
    assert rag("index", "gc", *vectors).stdout.startswith("1 generations and 0 vectors deleted")
    assert {line.split(": ")[1] for line in rag("index", "verify", *vectors).stdout.splitlines()} == {"whole"}
    name = json.loads(rag("index", "list", "--json", *vectors).stdout)[0]["name"]
    (tmp_path / "vectors" / "generations" / name / "keys.npy").write_bytes(b"")
    assert rag("index", "verify", *vectors).exit_code == 1


def test_a_file_that_holds_no_document_is_told_so(tmp_path: Path, vectors: list[str]) -> None:
    (tmp_path / "none.jsonl").write_text("\n\n", encoding="utf-8")
    said = rag("add", str(tmp_path / "none.jsonl"), *vectors)
    assert said.exit_code == 2 and "No document is in what was named" in said.stderr
