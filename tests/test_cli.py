"""The command ``rag``: what it prints, what it refuses and how, and that help costs nothing."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner, Result

from service.cli import app

QUESTION = "青江大桥全长多少米?"
BRIDGE = "青江大桥建成通车\n\n10月8日,青江大桥正式通车。青江大桥全长2386米,双向六车道。\n"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RAG_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    return folder


@pytest.fixture
def folders(seeds: Path, tmp_path: Path) -> list[str]:
    return ["--seeds", str(seeds), "--vectors", str(tmp_path / "vectors")]


@pytest.fixture
def questions(tmp_path: Path) -> str:
    """A file with one question."""
    item = {"id": "1", "question": QUESTION, "kind": "number", "answerable": True}
    item |= {"evidence": ["青江大桥全长2386米"], "must_include": [["2386米"]]}
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps(item, ensure_ascii=False) + "\n", encoding="utf-8")
    return str(path)


def rag(*arguments: str, environment: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False)


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    vectors = ["--vectors", str(tmp_path)]
    closed = {"RAG_HOST": "0.0.0.0", "RAG_API_KEYS": ""}  # as in a container that has no key yet
    made = rag("key", "add", "reader", *vectors, environment=closed)
    key = made.stdout.strip()
    assert made.exit_code == 0 and len(key) >= 43 and key not in made.stderr
    assert rag("key", "add", "writer", "--scope", "write", *vectors).exit_code == 0
    listed = rag("key", "list", *vectors, environment={"RAG_API_KEYS": "bare-key-of-16-characters"}).stdout
    assert re.search(r"^RAG_API_KEYS 1  write .*\nreader  read .*\nwriter  write ", listed) and key not in listed
    assert "1 left" in rag("key", "revoke", "reader", *vectors).stdout
    last = rag("key", "revoke", "writer", *vectors)
    assert "0 left" in last.stdout and "Nobody gets in now" in last.stderr
    rows = json.loads(rag("key", "list", "--json", *vectors).stdout)
    assert [(row["name"], row["scope"], bool(row["revoked"])) for row in rows] == [
        ("reader", "read", True), ("writer", "write", True),
    ]  # fmt: skip
    assert "sha256" not in rows[0]
    assert "There is no key 'reader'" in refusal("key", "revoke", "reader", *vectors)
    assert "RAG_HOST" in refusal("serve", *vectors, environment={"RAG_HOST": "0.0.0.0"})


def refusal(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """The one line that a command prints when it cannot go on."""
    result = rag(*arguments, environment=environment)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("rag: ") and result.stderr.count("\n") == 1
    return result.stderr


def process(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from service.cli import main; main()", *arguments]


# What works


def test_build_says_what_it_did(seeds: Path, folders: list[str]) -> None:
    assert "1 added or changed, 0 unchanged, 0 removed" in rag("build", *folders).stdout
    (seeds / "second.md").write_text("# 云岭茶\n\n云岭县现有茶园12.8万亩。\n", encoding="utf-8")
    assert "1 added or changed, 1 unchanged, 0 removed" in rag("build", *folders).stdout
    (seeds / "bridge.txt").unlink()
    assert "0 added or changed, 1 unchanged, 1 removed" in rag("build", *folders).stdout
    assert "1 added or changed, 0 unchanged, 0 removed" in rag("build", "--full", *folders).stdout


def test_build_names_a_file_that_cannot_be_read_and_fails_after_doing_the_rest(seeds: Path, folders: list[str]) -> None:
    (seeds / "broken.txt").write_bytes(b"\x00\x01\x02\xff" * 100)
    result = rag("build", *folders)
    assert result.exit_code == 1
    assert result.stderr.startswith("refused broken.txt: ")
    assert "1 added" in result.stdout and "1 refused" in result.stdout


def test_ask_indexes_first_and_shows_answer_and_citation(folders: list[str]) -> None:
    result = rag("ask", QUESTION, *folders)
    assert result.exit_code == 0
    assert "2386米" in result.stdout.splitlines()[0] and "[1]" in result.stdout
    assert "bridge.txt" in result.stdout


def test_ask_as_json_holds_an_exact_quote(seeds: Path, folders: list[str]) -> None:
    answer = json.loads(rag("ask", QUESTION, "--json", *folders).stdout)
    assert answer["answerable"]
    assert answer["citations"][0]["quote"] in BRIDGE


def test_search_shows_passages_best_first(folders: list[str]) -> None:
    assert rag("search", "大桥 通车", *folders).stdout.startswith("1. ")
    passages = json.loads(rag("search", "大桥 通车", "--json", "--top-k", "1", *folders).stdout)
    assert [passage["document_id"] for passage in passages] == ["bridge.txt"]


def test_eval_prints_the_figures(folders: list[str], questions: str) -> None:
    figures = json.loads(rag("eval", questions, *folders).stdout)
    assert (figures["questions"], figures["verbatim"], figures["recall@1"]) == (1, 1.0, 1.0)


def test_eval_measures_documents_that_are_loaded_without_seeds(tmp_path: Path, questions: str) -> None:
    documents = tmp_path / "documents.jsonl"
    documents.write_text(json.dumps({"id": "bridge", "text": BRIDGE}), encoding="utf-8")
    folders = ["--seeds", str(tmp_path / "none"), "--vectors", str(tmp_path / "vectors")]
    result = rag("eval", questions, "--load", str(documents), *folders)
    assert json.loads(result.stdout)["recall@1"] == 1.0


def test_flags_win_over_the_environment(folders: list[str], tmp_path: Path) -> None:
    environment = {"RAG_SEEDS_DIR": str(tmp_path / "none")}
    assert rag("ask", QUESTION, *folders, environment=environment).exit_code == 0


# What is refused, in one line


@pytest.mark.parametrize("command", [("build",), ("ask", QUESTION), ("search", "大桥")])
def test_a_missing_seeds_folder_is_named(command: tuple[str, ...], tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    assert missing in refusal(*command, "--seeds", missing, "--vectors", str(tmp_path / "vectors"))


@pytest.mark.parametrize("command", [("build",), ("ask", QUESTION), ("serve",)])
def test_a_folder_of_vectors_that_cannot_be_written_is_named(command: tuple[str, ...], seeds: Path) -> None:
    file = str(seeds / "bridge.txt")
    said = refusal(*command, "--seeds", str(seeds), "--vectors", f"{file}/vectors")
    assert file in said and "RAG_VECTORS_DIR" in said


def test_a_damaged_record_is_named(folders: list[str]) -> None:
    rag("build", *folders)
    for path in Path(folders[-1]).glob("library.sqlite3*"):
        path.write_bytes(b"no record" * 1000)
    assert "library.sqlite3" in refusal("ask", QUESTION, *folders)


@pytest.mark.parametrize("question", ["", "  ", "长" * 2001])
def test_a_question_of_the_wrong_length_is_refused(question: str, folders: list[str]) -> None:
    assert "1 to 2000" in refusal("ask", question, *folders)


def test_a_wrong_setting_is_named_with_its_value() -> None:
    said = refusal("serve", environment={"RAG_PORT": "eighty"})
    assert "RAG_PORT=eighty" in said and "integer" in said
    assert "RAG_PORT=99999" in refusal("serve", "--port", "99999")


def test_listening_for_others_without_a_key_is_refused() -> None:
    assert "RAG_ALLOW_ANONYMOUS" in refusal("serve", "--host", "0.0.0.0")


def test_a_taken_port_is_named(folders: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refusal("serve", "--port", port, *folders)
    assert port in said and "taken" in said


def test_a_line_that_is_no_document_is_named(folders: list[str], tmp_path: Path, questions: str) -> None:
    documents = tmp_path / "documents.jsonl"
    documents.write_text('{"id": "a", "text": "b"}\n{"name": 1}\n', encoding="utf-8")
    assert "line 2" in refusal("eval", questions, "--load", str(documents), *folders)


# As a process


def test_ctrl_c_ends_the_service_in_order(folders: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = process("serve", "--port", port, *folders)
    service = subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", env=os.environ | {"PYTHONUTF8": "1"})
    assert service.stderr
    said = ""
    while f"{port}/ask" not in said:
        line = service.stderr.readline()
        said += line
        assert line and "ERROR" not in line, said
    service.send_signal(signal.SIGINT)
    said += service.communicate(timeout=20)[1]
    assert service.returncode == 0, said
    assert f"http://127.0.0.1:{port}/ask" in said
    assert "Traceback" not in said


def test_a_reader_that_stops_early_sees_no_complaint(folders: list[str]) -> None:
    rag("build", *folders)
    searching = subprocess.Popen(process("search", "大桥", *folders), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert searching.stdout and searching.stderr
    searching.stdout.close()
    complaint = searching.stderr.read()
    searching.stderr.close()
    assert searching.wait(20) == 1
    assert complaint == b""


def test_a_question_is_answered_in_one_thread(folders: list[str]) -> None:
    code = """
import threadpoolctl
from service.cli import main

try:
    main()
finally:
    pools = [pool for pool in threadpoolctl.threadpool_info() if "numpy" in pool["filepath"]]
    print(max((pool["num_threads"] for pool in pools), default=1))
"""
    command = [sys.executable, "-c", code, "ask", QUESTION, *folders]
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    out = subprocess.run(command, check=True, capture_output=True, encoding="utf-8", env=environment).stdout
    assert out.splitlines()[-1] == "1"


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = "import sys; from service.cli import app; app(['--help'], standalone_mode=False); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, encoding="utf-8").stdout
    loaded = set(out.splitlines()[-1].split())
    assert "service.cli" in loaded
    assert loaded & {"torch", "numpy", "faiss", "sqlalchemy", "fastapi", "pydantic", "sentence_transformers"} == set()

    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(process("--help"), check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    assert min(times) <= 0.5


@pytest.mark.parametrize("command", ["build", "ask", "search", "serve", "eval"])
def test_every_command_explains_itself(command: str) -> None:
    assert command in rag("--help").stdout
    text = rag(command, "--help").stdout
    assert "--seeds" in text and "--vectors" in text


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_address_is_printed_when_questions_are_answered(folders: list[str], workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = process("serve", "--port", port, "--workers", workers, "--root-path", "/kb/", *folders)
    service = subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", env=os.environ | {"PYTHONUTF8": "1"})
    assert service.stderr
    try:
        said = line = ""
        while f"curl -s http://127.0.0.1:{port}/kb/ask" not in line:
            line = service.stderr.readline()
            said += line
            assert line, said
        for _ in range(20):  # several connections, so that each process gets some
            with urlopen(f"http://127.0.0.1:{port}/kb/readyz", timeout=20) as response:
                assert response.status == 200
    finally:
        service.terminate()
        said += service.communicate(timeout=30)[1]
    assert said.count(f"http://127.0.0.1:{port}/kb/\n") == said.count("/kb/ask") == 1


def test_make_says_what_pip_does() -> None:
    made = subprocess.run(
        ["make", "-n", "-B", "serve"], cwd=Path(__file__).parents[1], capture_output=True, encoding="utf-8", check=True
    )
    installing = [line for line in made.stdout.splitlines() if "pip install" in line]
    assert installing and not [line for line in installing if re.search(r"\s(-q+|--quiet)\b", line)]
    assert "rag serve" in made.stdout
